// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/forward/delivery.h"

#include "dnsd/forward/reading.h"
#include "dnsd/later/later.h"
#include "dnsd/message/data/front.h"
#include "schema/base/clock.h"

#include <stdlib.h>
#include <string.h>

/*
 * For those to come: not what is an error, or over, which is only as good as
 * nobody else's.
 */
static void keep(
    const struct delivery *d, const struct foreign *f, bool dnssec_ok)
{
	const struct asked *a = d->asked;
	struct dname name;

	if (!d->kept->front || f->why ||
	    !dname_parse(&name, a->name, a->name_len, 0))
		return;
	dname_hash(&name, d->kept->seed);
	for (int cd = d->frame->security == FRAME_BOGUS; cd < 2; cd++) {
		const struct front_key key = { &name, a->type, dnssec_ok, cd };

		front_put(d->kept->front, &key, f, (uint64_t)clock_mono_ms());
	}
}

/* Once for all that ask alike. */
static void read_for(struct delivery *d, bool dnssec_ok)
{
	const struct frame *frame = d->frame;
	const struct reading r = { d->asked->name, d->asked->name_len,
		d->asked->type, CLASS_IN, dnssec_ok };
	struct foreign **at = &d->foreign[dnssec_ok];

	if (*at || d->is_broken)
		return;
	*at = reading_foreign(&r, frame_body(frame), frame->msg_len);
	d->is_broken = !*at;
	if (!*at)
		return;
	(*at)->authenticated = frame->security == FRAME_SECURE;
	d->is_stale |= (*at)->why != WHY_NOT_SAID;
	if (foreign_rcode(*at) == RCODE_SERVFAIL)
		(*at)->why = WHY_NO_ANSWER;
	keep(d, *at, dnssec_ok);
}

struct decision {
	const uint8_t *name; /* that foreign is about */
	size_t name_len;
	const struct foreign *foreign;
	uint32_t age_s;
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
	} else if (!ret_a->leads_outside || ret_a->name.len != d->name_len ||
	           memcmp(ret_a->name.lower, d->name, d->name_len) != 0) {
		return;
	}
	ret_a->rcode = foreign_rcode(d->foreign);
	ret_a->kind = ANSWER_FOREIGN;
	ret_a->foreign = d->foreign;
	ret_a->age_s = d->age_s;
	ret_a->zone = NULL;
}

static bool is_told_why_not(const struct delivery *d, const struct waiter *w)
{
	return d->frame->security == FRAME_BOGUS && !w->checking_disabled;
}

static void deliver_to(const struct delivery *d, const struct waiter *w)
{
	if (is_told_why_not(d, w)) {
		(void)later_refuse(
		    w->later, w->ticket, RCODE_SERVFAIL, WHY_BOGUS);
		return;
	}
	struct decision how = { d->asked->name, d->asked->name_len,
		d->foreign[w->dnssec_ok], 0 };
	if (how.foreign) {
		(void)later_answer(w->later, w->ticket, decide, &how);
	} else {
		(void)later_refuse(
		    w->later, w->ticket, RCODE_SERVFAIL, WHY_NO_ANSWER);
	}
}

enum delivered delivery_read(struct delivery *d)
{
	for (const struct waiter *w = d->asked->waiters; w; w = w->next) {
		if (!is_told_why_not(d, w))
			read_for(d, w->dnssec_ok);
	}
	if (d->is_broken)
		return DELIVERED_BROKEN;
	if (d->frame->security == FRAME_BOGUS)
		return DELIVERED_BOGUS;
	return d->is_stale ? DELIVERED_STALE : DELIVERED;
}

void delivery_send(struct delivery *d)
{
	for (const struct waiter *w = d->asked->waiters; w; w = w->next)
		deliver_to(d, w);
	free(d->foreign[0]);
	free(d->foreign[1]);
}

void delivery_refuse(const struct asked *asked, enum why why)
{
	for (const struct waiter *w = asked->waiters; w; w = w->next)
		(void)later_refuse(w->later, w->ticket, RCODE_SERVFAIL, why);
}

bool delivery_kept(
    const struct later_request *r, const struct delivery_kept *kept)
{
	const struct deferral *d = r->deferral;
	const struct query *q = r->query;
	struct front_copy found;
	struct dname name;

	if (!kept->front || !d->target_len ||
	    !dname_parse(&name, d->target, d->target_len, 0))
		return false;
	dname_hash(&name, kept->seed);
	const struct front_key key = { &name, q->type, q->edns.dnssec_ok,
		q->flags[1] & WIRE_CD };
	if (!front_find(kept->front, &key, (uint64_t)clock_mono_ms(), &found))
		return false;
	struct decision how = { d->target, d->target_len, front_foreign(&found),
		found.age_s };
	(void)later_answer(r->later, r->ticket, decide, &how);
	return true;
}
