// SPDX-License-Identifier: BSD-2-Clause
#include "schema/base/replace.h"

#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

static int write_all(int fd, const uint8_t *p, size_t len)
{
	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int write_new(int dir_fd, const char *name, const void *data, size_t len,
    enum replace_how how)
{
	scoped_fd int fd = openat(dir_fd, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	int error = fd < 0 ? -errno : write_all(fd, data, len);

	if (!error && how == REPLACE_SURE && fsync(fd) < 0)
		error = -errno;
	return error;
}

int replace_file(int dir_fd, const char *name, const void *data, size_t len,
    enum replace_how how)
{
	scoped_free char *aside = xasprintf("%s.tmp", name);

	/* one may be left of a writer that was killed */
	(void)unlinkat(dir_fd, aside, 0);
	int error = write_new(dir_fd, aside, data, len, how);
	if (!error && renameat(dir_fd, aside, dir_fd, name) < 0)
		error = -errno;
	if (error) {
		(void)unlinkat(dir_fd, aside, 0);
	} else if (how == REPLACE_SURE && fsync(dir_fd) < 0) {
		error = -errno;
	}
	return error;
}
