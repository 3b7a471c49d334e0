// SPDX-License-Identifier: BSD-2-Clause
/* What each kind of check makes of its keys, and which edits change it. */
#include "registrar/definition/definition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct definition_defaults defaults = { "svc.test", "127.0.0.1",
	NULL };

/* The definition of a service that has nothing but these checks. */
static struct definition *must_parse(const char *checks)
{
	struct definition *d = NULL;
	struct diags e = { 0 };
	char text[4096];

	(void)snprintf(text, sizeof(text),
	    "service: a\nport: 80\ninstances: [{address: 'fd00::1'}]\n"
	    "checks: [%s]\n",
	    checks);
	if (definition_parse("f", text, strlen(text), &defaults, &d, &e) < 0)
		fail_msg("%s: %s", text, e.items[0].text);
	return d;
}

static void show_octets(FILE *f, const char *key, const char *data, size_t len)
{
	(void)fprintf(f, " %s ", key);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)data[i];

		(void)fprintf(f, c > ' ' && c < 127 ? "%c" : "<%02x>", c);
	}
}

/* ---- one kind each ---------------------------------------------------- */

static void show_udp(FILE *f, const struct check_spec *s)
{
	(void)fprintf(f, "%s port %d", s->udp.address, s->udp.port);
	show_octets(f, "send", s->udp.send.data, s->udp.send.len);
	(void)fprintf(f, " expect %s%s", s->udp.expect ? s->udp.expect : "-",
	    s->udp.silence == SILENCE_PASSING ? " silence passes" : "");
}

static void show_dns(FILE *f, const struct check_spec *s)
{
	(void)fprintf(f, "%s port %d ask %s type %u answer %d", s->dns.address,
	    s->dns.port, s->dns.name, s->dns.type, s->dns.answer);
	for (unsigned i = 0; i < s->dns.expect.n; i++)
		(void)fprintf(f, " [%s]", s->dns.expect.items[i]);
}

static void show_file(FILE *f, const struct check_spec *s)
{
	(void)fprintf(f, "%s age %lld every %lld ms %d/%d", s->file.path,
	    (long long)s->file.max_age_ms, (long long)s->interval_ms, s->rise,
	    s->fall);
}

static void show_icmp(FILE *f, const struct check_spec *s)
{
	(void)fprintf(f, "%s", s->icmp.address);
}

static void show_postgres(FILE *f, const struct check_spec *s)
{
	const struct check_postgres *p = &s->postgres;

	(void)fprintf(f, "%s port %d %s/%s %s", p->address, p->port, p->user,
	    p->database, postgres_sslmode_name(p->sslmode));
	if (p->password_file)
		(void)fprintf(f, " password in %s", p->password_file);
	if (p->ca_file)
		(void)fprintf(f, " ca %s", p->ca_file);
	if (p->server_name)
		(void)fprintf(f, " name %s", p->server_name);
}

static void show_alias(FILE *f, const struct check_spec *s)
{
	(void)fprintf(f, "%s.%s %s each %lld ms, %d %d", s->alias.service,
	    s->alias.zone, s->alias.instance ? s->alias.instance : "-",
	    (long long)s->interval_ms, s->rise, s->fall);
}

static void show_tls(FILE *f, const struct net_tls *tls)
{
	if (tls->on) {
		(void)fprintf(
		    f, " tls %s alpn %s", tls->server_name, tls->alpn);
	}
}

static void show_grpc(FILE *f, const struct check_spec *s)
{
	const struct check_grpc *g = &s->grpc;

	(void)fprintf(f, "%s port %d%s%s service '%s' authority %s", g->address,
	    g->port, g->path ? " path " : "", g->path ? g->path : "",
	    g->service, g->authority);
	show_tls(f, &g->tls);
}

static void show_h2ping(FILE *f, const struct check_spec *s)
{
	(void)fprintf(f, "%s port %d", s->h2ping.address, s->h2ping.port);
	show_tls(f, &s->h2ping.tls);
}

static void show_redis(FILE *f, const struct check_spec *s)
{
	const struct check_redis *r = &s->redis;

	(void)fprintf(f, "%s port %d", r->address, r->port);
	if (r->password_file) {
		(void)fprintf(f, " user %s password in %s",
		    r->user ? r->user : "-", r->password_file);
	}
}

static void (*const show_kind[CHECK_KIND_N])(
    FILE *f, const struct check_spec *s) = {
	[CHECK_UDP] = show_udp,
	[CHECK_DNS] = show_dns,
	[CHECK_FILE] = show_file,
	[CHECK_ICMP] = show_icmp,
	[CHECK_POSTGRES] = show_postgres,
	[CHECK_REDIS] = show_redis,
	[CHECK_ALIAS] = show_alias,
	[CHECK_GRPC] = show_grpc,
	[CHECK_H2PING] = show_h2ping,
};

static const struct {
	const char *why, *check, *shown;
} good[] = {
	{ "udp: all by default", "{udp: '{address}:{port}'}",
	    "udp-1 fd00::1 port 80 send  expect -" },
	{ "udp: every key, every escape",
	    "{udp: 'localhost:53', send: 'a \\r\\n\\t\\0\\\\\\x7F', expect: "
	    "'^b'}",
	    "udp-1 localhost port 53 send a<20><0d><0a><09><00>\\<7f> expect "
	    "^b" },
	{ "udp: silence", "{udp: '[::1]:1', silence: passing}",
	    "udp-1 ::1 port 1 send  expect - silence passes" },
	{ "dns: port and type by default", "{dns: '{address}', query: x.test}",
	    "dns-1 fd00::1 port 53 ask x.test type 1 answer 0" },
	{ "dns: data is made canonical",
	    "{dns: '{address}:{port}', query: '{service}.test', type: MX, "
	    "expect: [10 MX1.test., '20  mx2.Test.']}",
	    "dns-1 fd00::1 port 80 ask a.test type 15 answer 0 "
	    "[10 mx1.test.] [20 mx2.test.]" },
	{ "dns: what is no data", "{dns: '[::1]', query: x, answer: nxdomain}",
	    "dns-1 ::1 port 53 ask x type 1 answer 3" },
	{ "file: every second by default", "{file: '/run/{service}'}",
	    "file-1 /run/a age 0 every 1000 ms 1/1" },
	{ "file: every key", "{file: /x, max_age: 1m, interval: 5s}",
	    "file-1 /x age 60000 every 5000 ms 1/1" },
	{ "icmp", "{icmp: '{address}'}", "icmp-1 fd00::1" },
	{ "postgres: all by default", "{postgres: '{address}'}",
	    "postgres-1 fd00::1 port 5432 postgres/postgres prefer" },
	{ "postgres: every key",
	    "{postgres: '[::1]:1', user: u, database: d, password_file: /p, "
	    "sslmode: verify-full, ca_file: /c, server_name: db.test}",
	    "postgres-1 ::1 port 1 u/d verify-full password in /p ca /c name "
	    "db.test" },
	{ "redis: all by default", "{redis: '{address}'}",
	    "redis-1 fd00::1 port 6379" },
	{ "redis: every key", "{redis: '[::1]:1', user: u, password_file: /p}",
	    "redis-1 ::1 port 1 user u password in /p" },
	{ "alias: all by default", "{alias: db}",
	    "alias-1 db.svc.test - each 1000 ms, 1 1" },
	{ "alias: every key",
	    "{alias: '{service}-db.other.test/i-{port}', interval: 50ms}",
	    "alias-1 a-db.other.test i-80 each 50 ms, 1 1" },
	{ "grpc: all by default", "{grpc: '{address}:{port}'}",
	    "grpc-1 fd00::1 port 80 service '' authority [fd00::1]:80" },
	{ "grpc: every key",
	    "{grpc: 'localhost:1', service: my.pkg.Svc, authority: 'x:1', tls: "
	    "true}",
	    "grpc-1 localhost port 1 service 'my.pkg.Svc' authority x:1 tls "
	    "localhost alpn h2" },
	{ "grpc: the name of the certificate is the authority",
	    "{grpc: '10.0.0.1:1', tls: {name: '{service}.example'}}",
	    "grpc-1 10.0.0.1 port 1 service '' authority a.example tls "
	    "a.example alpn h2" },
	{ "grpc: a socket, braces as they are",
	    "{grpc: 'unix:/run/{service}/{x}.sock'}",
	    "grpc-1  port 0 path /run/a/{x}.sock service '' authority "
	    "localhost" },
	{ "h2ping", "{h2ping: '{address}:{port}'}",
	    "h2ping-1 fd00::1 port 80" },
	{ "h2ping: every key", "{h2ping: '10.0.0.1:1', tls: true}",
	    "h2ping-1 10.0.0.1 port 1 tls 10.0.0.1 alpn h2" },
	{ "icmp: localhost", "{icmp: localhost}", "icmp-1 127.0.0.1" },
};

static void keys_are_understood(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(good) / sizeof(good[0]); n++) {
		struct definition *d = must_parse(good[n].check);
		const struct check_spec *s =
		    &d->services[0].instances[0].checks[0];
		char *text = NULL;
		size_t len;
		FILE *f = open_memstream(&text, &len);

		print_message("%s\n", good[n].why);
		(void)fprintf(f, "%s ", s->name);
		show_kind[s->kind](f, s);
		(void)fclose(f);
		assert_string_equal(text, good[n].shown);
		free(text);
		definition_free(d);
	}
}

/* ---- edits ------------------------------------------------------------ */

/* Pairs that differ; each is equal to itself. */
static const char *const edits[][2] = {
	{ "{udp: '[::1]:1'}", "{udp: '[::1]:2'}" },
	{ "{udp: '[::1]:1', send: 'a'}", "{udp: '[::1]:1', send: 'a\\0'}" },
	{ "{udp: '[::1]:1'}", "{udp: '[::1]:1', expect: a}" },
	{ "{udp: '[::1]:1'}", "{udp: '[::1]:1', silence: passing}" },
	{ "{dns: '[::1]', query: a}", "{dns: '[::2]', query: a}" },
	{ "{dns: '[::1]', query: a}", "{dns: '[::1]', query: b}" },
	{ "{dns: '[::1]', query: a}", "{dns: '[::1]', query: a, type: AAAA}" },
	{ "{dns: '[::1]', query: a}", "{dns: '[::1]', query: a, answer: any}" },
	{ "{dns: '[::1]', query: a, expect: 1.2.3.4}",
	    "{dns: '[::1]', query: a, expect: 1.2.3.5}" },
	{ "{dns: '[::1]', query: a, expect: 1.2.3.4}",
	    "{dns: '[::1]', query: a}" },
	{ "{file: /a}", "{file: /b}" },
	{ "{file: /a}", "{file: /a, max_age: 1m}" },
	{ "{file: /a}", "{file: /a, interval: 5s}" },
	{ "{icmp: '::1'}", "{icmp: '::2'}" },
	{ "{postgres: '[::1]'}", "{postgres: '[::2]'}" },
	{ "{redis: '[::1]'}", "{redis: '[::2]'}" },
	{ "{alias: b}", "{alias: c}" },
	{ "{grpc: '[::1]:1'}", "{grpc: '[::2]:1'}" },
	{ "{grpc: '[::1]:1'}", "{grpc: '[::1]:1', service: x}" },
	{ "{grpc: '[::1]:1'}", "{grpc: '[::1]:1', authority: x}" },
	{ "{grpc: '[::1]:1'}", "{grpc: '[::1]:1', tls: true}" },
	{ "{h2ping: '[::1]:1'}", "{h2ping: '[::1]:2'}" },
	{ "{h2ping: '[::1]:1'}", "{h2ping: '[::1]:1', tls: true}" },
	{ "{alias: b}", "{alias: b/i-1}" },
	{ "{alias: b}", "{alias: b.other.test}" },
	{ "{redis: '[::1]'}", "{redis: '[::1]', password_file: /x}" },
	{ "{redis: '[::1]', password_file: /x}",
	    "{redis: '[::1]', user: u, password_file: /x}" },
	{ "{postgres: '[::1]'}", "{postgres: '[::1]', user: x}" },
	{ "{postgres: '[::1]'}", "{postgres: '[::1]', database: x}" },
	{ "{postgres: '[::1]'}", "{postgres: '[::1]', sslmode: require}" },
	{ "{postgres: '[::1]'}", "{postgres: '[::1]', password_file: /x}" },
	{ "{postgres: '[::1]', sslmode: verify-ca, ca_file: /x}",
	    "{postgres: '[::1]', sslmode: verify-ca, ca_file: /y}" },
	{ "{postgres: '[::1]'}", "{postgres: '[::1]', server_name: x}" },
};

static bool are_equal(const char *a, const char *b)
{
	struct definition *x = must_parse(a), *y = must_parse(b);
	bool equal = check_spec_equal(&x->services[0].instances[0].checks[0],
	    &y->services[0].instances[0].checks[0]);

	definition_free(x);
	definition_free(y);
	return equal;
}

static void edits_are_seen(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(edits) / sizeof(edits[0]); n++) {
		print_message("%s %s\n", edits[n][0], edits[n][1]);
		assert_true(are_equal(edits[n][0], edits[n][0]));
		assert_true(are_equal(edits[n][1], edits[n][1]));
		assert_false(are_equal(edits[n][0], edits[n][1]));
	}
}

/* ---- lists in the list ------------------------------------------------ */

#define GROUPS(word)                                                           \
	"{tcp: '[::1]:1'}, {" word ": [{tcp: '[::1]:2'}, {all: [{ttl: 1s}, "   \
	"{ttl: 2s}]}]}, {tcp: '[::1]:3'}"

static void lists_are_made_flat(void **state)
{
	static const unsigned group[] = { 0, 1, 2, 2, 0 };
	struct definition *d = must_parse(GROUPS("any"));
	struct definition *other = must_parse(GROUPS("all"));
	struct definition *flat = must_parse(
	    "{tcp: '[::1]:1'}, {tcp: '[::1]:2'}, {ttl: 1s}, {ttl: 2s}, "
	    "{tcp: '[::1]:3'}");
	const struct definition_instance *i = &d->services[0].instances[0];

	(void)state;
	assert_int_equal(i->check_n, 5);
	for (unsigned n = 0; n < 5; n++)
		assert_int_equal(i->checks[n].group, group[n]);
	assert_string_equal(i->checks[4].name, "tcp-3");
	assert_int_equal(i->group_n, 2);
	assert_true(i->groups[0].any && !i->groups[1].any);
	assert_int_equal(i->groups[0].parent, 0);
	assert_int_equal(i->groups[1].parent, 1);
	/* the checks go on, but the instance is another one */
	assert_true(check_spec_equal(
	    &i->checks[1], &flat->services[0].instances[0].checks[1]));
	assert_true(definition_instance_equal(i, i));
	assert_false(
	    definition_instance_equal(i, &other->services[0].instances[0]));
	assert_false(
	    definition_instance_equal(i, &flat->services[0].instances[0]));
	definition_free(d);
	definition_free(other);
	definition_free(flat);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_understood),
		cmocka_unit_test(edits_are_seen),
		cmocka_unit_test(lists_are_made_flat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
