// SPDX-License-Identifier: BSD-2-Clause
/*
 * The same without JavaScript: tables, as of the moment in which they were
 * asked for, readable in a text browser. Nothing is put in but by text().
 */
#include "registrar/http/api/api.h"
#include "registrar/http/ui/ui.h"
#include "registrar/lib/wall.h"
#include "registrar/report/status.h"
#include "registrar/report/target.h"
#include "schema/base/clock.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>

static void put(struct evbuffer *out, const char *html)
{
	(void)evbuffer_add(out, html, strlen(html));
}

static void text(struct evbuffer *out, const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '<':
			put(out, "&lt;");
			break;
		case '>':
			put(out, "&gt;");
			break;
		case '&':
			put(out, "&amp;");
			break;
		case '"':
			put(out, "&quot;");
			break;
		case '\'':
			put(out, "&#39;");
			break;
		default:
			(void)evbuffer_add(out, s, 1);
		}
	}
}

/* before, text, behind */
static void wrap(
    struct evbuffer *out, const char *before, const char *s, const char *behind)
{
	put(out, before);
	text(out, s);
	put(out, behind);
}

static void cell(struct evbuffer *out, const char *s)
{
	wrap(out, "<td>", s, "</td>");
}

/* Part of an address. */
static void segment(struct evbuffer *out, const char *s)
{
	char *encoded = evhttp_uriencode(s, -1, 0);

	text(out, encoded ? encoded : "");
	free(encoded);
}

static void since(struct evbuffer *out, struct arena *a, int64_t wall_ms)
{
	cell(out, wall_ms ? wall_text(a, wall_ms) : "");
}

/* up: to the folder of the page. */
static void begin(
    struct evbuffer *out, const char *title, const char *up, const char *kind)
{
	put(out, "<!doctype html>\n<html lang=\"en\"><head>"
	         "<meta charset=\"utf-8\"><meta name=\"viewport\" "
	         "content=\"width=device-width, initial-scale=1\">"
	         "<meta name=\"color-scheme\" content=\"light dark\">");
	wrap(out, "<title>", title, " - Rollcall</title>");
	wrap(out, "<link rel=\"icon\" href=\"", up, "icon.svg\">");
	wrap(out, "<link rel=\"stylesheet\" href=\"", up,
	    "ui.css\"></head>\n<body class=\"plain\"><main>");
	wrap(out, "<div class=\"verdict ", kind, "\">");
	wrap(out, "<h1>", title, "</h1>");
}

static void end(struct evbuffer *out)
{
	put(out, "</main></body></html>\n");
}

static void as_of(struct evbuffer *out, struct arena *a, int64_t now_wall_ms)
{
	wrap(out, "<p>As of ", wall_text(a, now_wall_ms),
	    "; it does not renew itself.</p></div>\n");
}

static void heads(struct evbuffer *out, const char *title, const char *names)
{
	wrap(out, "<section><h2>", title, "</h2>\n<table><thead><tr>");
	for (const char *p = names; *p;) {
		size_t len = strcspn(p, "|");

		put(out, "<th scope=\"col\">");
		(void)evbuffer_add(out, p, len);
		put(out, "</th>");
		p += len + (p[len] == '|');
	}
	put(out, "</tr></thead>\n<tbody>");
}

static void tail(struct evbuffer *out)
{
	put(out, "</tbody></table></section>\n");
}

/* ---- all services ----------------------------------------------------- */

static const char *word(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static int64_t number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static void service_link(
    struct evbuffer *out, const json_t *o, const char *key, const char *own)
{
	const char *zone = word(o, "zone"), *name = word(o, key);
	const char *instance = word(o, "instance");

	put(out, "<tr><th scope=\"row\"><a href=\"plain/");
	segment(out, name);
	if (strcmp(zone, own) != 0) {
		put(out, ".");
		segment(out, zone);
	}
	wrap(out, "\">", name, "");
	if (strcmp(zone, own) != 0)
		wrap(out, ".", zone, "");
	if (*instance)
		wrap(out, "/", instance, "");
	put(out, "</a></th>");
}

static void doubts(struct evbuffer *out, const json_t *o)
{
	const json_t *line;
	size_t k;

	put(out, "<ul class=\"why\">");
	json_array_foreach(json_object_get(o, "doubts"), k, line)
	{
		wrap(out, "<li>", word(line, "text"), "</li>");
	}
	json_array_foreach(json_object_get(o, "broken"), k, line)
	{
		wrap(out, "<li>", json_string_value(line), "</li>");
	}
	put(out, "</ul>\n");
}

static void problems(struct evbuffer *out, struct arena *a, const json_t *o)
{
	const json_t *all = json_object_get(o, "problems"), *p;
	size_t k;

	if (!json_array_size(all))
		return;
	heads(out, "What is wrong", "who|state|since|why");
	json_array_foreach(all, k, p)
	{
		service_link(out, p, "service", word(o, "zone"));
		cell(out, word(p, "state"));
		since(out, a, number(p, "since_wall_ms"));
		cell(out, word(p, "reason"));
		put(out, "</tr>\n");
	}
	tail(out);
}

static void services(struct evbuffer *out, struct arena *a, const json_t *o)
{
	const json_t *s, *n;
	const char *state;
	size_t k;

	heads(out, "Services", "service|instances|in answers|weight|changed");
	json_array_foreach(json_object_get(o, "services"), k, s)
	{
		service_link(out, s, "name", word(o, "zone"));
		put(out, "<td>");
		json_object_foreach(json_object_get(s, "states"), state, n)
		{
			(void)evbuffer_add_printf(
			    out, "%lld ", (long long)json_integer_value(n));
			wrap(out, "", state, " ");
		}
		(void)evbuffer_add_printf(out,
		    "</td><td>%lld of %lld</td><td>%lld</td>",
		    (long long)number(s, "eligible_n"),
		    (long long)number(s, "instances_n"),
		    (long long)number(s, "weight"));
		since(out, a, number(s, "since_wall_ms"));
		put(out, "</tr>\n");
	}
	tail(out);
}

static void programs(struct evbuffer *out, struct arena *a, const json_t *o)
{
	const json_t *p;
	size_t k;

	heads(out, "Programs", "program|state|heard|trouble");
	json_array_foreach(json_object_get(o, "registrars"), k, p)
	{
		wrap(out, "<tr><th scope=\"row\">registrar ", word(p, "name"),
		    "</th>");
		cell(out, word(p, "state"));
		since(out, a, number(p, "heard_wall_ms"));
		cell(out, word(p, "trouble"));
		put(out, "</tr>\n");
	}
	json_array_foreach(json_object_get(o, "dnsd"), k, p)
	{
		const json_t *first =
		    json_array_get(json_object_get(p, "addresses"), 0);

		wrap(out, "<tr><th scope=\"row\">dnsd ",
		    json_string_value(first), "</th>");
		cell(out, word(p, "state"));
		since(out, a, number(p, "heard_wall_ms"));
		cell(out, word(p, "trouble"));
		put(out, "</tr>\n");
	}
	tail(out);
}

static void put_all(struct evbuffer *out, json_t *o, const char *search)
{
	struct arena *a = arena_new();
	int64_t bad_n = number(o, "bad_n"), n = number(o, "services_n");
	bool doubtful = json_is_true(json_object_get(o, "doubtful"));
	const char *title = "All well", *kind = "well", *next = word(o, "next");

	if (bad_n) {
		title = arena_printf(a, "%lld of %lld services in trouble",
		    (long long)bad_n, (long long)n);
		kind = "bad";
	} else if (doubtful || !json_is_true(json_object_get(o, "healthy"))) {
		title = "Look here";
		kind = "doubt";
	} else if (!n) {
		title = "Nobody is here yet";
		kind = "none";
	}
	begin(out, title, "", kind);
	as_of(out, a, number(o, "now_wall_ms"));
	doubts(out, o);
	problems(out, a, o);
	wrap(out,
	    "<form action=\"plain\"><label>Services with this in their "
	    "names <input name=\"q\" value=\"",
	    search, "\"></label> <button>Search</button></form>\n");
	services(out, a, o);
	if (*next) {
		put(out, "<p><a href=\"plain?after=");
		segment(out, next);
		put(out, "&amp;q=");
		segment(out, search);
		put(out, "\">next page</a></p>\n");
	}
	programs(out, a, o);
	put(out, "<p><a href=\"./\">The page that is live</a>, with "
	         "JavaScript</p>\n");
	end(out);
	arena_free(a);
}

void ui_get_plain(struct http_request *q)
{
	ui_set_headers(q);
	api_overview_as(q, "text/html; charset=utf-8", put_all);
}

/* ---- one service ------------------------------------------------------ */

static void instances(struct evbuffer *out, const struct status_report *r,
    const struct status_service *s)
{
	heads(out, "Instances",
	    "instance|state|since|in answers|weight|address|why");
	for (unsigned k = 0; k < s->instance_n; k++) {
		const struct status_instance *i =
		    &r->instances[s->instance_0 + k];
		const char *detail = status_detail(r->arena, r, i);

		wrap(out, "<tr><th scope=\"row\">", i->row.name, "</th>");
		cell(out, status_state(i));
		since(out, r->arena, i->row.since_wall_ms);
		cell(
		    out, eligible_is_in_addresses(&i->eligible) ? "yes" : "no");
		cell(out, status_weight(r->arena, &i->row));
		cell(out, status_address(r->arena, s, &i->row));
		cell(out, detail ? detail : "");
		put(out, "</tr>\n");
	}
	tail(out);
}

static void checks(struct evbuffer *out, const struct status_report *r)
{
	if (!r->check_n)
		return;
	heads(out, "Checks", "instance|check|state|checked|output");
	for (unsigned k = 0; k < r->check_n; k++) {
		const struct check_row *c = &r->checks[k].row;

		wrap(out, "<tr><th scope=\"row\">", c->instance, "</th>");
		cell(out, c->name);
		cell(out, health_name(c->status));
		since(out, r->arena, c->checked_wall_ms);
		cell(out, c->output ? c->output : "");
		put(out, "</tr>\n");
	}
	tail(out);
}

static void put_service(struct evbuffer *out, const struct status_report *r)
{
	const struct status_service *s = &r->services[0];
	bool bad = status_is_unhealthy(r);

	begin(out, s->row.name, "../",
	    bad                ? "bad"
	    : r->told.doubtful ? "doubt"
	                       : "well");
	(void)evbuffer_add_printf(out,
	    "<p>%u of %u instances can be in answers</p>", s->eligible_n,
	    s->all_n);
	as_of(out, r->arena, r->now_wall_ms);
	put(out, "<ul class=\"why\">");
	for (unsigned k = 0; k < r->told.line_n; k++)
		wrap(out, "<li>", r->told.lines[k].text, "</li>");
	put(out, "</ul>\n");
	instances(out, r, s);
	checks(out, r);
	put(out, "<p><a href=\"../plain\">all services</a></p>\n");
	end(out);
}

void ui_get_plain_service(struct http_request *q)
{
	struct status_report report;
	struct target t;
	struct diag why;

	if (target_parse(
	        http_part(q, 0), http_zone(q), http_arena(q), &t, &why) < 0) {
		http_fail(q, 400, "path", "%s", why.text);
		return;
	}
	if (!http_require(q, ACCESS_READ, t.service))
		return;
	struct registry *r = http_registry(q);

	if (!r)
		return;
	int error = status_read(r, http_registry_path(q), t.zone, t.service,
	    clock_wall_ms(), &report, &why);

	if (error < 0) {
		http_fail_error(q, error, &why);
		return;
	}
	struct evbuffer *out = evbuffer_new();

	if (!out)
		abort(); /* out of memory */
	put_service(out, &report);
	status_release(&report);
	ui_set_headers(q);
	http_reply(q, 200, "text/html; charset=utf-8", evbuffer_pullup(out, -1),
	    evbuffer_get_length(out));
	evbuffer_free(out);
}
