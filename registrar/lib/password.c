// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/lib/password.h"

#include "schema/base/scoped.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int password_read(const char *path, char buf[PASSWORD_MAX], struct diag *reterr)
{
	buf[0] = '\0';
	if (!path)
		return 0;
	/* a FIFO without a writer must not hold us up */
	scoped_fd int fd =
	    open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0) {
		return diag_set(reterr, -errno, "cannot open '%s': %s", path,
		    strerror(errno));
	}
	ssize_t n = read(fd, buf, PASSWORD_MAX);

	if (n < 0) {
		return diag_set(reterr, -errno, "cannot read '%s': %s", path,
		    strerror(errno));
	}
	if (n == PASSWORD_MAX) {
		explicit_bzero(buf, PASSWORD_MAX);
		return diag_set(reterr, -EFBIG,
		    "found more than %d octets in '%s', expected a password",
		    PASSWORD_MAX - 1, path);
	}
	buf[n] = '\0';
	buf[strcspn(buf, "\r\n")] = '\0';
	return 0;
}
