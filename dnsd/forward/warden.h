// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * warden - a process that starts the forwarder, and starts it again when it
 * has ended: dnsd, in its sandbox, can no longer start anything.
 *
 * It is forked before dnsd has read anything, knows what it is told over a
 * socket, and ends with dnsd, as the forwarder does. What has ended shortly
 * after its start is started again after a pause, from 50 ms to 2 s.
 *
 * It keeps a spare of itself, which does nothing but wait for its end and then
 * takes its place: nobody else could.
 */
#include "schema/base/diag.h"
#include "schema/sandbox/sandbox.h"

#include <stddef.h>
#include <sys/types.h>

enum warden_kind {
	WARDEN_RUN = 1, /* dnsd: with the recipe that follows, instead of what
	                   runs */
	WARDEN_KILL,    /* dnsd: it does not answer */
	WARDEN_STARTED, /* warden: with the socket of frames */
	WARDEN_ENDED,   /* warden */
	WARDEN_READY,   /* warden: it has taken the place of one that ended */
};

struct warden_message {
	int32_t kind;
	int32_t status; /* of ENDED, as of wait(2); of STARTED: its pid */
};

enum { WARDEN_RECIPE_MAX = 96 << 10 };

/* Main thread, before the sandbox. *ret_fd: SOCK_SEQPACKET, close-on-exec. */
int warden_start(
    enum sandbox_mode mode, pid_t *ret_pid, int *ret_fd, struct diag *reterr);

/* Any thread; do not wait. False: it is gone. */
bool warden_run(int fd, const char *recipe);
bool warden_kill(int fd);

/*
 * What it has to say, without waiting; *ret_fd: of STARTED, else -1.
 * 0: nothing. -errno: it is gone.
 */
int warden_hear(int fd, struct warden_message *ret_m, int *ret_fd);
