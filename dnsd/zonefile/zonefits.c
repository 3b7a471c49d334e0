// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/message/wire/rdata.h"
#include "dnsd/zonefile/zonerdata.h"
#include "dnsd/zonefile/zonesvcb.h"

/* Blocks in ascending order, none of them empty or ending in 0. */
static bool fits_types(const uint8_t *p, size_t len)
{
	int before = -1;

	while (len) {
		if (len < 2 || p[0] <= before || !p[1] || p[1] > 32 ||
		    len < 2u + p[1] || !p[1 + p[1]])
			return false;
		before = p[0];
		len -= 2u + p[1];
		p += 2u + p[1];
	}
	return true;
}

static bool fits_texts(const uint8_t *p, size_t len)
{
	if (!len)
		return false;
	while (len) {
		if (len < 1u + *p)
			return false;
		len -= 1u + *p;
		p += 1u + *p;
	}
	return true;
}

/* Octets of a gateway by its kind; SIZE_MAX: none of that kind. */
static size_t gateway_len(uint8_t kind, const uint8_t *p, size_t room)
{
	size_t name;

	switch (kind) {
	case 0:
		return 0;
	case 1:
		return 4;
	case 2:
		return 16;
	case 3:
		name = wire_name_len(p, room);
		return name ? name : SIZE_MAX;
	default:
		return SIZE_MAX;
	}
}

static size_t name_len(const uint8_t *p, size_t room)
{
	size_t len = wire_name_len(p, room);

	return len ? len : SIZE_MAX;
}

/* Octets of a field that is not the last one of any length. */
static size_t field_len(
    char field, const uint8_t *rdata, const uint8_t *p, size_t room)
{
	switch (field) {
	case '1':
	case 'a':
		return 1;
	case '2':
		return 2;
	case '3':
	case 't':
	case '4':
		return 4;
	case '6':
		return 16;
	case 'n':
		return name_len(p, room);
	case 'g':
		return gateway_len(rdata[1], p, room);
	case 'c':
		return room && *p ? 1u + *p : SIZE_MAX;
	default: /* a text or a salt, with its length */
		return room ? 1u + *p : SIZE_MAX;
	}
}

bool zonerdata_fits(const char *fields, const uint8_t *rdata, size_t len)
{
	const uint8_t *p = rdata, *end = rdata + len;

	for (; *fields; fields++) {
		size_t room = (size_t)(end - p), field;

		switch (*fields) {
		case 'T':
			return fits_texts(p, room);
		case 'y':
			return fits_types(p, room);
		case 'v':
			return zonesvcb_fits(p, room);
		case 'x':
		case 'b':
			return room > 0;
		case 'B':
		case 'u':
			return true;
		default:
			field = field_len(*fields, rdata, p, room);
			if (field > room)
				return false;
			p += field;
		}
	}
	return p == end;
}
