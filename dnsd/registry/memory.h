// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * memory - is there any left for what a registry wants to have?
 *
 * A process that passes the limit of its cgroup is killed, and one that passes
 * its own (RLIMIT_AS, RLIMIT_DATA) cannot allocate; either ends dnsd, with the
 * last good data, and again at each start. So before a service is taken up it
 * is held to what is left, but for a reserve. Without limits that costs a look
 * at the clock. Control thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memory;

/* Never NULL. */
struct memory *memory_new(void);
void memory_free(struct memory *m);

/* May so many octets more be allocated? They count as if they were. */
bool memory_allows(struct memory *m, size_t more);
