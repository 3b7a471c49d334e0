// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * store_support - a store on a real registry in a directory of its own, with
 * a clock set by hand and rows of one service: web with i1, i2, one check.
 */
#include "registrar/store/store.h"
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

static inline int64_t read_clock(void *arg)
{
	return ((struct fx *)arg)->now_ms;
}

static inline int64_t read_wall(void *arg)
{
	return 1700000000000 + ((struct fx *)arg)->now_ms;
}

static inline void on_wake(void *arg)
{
	((struct fx *)arg)->woken = true;
}

static inline void on_opened(void *arg)
{
	((struct fx *)arg)->opened++;
}

static inline void on_restore(
    void *arg, struct store_instance *i, const struct instance_row *row)
{
	struct fx *f = arg;

	f->restored++;
	f->old_health = row->health;
	i->row.health = row->health;
}

static inline bool on_restore_check(
    void *arg, struct store_instance *i, const struct check_row *row)
{
	struct fx *f = arg;

	(void)i;
	(void)snprintf(f->old_check, sizeof(f->old_check), "%s", row->name);
	f->old_status = row->status;
	return !strcmp(row->name, "tcp-1");
}

static inline bool is_wanted(void *arg, const char *zone, const char *service,
    const char *instance, const char *definition)
{
	const struct fx *f = arg;

	(void)zone;
	(void)service;
	(void)definition;
	return instance && f->wanted && !strcmp(instance, f->wanted);
}

static inline bool is_file_wanted(void *arg, const char *file)
{
	(void)arg;
	return !strcmp(file, "kept.yaml");
}

static inline void open_store(struct fx *f)
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

static inline int setup(void **state)
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

static inline void remove_registry(const struct fx *f)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-journal" };

	for (size_t n = 0; n < 4; n++) {
		char path[128];

		(void)snprintf(path, sizeof(path), "%s%s", f->path, ends[n]);
		(void)unlink(path);
	}
}

static inline int teardown(void **state)
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
static inline void turn(struct fx *f, int64_t for_ms)
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

static inline void fill_instance(struct store_instance *i, const char *name)
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

static inline void attach_all(struct fx *f)
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

static inline void detach_all(struct fx *f)
{
	store_detach_check(f->store, &f->tcp);
	store_detach_instance(f->store, &f->i1);
	store_detach_instance(f->store, &f->i2);
	store_detach_service(f->store, &f->web);
}

static inline void set_health(
    struct fx *f, struct store_instance *i, enum health h)
{
	i->row.health = h;
	i->row.since_wall_ms = read_wall(f);
	i->row.reason = "test";
	store_health_changed(f->store, i);
}

/* ---- what the registry has -------------------------------------------- */

static inline struct registry *look(const struct fx *f)
{
	struct registry *r;

	assert_int_equal(0, registry_open(f->path, REGISTRY_WRITE, &r, NULL));
	return r;
}

struct seen {
	char text[512]; /* "web: i1=passing i2=dead" */
};

static inline void see_service(void *arg, const struct service_row *row)
{
	struct seen *s = arg;

	(void)snprintf(s->text, sizeof(s->text), "%s:", row->name);
}

static inline void see_instance(void *arg, const struct instance_row *row)
{
	struct seen *s = arg;
	size_t len = strlen(s->text);

	(void)snprintf(s->text + len, sizeof(s->text) - len, " %s=%s",
	    row->name, health_name(row->health));
}

static inline void see_done(void *arg)
{
	(void)arg;
}

static inline void assert_registry(const struct fx *f, const char *expected)
{
	struct seen s = { .text = "" };
	const struct registry_visitor v = { see_service, see_instance, see_done,
		&s, NULL };
	struct registry *r = look(f);

	(void)registry_read_service(r, ZONE, "web", &v, NULL);
	registry_close(r);
	assert_string_equal(s.text, expected);
}

static inline void see_check(void *arg, const struct check_row *row)
{
	struct seen *s = arg;
	size_t len = strlen(s->text);

	(void)snprintf(s->text + len, sizeof(s->text) - len, "%s=%s/%s ",
	    row->name, health_name(row->status), row->output);
}

static inline void assert_checks(const struct fx *f, const char *expected)
{
	struct seen s = { .text = "" };
	struct registry *r = look(f);

	assert_int_equal(
	    0, registry_read_checks(r, ZONE, "web", see_check, &s, NULL));
	registry_close(r);
	assert_string_equal(s.text, expected);
}

static inline void count_history(void *arg, const struct history_row *row)
{
	(void)row;
	++*(unsigned *)arg;
}

static inline unsigned history_of(const struct fx *f)
{
	struct registry *r = look(f);
	unsigned n = 0;

	assert_int_equal(0, registry_read_history(
	                        r, ZONE, NULL, 1000, count_history, &n, NULL));
	registry_close(r);
	return n;
}
