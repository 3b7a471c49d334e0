// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/forward/reading.h"

#include "dnsd/forward/recipe.h"
#include "dnsd/message/respond/respond.h"
#include "dnsd/message/wire/dname.h"
#include "dnsd/message/wire/rdata.h"
#include "dnsd/message/wire/respond_name.h"
#include "schema/base/arena.h"
#include "schema/base/xalloc.h"

#include <stdlib.h>

enum {
	TYPE_NSEC3 = 50,
	STALE_TTL_S = 30, /* RFC 8767 section 4 */
	/* A name may be written that is taken back then. */
	SLACK = 1024,
};

/* RFC 2181 section 8: as if it were 0. */
#define TTL_SIGN (1U << 31)

struct copy {
	const struct reading *of;
	const uint8_t *msg;
	size_t len, at; /* of what is read */
	struct foreign *to;
	uint8_t *out, *end; /* of what is written */
	struct names names;
	struct arena *arena; /* names that are borrowed */
};

/* Of a record, behind its owner. */
struct fixed {
	uint16_t type, class, rdata_len;
	uint32_t ttl_s;
};

static bool is_wanted(const struct reading *r, uint16_t type)
{
	switch (type) {
	case TYPE_OPT:
		return false;
	case TYPE_RRSIG:
	case TYPE_NSEC:
	case TYPE_NSEC3:
		/* RFC 4035 section 3.2.1 */
		return r->dnssec || r->type == type || r->type == TYPE_ANY;
	default:
		return true;
	}
}

/* One that stays as long as the copy is made. */
static size_t take_name(
    struct copy *c, const uint8_t **ret_name, size_t *ret_len)
{
	uint8_t name[WIRE_NAME_MAX];
	size_t taken = dname_expand(c->msg, c->len, c->at, name, ret_len);

	if (taken) {
		*ret_name = (const uint8_t *)arena_memdup(
		    c->arena, (const char *)name, *ret_len);
		c->at += taken;
	}
	return taken;
}

static bool put_name(
    struct copy *c, const uint8_t *name, size_t len, bool whole)
{
	c->out = names_write(
	    &c->names, c->out, (size_t)(c->out - c->to->msg), name, len, whole);
	return c->out <= c->end;
}

static bool put_octets(struct copy *c, size_t n)
{
	if (c->out > c->end || n > (size_t)(c->end - c->out))
		return false;
	memcpy(c->out, c->msg + c->at, n);
	c->out += n;
	c->at += n;
	return true;
}

/* From c->at to c->at + len, of which all is within the message. */
static bool put_rdata(struct copy *c, uint16_t type, size_t len)
{
	const struct rdata_shape *s = rdata_shape_of(type);
	uint8_t *rdlength = c->out;
	size_t end = c->at + len, name_len;
	const uint8_t *name;

	c->out += 2;
	if (s->name_n) {
		if (s->name_at > len || !put_octets(c, s->name_at))
			return false;
		for (unsigned k = 0; k < s->name_n; k++) {
			if (!take_name(c, &name, &name_len) || c->at > end ||
			    !put_name(c, name, name_len, !s->compressible))
				return false;
		}
		if (s->after != UINT8_MAX && end - c->at != s->after)
			return false;
	}
	if (!put_octets(c, end - c->at))
		return false;
	wire_put16(rdlength, (uint16_t)(c->out - rdlength - 2));
	return true;
}

/* False: the message is wrong. */
static bool take_fixed(struct copy *c, struct fixed *ret_f)
{
	const uint8_t *p = c->msg + c->at;

	if (c->at + 10 > c->len)
		return false;
	ret_f->type = wire_get16(p);
	ret_f->class = wire_get16(p + 2);
	ret_f->ttl_s = wire_get32(p + 4);
	if (ret_f->ttl_s & TTL_SIGN)
		ret_f->ttl_s = 0;
	ret_f->rdata_len = wire_get16(p + 8);
	c->at += 10;
	return c->at + ret_f->rdata_len <= c->len;
}

static bool copy_record(struct copy *c, uint16_t *count)
{
	const uint8_t *owner;
	size_t owner_len;
	struct fixed f;

	if (!take_name(c, &owner, &owner_len) || !take_fixed(c, &f))
		return false;
	if (!is_wanted(c->of, f.type)) {
		c->at += f.rdata_len;
		return true;
	}
	if (f.ttl_s == RECIPE_STALE_MARK_S) {
		c->to->why = WHY_STALE;
		f.ttl_s = STALE_TTL_S;
	}
	if (f.class != c->of->class || !put_name(c, owner, owner_len, false) ||
	    c->end - c->out < 10)
		return false;
	c->out = wire_put16(c->out, f.type);
	c->out = wire_put16(c->out, f.class);
	c->out = wire_put32(c->out, f.ttl_s);
	if (!put_rdata(c, f.type, f.rdata_len))
		return false;
	if (f.ttl_s < c->to->ttl_s)
		c->to->ttl_s = f.ttl_s;
	(*count)++;
	return true;
}

static bool copy_section(struct copy *c, unsigned n, size_t count_at)
{
	uint16_t count = 0;

	for (; n > 0; n--) {
		if (!copy_record(c, &count))
			return false;
	}
	wire_put16(c->to->msg + count_at, count);
	return true;
}

/* Is it about what was asked? Then it is written as the first name. */
static bool copy_question(struct copy *c)
{
	const struct reading *r = c->of;
	const uint8_t *name;
	size_t len;

	c->at = WIRE_HEADER_LEN;
	if (wire_get16(c->msg + 4) != 1 || !take_name(c, &name, &len) ||
	    c->at + 4 > c->len || len != r->name_len ||
	    !names_are_equal(name, r->name, len) ||
	    wire_get16(c->msg + c->at) != r->type ||
	    wire_get16(c->msg + c->at + 2) != r->class)
		return false;
	c->at += 4;
	memset(c->to->msg, 0, WIRE_HEADER_LEN);
	c->to->msg[2] = WIRE_QR | (c->msg[2] & WIRE_AA);
	c->to->msg[3] = c->msg[3] & WIRE_RCODE;
	wire_put16(c->to->msg + 4, 1);
	c->out = c->to->msg + WIRE_HEADER_LEN;
	memcpy(c->out, r->name, len);
	names_note(&c->names, r->name, len, WIRE_HEADER_LEN);
	c->out = wire_put16(c->out + len, r->type);
	c->out = wire_put16(c->out, r->class);
	return true;
}

static bool copy_all(struct copy *c)
{
	if (c->len < WIRE_HEADER_LEN || !(c->msg[2] & WIRE_QR) ||
	    wire_opcode(c->msg[2]) != OPCODE_QUERY || c->msg[2] & WIRE_TC ||
	    !copy_question(c))
		return false;
	c->to->ttl_s = UINT32_MAX;
	for (unsigned k = 0; k < 3; k++) {
		size_t count_at = 6 + 2 * (size_t)k;

		if (!copy_section(c, wire_get16(c->msg + count_at), count_at))
			return false;
	}
	if (c->to->ttl_s == UINT32_MAX)
		c->to->ttl_s = 0;
	c->to->len = (uint16_t)(c->out - c->to->msg);
	if (c->to->why == WHY_STALE && foreign_rcode(c->to) == RCODE_NXDOMAIN)
		c->to->why = WHY_STALE_NXDOMAIN;
	return c->at == c->len;
}

struct foreign *reading_foreign(
    const struct reading *r, const uint8_t *msg, size_t len)
{
	struct foreign *made =
	    xmalloc(foreign_size((size_t)WIRE_MESSAGE_MAX + SLACK));
	struct copy c = { .of = r,
		.msg = msg,
		.len = len,
		.to = made,
		.end = made->msg + WIRE_MESSAGE_MAX,
		.arena = arena_new() };

	*made = (struct foreign){ 0 };
	names_reset(&c.names);
	bool ok = copy_all(&c);
	arena_free(c.arena);
	if (!ok) {
		free(made);
		return NULL;
	}
	return xreallocarray(made, 1, foreign_size(made->len));
}
