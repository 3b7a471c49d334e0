// SPDX-License-Identifier: BSD-2-Clause
/*
 * The key of what is kept of others' answers: any two names, types and flags.
 * What was put is found by its own key and by no other.
 */
#include "dnsd/message/data/front.h"
#include "dnsd/message/wire/dname.h"

#include <stdlib.h>
#include <string.h>

enum { SEED = 1, KEYS = 2, KEY_HEAD = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* Octets that it takes; 0: there is none. */
static size_t read_key(
    struct front_key *k, struct dname *name, const uint8_t *data, size_t len)
{
	size_t n = len > KEY_HEAD ? dname_parse(name, data, len, KEY_HEAD) : 0;

	if (!n)
		return 0;
	dname_hash(name, SEED);
	*k = (struct front_key){ name, wire_get16(data), data[2] & 1,
		data[2] & 2 };
	return KEY_HEAD + n;
}

static bool are_equal(const struct front_key *a, const struct front_key *b)
{
	return a->type == b->type && a->dnssec_ok == b->dnssec_ok &&
	       a->checking_disabled == b->checking_disabled &&
	       a->name->len == b->name->len &&
	       !memcmp(a->name->lower, b->name->lower, a->name->len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct dname name[KEYS];
	struct front_key key[KEYS];
	struct front_copy found;

	for (unsigned i = 0; i < KEYS; i++) {
		size_t n = read_key(&key[i], &name[i], data, len);

		if (!n)
			return 0;
		data += n;
		len -= n;
	}
	struct front *f = front_new(FRONT_MIN_LEN);
	struct foreign *a =
	    calloc(1, foreign_size(WIRE_HEADER_LEN + name[0].len + 4U));
	must(a != NULL);
	a->ttl_s = 60;
	a->len = (uint16_t)(WIRE_HEADER_LEN + name[0].len + 4);
	memcpy(a->msg + WIRE_HEADER_LEN, name[0].lower, name[0].len);
	front_put(f, &key[0], a, 1);
	must(front_find(f, &key[0], 1, &found));
	must(!memcmp(&found.foreign, a, foreign_size(a->len)));
	must(front_find(f, &key[1], 1, &found) == are_equal(&key[0], &key[1]));
	free(a);
	front_free(f);
	return 0;
}
