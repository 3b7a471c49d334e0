// SPDX-License-Identifier: BSD-2-Clause
/*
 * All that is under way is in one table under one lock, which later threads
 * (take()) and ours share; no worker ever does. It is sent from under the
 * lock, never waiting: what the forwarder's socket does not take now is
 * refused. Answers are delivered without the lock, by our thread alone.
 */
#include "dnsd/forward/forward.h"

#include "dnsd/forward/delivery.h"
#include "dnsd/forward/frame.h"
#include "dnsd/forward/looping.h"
#include "dnsd/forward/pending.h"
#include "dnsd/forward/warden.h"
#include "dnsd/later/later.h"
#include "dnsd/message/data/front.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	NONE = PENDING_NONE,
	PING_MS = 500, /* without a word while something is under way */
	HUNG_MS = 1400,
	TRIES_MAX = 2,
	BATCH = FRAME_BATCH,
	PACKET_ROOM = (FRAME_LEN_MAX + 7) & ~7,
	STRAY_MAX = 100000, /* answers that nobody asked for, of one process */
	END_MS = 1000,
};

struct forward {
	struct forward_config config;
	struct later_handler handler;
	pid_t warden;
	int warden_fd, wake_fd;
	pthread_t thread;
	bool is_running;
	atomic_bool stopping;
	_Atomic uint64_t stats[FORWARD_STATS];
	struct delivery_kept kept;     /* its front is the thread's */
	atomic_bool is_kept_of_others; /* what is in it came from servers of
	                                  before */
	pthread_mutex_t lock;
	/* under the lock */
	int link;       /* to the process; -1: none runs */
	char *recipe;   /* NULL: nobody is there to ask */
	bool is_asleep; /* the thread waits without end */
	struct pending pending;
	struct looping looping;
	/* the thread's */
	int64_t heard_ms, pinged_ms;
	bool is_loop_told;
	unsigned stray_n;
	struct mmsghdr in[BATCH];
	struct iovec in_iov[BATCH];
	_Alignas(struct frame) uint8_t packet[BATCH][PACKET_ROOM];
};

static void count(struct forward *f, enum forward_stat s)
{
	atomic_fetch_add_explicit(&f->stats[s], 1, memory_order_relaxed);
}

uint64_t forward_stat(const struct forward *f, enum forward_stat s)
{
	return f ? atomic_load_explicit(&f->stats[s], memory_order_relaxed) : 0;
}

const char *forward_stat_name(enum forward_stat s)
{
	static const char *const names[FORWARD_STATS] = {
		[FORWARD_ASKED] = "outside_asked",
		[FORWARD_JOINED] = "outside_joined",
		[FORWARD_LIMITED] = "outside_limited",
		[FORWARD_FAILED] = "outside_failed",
		[FORWARD_OVERDUE] = "outside_overdue",
		[FORWARD_BOGUS] = "outside_bogus",
		[FORWARD_BROKEN] = "outside_broken",
		[FORWARD_STALE] = "outside_stale",
		[FORWARD_HITS] = "outside_hits",
		[FORWARD_STARTS] = "outside_starts",
	};

	return names[s];
}

/* ---- to the process --------------------------------------------------- */

/* False: it takes no more now. */
static bool send_frame(struct forward *f, const struct frame *head,
    const uint8_t *body, size_t len)
{
	struct iovec io[2] = { { (void *)(uintptr_t)head, sizeof(*head) },
		{ (void *)(uintptr_t)body, len } };
	struct msghdr m = { .msg_iov = io, .msg_iovlen = len ? 2 : 1 };

	return f->link >= 0 &&
	       sendmsg(f->link, &m, MSG_NOSIGNAL | MSG_DONTWAIT) > 0;
}

static bool send_asked(struct forward *f, struct asked *a)
{
	const struct frame head = { .kind = FRAME_ASK,
		.id = a->id,
		.type = a->type,
		.class = CLASS_IN,
		.name_len = a->name_len };

	a->is_sent = send_frame(f, &head, a->name, a->name_len);
	a->tries += a->is_sent;
	return a->is_sent;
}

/* ---- questions: later threads ----------------------------------------- */

/* Under the lock; not WHY_NOT_SAID: it is refused for that. */
static enum why enter(struct forward *f, const struct later_request *r)
{
	const struct subject s = pending_subject(r);
	struct asked *a;

	if (!f->recipe)
		return WHY_NO_UPSTREAM;
	if (f->warden_fd < 0)
		return WHY_BROKEN_OFF;
	f->looping.is_wanted = true;
	if (looping_is(&f->looping, &s) || f->looping.is_found)
		return WHY_LOOP;
	if (pending_of_network(&f->pending, r) >= f->config.network_max) {
		count(f, FORWARD_LIMITED);
		return WHY_LIMITED;
	}
	if ((a = pending_find(&f->pending, &s))) {
		count(f, FORWARD_JOINED);
		pending_wait(&f->pending, a, r);
		return WHY_NOT_SAID;
	}
	a = pending_add(&f->pending, &s, clock_mono_ms());
	/* while none runs it waits: one is being started */
	if (!a || (f->link >= 0 && !send_asked(f, a))) {
		if (a)
			pending_take(&f->pending, a, NULL);
		count(f, FORWARD_LIMITED);
		return WHY_BUSY;
	}
	count(f, FORWARD_ASKED);
	pending_wait(&f->pending, a, r);
	return WHY_NOT_SAID;
}

static void wake(struct forward *f)
{
	uint64_t one = 1;

	(void)!write(f->wake_fd, &one, sizeof(one));
}

static void take(void *arg, const struct later_request *r)
{
	struct forward *f = arg;
	bool sleeps;

	if (delivery_kept(r, &f->kept))
		return;
	pthread_mutex_lock(&f->lock);
	enum why why = enter(f, r);
	sleeps = f->is_asleep;
	f->is_asleep = false;
	pthread_mutex_unlock(&f->lock);
	if (why)
		(void)later_refuse(r->later, r->ticket, RCODE_SERVFAIL, why);
	if (sleeps)
		wake(f);
}

/* ---- answers: the thread ---------------------------------------------- */

static void count_delivered(struct forward *f, enum delivered how)
{
	static const enum forward_stat stats[] = {
		[DELIVERED_BOGUS] = FORWARD_BOGUS,
		[DELIVERED_BROKEN] = FORWARD_BROKEN,
		[DELIVERED_STALE] = FORWARD_STALE,
	};

	if (how != DELIVERED)
		count(f, stats[how]);
}

/* False: nobody asked for that. */
static bool take_answer(struct forward *f, const struct frame *frame)
{
	struct asked asked;

	pthread_mutex_lock(&f->lock);
	struct asked *a = pending_by_id(&f->pending, frame->id);
	if (a)
		pending_take(&f->pending, a, &asked);
	pthread_mutex_unlock(&f->lock);
	if (!a)
		return false;
	if (frame->is_kept)
		count(f, FORWARD_HITS);
	if (!frame->msg_len) {
		count(f, FORWARD_FAILED);
		delivery_refuse(&asked, WHY_NO_ANSWER);
	} else {
		struct delivery d = {
			.asked = &asked, .frame = frame, .kept = &f->kept
		};

		count_delivered(f, delivery_read(&d));
		delivery_send(&d);
	}
	pending_free_waiters(asked.waiters);
	return true;
}

/* ---- the process ------------------------------------------------------ */

static void close_link(struct forward *f)
{
	struct pending *p = &f->pending;

	pthread_mutex_lock(&f->lock);
	if (f->link >= 0)
		close(f->link);
	f->link = -1;
	for (uint16_t i = p->oldest; i != NONE; i = p->asked[i].newer)
		p->asked[i].is_sent = false;
	pthread_mutex_unlock(&f->lock);
}

static void open_link(struct forward *f, int link)
{
	struct pending *p = &f->pending;

	close_link(f);
	count(f, FORWARD_STARTS);
	if (atomic_exchange(&f->is_kept_of_others, false) && f->kept.front)
		front_clear(f->kept.front);
	pthread_mutex_lock(&f->lock);
	f->link = link;
	f->heard_ms = f->pinged_ms = clock_mono_ms();
	f->stray_n = 0;
	for (uint16_t i = p->oldest; i != NONE; i = p->asked[i].newer) {
		struct asked *a = &p->asked[i];

		/* one that two had may be what ended them */
		if (a->tries < TRIES_MAX)
			(void)send_asked(f, a);
	}
	pthread_mutex_unlock(&f->lock);
}

static void say_ended(int status)
{
	if (WIFSIGNALED(status)) {
		log_warn("the forwarder has ended; starting another signal=%d",
		    WTERMSIG(status));
	} else {
		log_warn("the forwarder has ended; starting another status=%d",
		    WEXITSTATUS(status));
	}
}

/* It knows nothing yet. */
static void tell_warden(struct forward *f)
{
	log_warn("what starts the forwarder has ended; its spare has taken "
	         "its place");
	close_link(f);
	pthread_mutex_lock(&f->lock);
	if (f->recipe)
		(void)warden_run(f->warden_fd, f->recipe);
	pthread_mutex_unlock(&f->lock);
}

static void hear_warden(struct forward *f)
{
	struct warden_message m = { 0 };
	int link, n;

	while ((n = warden_hear(f->warden_fd, &m, &link)) > 0) {
		if (m.kind == WARDEN_STARTED && link >= 0) {
			log_info("the forwarder runs pid=%d", (int)m.status);
			open_link(f, link);
		} else if (link >= 0) {
			close(link);
		} else if (m.kind == WARDEN_ENDED) {
			close_link(f);
			say_ended(m.status);
		} else if (m.kind == WARDEN_READY) {
			tell_warden(f);
		}
	}
	if (n >= 0)
		return;
	log_error("what starts the forwarder is gone; names outside are not "
	          "answered until dnsd is restarted");
	close_link(f);
	pthread_mutex_lock(&f->lock);
	close(f->warden_fd);
	f->warden_fd = -1;
	pthread_mutex_unlock(&f->lock);
}

static void distrust(struct forward *f, const char *why)
{
	log_warn("the forwarder is killed: %s", why);
	close_link(f);
	(void)warden_kill(f->warden_fd);
}

/* False: it is killed. */
static bool hear_frame(struct forward *f, const void *packet, size_t len)
{
	const struct frame *frame = frame_read(packet, len, true);

	if (!frame) {
		count(f, FORWARD_BROKEN);
		distrust(f, "it does not speak as it should");
		return false;
	}
	if (frame->kind == FRAME_ANSWER && !take_answer(f, frame) &&
	    ++f->stray_n > STRAY_MAX) {
		distrust(f, "it answers what nobody asked");
		return false;
	}
	return true;
}

static void hear_frames(struct forward *f)
{
	int n = recvmmsg(f->link, f->in, BATCH, MSG_DONTWAIT, NULL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || !f->in[0].msg_len) { /* the warden tells, too */
		close_link(f);
		return;
	}
	f->heard_ms = clock_mono_ms();
	for (int i = 0; i < n; i++) {
		/* what is empty is its end, behind what it said before */
		if (!f->in[i].msg_len ||
		    !hear_frame(f, f->packet[i], f->in[i].msg_len))
			return;
	}
}

/* ---- time ------------------------------------------------------------- */

/* The next that is overdue is taken out; false: none is. */
static bool take_overdue(struct forward *f, int64_t now, struct asked *ret_a)
{
	struct pending *p = &f->pending;
	bool found = false;

	pthread_mutex_lock(&f->lock);
	if (p->oldest != NONE) {
		struct asked *a = &p->asked[p->oldest];

		found = now - a->since_ms >= FORWARD_PATIENCE_MS;
		if (found) {
			const struct frame cancel = { .kind = FRAME_CANCEL,
				.id = a->id };

			if (a->is_sent)
				(void)send_frame(f, &cancel, NULL, 0);
			pending_take(p, a, ret_a);
		}
	}
	pthread_mutex_unlock(&f->lock);
	return found;
}

static void give_up_overdue(struct forward *f, int64_t now)
{
	struct asked a;

	while (take_overdue(f, now, &a)) {
		if (a.waiters)
			count(f, FORWARD_OVERDUE);
		delivery_refuse(&a, a.is_sent ? WHY_NO_ANSWER : WHY_BROKEN_OFF);
		pending_free_waiters(a.waiters);
	}
}

/* Does it live? It is asked only while something is under way. */
static void look_after(struct forward *f, int64_t now)
{
	static const struct frame ping = { .kind = FRAME_PING };

	pthread_mutex_lock(&f->lock);
	bool busy = f->pending.n && f->link >= 0;
	int64_t since =
	    f->heard_ms > f->pending.busy_ms ? f->heard_ms : f->pending.busy_ms;
	if (busy && now - since >= PING_MS && now - f->pinged_ms >= PING_MS) {
		f->pinged_ms = now;
		(void)send_frame(f, &ping, NULL, 0);
	}
	pthread_mutex_unlock(&f->lock);
	if (busy && now - since >= HUNG_MS)
		distrust(f, "it does not answer");
}

static void look_for_loop(struct forward *f, int64_t now)
{
	struct subject s;

	pthread_mutex_lock(&f->lock);
	if (f->link >= 0 && looping_step(&f->looping, &f->pending, now, &s)) {
		struct asked *a = pending_add(&f->pending, &s, now);

		f->looping.id = a ? a->id : 0;
		if (a)
			(void)send_asked(f, a);
	}
	bool found = f->looping.is_found;
	pthread_mutex_unlock(&f->lock);
	if (found && !f->is_loop_told) {
		log_error("a question came back: who is asked about names "
		          "outside asks this server; nothing is passed on");
	} else if (!found && f->is_loop_told) {
		log_info("questions no longer come back");
	}
	f->is_loop_told = found;
}

/* Until when there is nothing to do; -1: until something comes. */
static int next_look_ms(struct forward *f, int64_t now)
{
	int64_t left = -1;

	pthread_mutex_lock(&f->lock);
	const struct pending *p = &f->pending;
	if (p->oldest != NONE) {
		left = p->asked[p->oldest].since_ms + FORWARD_PATIENCE_MS - now;
		if (left > PING_MS / 2)
			left = PING_MS / 2;
		if (left < 0)
			left = 0;
	} else if (f->looping.is_found) {
		left = PING_MS;
	}
	f->is_asleep = left < 0;
	pthread_mutex_unlock(&f->lock);
	return (int)left;
}

static void *run(void *arg)
{
	struct forward *f = arg;
	uint64_t woken;

	while (!atomic_load(&f->stopping)) {
		int64_t now = clock_mono_ms();

		give_up_overdue(f, now);
		look_after(f, now);
		look_for_loop(f, now);
		struct pollfd p[] = { { .fd = f->link, .events = POLLIN },
			{ .fd = f->warden_fd, .events = POLLIN },
			{ .fd = f->wake_fd, .events = POLLIN } };
		if (poll(p, 3, next_look_ms(f, now)) <= 0)
			continue;
		if (p[2].revents)
			(void)!read(f->wake_fd, &woken, sizeof(woken));
		if (p[0].revents)
			hear_frames(f);
		if (p[1].revents)
			hear_warden(f);
	}
	return NULL;
}

/* ---- life ------------------------------------------------------------- */

static void stop(void *arg)
{
	struct forward *f = arg;

	if (!f->is_running)
		return;
	atomic_store(&f->stopping, true);
	wake(f);
	pthread_join(f->thread, NULL);
	f->is_running = false;
}

int forward_new(const struct forward_config *config, enum sandbox_mode mode,
    struct forward **ret_f, struct diag *reterr)
{
	struct forward *f = xcalloc(1, sizeof(*f));

	f->config = *config;
	f->handler = (struct later_handler){ take, stop, f };
	f->link = -1;
	for (unsigned i = 0; i < BATCH; i++) {
		f->in_iov[i] = (struct iovec){ f->packet[i], PACKET_ROOM };
		f->in[i].msg_hdr.msg_iov = &f->in_iov[i];
		f->in[i].msg_hdr.msg_iovlen = 1;
	}
	f->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int error = warden_start(mode, &f->warden, &f->warden_fd, reterr);
	if (error) {
		close(f->wake_fd);
		free(f);
		return error;
	}
	pthread_mutex_init(&f->lock, NULL);
	pending_init(&f->pending, &config->prefixes);
	*ret_f = f;
	return 0;
}

int forward_begin(
    struct forward *f, struct front *front, uint64_t seed, struct diag *reterr)
{
	f->kept = (struct delivery_kept){ front, seed };
	int error = pthread_create(&f->thread, NULL, run, f);

	if (error) {
		return diag_set(reterr, -error, "cannot start a thread: %s",
		    strerror(error));
	}
	f->is_running = true;
	return 0;
}

/* Its socket ends when it has ended: the sandbox has no wait(2). */
static void end_warden(int fd)
{
	struct warden_message m = { 0 };
	int64_t end = clock_mono_ms() + END_MS;
	int link, n = 0;

	(void)shutdown(fd, SHUT_WR);
	while (n >= 0 && clock_mono_ms() < end) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		(void)poll(&p, 1, (int)(end - clock_mono_ms()));
		n = warden_hear(fd, &m, &link);
		if (n > 0 && link >= 0)
			close(link);
	}
	close(fd);
}

void forward_free(struct forward *f)
{
	if (!f)
		return;
	stop(f);
	pending_release(&f->pending);
	if (f->link >= 0)
		close(f->link);
	if (f->warden_fd >= 0)
		end_warden(f->warden_fd);
	close(f->wake_fd);
	pthread_mutex_destroy(&f->lock);
	free(f->recipe);
	free(f);
}

void forward_use(struct forward *f, const char *recipe)
{
	pthread_mutex_lock(&f->lock);
	atomic_store(&f->is_kept_of_others, true);
	free(f->recipe);
	f->recipe = recipe ? xstrdup(recipe) : NULL;
	f->looping.is_possible = recipe && strstr(recipe, "name: \".\"\n");
	f->looping.is_found = false;
	f->looping.due_ms = 0;
	if (recipe && f->warden_fd >= 0)
		(void)warden_run(f->warden_fd, recipe);
	pthread_mutex_unlock(&f->lock);
}

const struct later_handler *forward_handler(const struct forward *f)
{
	return &f->handler;
}
