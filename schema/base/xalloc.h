// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * xalloc - allocation that succeeds or ends the process.
 *
 * A daemon that cannot get memory cannot report it sensibly either; systemd
 * starts it again from the registry, which lost nothing.
 */
#include <stddef.h>

void *xmalloc(size_t len) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t n, size_t len) __attribute__((malloc, returns_nonnull));
/* Like realloc for n elements of len bytes; aborts when n * len overflows. */
void *xreallocarray(void *p, size_t n, size_t len);
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
char *xasprintf(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), malloc, returns_nonnull));
