// SPDX-License-Identifier: BSD-2-Clause
/* What libunbound is told, and which texts are upstreams. */
#include "dnsd/forward/recipe.h"
#include "dnsd/forward/upstream.h"
#include "dnsd/options.h"
#include "schema/base/scoped.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *text, *want; /* NULL: it is none */
} upstreams[] = {
	{ "9.9.9.9", "9.9.9.9@53" },
	{ "10.0.0.53:5353", "10.0.0.53@5353" },
	{ "2620:fe::fe", "2620:fe::fe@53" },
	{ "[2620:fe::fe]:54", "2620:fe::fe@54" },
	{ "tls://1.1.1.1#one.one.one.one", "1.1.1.1@853#one.one.one.one" },
	{ "tls://[2606:4700::1111]:8853#a-b.c", "2606:4700::1111@8853#a-b.c" },
	{ "tls://1.1.1.1", NULL },
	{ "1.1.1.1#name", NULL },
	{ "tls://1.1.1.1#", NULL },
	{ "tls://1.1.1.1#a\"\nserver:", NULL },
	{ "tls://1.1.1.1#a b", NULL },
	{ "9.9.9.9:0", NULL },
	{ "9.9.9", NULL },
	{ "0.0.0.0", NULL },
	{ "::", NULL },
	{ "dns.quad9.net", NULL },
	{ "", NULL },
};

static void test_upstreams(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(upstreams) / sizeof(*upstreams); i++) {
		char text[UPSTREAM_TEXT_MAX];
		struct upstream u;
		int error = upstream_parse(upstreams[i].text, &u);

		print_message("'%s'\n", upstreams[i].text);
		assert_int_equal(error == 0, upstreams[i].want != NULL);
		assert_int_equal(
		    upstream_is_one(upstreams[i].text), error == 0);
		if (error)
			continue;
		upstream_to_text(&u, text);
		assert_string_equal(text, upstreams[i].want);
	}
	assert_true(upstream_is_one("system"));
	assert_true(upstream_zone_is_one("corp.example=10.0.0.53"));
	assert_false(upstream_zone_is_one("corp.example=system"));
	assert_false(upstream_zone_is_one("=10.0.0.53"));
	assert_false(upstream_zone_is_one("corp.example"));
	assert_false(upstream_zone_is_one("a..b=10.0.0.53"));
}

static void test_ourselves(void **state)
{
	struct upstream u;

	(void)state;
	assert_int_equal(upstream_parse("127.0.0.1", &u), 0);
	assert_true(upstream_is_listener(&u, "127.0.0.1:53"));
	assert_true(upstream_is_listener(&u, "127.0.0.1"));
	assert_true(upstream_is_listener(&u, "0.0.0.0:53"));
	assert_false(upstream_is_listener(&u, "127.0.0.1:5300"));
	assert_false(upstream_is_listener(&u, "127.0.0.2:53"));
	assert_false(upstream_is_listener(&u, "[::1]:53"));
	assert_int_equal(upstream_parse("192.0.2.1", &u), 0);
	assert_false(upstream_is_listener(&u, "0.0.0.0:53"));
}

static const char *strings(struct conf_strings *s, const char **items)
{
	s->items = items;
	for (s->n = 0; items[s->n]; s->n++)
		;
	return items[0];
}

static void test_recipe(void **state)
{
	const char *servers[] = { "9.9.9.9", "2620:fe::fe", NULL };
	const char *zones[] = { "corp.example=10.0.0.53", "b.example=10.0.0.55",
		"CORP.example.=10.0.0.54", NULL };
	const char *out[] = { "test", "alt", NULL };
	struct options o = { .trust_anchor = "/k", .upstream_ca = "/ca" };
	struct conf_strings all = { 0 };

	(void)state;
	(void)strings(&all, servers);
	(void)strings(&o.upstream_zones, zones);
	(void)strings(&o.special_names_out, out);
	scoped_free char *text = recipe_text(&o, &all);
	assert_non_null(strstr(text, "forward-zone:\n\tname: \".\"\n"
	                             "\tforward-addr: \"9.9.9.9@53\"\n"
	                             "\tforward-addr: \"2620:fe::fe@53\"\n"));
	assert_non_null(
	    strstr(text, "forward-zone:\n\tname: \"corp.example.\"\n"
	                 "\tforward-addr: \"10.0.0.53@53\"\n"
	                 "\tforward-addr: \"10.0.0.54@53\"\nserver:"));
	assert_non_null(strstr(text, "domain-insecure: \"corp.example.\""));
	assert_non_null(strstr(text, "local-zone: \"test.\" nodefault"));
	assert_null(strstr(text, "local-zone: \"alt.\" static"));
	assert_non_null(strstr(text, "local-zone: \"resolver.arpa.\" static"));
	assert_non_null(strstr(text, "module-config: \"iterator\""));
	assert_null(strstr(text, "serve-expired"));
	assert_null(strstr(text, "tls "));
	assert_int_equal(strncmp(text, "#ca /ca\nserver:\n", 16), 0);
	o.validation = 1;
	o.serve_stale_ms = 3600000;
	servers[0] = "tls://9.9.9.9#dns.quad9.net";
	servers[1] = NULL;
	all.n = 1;
	scoped_free char *other = recipe_text(&o, &all);
	assert_non_null(strstr(other, "module-config: \"validator iterator\""));
	assert_non_null(strstr(other, "trust-anchor-file: \"/k\""));
	assert_non_null(strstr(other, "serve-expired-ttl: 3600\n"));
	assert_non_null(
	    strstr(other, "forward-zone:\n\tname: \".\"\n"
	                  "\tforward-tcp-upstream: yes\n\n"
	                  "#tls 9.9.9.9@853#dns.quad9.net\n"
	                  "\tforward-addr: \"127.0.0.1@{tls 0}\"\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_upstreams),
		cmocka_unit_test(test_ourselves),
		cmocka_unit_test(test_recipe),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
