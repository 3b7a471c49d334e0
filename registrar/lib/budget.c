// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/lib/budget.h"

#include <errno.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define SPARE 64

int budget_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > INT_MAX)
		return INT_MAX;
	rlim_t quarter = limit.rlim_cur / 4;

	return (int)(limit.rlim_cur - (quarter < SPARE ? quarter : SPARE));
}

int budget_take(int max, int fd)
{
	if (fd < max)
		return fd;
	(void)close(fd);
	return -EMFILE;
}

int budget_look(int max)
{
	/* a file of its own, for the whole system may be short of them */
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	fd = budget_take(max, fd < 0 ? -errno : fd);
	if (fd < 0)
		return fd;
	(void)close(fd);
	return 0;
}

bool budget_is_short(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOBUFS ||
	       error == -ENOMEM || error == -EADDRNOTAVAIL;
}
