// SPDX-License-Identifier: BSD-2-Clause
/*
 * DNS-SD about a zone (RFC 6763 sections 9 and 11): which services there are,
 * and where to look for them. The owner ends in the zone's name, so that
 * every record points to it.
 */
#include "dnsd/message/respond/respond_impl.h"

enum {
	OWN_LABELS = 3, /* _services._dns-sd._udp, b._dns-sd._udp */
	AHEAD = 8, /* services that are fetched before they are looked at */
};

uint16_t respond_after_labels(const struct out *o, uint16_t owner, unsigned n)
{
	const uint8_t *p = o->base + (owner & RESPOND_POINTER_MAX);

	for (;;) {
		while (*p >= RESPOND_POINTER >> 8)
			p = o->base + (wire_get16(p) & RESPOND_POINTER_MAX);
		if (!n--)
			break;
		p += 1u + *p;
	}
	return (uint16_t)(RESPOND_POINTER | (p - o->base));
}

static void put_domain(struct out *o, const struct answer *a)
{
	if (RESPOND_HEAD_LEN + 2 + 2 > respond_room(o)) {
		o->result.truncated = true;
		return;
	}
	respond_head(o->at, o->owner, TYPE_PTR, a->zone->ttl_s);
	uint8_t *p = wire_put16(o->at + RESPOND_HEAD_LEN, 2);
	o->at = wire_put16(p, respond_after_labels(o, o->owner, OWN_LABELS));
	o->answer_n++;
}

/* Where `_P.Z` stands that was written last; most services have the same P. */
struct protocol_place {
	char label[sizeof(((struct service *)0)->protocol)];
	uint16_t pointer; /* 0: nowhere */
	uint16_t zone;    /* pointer to Z */
};

static uint8_t *put_label(uint8_t *p, const void *label, size_t len)
{
	p[0] = (uint8_t)(len + 1);
	p[1] = '_';
	memcpy(p + 2, label, len);
	return p + 2 + len;
}

/* _P.Z, or a pointer to it. */
static uint8_t *put_protocol(const struct out *o, uint8_t *p,
    const char *protocol, struct protocol_place *place)
{
	size_t at = (size_t)(p - o->base);

	if (place->pointer &&
	    !memcmp(place->label, protocol, sizeof(place->label)))
		return wire_put16(p, place->pointer);
	if (at <= RESPOND_POINTER_MAX) {
		memcpy(place->label, protocol, sizeof(place->label));
		place->pointer = (uint16_t)(RESPOND_POINTER | at);
	}
	p = put_label(p, protocol, strnlen(protocol, sizeof(place->label)));
	return wire_put16(p, place->zone);
}

/* PTR to _S._P.Z; false: it does not fit. */
static bool put_type(struct out *o, const struct service *s,
    const char *protocol, uint32_t ttl_s, struct protocol_place *place)
{
	struct protocol_place before = *place;
	uint8_t *p = o->at, *rdlength = p + RESPOND_HEAD_LEN;
	uint8_t len;
	const uint8_t *label = service_label(s, &len);

	respond_head(p, o->owner, TYPE_PTR, ttl_s);
	p = put_protocol(
	    o, put_label(rdlength + 2, label, len), protocol, place);
	if (p > o->end) { /* RESPOND_SLACK is more than it was too long */
		*place = before;
		return false;
	}
	wire_put16(rdlength, (uint16_t)(p - rdlength - 2));
	o->at = p;
	o->answer_n++;
	return true;
}

/* One for each of its protocols; false: they do not fit. */
static bool put_types_of(struct out *o, const struct service *s, uint32_t ttl_s,
    struct protocol_place *place)
{
	const char *protocol;
	unsigned at = 0;

	while ((protocol = service_protocol(s, &at))) {
		if (!put_type(o, s, protocol, ttl_s, place))
			return false;
	}
	return true;
}

static void fetch(const struct roster *r, unsigned i)
{
	uintptr_t s = (uintptr_t)roster_at(r, i);

	__builtin_prefetch((const void *)s);
	__builtin_prefetch((const void *)(s + 64));
}

static void put_types(
    struct out *o, struct responder *r, const struct answer *a)
{
	struct protocol_place place = { .zone = respond_after_labels(
		                            o, o->owner, OWN_LABELS) };
	const struct roster *roster = &a->zone->roster;
	unsigned n = roster_n(roster), before = o->answer_n;
	unsigned start = n ? rng_below(&r->rng, n) : 0;

	for (unsigned k = 0; k < n; k++) {
		const struct service *s = roster_at(roster, (start + k) % n);

		fetch(roster, (start + k + AHEAD) % n);
		if (s && !put_types_of(o, s, a->zone->ttl_s, &place)) {
			o->result.truncated = true;
			return;
		}
	}
	if (o->answer_n == before) /* the last one went a moment ago: */
		o->result.truncated = true; /* whoever asks again is told */
}

void respond_browsed(struct out *o, struct responder *r, const struct answer *a)
{
	if (a->kind == ANSWER_TYPES) {
		put_types(o, r, a);
	} else {
		put_domain(o, a);
	}
}
