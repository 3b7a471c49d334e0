// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * delivery - what the forwarder said to a question, given to all that wait
 * for it: each as it asked, with or without DNSSEC's records.
 */
#include "dnsd/forward/frame.h"
#include "dnsd/forward/pending.h"
#include "dnsd/message/respond/respond.h"

enum delivered {
	DELIVERED,
	DELIVERED_STALE,  /* it is over */
	DELIVERED_BOGUS,  /* to those with CD; the others were told why not */
	DELIVERED_BROKEN, /* it was no answer: all were told SERVFAIL */
};

struct foreign;
struct front;

/* Where answers are kept, too; front NULL: nowhere. */
struct delivery_kept {
	struct front *front;
	uint64_t seed; /* of the hashes of names there */
};

/* What is told, in two steps: it is counted before anybody knows. */
struct delivery {
	const struct asked *asked; /* out of the table */
	const struct frame *frame; /* of kind ANSWER, with a message */
	const struct delivery_kept *kept;
	/* private */
	bool is_broken, is_stale;
	struct foreign *foreign[2]; /* without and with DNSSEC's records */
};

enum delivered delivery_read(struct delivery *d);
void delivery_send(struct delivery *d);

/*
 * Of a request about where an alias leads, at once: false if that is not
 * kept. Any thread.
 */
bool delivery_kept(
    const struct later_request *r, const struct delivery_kept *kept);

/* SERVFAIL for all of them. */
void delivery_refuse(const struct asked *asked, enum why why);
