// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * publication - the number of what each zone answers: its SOA serial.
 *
 * It moves with every change of an answer, whoever made it: a commit, an edit
 * of the zone file, the end of a lease or a drain. Answers never wait; the
 * number follows them, one step at a time and at most one each
 * PUBLICATION_STEP_MS, so that it names the state in which changes came to
 * rest, or passed by. What leaves every answer as it was is no step, and
 * neither is a change of another zone. Only zones that follow the registry
 * have one; others have the serial of their file.
 *
 * It never goes back (RFC 1982), whatever the registry or the file says. It
 * begins with what was kept of an earlier run (publication_restore()), else
 * with the serial of the zone's file plus the registry's revision. A file with
 * a higher serial lifts it.
 *
 * Control thread. Time is the monotonic clock, as a parameter.
 */
#include <stdbool.h>
#include <stdint.h>

struct catalog;
struct dname;
struct publication;
struct zone;

enum { PUBLICATION_STEP_MS = 50 };

/* Of a zone, from one run to the next. */
struct kept {
	uint32_t serial;
	/*
	 * It named what was answered, all of which that digest says; else no
	 * number beyond it was published.
	 */
	bool is_exact;
	uint64_t digest;
};

/* Is b ahead of a? (RFC 1982 section 3.2) */
static inline bool serial_is_ahead(uint32_t a, uint32_t b)
{
	return a != b && b - a < (uint32_t)1 << 31;
}

/*
 * Listens to the catalog, whose zones are there; outlives it or is freed with
 * no change between. wake: something changes now, so publication_step() is to
 * be called when all of it has. Never NULL.
 */
struct publication *publication_new(
    struct catalog *c, void (*wake)(void *arg), void *arg);
void publication_free(struct publication *p);

/* What is kept of a zone; of one that is not there it is nothing. */
void publication_restore(
    struct publication *p, const struct dname *zone, const struct kept *k);

/* Before the first answer: the numbers to begin with. */
void publication_begin(struct publication *p, int64_t now_ms);

/*
 * Numbers what has moved and is due. Milliseconds until the next is; -1: all
 * is numbered.
 */
int64_t publication_step(struct publication *p, int64_t now_ms);

/* After the last answer: numbers all, and says what is to be kept. */
void publication_end(struct publication *p);

/* Of the i-th of publication_n() zones; valid until publication_free(). */
unsigned publication_n(const struct publication *p);
const struct zone *publication_zone(const struct publication *p, unsigned i);
/* After publication_end(): exact. */
struct kept publication_kept(const struct publication *p, unsigned i);
