// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * child - a command of the operator's, by /bin/sh, until it ends.
 */
#include "schema/base/diag.h"

#include <stddef.h>

#define CHILD_PATIENCE_MS 60000

/*
 * input is its standard input. signals: a signalfd of SIGCHLD and of those
 * that end us, all of them blocked; one of the latter ends it, too, and is
 * *ret_signal, else 0. -EIO: it ended with another status than 0; -ETIME: it
 * was killed with its group after CHILD_PATIENCE_MS; -errno.
 */
int child_run(const char *command, const void *input, size_t len, int signals,
    int *ret_signal, struct diag *reterr);
