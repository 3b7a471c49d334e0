// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * procfs - what /proc says about processes, and what a pidfile says.
 *
 * Reads files, keeps nothing. Returns 0 or a negative errno; a process that
 * ends while it is being looked at is -ESRCH.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct proc_stat {
	pid_t parent;
	uint64_t start_ticks; /* since boot: with the pid, who it is */
	char state;           /* 'Z': zombie */
};
int proc_stat_read(pid_t pid, struct proc_stat *ret_s);

/* Those by which kill(2) decides who may signal it. */
struct proc_ids {
	uid_t uid, saved_uid; /* the first is the real one */
	gid_t gid, saved_gid;
};
int proc_ids_read(pid_t pid, struct proc_ids *ret_ids);

/* Is `from` the parent of a process, or a parent of that, and so on? */
bool proc_descends(pid_t parent, pid_t from);

/* The process of which this is a thread beside the first; 0: of none. */
pid_t proc_thread_of(pid_t tid);

/*
 * Path of the executable, also when the file was replaced meanwhile. Cut to
 * len. -EACCES: the process belongs to somebody else, or we are restricted:
 * ask looker.h.
 */
int proc_see_exe(pid_t pid, char *buf, size_t len);

/* The arguments joined by blanks, cut to len; "" for a zombie. */
int proc_cmdline(pid_t pid, char *buf, size_t len);

typedef void (*proc_fn)(void *arg, pid_t pid);
int proc_each(proc_fn fn, void *arg);

/*
 * The number in a pidfile: digits in its first line, blanks around them do
 * not matter. ret_stamp_ns is its time of modification.
 *
 *	-ENOENT  there is no such file (or directory)
 *	-EAGAIN  it is empty: about to be written
 *	-EINVAL  it holds no process number
 */
struct pidfile {
	pid_t pid;
	int64_t modified_wall_ms;
	bool volatile_fs; /* on a file system that a boot empties (tmpfs) */
};
int pidfile_read(const char *path, struct pidfile *ret_f);

/*
 * Did the process start so long after its pidfile was written that it must
 * be another one, which got the number later? Allows for a wall clock that
 * was corrected in between, as far as that can be told.
 */
bool pidfile_is_stale(const struct pidfile *f, const struct proc_stat *s,
    int64_t now_wall_ms, int64_t now_boot_ms);
/* It was written before at_wall_ms, by more than a clock is corrected. */
bool pidfile_is_older(const struct pidfile *f, int64_t at_wall_ms);

/* When it started, by the wall clock as it is set now. */
int64_t proc_start_wall_ms(
    const struct proc_stat *s, int64_t now_wall_ms, int64_t now_boot_ms);

/* pidfd_open(2), close-on-exec. -ESRCH: no such process. */
int proc_pidfd(pid_t pid);
/* pidfd_send_signal(2). -ESRCH: it has ended. */
int proc_pidfd_signal(int pidfd, int signal);
/* Has it ended (or is it a zombie)? */
bool proc_pidfd_ended(int pidfd);
