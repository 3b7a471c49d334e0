// SPDX-License-Identifier: BSD-2-Clause
/* What an earlier run left, and what nobody wants any more. */
#include "store_support.h"

static void what_was_left_is_told_before_it_is_written(void **state)
{
	struct fx *f = *state;

	attach_all(f);
	set_health(f, &f->i1, HEALTH_CRITICAL);
	f->tcp.row.status = HEALTH_CRITICAL;
	turn(f, 0);
	assert_int_equal(f->restored, 0);
	detach_all(f);
	store_free(f->store);

	open_store(f);
	attach_all(f); /* i1 is starting again, as far as we know */
	turn(f, 0);
	assert_int_equal(f->restored, 2);
	assert_string_equal(f->old_check, "tcp-1");
	assert_int_equal(f->old_status, HEALTH_CRITICAL);
	assert_registry(f, "web: i1=critical i2=starting");
	detach_all(f);
}

static void checks_that_nobody_defines_go(void **state)
{
	struct fx *f = *state;

	attach_all(f);
	f->tcp.row.name = "other-1";
	turn(f, 0);
	assert_checks(f, "other-1=starting/ ");
	detach_all(f);
	store_free(f->store);
	open_store(f);
	attach_all(f);
	turn(f, 100);
	assert_checks(f, "tcp-1=starting/ ");
	detach_all(f);
}

static void put_foreign(const struct fx *f)
{
	struct registry *r = look(f);
	struct store_instance i;

	fill_instance(&i, "theirs");
	i.row.source = "sql";
	i.row.health = HEALTH_PASSING;
	assert_int_equal(0, registry_put_instance(r, &i.row, NULL));
	registry_close(r);
}

static void only_ours_are_withdrawn(void **state)
{
	struct fx *f = *state;

	attach_all(f);
	store_put_definition(f->store, "old.yaml", "x");
	store_put_definition(f->store, "kept.yaml", "y");
	turn(f, 0);
	put_foreign(f);
	detach_all(f);
	f->wanted = "i2";
	turn(f, 100);
	assert_registry(f, "web: i1=starting i2=starting theirs=passing");
	store_reconcile(f->store);
	turn(f, 100);
	assert_registry(f, "web: i2=starting theirs=passing");
	/* the service of others stays, even when none of ours is left */
	store_withdraw(f->store, ZONE, "web", "i2", NULL);
	store_withdraw(f->store, ZONE, "web", NULL, NULL);
	turn(f, 100);
	assert_registry(f, "web: theirs=passing");
}

/* What was ours when we wrote it, and is not by the time that it goes. */
static void an_instance_taken_over_stays(void **state)
{
	struct fx *f = *state;
	struct store_instance taken;

	attach_all(f);
	turn(f, 0);
	struct registry *r = look(f);

	fill_instance(&taken, "i1");
	taken.row.source = "sql";
	assert_int_equal(0, registry_put_instance(r, &taken.row, NULL));
	registry_close(r);
	detach_all(f);
	store_withdraw(f->store, ZONE, "web", "i1", NULL);
	store_withdraw(f->store, ZONE, "web", "i2", NULL);
	turn(f, 100);
	assert_true(store_is_idle(f->store));
	assert_registry(f, "web: i1=starting");
}

static void an_empty_service_goes(void **state)
{
	struct fx *f = *state;

	attach_all(f);
	turn(f, 0);
	detach_all(f);
	store_reconcile(f->store);
	turn(f, 100);
	assert_registry(f, "");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(what_was_left_is_told_before_it_is_written),
		T(checks_that_nobody_defines_go),
		T(only_ours_are_withdrawn),
		T(an_instance_taken_over_stays),
		T(an_empty_service_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
