// SPDX-License-Identifier: BSD-2-Clause
/*
 * Who holds a port. The kernel is asked for all sockets that listen, which is
 * cheap, and only when one of them is sought, all descriptors of all
 * processes are read for the one that has it open. One turn serves all that
 * seek.
 *
 * A port that is listened on by somebody whom we may not see (another user,
 * another PID namespace) is alive as well; its end is then seen in the list
 * of sockets, by looking again. The process that is held is looked at each
 * second: it may have closed the socket and live on.
 */
#include "registrar/process/process_impl.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAUSE_MAX_MS 50
#define CHECK_MS 1000

/* A socket that a watch seeks. */
struct candidate {
	struct process_watch *p;
	uint64_t inode;
};

struct walk {
	struct watcher *w;
	pid_t pid;
	struct proc_stat stat; /* start_ticks 0: not read yet */
	bool skip;
};

/* ---- sockets ---------------------------------------------------------- */

static void on_listener(void *arg, const struct listener *l)
{
	struct watcher *w = arg;
	struct process_watch *p;

	TAILQ_FOREACH (p, &w->listen.seeking, seek_link) {
		if (!socket_spec_matches(&p->sockets, l))
			continue;
		if (w->candidate_n == w->candidate_room) {
			w->candidate_room =
			    w->candidate_room ? 2 * w->candidate_room : 16;
			w->candidates = xreallocarray(w->candidates,
			    w->candidate_room, sizeof(*w->candidates));
		}
		w->candidates[w->candidate_n++] =
		    (struct candidate){ p, l->inode };
	}
}

static int by_inode(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return (x->inode > y->inode) - (x->inode < y->inode);
}

static int read_sockets(struct watcher *w)
{
	const struct process_watch *p;
	bool tcp = false, udp = false;
	int r = 0;

	w->candidate_n = 0;
	TAILQ_FOREACH (p, &w->listen.seeking, seek_link) {
		tcp |= !p->sockets.udp;
		udp |= p->sockets.udp;
	}
	if (tcp)
		r = listeners_read(false, on_listener, w);
	if (r == 0 && udp)
		r = listeners_read(true, on_listener, w);
	if (w->candidate_n) {
		qsort(w->candidates, w->candidate_n, sizeof(*w->candidates),
		    by_inode);
	}
	return r;
}

/* ---- who has them ----------------------------------------------------- */

/* Nobody is known to be better than another for this: the oldest is taken. */
static void offer(
    struct walk *k, struct process_watch *p, const struct held_socket *socket)
{
	if (!k->stat.start_ticks && !k->skip &&
	    (proc_stat_read(k->pid, &k->stat) < 0 || k->stat.state == 'Z' ||
	        proc_descends(k->stat.parent, getpid())))
		k->skip = true;
	if (k->skip)
		return;
	/* init holds sockets for services that it has not started yet */
	if (p->found > 1 &&
	    (k->pid == 1 || p->found_ticks <= k->stat.start_ticks))
		return;
	p->found = k->pid;
	p->found_ticks = k->stat.start_ticks;
	p->found_socket = *socket;
}

static void on_socket(void *arg, int fd, uint64_t inode)
{
	struct walk *k = arg;
	const struct held_socket socket = { fd, inode };
	const struct candidate *c = k->w->candidates;
	unsigned low = 0, high = k->w->candidate_n;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;

		if (c[middle].inode < inode) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	for (; low < k->w->candidate_n && c[low].inode == inode; low++)
		offer(k, c[low].p, &socket);
}

static void on_process(void *arg, pid_t pid)
{
	struct walk k = { .w = arg, .pid = pid };

	if (pid != getpid())
		(void)looker_sockets(k.w->looker, pid, on_socket, &k);
}

/* ---- telling ---------------------------------------------------------- */

static uint64_t socket_of(
    const struct watcher *w, const struct process_watch *p)
{
	for (unsigned n = 0; n < w->candidate_n; n++) {
		if (w->candidates[n].p == p)
			return w->candidates[n].inode;
	}
	return 0;
}

/* Somebody's socket is there, and who has it is worth a walk. */
static bool is_worth_a_walk(const struct watcher *w)
{
	int64_t now_ms = timers_now(w->timers);
	const struct process_watch *p;

	TAILQ_FOREACH (p, &w->listen.seeking, seek_link) {
		uint64_t inode = socket_of(w, p);

		if (inode && (inode != p->unseen || now_ms >= p->walk_ms))
			return true;
	}
	return false;
}

static void settle(struct process_watch *p, bool walked)
{
	struct watcher *w = p->w;
	uint64_t inode = socket_of(w, p);
	int r =
	    p->found ? process_hold(p, p->found, p->found_ticks, NULL) : -ESRCH;

	p->error = r == -ESRCH ? 0 : r;
	if (r == 0) {
		p->socket = p->found_socket;
		p->walk_ms = 0;
		scanner_remove(&w->listen, p);
	} else if (walked) {
		p->walk_ms = timers_now(w->timers) + CHECK_MS;
	}
	p->unseen = inode;
	watch_is_done(p);
}

static void tell(struct process_watch *p)
{
	char text[PROCESS_TEXT_MAX];

	if (p->fd >= 0) {
		process_tell_alive(p);
	} else if (p->unseen) {
		(void)snprintf(text, sizeof(text),
		    "'%s' is listened on, by whom cannot be seen",
		    p->spec->what);
		if (!process_was_alive(p))
			process_tell(p, PROCESS_ALIVE, text);
	} else {
		(void)snprintf(text, sizeof(text), "nobody listens on '%s'",
		    p->spec->what);
		process_tell(p, PROCESS_GONE, text);
	}
}

static void check_later(struct watcher *w)
{
	if (!timer_is_set(&w->listen_check)) {
		timer_set(w->timers, &w->listen_check,
		    timers_now(w->timers) + CHECK_MS);
	}
}

static void listen_now(void *arg)
{
	struct watcher *w = arg;
	struct process_watch *p, *next;
	int64_t start_ns = looker_clock_ns(w->looker);

	late_mark(w->late, "a walk through sockets");
	TAILQ_FOREACH (p, &w->listen.seeking, seek_link)
		p->found = 0;
	int r = read_sockets(w);
	bool walk = r == 0 && is_worth_a_walk(w);

	if (walk)
		(void)proc_each(on_process, w);
	int64_t took_ns = looker_clock_ns(w->looker) - start_ns;

	for (p = TAILQ_FIRST(&w->listen.seeking); p; p = next) {
		next = TAILQ_NEXT(p, seek_link);
		settle(p, walk);
	}
	while ((p = watch_next_done(w))) {
		if (r < 0) {
			process_tell_error(p, r);
		} else {
			tell(p);
		}
	}
	check_later(w);
	if (!TAILQ_EMPTY(&w->listen.seeking))
		scanner_again(w, &w->listen, PAUSE_MAX_MS, took_ns);
}

/* Those that are held: do they still have their sockets? */
static void listen_check(void *arg)
{
	struct watcher *w = arg;
	struct process_watch *p;
	bool any = false;

	LIST_FOREACH (p, &w->watches, link) {
		if (p->kind != &watch_listen || p->fd < 0)
			continue;
		any = true;
		if (looker_has_socket(
		        w->looker, p->pid, p->socket.fd, p->socket.inode))
			continue;
		process_let_go(p);
		scanner_add(w, &w->listen, p);
	}
	if (any)
		check_later(w);
}

/* ---- lifetime --------------------------------------------------------- */

static void begin(struct process_watch *p)
{
	/* the definition has checked it */
	(void)socket_spec_parse(p->spec->what, &p->sockets);
	scanner_add(p->w, &p->w->listen, p);
}

static void seek(struct process_watch *p)
{
	scanner_add(p->w, &p->w->listen, p);
}

static void end(struct process_watch *p)
{
	scanner_remove(&p->w->listen, p);
}

const struct watch_kind watch_listen = { begin, end, seek, NULL };

void listen_init(struct watcher *w)
{
	scanner_init(&w->listen, listen_now, w);
	timer_init(&w->listen_check, listen_check, w);
}

void listen_release(struct watcher *w)
{
	timer_cancel(w->timers, &w->listen.next);
	timer_cancel(w->timers, &w->listen_check);
	free(w->candidates);
}
