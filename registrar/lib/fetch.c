// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/lib/fetch.h"

#include "registrar/lib/workers.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct item {
	char *path;
	struct fetched is;
	char text[FETCH_LEN_MAX + 1];
};

struct fetch {
	struct job job;
	enum { NEW, RUNNING, TELLING, DONE } state;
	struct workers *workers;
	void (*done)(void *arg);
	void *arg;
	bool unwanted; /* since TELLING */
	unsigned n;
	struct item *items[FETCH_FILES_MAX];
	struct {
		char *path; /* NULL: there is none */
		void (*run)(void *arg);
		void (*release)(void *arg);
		void *arg;
	} work;
};

/* ---- in a thread ------------------------------------------------------ */

static int fail(struct item *i, const char *call, int error)
{
	i->is.call = call;
	return -error;
}

static int read_item(struct item *i)
{
	/* a FIFO without a writer must not hold us up */
	scoped_fd int fd =
	    open(i->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(i, "open", errno);
	if (!S_ISREG(st.st_mode))
		return fail(i, "read", EINVAL);
	ssize_t n = read(fd, i->text, FETCH_LEN_MAX);

	if (n < 0)
		return fail(i, "read", errno);
	i->is.len = (size_t)n;
	i->is.modified_wall_ms =
	    (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	return 0;
}

static void run(struct job *j)
{
	struct fetch *f = (struct fetch *)(void *)j;

	for (unsigned n = 0; n < f->n; n++)
		f->items[n]->is.error = read_item(f->items[n]);
	if (f->work.path)
		f->work.run(f->work.arg);
}

/* ---- in the loop ------------------------------------------------------ */

static void done(struct job *j)
{
	struct fetch *f = (struct fetch *)(void *)j;

	f->state = TELLING;
	f->done(f->arg); /* may call fetch_free() */
}

static void release(struct fetch *f)
{
	for (unsigned n = 0; n < f->n; n++) {
		explicit_bzero(f->items[n]->text, FETCH_LEN_MAX);
		free(f->items[n]->path);
		free(f->items[n]);
	}
	if (f->work.path)
		f->work.release(f->work.arg);
	free(f->work.path);
	free(f);
}

/* One that is done is its owner's, one that was dropped nobody's. */
static void job_free(struct job *j)
{
	struct fetch *f = (struct fetch *)(void *)j;
	bool dropped = f->state == RUNNING;

	f->state = DONE;
	if (dropped || f->unwanted)
		release(f);
}

struct fetch *fetch_new(void (*fn)(void *arg), void *arg)
{
	struct fetch *f = xcalloc(1, sizeof(*f));

	f->job = (struct job){ .run = run, .done = done, .free = job_free };
	f->done = fn;
	f->arg = arg;
	return f;
}

void fetch_free(struct fetch *f)
{
	if (!f)
		return;
	if (f->state == RUNNING) {
		workers_drop(f->workers, &f->job);
	} else if (f->state == TELLING) {
		f->unwanted = true;
	} else {
		release(f);
	}
}

void fetch_add(struct fetch *f, const char *path)
{
	for (unsigned n = 0; n < f->n; n++) {
		if (strcmp(f->items[n]->path, path) == 0)
			return;
	}
	if (f->n == FETCH_FILES_MAX)
		return;
	struct item *i = xcalloc(1, sizeof(*i));

	i->path = xstrdup(path);
	f->items[f->n++] = i;
}

void fetch_add_work(struct fetch *f, const char *path, void (*fn)(void *arg),
    void (*fn_release)(void *arg), void *arg)
{
	f->work.path = xstrdup(path);
	f->work.run = fn;
	f->work.release = fn_release;
	f->work.arg = arg;
}

unsigned fetch_n(const struct fetch *f)
{
	return f->n + (f->work.path != NULL);
}

static const char *first_path(const struct fetch *f)
{
	return f->n ? f->items[0]->path : f->work.path;
}

void fetch_begin(struct fetch *f, struct workers *w)
{
	f->workers = w;
	f->state = RUNNING;
	if (w) {
		workers_do(w, &f->job, first_path(f));
		return;
	}
	run(&f->job);
	done(&f->job);
	job_free(&f->job);
}

struct fetched fetch_get(const struct fetch *f, const char *path)
{
	for (unsigned n = 0; f && n < f->n; n++) {
		struct fetched is = f->items[n]->is;

		if (strcmp(f->items[n]->path, path) != 0)
			continue;
		is.text = f->items[n]->text;
		return is;
	}
	return (struct fetched){ .error = -E2BIG, .call = "read", .text = "" };
}

const char *fetch_waits_for(const struct fetch *f)
{
	return f->state == RUNNING ? first_path(f) : NULL;
}
