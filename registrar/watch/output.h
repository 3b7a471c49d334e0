// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * output - a file that is made from a template.
 *
 * Written aside and renamed, with the mode and owner of what was there, and
 * only if it differs.
 */
#include "schema/base/diag.h"

#include <stdbool.h>
#include <stddef.h>

/* At most 64 MiB, from malloc(); -ENOENT: there is none. */
int output_read(
    const char *path, char **ret_text, size_t *ret_len, struct diag *reterr);
int output_write(
    const char *path, const char *text, size_t len, struct diag *reterr);
