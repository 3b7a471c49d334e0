// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * frame - what dnsd and its forwarder say to each other: packets of a
 * SOCK_SEQPACKET socket of this host. Each side checks what it is told; what
 * is no frame means that the other one is not itself any more.
 */
#include "dnsd/message/wire/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum frame_kind {
	FRAME_ASK = 1, /* dnsd: a question */
	FRAME_CANCEL,  /* dnsd: nobody waits for it any more */
	FRAME_PING,    /* dnsd: are you there? */
	FRAME_ANSWER,  /* forwarder */
	FRAME_PONG,    /* forwarder: it is */
	FRAME_KINDS,
};

/* What DNSSEC validation found. */
enum frame_security { FRAME_INSECURE, FRAME_BOGUS, FRAME_SECURE };

struct frame {
	uint32_t kind;  /* enum frame_kind */
	uint32_t rcode; /* of ANSWER: enum rcode; with a message: as it says */
	uint64_t id;    /* of the question, as dnsd named it */
	uint16_t type, class;
	uint16_t security; /* of ANSWER */
	uint16_t name_len; /* of ASK: octets of the name that follows */
	uint32_t msg_len;  /* of ANSWER: of the message that follows; 0: none */
	uint16_t is_kept;  /* of ANSWER: it was at hand; 0 or 1 */
	uint16_t zero;
};

enum {
	FRAME_HEAD_LEN = sizeof(struct frame),
	FRAME_LEN_MAX = FRAME_HEAD_LEN + WIRE_MESSAGE_MAX,
	FRAME_ASK_MAX = FRAME_HEAD_LEN + WIRE_NAME_MAX, /* by dnsd */
	FRAME_BATCH = 32, /* received or sent at a time */
};

/*
 * A packet of len octets, aligned for a struct frame: head, and what follows
 * it (msg_len or name_len octets). NULL: it is none that `from_forwarder` may
 * send; names are whole, in lower case or not.
 */
const struct frame *frame_read(
    const void *packet, size_t len, bool from_forwarder);

static inline const uint8_t *frame_body(const struct frame *f)
{
	return (const uint8_t *)(f + 1);
}
