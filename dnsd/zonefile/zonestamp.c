// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/zonefile/zonestamp.h"

#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_below(int dir_fd, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

static void set_stamp(struct zonestamp *s, const struct stat *st)
{
	s->changed = st->st_mtim;
	s->status_changed = st->st_ctim;
	s->size = st->st_size;
	s->inode = st->st_ino;
}

static bool is_same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/*
 * The time of the status tells of what keeps the other one, and of permissions
 * that were missing.
 */
static bool is_stamp(const struct zonestamp *s, const struct stat *st)
{
	return is_same_time(s->changed, st->st_mtim) &&
	       is_same_time(s->status_changed, st->st_ctim) &&
	       s->size == st->st_size && s->inode == st->st_ino;
}

bool stamps_are_stale(int dir_fd, const struct zonestamps *s)
{
	for (unsigned i = 0; i < s->n; i++) {
		struct stat st = { 0 };

		/* one that is not there has an empty stamp */
		(void)fstatat(dir_fd, s->file[i].path, &st, 0);
		if (!is_stamp(&s->file[i], &st))
			return true;
	}
	return false;
}

bool stamp_is_fresh(
    int dir_fd, const char *path, int64_t now_wall_ms, int64_t age_ms)
{
	struct stat st;

	if (fstatat(dir_fd, path, &st, 0) < 0)
		return false;
	int64_t changed_wall_ms =
	    (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	return changed_wall_ms <= now_wall_ms &&
	       now_wall_ms - changed_wall_ms < age_ms;
}

void stamps_release(struct zonestamps *s)
{
	for (unsigned i = 0; i < s->n; i++)
		free(s->file[i].path);
	free(s->file);
	*s = (struct zonestamps){ 0 };
}

struct zonestamp *stamps_add(struct zonestamps *s, const char *path)
{
	s->file = xreallocarray(s->file, s->n + 1, sizeof(*s->file));
	s->file[s->n] = (struct zonestamp){ .path = xstrdup(path) };
	return &s->file[s->n++];
}

void stamp_note(int dir_fd, struct zonestamp *s)
{
	struct stat st;

	if (fstatat(dir_fd, s->path, &st, 0) == 0)
		set_stamp(s, &st);
}

static int refuse_open(const char *path, int error, struct diag *reterr)
{
	if (error == -EXDEV) {
		return diag_set(reterr, error,
		    "'%s' leads out of the directory, expected a file below it",
		    path);
	}
	return diag_set(
	    reterr, error, "cannot open '%s': %s", path, strerror(-error));
}

static int check_kind(
    const char *path, const struct stat *st, size_t max, struct diag *reterr)
{
	if (!S_ISREG(st->st_mode)) {
		return diag_set(reterr, -EINVAL,
		    "found '%s', expected a regular file", path);
	}
	if (st->st_size < 0 || (uint64_t)st->st_size > max) {
		return diag_set(reterr, -EFBIG,
		    "found '%s' of %lld octets, expected at most %zu", path,
		    (long long)st->st_size, max);
	}
	return 0;
}

int stamp_read(int dir_fd, struct zonestamp *stamp, size_t max, char **ret_text,
    size_t *ret_len, struct diag *reterr)
{
	scoped_fd int fd = open_below(dir_fd, stamp->path);
	struct stat st;
	size_t len = 0;

	if (fd < 0) {
		stamp_note(dir_fd, stamp);
		return refuse_open(stamp->path, fd, reterr);
	}
	if (fstat(fd, &st) < 0) {
		return diag_set(reterr, -errno, "cannot look at '%s': %s",
		    stamp->path, strerror(errno));
	}
	set_stamp(stamp, &st);
	int error = check_kind(stamp->path, &st, max, reterr);
	if (error)
		return error;
	/* a large file is no reason to end: what is served stays */
	scoped_free char *text = malloc((size_t)st.st_size + 1);
	if (!text) {
		return diag_set(reterr, -ENOMEM,
		    "no memory for the %lld octets of '%s'",
		    (long long)st.st_size, stamp->path);
	}
	while (len < (size_t)st.st_size) {
		ssize_t n = read(fd, text + len, (size_t)st.st_size - len);

		if (n < 0) {
			return diag_set(reterr, -errno, "cannot read '%s': %s",
			    stamp->path, strerror(errno));
		}
		if (!n)
			break;
		len += (size_t)n;
	}
	*ret_len = len;
	*ret_text = take_ptr(&text);
	return 0;
}
