// SPDX-License-Identifier: BSD-2-Clause
/* A real registry in a directory of its own, and a clock set by hand. */
#include "registrar/store.h"
#include "support.h"

#include <fcntl.h>
#include <unistd.h>

#define ZONE "svc.test"
#define SOURCE "registrar/h1"

struct fx {
	char dir[64], path[96];
	int64_t now_ms;
	struct timers *timers;
	struct store *store;
	bool woken;
	/* what was asked of us */
	unsigned opened, restored;
	enum health old_health;
	char old_check[64];
	enum health old_status;
	const char *wanted; /* the one instance that is */
	/* rows */
	struct store_service web;
	struct store_instance i1, i2;
	struct store_check tcp;
};

static int64_t read_clock(void *arg)
{
	return ((struct fx *)arg)->now_ms;
}

static int64_t read_wall(void *arg)
{
	return 1700000000000 + ((struct fx *)arg)->now_ms;
}

static void on_wake(void *arg)
{
	((struct fx *)arg)->woken = true;
}

static void on_opened(void *arg)
{
	((struct fx *)arg)->opened++;
}

static void on_restore(
    void *arg, struct store_instance *i, const struct instance_row *row)
{
	struct fx *f = arg;

	f->restored++;
	f->old_health = row->health;
	i->row.health = row->health;
}

static bool on_restore_check(
    void *arg, struct store_instance *i, const struct check_row *row)
{
	struct fx *f = arg;

	(void)i;
	(void)snprintf(f->old_check, sizeof(f->old_check), "%s", row->name);
	f->old_status = row->status;
	return !strcmp(row->name, "tcp-1");
}

static bool is_wanted(void *arg, const char *zone, const char *service,
    const char *instance, const char *definition)
{
	const struct fx *f = arg;

	(void)zone;
	(void)service;
	(void)definition;
	return instance && f->wanted && !strcmp(instance, f->wanted);
}

static bool is_file_wanted(void *arg, const char *file)
{
	(void)arg;
	return !strcmp(file, "kept.yaml");
}

static void open_store(struct fx *f)
{
	const struct store_config config = { .path = f->path,
		.name = "h1",
		.source = SOURCE,
		.timers = f->timers,
		.wall_ms = read_wall,
		.wake = on_wake,
		.restore_check = on_restore_check,
		.restore = on_restore,
		.wanted = is_wanted,
		.file_wanted = is_file_wanted,
		.opened = on_opened,
		.arg = f };

	f->store = store_new(&config);
}

static int setup(void **state)
{
	struct fx *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/store-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->path, sizeof(f->path), "%s/registry.db", f->dir);
	f->now_ms = 1000;
	f->timers = timers_new(read_clock, f);
	open_store(f);
	*state = f;
	return 0;
}

static void remove_registry(const struct fx *f)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-journal" };

	for (size_t n = 0; n < 4; n++) {
		char path[128];

		(void)snprintf(path, sizeof(path), "%s%s", f->path, ends[n]);
		(void)unlink(path);
	}
}

static int teardown(void **state)
{
	struct fx *f = *state;

	store_free(f->store);
	timers_free(f->timers);
	remove_registry(f);
	assert_int_equal(0, rmdir(f->dir));
	free(f);
	return 0;
}

/* Turns of the loop until nothing waits, or for that long. */
static void turn(struct fx *f, int64_t for_ms)
{
	int64_t end_ms = f->now_ms + for_ms;

	do {
		if (f->woken) {
			f->woken = false;
			store_flush(f->store);
		}
		int64_t next_ms = timers_next(f->timers);

		if (next_ms > end_ms)
			break;
		if (next_ms > f->now_ms)
			f->now_ms = next_ms;
		timers_run(f->timers);
	} while (f->now_ms < end_ms || f->woken);
	f->now_ms = end_ms;
}

/* ---- rows ------------------------------------------------------------- */

static void fill_instance(struct store_instance *i, const char *name)
{
	i->row = (struct instance_row){ .zone = ZONE,
		.service = "web",
		.name = name,
		.address = "192.0.2.1",
		.port = ROW_DEFAULT,
		.weight = 100,
		.weight_warning = ROW_DEFAULT,
		.health = HEALTH_STARTING,
		.tags = "[]",
		.meta = "{}",
		.source = SOURCE,
		.since_wall_ms = 1700000000000,
		.reason = "" };
}

static void attach_all(struct fx *f)
{
	f->web.row = (struct service_row){ .zone = ZONE,
		.name = "web",
		.protocol = "tcp",
		.port = 80,
		.ttl_s = ROW_DEFAULT,
		.max_answers = ROW_DEFAULT,
		.tags = "[]",
		.meta = "{}",
		.source = SOURCE };
	fill_instance(&f->i1, "i1");
	fill_instance(&f->i2, "i2");
	f->tcp.row = (struct check_row){ .zone = ZONE,
		.service = "web",
		.instance = "i1",
		.name = "tcp-1",
		.kind = "tcp",
		.status = HEALTH_STARTING,
		.output = "",
		.since_wall_ms = 1700000000000,
		.checked_wall_ms = 1700000000000 };
	store_attach_service(f->store, &f->web);
	store_attach_instance(f->store, &f->web, &f->i1);
	store_attach_instance(f->store, &f->web, &f->i2);
	store_attach_check(f->store, &f->i1, &f->tcp);
}

static void detach_all(struct fx *f)
{
	store_detach_check(f->store, &f->tcp);
	store_detach_instance(f->store, &f->i1);
	store_detach_instance(f->store, &f->i2);
	store_detach_service(f->store, &f->web);
}

static void set_health(struct fx *f, struct store_instance *i, enum health h)
{
	i->row.health = h;
	i->row.since_wall_ms = read_wall(f);
	i->row.reason = "test";
	store_health_changed(f->store, i);
}

/* ---- what the registry has -------------------------------------------- */

static struct registry *look(const struct fx *f)
{
	struct registry *r;

	assert_int_equal(0, registry_open(f->path, REGISTRY_WRITE, &r, NULL));
	return r;
}

struct seen {
	char text[512]; /* "web: i1=passing i2=dead" */
};

static void see_service(void *arg, const struct service_row *row)
{
	struct seen *s = arg;

	(void)snprintf(s->text, sizeof(s->text), "%s:", row->name);
}

static void see_instance(void *arg, const struct instance_row *row)
{
	struct seen *s = arg;
	size_t len = strlen(s->text);

	(void)snprintf(s->text + len, sizeof(s->text) - len, " %s=%s",
	    row->name, health_name(row->health));
}

static void see_done(void *arg)
{
	(void)arg;
}

static void assert_registry(const struct fx *f, const char *expected)
{
	struct seen s = { .text = "" };
	const struct registry_visitor v = { see_service, see_instance, see_done,
		&s };
	struct registry *r = look(f);

	(void)registry_read_service(r, ZONE, "web", &v, NULL);
	registry_close(r);
	assert_string_equal(s.text, expected);
}

static void see_check(void *arg, const struct check_row *row)
{
	struct seen *s = arg;
	size_t len = strlen(s->text);

	(void)snprintf(s->text + len, sizeof(s->text) - len, "%s=%s/%s ",
	    row->name, health_name(row->status), row->output);
}

static void assert_checks(const struct fx *f, const char *expected)
{
	struct seen s = { .text = "" };
	struct registry *r = look(f);

	assert_int_equal(
	    0, registry_read_checks(r, ZONE, "web", see_check, &s, NULL));
	registry_close(r);
	assert_string_equal(s.text, expected);
}

static void count_history(void *arg, const struct history_row *row)
{
	(void)row;
	++*(unsigned *)arg;
}

static unsigned history_of(const struct fx *f)
{
	struct registry *r = look(f);
	unsigned n = 0;

	assert_int_equal(0, registry_read_history(
	                        r, ZONE, NULL, 1000, count_history, &n, NULL));
	registry_close(r);
	return n;
}

/* ---- tests ------------------------------------------------------------ */

static void rows_and_transitions_are_written(void **state)
{
	struct fx *f = *state;

	attach_all(f);
	turn(f, 0);
	assert_true(store_is_idle(f->store));
	assert_registry(f, "web: i1=starting i2=starting");
	set_health(f, &f->i1, HEALTH_PASSING);
	assert_true(f->woken);
	turn(f, 0);
	assert_registry(f, "web: i1=passing i2=starting");
	detach_all(f);
}

static void a_turn_writes_the_last_state_only(void **state)
{
	struct fx *f = *state;

	attach_all(f);
	turn(f, 0);
	unsigned before = history_of(f);

	set_health(f, &f->i1, HEALTH_PASSING);
	set_health(f, &f->i1, HEALTH_CRITICAL);
	set_health(f, &f->i1, HEALTH_DEAD);
	turn(f, 0);
	assert_registry(f, "web: i1=dead i2=starting");
	assert_int_equal(history_of(f), before + 1);
	detach_all(f);
}

/* Another program holds the write lock for a while. */
static void a_busy_registry_loses_nothing(void **state)
{
	struct fx *f = *state;

	attach_all(f);
	turn(f, 0);
	struct registry *other = look(f);

	assert_int_equal(0, registry_begin(other, 0, NULL));
	int64_t before_ms = clock_mono_ms();

	set_health(f, &f->i1, HEALTH_PASSING);
	turn(f, 3000);
	set_health(f, &f->i2, HEALTH_WARNING);
	store_withdraw(f->store, ZONE, "web", "gone", NULL);
	turn(f, 3000);
	assert_false(store_is_idle(f->store));
	/* it asked again and again, and never waited for the lock */
	assert_true(clock_mono_ms() - before_ms < 2000);
	registry_rollback(other);
	registry_close(other);
	turn(f, 200);
	assert_true(store_is_idle(f->store));
	assert_registry(f, "web: i1=passing i2=warning");
	detach_all(f);
}

static void a_deleted_registry_gets_everything(void **state)
{
	struct fx *f = *state;

	attach_all(f);
	set_health(f, &f->i1, HEALTH_PASSING);
	set_health(f, &f->i2, HEALTH_CRITICAL);
	turn(f, 0);
	assert_int_equal(f->opened, 1);
	remove_registry(f);
	/* seen with the next heartbeat, though nothing happens */
	turn(f, 6000);
	assert_int_equal(f->opened, 2);
	assert_registry(f, "web: i1=passing i2=critical");
	assert_checks(f, "tcp-1=starting/ ");
	detach_all(f);
}

static void a_broken_registry_is_waited_for(void **state)
{
	struct fx *f = *state;

	attach_all(f);
	turn(f, 0);
	remove_registry(f);
	int fd = open(f->path, O_WRONLY | O_CREAT, 0600);

	for (int i = 0; i < 1000; i++)
		assert_int_equal(9, write(fd, "no SQLite", 9));
	close(fd);
	set_health(f, &f->i1, HEALTH_PASSING);
	turn(f, 10000);
	assert_false(store_is_idle(f->store));
	remove_registry(f);
	turn(f, 2000);
	assert_true(store_is_idle(f->store));
	assert_registry(f, "web: i1=passing i2=starting");
	detach_all(f);
}

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

static void a_refused_row_holds_up_nobody(void **state)
{
	struct fx *f = *state;

	attach_all(f);
	f->i1.row.address = "not an address";
	turn(f, 100);
	assert_true(store_is_idle(f->store));
	assert_registry(f, "web: i2=starting");
	/* corrected by an edit */
	f->i1.row.address = "192.0.2.7";
	store_instance_changed(f->store, &f->i1);
	turn(f, 100);
	assert_registry(f, "web: i1=starting i2=starting");
	assert_checks(f, "tcp-1=starting/ ");
	detach_all(f);
}

static void a_row_deleted_by_hand_comes_back(void **state)
{
	struct fx *f = *state;

	attach_all(f);
	turn(f, 0);
	struct registry *r = look(f);

	assert_int_equal(0, registry_withdraw_service(r, ZONE, "web", NULL));
	registry_close(r);
	set_health(f, &f->i1, HEALTH_PASSING);
	turn(f, 100);
	assert_registry(f, "web: i1=passing");
	assert_checks(f, "tcp-1=starting/ ");
	detach_all(f);
}

static void output_alone_is_written_late(void **state)
{
	struct fx *f = *state;

	attach_all(f);
	turn(f, 0);
	for (int i = 0; i < 100; i++) {
		f->tcp.row.output = i % 2 ? "odd" : "even";
		store_output_changed(f->store, &f->tcp);
		assert_false(f->woken);
		turn(f, 50);
	}
	assert_checks(f, "tcp-1=starting/ ");
	turn(f, 10000);
	assert_checks(f, "tcp-1=starting/odd ");
	/* a change of state takes it along at once */
	f->tcp.row.output = "refused";
	f->tcp.row.status = HEALTH_CRITICAL;
	store_check_changed(f->store, &f->tcp);
	turn(f, 0);
	assert_checks(f, "tcp-1=critical/refused ");
	detach_all(f);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(rows_and_transitions_are_written),
		T(a_turn_writes_the_last_state_only),
		T(a_busy_registry_loses_nothing),
		T(a_deleted_registry_gets_everything),
		T(a_broken_registry_is_waited_for),
		T(what_was_left_is_told_before_it_is_written),
		T(checks_that_nobody_defines_go),
		T(only_ours_are_withdrawn),
		T(an_empty_service_goes),
		T(a_refused_row_holds_up_nobody),
		T(a_row_deleted_by_hand_comes_back),
		T(output_alone_is_written_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
