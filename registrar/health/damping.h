// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * damping - an instance that flaps is held back until it is calm.
 *
 * The idea of RFC 2439: each time an instance goes down a penalty of one flap
 * is added, and the sum decays exponentially with a half-life. Above
 * `suppress` the instance is held back: it may go down, but not come up,
 * until the sum has decayed to `reuse`. A ceiling on the sum bounds that time.
 *
 * Going down is never delayed. No I/O, no clock: times are the caller's, of
 * one clock that does not jump.
 */
#include "registrar/definition/definition.h"

/* Zeroed: it never flapped. */
struct damping {
	int64_t penalty; /* thousandths of a flap, as of at_ms */
	int64_t at_ms;
	bool held;
};

/* The penalty now, in thousandths of a flap. */
int64_t damping_penalty(
    const struct damping *d, const struct damping_spec *spec, int64_t now_ms);

/* It went down. */
void damping_flap(
    struct damping *d, const struct damping_spec *spec, int64_t now_ms);

/* When it is let go if it stays calm; only while it is held. */
int64_t damping_until_ms(
    const struct damping *d, const struct damping_spec *spec);

/* Let it go if it is time, or if nothing is damped any more; true: just now. */
bool damping_release(
    struct damping *d, const struct damping_spec *spec, int64_t now_ms);

/*
 * Over a restart, by way of the registry: the wall clock may have jumped. At
 * worst the instance is held for the whole time again, or let go.
 */
struct damping_row damping_save(const struct damping *d,
    const struct damping_spec *spec, int64_t now_ms, int64_t now_wall_ms);
struct damping damping_load(
    const struct damping_row *row, int64_t now_ms, int64_t now_wall_ms);
