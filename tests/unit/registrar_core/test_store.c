// SPDX-License-Identifier: BSD-2-Clause
#include "store_support.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <unistd.h>

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

/* One that somebody has locked as a whole before we could open it. */
static void a_locked_registry_is_opened_later(void **state)
{
	struct fx *f = *state;
	sqlite3 *other;

	registry_close(look(f));
	assert_int_equal(0, sqlite3_open(f->path, &other));
	assert_int_equal(0, sqlite3_exec(other,
	                        "PRAGMA locking_mode = EXCLUSIVE;"
	                        "BEGIN EXCLUSIVE",
	                        NULL, NULL, NULL));
	int64_t before_ms = clock_mono_ms();

	attach_all(f);
	turn(f, 3000);
	assert_true(store_has_trouble(f->store));
	assert_int_equal(f->opened, 0);
	/* asked again and again: thirty times, each of them at once */
	assert_true(clock_mono_ms() - before_ms < 2000);
	sqlite3_close(other);
	turn(f, 200);
	assert_registry(f, "web: i1=starting i2=starting");
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

/* It has the id of the one before, and not what was written since. */
static void a_restored_backup_gets_everything(void **state)
{
	struct fx *f = *state;
	char backup[128], sql[160];
	sqlite3 *other;

	attach_all(f);
	turn(f, 0);
	(void)snprintf(backup, sizeof(backup), "%s.old", f->path);
	(void)snprintf(sql, sizeof(sql), "VACUUM INTO '%s'", backup);
	assert_int_equal(0, sqlite3_open(f->path, &other));
	assert_int_equal(0, sqlite3_exec(other, sql, NULL, NULL, NULL));
	sqlite3_close(other);
	set_health(f, &f->i1, HEALTH_PASSING);
	turn(f, 0);
	remove_registry(f);
	assert_int_equal(0, rename(backup, f->path));
	turn(f, 6000);
	assert_int_equal(f->opened, 2);
	assert_registry(f, "web: i1=passing i2=starting");
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

#define BIG ((size_t)1 << 20)

/* 0: as large as we may have them. */
static void limit_files(rlim_t octets)
{
	struct rlimit limit;

	assert_int_equal(0, getrlimit(RLIMIT_FSIZE, &limit));
	limit.rlim_cur = octets ? octets : limit.rlim_max;
	assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &limit));
}

static void see_definition(void *arg, const char *file, const char *text)
{
	struct seen *s = arg;
	size_t len = strlen(s->text);

	(void)snprintf(
	    s->text + len, sizeof(s->text) - len, "%s=%s ", file, text);
}

/* No room for a text: it does not wait in more than one copy. */
static void a_full_disk_piles_up_nothing(void **state)
{
	struct fx *f = *state;
	struct seen s = { .text = "" };
	char *big = calloc(1, BIG + 1);

	assert_non_null(big);
	memset(big, 'x', BIG);
	attach_all(f);
	turn(f, 0);
	(void)signal(SIGXFSZ, SIG_IGN);
	limit_files(BIG / 2);
	store_put_definition(f->store, "a.yaml", big);
	turn(f, 20000);
	assert_true(store_has_trouble(f->store));
	/* opened every second, but it is no other file */
	assert_int_equal(f->opened, 1);
	/* room enough for the newer text, so the older one is not tried */
	store_put_definition(f->store, "a.yaml", "y");
	turn(f, 3000);
	limit_files(0);
	assert_true(store_is_idle(f->store));
	assert_int_equal(
	    0, store_read_definitions(f->store, see_definition, &s));
	assert_string_equal(s.text, "a.yaml=y ");
	free(big);
	detach_all(f);
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
	assert_registry(f, "web: i1=passing i2=starting");
	assert_checks(f, "tcp-1=starting/ ");
	detach_all(f);
}

static void sql(const struct fx *f, const char *text)
{
	sqlite3 *db;

	assert_int_equal(0, sqlite3_open(f->path, &db));
	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", text, sqlite3_errmsg(db));
	sqlite3_close(db);
}

static int number(const struct fx *f, const char *text)
{
	sqlite3 *db;
	sqlite3_stmt *st;

	assert_int_equal(0, sqlite3_open(f->path, &db));
	assert_int_equal(0, sqlite3_prepare_v2(db, text, -1, &st, NULL));
	assert_int_equal(SQLITE_ROW, sqlite3_step(st));
	int n = sqlite3_column_int(st, 0);

	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}

#define NOTES(text)                                                            \
	"SELECT count(*) FROM history WHERE source = '" SOURCE                 \
	"' AND was = now AND reason LIKE '" text "%'"

/* Nothing of ours happens meanwhile. */
static void what_others_did_is_put_right(void **state)
{
	struct fx *f = *state;

	attach_all(f);
	set_health(f, &f->i2, HEALTH_PASSING);
	turn(f, 1000);
	sql(f, "DELETE FROM instance WHERE name = 'i1'");
	turn(f, 1000);
	assert_registry(f, "web: i1=starting i2=passing");
	assert_int_equal(number(f, NOTES("put again")), 1);
	assert_checks(f, "tcp-1=starting/ ");

	sql(f, "UPDATE instance SET address = '192.0.2.99', health = 'dead' "
	       "WHERE name = 'i2'");
	turn(f, 1000);
	assert_registry(f, "web: i1=starting i2=passing");
	assert_int_equal(number(f, NOTES("put right")), 1);
	assert_int_equal(number(f, "SELECT count(*) FROM instance WHERE "
	                           "address = '192.0.2.99'"),
	    0);
	sql(f, "UPDATE service SET port = 9999, tags = '[\"x\"]'");
	turn(f, 1000);
	assert_int_equal(
	    number(f, "SELECT count(*) FROM service WHERE port = 9999"), 0);
	sql(f, "DELETE FROM service");
	turn(f, 1000);
	assert_registry(f, "web: i1=starting i2=passing");
	/* what is the operator's stays */
	sql(f, "UPDATE instance SET mode = 'maintenance', "
	       "weight_override = 3 WHERE name = 'i1'");
	turn(f, 1000);
	assert_int_equal(number(f, "SELECT count(*) FROM instance WHERE mode = "
	                           "'maintenance' AND weight_override = 3"),
	    1);
	detach_all(f);
}

/* Into the same file, so that nothing but its content says so. */
static void a_backup_restored_in_place_gets_everything(void **state)
{
	struct fx *f = *state;
	char backup[128];
	sqlite3 *from, *to;

	attach_all(f);
	set_health(f, &f->i1, HEALTH_DEAD);
	turn(f, 6000);
	(void)snprintf(backup, sizeof(backup), "VACUUM INTO '%s.old'", f->path);
	sql(f, backup);
	int64_t revision = number(f, "SELECT max(revision) FROM change");

	set_health(f, &f->i1, HEALTH_PASSING);
	turn(f, 6000);
	(void)snprintf(backup, sizeof(backup), "%s.old", f->path);
	/* the backup comes to the same revision by something else */
	assert_int_equal(0, sqlite3_open(backup, &from));
	assert_int_equal(
	    0, sqlite3_exec(from,
	           "INSERT INTO service (zone, name) VALUES ('svc.test', 'x')",
	           NULL, NULL, NULL));
	assert_int_equal(
	    number(f, "SELECT max(revision) FROM change"), revision + 1);
	assert_int_equal(0, sqlite3_open(f->path, &to));
	sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");

	assert_non_null(b);
	assert_int_equal(SQLITE_DONE, sqlite3_backup_step(b, -1));
	sqlite3_backup_finish(b);
	sqlite3_close(from);
	sqlite3_close(to);
	(void)unlink(backup);
	turn(f, 6000);
	assert_int_equal(
	    number(f, "SELECT count(*) FROM instance WHERE name = 'i1' "
	              "AND health = 'passing'"),
	    1);
	detach_all(f);
}

static void a_row_of_another_is_left_alone(void **state)
{
	struct fx *f = *state;

	attach_all(f);
	turn(f, 1000);
	sql(f, "INSERT INTO taken_over (zone, service, instance, source, who) "
	       "VALUES ('svc.test', 'web', 'i1', 'command', 'alice');"
	       "UPDATE instance SET address = '192.0.2.99' "
	       "WHERE name = 'i1'");
	turn(f, 1000);
	assert_int_equal(
	    number(f, "SELECT count(*) FROM instance WHERE address = "
	              "'192.0.2.99' AND source = 'command'"),
	    1);
	assert_int_equal(number(f, "SELECT count(*) FROM disagreement"), 1);
	/* nobody else checks it */
	set_health(f, &f->i1, HEALTH_CRITICAL);
	turn(f, 1000);
	assert_registry(f, "web: i1=critical i2=starting");
	store_withdraw(f->store, ZONE, "web", "i1", NULL);
	turn(f, 0);
	assert_int_equal(
	    number(f, "SELECT count(*) FROM instance WHERE name = 'i1'"), 1);
	assert_int_equal(number(f, "SELECT count(*) FROM disagreement"), 0);
	detach_all(f);
}

/* One that runs looks after what it describes. */
static void a_living_registrar_judges_alone(void **state)
{
	struct fx *f = *state;

	registry_close(look(f));
	sql(f, "INSERT INTO service (zone, name) VALUES ('svc.test', 'web');"
	       "INSERT INTO instance (zone, service, name, address, source) "
	       "VALUES ('svc.test', 'web', 'i1', '192.0.2.99', "
	       "'registrar/a');"
	       "INSERT INTO registrar (name, pid, version, "
	       "started_wall_ms, heartbeat_wall_ms) VALUES ('a', 77, '1', 1, "
	       "1700000001000)");
	attach_all(f);
	set_health(f, &f->i1, HEALTH_DEAD);
	turn(f, 1000);
	assert_registry(f, "web: i1=passing i2=starting");
	assert_int_equal(number(f, "SELECT count(*) FROM disagreement "
	                           "WHERE instance = 'i1'"),
	    1);
	/* and one that does not, cannot */
	turn(f, 20000);
	set_health(f, &f->i1, HEALTH_DEAD);
	turn(f, 1000);
	assert_registry(f, "web: i1=dead i2=starting");
	detach_all(f);
}

/* Somebody reported while ours was on its way: theirs is newer. */
static void a_newer_report_is_not_overwritten(void **state)
{
	struct fx *f = *state;
	struct store_check ttl = { .row = { .zone = ZONE,
		                       .service = "web",
		                       .instance = "i1",
		                       .name = "ttl-1",
		                       .kind = "ttl",
		                       .status = HEALTH_CRITICAL,
		                       .output = "no report",
		                       .since_wall_ms = 1000,
		                       .checked_wall_ms = 1000 } };

	attach_all(f);
	store_attach_check(f->store, &f->i1, &ttl);
	turn(f, 0);
	sql(f, "UPDATE check_result SET status = 'passing', output = 'fine', "
	       "checked_wall_ms = 2000 WHERE name = 'ttl-1'");
	ttl.row.output = "still none";
	store_check_changed(f->store, &ttl);
	turn(f, 0);
	assert_int_equal(
	    number(f, "SELECT count(*) FROM check_result WHERE name = 'ttl-1' "
	              "AND status = 'passing' AND output = 'fine' "
	              "AND checked_wall_ms = 2000"),
	    1);
	/* what is newer than the report is written */
	ttl.row.checked_wall_ms = 3000;
	store_check_changed(f->store, &ttl);
	turn(f, 0);
	assert_int_equal(
	    number(f, "SELECT count(*) FROM check_result WHERE name = 'ttl-1' "
	              "AND status = 'critical'"),
	    1);
	store_detach_check(f->store, &ttl);
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
		T(what_others_did_is_put_right),
		T(a_backup_restored_in_place_gets_everything),
		T(a_row_of_another_is_left_alone),
		T(a_living_registrar_judges_alone),
		T(a_newer_report_is_not_overwritten),
		T(rows_and_transitions_are_written),
		T(a_turn_writes_the_last_state_only),
		T(a_busy_registry_loses_nothing),
		T(a_locked_registry_is_opened_later),
		T(a_deleted_registry_gets_everything),
		T(a_restored_backup_gets_everything),
		T(a_broken_registry_is_waited_for),
		T(a_full_disk_piles_up_nothing),
		T(a_refused_row_holds_up_nobody),
		T(a_row_deleted_by_hand_comes_back),
		T(output_alone_is_written_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
