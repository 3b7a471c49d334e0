// SPDX-License-Identifier: BSD-2-Clause
/*
 * What libunbound has at hand it hands out within ub_resolve_event(); so an
 * answer may be sent before the question is noted.
 */
#include "dnsd/forward/forwarder.h"

#include "dnsd/forward/frame.h"
#include "dnsd/message/wire/dname.h"
#include "schema/base/log.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unbound-event.h>
#include <unbound.h>
#include <unistd.h>

enum {
	JOBS = 4096, /* more than dnsd has under way */
	BATCH = 64,  /* frames, before others have their turn */
};

struct job {
	struct forwarder *of;
	uint64_t id; /* dnsd's */
	int async_id;
	bool is_used, is_noted;
};

struct forwarder {
	int link;
	struct event_base *base;
	struct ub_ctx *ctx;
	struct job jobs[JOBS];
	unsigned free_n;
	uint16_t free[JOBS];
	_Alignas(struct frame) uint8_t packet[FRAME_LEN_MAX];
};

/* ---- answers ---------------------------------------------------------- */

/* One that dnsd does not take is lost: it does not wait for it either. */
static void send_frame(
    struct forwarder *f, const struct frame *head, const void *body, size_t len)
{
	struct iovec io[2] = { { (void *)(uintptr_t)head, sizeof(*head) },
		{ (void *)(uintptr_t)body, len } };
	struct msghdr m = { .msg_iov = io, .msg_iovlen = len ? 2 : 1 };

	while (sendmsg(f->link, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EMSGSIZE && errno != ENOBUFS)
			event_base_loopbreak(f->base);
		return;
	}
}

static void send_answer(struct forwarder *f, uint64_t id, int rcode, int sec,
    const void *msg, size_t len)
{
	static const uint16_t securities[] = { FRAME_INSECURE, FRAME_BOGUS,
		FRAME_SECURE };
	struct frame head = { .kind = FRAME_ANSWER,
		.rcode = (uint32_t)rcode & WIRE_RCODE,
		.id = id,
		.security = sec >= 0 && sec <= 2 ? securities[sec] : 0,
		.msg_len = (uint32_t)len };

	send_frame(f, &head, msg, len);
}

static void free_job(struct forwarder *f, struct job *j)
{
	j->is_used = false;
	f->free[f->free_n++] = (uint16_t)(j - f->jobs);
}

/* Of libunbound: packet means something only where rcode is NOERROR. */
static void on_answer(void *arg, int rcode, void *packet, int len, int sec,
    char *why_bogus, int was_ratelimited)
{
	struct job *j = arg;
	struct forwarder *f = j->of;
	bool has = rcode == RCODE_NOERROR && packet && len >= WIRE_HEADER_LEN &&
	           len <= WIRE_MESSAGE_MAX;

	(void)why_bogus;
	(void)was_ratelimited;
	send_answer(f, j->id, has || rcode ? rcode : RCODE_SERVFAIL, sec,
	    packet, has ? (size_t)len : 0);
	free_job(f, j);
}

/* ---- questions -------------------------------------------------------- */

static void ask(struct forwarder *f, const struct frame *q)
{
	char name[DNAME_TEXT_MAX];
	int async_id = 0;

	if (!f->free_n) {
		send_answer(f, q->id, RCODE_SERVFAIL, 0, NULL, 0);
		return;
	}
	struct job *j = &f->jobs[f->free[--f->free_n]];
	j->id = q->id;
	j->is_used = true;
	j->is_noted = false;
	dname_to_text(frame_body(q), name);
	uint64_t id = q->id;
	int error = ub_resolve_event(
	    f->ctx, name, q->type, q->class, j, on_answer, &async_id);
	if (error) {
		send_answer(f, id, RCODE_SERVFAIL, 0, NULL, 0);
		free_job(f, j);
	} else if (j->is_used && j->id == id) {
		j->async_id = async_id;
		j->is_noted = true;
	}
}

/* It goes on for the cache, but nobody is told. */
static void cancel(struct forwarder *f, uint64_t id)
{
	for (unsigned i = 0; i < JOBS; i++) {
		struct job *j = &f->jobs[i];

		if (!j->is_used || !j->is_noted || j->id != id)
			continue;
		if (ub_cancel(f->ctx, j->async_id) == 0)
			free_job(f, j);
		return;
	}
}

static void take_frame(struct forwarder *f, const struct frame *q)
{
	static const struct frame pong = { .kind = FRAME_PONG };

	switch (q->kind) {
	case FRAME_ASK:
		ask(f, q);
		break;
	case FRAME_CANCEL:
		cancel(f, q->id);
		break;
	default:
		send_frame(f, &pong, NULL, 0);
		break;
	}
}

static void on_frames(evutil_socket_t fd, short what, void *arg)
{
	struct forwarder *f = arg;

	(void)what;
	for (unsigned i = 0; i < BATCH; i++) {
		ssize_t n =
		    recv(fd, f->packet, sizeof(f->packet), MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		const struct frame *q =
		    n > 0 ? frame_read(f->packet, (size_t)n, false) : NULL;
		if (!q) { /* dnsd is gone, or not itself any more */
			event_base_loopbreak(f->base);
			return;
		}
		take_frame(f, q);
	}
}

/* ---- life ------------------------------------------------------------- */

static int no_recipe(const char *why)
{
	log_error("forwarder: cannot begin: %s", why);
	return -EINVAL;
}

/* Through a file that nobody else has: there is no other way in. */
static int read_recipe(struct forwarder *f, const char *recipe)
{
	size_t len = strlen(recipe);
	int fd = memfd_create("recipe", MFD_CLOEXEC);
	char path[64];

	if (fd < 0 || write(fd, recipe, len) != (ssize_t)len)
		return no_recipe(strerror(errno));
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int error = ub_ctx_config(f->ctx, path);
	close(fd);
	return error ? no_recipe(ub_strerror(error)) : 0;
}

static void ignore_answer(void *arg, int rcode, void *packet, int len, int sec,
    char *why_bogus, int was_ratelimited)
{
	(void)arg;
	(void)rcode;
	(void)packet;
	(void)len;
	(void)sec;
	(void)why_bogus;
	(void)was_ratelimited;
}

/* libunbound opens its files when it is first asked: not later. */
static int open_files(struct forwarder *f)
{
	int error = ub_resolve_event(
	    f->ctx, "localhost.", TYPE_A, CLASS_IN, f, ignore_answer, NULL);

	return error ? no_recipe(ub_strerror(error)) : 0;
}

/* First nothing is written; then, with all that is needed open, nothing read.
 */
static int restrict_itself(enum sandbox_mode mode, bool is_ready)
{
	struct sandbox s = { .mode = mode,
		.uses = SANDBOX_CONNECTS | (is_ready ? SANDBOX_BLIND : 0) };
	struct diag why;

	if (sandbox_files(&s, NULL, &why) < 0 ||
	    (is_ready && sandbox_calls(&s, &why) < 0))
		return no_recipe(why.text);
	return 0;
}

static struct forwarder *make(int link)
{
	struct forwarder *f = xcalloc(1, sizeof(*f));

	f->link = link;
	for (unsigned i = 0; i < JOBS; i++) {
		f->jobs[i].of = f;
		f->free[f->free_n++] = (uint16_t)(JOBS - 1 - i);
	}
	f->base = event_base_new();
	f->ctx = f->base ? ub_ctx_create_event(f->base) : NULL;
	if (!f->ctx)
		abort(); /* out of memory */
	return f;
}

int forwarder_main(int link, const char *recipe, enum sandbox_mode mode)
{
	struct forwarder *f = make(link);

	(void)prctl(PR_SET_NAME, "dnsd-forward");
	if (restrict_itself(mode, false) < 0 || read_recipe(f, recipe) < 0 ||
	    open_files(f) < 0 || restrict_itself(mode, true) < 0)
		return EXIT_FAILURE;
	struct event *frames =
	    event_new(f->base, link, EV_READ | EV_PERSIST, on_frames, f);
	if (!frames || event_add(frames, NULL) < 0)
		abort();
	event_base_dispatch(f->base);
	event_free(frames);
	ub_ctx_delete(f->ctx);
	event_base_free(f->base);
	free(f);
	return EXIT_SUCCESS;
}
