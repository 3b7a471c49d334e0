// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/forward/delivery.h"

#include "dnsd/forward/reading.h"
#include "dnsd/later/later.h"

#include <stdlib.h>
#include <string.h>

struct delivery {
	const struct asked *asked;
	const struct frame *frame;
	bool is_broken;
	struct foreign *foreign[2]; /* without and with DNSSEC's records */
};

static enum rcode rcode_of(const struct foreign *f)
{
	switch (f->msg[3] & WIRE_RCODE) {
	case RCODE_NOERROR:
		return RCODE_NOERROR;
	case RCODE_NXDOMAIN:
		return RCODE_NXDOMAIN;
	case RCODE_REFUSED:
		return RCODE_REFUSED;
	case RCODE_YXDOMAIN:
		return RCODE_YXDOMAIN;
	default:
		return RCODE_SERVFAIL;
	}
}

static const struct foreign *foreign_for(struct delivery *d, bool dnssec_ok)
{
	const struct frame *frame = d->frame;
	const struct reading r = { d->asked->name, d->asked->name_len,
		d->asked->type, CLASS_IN, dnssec_ok };
	struct foreign **at = &d->foreign[dnssec_ok];

	if (!*at && !d->is_broken) {
		*at = reading_foreign(&r, frame_body(frame), frame->msg_len);
		d->is_broken = !*at;
		if (*at) {
			(*at)->authenticated = frame->security == FRAME_SECURE;
			if (rcode_of(*at) == RCODE_SERVFAIL)
				(*at)->why = WHY_NO_ANSWER;
		}
	}
	return *at;
}

struct decision {
	const struct asked *asked;
	const struct foreign *foreign;
};

/* The zones may have changed since: then it is what they say now. */
static void decide(void *arg, struct query *q,
    const struct handler_source *source, struct answer *ret_a)
{
	const struct decision *d = arg;
	struct locus l;

	answer_locate(&l, q, source->catalog);
	answer_decide(ret_a, q, &l, source->catalog, source->identity);
	if (!l.zone) {
		ret_a->authoritative = d->foreign->msg[2] & WIRE_AA;
	} else if (!ret_a->leads_outside ||
	           ret_a->name.len != d->asked->name_len ||
	           memcmp(ret_a->name.lower, d->asked->name,
	               d->asked->name_len) != 0) {
		return;
	}
	ret_a->rcode = rcode_of(d->foreign);
	ret_a->kind = ANSWER_FOREIGN;
	ret_a->foreign = d->foreign;
	ret_a->age_s = 0;
	ret_a->zone = NULL;
}

static void deliver_to(struct delivery *d, const struct waiter *w)
{
	if (d->frame->security == FRAME_BOGUS && !w->checking_disabled) {
		(void)later_refuse(
		    w->later, w->ticket, RCODE_SERVFAIL, WHY_BOGUS);
		return;
	}
	struct decision how = { d->asked, foreign_for(d, w->dnssec_ok) };
	if (how.foreign) {
		(void)later_answer(w->later, w->ticket, decide, &how);
	} else {
		(void)later_refuse(
		    w->later, w->ticket, RCODE_SERVFAIL, WHY_NO_ANSWER);
	}
}

enum delivered delivery_answer(
    const struct asked *asked, const struct frame *frame)
{
	struct delivery d = { .asked = asked, .frame = frame };

	for (const struct waiter *w = asked->waiters; w; w = w->next)
		deliver_to(&d, w);
	free(d.foreign[0]);
	free(d.foreign[1]);
	if (d.is_broken)
		return DELIVERED_BROKEN;
	return frame->security == FRAME_BOGUS ? DELIVERED_BOGUS : DELIVERED;
}

void delivery_refuse(const struct asked *asked, enum why why)
{
	for (const struct waiter *w = asked->waiters; w; w = w->next)
		(void)later_refuse(w->later, w->ticket, RCODE_SERVFAIL, why);
}
