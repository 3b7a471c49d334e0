// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/watch/watcher.h"

#include "registrar/watch/child.h"
#include "registrar/watch/output.h"
#include "registrar/watch/roll.h"
#include "registrar/watch/template.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"
#include "schema/base/notify.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "schema/follow.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
	SERVICES_MAX = 256,
	LOOK_MS = 100,
	SETTLE_AT_MOST = 10, /* times settle_ms */
	RETRY_MS = 1000,
};

struct page {
	const char *in, *out;
	struct template *template;
};

struct watcher {
	const struct watch_config *config;
	struct arena *arena;
	struct target services[SERVICES_MAX];
	unsigned service_n;
	struct page *pages;
	unsigned page_n;
	struct follow *follow;
	struct follow_place place;
	int signals;
	int ended;    /* by that signal; 0: not yet */
	json_t *said; /* what was done last was done for this; NULL: nothing */
	json_t *now;
	bool dirty;            /* something of ours has changed */
	int64_t first_ms;      /* that, not looked at yet, began; 0: none */
	int64_t due_ms;        /* when it is looked at */
	int64_t until_wall_ms; /* time alone may change it; 0: never */
	int complaint;         /* told already */
};

/* ---- what is said ------------------------------------------------------ */

static const struct target *find(
    const struct watcher *w, const char *zone, const char *service)
{
	for (unsigned i = 0; i < w->service_n; i++) {
		const struct target *t = &w->services[i];

		if (!strcmp(t->service, service) && !strcmp(t->zone, zone))
			return t;
	}
	return NULL;
}

static void on_change(void *arg, const char *zone, const char *service)
{
	struct watcher *w = arg;

	if (find(w, zone, service))
		w->dirty = true;
}

static int read_now(struct watcher *w, struct diag *reterr)
{
	struct registry *r = follow_registry(w->follow);
	json_t *all = json_must(json_array());
	int error = 0;

	w->until_wall_ms = 0;
	for (unsigned i = 0; i < w->service_n && !error; i++) {
		const struct target *t = &w->services[i];
		int64_t until;
		json_t *roll;

		error = roll_read(r, t->zone, t->service, clock_wall_ms(),
		    &roll, &until, reterr);
		if (error)
			break;
		if (json_array_append_new(all, roll) < 0)
			abort();
		if (until && (!w->until_wall_ms || until < w->until_wall_ms))
			w->until_wall_ms = until;
	}
	if (error) {
		json_decref(all);
		return error;
	}
	json_decref(w->now);
	w->now = all;
	return 0;
}

/* ---- what is done ------------------------------------------------------ */

static int run(struct watcher *w, const char *command, const char *input)
{
	struct diag why;
	int error = child_run(
	    command, input, strlen(input), w->signals, &w->ended, &why);

	if (error && !w->ended)
		log_warn("'%s': %s", command, why.text);
	return error;
}

/* One service as it is, several as a list. */
static int execute(struct watcher *w)
{
	const json_t *what =
	    w->service_n == 1 ? json_array_get(w->now, 0) : w->now;
	scoped_free char *text = json_dumps(what, JSON_COMPACT);

	if (!text)
		abort();
	return run(w, w->config->exec, text);
}

static const json_t *roll_of(void *arg, const char *service)
{
	const struct watcher *w = arg;
	const struct target *t = w->services;
	struct target named;

	if (*service &&
	    target_parse(service, w->config->zone, w->arena, &named, NULL) == 0)
		t = find(w, named.zone, named.service);
	return t ? json_array_get(w->now, (size_t)(t - w->services)) : NULL;
}

static void on_left_out(void *arg, const json_t *instance, const char *word)
{
	const char *name = json_string_value(json_object_get(instance, "name"));

	(void)arg;
	log_warn("instance '%s' is left out: its %s has other characters than "
	         "letters, digits and ._:/@%%+,=~-",
	    name ? name : "", word);
}

/* The text before, if it was replaced. */
struct before {
	char *text; /* NULL: it was not, or there was none */
	size_t len;
	bool replaced;
};

static int write_page(struct watcher *w, const struct page *p, struct before *b)
{
	const struct template_source source = { roll_of, w, on_left_out };
	scoped_free char *text = NULL;
	size_t len;
	struct diag why;
	int error = template_render(p->template, &source, &text, &len, &why);

	if (!error) {
		error = output_read(p->out, &b->text, &b->len, &why);
		if (error == -ENOENT)
			error = 0;
		if (!error && b->text && b->len == len &&
		    !memcmp(b->text, text, len))
			return 0;
		if (!error)
			error = output_write(p->out, text, len, &why);
		b->replaced = !error;
	}
	if (error)
		log_warn("%s stays as it is: %s", p->out, why.text);
	return error;
}

/* What did not please is taken back. */
static void restore(const struct watcher *w, const struct before *before)
{
	struct diag why;

	for (unsigned i = 0; i < w->page_n; i++) {
		const struct before *b = &before[i];

		if (!b->replaced || !b->text)
			continue;
		if (output_write(w->pages[i].out, b->text, b->len, &why) < 0) {
			log_error("%s", why.text);
		} else {
			log_warn("%s is again what it was", w->pages[i].out);
		}
	}
}

static int write_pages(struct watcher *w)
{
	struct before *before = xcalloc(w->page_n, sizeof(*before));
	bool replaced = false;
	int error = 0;

	for (unsigned i = 0; i < w->page_n; i++) {
		int failed = write_page(w, &w->pages[i], &before[i]);

		error = error ? error : failed;
		if (before[i].replaced)
			log_info("wrote %s", w->pages[i].out);
		replaced |= before[i].replaced;
	}
	if (replaced && w->config->reload) {
		int failed = run(w, w->config->reload, "");

		if (failed && !w->ended)
			restore(w, before);
		error = error ? error : failed;
	}
	for (unsigned i = 0; i < w->page_n; i++)
		free(before[i].text);
	free(before);
	return error;
}

/* If it differs from what was done for. */
static int act(struct watcher *w)
{
	int error = 0;

	if (w->said && json_equal(w->said, w->now))
		return 0;
	if (w->config->exec)
		error = execute(w);
	if (w->page_n)
		error = write_pages(w);
	json_decref(w->said);
	w->said = json_incref(w->now);
	return error;
}

/* ---- when -------------------------------------------------------------- */

static void complain(struct watcher *w, int error, const struct diag *why)
{
	if (error != w->complaint)
		log_warn("%s; what was done last stays", why->text);
	w->complaint = error;
}

static int64_t now_us(void)
{
	return clock_read_ns(CLOCK_MONOTONIC) / 1000;
}

/* Has anything of ours changed? */
static int look(struct watcher *w, struct diag *reterr)
{
	int error = follow_look(w->follow, now_us(), reterr);

	if (!error)
		error = follow_is_behind(w->follow, &w->place, reterr);
	if (error > 0) {
		error =
		    follow_changes(w->follow, &w->place, on_change, w, reterr);
		if (error == -ESTALE) { /* everything, and we are there */
			w->dirty = true;
			error = 0;
		}
	}
	if (w->until_wall_ms && clock_wall_ms() >= w->until_wall_ms) {
		w->until_wall_ms = 0;
		w->dirty = true;
	}
	return error;
}

static void gather(struct watcher *w)
{
	int64_t now_ms = clock_mono_ms(), settle = w->config->settle_ms;

	if (!w->dirty)
		return;
	w->dirty = false;
	if (!w->first_ms)
		w->first_ms = now_ms;
	w->due_ms = now_ms + (w->said ? settle : 0);
	if (w->due_ms > w->first_ms + SETTLE_AT_MOST * settle)
		w->due_ms = w->first_ms + SETTLE_AT_MOST * settle;
}

/* One look, and what follows of it. *ret_done: something was done. */
static int turn(struct watcher *w, bool *ret_done, struct diag *reterr)
{
	int error = look(w, reterr);

	gather(w);
	if (error || !w->first_ms || clock_mono_ms() < w->due_ms)
		return error;
	error = read_now(w, reterr);
	if (error) {
		follow_failed(w->follow, error);
		return error;
	}
	w->first_ms = 0;
	w->complaint = 0;
	error = act(w);
	*ret_done = true;
	return error ? diag_set(reterr, error, "not all could be done") : 0;
}

static void pause_until_due(struct watcher *w)
{
	struct pollfd p[] = { { .fd = w->signals, .events = POLLIN },
		{ .fd = follow_fd(w->follow), .events = POLLIN } };
	int64_t left_ms = (follow_due_us(w->follow) - now_us()) / 1000 + 1;
	struct signalfd_siginfo info;

	if (w->first_ms && w->due_ms - clock_mono_ms() < left_ms)
		left_ms = w->due_ms - clock_mono_ms();
	if (left_ms > LOOK_MS || left_ms < 0)
		left_ms = left_ms < 0 ? 0 : LOOK_MS;
	if (poll(p, 2, (int)left_ms) < 0)
		return;
	if (p[1].revents)
		follow_notice(w->follow, now_us());
	if (p[0].revents &&
	    read(w->signals, &info, sizeof(info)) == sizeof(info) &&
	    info.ssi_signo != SIGCHLD)
		w->ended = (int)info.ssi_signo;
}

static int go_on(struct watcher *w, struct diag *reterr)
{
	int error = 0;
	bool ready = false;

	while (!w->ended) {
		bool done = false;

		error = turn(w, &done, reterr);
		if (done && w->config->once)
			return error;
		if (done && !ready)
			notify_state("READY=1");
		ready |= done;
		if (error && !done)
			complain(w, error, reterr);
		pause_until_due(w);
	}
	notify_state("STOPPING=1");
	return 0;
}

/* ---- life -------------------------------------------------------------- */

static int add_service(struct watcher *w, const char *text, struct diag *reterr)
{
	struct target t;
	int error = target_parse(text, w->config->zone, w->arena, &t, reterr);

	if (error || find(w, t.zone, t.service))
		return error;
	if (w->service_n == SERVICES_MAX)
		return diag_set(reterr, -E2BIG, "more than 256 services");
	w->services[w->service_n++] = t;
	return 0;
}

/* A page's template, and the services that it names. */
static int read_template(struct watcher *w, struct page *p, struct diag *reterr)
{
	char *text = NULL;
	const char *service;
	size_t len, at = 0;
	int error = output_read(p->in, &text, &len, reterr);

	if (error)
		return error;
	char *kept = arena_alloc(w->arena, len + 1, 1);
	memcpy(kept, text, len + 1);
	free(text);
	error = template_parse(kept, len, w->arena, &p->template, reterr);
	while (!error && (service = template_service(p->template, &at))) {
		if (*service)
			error = add_service(w, service, reterr);
	}
	return error ? diag_prefix(reterr, error, "'%s'", p->in) : 0;
}

static int read_templates(struct watcher *w, struct diag *reterr)
{
	const struct conf_strings *texts = w->config->templates;
	int error = 0;

	w->pages = arena_alloc(w->arena, texts->n + 1, sizeof(*w->pages));
	for (unsigned i = 0; i < texts->n && !error; i++) {
		struct page *p = &w->pages[w->page_n++];
		char *in = arena_strdup(w->arena, texts->items[i]);
		char *colon = strchr(in, ':');

		if (!colon || colon == in || !colon[1]) {
			return diag_set(reterr, -EINVAL,
			    "--template: found '%s', expected IN:OUT", in);
		}
		*colon = '\0';
		p->in = in;
		p->out = colon + 1;
		error = read_template(w, p, reterr);
	}
	return error;
}

static int take_signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int watch_services(const struct watch_config *c, struct diag *reterr)
{
	struct watcher *w = xcalloc(1, sizeof(*w));

	w->config = c;
	w->arena = arena_new();
	w->dirty = true;
	for (unsigned i = 0; i < c->service_n; i++)
		w->services[w->service_n++] = c->services[i];
	int error = read_templates(w, reterr);
	if (!error) {
		w->follow = follow_new(c->registry, REGISTRY_READ, LOOK_MS);
		w->signals = take_signals();
		error = go_on(w, reterr);
		follow_free(w->follow);
		close(w->signals);
	}
	json_decref(w->said);
	json_decref(w->now);
	arena_free(w->arena);
	free(w);
	return error;
}
