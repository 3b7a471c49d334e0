// SPDX-License-Identifier: BSD-2-Clause
/*
 * Consul's service definitions mean what a file of ours says beside them;
 * what is ignored is told, with its place.
 */
#include "registrar/definition/definition.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct definition_defaults defaults = { "svc.test", "10.0.0.9",
	NULL };

/* What Consul's defaults are in ours. */
#define ONE "weights: {passing: 1, warning: 1}"
#define COUNTS "rise: 1, fall: 1"

static const struct {
	const char *why, *consul, *ours, *warnings;
} same[] = {
	{ "the least there is", "{\"service\": {\"name\": \"web\"}}",
	    "service: web\ninstances: [{" ONE "}]", "" },
	{ "everything that has a meaning",
	    "{\"service\": {\"id\": \"redis1\", \"name\": \"redis\",\n"
	    " \"tags\": [\"primary\", \"V2.1\", \"urlprefix-/api\"],\n"
	    " \"address\": \"10.0.0.1\", \"port\": 8000,\n"
	    " \"meta\": {\"version\": \"4.0\"},\n"
	    " \"tagged_addresses\": {\"lan_ipv6\": {\"address\": "
	    "\"2001:db8::1\", \"port\": 8000}},\n"
	    " \"weights\": {\"passing\": 5, \"warning\": 2},\n"
	    " \"enable_tag_override\": false, \"notes\": \"a cache\",\n"
	    " \"checks\": [{\"id\": \"alive\", \"args\": "
	    "[\"/usr/local/bin/check_redis.py\", \"-v\"],\n"
	    " \"interval\": \"10s\", \"notes\": \"is it there\"}]}}",
	    "service: redis\ninstances:\n"
	    "- {name: redis1, address: 10.0.0.1, address6: '2001:db8::1',\n"
	    "   port: 8000, tags: [primary, V2.1, urlprefix-/api],\n"
	    "   meta: {version: '4.0'}, weights: {passing: 5, warning: 2},\n"
	    "   checks: [{name: alive, exec: [/usr/local/bin/check_redis.py, "
	    "-v],\n    interval: 10s, timeout: 30s, " COUNTS "}]}",
	    "" },
	{ "keys in the spellings that Consul takes",
	    "{\"Service\": {\"ID\": \"w1\", \"Name\": \"web\", \"Port\": 80,\n"
	    " \"EnableTagOverride\": false, \"Weights\": {\"Passing\": 3,\n"
	    " \"Warning\": 1}, \"Check\": {\"CheckID\": \"up\",\n"
	    " \"TCP\": \"localhost:80\", \"Interval\": \"5s\",\n"
	    " \"Timeout\": \"1s\", \"SuccessBeforePassing\": 3,\n"
	    " \"FailuresBeforeCritical\": 2}}}",
	    "service: web\ninstances: [{name: w1, port: 80, weights: "
	    "{passing: 3, warning: 1},\n checks: [{name: up, tcp: "
	    "'localhost:80', interval: 5s, timeout: 1s, rise: 3, fall: 2}]}]",
	    "" },
	{ "services of one name are instances of one service",
	    "{\"services\": [{\"id\": \"r0\", \"name\": \"red\", \"port\": 1},"
	    " {\"name\": \"blue\", \"port\": 2},\n"
	    " {\"id\": \"r1\", \"name\": \"RED\", \"port\": 3}]}",
	    "services:\n- service: red\n  instances: [{name: r0, port: 1, " ONE
	    "}, {name: r1, port: 3, " ONE "}]\n"
	    "- service: blue\n  instances: [{port: 2, " ONE "}]",
	    "" },
	{ "http: header lists are joined, counts of 0 mean the first",
	    "{\"service\": {\"name\": \"api\", \"port\": 5000, \"check\":\n"
	    "{\"id\": \"api\", \"name\": \"HTTP API on port 5000\",\n"
	    " \"http\": \"http://127.0.0.1:5000/health\",\n"
	    " \"method\": \"POST\", \"header\": {\"Accept\": [\"a/b\", "
	    "\"c/d\"], \"X-Y\": [\"z\"]},\n"
	    " \"disable_redirects\": true, \"interval\": \"10s\",\n"
	    " \"success_before_passing\": 0, \"failures_before_critical\": 0,\n"
	    " \"timeout\": \"1s\", \"status\": \"critical\"}}}",
	    "service: api\ninstances: [{port: 5000, " ONE ", checks: [{name: "
	    "api, http: 'http://127.0.0.1:5000/health', method: POST,\n"
	    "headers: {Accept: 'a/b, c/d', X-Y: z}, interval: 10s, timeout: "
	    "1s, " COUNTS "}]}]",
	    "" },
	{ "https: names, verification, a body that is taken literally",
	    "{\"service\": {\"name\": \"api\", \"checks\": [\n"
	    "{\"http\": \"https://127.0.0.1:1/\", \"interval\": \"1s\", "
	    "\"tls_server_name\": \"api.test\", \"method\": \"PUT\",\n"
	    " \"body\": \"{\\\"a\\\": \\\"\\\\n\\\"}\", "
	    "\"tls_skip_verify\": false},\n"
	    "{\"HTTP\": \"https://127.0.0.1:2/\", \"Interval\": \"1s\", "
	    "\"TLSSkipVerify\": true, \"TLSServerName\": \"\"}]}}",
	    "service: api\ninstances: [{" ONE ", checks: [\n"
	    "{http: 'https://127.0.0.1:1/', interval: 1s, timeout: 10s, tls: "
	    "{name: api.test}, method: PUT, send: '{\"a\": \"\\\\n\"}', " COUNTS
	    "},\n"
	    "{http: 'https://127.0.0.1:2/', interval: 1s, timeout: 10s, tls: "
	    "{verify: false}, " COUNTS "}]}]",
	    "" },
	{ "tcp with TLS; what means nothing without",
	    "{\"service\": {\"name\": \"a\", \"checks\": [\n"
	    "{\"tcp\": \"[::1]:1\", \"interval\": \"1s\", \"tcp_use_tls\": "
	    "true, \"tls_server_name\": \"x\"},\n"
	    "{\"tcp\": \"[::1]:2\", \"interval\": \"1s\", \"tcp_use_tls\": "
	    "false, \"tls_skip_verify\": true},\n"
	    "{\"ttl\": \"1m\", \"tcp_use_tls\": true, \"tls_server_name\": "
	    "\"x\", \"body\": \"y\"}]}}",
	    "service: a\ninstances: [{" ONE ", checks: [\n"
	    "{tcp: '[::1]:1', interval: 1s, timeout: 10s, tls: {name: x}, " COUNTS
	    "},\n"
	    "{tcp: '[::1]:2', interval: 1s, timeout: 10s, " COUNTS "},\n"
	    "{ttl: 1m}]}]",
	    "3:60: found 'tls_skip_verify' in a check of kind 'tcp', ignored: "
	    "the check has no TLS\n"
	    "4:60: found 'body' in a check of kind 'ttl', ignored: it means "
	    "nothing there\n"
	    "4:36: found 'tls_server_name' in a check of kind 'ttl', ignored: "
	    "the check has no TLS\n"
	    "4:15: found 'tcp_use_tls' in a check of kind 'ttl', ignored: it "
	    "means nothing there\n" },
	{ "deregistering: the longest time, whoever says it",
	    "{\"services\": [{\"id\": \"a1\", \"name\": \"a\", \"check\": "
	    "{\"ttl\": \"1m\", \"deregister_critical_service_after\": "
	    "\"10m\"}},\n"
	    "{\"id\": \"a2\", \"name\": \"a\", \"check\": {\"ttl\": "
	    "\"1m\", \"DeregisterCriticalServiceAfter\": \"90m\"}},\n"
	    "{\"name\": \"b\"}],\n"
	    "\"checks\": [{\"service_id\": \"a1\", \"ttl\": \"2m\", "
	    "\"deregister_critical_service_after\": \"90m\"}]}",
	    "services:\n- {service: a, deregister_after: 1h30m, instances: "
	    "[{name: a1, " ONE
	    ", checks: [{ttl: 1m}, {ttl: 2m}]}, {name: a2, " ONE
	    ", checks: [{ttl: 1m}]}]}\n"
	    "- {service: b, instances: [{" ONE "}]}",
	    "4:46: found '90m' for 'deregister_critical_service_after' beside "
	    "'10m', the longest counts for all instances of a service\n" },
	{ "a program without a path is looked for",
	    "{\"service\": {\"name\": \"a\", \"check\": {\"args\":\n"
	    "[\"curl\", \"{ address}\"], \"interval\": \"1s\", \"name\": "
	    "\"Memory use!\"}}}",
	    "service: a\ninstances: [{" ONE ", checks: [{exec: "
	    "[/usr/bin/env, curl, '{ address}'], interval: 1s, timeout: 30s, "
	    "name: memory-use, " COUNTS "}]}]",
	    "" },
	{ "ttl; a name that stands twice gives way to the default",
	    "{\"service\": {\"name\": \"a\", \"checks\": [{\"name\": \"x\", "
	    "\"ttl\": \"30s\"}, {\"name\": \"X\", \"ttl\": \"1m\"}]}}",
	    "service: a\ninstances: [{" ONE ", checks: [{name: x, ttl: 30s}, "
	    "{ttl: 1m}]}]",
	    "" },
	{ "udp: silence is no failure",
	    "{\"service\": {\"name\": \"a\", \"check\": {\"udp\": "
	    "\"10.0.0.1:53\", \"interval\": \"1s\"}}}",
	    "service: a\ninstances: [{" ONE ", checks: [{udp: '10.0.0.1:53', "
	    "interval: 1s, timeout: 10s, silence: passing, " COUNTS "}]}]",
	    "" },
	{ "checks of the host, and those that name a service",
	    "{\"services\": [{\"id\": \"a1\", \"name\": \"a\", \"port\": 1},\n"
	    "{\"name\": \"b\", \"port\": 2}],\n"
	    "\"checks\": [{\"id\": \"mem\", \"ttl\": \"1m\"},\n"
	    "{\"id\": \"own\", \"service_id\": \"a1\", \"ttl\": \"2m\"},\n"
	    "{\"id\": \"none\", \"service_id\": \"c\", \"ttl\": \"2m\"}]}",
	    "services:\n- {service: a, instances: [{name: a1, port: 1, " ONE
	    ", checks: [{name: mem, ttl: 1m}, {name: own, ttl: 2m}]}]}\n"
	    "- {service: b, instances: [{port: 2, " ONE ", checks: [{name: "
	    "mem, ttl: 1m}]}]}",
	    "5:30: found 'c' for 'service_id', ignored with the whole check: "
	    "the file has no such service\n" },
	{ "names that are no labels",
	    "{\"service\": {\"name\": \"Web_Front\", \"id\": "
	    "\"_nomad-task-0e1cd2a1-d5f4-4b1f-8e63-2d6a7f7a9b0c-group-websites:"
	    "8080\"}}",
	    "service: web-front\ninstances: [{name: nomad-task-0e1cd2a1-d5f4-"
	    "4b1f-8e63-2d6a7f7a9b0c-group-2142ec5a, " ONE "}]",
	    "1:22: found 'Web_Front' as the name of a service, taken as "
	    "'web-front': expected 1..62 of a-z 0-9 '-', no '-' at either "
	    "end\n" },
	{ "addresses: none, empty, by tag; port 0; tags that stand twice",
	    "{\"services\": [{\"id\": \"a\", \"name\": \"s\", \"address\": "
	    "\"\", \"port\": 0, \"tags\": [\"x\", \"y\", \"x\", \"\"]},\n"
	    "{\"id\": \"b\", \"name\": \"s\", \"tagged_addresses\": {\"lan\": "
	    "{\"address\": \"10.1.1.1\"},\n\"lan_ipv4\": {\"address\": "
	    "\"10.1.1.2\"}, \"wan\": {\"address\": \"1.2.3.4\"}}},\n"
	    "{\"id\": \"c\", \"name\": \"s\", \"address\": \"fd00::1\",\n"
	    "\"tagged_addresses\": {\"lan_ipv6\": {\"address\": "
	    "\"fd00::1\"}}}]}",
	    "service: s\ninstances: [{name: a, tags: [x, y], " ONE "},\n"
	    "{name: b, address: 10.1.1.2, " ONE "}, {name: c, address: "
	    "'fd00::1', " ONE "}]",
	    "3:38: found 'wan' in 'tagged_addresses', ignored: an instance "
	    "has one IPv4 and one IPv6 address\n" },
	{ "zeros of Consul's clients are as if they were not there",
	    "{\"service\": {\"ID\": \"\", \"Name\": \"web\", \"Port\": 80, "
	    "\"Checks\": [{\"HTTP\": \"\", \"TCP\": \"127.0.0.1:80\", "
	    "\"Args\": null, \"Interval\": \"10s\", \"Timeout\": \"0s\", "
	    "\"TTL\": \"\", \"Method\": \"\", \"Header\": {}, "
	    "\"DeregisterCriticalServiceAfter\": \"\"}, {}]}}",
	    "service: web\ninstances: [{port: 80, " ONE ", checks: [{tcp: "
	    "'127.0.0.1:80', interval: 10s, timeout: 10s, " COUNTS "}]}]",
	    "" },
	{ "a list under 'service'; no checks; a ttl of more than a day",
	    "{\"service\": [{\"name\": \"a\", \"check\": {}}, {\"name\": "
	    "\"b\", \"check\": {\"ttl\": \"25h\"}}]}",
	    "services: [{service: a, instances: [{" ONE "}]}, {service: b, "
	    "instances: [{" ONE ", checks: [{ttl: 25h}]}]}]",
	    "" },
	{ "surrogate pairs, case of schemes and hosts, null in meta",
	    "{\"service\": {\"name\": \"a\", \"meta\": {\"k\": "
	    "\"\\ud83d\\ude80\", \"n\": null}, \"check\": {\"http\": "
	    "\"HTTP://Localhost:80/\", \"interval\": \"1s\"}}}",
	    "service: a\ninstances: [{" ONE ", meta: {k: '\xf0\x9f\x9a\x80', "
	    "n: ''}, checks: [{http: 'HTTP://Localhost:80/', interval: 1s, "
	    "timeout: 10s, " COUNTS "}]}]",
	    "" },
	{ "grpc, of the server or of a service, and h2ping",
	    "{\"service\": {\"name\": \"a\", \"checks\": [\n"
	    "{\"grpc\": \"127.0.0.1:1\", \"interval\": \"1s\"},\n"
	    "{\"grpc\": \"[::1]:2/my.pkg.Svc/x\", \"grpc_use_tls\": true, "
	    "\"tls_server_name\": \"b\", \"interval\": \"1s\"},\n"
	    "{\"h2ping\": \"localhost:3\", \"interval\": \"1s\"},\n"
	    "{\"H2Ping\": \"localhost:4\", \"H2PingUseTLS\": false, "
	    "\"interval\": \"1s\"}]}}",
	    "service: a\ninstances: [{" ONE ", checks: [\n"
	    "{grpc: '127.0.0.1:1', interval: 1s, timeout: 10s, " COUNTS "},\n"
	    "{grpc: '[::1]:2', service: my.pkg.Svc/x, tls: {name: b}, "
	    "interval: 1s, timeout: 10s, " COUNTS "},\n"
	    "{h2ping: 'localhost:3', tls: true, interval: 1s, timeout: 10s, " COUNTS
	    "},\n"
	    "{h2ping: 'localhost:4', interval: 1s, timeout: 10s, " COUNTS
	    "}]}]",
	    "" },
	{ "aliases: an instance by its id, a service by its name, others",
	    "{\"services\": [{\"id\": \"Db_1\", \"name\": \"DB\"},\n"
	    "{\"name\": \"cache\", \"port\": 1},\n"
	    "{\"name\": \"web\", \"checks\": [{\"alias_service\": "
	    "\"Db_1\"}, {\"alias_service\": \"cache\"},\n"
	    "{\"id\": \"m\", \"alias_service\": \"Mail-1\", "
	    "\"alias_node\": \"n1\"},\n"
	    "{\"alias_node\": \"n1\"}]}]}",
	    "services:\n- {service: db, instances: [{name: db-1, " ONE "}]}\n"
	    "- {service: cache, instances: [{port: 1, " ONE "}]}\n"
	    "- {service: web, instances: [{" ONE ", checks: [{alias: db/db-1}, "
	    "{alias: cache}, {name: m, alias: mail-1}]}]}",
	    "4:40: found 'alias_node' in a check of Consul, ignored: the "
	    "registry knows no nodes\n"
	    "4:30: found 'Mail-1' for 'alias_service', taken as the service "
	    "'mail-1': the file has none of that id\n"
	    "5:2: found 'alias_node' in a check of Consul, ignored with the "
	    "whole check: there are none of its kind\n" },
	{ "a service of the system is a unit",
	    "{\"service\": {\"name\": \"a\", \"checks\": [\n"
	    "{\"id\": \"x\", \"os_service\": \"nginx\", \"interval\": "
	    "\"10s\"},\n"
	    "{\"os_service\": \"b.socket\"}, {\"ttl\": \"1m\"}]}}",
	    "service: a\ninstances: [{" ONE ", process: {unit: "
	    "nginx.service}, checks: [{ttl: 1m}]}]",
	    "3:2: found 'os_service' a second time, ignored with the whole "
	    "check: an instance has one process\n" },
	{ "what has no meaning here is told",
	    "{\"datacenter\": \"dc1\", \"service\": {\"name\": \"a\",\n"
	    "\"token\": \"s\", \"connect\": {\"sidecar_service\": {}},\n"
	    "\"kind\": null, \"flavour\": 1, \"enable_tag_override\": true,\n"
	    "\"checks\": [{\"docker_container_id\": \"x\", \"interval\": "
	    "\"1s\"},\n"
	    "{\"ttl\": \"1m\", \"status\": \"passing\", \"interval\": "
	    "\"1s\"}]}}",
	    "service: a\ninstances: [{" ONE ", checks: [{ttl: 1m}]}]",
	    "1:2: found 'datacenter' in a file of Consul, ignored: Rollcall "
	    "has none\n"
	    "2:1: found 'token' in a service of Consul, ignored: Rollcall has "
	    "no ACL tokens\n"
	    "2:15: found 'connect' in a service of Consul, ignored: there is "
	    "no service mesh\n"
	    "3:15: found 'flavour' in a service of Consul, ignored: Rollcall "
	    "has none\n"
	    "3:29: found 'enable_tag_override', ignored: tags are those of "
	    "the definition\n"
	    "4:13: found 'docker_container_id' in a check of Consul, ignored with the "
	    "whole check: there are none of its kind\n"
	    "5:15: found 'passing' for 'status', ignored: an instance is not "
	    "eligible before its first verdict\n"
	    "5:36: found 'interval' in a check of kind 'ttl', ignored: it "
	    "means nothing there\n" },
};

/* {text, errors}: each without the "f:" it begins with. */
static const struct {
	const char *text, *errors;
} bad[] = {
	{ "{\"service\": {\"port\": 80}}",
	    "1:13: found a service of Consul without 'name', expected the "
	    "name of a service\n" },
	{ "{\"service\": {\"name\": \"__\"}}",
	    "1:22: found '__' for 'service', expected 1..62 of a-z 0-9 '-', "
	    "no '-' at either end\n" },
	{ "{\"service\": {\"name\": \"a\", \"address\": \"a.example\",\n"
	  "\"port\": 70000, \"tags\": [\"a\\u0007\"]}}",
	    "1:38: found 'a.example' for 'address', expected the IPv4 or IPv6 "
	    "address of a host, not its name\n"
	    "2:9: found '70000' for 'port', expected a number from 1 to "
	    "65535\n"
	    "2:25: found 'a?' for 'tags', expected tags, each 1..512 octets "
	    "without control characters\n" },
	{ "{\"service\": {\"name\": \"a\", \"check\": {\"name\": \"x\"}}}",
	    "1:36: found a check without a kind, expected one of *" },
	{ "{\"service\": {\"name\": \"a\", \"check\": {\"tcp\": \"x\", "
	  "\"args\": [\"/a\"], \"interval\": \"1s\"}}}",
	    "1:49: found 'exec' in a check of kind 'tcp', expected one kind "
	    "in a check\n" },
	{ "{\"service\": {\"name\": \"a\", \"check\": \"x\", \"meta\": 3,\n"
	  "\"weights\": 3, \"tagged_addresses\": 1}}",
	    "2:12: found '3', expected 'weights' of Consul as a map\n"
	    "2:35: found '1' for 'tagged_addresses', expected a map\n" },
	{ "{\"service\": {\"name\": \"a\", \"checks\": [[], {\"header\": 1}]}}",
	    "1:38: found a list, expected a check of Consul as a map\n"
	    "1:53: found '1' for 'header', expected a map of names to lists "
	    "of words\n" },
	{ "{\"service\": {\"name\": \"a\", \"check\": {\"ttl\": \"1m\",\n"
	  "\"deregister_critical_service_after\": \"soon\"}}}",
	    "2:38: found 'soon' for 'deregister_after', expected a duration "
	    "from 0s to 365d such as '500ms' or '2s'\n" },
	{ "{\"check\": {\"id\": \"mem\", \"ttl\": \"1m\"}}",
	    "1:1: found checks without a service, expected 'service' or "
	    "'services' in the same file\n" },
	{ "{\"checks\": [{\"id\": \"mem\", \"ttl\": \"1m\"}]}",
	    "1:1: found checks without a service, expected 'service' or "
	    "'services' in the same file\n" },
	/* places behind a pair are those of the file */
	{ "{\"service\": {\"name\": \"a\", \"meta\": {\"k\": "
	  "\"\\ud83d\\ude80\"}, \"port\": 0x}}",
	    "1:66: found '0x' for 'port', expected a number from 1 to 65535\n" },
	/* what may be a secret is not repeated */
	{ "{\"service\": {\"name\": \"a\", \"check\": {\"http\": "
	  "\"http://127.0.0.1/\", \"interval\": \"1s\",\n"
	  "\"header\": {\"Authorization\": [\"Bearer a\\nb\"]}}}}",
	    "2:29: found a value of 10 octets for 'headers', expected a map of "
	    "header names to values in one line\n" },
	{ "{\"services\": [{\"name\": \"a\"}, 3]}",
	    "1:30: found '3', expected a service of Consul as a map\n" },
	{ "# a comment\n\nservice {\n  name = \"web\"\n}\n",
	    "1:1: found HCL, expected YAML or JSON: of Consul's two languages "
	    "only JSON is read\n" },
	{ "services = []",
	    "1:1: found HCL, expected YAML or JSON: of Consul's two languages "
	    "only JSON is read\n" },
};

static struct definition *parse(const char *text)
{
	struct definition *d = NULL;
	struct diags e = { 0 };

	if (definition_parse("f", text, strlen(text), &defaults, &d, &e) < 0)
		fail_msg("%s\n%s", text, e.items[0].text);
	return d;
}

static void lines(const struct diags *d, char *all, size_t len)
{
	FILE *f = fmemopen(all, len, "w");

	for (unsigned k = 0; k < d->n; k++)
		(void)fprintf(f, "%s\n", d->items[k].text + 2);
	(void)fclose(f);
}

static void compare(
    const char *why, const struct definition *a, const struct definition *b)
{
	if (a->service_n != b->service_n)
		fail_msg("%s: %u services", why, a->service_n);
	for (unsigned k = 0; k < a->service_n; k++) {
		const struct definition_service *x = &a->services[k];
		const struct definition_service *y = &b->services[k];

		if (!definition_service_row_equal(x, y))
			fail_msg("%s: service '%s'", why, x->name);
		assert_string_equal(x->name, y->name);
		assert_int_equal(x->policy.deregister_after_ms,
		    y->policy.deregister_after_ms);
		assert_int_equal(x->instance_n, y->instance_n);
		for (unsigned i = 0; i < x->instance_n; i++) {
			assert_string_equal(
			    x->instances[i].name, y->instances[i].name);
			if (!definition_instance_equal(
			        &x->instances[i], &y->instances[i]))
				fail_msg("%s: '%s'", why, x->instances[i].name);
		}
	}
}

static void means_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++) {
		struct definition *a = parse(same[i].consul);
		struct definition *b = parse(same[i].ours);
		char told[4096] = "";

		compare(same[i].why, a, b);
		if (a->warnings)
			lines(a->warnings, told, sizeof(told));
		assert_string_equal(told, same[i].warnings);
		definition_free(a);
		definition_free(b);
	}
}

static void says_what_is_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct definition *d = NULL;
		struct diags e = { 0 };
		char told[4096] = "";
		const char *expected = bad[i].errors;
		size_t len = strcspn(expected, "*");

		assert_int_equal(definition_parse("f", bad[i].text,
		                     strlen(bad[i].text), &defaults, &d, &e),
		    -EINVAL);
		lines(&e, told, sizeof(told));
		if (expected[len] == '*')
			told[len] = '\0';
		if (strlen(told) != len || strncmp(told, expected, len) != 0)
			fail_msg("%s\nexpected:\n%s", told, expected);
	}
}

/* A file whose name says HCL needs no second look. */
static void hcl_by_name(void **state)
{
	struct definition *d = NULL;
	struct diags e = { 0 };

	(void)state;
	assert_int_equal(
	    definition_parse("/d/web.hcl", "", 0, &defaults, &d, &e), -EINVAL);
	assert_non_null(strstr(e.items[0].text, "/d/web.hcl:1:1: found HCL"));
}

/* Braces in arguments and URLs are no templates; metadata has its limit. */
static void literally(void **state)
{
	static const char text[] =
	    "{\"service\": {\"name\": \"a\", \"port\": 1, \"meta\": {\"k\": "
	    "\"v\", \"long\": \"%0300d\"},\n"
	    "\"checks\": [{\"args\": [\"/bin/x\", \"{address} {port}\"], "
	    "\"interval\": \"1s\"},\n"
	    "{\"http\": \"http://[::1]:1/\", \"interval\": \"1s\", "
	    "\"header\": {\"A\": [\"{env:ROLLCALL_NONE}\"]}}]}}";
	char filled[1024];

	(void)state;
	(void)snprintf(filled, sizeof(filled), text, 0);
	struct definition *d = parse(filled);
	const struct definition_instance *i = &d->services[0].instances[0];

	assert_string_equal(
	    i->checks[0].exec.argv.items[1], "{address} {port}");
	assert_false(i->checks[1].http.secrets);
	assert_string_equal(i->meta, "{\"k\":\"v\"}");
	assert_int_equal(d->warnings->n, 1);
	assert_string_equal(d->warnings->items[0].text,
	    "f:1:57: found 'long' in 'meta' with 305 octets of key=value, "
	    "ignored: a TXT record holds 255");
	definition_free(d);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(means_the_same),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(hcl_by_name),
		cmocka_unit_test(literally),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
