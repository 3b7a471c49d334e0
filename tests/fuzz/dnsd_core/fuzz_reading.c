// SPDX-License-Identifier: BSD-2-Clause
/*
 * An answer of others: the first octets say what was asked, the rest is the
 * message. What is kept of it is read by ldns if the message was, is the same
 * when it is read again, and is encoded for every size.
 */
#include "dnsd/forward/reading.h"
#include "dnsd/message/wire/dname.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(bool right)
{
	if (!right)
		abort();
}

static void read_twice(const struct reading *r, const uint8_t *msg, size_t len)
{
	struct foreign *f = reading_foreign(r, msg, len), *again;

	if (!f)
		return;
	check(f->len >= WIRE_HEADER_LEN);
	again = reading_foreign(r, f->msg, f->len);
	check(again && again->len == f->len && again->ttl_s == f->ttl_s &&
	      !memcmp(again->msg, f->msg, f->len));
	free(again);
	free(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct dname name;

	if (len < 1)
		return 0;
	bool dnssec = *data & 1;
	data++;
	len--;
	/* what was asked is what its question says, as it mostly is */
	size_t n = len > WIRE_HEADER_LEN
	               ? dname_parse(&name, data, len, WIRE_HEADER_LEN)
	               : 0;
	if (!n || WIRE_HEADER_LEN + n + 4 > len)
		return 0;
	const struct reading r = { name.lower, name.len,
		wire_get16(data + WIRE_HEADER_LEN + n),
		wire_get16(data + WIRE_HEADER_LEN + n + 2), dnssec };
	read_twice(&r, data, len);
	return 0;
}
