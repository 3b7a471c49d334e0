// SPDX-License-Identifier: BSD-2-Clause
#include "schema/pulse.h"

#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define BEATS "beats"
#define FILE_MAX (PULSE_TEXT_MAX + 64)

/* Two ways to one registry are one registry. NULL: there is no directory. */
static char *real_path(const char *registry)
{
	char *path = realpath(registry, NULL);

	if (path)
		return path;
	scoped_free char *for_dir = xstrdup(registry);
	scoped_free char *for_name = xstrdup(registry);
	scoped_free char *dir = realpath(dirname(for_dir), NULL);

	return dir ? xasprintf("%s/%s", dir, basename(for_name)) : NULL;
}

char *pulse_path_of_registrar(const char *registry, const char *name)
{
	scoped_free char *real = real_path(registry);

	if (!real)
		return NULL;
	char *path = xasprintf("%s.registrar-%s.lock", real, name);

	for (char *p = path + strlen(real) + strlen(".registrar-"); *p; p++) {
		if (*p == '/')
			*p = '_';
	}
	return path;
}

/* ---- who has one ------------------------------------------------------- */

int pulse_take(const char *path, int *ret_fd)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);

	*ret_fd = fd;
	if (fd < 0)
		return -errno;
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EINTR)
			continue;
		return -errno;
	}
	return 0;
}

void pulse_tell(int fd, const char *trouble)
{
	char text[FILE_MAX];

	if (fd < 0)
		return;
	int len = snprintf(text, sizeof(text), "%d\n" BEATS "\n%.*s\n",
	    (int)getpid(), PULSE_TEXT_MAX - 1, trouble);

	/* as long as it was, or who looks could see it empty */
	if (pwrite(fd, text, (size_t)len, 0) == len)
		(void)!ftruncate(fd, len);
}

void pulse_beat(int fd)
{
	if (fd >= 0)
		(void)futimens(fd, NULL);
}

/* ---- who looks --------------------------------------------------------- */

int pulse_pid(int fd)
{
	char text[16] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	return n > 0 ? (int)strtol(text, NULL, 10) : 0;
}

/*
 * Who looks has it for some microseconds itself when nobody else does:
 * whoever takes one waits for longer than that.
 */
static bool is_free(int fd, bool *ret_unknown)
{
	if (flock(fd, LOCK_SH | LOCK_NB) == 0) {
		(void)flock(fd, LOCK_UN);
		return true;
	}
	*ret_unknown = errno != EWOULDBLOCK;
	return false;
}

static void take_lines(struct pulse *p, char *text, bool *ret_beats)
{
	char *rest = text;

	(void)strsep(&rest, "\n"); /* its number */
	const char *line = strsep(&rest, "\n");

	*ret_beats = line && !strcmp(line, BEATS);
	line = *ret_beats ? strsep(&rest, "\n") : NULL;
	(void)snprintf(p->trouble, sizeof(p->trouble), "%s", line ? line : "");
}

void pulse_look(
    const char *path, int pid, int64_t now_wall_ms, struct pulse *ret_p)
{
	scoped_fd int fd =
	    open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char text[FILE_MAX] = "";
	struct stat st;
	bool beats, unknown = false;

	*ret_p = (struct pulse){ .sign = PULSE_UNKNOWN };
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    read(fd, text, sizeof(text) - 1) <= 0 ||
	    strtol(text, NULL, 10) != pid)
		return;
	if (is_free(fd, &unknown)) {
		ret_p->sign = PULSE_GONE;
		return;
	}
	take_lines(ret_p, text, &beats);
	/* one of an older version says no more than that it is there */
	if (unknown || !beats)
		return;
	ret_p->beat_wall_ms =
	    (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	/* one from the future is of a clock that was set back since */
	ret_p->sign = ret_p->beat_wall_ms > now_wall_ms - PULSE_SILENT_MS
	                  ? PULSE_BEATS
	                  : PULSE_STALLED;
}
