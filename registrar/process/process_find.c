// SPDX-License-Identifier: BSD-2-Clause
/*
 * All processes that match, rather than the one that a watch holds. The walks
 * are those of process_scan.c; what they show is collected and told when they
 * are over, for whoever hears of it may begin and end watches.
 */
#include "registrar/process/process_impl.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct process_finder {
	struct watcher *w;
	struct pattern pattern;
	process_found_fn fn;
	void *arg;
	struct process_found *found;
	char **texts; /* that they point to */
	unsigned found_n, found_room;
	LIST_ENTRY(process_finder) link;
};

static void forget(struct process_finder *f)
{
	for (unsigned n = 0; n < f->found_n; n++)
		free(f->texts[n]);
	f->found_n = 0;
}

/* ---- what walks show -------------------------------------------------- */

void find_init(struct watcher *w)
{
	LIST_INIT(&w->finders);
}

bool find_wanted(const struct watcher *w)
{
	return !LIST_EMPTY(&w->finders);
}

bool find_wants(const struct watcher *w, enum process_kind kind)
{
	const struct process_finder *f;

	LIST_FOREACH (f, &w->finders, link) {
		if (f->pattern.spec->kind == kind)
			return true;
	}
	return false;
}

/* A worker of one that matches, or what that is about to start. */
static bool is_of_family(struct process_finder *f, pid_t parent)
{
	char exe[PATH_MAX], args[CMDLINE_MAX];

	if (parent <= 1)
		return false;
	bool have_exe = f->pattern.spec->kind == PROCESS_EXE &&
	                looker_exe(f->w->looker, parent, exe, sizeof(exe)) == 0;

	if (proc_cmdline(parent, args, sizeof(args)) < 0)
		return false;
	return pattern_matches(&f->pattern, have_exe ? exe : NULL, args);
}

static void collect(struct process_finder *f, const struct process_seen *seen)
{
	if (f->found_n == f->found_room) {
		f->found_room = f->found_room ? 2 * f->found_room : 16;
		f->found =
		    xreallocarray(f->found, f->found_room, sizeof(*f->found));
		f->texts =
		    xreallocarray(f->texts, f->found_room, sizeof(*f->texts));
	}
	size_t exe_len = seen->exe ? strlen(seen->exe) + 1 : 1;
	char *text = xcalloc(1, exe_len + strlen(seen->args) + 1);

	memcpy(text, seen->exe ? seen->exe : "", exe_len);
	memcpy(text + exe_len, seen->args, strlen(seen->args) + 1);
	f->texts[f->found_n] = text;
	f->found[f->found_n++] = (struct process_found){ .pid = seen->pid,
		.start_ticks = seen->stat.start_ticks,
		.exe = text,
		.cmdline = text + exe_len };
}

void find_offer(struct watcher *w, struct process_seen *seen)
{
	char exe[PATH_MAX];
	struct process_finder *f;

	LIST_FOREACH (f, &w->finders, link) {
		if (!pattern_matches(&f->pattern, seen->exe, seen->args))
			continue;
		if (!process_is_foreign(seen))
			return;
		if (is_of_family(f, seen->stat.parent))
			continue;
		if (!seen->exe &&
		    looker_exe(w->looker, seen->pid, exe, sizeof(exe)) == 0)
			seen->exe = exe;
		collect(f, seen);
	}
}

static int by_start(const void *a, const void *b)
{
	const struct process_found *x = a, *y = b;

	if (x->start_ticks != y->start_ticks)
		return x->start_ticks > y->start_ticks ? 1 : -1;
	return (x->pid > y->pid) - (x->pid < y->pid);
}

void find_tell(struct watcher *w, bool whole, int error)
{
	struct process_finder *f;

	LIST_FOREACH (f, &w->finders, link) {
		if (!whole && !f->found_n)
			continue;
		if (f->found_n) {
			qsort(
			    f->found, f->found_n, sizeof(*f->found), by_start);
		}
		f->fn(f->arg, f->found, f->found_n, whole,
		    f->pattern.resolving ? -EAGAIN : error);
		forget(f);
	}
}

static void each(void *arg, pid_t pid)
{
	scan_one(arg, pid);
}

/*
 * The same as in a walk of process_scan.c, but that nobody else is told: what
 * watches found meanwhile is told by the next one.
 */
void process_finders_look(struct watcher *w)
{
	w->want_args |= find_wants(w, PROCESS_CMDLINE);
	w->want_exe |= find_wants(w, PROCESS_EXE);
	find_tell(w, true, looker_each(w->looker, each, w));
}

/* ---- lifetime --------------------------------------------------------- */

static void on_ready(void *arg)
{
	const struct process_finder *f = arg;

	timer_set(f->w->timers, &f->w->scan.next, timers_now(f->w->timers));
}

struct process_finder *process_finder_new(struct watcher *w,
    const struct process_spec *spec, process_found_fn fn, void *arg)
{
	struct process_finder *f = xcalloc(1, sizeof(*f));

	f->w = w;
	f->fn = fn;
	f->arg = arg;
	pattern_init(w, &f->pattern, spec, on_ready, f);
	LIST_INSERT_HEAD(&w->finders, f, link);
	timer_set(w->timers, &w->scan.next, timers_now(w->timers));
	scan_wanted(w);
	return f;
}

void process_finder_free(struct process_finder *f)
{
	if (!f)
		return;
	LIST_REMOVE(f, link);
	scan_wanted(f->w);
	pattern_release(f->w, &f->pattern);
	forget(f);
	free(f->found);
	free(f->texts);
	free(f);
}

void process_finder_set_spec(
    struct process_finder *f, const struct process_spec *spec)
{
	f->pattern.spec = spec;
}
