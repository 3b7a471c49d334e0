// SPDX-License-Identifier: BSD-2-Clause
/*
 * What libunbound has at hand it hands out within ub_resolve_event(); so an
 * answer may be sent before the question is noted.
 */
#include "dnsd/forward/forwarder.h"

#include "dnsd/forward/bridge.h"
#include "dnsd/forward/frame.h"
#include "dnsd/message/wire/dname.h"
#include "schema/base/log.h"
#include "schema/base/scoped.h"
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
	BATCH = FRAME_BATCH,
	ASK_ROOM = (FRAME_ASK_MAX + 7) & ~7,
	BOX_ROOM = 2 * FRAME_LEN_MAX,
};

struct job {
	struct forwarder *of;
	uint64_t id; /* dnsd's */
	int async_id;
	bool is_used, is_noted;
};

/* Frames that are sent together, as questions that came together may be. */
struct box {
	bool is_open;
	unsigned n;
	size_t len;
	struct mmsghdr m[BATCH];
	struct iovec iov[BATCH];
	uint8_t octets[BOX_ROOM];
};

struct forwarder {
	int link;
	struct event_base *base;
	struct ub_ctx *ctx;
	struct bridge *bridge; /* NULL: nobody is asked over TLS */
	struct job jobs[JOBS];
	unsigned free_n;
	uint16_t free[JOBS];
	struct mmsghdr in[BATCH];
	struct iovec in_iov[BATCH];
	_Alignas(struct frame) uint8_t packet[BATCH][ASK_ROOM];
	struct box box;
};

/* ---- answers ---------------------------------------------------------- */

/* What dnsd does not take is lost: it does not wait for it either. */
static void send_box(struct forwarder *f)
{
	struct box *b = &f->box;

	for (unsigned at = 0; at < b->n;) {
		int n = sendmmsg(
		    f->link, b->m + at, b->n - at, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0) {
			at += (unsigned)n;
		} else if (errno != EINTR) {
			if (errno != EAGAIN && errno != ENOBUFS)
				event_base_loopbreak(f->base);
			break;
		}
	}
	b->n = 0;
	b->len = 0;
}

static void send_frame(
    struct forwarder *f, const struct frame *head, const void *body, size_t len)
{
	struct box *b = &f->box;

	if (b->n == BATCH || b->len + sizeof(*head) + len > BOX_ROOM)
		send_box(f);
	uint8_t *at = b->octets + b->len;
	memcpy(at, head, sizeof(*head));
	if (len)
		memcpy(at + sizeof(*head), body, len);
	b->iov[b->n] = (struct iovec){ at, sizeof(*head) + len };
	b->m[b->n].msg_hdr =
	    (struct msghdr){ .msg_iov = &b->iov[b->n], .msg_iovlen = 1 };
	b->len += sizeof(*head) + len;
	b->n++;
	if (!b->is_open)
		send_box(f);
}

static void send_failure(struct forwarder *f, uint64_t id)
{
	const struct frame head = {
		.kind = FRAME_ANSWER, .rcode = RCODE_SERVFAIL, .id = id
	};

	send_frame(f, &head, NULL, 0);
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
	static const uint16_t securities[] = { FRAME_INSECURE, FRAME_BOGUS,
		FRAME_SECURE };
	struct job *j = arg;
	struct forwarder *f = j->of;
	bool has = rcode == RCODE_NOERROR && packet && len >= WIRE_HEADER_LEN &&
	           len <= WIRE_MESSAGE_MAX;

	(void)why_bogus;
	(void)was_ratelimited;
	const struct frame head = { .kind = FRAME_ANSWER,
		.rcode = has || rcode ? (uint32_t)rcode & WIRE_RCODE
		                      : RCODE_SERVFAIL,
		.id = j->id,
		.security = sec >= 0 && sec <= 2 ? securities[sec] : 0,
		.is_kept = !j->is_noted,
		.msg_len = has ? (uint32_t)len : 0 };
	send_frame(f, &head, packet, head.msg_len);
	free_job(f, j);
}

/* ---- questions -------------------------------------------------------- */

static void ask(struct forwarder *f, const struct frame *q)
{
	char name[DNAME_TEXT_MAX];
	int async_id = 0;

	if (!f->free_n) {
		send_failure(f, q->id);
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
		send_failure(f, id);
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

/* False: dnsd is gone, or not itself any more. */
static bool take_frames(struct forwarder *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct frame *q =
		    frame_read(f->packet[i], f->in[i].msg_len, false);

		if (!q)
			return false;
		take_frame(f, q);
	}
	return true;
}

static void on_frames(evutil_socket_t fd, short what, void *arg)
{
	struct forwarder *f = arg;
	int n = recvmmsg(fd, f->in, BATCH, MSG_DONTWAIT, NULL);

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	f->box.is_open = true;
	bool is_right = n > 0 && take_frames(f, (unsigned)n);
	f->box.is_open = false;
	send_box(f);
	if (!is_right)
		event_base_loopbreak(f->base);
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

/* The first line of a recipe is #ca FILE. */
static int open_bridge(struct forwarder *f, const char *recipe, char **ret_own)
{
	const char *ca = recipe + strlen("#ca ");
	scoped_free char *path = xasprintf("%.*s", (int)strcspn(ca, "\n"), ca);
	struct diag why;

	int error =
	    bridge_open(f->base, recipe, path, &f->bridge, ret_own, &why);
	return error ? no_recipe(why.text) : 0;
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
	for (unsigned i = 0; i < BATCH; i++) {
		f->in_iov[i] = (struct iovec){ f->packet[i], ASK_ROOM };
		f->in[i].msg_hdr.msg_iov = &f->in_iov[i];
		f->in[i].msg_hdr.msg_iovlen = 1;
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
	char *own = NULL;

	(void)prctl(PR_SET_NAME, "dnsd-forward");
	/* its ports cannot be opened afterwards */
	if (open_bridge(f, recipe, &own) < 0 ||
	    restrict_itself(mode, false) < 0 || read_recipe(f, own) < 0 ||
	    open_files(f) < 0 || restrict_itself(mode, true) < 0)
		return EXIT_FAILURE;
	struct event *frames =
	    event_new(f->base, link, EV_READ | EV_PERSIST, on_frames, f);
	if (!frames || event_add(frames, NULL) < 0)
		abort();
	event_base_dispatch(f->base);
	event_free(frames);
	bridge_free(f->bridge);
	free(own);
	ub_ctx_delete(f->ctx);
	event_base_free(f->base);
	free(f);
	return EXIT_SUCCESS;
}
