// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * secret - what may be in a request, but in no file of definitions, registry
 * or log: `Bearer {file:/run/token}`, `{env:TOKEN}`.
 *
 * A definition holds the reference. It is filled in for each run of a check,
 * so a new file counts at once, and wiped behind it.
 */
#include "registrar/lib/fetch.h"
#include "schema/base/diag.h"

#include <stdbool.h>
#include <stddef.h>

#define SECRET_MAX 8192 /* octets of one with its final NUL */

/* What was filled in, to keep it out of what is shown. */
struct secrets {
	char **items; /* not empty */
	unsigned n;
};

/* The text has a reference. */
bool secret_is_in(const char *text);

/*
 * Can it be filled in? -EINVAL: a reference is not well-formed; -ENOENT: the
 * environment has no such variable. Files are not looked at.
 */
int secret_check(const char *text, struct diag *reterr);

/*
 * text with its references filled in from what f has read, on the heap, to be
 * freed by secret_free(); adds them to s. A final newline of a file is dropped.
 * -E..: a file or variable cannot be read, or (-EINVAL) holds control
 * characters, that could end a header; reterr says which, and nothing of what
 * is in it.
 */
int secret_fill(const char *text, const struct fetch *f, struct secrets *s,
    char **ret_text, struct diag *reterr);

/* Each file that f must have for that; a path is borrowed for the call. */
void secret_each_file(
    const char *text, void (*fn)(void *arg, const char *path), void *arg);

/* Puts '*' in the place of each of them. */
void secrets_hide(const struct secrets *s, char *text, size_t len);

void secrets_release(struct secrets *s); /* wiped */
void secret_free(char *text);            /* wiped; NULL is ignored */

/*
 * What f has read: a whole file of less than room octets. -E..: reterr says
 * why. `what` it should hold: "a password".
 */
int secret_take_file(const struct fetch *f, const char *path, const char *what,
    size_t room, struct fetched *ret_is, struct diag *reterr);
