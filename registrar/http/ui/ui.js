// SPDX-License-Identifier: BSD-2-Clause
/*
 * The page. What the API says is put into it as text, never as HTML.
 *
 * It is live while the server answers a question each second (`beat`); what
 * changes is told at once by server-sent events (`follow`), and looked up
 * then (`refresh`). As soon as no answer comes, all that is shown is marked
 * as what it is: old.
 */
"use strict";

const API = "../api/v1/";
const BEAT_MS = 500;
const PATIENCE_MS = 900; /* for the answer to a beat */
const SILENT_MS = 1500;
const GAP_MS = 150; /* between looks, and 4 times what the last one took */
const DAY_MS = 86400000;

const $ = (id) => document.getElementById(id);
const now = () => performance.now();

let token = sessionStorage.getItem("token") || "";
let view = { name: "", service: null, q: "", after: "", at: "" };
let heard = 0;      /* when the last beat was answered; 0: not yet */
let clock = 0;      /* of the server, less ours */
let asOf = 0;       /* of the server, of what is shown */
let seen = "";      /* what the programs told of themselves, when shown */
let shown = -1;     /* revision */
let zone = "";
let rights = [];
let stream = null;
let generation = 0; /* of the view: late answers to another are dropped */

/* ---- elements --------------------------------------------------------- */

function h(tag, attributes, ...children) {
	const e = document.createElement(tag);

	for (const [k, v] of Object.entries(attributes || {})) {
		if (k === "on")
			e.addEventListener(v[0], v[1]);
		else if (v !== null && v !== undefined && v !== false)
			e.setAttribute(k, v === true ? "" : v);
	}
	e.append(...children.flat(Infinity).filter((c) => c !== null));
	return e;
}

function svg(tag, attributes, ...children) {
	const e = document.createElementNS("http://www.w3.org/2000/svg", tag);

	for (const [k, v] of Object.entries(attributes))
		e.setAttribute(k, v);
	e.append(...children);
	return e;
}

const plural = (n, word) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;

function duration(ms) {
	const s = Math.max(0, Math.round(ms / 1000));

	if (s < 120)
		return `${s} s`;
	if (s < 7200)
		return `${Math.floor(s / 60)} min`;
	if (s < 172800)
		return `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`;
	return `${Math.floor(s / 86400)} d`;
}

/* UTC, as the commands have it. */
function time(ms) {
	const text = new Date(ms).toISOString();

	return Math.abs(Date.now() + clock - ms) < DAY_MS / 2 ?
		text.slice(11, 19) : text.slice(0, 19).replace("T", " ");
}

function since(ms) {
	return ms ? h("span", { class: "nowrap", "data-since": ms, title:
		`${new Date(ms).toISOString()}` }) : "";
}

function until(ms) {
	return h("span", { class: "nowrap", "data-until": ms, title:
		`${new Date(ms).toISOString()}` });
}

const state = (name, text) =>
	h("span", { class: `state ${name.replace(/[^a-z]/g, "-")}` }, text || name);

const cell = (label, attributes, ...children) =>
	h("td", { "data-l": label, ...attributes }, ...children);

function table(caption, heads, rows) {
	return h("table", { "aria-label": caption },
		h("thead", {}, h("tr", {}, heads.map((t) => h("th",
			{ scope: "col", class: /^(answer|weight)$/.test(t) ?
				"n" : null }, t)))),
		h("tbody", {}, rows));
}

const nameOf = (s) => s.zone === zone || !zone ?
	s.name || s.service : `${s.name || s.service}.${s.zone}`;
const linkOf = (s) => `#/service/${encodeURIComponent(nameOf(s))}`;

/* Each second, and after each look. */
function tick() {
	const at = Date.now() + clock;

	for (const e of document.querySelectorAll("[data-since]")) {
		const ms = Number(e.dataset.since);

		e.textContent = `${time(ms)} · ${duration(at - ms)} ago`;
	}
	for (const e of document.querySelectorAll("[data-until]")) {
		const ms = Number(e.dataset.until);

		e.textContent = ms > at ? `in ${duration(ms - at)}` :
			`${duration(at - ms)} ago`;
	}
}

/* What has the focus keeps it, and what was typed. */
function show(...children) {
	const focus = document.activeElement && document.activeElement.dataset.key;

	$("main").replaceChildren(...children.filter((c) => c !== null));
	tick();
	if (focus) {
		for (const e of document.querySelectorAll("[data-key]")) {
			if (e.dataset.key === focus)
				e.focus({ preventScroll: true });
		}
	}
}

/* ---- asking ----------------------------------------------------------- */

class Refused extends Error {
	constructor(status, text) {
		super(text);
		this.status = status;
	}
}

async function ask(path, options = {}) {
	const headers = { ...options.headers };

	if (token)
		headers.Authorization = `Bearer ${token}`;
	const got = await fetch(API + path, { cache: "no-store",
		credentials: "same-origin", ...options, headers });

	if (!got.ok) {
		let text = `${got.status}`;

		try {
			text = (await got.json()).detail || text;
		} catch (e) { /* of a proxy, then */ }
		throw new Refused(got.status, text);
	}
	return got;
}

const read = async (path, options) => (await ask(path, options)).json();

/* ---- live or not ------------------------------------------------------ */

function say(why) {
	const dead = why !== null;

	$("live").textContent = dead ? "not live" : "live";
	$("live").className = dead ? "" : "on";
	document.body.classList.toggle("stale", dead);
	$("dead").hidden = !dead;
	if (dead) {
		const text = `Not live: ${why}. ` + (asOf ?
			`What stands below was so at ${time(asOf)} UTC.` :
			"Nothing is known yet.");

		if ($("dead").textContent !== text)
			$("dead").textContent = text;
	}
	document.title = `${dead ? "(not live) " : ""}` +
		`${view.service ? `${view.service} · ` : ""}Rollcall`;
}

function fail(e) {
	heard = 0;
	if (e instanceof Refused) {
		if (e.status === 401)
			$("who").open = true;
		say(e.message);
	} else {
		say("the server does not answer");
	}
}

async function beat() {
	const service = view.service ?
		`?service=${encodeURIComponent(view.service)}` : "";
	const mine = generation;

	try {
		const told = await read(`programs${service}`,
			{ signal: AbortSignal.timeout(PATIENCE_MS) });
		const was = heard;

		if (mine !== generation)
			return;
		heard = now();
		clock = told.now_wall_ms - Date.now();
		const fresh = JSON.stringify([told.may,
			told.registrars.map((r) => [r.name, r.state, r.trouble,
				r.last_error]),
			told.dnsd.map((d) => [d.pid, d.state, d.trouble, d.zones]),
			told.refused_definitions]);

		rights = told.may;
		/* a change is told by the stream; this is for when it is not */
		if (fresh !== seen || told.revision !== shown || !was) {
			seen = fresh;
			refresh();
		}
		/* browsers have some six connections to a server: those who are
		 * looked at have them */
		if (!stream && !document.hidden)
			follow(told.revision);
	} catch (e) {
		if (mine === generation)
			fail(e);
	}
}

function watchdog() {
	if (heard && now() - heard > SILENT_MS) {
		heard = 0;
		say("the server does not answer");
	}
}

/* Server-sent events: by fetch(), which can send a token. */
async function follow(revision) {
	const mine = stream = { at: revision, abort: new AbortController() };
	const service = view.service ?
		`service=${encodeURIComponent(view.service)}&` : "";

	try {
		const got = await ask(`watch?${service}since=${revision}`,
			{ signal: mine.abort.signal });
		const reader = got.body.getReader();
		const text = new TextDecoder();
		let rest = "";

		for (;;) {
			const { done, value } = await reader.read();

			if (done)
				break;
			rest += text.decode(value, { stream: true });
			const end = rest.lastIndexOf("\n\n");

			if (end < 0)
				continue;
			/* a line of a comment keeps the connection alive */
			if (/^event: /m.test(rest.slice(0, end)))
				refresh();
			rest = rest.slice(end + 2);
		}
	} catch (e) { /* the next beat says whether that means anything */ }
	if (stream === mine)
		stream = null;
}

/* ---- looking ---------------------------------------------------------- */

let looking = false, again = false, last = 0, took = 0;

function refresh() {
	if (looking) {
		again = true;
		return;
	}
	looking = true;
	const wait = Math.max(0, last + Math.max(GAP_MS, 4 * took) - now());

	setTimeout(look, last ? wait : 0);
}

async function look() {
	const start = now(), mine = generation;

	again = false;
	try {
		await (view.service ? lookService : lookOverview)(mine);
		if (mine === generation && heard)
			say(null);
	} catch (e) {
		shown = -1; /* so that the next beat looks again */
		if (mine === generation && e instanceof Refused &&
		    e.status === 404)
			showMissing(e);
		else if (mine === generation)
			fail(e);
	}
	last = now();
	took = last - start;
	looking = false;
	if (again || mine !== generation)
		refresh();
}

/* ---- everything ------------------------------------------------------- */

function verdict(o) {
	const silent = o.dnsd.filter((d) => !/^(answers|ended)$/.test(d.state)).length;
	const doubts = o.doubts.filter((d) => d.code !== "dnsd-unknown");
	let kind = "well", text = "All well", more;

	if (o.bad_n) {
		kind = "bad";
		text = `${plural(o.bad_n, "service")} in trouble`;
	} else if (o.doubtful || doubts.length || silent || o.broken.length ||
	    o.disagreements_n || o.refused_definitions.length) {
		kind = "doubt";
		text = "Look here";
	} else if (!o.services_n) {
		kind = "none";
		text = "Nobody is here yet";
	}
	const n = Object.values(o.states).reduce((a, b) => a + b, 0);

	more = o.services_n ? `${plural(o.services_n, "service")}, ` +
		`${plural(n, "instance")}` : "No service is registered.";
	const unlit = o.dnsd.length ? "" :
		" No dnsd tells of itself beside this registry.";

	return h("div", { class: `verdict ${kind}`, id: "verdict" },
		h("h1", {}, text), h("p", {}, more + unlit));
}

function doubtful(o) {
	/* what is refused stands in a table of its own, where all is shown */
	const lines = [
		...o.doubts.filter((d) => d.code !== "dnsd-unknown" &&
			(d.code !== "definition-refused" || view.service)).map((d) => d.text),
		...o.broken];

	return lines.length ? h("section", { id: "doubts" },
		h("h2", {}, "To be known first"),
		h("ul", { class: "why" }, lines.map((t) => h("li", {}, t)))) : null;
}

function problems(o) {
	if (!o.problems.length)
		return null;
	const rows = o.problems.map((p) => h("tr", {},
		h("th", { scope: "row" }, h("a", { href: linkOf(p),
			"data-key": `p ${p.zone} ${p.service} ${p.instance}` },
			p.instance ? `${nameOf(p)}/${p.instance}` : nameOf(p))),
		cell("state", {}, state(p.state)),
		cell("since", {}, since(p.since_wall_ms)),
		cell("why", {}, p.reason || (p.instance ?
			"its row says so; no check gave a reason" :
			"no instance of it can be in an answer"))));
	const more = o.problems_n - o.problems.length;

	return h("section", { id: "problems" }, h("h2", {}, "What is wrong"),
		table("What is wrong", ["who", "state", "since", "why"], rows),
		more > 0 ? h("p", { class: "dim" }, `and ${more} more`) : null);
}

function refusals(o) {
	if (!o.refused_definitions.length)
		return null;
	return h("section", { id: "refused" },
		h("h2", {}, "Refused definitions"),
		table("Refused definitions", ["file", "since", "why"],
			o.refused_definitions.map((r) => h("tr", {},
				h("th", { scope: "row" }, r.file),
				cell("since", {}, since(r.since_wall_ms)),
				cell("why", {}, r.message)))));
}

function disagreements(list) {
	if (!list.length)
		return null;
	return h("section", { id: "disagreements" },
		h("h2", {}, "Disagreements"),
		table("Disagreements", ["about", "who", "says"],
			list.map((d) => h("tr", {}, h("th", { scope: "row" },
				[d.service && nameOf(d), d.instance]
					.filter((t) => t).join("/") ||
					"the service"),
				cell("who", {}, d.source),
				cell("says", {}, d.says)))));
}

function states(counts) {
	const order = ["critical", "dead", "expired", "warning", "starting"];
	const rank = (k) => (order.indexOf(k) + 1) || 9;

	return Object.keys(counts).sort((a, b) => rank(a) - rank(b) ||
		(a < b ? -1 : 1)).map((k) => state(k, `${counts[k]} ${k}`));
}

function address(q, after) {
	const p = new URLSearchParams();

	if (q)
		p.set("q", q);
	if (after)
		p.set("after", after);
	return `#/${p.size ? `?${p}` : ""}`;
}

function services(o) {
	const rows = o.services.map((s) => h("tr", {},
		h("th", { scope: "row" }, h("a", { href: linkOf(s), "data-row": true,
			"data-key": `s ${s.zone} ${s.name}` }, nameOf(s))),
		cell("instances", { class: "state-cell" }, states(s.states)),
		cell("answer", { class: "n" }, `${s.eligible_n} of ${s.instances_n}`),
		cell("weight", { class: "n" }, `${s.weight}`),
		cell("changed", {}, since(s.since_wall_ms))));
	const what = view.q ? `${plural(o.matches_n, "service")} with “${view.q}”` :
		`${plural(o.services_n, "service")}`;

	return h("section", { id: "services" }, h("h2", {}, what),
		rows.length ? table("Services",
			["service", "instances", "answer", "weight", "changed"],
			rows) : h("p", { class: "dim" }, "None."),
		view.after || o.next ? h("nav", { class: "pages",
			"aria-label": "Pages" },
			view.after ? h("a", { href: address(view.q, ""),
				"data-key": "first" }, "« first page") : null,
			o.next ? h("a", { href: address(view.q, o.next), id: "next",
				"data-key": "next" }, "next page »") : null) : null);
}

function program(name) {
	const text = { gone: "its process is gone", stalled: "hangs",
		blocked: "cannot write" };

	return state(/^(heard|answers)$/.test(name) ? "passing" : "dead",
		text[name] || name);
}

function programs(o) {
	const rows = [
		...o.registrars.map((r) => h("tr", {},
			h("th", { scope: "row" }, `registrar ${r.name}`),
			cell("state", {}, program(r.state)),
			cell("heard", {}, since(r.heard_wall_ms)),
			cell("version", {}, `${r.version}, pid ${r.pid}`),
			cell("trouble", {}, r.trouble || r.last_error || ""))),
		...o.dnsd.map((d) => h("tr", {},
			h("th", { scope: "row" }, `dnsd ${d.addresses.join(", ")}`),
			cell("state", {}, program(d.state)),
			cell("heard", {}, since(d.heard_wall_ms)),
			cell("version", {}, `${d.version}, pid ${d.pid}`),
			cell("trouble", {}, d.trouble || d.last_error || "")))];

	return rows.length ? h("section", { id: "programs" },
		h("h2", {}, "Programs"), table("Programs",
			["program", "state", "heard", "version", "trouble"],
			rows)) : null;
}

async function lookOverview(mine) {
	const p = new URLSearchParams({ limit: 100 });

	if (view.q)
		p.set("q", view.q);
	if (view.after)
		p.set("after", view.after);
	const o = await read(`overview?${p}`);

	if (mine !== generation)
		return;
	zone = o.zone;
	asOf = o.now_wall_ms;
	shown = o.revision;
	show(verdict(o), doubtful(o), problems(o), refusals(o),
		disagreements(o.disagreements), services(o), programs(o));
}

/* ---- one service ------------------------------------------------------ */

function showMissing(e) {
	asOf = Date.now() + clock;
	say(heard ? null : "the server does not answer");
	show(h("div", { class: "verdict none", id: "verdict" },
		h("h1", {}, view.service), h("p", {}, e.message)),
	h("p", {}, h("a", { href: "#/" }, "all services")));
}

function answers(s, x) {
	const srv = x.instances.filter((i) => i.in.includes("SRV"));
	const of = (type, value) => {
		const a = x.answers[type];

		if (!a)
			return [];
		return [h("dt", {}, type), h("dd", {}, a.instances_n ?
			h("pre", {}, value.join("\n")) : a.empty || "nothing")];
	};
	const by = new Map(s.instances.map((i) => [i.name, i]));
	const addresses = (type, key) => x.instances
		.filter((i) => i.in.includes(type))
		.map((i) => by.get(i.name) && by.get(i.name)[key])
		.filter((a) => a);

	return h("section", { id: "answers" }, h("h2", {}, "What DNS answers now"),
		x.served === false ? h("p", { class: "danger" },
			"No dnsd here answers for this zone.") : null,
		h("dl", {},
			of("SRV", srv.map((i) => `${i.priority} ${i.weight} ` +
				`${i.port} ${i.name}.${s.name}.${s.zone}`)),
			of("A", addresses("A", "address")),
			of("AAAA", addresses("AAAA", "address6")),
			h("dt", {}, "at most"), h("dd", {}, s.max_answers ?
				`${s.max_answers} addresses` : "as dnsd is set"),
			h("dt", {}, "TTL"), h("dd", {}, s.ttl_s === null ?
				"as dnsd is set" : `${s.ttl_s} s`)));
}

function strip(i, history, span, end) {
	const begin = end - span;
	const rows = history.filter((r) => r.instance === i.name &&
		r.at_wall_ms && r.was !== r.now && r.now).reverse();
	const out = svg("svg", { class: "strip", viewBox: "0 0 1000 16",
		preserveAspectRatio: "none", role: "img" });
	let flips = 0;
	const put = (from, to, name) => {
		const a = Math.max(from, begin), b = Math.min(to, end);

		if (b <= a || !name)
			return;
		out.append(svg("rect", { class: name.replace(/[^a-z]/g, "-"),
			y: 0, height: 16, x: 1000 * (a - begin) / span,
			width: Math.max(1.5, 1000 * (b - a) / span) }));
	};

	rows.forEach((r, k) => {
		if (!k)
			put(begin, r.at_wall_ms, r.was);
		put(r.at_wall_ms, k + 1 < rows.length ?
			rows[k + 1].at_wall_ms : end, r.now);
		flips += r.at_wall_ms >= begin;
	});
	if (!rows.length)
		put(Math.max(begin, i.since_wall_ms || 0), end, i.state);
	out.setAttribute("aria-label",
		`${plural(flips, "change")} in the last ${duration(span)}`);
	return h("div", { class: "dim" }, `last ${span === DAY_MS ? "day" :
		"hour"}: ${plural(flips, "change")}`, out);
}

function check(c) {
	return h("tr", {}, h("th", { scope: "row" }, c.name,
		h("span", { class: "dim" }, ` ${c.kind}`)),
	cell("state", {}, state(c.status)),
	cell("since", {}, since(c.since_wall_ms)),
	cell("checked", {}, since(c.checked_wall_ms)),
	cell("output", {}, c.output ?
		h("pre", { class: "output" }, c.output) : ""));
}

function instance(s, x, i, history) {
	const why = x.instances.find((e) => e.name === i.name);
	const pairs = [["address", [i.address, i.address6].filter((a) => a)
		.join(", ") + (i.port || s.port ? ` port ${i.port || s.port}` : "")],
	["weight", `${i.weight_now}` + (i.weight_override !== null ||
		i.weight_now !== i.weight ?
		`; the definition says ${i.weight}` : "")],
	["lease ends", i.lease_until_wall_ms && until(i.lease_until_wall_ms)],
	["drain", i.drain_text],
	["drain goes on", i.drain_until_wall_ms && until(i.drain_until_wall_ms)],
	["drain ends", i.drain_deadline_wall_ms &&
		until(i.drain_deadline_wall_ms)],
	["held back", i.damped_until_wall_ms && until(i.damped_until_wall_ms)],
	["locality", i.locality], ["node", i.node],
	["owner", [i.source, i.definition].filter((t) => t).join(", ")]]
		.filter(([, v]) => v);

	return h("article", { class: "instance", "data-instance": i.name },
		h("div", { class: "head" }, h("h3", {}, i.name), state(i.state),
			h("span", { class: "dim" }, "since ",
				since(i.since_wall_ms)), operations(s, x, i)),
		i.reason ? h("p", {}, i.reason) : null,
		why && why.reasons.length ? h("ul", { class: "why" },
			why.reasons.map((r) => h("li", {}, r.text))) : null,
		h("dl", {}, pairs.map(([k, v]) =>
			[h("dt", {}, k), h("dd", {}, v)])),
		strip(i, history, 3600000, Date.now() + clock),
		strip(i, history, DAY_MS, Date.now() + clock),
		i.checks.length ? table(`Checks of ${i.name}`,
			["check", "state", "since", "checked", "output"],
			i.checks.map(check)) : null);
}

function past(history) {
	const rows = history.slice(0, 100).map((r) => h("tr", {},
		h("td", { class: "nowrap" }, r.at_wall_ms ?
			new Date(r.at_wall_ms).toISOString().slice(0, 19)
				.replace("T", " ") : ""),
		h("th", { scope: "row" }, r.instance),
		h("td", {}, r.was && r.was !== r.now ? [state(r.was), "→ "] : null,
			r.now ? state(r.now) : "gone"),
		cell("by", {}, r.source || ""), cell("why", {}, r.reason || "")));

	return h("section", { id: "history" }, h("h2", {}, "History of a day"),
		rows.length ? table("History", ["at, UTC", "instance", "what", "by",
			"why"], rows) : h("p", { class: "dim" }, "Nothing changed."));
}

/* What it was at a time, which a link can name. */
function then(rows) {
	const at = h("input", { id: "at", type: "text", "data-key": "at",
		placeholder: "2026-11-30T12:00:00Z, 12:00, 24h", autocomplete: "off" });
	const go = (event) => {
		const p = new URLSearchParams();

		event.preventDefault();
		if (at.value.trim())
			p.set("at", at.value.trim());
		location.hash = `${linkOf({ name: view.service })}` +
			`${p.size ? `?${p}` : ""}`;
	};
	const typed = $("at");

	at.value = typed && typed === document.activeElement ?
		typed.value : view.at;
	return h("section", { id: "then" }, h("h2", {}, "As it was at another time"),
		h("form", { on: ["submit", go] }, h("label", {},
			"Time (UTC), or how long ago", at), h("button", {}, "Show")),
		rows instanceof Error ? h("p", { class: "danger" }, rows.message) : null,
		Array.isArray(rows) ? table("States then",
			["instance", "state", "since, UTC", "why"], rows.map((r) =>
				h("tr", {}, h("th", { scope: "row" }, r.instance),
					cell("state", {}, r.now ? state(r.now) : "gone"),
					cell("since", {}, r.at_wall_ms ?
						new Date(r.at_wall_ms).toISOString()
							.slice(0, 19).replace("T", " ") :
						"not known"),
					cell("why", {}, r.reason || "")))) : null,
		Array.isArray(rows) && !rows.length ? h("p", { class: "dim" },
			"It had no instance then.") : null);
}

async function statesThen(name) {
	try {
		return await read(`history/${name}?limit=1000&at=` +
			encodeURIComponent(view.at));
	} catch (e) {
		/* what was asked for is wrong; the rest can be shown */
		if (e instanceof Refused && e.status < 500)
			return e;
		throw e;
	}
}

async function lookService(mine) {
	const name = encodeURIComponent(view.service);
	const [o, x, history, programs, before] = await Promise.all([
		read(`services/${name}`), read(`explain/${name}`),
		read(`history/${name}?since=24h&limit=2000`), read("programs"),
		view.at ? statesThen(name) : null]);

	if (mine !== generation)
		return;
	const s = o.services[0];
	const n = s.eligible_n, all = s.instances_n;
	const kind = !o.healthy ? "bad" : o.doubtful ? "doubt" : "well";

	asOf = o.now_wall_ms;
	shown = programs.revision;
	show(h("p", {}, h("a", { href: "#/", "data-key": "all" },
		"« all services")),
	h("div", { class: `verdict ${kind}`, id: "verdict" },
		h("h1", {}, view.service),
		h("p", {}, `${n} of ${plural(all, "instance")} can be in answers` +
			` · ${s.protocol}${s.port ? ` port ${s.port}` : ""}`)),
	doubtful(o), answers(s, x), disagreements(s.disagreements),
	h("section", { id: "instances" }, h("h2", {}, "Instances"),
		s.instances.map((i) => instance(s, x, i, history))),
	then(before), past(history));
}

/* ---- operations ------------------------------------------------------- */

function effect(what, s, x, i) {
	const others = s.instances.filter((e) => e.eligible && e !== i).length;
	const a = x.answers.A || x.answers.SRV;

	switch (what) {
	case "resume":
		return ["note", `${i.name} can be in answers again as soon as its ` +
			"checks pass."];
	case "weight":
		return ["note", "Its share of answers changes, at once. Empty: " +
			`what the definition says, ${i.weight}.`];
	default:
		if (!i.eligible)
			return ["note", `${i.name} is in no answer now; that stays so.`];
		if (!others)
			return ["danger", `${i.name} is the last eligible instance: ` +
				`${s.name} then answers ${a && a.empty || "NODATA"}.`];
		return ["note", `${i.name} leaves all answers; ` +
			`${plural(others, "instance")} of ${s.name} ` +
			`${others === 1 ? "stays" : "stay"} in them.` +
			(what === "drain" ? " It first has weight 0 in SRV answers." :
				"")];
	}
}

function operate(what, s, x, i) {
	const [kind, text] = effect(what, s, x, i);
	const wrong = h("p", { class: "danger", role: "alert", hidden: true });
	const reason = h("input", { id: "reason", maxlength: 200,
		autocomplete: "off" });
	const weight = h("input", { id: "weight", type: "number", min: 0,
		max: 65535, value: i.weight_now });
	const go = h("button", { id: "go" }, what === "weight" ?
		"Set the weight" : `${what[0].toUpperCase()}${what.slice(1)}`);
	const body = {};
	const send = async (event) => {
		event.preventDefault();
		if (reason.value)
			body.reason = reason.value;
		if (what === "weight" && weight.value !== "")
			body.weight = Number(weight.value);
		go.disabled = true;
		try {
			await ask(`instances/${encodeURIComponent(view.service)}/` +
				`${encodeURIComponent(i.name)}/${what}`,
			{ method: "POST", body: JSON.stringify(body),
				headers: { "Content-Type": "application/json" } });
			$("ask").close();
			refresh();
		} catch (e) {
			wrong.textContent = e instanceof Refused ? e.message :
				"the server does not answer";
			wrong.hidden = false;
			if (e.status === 409) {
				body.force = true;
				go.textContent = "Do it all the same";
			}
		}
		go.disabled = false;
	};

	$("ask").replaceChildren(h("form", { on: ["submit", send] },
		h("h2", { id: "ask-title" }, `${what} ${s.name}/${i.name}`),
		h("p", { class: kind, id: "effect" }, text),
		what === "weight" ? h("label", {}, "Weight, 0 to 65535", weight) : null,
		what === "weight" ? null : h("label", {}, "Reason, for the history",
			reason), wrong,
		h("div", { class: "row" }, h("button", { type: "button", id: "leave",
			on: ["click", () => $("ask").close()] }, "Leave it"), go)));
	$("ask").showModal();
}

function operations(s, x, i) {
	if (!rights.includes("operate"))
		return null;
	const list = i.mode === "active" ? ["drain", "maintenance", "weight"] :
		["resume", "weight"];

	return h("span", { class: "ops" }, list.map((what) => h("button",
		{ type: "button", "data-op": what, "data-key": `${what} ${i.name}`,
			"aria-label": `${what} ${i.name}`,
			on: ["click", () => operate(what, s, x, i)] }, what)));
}

/* ---- where one is ----------------------------------------------------- */

function route() {
	const [path, query] = location.hash.slice(1).split("?");
	const p = new URLSearchParams(query || "");
	let name = null;

	try {
		if (path.startsWith("/service/"))
			name = decodeURIComponent(path.slice(9));
	} catch (e) { /* no such name, then */ }
	generation++;
	view = { service: name || null, q: p.get("q") || "",
		after: p.get("after") || "", at: p.get("at") || "" };
	if (document.activeElement !== $("q"))
		$("q").value = view.q;
	if (stream)
		stream.abort.abort();
	stream = null;
	last = took = 0;
	seen = "";
	if ($("ask").open)
		$("ask").close();
	beat();
}

function keys(event) {
	const typing = /^(INPUT|TEXTAREA)$/.test(event.target.tagName);

	if (event.key === "/" && !typing) {
		event.preventDefault();
		$("q").focus();
	} else if (event.key === "Escape" && event.target === $("q")) {
		$("q").blur();
	} else if (/^Arrow(Up|Down)$/.test(event.key) &&
	    (!typing || event.target === $("q"))) {
		const rows = [...document.querySelectorAll("[data-row]")];
		const at = rows.indexOf(event.target);

		if (!rows.length || (at < 0 && event.target !== $("q")))
			return;
		event.preventDefault();
		rows[Math.min(rows.length - 1, Math.max(0,
			at + (event.key === "ArrowDown" ? 1 : -1)))].focus();
	}
}

let typed = 0;

$("q").addEventListener("input", () => {
	clearTimeout(typed);
	typed = setTimeout(() => {
		location.replace(address($("q").value.trim(), ""));
	}, 200);
});
$("search").addEventListener("submit", (event) => {
	event.preventDefault();
	location.replace(address($("q").value.trim(), ""));
});
$("token-form").addEventListener("submit", (event) => {
	event.preventDefault();
	token = $("token").value.trim();
	sessionStorage.setItem("token", token);
	$("token").value = "";
	$("who").open = false;
	route();
});
document.addEventListener("keydown", keys);
window.addEventListener("hashchange", route);
document.addEventListener("visibilitychange", () => {
	if (!document.hidden) {
		watchdog();
		beat();
	} else if (stream) {
		stream.abort.abort();
		stream = null;
	}
});
setInterval(watchdog, 200);
setInterval(() => {
	if (heard)
		tick();
	beat();
}, BEAT_MS);
route();
