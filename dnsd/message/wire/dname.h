// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * dname - domain names in uncompressed wire format (RFC 1035 section 3.1).
 *
 * A name is read once: its labels are found, folded to lower case (RFC 4343)
 * and hashed from the right, so that the hash of each suffix is there when a
 * zone, a service or a node is looked for.
 */
#include "dnsd/message/wire/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dname {
	uint8_t len;     /* octets, final zero included; 1 for the root */
	uint8_t label_n; /* root not counted */
	/*
	 * Of each label's length octet in `lower`, from the left;
	 * offset[label_n] is that of the root.
	 */
	uint8_t offset[WIRE_LABELS_MAX + 1];
	/* The name in lower case; eight octets more may be read, not used. */
	uint8_t lower[WIRE_NAME_MAX + 1 + 8];
	/* suffix_hash[k]: of the last k labels; set by dname_hash(). */
	uint64_t suffix_hash[WIRE_LABELS_MAX + 1];
};

/*
 * Reads the name at `at` of msg and returns the octets it takes, or 0 if it
 * is malformed, too long, runs past the end or is compressed (a question has
 * nothing to point to). Hashes are left for dname_hash().
 */
size_t dname_parse(
    struct dname *ret_name, const uint8_t *msg, size_t msg_len, size_t at);

/*
 * The name at `at` of a message of somebody else, in its case, whole where it
 * is compressed (RFC 1035 section 4.1.4): pointers lead back, each further
 * than the one before. Returns the octets it takes at `at`; 0: malformed.
 */
size_t dname_expand(const uint8_t *msg, size_t msg_len, size_t at,
    uint8_t ret_name[WIRE_NAME_MAX], size_t *ret_len);

/*
 * From presentation format, with or without the final dot; escapes (\. and
 * \DDD) are understood. False: malformed. Hashes are left for dname_hash().
 */
bool dname_from_text(struct dname *ret_name, const char *text);

/* At most 1024 octets with NUL, escaped where needed, with the final dot. */
enum { DNAME_TEXT_MAX = 1024 };
void dname_to_text(const uint8_t *wire, char ret_text[DNAME_TEXT_MAX]);

/* Fills suffix_hash; the seed is the catalog's. */
void dname_hash(struct dname *name, uint64_t seed);

/*
 * One step of the hash: a label of len octets (1 to 63), lower case, to the
 * left of a suffix; the hash of the root is the seed. Seven octets
 * after the label must be readable.
 */
uint64_t dname_hash_label(
    uint64_t seed, uint64_t suffix, const uint8_t *label, size_t len);

/* label i of a name, from the left; without its length octet. */
static inline const uint8_t *dname_label(
    const struct dname *n, unsigned i, uint8_t *ret_len)
{
	const uint8_t *p = n->lower + n->offset[i];

	*ret_len = *p;
	return p + 1;
}
