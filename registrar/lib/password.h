// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * password - what a check shows to the server that it asks.
 *
 * It stands in a file, never in a definition: those are copied into the
 * registry. The file is read for each run, so a new one counts at once.
 */
#include "registrar/lib/fetch.h"
#include "schema/base/diag.h"

#define PASSWORD_MAX 1024 /* octets with the final NUL */

/*
 * The first line of the file, which f has read; path NULL: an empty text. -E..:
 * reterr says why, and holds nothing of the file. Wipe buf with
 * explicit_bzero().
 */
int password_take(const struct fetch *f, const char *path,
    char buf[PASSWORD_MAX], struct diag *reterr);
