// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * helper - a process of ours for what the program itself may not do.
 *
 * Forked while the program is small and before it is in the sandbox. It
 * keeps nothing of it but one end of a socket, as HELPER_FD, and standard
 * error; and it does not end by signals that are meant for the program, not
 * even by those that come while it is being forked.
 */
#include "schema/base/diag.h"

#include <sys/types.h>

#define HELPER_FD 3

/*
 * run is called in the helper, and its return ends it. The program's end of
 * the socket (of `type`: SOCK_STREAM ...; close-on-exec) is *ret_fd.
 */
int helper_start(int type, void (*run)(void), pid_t *ret_pid, int *ret_fd,
    struct diag *reterr);

/*
 * It ends since its socket is closed; one that does not, as it was stopped, is
 * killed after a second. 0 is ignored.
 */
void helper_end(pid_t pid);
