// SPDX-License-Identifier: BSD-2-Clause
/*
 * The kernel keeps a bitmap of calls that are allowed whatever their
 * arguments (since Linux 5.11), and does not run the filter for those; the
 * filter is a binary tree for older ones.
 */
#include "schema/sandbox/calls.h"

#include "schema/sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define CALL(name) SCMP_SYS(name)
#define LOW 0xffffffffU /* of an int, the rest of the register is anything */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||     \
    __has_feature(memory_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

/* ---- whatever the arguments ------------------------------------------- */

/* clang-format off */
/* Read, and talk on what is open. */
static const int looks[] = {
	/* memory */
	CALL(brk), CALL(madvise), CALL(mremap), CALL(munmap),
	/* descriptors */
	CALL(close), CALL(dup), CALL(dup2), CALL(dup3), CALL(fcntl),
	CALL(fcntl64), CALL(lseek), CALL(_llseek), CALL(poll), CALL(ppoll),
	CALL(pread64), CALL(preadv), CALL(preadv2), CALL(read), CALL(readv),
	CALL(recvfrom), CALL(recvmsg), CALL(sendmsg), CALL(sendto),
	CALL(shutdown), CALL(write), CALL(writev),
	/* files */
	CALL(access), CALL(faccessat), CALL(faccessat2), CALL(fadvise64),
	CALL(fstat), CALL(fstat64), CALL(fstatat64), CALL(fstatfs),
	CALL(getcwd), CALL(getdents), CALL(getdents64), CALL(lstat),
	CALL(newfstatat), CALL(readlink), CALL(readlinkat), CALL(stat),
	CALL(statfs), CALL(statx),
	/* signals */
	CALL(rt_sigaction), CALL(rt_sigpending), CALL(rt_sigprocmask),
	CALL(rt_sigreturn), CALL(rt_sigsuspend), CALL(rt_sigtimedwait),
	CALL(sigaltstack), CALL(restart_syscall),
	/* time */
	CALL(clock_getres), CALL(clock_gettime), CALL(clock_nanosleep),
	CALL(gettimeofday), CALL(nanosleep), CALL(time), CALL(times),
	/* threads */
	CALL(exit), CALL(exit_group), CALL(futex), CALL(get_robust_list),
	CALL(membarrier), CALL(rseq), CALL(sched_getaffinity),
	CALL(sched_getparam), CALL(sched_getscheduler), CALL(sched_yield),
	CALL(set_robust_list), CALL(set_tid_address),
	/* who and where we are */
	CALL(getcpu), CALL(getegid), CALL(geteuid), CALL(getgid),
	CALL(getgroups), CALL(getpgid), CALL(getpgrp), CALL(getpid),
	CALL(getppid), CALL(getpriority), CALL(getrandom), CALL(getresgid),
	CALL(getresuid), CALL(getrlimit), CALL(getrusage), CALL(getsid),
	CALL(gettid), CALL(getuid), CALL(sysinfo), CALL(ugetrlimit),
	CALL(uname), CALL(arch_prctl),
};

/* A daemon with a database. */
static const int serves[] = {
	/* files: where they may be written, Landlock says */
	CALL(open), CALL(openat), CALL(openat2), CALL(close_range), CALL(fallocate),
	CALL(fchown), CALL(fdatasync), CALL(flock), CALL(fsync),
	CALL(ftruncate), CALL(ftruncate64), CALL(pwrite64), CALL(pwritev),
	CALL(readahead), CALL(rename), CALL(renameat), CALL(sync_file_range),
	CALL(umask), CALL(unlink), CALL(unlinkat),
	/* loops */
	CALL(epoll_create), CALL(epoll_create1), CALL(epoll_ctl),
	CALL(epoll_pwait), CALL(epoll_pwait2), CALL(epoll_wait),
	CALL(eventfd), CALL(eventfd2), CALL(inotify_add_watch),
	CALL(inotify_init), CALL(inotify_init1), CALL(inotify_rm_watch),
	CALL(pipe), CALL(pipe2), CALL(pselect6), CALL(select), CALL(_newselect),
	CALL(signalfd), CALL(signalfd4), CALL(timerfd_create),
	CALL(timerfd_gettime), CALL(timerfd_settime),
	/* sockets that are there */
	CALL(accept), CALL(accept4), CALL(getpeername), CALL(getsockname),
	CALL(getsockopt), CALL(recvmmsg), CALL(sendmmsg), CALL(setsockopt),
	CALL(socketpair),
	/* memory that must not be in a core file or on a disk: OpenSSL */
	CALL(mlock), CALL(mlock2), CALL(munlock),
	CALL(setpriority),
};

static const int connects[] = { CALL(bind), CALL(connect) };

static const int processes[] = {
	CALL(pidfd_open), CALL(pidfd_send_signal), CALL(wait4), CALL(waitid),
};

/* No business of ours, whoever asks. */
static const int refused[] = {
	CALL(execve), CALL(execveat), CALL(fork), CALL(vfork),
	CALL(ptrace), CALL(process_vm_readv), CALL(process_vm_writev),
	CALL(process_madvise), CALL(kcmp), CALL(pidfd_getfd), CALL(kill),
	CALL(tkill), CALL(rt_sigqueueinfo), CALL(rt_tgsigqueueinfo),
	CALL(chroot), CALL(mount), CALL(move_mount), CALL(open_tree),
	CALL(pivot_root), CALL(setns), CALL(umount2), CALL(unshare),
	CALL(bpf), CALL(perf_event_open), CALL(userfaultfd),
	CALL(io_uring_enter), CALL(io_uring_register), CALL(io_uring_setup),
	CALL(io_setup), CALL(io_submit), CALL(add_key), CALL(keyctl),
	CALL(request_key), CALL(delete_module), CALL(finit_module),
	CALL(init_module), CALL(kexec_file_load), CALL(kexec_load),
	CALL(acct), CALL(ioperm), CALL(iopl), CALL(modify_ldt),
	CALL(open_by_handle_at), CALL(quotactl), CALL(reboot), CALL(swapoff),
	CALL(swapon), CALL(syslog), CALL(vhangup), CALL(adjtimex),
	CALL(clock_adjtime), CALL(clock_settime), CALL(settimeofday),
	CALL(capset), CALL(personality), CALL(sethostname),
	CALL(setdomainname), CALL(setrlimit), CALL(setfsgid), CALL(setfsuid),
	CALL(setgid), CALL(setgroups), CALL(setregid), CALL(setresgid),
	CALL(setresuid), CALL(setreuid), CALL(setuid), CALL(setpgid),
	CALL(setsid), CALL(chmod), CALL(chown), CALL(fchmodat),
	CALL(fchownat), CALL(lchown), CALL(link), CALL(linkat), CALL(mkdir),
	CALL(mkdirat), CALL(mknod), CALL(mknodat), CALL(renameat2),
	CALL(rmdir), CALL(setxattr),
	CALL(fsetxattr), CALL(lsetxattr), CALL(symlink), CALL(symlinkat),
	CALL(truncate), CALL(truncate64), CALL(memfd_create),
	CALL(pkey_mprotect), CALL(shmat), CALL(shmget),
};
/* clang-format on */

/* ---- by an argument --------------------------------------------------- */

struct condition {
	int call;
	unsigned uses; /* of enum sandbox_use: one of them; 0: always */
	unsigned arg;
	scmp_datum_t mask, value;
};

#define READ_ONLY_MASK                                                         \
	(O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY))

static const struct condition conditions[] = {
	/* memory is written or executed, not both */
	{ CALL(mmap), 0, 2, PROT_WRITE | PROT_EXEC, 0 },
	{ CALL(mmap), 0, 2, PROT_WRITE | PROT_EXEC, PROT_WRITE },
	{ CALL(mmap), 0, 2, PROT_WRITE | PROT_EXEC, PROT_EXEC },
	{ CALL(mmap2), 0, 2, PROT_WRITE | PROT_EXEC, 0 },
	{ CALL(mmap2), 0, 2, PROT_WRITE | PROT_EXEC, PROT_WRITE },
	{ CALL(mmap2), 0, 2, PROT_WRITE | PROT_EXEC, PROT_EXEC },
	{ CALL(mprotect), 0, 2, PROT_EXEC, 0 },
	/* threads, not processes; clone3() hides this and is not there */
	{ CALL(clone), 0, 0, CLONE_THREAD, CLONE_THREAD },
	/* limits are read */
	{ CALL(prlimit64), 0, 2, UINT64_MAX, 0 },
	/* no set-user-ID files: SQLite gives its log the database's mode */
	{ CALL(fchmod), 0, 1, 07000, 0 },
	/* futimens(3): of what is open, no path */
	{ CALL(utimensat), 0, 1, UINT64_MAX, 0 },
	{ CALL(prctl), 0, 0, LOW, PR_SET_NAME },
	{ CALL(prctl), 0, 0, LOW, PR_GET_NAME },
	{ CALL(prctl), 0, 0, LOW, PR_SET_VMA },
	{ CALL(prctl), 0, 0, LOW, PR_GET_DUMPABLE },
	{ CALL(prctl), 0, 0, LOW, PR_GET_NO_NEW_PRIVS },
	{ CALL(prctl), 0, 0, LOW, PR_GET_SECCOMP },
	{ CALL(ioctl), 0, 1, LOW, FIONREAD },
	{ CALL(ioctl), 0, 1, LOW, FIONBIO },
	{ CALL(ioctl), 0, 1, LOW, FIOCLEX },
	{ CALL(ioctl), 0, 1, LOW, TCGETS },
	{ CALL(ioctl), 0, 1, LOW, TIOCGWINSZ },
	/* names of interfaces: %eth0 behind an address */
	{ CALL(ioctl), SANDBOX_CONNECTS, 1, LOW, SIOCGIFINDEX },
	{ CALL(ioctl), SANDBOX_CONNECTS, 1, LOW, SIOCGIFNAME },
	{ CALL(socket), 0, 0, LOW, AF_UNIX }, /* sd_notify(3) */
	{ CALL(socket), SANDBOX_CONNECTS, 0, LOW, AF_INET },
	{ CALL(socket), SANDBOX_CONNECTS, 0, LOW, AF_INET6 },
	{ CALL(socket), SANDBOX_CONNECTS, 0, LOW, AF_NETLINK },
	{ CALL(open), SANDBOX_LOOKS, 1, READ_ONLY_MASK, O_RDONLY },
	{ CALL(openat), SANDBOX_LOOKS, 2, READ_ONLY_MASK, O_RDONLY },
};

static int add_condition(scmp_filter_ctx ctx, const struct condition *c)
{
	const struct scmp_arg_cmp compare = {
		.arg = c->arg,
		.op = SCMP_CMP_MASKED_EQ,
		.datum_a = c->mask,
		.datum_b = c->value,
	};

	return seccomp_rule_add_array(
	    ctx, SCMP_ACT_ALLOW, c->call, 1, &compare);
}

static int add_conditions(scmp_filter_ctx ctx, unsigned uses)
{
	const unsigned n = sizeof(conditions) / sizeof(*conditions);
	int error = 0;

	for (unsigned i = 0; i < n && !error; i++) {
		const struct condition *c = &conditions[i];

		if (SANITIZED &&
		    (c->call == CALL(clone) || c->call == CALL(prctl)))
			continue;
		if (!c->uses || (c->uses & uses))
			error = add_condition(ctx, c);
	}
	return error;
}

/* abort(3), assert(3): a signal to ourselves. */
static int add_own_signals(scmp_filter_ctx ctx)
{
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, CALL(tgkill), 1,
	    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
}

/* ---- all of it -------------------------------------------------------- */

static int add_all(scmp_filter_ctx ctx, uint32_t action, const int *calls,
    size_t n, bool wanted)
{
	int error = 0;

	for (size_t i = 0; i < n && wanted && !error; i++) {
		/* a sanitizer's */
		if (SANITIZED && action != SCMP_ACT_ALLOW &&
		    calls[i] == CALL(ptrace))
			continue;
		error = seccomp_rule_add(ctx, action, calls[i], 0);
	}
	return error;
}
#define N(list) (list), sizeof(list) / sizeof(*(list))

static int add_lists(scmp_filter_ctx ctx, unsigned uses)
{
	static const int sanitizers[] = { CALL(clone), CALL(prctl),
		CALL(ptrace), CALL(wait4) };
	const uint32_t allow = SCMP_ACT_ALLOW;
	bool daemon = !(uses & SANDBOX_LOOKS);
	int error;

	if ((error = add_all(ctx, allow, N(looks), true)) ||
	    (error = add_all(ctx, allow, N(serves), daemon)) ||
	    (error = add_all(
	         ctx, allow, N(connects), uses & SANDBOX_CONNECTS)) ||
	    (error = add_all(
	         ctx, allow, N(processes), uses & SANDBOX_PROCESSES)) ||
	    (error = add_all(ctx, allow, N(sanitizers), SANITIZED)))
		return error;
	return add_all(ctx, SCMP_ACT_ERRNO(EPERM), N(refused), true);
}

static int set_up(scmp_filter_ctx ctx)
{
	int error;

	if ((error = seccomp_attr_set(
	         ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS)) ||
	    (error = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1)) ||
	    (error = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2)) ||
	    (error = seccomp_attr_set(ctx, SCMP_FLTATR_API_SYSRAWRC, 1)))
		return error;
	/* older kernels do without: the log; speed, as nothing foreign runs */
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_LOG, 1);
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_SSB, 1);
	return 0;
}

int calls_restrict(unsigned uses)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int error;

	if (!ctx)
		return -EOPNOTSUPP; /* also of an architecture */
	if (!(error = set_up(ctx)) && !(error = add_lists(ctx, uses)) &&
	    !(error = add_conditions(ctx, uses)) &&
	    !(error = add_own_signals(ctx)))
		error = seccomp_load(ctx);
	seccomp_release(ctx);
	return error;
}
