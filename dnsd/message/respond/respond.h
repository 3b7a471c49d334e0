// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * respond - an answer to octets: sections, compression, truncation, OPT.
 *
 * The only encoder: every kind of answer obeys the same limits. Room for OPT
 * is kept from the start, so that truncation never loses it (RFC 6891
 * section 6.1.1). The owner of each answer is a pointer to the question, or to
 * where an alias leads; SRV targets are whole names (RFC 2782), and the
 * additional addresses point to them.
 */
#include "dnsd/message/answer/answer.h"
#include "dnsd/message/answer/part.h"
#include "dnsd/message/wire/cookie.h"
#include "dnsd/message/wire/network.h"
#include "dnsd/message/wire/respond_name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum transport { VIA_UDP, VIA_TCP, VIA_TLS };

enum {
	/* Buffers may be written, not used, this far beyond the message. */
	RESPOND_SLACK = 1024,
};

/* Why a response has no data, RFC 8914; respond_opt.c has the numbers. */
enum why {
	WHY_NOT_SAID,
	WHY_PROHIBITED,  /* who asks may not */
	WHY_BUSY,        /* too many requests wait to be answered afterwards */
	WHY_OVERDUE,     /* what was asked for did not come in time */
	WHY_NOT_READY,   /* what was asked for is not known yet */
	WHY_OUTSIDE,     /* names of others are not looked for */
	WHY_LIMITED,     /* too many of this client's wait already */
	WHY_NOT_HERE,    /* without RD, and nobody had asked for it before */
	WHY_NO_UPSTREAM, /* nobody is known who could be asked */
	WHY_NO_ANSWER,   /* of those who were asked, in time */
	WHY_BROKEN_OFF,  /* what asks them is not running */
	WHY_BOGUS,       /* what they said failed DNSSEC validation */
	WHY_LOOP,        /* they asked us */
	WHY_STALE,       /* what they said once, and nobody says anew */
	WHY_STALE_NXDOMAIN,
};

/* What a response says to its client besides; all zero: nothing. */
struct respond_extra {
	bool has_cookie;
	uint8_t cookie[COOKIE_LEN]; /* RFC 7873 */
	uint8_t flags;              /* RA, AD: of octet 3 of the header */
	enum why why;
};

/* Who gets a response and when: of what does not fit, that says which part. */
struct recipient {
	const struct sockaddr *peer; /* NULL: any */
	const struct network_prefixes *prefixes;
	const uint32_t *now_wall_s; /* modulo 2^32 */
};

struct responder {
	uint16_t udp_len_max;  /* of answers, and as announced in OPT */
	uint16_t keepalive_ds; /* idle time of connections, tenths of seconds */
	struct respond_extra extra; /* of the response being written */
	struct recipient recipient; /* of the response being written */
	const struct identity *identity;
	struct rng rng;
	struct rng slot; /* of the part being drawn */
	struct pick pick;
	struct names names; /* of the message being written */
	/* Names in it that are nowhere else: of CNAMEs that DNAMEs make. */
	uint8_t made[ANSWER_ALIASES_MAX][WIRE_NAME_MAX];
	uint16_t target[4096]; /* where SRV targets lie in the message */
};

struct response {
	size_t len;
	bool truncated; /* TC; beyond 65,535 octets over TCP as well */
	bool sampled;   /* not even TCP could hold the set */
};

/* out: udp_len_max octets via UDP, else WIRE_MESSAGE_MAX, and RESPOND_SLACK. */
struct response respond_encode(struct responder *r, const struct query *q,
    const struct answer *a, enum transport via, uint8_t *out);

/* An answer without data: FORMERR, NOTIMP, SERVFAIL, BADVERS. */
struct response respond_error(struct responder *r, const struct query *q,
    enum rcode rcode, enum transport via, uint8_t *out);

/* TC and nothing else: the client is to ask by TCP. */
struct response respond_truncated(
    struct responder *r, const struct query *q, enum rcode rcode, uint8_t *out);

/*
 * The same of a response that was encoded already and cannot be sent, for no
 * interface takes as much (RFC 9715): in place; question and OPT stay.
 * Returns its octets, len when there is nothing to cut.
 */
size_t respond_cut(uint8_t *msg, size_t len);
