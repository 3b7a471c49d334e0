// SPDX-License-Identifier: BSD-2-Clause
/* What a registry says of others; tests/system/test_kinds.py has a real one. */
#include "probe_support.h"

#include <errno.h>

struct other {
	int error;
	struct service_tally tally;
	struct instance_state state;
};

static int give_tally(void *arg, const char *zone, const char *service,
    struct service_tally *ret_tally)
{
	const struct other *o = arg;

	assert_string_equal(zone, "other.test");
	assert_string_equal(service, "db");
	if (!o->error)
		*ret_tally = o->tally;
	return o->error;
}

static int give_state(void *arg, const char *zone, const char *service,
    const char *instance, struct instance_state *ret_state)
{
	const struct other *o = arg;

	assert_string_equal(zone, "other.test");
	assert_string_equal(service, "db");
	assert_string_equal(instance, "i-1");
	if (!o->error)
		*ret_state = o->state;
	return o->error;
}

static const struct check_spec of_service = { .name = "alias-1",
	.kind = CHECK_ALIAS,
	.interval_ms = 1000,
	.timeout_ms = 1000,
	.rise = 1,
	.fall = 1,
	.alias = {
	    .to = "db.other.test", .zone = "other.test", .service = "db" } };

// clang-format off
static const struct step {
	const char *why;
	const char *said; /* NULL: nothing */
	struct other other;
	enum verdict verdict;
	bool instance;
} steps[] = {
	/* each line goes on where the one before was, while it is the same kind */
	{ "no registry, no verdict", NULL, { .error = -EAGAIN }, VERDICT_FAIL, false },
	{ "nobody knows yet", NULL, { .tally = { 3, 0, 0, 2 } }, VERDICT_FAIL, false },
	{ "one is enough", "1 of 3 instances of 'db.other.test' passing", { .tally = { 3, 1, 0, 2 } }, VERDICT_PASS, false },
	{ "no registry, nothing changes", NULL, { .error = -EUCLEAN }, VERDICT_FAIL, false },
	{ "the best is warning", "none of 3 instances of 'db.other.test' passing, 2 warning", { .tally = { 3, 0, 2, 1 } }, VERDICT_WARN, false },
	{ "none is", "none of 3 instances of 'db.other.test' passing", { .tally = { 3, 0, 0, 0 } }, VERDICT_FAIL, false },
	{ "what was known holds no more", "none of 1 instances of 'db.other.test' passing", { .tally = { 1, 0, 0, 1 } }, VERDICT_FAIL, false },
	{ "there is none", "no instances of 'db.other.test'", { .tally = { 0, 0, 0, 0 } }, VERDICT_FAIL, false },
	{ "and again", "2 of 2 instances of 'db.other.test' passing", { .tally = { 2, 2, 0, 0 } }, VERDICT_PASS, false },
	{ "instance: nobody knows yet", NULL, { .state = { .health = HEALTH_STARTING } }, VERDICT_FAIL, true },
	{ "instance: it passes", "'db.other.test/i-1' is passing", { .state = { .health = HEALTH_PASSING } }, VERDICT_PASS, true },
	{ "instance: it warns", "'db.other.test/i-1' is warning", { .state = { .health = HEALTH_WARNING } }, VERDICT_WARN, true },
	{ "instance: critical", "'db.other.test/i-1' is critical", { .state = { .health = HEALTH_CRITICAL } }, VERDICT_FAIL, true },
	{ "instance: its process is gone", "'db.other.test/i-1' is dead", { .state = { .health = HEALTH_DEAD } }, VERDICT_FAIL, true },
	{ "instance: another one in its place", "'db.other.test/i-1' is starting", { .state = { .health = HEALTH_STARTING } }, VERDICT_FAIL, true },
	{ "instance: nobody is sent there", "'db.other.test/i-1' is draining", { .state = { .health = HEALTH_PASSING, .mode = MODE_DRAINING } }, VERDICT_FAIL, true },
	{ "instance: its lease", "the lease of 'db.other.test/i-1' has run out", { .state = { .health = HEALTH_PASSING, .expired = true } }, VERDICT_FAIL, true },
	{ "instance: it is gone", "no instance 'db.other.test/i-1'", { .error = -ENOENT }, VERDICT_FAIL, true },
	{ "instance: no registry", NULL, { .error = -EAGAIN }, VERDICT_FAIL, true },
};
// clang-format on

static void the_registry_is_asked(void **state)
{
	struct other other = { .error = -EAGAIN };
	struct check_spec specs[2] = { of_service, of_service };
	struct probe probes[2];
	struct outcome o[2] = { 0 };
	struct prober pr;

	(void)state;
	begin(&pr, probe_kinds);
	pr.tally = give_tally;
	pr.state = give_state;
	pr.arg = &other;
	specs[1].alias.to = "db.other.test/i-1";
	specs[1].alias.instance = "i-1";
	for (size_t n = 0; n < 2; n++) {
		probe_init(&probes[n], &pr, &specs[n], &support_subject,
		    outcome_take, &o[n]);
	}
	for (size_t n = 0; n < sizeof(steps) / sizeof(steps[0]); n++) {
		const struct step *s = &steps[n];
		struct outcome *got = &o[s->instance];

		other = s->other;
		got->done = false;
		probe_begin(&probes[s->instance]); /* only the first does */
		advance(&pr, now_ms + 1000);
		if (got->done != (s->said != NULL))
			fail_msg("%s: %s", s->why, got->detail);
		if (!s->said)
			continue;
		assert_string_equal(got->detail, s->said);
		if (got->verdict != s->verdict)
			fail_msg("%s: verdict %d", s->why, (int)got->verdict);
	}
	for (size_t n = 0; n < 2; n++)
		probe_release(&probes[n]);
	end(&pr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_registry_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
