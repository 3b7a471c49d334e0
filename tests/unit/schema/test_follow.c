// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a reader has read is what is in the file, whatever was done to it:
 * single faults first, then many random ones, among them those that
 * happen while it reads.
 */
#include "schema/base/rng.h"
#include "schema/follow.h"
#include "tests/unit/schema/support.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

enum { SERVICES = 6, TEXT = 16384, LOOK_MS = 20, ROUNDS = 250, COPIES = 4 };

/* ---- a reader that keeps what it has read ------------------------------- */

struct view {
	char text[SERVICES][TEXT]; /* "": there is no such service */
	bool stamped[SERVICES];
	unsigned all_n;
	void (*pause)(struct view *v); /* NULL: nothing happens meanwhile */
	void *arg;
	struct follow *follow;
	struct follow_place place;
	int64_t now_us;
	char *at;
};

static unsigned number(const char *name)
{
	return (unsigned)(name[1] - '0') % SERVICES;
}

__attribute__((format(printf, 2, 3))) static void add(
    struct view *v, const char *fmt, ...)
{
	size_t len = strlen(v->at);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(v->at + len, TEXT - len, fmt, ap);
	va_end(ap);
}

static void on_all(void *arg)
{
	struct view *v = arg;

	v->all_n++;
	memset(v->stamped, 0, sizeof(v->stamped));
}

static void on_all_done(void *arg)
{
	struct view *v = arg;

	for (unsigned i = 0; i < SERVICES; i++) {
		if (!v->stamped[i])
			*v->text[i] = '\0';
	}
}

static void on_service(void *arg, const struct service_row *row)
{
	struct view *v = arg;

	v->stamped[number(row->name)] = true;
	v->at = v->text[number(row->name)];
	*v->at = '\0';
	add(v, "%d:", row->port);
}

static void on_instance(void *arg, const struct instance_row *row)
{
	add(arg, " %s %d %s", row->name, row->weight, health_name(row->health));
}

static void nothing(void *arg)
{
	(void)arg;
}

static void on_gone(void *arg, const char *zone, const char *service)
{
	struct view *v = arg;

	(void)zone;
	*v->text[number(service)] = '\0';
}

static void on_pause(void *arg, int64_t revision)
{
	struct view *v = arg;

	(void)revision;
	if (v->pause)
		v->pause(v);
}

static struct follow_reader reader(struct view *v)
{
	return (struct follow_reader){ on_all, on_all_done,
		{ on_service, on_instance, nothing, v, NULL }, on_gone,
		on_pause, v };
}

/* One turn of a program's loop. */
static int look(struct view *v, struct diag *reterr)
{
	const struct follow_reader r = reader(v);
	struct diag why;
	int error = follow_look(v->follow, v->now_us, reterr);

	if (!follow_registry(v->follow))
		return error;
	int reading = follow_is_behind(v->follow, &v->place, &why);
	if (reading > 0)
		reading = follow_read(v->follow, &v->place, &r, &why);
	if (reading < 0) {
		follow_failed(v->follow, reading);
		(void)diag_set(reterr, 0, "%s", why.text);
	}
	return reading < 0 ? reading : error;
}

/* As long as RETRY_US at least. */
static int settle(struct view *v, struct diag *reterr)
{
	int error = -EAGAIN;

	for (int n = 0; n < 6; n++) {
		v->now_us += 250000;
		error = look(v, reterr);
	}
	return error;
}

static void read_file(struct fx *f, struct view *ret_v)
{
	struct follow_reader r = reader(ret_v);
	struct registry *reg = fx_open(f, REGISTRY_READ);
	unsigned n;

	memset(ret_v->text, 0, sizeof(ret_v->text));
	fx_ok(f, registry_read_page(reg, &(struct registry_key){ 0 }, 1000,
	             &r.visitor, &n, &f->err));
	registry_close(reg);
}

static void expect_same(struct fx *f, const struct view *v, const char *what)
{
	struct view *truth = calloc(1, sizeof(*truth));

	read_file(f, truth);
	for (unsigned i = 0; i < SERVICES; i++) {
		if (strcmp(truth->text[i], v->text[i]) != 0) {
			fail_msg("%s: s%u is '%s' in the file, '%s' was read",
			    what, i, truth->text[i], v->text[i]);
		}
	}
	free(truth);
}

static void expect_settled(struct fx *f, struct view *v, const char *what)
{
	int error = settle(v, &f->err);

	if (error)
		fail_msg("%s: %d: %s", what, error, f->err.text);
	expect_same(f, v, what);
}

static struct view *view_new(struct fx *f)
{
	struct view *v = calloc(1, sizeof(*v));

	v->follow = follow_new(f->path, REGISTRY_READ, LOOK_MS);
	return v;
}

static void view_free(struct view *v)
{
	follow_free(v->follow);
	free(v);
}

/* ---- what is done to the file ----------------------------------------- */

static void copy_path(const struct fx *f, unsigned n, char *ret_path)
{
	(void)snprintf(ret_path, 128, "%s/copy-%u", f->dir, n);
}

static void backup_into(const char *from, const char *to)
{
	sqlite3 *a, *b;

	assert_int_equal(sqlite3_open(from, &a), SQLITE_OK);
	assert_int_equal(sqlite3_open(to, &b), SQLITE_OK);
	sqlite3_busy_timeout(b, 2000);
	sqlite3_backup *backup = sqlite3_backup_init(b, "main", a, "main");
	assert_non_null(backup);
	assert_int_equal(sqlite3_backup_step(backup, -1), SQLITE_DONE);
	assert_int_equal(sqlite3_backup_finish(backup), SQLITE_OK);
	sqlite3_close(b);
	sqlite3_close(a);
}

static void keep_copy(struct fx *f, unsigned n)
{
	char copy[128];

	copy_path(f, n, copy);
	(void)unlink(copy);
	backup_into(f->path, copy);
}

static void restore_copy(struct fx *f, unsigned n)
{
	char copy[128];

	copy_path(f, n, copy);
	backup_into(copy, f->path);
}

/*
 * cp over it, with an empty log. The file that is written to is one that SQLite
 * has open in this process, whose locks would go with our descriptor; so
 * another does it.
 */
static void copy_over(struct fx *f, unsigned n)
{
	char copy[128], command[320];

	copy_path(f, n, copy);
	(void)snprintf(command, sizeof(command), "cp %s %s", copy, f->path);
	assert_int_equal(system(command), 0); // NOLINT(cert-env33-c)
}

/* mv, with what SQLite has beside the old one removed. */
static void move_over(struct fx *f, unsigned n)
{
	char copy[128], fresh[128], command[320];

	copy_path(f, n, copy);
	(void)snprintf(fresh, sizeof(fresh), "%s/fresh", f->dir);
	(void)snprintf(command, sizeof(command), "cp %s %s", copy, fresh);
	assert_int_equal(system(command), 0); // NOLINT(cert-env33-c)
	fx_remove(f);
	assert_int_equal(rename(fresh, f->path), 0);
}

static void remove_copies(const struct fx *f)
{
	char copy[140];

	for (unsigned n = 0; n < COPIES; n++) {
		copy_path(f, n, copy);
		(void)unlink(copy);
	}
}

/* The same changes on both sides of a copy: only tokens tell them apart. */
static void change_something(struct fx *f, int weight)
{
	char sql[128];

	(void)snprintf(sql, sizeof(sql),
	    "UPDATE instance SET weight = %d WHERE service = 's0'", weight);
	fx_sql(f, sql);
}

static void fill(struct fx *f)
{
	registry_close(fx_open(f, REGISTRY_WRITE));
	fx_sql(f, "INSERT INTO service (name) VALUES ('s0'), ('s1');"
	          "INSERT INTO instance (service, name, address) VALUES "
	          "('s0', 'a', '192.0.2.1'), ('s1', 'b', '192.0.2.2')");
}

/* ---- single faults ---------------------------------------------------- */

static void commits_are_changes(void **state)
{
	struct fx *f = *state;
	struct view *v = view_new(f);

	fill(f);
	expect_settled(f, v, "the first look");
	change_something(f, 7);
	expect_settled(f, v, "a commit");
	fx_sql(f, "DELETE FROM service WHERE name = 's1'");
	expect_settled(f, v, "a service that goes");
	/* more than one batch */
	fx_sql(f, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 "
	          "FROM n WHERE i < 600) INSERT INTO instance (service, name, "
	          "address) SELECT 's0', 'n' || i, '192.0.2.3' FROM n");
	expect_settled(f, v, "many commits");
	assert_int_equal(v->all_n, 1);
	view_free(v);
}

static void checkpoints_are_nothing(void **state)
{
	struct fx *f = *state;
	struct view *v = view_new(f);

	fill(f);
	expect_settled(f, v, "the first look");
	for (int n = 0; n < 5; n++) {
		change_something(f, n);
		fx_sql(f, "PRAGMA wal_checkpoint(TRUNCATE)");
		expect_settled(f, v, "a checkpoint");
	}
	assert_int_equal(v->all_n, 1);
	view_free(v);
}

static const struct {
	const char *why;
	int before, after; /* changes of the live file, of the copy */
} pasts[] = {
	{ "an older copy", 3, 0 },
	{ "a copy of the same revision", 3, 3 },
	{ "a copy that is ahead", 3, 5 },
};

static void restored(struct fx *f, void (*restore)(struct fx *f, unsigned n))
{
	for (size_t i = 0; i < sizeof(pasts) / sizeof(*pasts); i++) {
		struct fx copy = { .r = NULL };
		struct view *v = view_new(f);
		char path[128];

		fill(f);
		keep_copy(f, 0);
		copy_path(f, 0, path);
		(void)snprintf(copy.path, sizeof(copy.path), "%.90s", path);
		for (int n = 0; n < pasts[i].before; n++)
			change_something(f, 10 + n);
		for (int n = 0; n < pasts[i].after; n++)
			change_something(&copy, 20 + n);
		fx_sql(f, "PRAGMA wal_checkpoint(TRUNCATE)");
		expect_settled(f, v, pasts[i].why);
		restore(f, 0);
		expect_settled(f, v, pasts[i].why);
		assert_int_equal(v->all_n, 2);
		change_something(f, 99);
		expect_settled(f, v, pasts[i].why);
		view_free(v);
		fx_remove(f);
		remove_copies(f);
	}
}

static void restored_in_place(void **state)
{
	restored(*state, restore_copy);
}

static void copied_in_place(void **state)
{
	restored(*state, copy_over);
}

static void moved_into_place(void **state)
{
	restored(*state, move_over);
}

/* ---- while it is read ------------------------------------------------- */

/*
 * One service is read at the next revision, by itself, as when its lease runs
 * out; then the registry is set back to the revision that everything was read
 * at. It is the same number and the same change, and yet that service is not.
 */
static void set_back_after_one_service(void **state)
{
	struct fx *f = *state;
	struct view *v = view_new(f);
	const struct follow_reader r = reader(v);

	fill(f);
	keep_copy(f, 0);
	expect_settled(f, v, "the first look");
	change_something(f, 50);
	fx_ok(
	    f, follow_read_service(v->follow, &v->place, Z, "s0", &r, &f->err));
	expect_same(f, v, "one service");
	restore_copy(f, 0);
	expect_settled(f, v, "set back");
	view_free(v);
	remove_copies(f);
}

/* ---- noticing --------------------------------------------------------- */

static void notices_by_itself(void **state)
{
	struct fx *f = *state;
	struct view *v = view_new(f);

	fill(f);
	expect_settled(f, v, "the first look");
	assert_true(follow_fd(v->follow) >= 0);
	struct pollfd p = { .fd = follow_fd(v->follow), .events = POLLIN };
	while (poll(&p, 1, 0) > 0) /* what opening did */
		follow_notice(v->follow, v->now_us);
	for (int n = 0; n < 10; n++) {
		(void)follow_look(v->follow, v->now_us, &f->err);
		v->now_us += 9999;
	}
	int64_t due_us = follow_due_us(v->follow);

	assert_true(due_us > v->now_us - 9999);
	change_something(f, 3);
	assert_int_equal(poll(&p, 1, 5000), 1);
	follow_notice(v->follow, v->now_us);
	assert_int_equal(follow_due_us(v->follow), v->now_us);
	assert_int_equal(look(v, &f->err), 0);
	expect_same(f, v, "noticed");
	/* it looks again, and again later, and then as seldom as before */
	int64_t last_us = v->now_us, end_us = last_us + 20000;
	unsigned looks = 0;
	while (follow_due_us(v->follow) < end_us && looks < 20) {
		v->now_us = follow_due_us(v->follow);
		(void)follow_look(v->follow, v->now_us, &f->err);
		looks++;
	}
	assert_in_range(looks, 3, 8);
	view_free(v);
}

static void says_what_is_wrong(void **state)
{
	struct fx *f = *state;
	struct view *v = view_new(f);

	assert_int_equal(look(v, &f->err), -ENOENT);
	assert_non_null(strstr(f->err.text, "No such file"));
	fill(f);
	expect_settled(f, v, "made");
	fx_remove(f);
	assert_int_equal(settle(v, &f->err), -ENOENT);
	FILE *out = fopen(f->path, "w");
	(void)fputs("hello", out);
	(void)fclose(out);
	assert_int_equal(settle(v, &f->err), -EUCLEAN);
	assert_non_null(follow_registry(v->follow));
	fx_remove(f);
	fill(f);
	expect_settled(f, v, "made again");
	view_free(v);
}

/* ---- all of it, at random --------------------------------------------- */

struct random_fx {
	struct fx *f;
	struct rng rng;
	const char *last;
};

static uint32_t below(struct random_fx *x, uint32_t n)
{
	return rng_below(&x->rng, n);
}

static void commit_something(struct random_fx *x)
{
	char sql[512];
	unsigned s = below(x, SERVICES), i = below(x, 3), w = below(x, 4);

	x->last = "commit";
	switch (below(x, 5)) {
	case 0:
		(void)snprintf(sql, sizeof(sql),
		    "DELETE FROM service WHERE name = 's%u'", s);
		break;
	case 1:
		(void)snprintf(sql, sizeof(sql),
		    "DELETE FROM instance WHERE service = 's%u' AND "
		    "name = 'i%u'",
		    s, i);
		break;
	case 2:
		x->last = "rollback";
		(void)snprintf(sql, sizeof(sql),
		    "BEGIN; UPDATE instance SET weight = %u; ROLLBACK", w);
		break;
	default:
		(void)snprintf(sql, sizeof(sql),
		    "BEGIN; INSERT INTO service (name, port) VALUES "
		    "('s%u', %u) ON CONFLICT DO UPDATE SET port = %u;"
		    "INSERT INTO instance (service, name, address, weight) "
		    "VALUES ('s%u', 'i%u', '192.0.2.1', %u) ON CONFLICT DO "
		    "UPDATE SET weight = %u; COMMIT",
		    s, 80 + w, 80 + w, s, i, w, w);
		break;
	}
	fx_sql(x->f, sql);
}

static void do_something(struct random_fx *x)
{
	unsigned n = below(x, COPIES);
	char copy[128];

	switch (below(x, 12)) {
	case 0:
		x->last = "backup";
		keep_copy(x->f, n);
		return;
	case 1:
		x->last = "restore";
		copy_path(x->f, n, copy);
		if (access(copy, F_OK) == 0)
			restore_copy(x->f, n);
		return;
	case 2:
		x->last = "mv";
		copy_path(x->f, n, copy);
		if (access(copy, F_OK) == 0)
			move_over(x->f, n);
		return;
	case 3:
		x->last = "another";
		if (below(x, 4))
			break;
		fx_remove(x->f);
		registry_close(fx_open(x->f, REGISTRY_WRITE));
		return;
	case 4:
		x->last = "checkpoint";
		fx_sql(x->f, "PRAGMA wal_checkpoint(TRUNCATE)");
		return;
	default:
		commit_something(x);
	}
}

static void meanwhile(struct view *v)
{
	struct random_fx *x = v->arg;

	if (!below(x, 3))
		do_something(x);
}

static void many_random_faults(void **state)
{
	struct fx *f = *state;
	struct random_fx x = { .f = f };
	struct view *v = view_new(f);
	const char *seed = getenv("FOLLOW_SEED");
	uint64_t s = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL);

	rng_seed_fixed(&x.rng, s);
	fill(f);
	v->arg = &x;
	for (unsigned round = 0; round < ROUNDS; round++) {
		char what[96];

		for (unsigned n = below(&x, 4); n > 0; n--)
			do_something(&x);
		v->pause = meanwhile;
		v->now_us += (int64_t)below(&x, 30000);
		(void)look(v, &f->err);
		v->pause = NULL;
		if (below(&x, 3))
			continue;
		(void)snprintf(what, sizeof(what),
		    "FOLLOW_SEED=%llu, round %u, the last was %s",
		    (unsigned long long)s, round, x.last);
		expect_settled(f, v, what);
	}
	view_free(v);
	remove_copies(f);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fx_setup, fx_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(commits_are_changes),
		TEST(checkpoints_are_nothing),
		TEST(restored_in_place),
		TEST(copied_in_place),
		TEST(moved_into_place),
		TEST(set_back_after_one_service),
		TEST(notices_by_itself),
		TEST(says_what_is_wrong),
		TEST(many_random_faults),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
