// SPDX-License-Identifier: BSD-2-Clause
#include "commands.h"

#include "schema/base/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZONE "svc.test"
#define PATIENCE_MS 86400000 /* for a check to run */

/* ---- files ------------------------------------------------------------ */

static struct world_file *file_of(const struct world *w, const char *name)
{
	struct world_file *f = w->files;

	while (f && strcmp(f->name, name) != 0)
		f = f->next;
	if (!f)
		world_fail(w, "there is no file '%s'", name);
	return f;
}

static void tell(struct world *w, const struct world_file *f)
{
	const struct defdir_text t = {
		.name = f->name, .text = f->text, .len = strlen(f->text)
	};

	loader_changed(w->loader, &t);
}

/* Several in one burst. */
void cmd_load(struct world *w, char *const *words, int n)
{
	for (int i = 1; i < n; i++) {
		struct world_file *f = file_of(w, words[i]);

		f->there = true;
		tell(w, f);
	}
	loader_settled(w->loader, true, false);
}

void cmd_remove(struct world *w, char *const *words, int n)
{
	for (int i = 1; i < n; i++) {
		file_of(w, words[i])->there = false;
		loader_removed(w->loader, words[i]);
	}
	loader_settled(w->loader, true, false);
}

/* rename FROM TO: told in the order of the names */
void cmd_rename(struct world *w, char *const *words, int n)
{
	struct world_file *from = file_of(w, words[1]);
	char *text = xstrdup(from->text);

	(void)n;
	from->there = false;
	world_file_new(w, words[2]);
	world_file_add(w, words[2], text);
	free(text);
	struct world_file *to = file_of(w, words[2]);

	to->there = true;
	if (strcmp(words[1], words[2]) < 0)
		loader_removed(w->loader, words[1]);
	tell(w, to);
	if (strcmp(words[1], words[2]) > 0)
		loader_removed(w->loader, words[1]);
	loader_settled(w->loader, true, false);
}

void cmd_restart(struct world *w, char *const *words, int n)
{
	(void)words;
	(void)n;
	world_stop(w);
	world_start(w);
	store_flush(w->store);
	for (struct world_file *f = w->files; f; f = f->next) {
		if (f->there)
			tell(w, f);
	}
	loader_settled(w->loader, true, false);
}

/* ---- processes, checks and time --------------------------------------- */

static enum process_news news_of(const char *word)
{
	if (!strcmp(word, "alive"))
		return PROCESS_ALIVE;
	return strcmp(word, "gone") ? PROCESS_UNKNOWN : PROCESS_GONE;
}

void cmd_process(struct world *w, char *const *words, int n)
{
	struct world_watch *watch = world_watch_of(w, words[1]);

	(void)n;
	if (watch) {
		world_watch_say(watch, news_of(words[0]), words[0]);
	} else {
		world_fail(w, "no process of '%s' is watched", words[1]);
	}
}

/* Lets time pass until the check runs. */
static struct probe *await_run(struct world *w, char *const *words)
{
	int64_t end_ms = w->now_ms + PATIENCE_MS;
	struct probe *p;

	w->awaited = words;
	world_turn(w);
	while (!(p = world_running(w, words[1], words[2]))) {
		int64_t next_ms = timers_next(w->timers);

		if (next_ms < 0 || next_ms > end_ms) {
			world_fail(w, "check '%s' of '%s' does not run",
			    words[2], words[1]);
		}
		world_wait(w, next_ms > w->now_ms ? next_ms - w->now_ms : 0);
	}
	w->awaited = NULL;
	return p;
}

/* pass|warn|fail SERVICE/INSTANCE CHECK [TIMES] */
void cmd_verdict(struct world *w, char *const *words, int n)
{
	enum verdict v = !strcmp(words[0], "pass")   ? VERDICT_PASS
	                 : !strcmp(words[0], "warn") ? VERDICT_WARN
	                                             : VERDICT_FAIL;
	long times = n > 3 ? strtol(words[3], NULL, 10) : 1;

	for (; times > 0; times--) {
		probe_done(await_run(w, words), v, words[0]);
		world_turn(w);
	}
}

/* early VERDICT SERVICE/INSTANCE CHECK [TIMES] */
void cmd_early(struct world *w, char *const *words, int n)
{
	w->extra = true;
	cmd_verdict(w, words + 1, n - 1);
	w->extra = false;
}

/* The run gets no answer until its time is out. */
void cmd_hang(struct world *w, char *const *words, int n)
{
	const struct probe *p = await_run(w, words);

	(void)n;
	world_wait(w, p->spec->timeout_ms - 1);
	if (!world_running(w, words[1], words[2]))
		world_fail(w, "the run ended before its time");
	world_wait(w, 1);
	if (world_running(w, words[1], words[2]))
		world_fail(w, "the run did not end in time");
}

void cmd_resting(struct world *w, char *const *words, int n)
{
	(void)n;
	w->awaited = words;
	world_wait(w, 3600000);
	w->awaited = NULL;
	if (world_running(w, words[1], words[2]))
		world_fail(w, "check '%s' of '%s' runs", words[2], words[1]);
}

/* 500ms, 10s, 5m, -1h */
int64_t world_duration(const struct world *w, const char *word)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 },
		{ "h", 3600000 } };
	char *unit;
	int64_t number = strtol(word, &unit, 10);

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!strcmp(unit, units[i].unit))
			return number * units[i].ms;
	}
	world_fail(w, "'%s' is no time", word);
}

void cmd_wait(struct world *w, char *const *words, int n)
{
	(void)n;
	world_wait(w, world_duration(w, words[1]));
}

/* The wall clock alone. */
void cmd_step(struct world *w, char *const *words, int n)
{
	(void)n;
	w->wall_ahead_ms += world_duration(w, words[1]);
}

/* ---- the registry ----------------------------------------------------- */

struct registry *world_look(const struct world *w)
{
	struct registry *r;
	struct diag why;

	if (registry_open(w->registry, REGISTRY_WRITE, &r, &why) < 0)
		world_fail(w, "%s", why.text);
	return r;
}

const char *world_split(
    const struct world *w, const char *instance, char **ret_service)
{
	size_t len = strcspn(instance, "/");

	if (!instance[len])
		world_fail(w, "'%s' is no SERVICE/INSTANCE", instance);
	*ret_service = xasprintf("%.*s", (int)len, instance);
	return instance + len + 1;
}

/* report SERVICE/INSTANCE CHECK STATUS: as any program may */
void cmd_report(struct world *w, char *const *words, int n)
{
	char *service;
	const char *name = world_split(w, words[1], &service);
	struct registry *r = world_look(w);
	struct check_row row = { .zone = ZONE,
		.service = service,
		.instance = name,
		.name = words[2],
		.kind = "ttl",
		.output = "reported",
		.since_wall_ms = world_wall_ms(w),
		.checked_wall_ms = world_wall_ms(w) };
	struct diag why;

	(void)n;
	if (health_parse(words[3], &row.status) < 0)
		world_fail(w, "'%s' is no state", words[3]);
	if (registry_put_check(r, &row, &why) < 0)
		world_fail(w, "%s", why.text);
	registry_close(r);
	free(service);
}

void cmd_lock(struct world *w, char *const *words, int n)
{
	(void)words;
	(void)n;
	w->lock = world_look(w);
	if (registry_begin(w->lock, 0, NULL) < 0)
		world_fail(w, "cannot lock the registry");
}

void cmd_unlock(struct world *w, char *const *words, int n)
{
	(void)words;
	(void)n;
	registry_rollback(w->lock);
	registry_close(w->lock);
	w->lock = NULL;
	world_wait(w, 200);
}

void cmd_lose(struct world *w, char *const *words, int n)
{
	(void)words;
	(void)n;
	world_unlink_registry(w);
	world_wait(w, 6000); /* the next heartbeat finds out */
}

struct found {
	const char *instance;
	const char *state; /* "none" */
};

static void on_service(void *arg, const struct service_row *row)
{
	(void)arg;
	(void)row;
}

static void on_instance(void *arg, const struct instance_row *row)
{
	struct found *f = arg;

	if (!strcmp(row->name, f->instance))
		f->state = health_name(row->health);
}

static void on_done(void *arg)
{
	(void)arg;
}

/* expect SERVICE/INSTANCE STATE ...; STATE none: there is no such row */
void cmd_expect(struct world *w, char *const *words, int n)
{
	world_turn(w);
	for (int i = 1; i + 1 < n; i += 2) {
		char *service;
		struct found f = { .instance =
			               world_split(w, words[i], &service),
			.state = "none" };
		const struct registry_visitor v = { on_service, on_instance,
			on_done, &f, NULL };
		struct registry *r = world_look(w);

		(void)registry_read_service(r, ZONE, service, &v, NULL);
		registry_close(r);
		if (strcmp(f.state, words[i + 1]) != 0) {
			world_fail(w, "'%s' is %s, expected %s", words[i],
			    f.state, words[i + 1]);
		}
		free(service);
	}
}

struct told {
	const char *instance;
	char *text; /* states; read newest first, so put in front */
};

static void on_history(void *arg, const struct history_row *row)
{
	struct told *t = arg;

	if (strcmp(row->instance, t->instance) != 0)
		return;
	char *text = xasprintf("%s%s%s", row->now ? row->now : "none",
	    *t->text ? " " : "", t->text);

	free(t->text);
	t->text = text;
}

/* history SERVICE/INSTANCE STATE ...: all that it ever was, and no more */
void cmd_history(struct world *w, char *const *words, int n)
{
	char *service, expected[1024] = "";
	struct told t = { .instance = world_split(w, words[1], &service),
		.text = xstrdup("") };
	struct registry *r;

	world_turn(w);
	r = world_look(w);
	(void)registry_read_history(
	    r, ZONE, service, 100, on_history, &t, NULL);
	registry_close(r);
	for (int i = 2; i < n; i++) {
		size_t len = strlen(expected);

		(void)snprintf(expected + len, sizeof(expected) - len, "%s%s",
		    len ? " " : "", words[i]);
	}
	if (strcmp(t.text, expected) != 0) {
		world_fail(w, "'%s' was: %s, expected: %s", words[1], t.text,
		    expected);
	}
	free(t.text);
	free(service);
}
