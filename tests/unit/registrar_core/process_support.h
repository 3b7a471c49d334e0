// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * process_support - a watcher in a loop, and children that do for services.
 */
#include "registrar/process/process.h"
#include "registrar/process/process_impl.h"
#include "support.h"

#include <signal.h>
#include <sys/wait.h>

struct heard {
	bool any; /* since it was last cleared */
	enum process_news news;
	unsigned n;
	char detail[256];
};

struct fx {
	struct loop loop;
	struct watcher *watcher;
	struct heard heard;
	char dir[64], path[128];
};

static inline void hear(void *arg, enum process_news news, const char *detail)
{
	struct heard *h = arg;

	h->any = true;
	h->news = news;
	h->n++;
	(void)snprintf(h->detail, sizeof(h->detail), "%s", detail);
}

static inline int setup(void **state)
{
	struct fx *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	loop_init(&f->loop);
	f->watcher = watcher_new(f->loop.base, f->loop.timers);
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/process-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->path, sizeof(f->path), "%s/run.pid", f->dir);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fx *f = *state;
	char path[160];

	watcher_free(f->watcher);
	loop_release(&f->loop);
	(void)unlink(f->path);
	(void)snprintf(path, sizeof(path), "%s/new", f->dir);
	(void)unlink(path);
	(void)rmdir(f->dir);
	free(f);
	return 0;
}

/* `name` becomes argv[0], by which it can be found. */
static inline pid_t start_as(const char *name)
{
	pid_t pid = fork();

	if (pid == 0) {
		execl("/bin/sleep", name, "60", (char *)NULL);
		_exit(127);
	}
	assert_true(pid > 0);
	return pid;
}

static inline void finish(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

static inline void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(0, fclose(f));
}

static inline void write_pid(const char *path, pid_t pid)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%d\n", (int)pid);
	write_text(path, text);
}

/* The next news, or fails. */
static inline enum process_news next_news(struct fx *f)
{
	f->heard.any = false;
	if (!loop_until(&f->loop, &f->heard.any, 5000))
		fail_msg("nothing was said");
	return f->heard.news;
}

/* Until it is that; other news may come before. */
static inline void await_news(struct fx *f, enum process_news news)
{
	for (int i = 0; i < 5; i++) {
		if (next_news(f) == news)
			return;
	}
	fail_msg("last it was: %s", f->heard.detail);
}

/* Not a child of this program, which would be taken for a check of ours. */
static inline pid_t start_apart(void (*fn)(void *arg), void *arg)
{
	int ends[2];
	pid_t pid = 0;

	assert_int_equal(0, pipe(ends));
	pid_t between = fork();

	if (between == 0) {
		pid = fork();
		if (pid == 0) {
			close(ends[0]);
			close(ends[1]);
			fn(arg);
			_exit(0);
		}
		_exit(write(ends[1], &pid, sizeof(pid)) != sizeof(pid));
	}
	assert_int_equal(between, waitpid(between, NULL, 0));
	assert_int_equal(sizeof(pid), read(ends[0], &pid, sizeof(pid)));
	close(ends[0]);
	close(ends[1]);
	return pid;
}
