// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/lock.h"

#include "schema/base/clock.h"
#include "schema/base/log.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define PAUSE_MS 50

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

/* A name may have slashes. */
static char *lock_path(const char *registry, const char *name)
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

static int read_pid(int fd)
{
	char text[16] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	return n > 0 ? (int)strtol(text, NULL, 10) : 0;
}

static void write_pid(int fd)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	/* for messages alone */
	if (ftruncate(fd, 0) == 0)
		(void)!pwrite(fd, text, (size_t)len, 0);
}

static int wait_for(int fd, const char *name, int64_t wait_ms)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
	int64_t end_ms = clock_mono_ms() + wait_ms;
	bool told = false;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (clock_mono_ms() >= end_ms)
			return -EBUSY;
		if (!told) {
			log_info("waiting for registrar '%s', pid %d, to end",
			    name, read_pid(fd));
		}
		told = true;
		nanosleep(&pause, NULL);
	}
	return 0;
}

int lock_take(const char *registry, const char *name, int64_t wait_ms,
    int *ret_fd, struct diag *reterr)
{
	scoped_free char *path = lock_path(registry, name);
	int fd =
	    path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640)
	         : -1;

	*ret_fd = -1;
	if (fd < 0) {
		log_warn("cannot make '%s': %s; a second registrar of this "
		         "name would not be noticed",
		    path ? path : registry, strerror(errno));
		return 0;
	}
	int r = wait_for(fd, name, wait_ms);

	if (r == -EBUSY) {
		r = diag_set(reterr, r,
		    "registrar '%s' runs on registry '%s' already, pid %d: "
		    "expected another --name, or that one to end",
		    name, registry, read_pid(fd));
	} else if (r < 0) {
		r = diag_set(
		    reterr, r, "cannot lock '%s': %s", path, strerror(-r));
	}
	if (r < 0) {
		(void)close(fd);
		return r;
	}
	write_pid(fd);
	*ret_fd = fd;
	return 0;
}
