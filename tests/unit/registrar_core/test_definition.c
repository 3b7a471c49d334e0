// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/definition/definition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct definition_defaults defaults = { "svc.test", "127.0.0.1",
	NULL };

static int parse(
    const char *text, struct definition **ret_d, struct diags *reterr)
{
	return definition_parse(
	    "f", text, strlen(text), &defaults, ret_d, reterr);
}

/* ---- a definition in one text ----------------------------------------- */

static void show_ranges(FILE *f, const char *key, const struct check_ranges *r)
{
	(void)fprintf(f, " %s", key);
	for (unsigned i = 0; i < r->n; i++) {
		(void)fprintf(f, "%s%d-%d", i ? "," : " ", r->items[i].low,
		    r->items[i].high);
	}
}

static void show_tcp(FILE *f, const struct check_spec *s)
{
	(void)fprintf(f, " %s %d", s->tcp.address, s->tcp.port);
}

static void show_http(FILE *f, const struct check_spec *s)
{
	(void)fprintf(f, " %s %s port %d host %s target %s", s->http.method,
	    s->http.address, s->http.port, s->http.host, s->http.target);
	show_ranges(f, "pass", &s->http.status);
	show_ranges(f, "warn", &s->http.warn_status);
	for (unsigned i = 0; i < s->http.headers.n; i++) {
		(void)fprintf(f, " %s=%s", s->http.headers.items[i].key,
		    s->http.headers.items[i].value);
	}
	if (s->http.body)
		(void)fprintf(f, " body %s", s->http.body);
}

static void show_exec(FILE *f, const struct check_spec *s)
{
	for (unsigned i = 0; s->exec.argv.items[i]; i++)
		(void)fprintf(f, " [%s]", s->exec.argv.items[i]);
}

static void show_ttl(FILE *f, const struct check_spec *s)
{
	(void)fprintf(f, " %lldms", (long long)s->ttl.ttl_ms);
}

/* Other kinds are shown in test_definition_kinds.c. */
static void (*const show_kind[CHECK_KIND_N])(
    FILE *f, const struct check_spec *s) = {
	[CHECK_TCP] = show_tcp,
	[CHECK_HTTP] = show_http,
	[CHECK_EXEC] = show_exec,
	[CHECK_TTL] = show_ttl,
};

static void show_check(FILE *f, const struct check_spec *s)
{
	(void)fprintf(f, "  %s %s", s->name, check_kind_name(s->kind));
	show_kind[s->kind](f, s);
	(void)fprintf(f, "; %lld/%lldms %d%% grace %lldms %d/%d\n",
	    (long long)s->interval_ms, (long long)s->timeout_ms,
	    s->jitter_percent, (long long)s->grace_ms, s->rise, s->fall);
}

static void show_drained(FILE *f, const struct drained_spec *d)
{
	if (d->exec.argv.n) {
		(void)fprintf(f, " drained %s %s in %s as %s %lldms",
		    d->exec.argv.items[0],
		    d->exec.argv.n > 1 ? d->exec.argv.items[1] : "-",
		    d->exec.dir, d->exec.user ? d->exec.user : "-",
		    (long long)d->timeout_ms);
	}
	if (d->signal)
		(void)fprintf(f, " signal %d", d->signal);
}

static void show_instance(FILE *f, const struct definition_instance *i)
{
	(void)fprintf(f, " %s %s", i->name, i->address);
	if (i->address6)
		(void)fprintf(f, "+%s", i->address6);
	(void)fprintf(f, " port %d", i->port);
	if (i->ports)
		(void)fprintf(f, "%s", i->ports);
	(void)fprintf(f, " prio %d weight %d/%d", i->priority, i->weight,
	    i->weight_warning);
	if (strcmp(i->tags, "[]") != 0)
		(void)fprintf(f, " %s", i->tags);
	if (strcmp(i->meta, "{}") != 0)
		(void)fprintf(f, " %s", i->meta);
	if (i->locality)
		(void)fprintf(f, " in %s", i->locality);
	if (i->process.kind != PROCESS_NONE) {
		(void)fprintf(f, " %s:%s", process_kind_name(i->process.kind),
		    i->process.what);
	}
	show_drained(f, &i->drained);
	(void)fputc('\n', f);
	for (unsigned k = 0; k < i->check_n; k++)
		show_check(f, &i->checks[k]);
}

static char *show(const struct definition *d)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	for (unsigned k = 0; k < d->service_n; k++) {
		const struct definition_service *s = &d->services[k];

		(void)fprintf(f,
		    "_%s._%s.%s port %d ttl %d max %d empty %s %s %s\n",
		    s->name, s->protocol, s->zone, s->port, s->ttl_s,
		    s->max_answers, on_empty_name(s->on_empty), s->tags,
		    s->meta);
		if (s->port_name || s->ports) {
			(void)fprintf(f, " ports %s %s\n",
			    s->port_name ? s->port_name : "-",
			    s->ports ? s->ports : "-");
		}
		for (unsigned i = 0; i < s->instance_n; i++)
			show_instance(f, &s->instances[i]);
	}
	(void)fclose(f);
	return text;
}

#define NONE "port -1 ttl -1 max -1 empty nodata [] {}\n"
#define TIMES "; 10000/5000ms 10% grace 0ms 2/3\n"

static const struct {
	const char *why, *text, *shown;
} good[] = {
	{ "a port alone is one instance on this host", "service: a\nport: 80",
	    "_a._tcp.svc.test port 80 ttl -1 max -1 empty nodata [] {}\n"
	    " 127-0-0-1-80 127.0.0.1 port 80 prio 0 weight 100/-1\n" },
	{ "ports with names, an instance with numbers of its own",
	    "service: a\nports: {http: 80, grpc: 90, admin: 99}\ninstances:\n"
	    "- {name: i}\n- {name: k, ports: {grpc: 91, http: 81}}\n"
	    "- {name: l, port: 82, checks: [{tcp: '{address}:{port}'}]}",
	    "_a._tcp.svc.test port 80 ttl -1 max -1 empty nodata [] {}\n"
	    " ports http [{\"name\":\"grpc\",\"port\":90,\"protocol\":\"tcp\"},"
	    "{\"name\":\"admin\",\"port\":99,\"protocol\":\"tcp\"}]\n"
	    " i 127.0.0.1 port 80 prio 0 weight 100/-1\n"
	    " k 127.0.0.1 port 81[{\"name\":\"grpc\",\"port\":91,"
	    "\"protocol\":\"tcp\"}] prio 0 weight 100/-1\n"
	    " l 127.0.0.1 port 82 prio 0 weight 100/-1\n"
	    "  tcp-1 tcp 127.0.0.1 82" TIMES },
	{ "two protocols, and no names",
	    "service: krb\nports: [{port: 88, protocol: udp}, {port: 88}]\n"
	    "instances: [{name: i, ports: [{port: 89, protocol: tcp}]},"
	    " {name: k, ports: [{port: 90}]}]",
	    "_krb._udp.svc.test port 88 ttl -1 max -1 empty nodata [] {}\n"
	    " ports - [{\"port\":88,\"protocol\":\"tcp\"}]\n"
	    " i 127.0.0.1 port 88[{\"port\":89,\"protocol\":\"tcp\"}] prio 0 "
	    "weight 100/-1\n"
	    " k 127.0.0.1 port 90[{\"port\":90,\"protocol\":\"tcp\"}] prio 0 "
	    "weight 100/-1\n" },
	{ "one name of two protocols; one port with a name",
	    "services:\n- {service: d, protocol: udp, ports: [{name: dns, "
	    "port: 53}, {name: dns, port: 53, protocol: tcp}], instances: "
	    "[{name: i, ports: {dns: 54}}]}\n"
	    "- {service: o, ports: {http: 80}}",
	    "_d._udp.svc.test port 53 ttl -1 max -1 empty nodata [] {}\n"
	    " ports dns [{\"name\":\"dns\",\"port\":53,\"protocol\":\"tcp\"}]\n"
	    " i 127.0.0.1 port 54[{\"name\":\"dns\",\"port\":54,"
	    "\"protocol\":\"tcp\"}] prio 0 weight 100/-1\n"
	    "_o._tcp.svc.test port 80 ttl -1 max -1 empty nodata [] {}\n"
	    " ports http -\n"
	    " 127-0-0-1-80 127.0.0.1 port 80 prio 0 weight 100/-1\n" },
	{ "so is a process alone", "service: a\nprocess: {exe: /bin/a}",
	    "_a._tcp.svc.test " NONE
	    " 127-0-0-1 127.0.0.1 port -1 prio 0 weight 100/-1 exe:/bin/a\n" },
	{ "a unit without a known type is a service",
	    "service: a\nprocess: {unit: web@127.0.0.1}",
	    "_a._tcp.svc.test " NONE
	    " 127-0-0-1 127.0.0.1 port -1 prio 0 weight 100/-1 "
	    "unit:web@127.0.0.1.service\n" },
	{ "one with a type is that", "service: a\nprocess: {unit: web.socket}",
	    "_a._tcp.svc.test " NONE
	    " 127-0-0-1 127.0.0.1 port -1 prio 0 weight 100/-1 "
	    "unit:web.socket\n" },
	{ "every key of a service",
	    "service: pay-1\nzone: other.test\nprotocol: udp\nport: 53\n"
	    "ttl: 1m\nmax_answers: all\non_empty: nxdomain\ntags: [v2, a-b]\n"
	    "meta: {version: 2.30, note: \"say \\\"hi\\\"\"}\n"
	    "weights: {passing: 7, warning: 3}\n"
	    "process: {pidfile: '/run/{service}-{port}.pid'}\n"
	    "checks: [{ttl: 30s, name: beat}]\n",
	    "_pay-1._udp.other.test port 53 ttl 60 max 0 empty nxdomain "
	    "[\"v2\",\"a-b\"] "
	    "{\"version\":\"2.30\",\"note\":\"say \\\"hi\\\"\"}\n"
	    " 127-0-0-1-53 127.0.0.1 port 53 prio 0 weight 7/3 "
	    "pidfile:/run/pay-1-53.pid\n"
	    "  beat ttl 30000ms; 0/0ms 0% grace 0ms 1/1\n" },
	{ "every key of an instance",
	    "service: a\nport: 80\ninstances:\n"
	    "- {name: i-1, address: 10.0.0.1, address6: 'FD00:0::1', port: 81,"
	    " priority: 2, weight: 0, locality: rack-1, tags: [x],"
	    " meta: {k: v}, process: {cmdline: 'x{1,3} .*{name}'},"
	    " checks: [{tcp: '{address}:{port}'}]}",
	    "_a._tcp.svc.test port 80 ttl -1 max -1 empty nodata [] {}\n"
	    " i-1 10.0.0.1+fd00::1 port 81 prio 2 weight 0/-1 [\"x\"] "
	    "{\"k\":\"v\"} in rack-1 cmdline:x{1,3} .*i-1\n"
	    "  tcp-1 tcp 10.0.0.1 81" TIMES },
	{ "an instance inherits, and overrides whole",
	    "service: a\nport: 80\nweights: {passing: 50, warning: 5}\n"
	    "process: {exe: /bin/a}\nchecks: [{tcp: '{address}:{port}'}]\n"
	    "instances:\n"
	    "- {address: 10.0.0.1}\n"
	    "- {address: 10.0.0.2, weight: 9, process: none, checks: []}\n"
	    "- {address: 10.0.0.3, weights: {warning: 1}}\n",
	    "_a._tcp.svc.test port 80 ttl -1 max -1 empty nodata [] {}\n"
	    " 10-0-0-1-80 10.0.0.1 port 80 prio 0 weight 50/5 exe:/bin/a\n"
	    "  tcp-1 tcp 10.0.0.1 80" TIMES
	    " 10-0-0-2-80 10.0.0.2 port 80 prio 0 weight 9/-1\n"
	    " 10-0-0-3-80 10.0.0.3 port 80 prio 0 weight 50/1 exe:/bin/a\n"
	    "  tcp-1 tcp 10.0.0.3 80" TIMES },
	{ "a scale is that of all weights",
	    "service: a\nport: 80\nweight_scale: 256\n"
	    "weights: {passing: 50, warning: 5}\ninstances:\n"
	    "- {name: a}\n"
	    "- {name: b, weight: 255}\n"
	    "- {name: c, weights: {passing: 0, warning: 1}}\n",
	    "_a._tcp.svc.test port 80 ttl -1 max -1 empty nodata [] {}\n"
	    " a 127.0.0.1 port 80 prio 0 weight 12800/1280\n"
	    " b 127.0.0.1 port 80 prio 0 weight 65280/-1\n"
	    " c 127.0.0.1 port 80 prio 0 weight 0/256\n" },
	{ "and of the one that nobody wrote",
	    "service: a\nport: 80\nweight_scale: 256\n",
	    "_a._tcp.svc.test port 80 ttl -1 max -1 empty nodata [] {}\n"
	    " 127-0-0-1-80 127.0.0.1 port 80 prio 0 weight 25600/-1\n" },
	{ "what follows a drain: of the service, another, none, both",
	    "service: a\nport: 80\nprocess: {exe: /bin/a}\n"
	    "on_drained: {signal: TERM}\ninstances:\n"
	    "- {address: 10.0.0.1}\n"
	    "- {address: 10.0.0.2, on_drained: none, process: none}\n"
	    "- {address: 10.0.0.3, on_drained: {exec: [/bin/stop, '{name}']}}\n"
	    "- {address: 10.0.0.4, on_drained: {exec: [/bin/stop], signal: INT,"
	    " timeout: 5m, user: web, dir: /srv}}\n",
	    "_a._tcp.svc.test port 80 ttl -1 max -1 empty nodata [] {}\n"
	    " 10-0-0-1-80 10.0.0.1 port 80 prio 0 weight 100/-1 exe:/bin/a"
	    " signal 15\n"
	    " 10-0-0-2-80 10.0.0.2 port 80 prio 0 weight 100/-1\n"
	    " 10-0-0-3-80 10.0.0.3 port 80 prio 0 weight 100/-1 exe:/bin/a"
	    " drained /bin/stop 10-0-0-3-80 in / as - 60000ms\n"
	    " 10-0-0-4-80 10.0.0.4 port 80 prio 0 weight 100/-1 exe:/bin/a"
	    " drained /bin/stop - in /srv as web 300000ms signal 2\n" },
	{ "IPv6: names, brackets in URLs, none elsewhere",
	    "service: a\nport: 80\nchecks:\n"
	    "- tcp: '{address}:{port}'\n- tcp: '[{address}]:81'\n"
	    "- http: 'http://{address}/'\n"
	    "- exec: [/bin/probe, '{address}', '{unknown}', '{']\n"
	    "instances: [{address: '::1'}, {address: '2001:DB8::'}]\n",
	    "_a._tcp.svc.test port 80 ttl -1 max -1 empty nodata [] {}\n"
	    " 0--1-80 ::1 port 80 prio 0 weight 100/-1\n"
	    "  tcp-1 tcp ::1 80" TIMES "  tcp-2 tcp ::1 81" TIMES
	    "  http-1 http GET ::1 port 80 host [::1] target / pass 200-299 "
	    "warn 429-429" TIMES
	    "  exec-1 exec [/bin/probe] [::1] [{unknown}] [{]" TIMES
	    " 2001-db8--0-80 2001:db8:: port 80 prio 0 weight 100/-1\n"
	    "  tcp-1 tcp 2001:db8:: 80" TIMES "  tcp-2 tcp 2001:db8:: 81" TIMES
	    "  http-1 http GET 2001:db8:: port 80 host [2001:db8::] target / "
	    "pass 200-299 warn 429-429" TIMES
	    "  exec-1 exec [/bin/probe] [2001:db8::] [{unknown}] [{]" TIMES },
	{ "every key of an http check",
	    "service: a\nport: 80\nchecks:\n"
	    "- {http: 'http://localhost:{port}?q={service}', method: HEAD,"
	    " headers: {Host: a.test, X-A: 'b c'},"
	    " status: [200, 3xx, 404-410], warn_status: 500,"
	    " body: '\"ok\": *true', name: web, interval: 2s, timeout: 500ms,"
	    " grace: 1m, jitter: 0%, rise: 1, fall: 5}",
	    "_a._tcp.svc.test port 80 ttl -1 max -1 empty nodata [] {}\n"
	    " 127-0-0-1-80 127.0.0.1 port 80 prio 0 weight 100/-1\n"
	    "  web http HEAD localhost port 80 host localhost:80 target /?q=a "
	    "pass 200-200,300-399,404-410 warn 500-500 Host=a.test X-A=b c "
	    "body \"ok\": *true; 2000/500ms 0% grace 60000ms 1/5\n" },
	{ "the time-out is never beyond a short interval by default",
	    "service: a\nport: 1\nchecks: [{tcp: '127.0.0.1:1', interval: "
	    "100ms}]",
	    "_a._tcp.svc.test port 1 ttl -1 max -1 empty nodata [] {}\n"
	    " 127-0-0-1-1 127.0.0.1 port 1 prio 0 weight 100/-1\n"
	    "  tcp-1 tcp 127.0.0.1 1; 100/100ms 10% grace 0ms 2/3\n" },
	{ "several services, and JSON",
	    "{\"services\": [{\"service\": \"a\", \"port\": 1},"
	    " {\"service\": \"b\", \"port\": 2}]}",
	    "_a._tcp.svc.test port 1 ttl -1 max -1 empty nodata [] {}\n"
	    " 127-0-0-1-1 127.0.0.1 port 1 prio 0 weight 100/-1\n"
	    "_b._tcp.svc.test port 2 ttl -1 max -1 empty nodata [] {}\n"
	    " 127-0-0-1-2 127.0.0.1 port 2 prio 0 weight 100/-1\n" },
	{ "one name in two zones",
	    "services: [{service: a, port: 1}, {service: a, port: 1, zone: "
	    "b.test}]",
	    "_a._tcp.svc.test port 1 ttl -1 max -1 empty nodata [] {}\n"
	    " 127-0-0-1-1 127.0.0.1 port 1 prio 0 weight 100/-1\n"
	    "_a._tcp.b.test port 1 ttl -1 max -1 empty nodata [] {}\n"
	    " 127-0-0-1-1 127.0.0.1 port 1 prio 0 weight 100/-1\n" },
};

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct definition *d = NULL;
		struct diags e = { 0 };

		print_message("%s\n", good[i].why);
		if (parse(good[i].text, &d, &e) < 0)
			fail_msg("%s", e.items[0].text);
		char *shown = show(d);

		assert_string_equal(shown, good[i].shown);
		free(shown);
		definition_free(d);
	}
}

/* ---- differences ------------------------------------------------------ */

#define BASE                                                                   \
	"service: a\nport: 80\nchecks:\n"                                      \
	"- {http: 'http://{address}/x', headers: {A: b}, body: ok}\n"          \
	"- {tcp: '{address}:{port}'}\n- {exec: [/bin/a, b]}\n- {ttl: 5s}\n"

static const struct {
	const char *was, *now;
	bool row, all; /* are they equal? */
} edits[] = {
	{ BASE, BASE, true, true },
	{ BASE, "# moved down\n\n" BASE, true, true },
	{ BASE, BASE "ttl: 9", true, true }, /* of the service, not of it */
	{ BASE, BASE "weight: 9", false, false },
	{ BASE, BASE "process: {exe: /x}", true, false },
	{ BASE "process: {exe: /x}", BASE "process: {exe: /y}", true, false },
	{ BASE "on_drained: {exec: [/x]}", BASE "on_drained: {exec: [/y]}",
	    true, false },
	{ BASE "on_drained: {exec: [/x]}",
	    BASE "on_drained: {exec: [/x], timeout: 9s}", true, false },
	{ BASE "instances: [{priority: 1}]", BASE "instances: [{priority: 2}]",
	    false, false },
	{ BASE "instances: [{address: 10.0.0.1, address6: '::1'}]",
	    BASE "instances: [{address: 10.0.0.1}]", false, false },
	{ "service: a\nports: {x: 1}", "service: a\nports: {y: 1}", true,
	    true }, /* of the service */
	{ "service: a\nports: {x: 1, y: 2}\ninstances: [{ports: {y: 3}}]",
	    "service: a\nports: {x: 1, y: 2}\ninstances: [{}]", false, false },
	{ BASE "instances: [{meta: {a: b}}]", BASE "instances: [{}]", false,
	    false },
	{ BASE "instances: [{locality: x}]", BASE "instances: [{}]", false,
	    false },
};

static const char *const check_edits[][2] = {
	{ "{ttl: 5s}", "{ttl: 6s}" },
	{ "{ttl: 5s}", "{ttl: 5s, name: x}" },
	{ "{ttl: 5s}", "{tcp: '[::1]:1', name: ttl-1}" },
	{ "{tcp: '[::1]:1'}", "{tcp: '[::1]:2'}" },
	{ "{tcp: '[::1]:1'}", "{tcp: '[::1]:1', interval: 9s}" },
	{ "{tcp: '[::1]:1'}", "{tcp: '[::1]:1', timeout: 9s}" },
	{ "{tcp: '[::1]:1'}", "{tcp: '[::1]:1', grace: 9s}" },
	{ "{tcp: '[::1]:1'}", "{tcp: '[::1]:1', jitter: 9}" },
	{ "{tcp: '[::1]:1'}", "{tcp: '[::1]:1', rise: 9}" },
	{ "{tcp: '[::1]:1'}", "{tcp: '[::1]:1', fall: 9}" },
	{ "{exec: [/a]}", "{exec: [/b]}" },
	{ "{exec: [/a]}", "{exec: [/a, '']}" },
	{ "{http: 'http://[::1]/'}", "{http: 'http://[::1]/x'}" },
	{ "{http: 'http://[::1]/'}", "{http: 'http://[::1]/', method: PUT}" },
	{ "{http: 'http://[::1]/'}", "{http: 'http://[::1]/', body: x}" },
	{ "{http: 'http://[::1]/'}", "{http: 'http://[::1]/', status: 200}" },
	{ "{http: 'http://[::1]/'}",
	    "{http: 'http://[::1]/', warn_status: 500}" },
	{ "{http: 'http://[::1]/', headers: {A: b}}",
	    "{http: 'http://[::1]/', headers: {A: c}}" },
	{ "{http: 'http://[::1]/', headers: {A: b}}",
	    "{http: 'http://[::1]/', headers: {B: b}}" },
	{ "{http: 'http://[::1]/', headers: {A: b}}",
	    "{http: 'http://[::1]/'}" },
};

static struct definition *must_parse(const char *text)
{
	struct definition *d = NULL;
	struct diags e = { 0 };

	if (parse(text, &d, &e) < 0)
		fail_msg("%s: %s", text, e.items[0].text);
	return d;
}

static void test_edits(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(edits) / sizeof(*edits); i++) {
		struct definition *was = must_parse(edits[i].was);
		struct definition *now = must_parse(edits[i].now);
		const struct definition_instance *a = was->services->instances;
		const struct definition_instance *b = now->services->instances;

		print_message("row %zu\n", i);
		assert_int_equal(
		    definition_instance_row_equal(a, b), edits[i].row);
		assert_int_equal(definition_instance_equal(a, b), edits[i].all);
		definition_free(was);
		definition_free(now);
	}
	struct definition *was = must_parse(BASE);
	struct definition *now = must_parse(BASE "ttl: 9");

	assert_true(definition_service_row_equal(was->services, was->services));
	assert_false(
	    definition_service_row_equal(was->services, now->services));
	definition_free(was);
	definition_free(now);
}

static void test_check_edits(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(check_edits) / sizeof(*check_edits);
	     i++) {
		struct definition *d[2];
		const struct check_spec *s[2];

		for (int k = 0; k < 2; k++) {
			char text[512];

			(void)snprintf(text, sizeof(text),
			    "service: a\nport: 1\nchecks: [%s]",
			    check_edits[i][k]);
			d[k] = must_parse(text);
			s[k] = d[k]->services->instances->checks;
			assert_true(check_spec_equal(s[k], s[k]));
		}
		print_message("%s\n", check_edits[i][1]);
		assert_false(check_spec_equal(s[0], s[1]));
		definition_free(d[0]);
		definition_free(d[1]);
	}
}

/* ---- rows ------------------------------------------------------------- */

static void put_rows(struct registry *r, const struct definition_service *s)
{
	struct service_row service;
	struct instance_row row;
	struct diag e;

	definition_service_row(s, "registrar/h", "f.yaml", &service);
	if (registry_put_service(r, &service, &e) < 0)
		fail_msg("%s: %s", s->name, e.text);
	for (unsigned k = 0; k < s->instance_n; k++) {
		definition_instance_row(
		    s, &s->instances[k], "registrar/h", "f.yaml", &row);
		if (registry_put_instance(r, &row, &e) < 0)
			fail_msg("%s: %s", s->name, e.text);
	}
}

/* Whatever a definition says, the database must take. */
static void test_registry_takes_the_rows(void **state)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char path[] = "/tmp/test_definition.XXXXXX";
	struct registry *r = NULL;
	struct diag e;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(registry_open(path, REGISTRY_WRITE, &r, &e), 0);
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct definition *d = must_parse(good[i].text);

		for (unsigned n = 0; n < d->service_n; n++)
			put_rows(r, &d->services[n]);
		definition_free(d);
	}
	registry_close(r);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		char file[64];

		(void)snprintf(file, sizeof(file), "%s%s", path, ends[i]);
		(void)unlink(file);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_edits),
		cmocka_unit_test(test_check_edits),
		cmocka_unit_test(test_registry_takes_the_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
