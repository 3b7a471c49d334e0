// SPDX-License-Identifier: BSD-2-Clause
/* Whole files, of a size that is bounded before they are looked at. */
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "schema/conf/node.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int conf_read_file(const char *path, size_t max_len, char **ret_text,
    size_t *ret_len, struct diag *reterr)
{
	scoped_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		return diag_set(reterr, -errno, "cannot open '%s': %s", path,
		    strerror(errno));
	}
	return conf_read_fd(fd, path, max_len, ret_text, ret_len, reterr);
}

int conf_read_fd(int fd, const char *path, size_t max_len, char **ret_text,
    size_t *ret_len, struct diag *reterr)
{
	struct stat st;

	if (fstat(fd, &st) < 0) {
		return diag_set(reterr, -errno, "cannot read '%s': %s", path,
		    strerror(errno));
	}
	if (!S_ISREG(st.st_mode)) {
		return diag_set(reterr, -EINVAL,
		    "cannot read '%s': found no regular file, expected one",
		    path);
	}
	/* as large as it says, and one octet more to see its end */
	size_t len = 0, room = st.st_size > 0 && (size_t)st.st_size < max_len
	                           ? (size_t)st.st_size + 1
	                           : max_len + 1;
	scoped_free char *text = xmalloc(room + 1);

	while (len <= max_len) {
		if (len == room) { /* it grows, or has no size: /proc */
			room = max_len + 1;
			text = xreallocarray(text, room + 1, 1);
		}
		ssize_t n = read(fd, text + len, room - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			return diag_set(reterr, -errno, "cannot read '%s': %s",
			    path, strerror(errno));
		}
		if (n == 0)
			break;
		len += (size_t)n;
	}
	if (len > max_len) {
		return diag_set(reterr, -EFBIG,
		    "cannot read '%s': found more than %zu octets, expected "
		    "at most so many",
		    path, max_len);
	}
	text[len] = '\0';
	*ret_text = xreallocarray(take_ptr(&text), len + 1, 1);
	*ret_len = len;
	return 0;
}
