// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * arena - memory that is freed whole.
 *
 * For what is built once and lives and dies together, such as all the rows
 * that one file describes: no ownership inside, no partial clean-up on the
 * way out of an error. Aligned for any type, zeroed. One thread.
 */
#include <stddef.h>

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a);

/* Never NULL; n * len that overflows ends the process, as xalloc does. */
void *arena_alloc(struct arena *a, size_t n, size_t len)
    __attribute__((returns_nonnull));
char *arena_strdup(struct arena *a, const char *s)
    __attribute__((returns_nonnull));
/* The len octets at p and a NUL. */
char *arena_memdup(struct arena *a, const char *p, size_t len)
    __attribute__((returns_nonnull));
char *arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), returns_nonnull));
