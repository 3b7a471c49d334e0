// SPDX-License-Identifier: BSD-2-Clause
/* What is said of connections: URLs, sockets, TLS, secrets, octets. */
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

static int parse(const char *check, struct definition **ret_d, struct diags *e)
{
	char text[20200];

	*ret_d = NULL;
	(void)snprintf(text, sizeof(text),
	    "service: a\nport: 80\ninstances: [{address: 'fd00::1'}]\n"
	    "checks: [%s]\n",
	    check);
	return definition_parse("f", text, strlen(text), &defaults, ret_d, e);
}

static void show_tls(FILE *f, const struct net_tls *tls)
{
	if (!tls->on)
		return;
	(void)fprintf(
	    f, " tls %s%s", tls->server_name, tls->verify ? "" : " unverified");
	if (tls->ca_file)
		(void)fprintf(f, " ca %s", tls->ca_file);
	if (tls->cert_file)
		(void)fprintf(f, " own %s %s", tls->cert_file, tls->key_file);
}

static void show(FILE *f, const struct check_spec *s)
{
	const struct check_http *h = &s->http;
	const struct check_tcp *t = &s->tcp;

	if (s->kind == CHECK_TCP) {
		(void)fprintf(f, "tcp %s port %d", t->address, t->port);
		if (t->send.len)
			(void)fprintf(f, " send %zu", t->send.len);
		if (t->expect)
			(void)fprintf(f, " expect %s", t->expect);
		show_tls(f, &t->tls);
		return;
	}
	(void)fprintf(f, "%s ", h->method);
	if (h->socket) {
		(void)fprintf(f, "socket %s", h->socket);
	} else {
		(void)fprintf(f, "%s port %d", h->address, h->port);
	}
	(void)fprintf(f, " host %s target %s", h->host, h->target);
	if (h->send.len)
		(void)fprintf(f, " send %.*s", (int)h->send.len, h->send.data);
	if (h->secrets)
		(void)fprintf(f, " secrets");
	show_tls(f, &h->tls);
}

static const struct {
	const char *check, *shown;
} good[] = {
	{ "{tcp: '{address}:{port}'}", "tcp fd00::1 port 80" },
	{ "{tcp: '{address}:{port}', send: 'PING\\r\\n', expect: PONG}",
	    "tcp fd00::1 port 80 send 6 expect PONG" },
	{ "{tcp: '{address}:{port}', tls: true}",
	    "tcp fd00::1 port 80 tls fd00::1" },
	{ "{tcp: '{address}:{port}', tls: false}", "tcp fd00::1 port 80" },
	{ "{tcp: 'localhost:1', tls: {}}",
	    "tcp localhost port 1 tls localhost" },
	{ "{tcp: '[::1]:1', tls: {name: '{service}.test', ca: '/c/{port}', cert: "
	  "'/c/{name}.pem', key: /c/k}}",
	    "tcp ::1 port 1 tls a.test ca /c/80 own /c/fd00--1-80.pem /c/k" },
	{ "{tcp: '[::1]:1', tls: {name: 192.0.2.1, verify: false}}",
	    "tcp ::1 port 1 tls 192.0.2.1 unverified" },
	{ "{http: 'https://{address}/x'}",
	    "GET fd00::1 port 443 host [fd00::1] target /x tls fd00::1" },
	{ "{http: 'https://{address}:{port}', tls: {name: api.test}}",
	    "GET fd00::1 port 80 host [fd00::1]:80 target / tls api.test" },
	{ "{http: 'https://localhost:8443/', tls: true}",
	    "GET localhost port 8443 host localhost:8443 target / tls "
	    "localhost" },
	{ "{http: 'http://{address}/', tls: false}",
	    "GET fd00::1 port 80 host [fd00::1] target /" },
	{ "{http: 'http://app.test/x', socket: '/run/{service}.sock'}",
	    "GET socket /run/a.sock host app.test target /x" },
	{ "{http: 'https://app.test:1/', socket: /s}",
	    "GET socket /s host app.test:1 target / tls app.test" },
	{ "{http: 'https://[::1]:1/', socket: /s}",
	    "GET socket /s host [::1]:1 target / tls ::1" },
	{ "{http: 'http://[::1]/', method: POST, send: '{\"a\": 1}'}",
	    "POST ::1 port 80 host [::1] target / send {\"a\": 1}" },
	{ "{http: 'http://[::1]/', method: PATCH, "
	  "headers: {A: 'x {env:ROLLCALL_TEST}', B: '{file:/t}'}}",
	    "PATCH ::1 port 80 host [::1] target / secrets" },
	{ "{http: 'http://[::1]/', headers: {A: '{x} {env} {address}', "
	  "Content-Length: 0}}",
	    "GET ::1 port 80 host [::1] target /" },
};

static void keys_are_understood(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(good) / sizeof(good[0]); n++) {
		struct definition *d, *again;
		struct diags e = { 0 };
		char *text = NULL;
		size_t len;

		if (parse(good[n].check, &d, &e) < 0)
			fail_msg("%s: %s", good[n].check, e.items[0].text);
		const struct definition_instance *i =
		    &d->services[0].instances[0];
		FILE *f = open_memstream(&text, &len);

		show(f, &i->checks[0]);
		(void)fclose(f);
		assert_string_equal(text, good[n].shown);
		free(text);
		assert_int_equal(parse(good[n].check, &again, NULL), 0);
		assert_true(definition_instance_equal(
		    i, &again->services[0].instances[0]));
		definition_free(d);
		definition_free(again);
	}
}

#define URL_RULE                                                               \
	"expected http:// or https://, a numeric address (IPv6 in brackets) "  \
	"or localhost, a port, a path; the name of a virtual host belongs to " \
	"'headers' as Host"

static const struct {
	const char *check, *error; /* behind "f:" */
} bad[] = {
	{ "{tcp: '[::1]:1', tls: yes}",
	    "4:32: found 'yes' for 'tls', expected true, false or a map with "
	    "name, ca, cert, key and verify" },
	{ "{tcp: '[::1]:1', tls: [true]}",
	    "4:32: found a list for 'tls', expected true, false or a map with "
	    "name, ca, cert, key and verify" },
	{ "{tcp: '[::1]:1', tls: {sni: x}}",
	    "4:33: found key 'sni' in 'tls', expected one of name, ca, cert, "
	    "key, verify" },
	{ "{tcp: '[::1]:1', tls: {ca: x.pem}}",
	    "4:37: found 'x.pem' for 'ca', expected the absolute path of a "
	    "file of certificates" },
	{ "{tcp: '[::1]:1', tls: {cert: /x}}",
	    "4:32: found 'cert' without 'key' in 'tls', expected both or "
	    "none" },
	{ "{tcp: '[::1]:1', tls: {key: /x}}",
	    "4:32: found 'key' without 'cert' in 'tls', expected both or "
	    "none" },
	{ "{tcp: '[::1]:1', tls: {ca: /x, verify: false}}",
	    "4:33: found 'ca' beside 'verify: false', expected one of them" },
	{ "{tcp: '[::1]:1', tls: {name: 'a b'}}",
	    "4:32: found 'a b' for 'name' in 'tls', expected the name or "
	    "address of a host" },
	{ "{tcp: '[::1]:1', tls: {name: .test}}",
	    "4:32: found '.test' for 'name' in 'tls', expected the name or "
	    "address of a host" },
	{ "{http: 'http://[::1]/', tls: true}",
	    "4:39: found 'http://' beside 'tls', expected https://" },
	{ "{http: 'https://[::1]/', tls: false}",
	    "4:40: found 'https://' beside 'tls: false', expected http://" },
	{ "{http: 'https://api.test/'}",
	    "4:17: found 'https://api.test/' for 'http', " URL_RULE },
	{ "{http: 'http://a/b@c/', socket: x}",
	    "4:42: found 'x' for 'socket', expected the absolute path of a "
	    "Unix socket" },
	{ "{http: 'http://u@a/', socket: /x}",
	    "4:17: found 'http://u@a/' for 'http', " URL_RULE },
	{ "{http: 'http:///', socket: /x}",
	    "4:17: found 'http:///' for 'http', " URL_RULE },
	{ "{http: 'http://[::1]/', send: '\\q'}",
	    "4:40: found '\\q' for 'send', expected text of at most 16384 "
	    "octets with the escapes \\r, \\n, \\t, \\0, \\\\ and \\xHH" },
	{ "{http: 'http://[::1]/', send: x, headers: {content-length: 1}}",
	    "4:53: found 'content-length' in 'headers' beside 'send', "
	    "expected one of them" },
	{ "{http: 'http://[::1]/', headers: {A: '{env:ROLLCALL_NONE}'}}",
	    "4:47: found {env:ROLLCALL_NONE}, expected the name of a variable "
	    "in the environment of the registrar" },
	{ "{http: 'http://[::1]/', headers: {A: 'x {env:a-b} y'}}",
	    "4:47: found '{env:a-b} y', expected {env:NAME} or {file:/PATH}" },
	{ "{http: 'http://[::1]/', headers: {A: '{file:token}'}}",
	    "4:47: found '{file:token}', expected {env:NAME} or "
	    "{file:/PATH}" },
	{ "{http: 'http://[::1]/', headers: {A: '{file:/x'}}",
	    "4:47: found '{file:/x', expected {env:NAME} or {file:/PATH}" },
};

static void errors_say_what_is_expected(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(bad) / sizeof(bad[0]); n++) {
		struct diags e = { 0 };
		struct definition *d;

		if (parse(bad[n].check, &d, &e) == 0)
			fail_msg("%s: no error", bad[n].check);
		assert_int_equal(e.n, 1);
		assert_string_equal(e.items[0].text + 2, bad[n].error);
	}
}

/* before, n octets, after */
static int parse_long(const char *before, size_t n, const char *after,
    struct definition **ret_d, struct diags *e)
{
	static char filler[20000], check[20000];

	memset(filler, 'x', sizeof(filler));
	(void)snprintf(
	    check, sizeof(check), "%s%.*s%s", before, (int)n, filler, after);
	return parse(check, ret_d, e);
}

static void long_texts(void **state)
{
	struct definition *d;
	struct diags e = { 0 };

	(void)state;
	assert_int_equal(
	    parse_long("{http: 'http://[::1]/', send: ", 16384, "}", &d, &e),
	    0);
	assert_int_equal(
	    d->services[0].instances[0].checks[0].http.send.len, 16384);
	definition_free(d);
	assert_int_equal(
	    parse_long("{http: 'http://[::1]/', send: ", 16385, "}", &d, &e),
	    -22);
	e = (struct diags){ 0 };
	assert_int_equal(
	    parse_long("{http: 'http://[::1]/', socket: /", 107, "}", &d, &e),
	    -22);
	assert_string_equal(e.items[0].text,
	    "f:4:42: found a path of 108 octets for 'socket', expected at "
	    "most 107");
}

#define H "{http: 'https://[::1]/'"
#define T "{tcp: '[::1]:1'"

/* Pairs that differ. */
static const char *const edits[][2] = {
	{ T "}", T ", send: a}" },
	{ T "}", T ", expect: a}" },
	{ T "}", T ", tls: true}" },
	{ T ", tls: true}", T ", tls: {name: a}}" },
	{ T ", tls: true}", T ", tls: {ca: /a}}" },
	{ T ", tls: true}", T ", tls: {cert: /a, key: /b}}" },
	{ T ", tls: {cert: /a, key: /b}}", T ", tls: {cert: /a, key: /c}}" },
	{ T ", tls: true}", T ", tls: {verify: false}}" },
	{ H "}", H ", tls: {name: a}}" },
	{ H "}", H ", socket: /a}" },
	{ H "}", H ", send: a}" },
	{ H "}", "{http: 'http://[::1]/'}" },
};

static void edits_are_seen(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(edits) / sizeof(edits[0]); n++) {
		struct definition *a, *b;

		assert_int_equal(parse(edits[n][0], &a, NULL), 0);
		assert_int_equal(parse(edits[n][1], &b, NULL), 0);
		if (check_spec_equal(&a->services[0].instances[0].checks[0],
		        &b->services[0].instances[0].checks[0]))
			fail_msg("%s %s", edits[n][0], edits[n][1]);
		definition_free(a);
		definition_free(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_understood),
		cmocka_unit_test(errors_say_what_is_expected),
		cmocka_unit_test(long_texts),
		cmocka_unit_test(edits_are_seen),
	};

	if (setenv("ROLLCALL_TEST", "x", 1) < 0 ||
	    unsetenv("ROLLCALL_NONE") < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
