// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * rights - may what a file says be done to a process?
 *
 * A number in a file is an order of whoever could write it there: the owner
 * of the file, of each directory on the way to it and of each link, and who
 * else may write to them. What we do to a process they must be able to do
 * themselves. Root's and our own orders count for every process.
 */
#include "schema/base/diag.h"

#include <sys/types.h>

/*
 * Somebody holds pid, so that its number is not given out again. -EPERM:
 * reterr says who could have named it; another -E..: what cannot be seen.
 */
int rights_check_named(const char *path, pid_t pid, struct diag *reterr);
