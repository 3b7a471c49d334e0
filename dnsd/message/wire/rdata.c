// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/message/wire/rdata.h"

#include "dnsd/message/wire/respond_name.h"

enum { ANY_LEN = UINT8_MAX };

/* clang-format off */
static const struct rdata_shape shapes[] = {
	/* type      at  n  after    compressible additional */
	{ TYPE_NS,    0, 1, 0,       true,  true },
	{ TYPE_MD,    0, 1, 0,       true,  false },
	{ TYPE_MF,    0, 1, 0,       true,  false },
	{ TYPE_CNAME, 0, 1, 0,       true,  false },
	{ TYPE_SOA,   0, 2, 20,      true,  false },
	{ TYPE_MB,    0, 1, 0,       true,  false },
	{ TYPE_MG,    0, 1, 0,       true,  false },
	{ TYPE_MR,    0, 1, 0,       true,  false },
	{ TYPE_PTR,   0, 1, 0,       true,  false },
	{ TYPE_MINFO, 0, 2, 0,       true,  false },
	{ TYPE_MX,    2, 1, 0,       true,  true },
	{ TYPE_RP,    0, 2, 0,       false, false },
	{ TYPE_AFSDB, 2, 1, 0,       false, true },
	{ TYPE_RT,    2, 1, 0,       false, true },
	{ TYPE_PX,    2, 2, 0,       false, false },
	{ TYPE_SRV,   6, 1, 0,       false, true },
	{ TYPE_KX,    2, 1, 0,       false, true },
	{ TYPE_DNAME, 0, 1, 0,       false, false },
	{ TYPE_SVCB,  2, 1, ANY_LEN, false, true },
	{ TYPE_HTTPS, 2, 1, ANY_LEN, false, true },
};
/* clang-format on */

const struct rdata_shape *rdata_shape_of(uint16_t type)
{
	static const struct rdata_shape none = { .after = ANY_LEN };

	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		if (shapes[i].type == type)
			return &shapes[i];
	}
	return &none;
}

size_t wire_name_len(const uint8_t *name, size_t room)
{
	size_t at = 0;

	if (room > WIRE_NAME_MAX)
		room = WIRE_NAME_MAX;
	while (at < room && name[at] && name[at] <= WIRE_LABEL_MAX)
		at += 1u + name[at];
	return at < room && !name[at] ? at + 1 : 0;
}

bool rdata_fits(const struct rdata_shape *s, const uint8_t *rdata, size_t len)
{
	size_t at = s->name_at;

	if (s->type == 0)
		return true;
	for (unsigned k = 0; k < s->name_n; k++) {
		size_t n = at < len ? wire_name_len(rdata + at, len - at) : 0;

		if (!n)
			return false;
		at += n;
	}
	return s->after == ANY_LEN || len - at == s->after;
}

bool rdata_equal(
    const struct rdata_shape *s, const uint8_t *a, const uint8_t *b, size_t len)
{
	size_t end = s->name_at;

	if (!memcmp(a, b, len))
		return true;
	if (!s->name_n || memcmp(a, b, end) != 0)
		return false;
	for (unsigned k = 0; k < s->name_n; k++)
		end += wire_name_len(a + end, len - end);
	return names_are_equal(
	           a + s->name_at, b + s->name_at, end - s->name_at) &&
	       !memcmp(a + end, b + end, len - end);
}
