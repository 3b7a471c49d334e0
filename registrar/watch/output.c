// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/watch/output.h"

#include "schema/base/replace.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OUTPUT_MAX = 64 << 20 };

static int read_all(int fd, char **ret_text, size_t *ret_len)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > OUTPUT_MAX)
		return -EFBIG;
	char *text = xcalloc(1, (size_t)st.st_size + 1);
	size_t len = 0;
	ssize_t n;
	while ((n = read(fd, text + len, (size_t)st.st_size - len)) > 0)
		len += (size_t)n;
	if (n < 0) {
		free(text);
		return -errno;
	}
	*ret_text = text;
	*ret_len = len;
	return 0;
}

int output_read(
    const char *path, char **ret_text, size_t *ret_len, struct diag *reterr)
{
	scoped_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int error = fd < 0 ? -errno : read_all(fd, ret_text, ret_len);

	return error ? diag_set(reterr, error, "cannot read '%s': %s", path,
	                   error == -EFBIG ? "no file of at most 64 MiB"
	                                   : strerror(-error))
	             : 0;
}

/*
 * As it was; a new one may be read by all, like other configuration. Its owner
 * is what we may give it.
 */
static int keep_mode(int dir, const char *name, const struct stat *was)
{
	if (was && (was->st_uid != geteuid() || was->st_gid != getegid()) &&
	    fchownat(dir, name, was->st_uid, was->st_gid, AT_SYMLINK_NOFOLLOW) <
	        0 &&
	    errno != EPERM)
		return -errno;
	if (fchmodat(dir, name, was ? was->st_mode & 07777 : 0644, 0) < 0)
		return -errno;
	return 0;
}

int output_write(
    const char *path, const char *text, size_t len, struct diag *reterr)
{
	scoped_free char *for_dir = xstrdup(path);
	scoped_free char *for_name = xstrdup(path);
	const char *name = basename(for_name);
	scoped_fd int dir =
	    open(dirname(for_dir), O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat was;
	bool had = false;
	int error = dir < 0 ? -errno : 0;

	if (!error) {
		had = fstatat(dir, name, &was, AT_SYMLINK_NOFOLLOW) == 0 &&
		      S_ISREG(was.st_mode);
		error = replace_file(dir, name, text, len, REPLACE_SOON);
	}
	if (!error)
		error = keep_mode(dir, name, had ? &was : NULL);
	if (error) {
		return diag_set(reterr, error, "cannot write '%s': %s", path,
		    strerror(-error));
	}
	return 0;
}
