// SPDX-License-Identifier: BSD-2-Clause
/*
 * Two threads share a list of news and two eventfds: `told` wakes the loop,
 * `asked` the thread. When much waits for the loop, the thread waits for it.
 *
 * The thread counts half seconds. When the count stands still, and it does
 * not wait for us, it hangs; that is known by looks of ours, not by the time:
 * what was stopped as a whole has not hung.
 */
#include "registrar/watchdir/defthread.h"

#include "schema/base/clock.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>

#define TURN_NS 2000000 /* of the loop */
#define COUNT_MS 500
#define LOOKS_MAX (DEFTHREAD_SILENT_MS / COUNT_MS)
#define BATCH 64 /* news for which the loop is woken amid a burst */
#define WAITING_MAX ((size_t)16 << 20) /* octets of news */
#define END_S 1                        /* for one that is about to end */

enum news_kind { CHANGED, REMOVED, FAILED, BLIND, HOLLOW, SETTLED };

struct news {
	enum news_kind what;
	char *name, *why; /* or NULL */
	struct defdir_text text;
	char *held; /* text.text */
	bool whole, leaving;
	STAILQ_ENTRY(news) link;
};

struct defthread {
	/* the loop's */
	struct defdir_ops ops;
	struct event *on_told, *on_look;
	unsigned seen, looks; /* count as it was, for so many looks */
	bool silent, whole, begun;
	/* the thread's */
	struct event_base *base;
	struct defdir *dir;
	/* of both, under the lock */
	pthread_mutex_t lock;
	pthread_cond_t room;  /* for news */
	pthread_cond_t ended; /* the thread has */
	STAILQ_HEAD(, news) news;
	size_t waiting; /* octets of them */
	unsigned news_n;
	bool raised; /* told */
	bool full;   /* it waits for room */
	bool running, end, rescan;
	unsigned count;
	int told, asked;
	char *path;
};

static void raise_fd(int fd)
{
	static const uint64_t one = 1;

	(void)!write(fd, &one, sizeof(one));
}

static void lower_fd(int fd)
{
	uint64_t n;

	(void)!read(fd, &n, sizeof(n));
}

/* ---- in the thread ---------------------------------------------------- */

static void news_free(struct news *n)
{
	free(n->name);
	free(n->why);
	free(n->held);
	free(n);
}

static struct news *news_new(
    enum news_kind what, const char *name, const char *why)
{
	struct news *n = xcalloc(1, sizeof(*n));

	n->what = what;
	n->name = name ? xstrdup(name) : NULL;
	n->why = why ? xstrdup(why) : NULL;
	return n;
}

static void tell(struct defthread *t, struct news *n)
{
	pthread_mutex_lock(&t->lock);
	while (t->waiting > WAITING_MAX && !t->end) {
		t->full = true;
		pthread_cond_wait(&t->room, &t->lock);
	}
	t->full = false;
	t->count++;
	t->news_n++;
	if (!t->raised && (n->what == SETTLED || t->news_n == BATCH)) {
		t->raised = true;
		raise_fd(t->told);
	}
	t->waiting += sizeof(*n) + n->text.len;
	STAILQ_INSERT_TAIL(&t->news, n, link);
	pthread_mutex_unlock(&t->lock);
}

static void on_changed(void *arg, const struct defdir_text *text)
{
	struct news *n = news_new(CHANGED, text->name, NULL);

	n->text = *text;
	n->held = xmalloc(text->len + 1);
	memcpy(n->held, text->text, text->len + 1);
	n->text.text = n->held;
	n->text.name = n->name;
	tell(arg, n);
}

static void on_removed(void *arg, const char *name)
{
	tell(arg, news_new(REMOVED, name, NULL));
}

static void on_failed(void *arg, const char *name, const char *why)
{
	tell(arg, news_new(FAILED, name, why));
}

static void on_blind(void *arg, const char *why)
{
	tell(arg, news_new(BLIND, NULL, why));
}

static void on_hollow(void *arg, const char *why)
{
	tell(arg, news_new(HOLLOW, NULL, why));
}

static void on_settled(void *arg, bool whole, bool leaving)
{
	struct news *n = news_new(SETTLED, NULL, NULL);

	n->whole = whole;
	n->leaving = leaving;
	tell(arg, n);
}

static void on_asked(evutil_socket_t fd, short what, void *arg)
{
	struct defthread *t = arg;

	(void)what;
	lower_fd(fd);
	pthread_mutex_lock(&t->lock);
	bool end = t->end, rescan = t->rescan;

	t->rescan = false;
	pthread_mutex_unlock(&t->lock);
	if (end) {
		(void)event_base_loopbreak(t->base);
	} else if (rescan) {
		(void)defdir_rescan(t->dir);
	}
}

static void on_count(evutil_socket_t fd, short what, void *arg)
{
	struct defthread *t = arg;

	(void)fd;
	(void)what;
	pthread_mutex_lock(&t->lock);
	t->count++;
	pthread_mutex_unlock(&t->lock);
}

static void release(struct defthread *t)
{
	struct news *n;

	while ((n = STAILQ_FIRST(&t->news))) {
		STAILQ_REMOVE_HEAD(&t->news, link);
		news_free(n);
	}
	defdir_free(t->dir);
	event_base_free(t->base);
	pthread_mutex_destroy(&t->lock);
	pthread_cond_destroy(&t->room);
	pthread_cond_destroy(&t->ended);
	close(t->told);
	close(t->asked);
	free(t->path);
	free(t);
}

static void run(struct defthread *t)
{
	static const struct timeval every = { .tv_usec = COUNT_MS * 1000L };
	struct event *asked =
	    event_new(t->base, t->asked, EV_READ | EV_PERSIST, on_asked, t);
	struct event *count = event_new(t->base, -1, EV_PERSIST, on_count, t);

	if (!asked || !count || event_add(asked, NULL) < 0 ||
	    event_add(count, &every) < 0)
		abort(); /* out of memory */
	(void)defdir_rescan(t->dir);
	(void)event_base_dispatch(t->base);
	event_free(asked);
	event_free(count);
}

static void *thread(void *arg)
{
	struct defthread *t = arg;

	run(t);
	pthread_mutex_lock(&t->lock);
	t->running = false;
	pthread_cond_signal(&t->ended);
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

/* ---- in the loop ------------------------------------------------------ */

static void take(struct defthread *t, const struct news *n)
{
	void *arg = t->ops.arg;

	switch (n->what) {
	case CHANGED:
		t->ops.changed(arg, &n->text);
		break;
	case REMOVED:
		t->ops.removed(arg, n->name);
		break;
	case FAILED:
		t->ops.failed(arg, n->name, n->why);
		break;
	case BLIND:
		t->ops.blind(arg, n->why);
		break;
	case HOLLOW:
		t->ops.hollow(arg, n->why);
		break;
	case SETTLED:
		t->begun = true;
		t->whole = n->whole;
		t->ops.settled(arg, n->whole, n->leaving);
		break;
	}
}

/* NULL: there are none, and `told` is not raised any more. */
static struct news *next_news(struct defthread *t)
{
	pthread_mutex_lock(&t->lock);
	struct news *n = STAILQ_FIRST(&t->news);

	if (n) {
		STAILQ_REMOVE_HEAD(&t->news, link);
		t->news_n--;
		t->waiting -= sizeof(*n) + n->text.len;
		if (t->full && t->waiting < WAITING_MAX / 2)
			pthread_cond_signal(&t->room);
	}
	if (STAILQ_EMPTY(&t->news) && t->raised) {
		t->raised = false;
		lower_fd(t->told);
	}
	pthread_mutex_unlock(&t->lock);
	return n;
}

/* What is left by then waits for the next turn. */
static void take_until(struct defthread *t, int64_t until_ns)
{
	struct news *n;

	while ((n = next_news(t))) {
		take(t, n);
		news_free(n);
		if (clock_read_ns(CLOCK_MONOTONIC) >= until_ns)
			return;
	}
}

static void on_told(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	take_until(arg, clock_read_ns(CLOCK_MONOTONIC) + TURN_NS);
}

static void tell_silent(struct defthread *t)
{
	scoped_free char *why =
	    xasprintf("cannot look at '%s': no answer for %d ms", t->path,
	        DEFTHREAD_SILENT_MS);

	t->silent = true;
	t->ops.failed(t->ops.arg, NULL, why);
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
	struct defthread *t = arg;

	(void)fd;
	(void)what;
	pthread_mutex_lock(&t->lock);
	bool moves = t->count != t->seen || t->full || t->raised;

	t->seen = t->count;
	pthread_mutex_unlock(&t->lock);
	t->looks = moves ? 0 : t->looks + 1;
	if (!moves) /* amid a burst, it may be */
		take_until(t, clock_read_ns(CLOCK_MONOTONIC) + TURN_NS);
	if (t->silent && moves) {
		t->silent = false;
		t->ops.settled(t->ops.arg, t->whole, false);
	} else if (!t->silent && t->looks >= LOOKS_MAX) {
		tell_silent(t);
	}
}

static int start_thread(struct defthread *t)
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t id;

	if (pthread_attr_init(&attr) != 0)
		return -ENOMEM;
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&id, &attr, thread, t);

	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	t->running = error == 0;
	return -error;
}

int defthread_start(struct defthread *t, struct diag *reterr)
{
	static const struct timeval every = { .tv_usec = COUNT_MS * 1000L };
	struct pollfd told = { .fd = t->told, .events = POLLIN };
	int error = start_thread(t);
	bool moves = true;

	if (error < 0) {
		return diag_set(reterr, error, "cannot start a thread: %s",
		    strerror(-error));
	}
	while (!t->begun && moves) {
		int n = poll(&told, 1, DEFTHREAD_SILENT_MS);

		moves = n > 0 || (n < 0 && errno == EINTR);
		take_until(t, INT64_MAX);
	}
	if (!t->begun)
		tell_silent(t);
	if (event_add(t->on_told, NULL) < 0 ||
	    event_add(t->on_look, &every) < 0)
		abort(); /* out of memory */
	return 0;
}

void defthread_rescan(struct defthread *t)
{
	pthread_mutex_lock(&t->lock);
	t->rescan = true;
	pthread_mutex_unlock(&t->lock);
	raise_fd(t->asked);
}

/* ---- life ------------------------------------------------------------- */

static struct event_base *make_base(void)
{
	struct event_config *config = event_config_new();

	if (!config)
		abort(); /* out of memory */
	(void)event_config_set_flag(
	    config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
	/* for three events poll(2) will do, which takes no descriptor */
	(void)event_config_avoid_method(config, "epoll");
	struct event_base *base = event_base_new_with_config(config);

	event_config_free(config);
	if (!base)
		abort(); /* no epoll */
	return base;
}

struct defthread *defthread_new(struct event_base *base, const char *path,
    size_t max_len, uid_t owner, const struct defdir_ops *ops)
{
	const struct defdir_ops ours = { .changed = on_changed,
		.removed = on_removed,
		.failed = on_failed,
		.blind = on_blind,
		.hollow = on_hollow,
		.settled = on_settled };
	struct defthread *t = xcalloc(1, sizeof(*t));
	struct defdir_ops inner = ours;

	t->ops = *ops;
	t->path = xstrdup(path);
	(void)pthread_mutex_init(&t->lock, NULL);
	(void)pthread_cond_init(&t->room, NULL);
	(void)pthread_cond_init(&t->ended, NULL);
	STAILQ_INIT(&t->news);
	t->told = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	t->asked = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	t->base = make_base();
	inner.arg = t;
	t->dir = defdir_new(t->base, path, max_len, &inner);
	defdir_trust(t->dir, owner);
	t->on_told = event_new(base, t->told, EV_READ | EV_PERSIST, on_told, t);
	t->on_look = event_new(base, -1, EV_PERSIST, on_look, t);
	if (!t->on_told || !t->on_look || t->told < 0 || t->asked < 0)
		abort(); /* out of memory */
	return t;
}

void defthread_free(struct defthread *t)
{
	struct timespec until;
	int error = 0;

	if (!t)
		return;
	event_free(t->on_told);
	event_free(t->on_look);
	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += END_S;
	pthread_mutex_lock(&t->lock);
	t->end = true;
	pthread_cond_signal(&t->room);
	raise_fd(t->asked);
	while (t->running && !error)
		error = pthread_cond_timedwait(&t->ended, &t->lock, &until);
	bool ended = !t->running;

	pthread_mutex_unlock(&t->lock);
	if (ended)
		release(t);
}
