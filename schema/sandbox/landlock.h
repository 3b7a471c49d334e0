// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * landlock - landlock(7) by system call, for sandbox.c.
 *
 * There is no library, and the headers of Debian 12 know ABI 2 alone: numbers
 * are in landlock.c. What a kernel does not know is left out.
 */
#include "schema/sandbox/sandbox.h"

/* 0: there is none. */
int landlock_abi(void);

struct landlock_rules {
	const char *file; /* in whose directory files may be written; NULL */
	const char *directory; /* and another one, or NULL */
	bool is_blind;         /* nothing is opened any more */
	bool may_bind;         /* TCP ports (ABI 4) */
	bool may_signal;       /* processes that are not restricted (ABI 6) */
};

/* For this thread and those that it will start. -errno: nothing changed. */
int landlock_restrict(
    const struct landlock_rules *rules, struct sandbox_places *ret_places);

/* The part before the last slash, as dirname(3); to be freed. */
char *landlock_directory(const char *file);
