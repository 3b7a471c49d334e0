// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/lib/procfs.h"

#include "schema/base/scoped.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define STALE_SLACK_MS 60000
#define FAMILY_MAX 64 /* generations */

/* ENOENT for what was there a moment ago means that the process ended. */
static int gone_or(int error)
{
	return error == ENOENT || error == ESRCH ? -ESRCH : -error;
}

static ssize_t read_whole(const char *path, char *buf, size_t len)
{
	scoped_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t have = 0;

	if (fd < 0)
		return gone_or(errno);
	while (have < len - 1) {
		ssize_t n = read(fd, buf + have, len - 1 - have);

		if (n < 0)
			return gone_or(errno);
		if (n == 0)
			break;
		have += (size_t)n;
	}
	buf[have] = '\0';
	return (ssize_t)have;
}

static const char *proc_path(char path[64], pid_t pid, const char *leaf)
{
	(void)snprintf(path, 64, "/proc/%d/%s", (int)pid, leaf);
	return path;
}

int proc_stat_read(pid_t pid, struct proc_stat *ret_s)
{
	char path[64], text[1024];
	ssize_t n =
	    read_whole(proc_path(path, pid, "stat"), text, sizeof(text));

	if (n < 0)
		return (int)n;
	/* the name is in parentheses and may hold any of them itself */
	const char *at = strrchr(text, ')');
	char state;
	int parent;
	unsigned long long start;

	/* fields 3, 4 and 22 of proc_pid_stat(5) */
	// NOLINTNEXTLINE(cert-err34-c): the kernel writes numbers here
	if (!at || sscanf(at + 1,
	               " %c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
	               "%*s %*s %*s %*s %*s %*s %llu",
	               &state, &parent, &start) != 3)
		return -EIO;
	*ret_s = (struct proc_stat){
		.parent = parent, .start_ticks = start, .state = state
	};
	return 0;
}

pid_t proc_thread_of(pid_t tid)
{
	char path[64], text[4096];
	int pid = 0;

	if (read_whole(proc_path(path, tid, "status"), text, sizeof(text)) < 0)
		return 0;
	const char *at = strstr(text, "\nTgid:");

	// NOLINTNEXTLINE(cert-err34-c): the kernel writes numbers here
	if (!at || sscanf(at, "\nTgid: %d", &pid) != 1)
		return 0;
	return pid == tid ? 0 : pid;
}

int proc_ids_read(pid_t pid, struct proc_ids *ret_ids)
{
	char path[64], text[4096];
	ssize_t n =
	    read_whole(proc_path(path, pid, "status"), text, sizeof(text));
	unsigned u, su, g, sg;

	if (n < 0)
		return (int)n;
	const char *uid = strstr(text, "\nUid:"), *gid = strstr(text, "\nGid:");

	// NOLINTBEGIN(cert-err34-c): the kernel writes numbers here
	if (!uid || sscanf(uid, "\nUid: %u %*u %u", &u, &su) != 2 || !gid ||
	    sscanf(gid, "\nGid: %u %*u %u", &g, &sg) != 2)
		return -EIO;
	// NOLINTEND(cert-err34-c)
	*ret_ids = (struct proc_ids){
		.uid = u, .saved_uid = su, .gid = g, .saved_gid = sg
	};
	return 0;
}

bool proc_descends(pid_t parent, pid_t from)
{
	struct proc_stat s;

	for (unsigned n = 0; n < FAMILY_MAX && parent > 1; n++) {
		if (parent == from)
			return true;
		if (proc_stat_read(parent, &s) < 0)
			return false; /* it ended: its children are others' */
		parent = s.parent;
	}
	return false;
}

int proc_see_exe(pid_t pid, char *buf, size_t len)
{
	static const char deleted[] = " (deleted)";
	const size_t deleted_len = sizeof(deleted) - 1;
	char path[64];
	ssize_t n = readlink(proc_path(path, pid, "exe"), buf, len - 1);

	if (n < 0)
		return gone_or(errno);
	buf[n] = '\0';
	size_t have = (size_t)n;

	if (have > deleted_len && !strcmp(buf + have - deleted_len, deleted))
		buf[have - deleted_len] = '\0';
	return 0;
}

int proc_cmdline(pid_t pid, char *buf, size_t len)
{
	char path[64];
	ssize_t n = read_whole(proc_path(path, pid, "cmdline"), buf, len);

	if (n < 0)
		return (int)n;
	while (n > 0 && buf[n - 1] == '\0')
		n--;
	for (ssize_t i = 0; i < n; i++) {
		if (buf[i] == '\0')
			buf[i] = ' ';
	}
	return 0;
}

static void close_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}

int proc_each(proc_fn fn, void *arg)
{
	__attribute__((cleanup(close_dir))) DIR *dir = opendir("/proc");
	const struct dirent *e;

	if (!dir)
		return -errno;
	while ((e = readdir(dir))) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		fn(arg, (pid_t)strtol(e->d_name, NULL, 10));
	}
	return 0;
}

static int parse_pid(const char *text, pid_t *ret_pid)
{
	char *end;

	while (isspace((unsigned char)*text))
		text++;
	if (!*text)
		return -EAGAIN;
	errno = 0;
	long pid = strtol(text, &end, 10);

	if (errno || end == text || pid <= 0 || pid > INT32_MAX)
		return -EINVAL;
	while (*end == ' ' || *end == '\t' || *end == '\r')
		end++;
	if (*end && *end != '\n')
		return -EINVAL;
	*ret_pid = (pid_t)pid;
	return 0;
}

int pidfile_read(const char *path, struct pidfile *ret_f)
{
	/* O_NONBLOCK: a FIFO must not hang us */
	scoped_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	struct statfs fs;
	char text[128];
	pid_t pid;

	if (fd < 0)
		return errno == ENOTDIR ? -ENOENT : -errno;
	if (fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	ssize_t n = read(fd, text, sizeof(text) - 1);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	int r = parse_pid(text, &pid);

	if (r < 0)
		return r;
	*ret_f = (struct pidfile){ .pid = pid,
		.modified_wall_ms = (int64_t)st.st_mtim.tv_sec * 1000 +
		                    st.st_mtim.tv_nsec / 1000000,
		.volatile_fs =
		    fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC };
	return 0;
}

/*
 * The start of a process is known since boot, the time of a file by the wall
 * clock. If the wall clock was set meanwhile, they do not compare: a file
 * that seems older than the boot although the boot emptied its file system
 * says so, and a minute of slack covers small corrections. A number is used
 * again after thousands of others, so the slack costs little.
 */
bool pidfile_is_stale(const struct pidfile *f, const struct proc_stat *s,
    int64_t now_wall_ms, int64_t now_boot_ms)
{
	if (f->volatile_fs && f->modified_wall_ms < now_wall_ms - now_boot_ms)
		return false;
	return proc_start_wall_ms(s, now_wall_ms, now_boot_ms) >
	       f->modified_wall_ms + STALE_SLACK_MS;
}

bool pidfile_is_older(const struct pidfile *f, int64_t at_wall_ms)
{
	return f->modified_wall_ms + STALE_SLACK_MS < at_wall_ms;
}

int64_t proc_start_wall_ms(
    const struct proc_stat *s, int64_t now_wall_ms, int64_t now_boot_ms)
{
	int64_t hz = sysconf(_SC_CLK_TCK);

	return now_wall_ms - now_boot_ms + (int64_t)s->start_ticks * 1000 / hz;
}

int proc_pidfd(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd; /* the kernel sets close-on-exec */
}

bool proc_pidfd_ended(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

int proc_pidfd_signal(int pidfd, int signal)
{
	return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0
	           ? -errno
	           : 0;
}
