// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * patient - for a thread that may wait, but not for ever.
 *
 * An errand runs in a thread of its own while whoever sends it waits: until it
 * has run, or so long as he likes. One that hangs keeps its thread until the
 * kernel lets it go, and nobody waits for it any more.
 *
 * One thread at a time, but for run(), and for free() of what was left.
 */
#include <stdbool.h>
#include <stdint.h>

struct patient;

/* Embedded in whatever it is about. */
struct errand {
	/* Sees nothing but what it is embedded in. */
	void (*run)(struct errand *e);
	void (*free)(struct errand *e); /* once it was left, and has run */
	/* private */
	bool over, hangs, left;
};

/* max: so many may hang, at most. */
struct patient *patient_new(unsigned max);
/* What hangs is left to the end of the program. NULL is ignored. */
void patient_free(struct patient *p);

/*
 * 0: it has run. -ETIMEDOUT: not yet; patient_is_over() tells when, and until
 * then it is not the caller's. -EAGAIN: there is no thread for it. p NULL: it
 * runs at once, however long.
 */
int patient_do(struct patient *p, struct errand *e, int64_t for_ms);
bool patient_is_over(struct patient *p, struct errand *e);
/* Of one that hung: free() is called at once, or when it is over. */
void patient_leave(struct patient *p, struct errand *e);
/* Some errand hangs. */
bool patient_has_some(struct patient *p);
