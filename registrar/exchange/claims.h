// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * claims - which names a text has used already, and in which line.
 *
 * 16 octets a name, however long it is: what is kept is a hash of 64 bits
 * with a key of this run. Any one thread.
 */
#include <stddef.h>
#include <stdint.h>

struct claim;

/* Zeroed: none. */
struct claims {
	struct claim *slots;
	size_t room, n;
	uint64_t key;
};

/* 0: service/name is the caller's now; else the line that has it. */
unsigned long claims_take(struct claims *c, const char *service,
    const char *name, unsigned long line);
void claims_release(struct claims *c);
