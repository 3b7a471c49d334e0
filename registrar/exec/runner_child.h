// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * runner_child - from a fork of the broker to the program that was asked for.
 *
 * It gets: a session and process group; /dev/null to read, `out` for both
 * outputs, no other descriptor; default signals, umask 077; the environment
 * and directory of the request; its limits, and no core files; its user with
 * all groups of that user, no capabilities above those of the user, and no
 * way to get others (PR_SET_NO_NEW_PRIVS). SIGKILL if the broker dies.
 *
 * Users are looked up here, not in the broker: who answers for them may be
 * slow.
 */
#include "registrar/exec/runner_message.h"

/* Exit status of what could not be run; the output says why. */
#define RUN_CANNOT 126

/*
 * *shared_error, in memory that the broker shares: -E.. if it was not run
 * since we are short of something. Other reasons are in the output alone.
 */
_Noreturn void runner_child(
    const struct run_request *q, int out, int32_t *shared_error);
