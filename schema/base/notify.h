// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * notify - tell the service manager how we are (sd_notify(3), Type=notify).
 *
 * One datagram to $NOTIFY_SOCKET; nothing happens where that is not set, and
 * failure is of no consequence to the program.
 */
#include <stdint.h>

/* "READY=1", "STOPPING=1", "STATUS=..." */
void notify_state(const char *state);

/*
 * How often the service manager's watchdog is to be told "WATCHDOG=1": a
 * quarter of its time, for a loop may be late. 0: it has none, or not of us.
 */
int64_t notify_beat_ms(void);
