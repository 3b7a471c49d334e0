// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * pulse - a file beside the registry that shows, while a process lives, that
 * it does, and that its loop turns: whoever looks knows within some seconds,
 * and at once when the process has ended, however that was.
 *
 * flock(2) on a file of its own: closing any descriptor of the database would
 * drop SQLite's locks. The time of its last change is moved every
 * PULSE_EVERY_MS, which wakes nobody who watches the directory, and waits for
 * no disk. Its lines are the pid of who holds it, "beats" where that is so, and
 * what keeps it from writing the registry. The file stays when its holder is
 * gone. Taken after helpers were forked: they would hold it too.
 */
#include <stdbool.h>
#include <stdint.h>

#define PULSE_EVERY_MS 250
#define PULSE_SILENT_MS 1250
#define PULSE_TEXT_MAX 512

/*
 * REGISTRY.registrar-NAME.lock; slashes of the name are '_'. NULL: there is no
 * such directory. To be freed.
 */
char *pulse_path_of_registrar(const char *registry, const char *name);

/* ---- who has one ------------------------------------------------------- */

/* -errno: it cannot be made; -EWOULDBLOCK: another has it. Close it to end. */
int pulse_take(const char *path, int *ret_fd);
/* At first, and when trouble is another; "": none. fd -1 is ignored. */
void pulse_tell(int fd, const char *trouble);
/* Once each PULSE_EVERY_MS. fd -1 is ignored. */
void pulse_beat(int fd);

/* ---- who looks --------------------------------------------------------- */

enum pulse_sign {
	PULSE_UNKNOWN, /* no file, not to be read, of another process, old */
	PULSE_BEATS,
	PULSE_STALLED, /* it is there, and does not turn */
	PULSE_GONE,
};
struct pulse {
	enum pulse_sign sign;
	int64_t beat_wall_ms;         /* the last; 0: it has none */
	char trouble[PULSE_TEXT_MAX]; /* "": none */
};
/*
 * Of that process: its number tells it from one that could make no file, and
 * runs where another had one before.
 */
void pulse_look(
    const char *path, int pid, int64_t now_wall_ms, struct pulse *ret_p);
/* The number in it; 0: nobody's. */
int pulse_pid(int fd);
