// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * respond_name - names in a response, and where they can be pointed to (RFC
 * 1035 section 4.1.4).
 *
 * Every suffix that was written is remembered by its length, so that a name
 * is compared with those few that can be equal. Case is not looked at: the
 * first one written gives its case to the others.
 */
#include "dnsd/message/wire/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RESPOND_POINTER = 0xc000,
	RESPOND_POINTER_MAX = 0x3fff, /* how far one can point */
	NAMES_MAX = 200,              /* suffixes remembered */
};

struct names {
	uint8_t n;
	uint8_t last[WIRE_NAME_MAX + 1]; /* 1 + entry, by length; 0: none */
	struct {
		const uint8_t *name; /* borrowed as long as the response */
		uint16_t at;
		uint8_t len, before; /* 1 + the one before of that length */
	} entry[NAMES_MAX];
};

void names_reset(struct names *n);
/* Remembers each suffix of a name of len octets that stands whole at `at`. */
void names_note(struct names *n, const uint8_t *name, size_t len, size_t at);
/* Forgets all but the first `keep`. */
void names_forget(struct names *n, unsigned keep);
/* Without regard to case. */
bool names_are_equal(const uint8_t *a, const uint8_t *b, size_t len);
/* A pointer to the whole name; 0: it is not there. */
uint16_t names_pointer(const struct names *n, const uint8_t *name, size_t len);

/*
 * Writes a name at p, which is `at` octets into the message, with a pointer
 * for as much of its end as is there, and borrows it; whole: without pointer,
 * and what is borrowed is what was written. Returns where it ends.
 */
uint8_t *names_write(struct names *n, uint8_t *p, size_t at,
    const uint8_t *name, size_t len, bool whole);
