// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/lock.h"

#include "schema/base/clock.h"
#include "schema/base/log.h"
#include "schema/base/scoped.h"
#include "schema/pulse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define PAUSE_MS 50
/* Who looks whether it is free has it himself for some microseconds. */
#define WAIT_MIN_MS 200

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
	int64_t end_ms =
	    clock_mono_ms() + (wait_ms > WAIT_MIN_MS ? wait_ms : WAIT_MIN_MS);
	bool told = false;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (clock_mono_ms() >= end_ms)
			return -EBUSY;
		if (!told && wait_ms > 0) {
			log_info("waiting for registrar '%s', pid %d, to end",
			    name, pulse_pid(fd));
		}
		told = true;
		nanosleep(&pause, NULL);
	}
	return 0;
}

int lock_take(const char *registry, const char *name, int64_t wait_ms,
    int *ret_fd, struct diag *reterr)
{
	scoped_free char *path = pulse_path_of_registrar(registry, name);
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
		    name, registry, pulse_pid(fd));
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
