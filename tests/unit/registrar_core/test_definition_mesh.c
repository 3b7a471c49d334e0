// SPDX-License-Identifier: BSD-2-Clause
/* `mesh:`: what is taken, how it is stored, and what is wrong with it. */
#include "definition_errors_support.h"
#include "registrar/definition/definition_mesh.h"

static const struct {
	const char *text, *json;
} taken[] = {
	{ "{}", "{}" },
	{ "{user: app, port: 8080, calls: stock}",
	    "{\"user\":\"app\",\"port\":8080,\"calls\":\"stock\"}" },
	{ "{protocol: grpc, allow: [a, {service: b.other.test, methods: [GET], "
	  "paths: [/metrics, '/api/*']}]}",
	    "{\"protocol\":\"grpc\",\"allow\":[\"a\",{\"service\":"
	    "\"b.other.test\",\"methods\":[\"GET\"],\"paths\":[\"/metrics\","
	    "\"/api/*\"]}]}" },
	{ "{timeout: {idle: 90s}, retries: {attempts: 3, on: [503, "
	  "conn-failure]}, limit: {rate: 10}, eject: {errors: 5}}",
	    "{\"timeout\":{\"idle\":\"90s\"},\"retries\":{\"attempts\":3,"
	    "\"on\":[503,\"conn-failure\"]},\"limit\":{\"rate\":10},"
	    "\"eject\":{\"errors\":5}}" },
};

static void stores_what_it_reads(void **state)
{
	static const struct definition_defaults defaults = { "svc.test",
		"127.0.0.1", NULL };

	(void)state;
	for (size_t n = 0; n < sizeof(taken) / sizeof(*taken); n++) {
		char text[512];
		struct definition *d = NULL;
		struct diags e = { 0 };
		struct mesh_policy p;
		struct diag why;

		(void)snprintf(text, sizeof(text),
		    "service: a\nport: 1\nmesh: %s", taken[n].text);
		if (definition_parse(
		        "f", text, strlen(text), &defaults, &d, &e) < 0)
			fail_msg("%s: %s", text, e.items[0].text);
		assert_string_equal(d->services->mesh, taken[n].json);
		if (mesh_policy_parse(
		        d->arena, d->services->mesh, "svc.test", &p, &why) < 0)
			fail_msg("%s", why.text);
		definition_free(d);
	}
}

static void reads_all_of_it(void **state)
{
	struct arena *a = arena_new();
	struct mesh_policy p;
	struct diag why;

	(void)state;
	assert_int_equal(mesh_policy_parse(a, "{}", "svc.test", &p, &why), 0);
	assert_null(p.user);
	assert_string_equal(p.proxy_user, "rollcall-proxy");
	assert_int_equal(p.port, ROW_DEFAULT);
	assert_int_equal(p.protocol, MESH_HTTP);
	assert_int_equal(p.base_port, MESH_BASE_PORT);
	assert_false(p.is_closed);
	assert_int_equal(p.retry.attempts, 2);
	assert_int_equal(p.timeout.connect_ms, 1000);
	assert_int_equal(p.eject.errors, 0);

	assert_int_equal(mesh_policy_parse(a,
	                     "{\"calls\":[\"b\",\"c.other.test\"],\"allow\":[]"
	                     ",\"protocol\":\"tcp\",\"base_port\":16000,"
	                     "\"eject\":{\"errors\":3,\"retry\":\"2s\"}}",
	                     "svc.test", &p, &why),
	    0);
	assert_true(p.is_closed);
	assert_int_equal(p.allow_n, 0);
	assert_int_equal(p.call_n, 2);
	assert_string_equal(p.calls[0].service, "b");
	assert_string_equal(p.calls[0].zone, "svc.test");
	assert_string_equal(p.calls[1].zone, "other.test");
	assert_int_equal(p.protocol, MESH_TCP);
	assert_int_equal(p.base_port, 16000);
	assert_int_equal(p.eject.retry_ms, 2000);
	/* what SQL puts there may be anything */
	assert_int_equal(mesh_policy_parse(a,
	                     "{\"allow\":[{\"service\":\"a\","
	                     "\"paths\":[\"/a b\"]}]}",
	                     "svc.test", &p, &why),
	    -EINVAL);
	assert_string_equal(why.text,
	    "mesh:1:35: found '/a b' for 'paths', expected a path such as "
	    "/metrics, or /api/* for all below it");
	arena_free(a);
}

static const struct bad_definition bad[] = {
	{ "service: a\nport: 1\nmesh: yes",
	    "3:7: found 'yes' for 'mesh', expected a map\n" },
	{ "service: a\nport: 1\nmesh: {users: app}",
	    "3:8: found key 'users' in 'mesh', expected 'user'\n" },
	{ "service: a\nport: 1\nmesh: {user: rollcall-proxy}",
	    "3:7: found 'rollcall-proxy' for 'user' and 'proxy_user', expected "
	    "two: the traffic of the one is taken to the other\n" },
	{ "service: a\nport: 1\nmesh:\n  protocol: tcp\n  allow:\n"
	  "  - {service: b, methods: GET}",
	    "6:3: found 'methods' or 'paths' beside 'protocol' tcp, expected "
	    "neither: there are none in it\n" },
	{ "service: a\nport: 1\nmesh:\n  allow: b\n  user: \"a b\"\n"
	  "  retries: {on: never}\n  calls: [a b]",
	    "4:10: found 'b' for 'allow', expected a list of at most 256 "
	    "callers\n"
	    "5:9: found 'a b' for 'user', expected the name of a user\n"
	    "6:17: found 'never' for 'on', expected conn-failure, "
	    "empty-response, response-timeout, junk-response or a status such "
	    "as 503\n"
	    "7:11: found 'a b' for 'calls', expected the name of a service, or "
	    "SERVICE.ZONE\n" },
	{ "service: a\nport: 1\nmesh: {allow: [{service: b, path: /x}, 'b c']}",
	    "3:29: found key 'path' in a caller, expected 'paths'\n"
	    "3:40: found 'b c' for 'allow', expected the name of a service, or "
	    "a map with 'service'\n" },
};

static void names_what_is_wrong(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(bad) / sizeof(*bad); n++)
		expect_errors(&bad[n]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stores_what_it_reads),
		cmocka_unit_test(reads_all_of_it),
		cmocka_unit_test(names_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
