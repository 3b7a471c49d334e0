// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * notify - tell the service manager how we are (sd_notify(3), Type=notify).
 *
 * One datagram to $NOTIFY_SOCKET; nothing happens where that is not set, and
 * failure is of no consequence to the program.
 */

/* "READY=1", "STOPPING=1", "STATUS=..." */
void notify_state(const char *state);
