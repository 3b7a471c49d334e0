// SPDX-License-Identifier: BSD-2-Clause
/* slow_start, deregister_after, damping and requires; loops over files. */
#include "registrar/definition/definition_loop.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct definition *parse(const char *file, const char *text)
{
	static const struct definition_defaults defaults = { "svc.test",
		"127.0.0.1", NULL };
	struct definition *d = NULL;
	struct diags e = { 0 };

	if (definition_parse(file, text, strlen(text), &defaults, &d, &e) < 0)
		fail_msg("%s: %s", text, e.items[0].text);
	return d;
}

static const struct {
	const char *text, *policy;
} policies[] = {
	{ "", "slow 0 after 0 damping 0" },
	{ "slow_start: 30s", "slow 30000 after 0 damping 0" },
	{ "deregister_after: 90d", "slow 0 after 7776000000 damping 0" },
	{ "damping: {half_life: 1m}",
	    "slow 0 after 0 damping 60000 3 1 240000" },
	{ "damping: {half_life: 10s, suppress: 9, reuse: 2, max: 1m}",
	    "slow 0 after 0 damping 10000 9 2 60000" },
	{ "requires: db", "slow 0 after 0 damping 0 requires db.svc.test" },
	{ "requires: [db, cache.other.test]",
	    "slow 0 after 0 damping 0 requires db.svc.test "
	    "cache.other.test" },
};

static void reads_policies(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(policies) / sizeof(policies[0]); n++) {
		char text[256], got[256];

		(void)snprintf(text, sizeof(text), "service: a\nport: 1\n%s",
		    policies[n].text);
		struct definition *d = parse("f", text);
		const struct health_policy *p = &d->services->policy;
		int len = snprintf(got, sizeof(got),
		    "slow %lld after %lld damping %lld",
		    (long long)p->slow_start_ms,
		    (long long)p->deregister_after_ms,
		    (long long)p->damping.half_life_ms);

		if (p->damping.half_life_ms) {
			len += snprintf(got + len, sizeof(got) - (size_t)len,
			    " %d %d %lld", p->damping.suppress,
			    p->damping.reuse, (long long)p->damping.max_ms);
		}
		for (unsigned k = 0; k < p->require_n; k++) {
			len += snprintf(got + len, sizeof(got) - (size_t)len,
			    "%s %s.%s", k ? "" : " requires",
			    p->requires[k].service, p->requires[k].zone);
		}
		assert_string_equal(got, policies[n].policy);
		definition_free(d);
	}
}

/* A file with one service, and what putting it there says. */
static const struct {
	const char *why, *file, *text, *error;
} steps[] = {
	{ "one way", "a.yaml", "service: a\nport: 1\nrequires: b", NULL },
	{ "two in a row", "b.yaml", "service: b\nport: 1\nrequires: c", NULL },
	{ "the last closes it", "c.yaml",
	    "service: c\nport: 1\nrequires: [x, a]",
	    "c.yaml:3:11: found a loop for 'requires', c.svc.test > a.svc.test "
	    "> b.svc.test > c.svc.test, expected none" },
	{ "one that was refused took no effect", "x.yaml",
	    "service: x\nport: 1\nrequires: c", NULL },
	{ "another zone is another service", "d.yaml",
	    "service: c\nport: 1\nzone: other.test\nrequires: a.svc.test",
	    NULL },
	{ "a service may be in two files", "b2.yaml",
	    "service: b\nport: 2\nrequires: a",
	    "b2.yaml:3:11: found a loop for 'requires', b.svc.test > "
	    "a.svc.test > b.svc.test, expected none" },
	{ "a new version takes the place of the old", "a.yaml",
	    "service: a\nport: 1", NULL },
	{ "so the way is free", "c.yaml", "service: c\nport: 1\nrequires: a",
	    NULL },
	{ "and closed from the other side", "a.yaml",
	    "service: a\nport: 1\nrequires: c",
	    "a.yaml:3:11: found a loop for 'requires', a.svc.test > c.svc.test "
	    "> a.svc.test, expected none" },
	{ "a file that went is forgotten", "c.yaml", NULL, NULL },
	{ "then this is none", "a.yaml", "service: a\nport: 1\nrequires: c",
	    NULL },
	{ "an alias goes the same way", "c.yaml",
	    "service: c\nport: 1\nchecks:\n- {tcp: '[::1]:1'}\n- {alias: a}",
	    "c.yaml:5:11: found a loop for 'alias', c.svc.test > a.svc.test > "
	    "c.svc.test, expected none" },
	{ "one of its neighbour", "s.yaml",
	    "service: s\ninstances:\n- {name: a, checks: [{alias: s/b}]}\n"
	    "- {name: b}",
	    NULL },
	{ "one of another service, which is one of the neighbour", "t.yaml",
	    "service: t\nport: 1\nchecks: [{alias: s/b}]", NULL },
	{ "or of the one that is an alias itself", "t.yaml",
	    "service: t\nport: 1\nchecks: [{alias: s/a}]", NULL },
	{ "but not back", "s.yaml",
	    "service: s\ninstances:\n- {name: a, checks: [{alias: t}]}\n"
	    "- {name: b}",
	    "s.yaml:3:30: found a loop for 'alias', s.svc.test/a > t.svc.test "
	    "> s.svc.test/a, expected none" },
	{ "nor by the service, from the other side", "t.yaml",
	    "service: t\nport: 1\nchecks: [{alias: s}]", NULL },
	{ "which is then closed here", "s.yaml",
	    "service: s\ninstances:\n- {name: a, checks: [{alias: t}]}\n"
	    "- {name: b}",
	    "s.yaml:3:30: found a loop for 'alias', s.svc.test > t.svc.test > "
	    "s.svc.test, expected none" },
};

static void finds_loops_over_files(void **state)
{
	struct requirements *g = requirements_new();

	(void)state;
	for (size_t n = 0; n < sizeof(steps) / sizeof(steps[0]); n++) {
		struct diags e = { 0 };

		if (!steps[n].text) {
			requirements_remove(g, steps[n].file);
			continue;
		}
		struct definition *d = parse(steps[n].file, steps[n].text);
		int r = requirements_put(g, d, &e);

		definition_free(d);
		if (r != (steps[n].error ? -ELOOP : 0))
			fail_msg("%s: %d", steps[n].why, r);
		if (steps[n].error)
			assert_string_equal(e.items[0].text, steps[n].error);
	}
	requirements_remove(g, "never-seen.yaml");
	requirements_free(g);
	requirements_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_policies),
		cmocka_unit_test(finds_loops_over_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
