// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/forward/frame.h"

#include "dnsd/message/wire/rdata.h"

static bool is_ask(const struct frame *f, size_t body_len)
{
	return f->name_len == body_len && body_len > 0 &&
	       body_len <= WIRE_NAME_MAX && !f->msg_len && !f->security &&
	       !f->is_kept &&
	       wire_name_len(frame_body(f), body_len) == body_len;
}

static bool is_answer(const struct frame *f, size_t body_len)
{
	return f->msg_len == body_len &&
	       (!body_len || body_len >= WIRE_HEADER_LEN) && !f->name_len &&
	       f->security <= FRAME_SECURE && f->is_kept <= 1 &&
	       f->rcode <= WIRE_RCODE;
}

static bool is_bare(const struct frame *f, size_t body_len)
{
	return !body_len && !f->name_len && !f->msg_len && !f->is_kept;
}

const struct frame *frame_read(
    const void *packet, size_t len, bool from_forwarder)
{
	const struct frame *f = packet;

	if (len < FRAME_HEAD_LEN || len > FRAME_LEN_MAX || f->zero)
		return NULL;
	size_t body_len = len - FRAME_HEAD_LEN;
	bool right = false;
	switch (f->kind) {
	case FRAME_ASK:
		right = !from_forwarder && is_ask(f, body_len);
		break;
	case FRAME_CANCEL:
	case FRAME_PING:
		right = !from_forwarder && is_bare(f, body_len);
		break;
	case FRAME_ANSWER:
		right = from_forwarder && is_answer(f, body_len);
		break;
	case FRAME_PONG:
		right = from_forwarder && is_bare(f, body_len);
		break;
	default:
		break;
	}
	return right ? f : NULL;
}
