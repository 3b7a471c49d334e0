// SPDX-License-Identifier: BSD-2-Clause
/*
 * A child of each test goes into the sandbox, since there is no way back, and
 * says by its status what happened there.
 */
#include "schema/base/scoped.h"
#include "schema/sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define NOT_IN_FORCE 99 /* the kernel has it not */

/* ---- children --------------------------------------------------------- */

struct folder {
	char top[64];   /* nobody's */
	char own[96];   /* of the registry */
	char file[112]; /* in it */
};

static void make_folder(struct folder *f)
{
	(void)snprintf(f->top, sizeof(f->top), "/tmp/sandbox-XXXXXX");
	assert_non_null(mkdtemp(f->top));
	(void)snprintf(f->own, sizeof(f->own), "%s/own", f->top);
	assert_int_equal(0, mkdir(f->own, 0700));
	(void)snprintf(f->file, sizeof(f->file), "%s/registry.db", f->own);
}

static void remove_folder(const struct folder *f)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)execl("/bin/rm", "rm", "-rf", f->top, (char *)NULL);
		_exit(1);
	}
	assert_int_equal(pid, waitpid(pid, NULL, 0));
}

/* The status of fn in a child. */
static int in_child(int (*fn)(const struct folder *f), const struct folder *f)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(fn(f));
	assert_int_equal(pid, waitpid(pid, &status, 0));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* In a child; ends it with 1 unless that holds. */
static void check(bool holds, const char *what, int line)
{
	if (holds)
		return;
	(void)fprintf(stderr, "line %d: %s: %s\n", line, what, strerror(errno));
	_exit(1);
}

#define CHECK(holds) check((holds), #holds, __LINE__)

static int in_folder(int (*fn)(const struct folder *f))
{
	struct folder f = { 0 };

	make_folder(&f);
	int status = in_child(fn, &f);

	remove_folder(&f);
	return status;
}

static void passes(int (*fn)(const struct folder *f))
{
	int status = in_folder(fn);

	if (status == NOT_IN_FORCE)
		skip();
	assert_int_equal(0, status);
}

/* ---- files ------------------------------------------------------------ */

static bool opens(const char *path, int flags)
{
	scoped_fd int fd = open(path, flags | O_CLOEXEC, 0600);

	return fd >= 0;
}

static bool may_not(bool done)
{
	return !done && (errno == EACCES || errno == EPERM);
}

static int only_own_files(const struct folder *f)
{
	struct sandbox s = { .mode = SANDBOX_AUTO };
	char outside[128], other[128], below[128];

	(void)snprintf(outside, sizeof(outside), "%s/outside", f->top);
	(void)snprintf(other, sizeof(other), "%s/other", f->top);
	(void)snprintf(below, sizeof(below), "%s/x", f->own);
	CHECK(opens(outside, O_CREAT | O_WRONLY));
	CHECK(sandbox_files(&s, f->file, NULL) == 0);
	CHECK(s.no_new_privileges);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	if (!s.landlock)
		return NOT_IN_FORCE;
	/* reading stays */
	CHECK(opens(outside, O_RDONLY));
	CHECK(opens("/proc/1/stat", O_RDONLY));
	CHECK(opens("/etc/passwd", O_RDONLY));
	CHECK(opens("/dev/null", O_RDWR));
	/* its own */
	CHECK(opens(f->file, O_CREAT | O_RDWR));
	CHECK(opens(f->file, O_RDWR | O_TRUNC));
	CHECK(unlink(f->file) == 0);
	/* nobody else's */
	CHECK(may_not(opens(outside, O_WRONLY)));
	CHECK(may_not(opens(outside, O_RDWR)));
	CHECK(may_not(opens(other, O_CREAT | O_WRONLY)));
	CHECK(may_not(unlink(outside) == 0));
	CHECK(may_not(mkdir(other, 0700) == 0));
	CHECK(may_not(mkdir(below, 0700) == 0));
	CHECK(may_not(symlink("/etc/shadow", below) == 0));
	CHECK(may_not(mkfifo(below, 0600) == 0));
	CHECK(may_not(execl("/bin/true", "true", (char *)NULL) == 0));
	return 0;
}

static void files_outside_are_not_written(void **state)
{
	(void)state;
	passes(only_own_files);
}

/* The name is a link, as of a disk that moves: both ends are its own. */
static int links_are_followed(const struct folder *f)
{
	struct sandbox s = { .mode = SANDBOX_AUTO };
	char link[128], aside[128];

	(void)snprintf(link, sizeof(link), "%s/link", f->top);
	(void)snprintf(aside, sizeof(aside), "%s/aside", f->top);
	CHECK(mkdir(link, 0700) == 0 && mkdir(aside, 0700) == 0);
	(void)snprintf(link, sizeof(link), "%s/link/r.db", f->top);
	CHECK(symlink("../own/registry.db", link) == 0);
	CHECK(sandbox_files(&s, link, NULL) == 0);
	if (!s.landlock)
		return NOT_IN_FORCE;
	CHECK(opens(f->file, O_CREAT | O_RDWR));
	CHECK(!sandbox_is_elsewhere(&s, link));
	(void)snprintf(link, sizeof(link), "%s/link/r.db-wal", f->top);
	CHECK(opens(link, O_CREAT | O_RDWR));
	(void)snprintf(aside, sizeof(aside), "%s/aside/r.db", f->top);
	CHECK(may_not(opens(aside, O_CREAT | O_RDWR)));
	CHECK(sandbox_is_elsewhere(&s, aside));
	return 0;
}

static void links_of_the_registry(void **state)
{
	(void)state;
	passes(links_are_followed);
}

/* made later, by somebody else */
static int later(const struct folder *f)
{
	struct sandbox s = { .mode = SANDBOX_AUTO };
	char file[128], dir[128];
	int begun[2], made[2];
	char c;

	(void)snprintf(dir, sizeof(dir), "%s/own/later", f->top);
	(void)snprintf(file, sizeof(file), "%s/own/later/r.db", f->top);
	CHECK(pipe(begun) == 0 && pipe(made) == 0);
	if (fork() == 0) {
		bool is_made =
		    read(begun[0], &c, 1) == 1 && mkdir(dir, 0700) == 0;

		_exit(is_made && write(made[1], "", 1) == 1 ? 0 : 1);
	}
	CHECK(sandbox_files(&s, file, NULL) == 0);
	if (!s.landlock)
		return NOT_IN_FORCE;
	CHECK(s.places.above && strstr(s.places.text, "/own'"));
	CHECK(write(begun[1], "", 1) == 1 && read(made[0], &c, 1) == 1);
	CHECK(opens(file, O_CREAT | O_RDWR));
	CHECK(!sandbox_is_elsewhere(&s, file));
	CHECK(may_not(opens(f->top, O_TMPFILE | O_WRONLY)));
	return 0;
}

static void a_directory_that_comes_later(void **state)
{
	(void)state;
	passes(later);
}

/* ---- calls ------------------------------------------------------------ */

static bool is_refused(long result)
{
	return result < 0 && (errno == EPERM || errno == ENOSYS);
}

static void *say_seccomp(void *arg)
{
	long *ret = arg;

	*ret = prctl(PR_GET_SECCOMP, 0, 0, 0, 0);
	errno = 0;
	if (!is_refused(syscall(SYS_unshare, CLONE_FS)))
		*ret = -1;
	return NULL;
}

static int no_far_reaching_calls(const struct folder *f)
{
	char *const none[] = { NULL };

	CHECK(is_refused(execve("/bin/true", none, none)));
	CHECK(
	    is_refused(syscall(SYS_execveat, -1, "/bin/true", none, none, 0)));
	CHECK(is_refused(syscall(SYS_clone3, NULL, 0)));
	CHECK(is_refused(syscall(SYS_kill, getppid(), 0)));
	CHECK(is_refused(syscall(SYS_tgkill, getppid(), getppid(), 0)));
	CHECK(is_refused(syscall(SYS_unshare, CLONE_NEWUSER)));
	CHECK(is_refused(syscall(SYS_mount, "a", "/", "tmpfs", 0, NULL)));
	CHECK(is_refused(syscall(SYS_bpf, 0, NULL, 0)));
	CHECK(is_refused(syscall(SYS_io_uring_setup, 1, NULL)));
	CHECK(is_refused(syscall(SYS_keyctl, 0, 0, 0, 0, 0)));
	CHECK(is_refused(syscall(SYS_process_vm_readv, getppid(), 0, 0, 0, 0)));
	CHECK(is_refused(syscall(SYS_setresuid, 0, 0, 0)));
	CHECK(is_refused(syscall(SYS_capset, NULL, NULL)));
	CHECK(is_refused(syscall(SYS_memfd_create, "x", 0)));
	CHECK(is_refused(syscall(SYS_truncate, f->file, 0)));
	CHECK(is_refused(chmod(f->own, 0777)));
	CHECK(is_refused(socket(AF_PACKET, SOCK_RAW, 0)));
	CHECK(is_refused(socket(AF_VSOCK, SOCK_STREAM, 0)));
	CHECK(is_refused(syscall(600))); /* of a kernel to come */
	return 0;
}

static int no_code_is_made(void)
{
	const struct rlimit limit = { 100, 100 };
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(page != MAP_FAILED);
	CHECK(is_refused(mprotect(page, 4096, PROT_READ | PROT_EXEC)));
	CHECK(mmap(NULL, 4096, PROT_WRITE | PROT_EXEC,
	          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	CHECK(mprotect(page, 4096, PROT_READ) == 0);
	CHECK(is_refused(setrlimit(RLIMIT_NOFILE, &limit)));
	return 0;
}

static int what_is_needed(const struct folder *f)
{
	pthread_t thread;
	long seccomp = 0;
	int n;

	scoped_fd int fd = open(f->file, O_CREAT | O_RDWR | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && fchmod(fd, 0640) == 0 && ftruncate(fd, 4096) == 0);
	CHECK(is_refused(fchmod(fd, 04755)));
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) !=
	      MAP_FAILED);
	CHECK(pthread_create(&thread, NULL, say_seccomp, &seccomp) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(seccomp == SECCOMP_MODE_FILTER);
	CHECK(ioctl(STDERR_FILENO, FIONREAD, &n) == 0 || errno != EPERM);
	CHECK(raise(0) == 0);
	return 0;
}

/* abort() in the child ends it by SIGABRT, as without */
static int end_by_abort(const struct folder *f)
{
	struct sandbox s = { .mode = SANDBOX_AUTO };
	struct rlimit none = { 0, 0 };

	(void)f;
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)sandbox_calls(&s, NULL);
	abort();
}

static int calls_of_dnsd(const struct folder *f)
{
	struct sandbox s = { .mode = SANDBOX_AUTO };

	CHECK(sandbox_files(&s, f->file, NULL) == 0);
	CHECK(sandbox_calls(&s, NULL) == 0);
	if (!s.calls)
		return NOT_IN_FORCE;
	CHECK(no_far_reaching_calls(f) == 0);
	CHECK(no_code_is_made() == 0);
	CHECK(what_is_needed(f) == 0);
	CHECK(is_refused(socket(AF_INET, SOCK_STREAM, 0)));
	CHECK(is_refused(socket(AF_NETLINK, SOCK_RAW, 0)));
	CHECK(is_refused(syscall(SYS_pidfd_open, getpid(), 0)));
	return 0;
}

static int calls_of_registrar(const struct folder *f)
{
	struct sandbox s = { .mode = SANDBOX_AUTO,
		.uses = SANDBOX_CONNECTS | SANDBOX_PROCESSES };

	CHECK(sandbox_files(&s, f->file, NULL) == 0);
	CHECK(sandbox_calls(&s, NULL) == 0);
	if (!s.calls)
		return NOT_IN_FORCE;
	CHECK(no_far_reaching_calls(f) == 0);
	CHECK(no_code_is_made() == 0);
	CHECK(what_is_needed(f) == 0);
	CHECK(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0 ||
	      errno == EAFNOSUPPORT);
	CHECK(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0) >= 0);
	CHECK(syscall(SYS_pidfd_open, getppid(), 0) >= 0);
	return 0;
}

static int calls_of_looker(const struct folder *f)
{
	struct sandbox s = { .uses = SANDBOX_LOOKS };

	CHECK(opens(f->file, O_CREAT | O_RDWR));
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(sandbox_calls(&s, NULL) == 0);
	if (!s.calls)
		return NOT_IN_FORCE;
	CHECK(no_far_reaching_calls(f) == 0);
	CHECK(opens("/proc/self/stat", O_RDONLY));
	CHECK(opens("/proc", O_RDONLY | O_DIRECTORY));
	CHECK(!opens(f->file, O_RDWR) && !opens(f->file, O_WRONLY));
	CHECK(!opens(f->file, O_RDONLY | O_TRUNC));
	CHECK(!opens(f->file, O_RDONLY | O_CREAT));
	CHECK(is_refused(unlink(f->file)));
	CHECK(is_refused(socket(AF_INET, SOCK_STREAM, 0)));
	CHECK(is_refused(connect(0, NULL, 0)));
	return 0;
}

static void calls_are_refused(void **state)
{
	(void)state;
	passes(calls_of_dnsd);
	passes(calls_of_registrar);
	passes(calls_of_looker);
}

static void abort_still_ends(void **state)
{
	(void)state;
	assert_int_equal(-SIGABRT, in_folder(end_by_abort));
}

/* ---- modes ------------------------------------------------------------ */

static int off_changes_nothing(const struct folder *f)
{
	struct sandbox s = { .mode = SANDBOX_OFF };

	CHECK(sandbox_files(&s, f->file, NULL) == 0);
	CHECK(sandbox_calls(&s, NULL) == 0);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
	CHECK(prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0);
	CHECK(opens(f->top, O_TMPFILE | O_WRONLY) || errno == EOPNOTSUPP);
	return 0;
}

/* A filter that is there already may take seccomp(2) away, as in Docker. */
static int without_landlock(const struct folder *f)
{
	struct sandbox s = { .uses = SANDBOX_LOOKS };
	struct sandbox wanted = { .mode = SANDBOX_ON };
	struct sandbox automatic = { .mode = SANDBOX_AUTO };
	struct diag why = { "" };

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(sandbox_calls(&s, NULL) == 0);
	if (!s.calls)
		return NOT_IN_FORCE;
	CHECK(sandbox_files(&automatic, f->file, &why) == 0);
	CHECK(!automatic.landlock && automatic.no_landlock);
	CHECK(sandbox_files(&wanted, f->file, &why) < 0);
	/* it may not get so far as to ask for Landlock */
	CHECK(strstr(why.text, "Landlock") || strstr(why.text, "no_new_privs"));
	CHECK(strstr(why.text, "sandbox"));
	CHECK(sandbox_calls(&automatic, &why) == 0);
	CHECK(!automatic.calls && automatic.no_calls);
	CHECK(sandbox_calls(&wanted, &why) < 0);
	CHECK(strstr(why.text, "seccomp"));
	return 0;
}

static void modes(void **state)
{
	(void)state;
	passes(off_changes_nothing);
	passes(without_landlock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_outside_are_not_written),
		cmocka_unit_test(links_of_the_registry),
		cmocka_unit_test(a_directory_that_comes_later),
		cmocka_unit_test(calls_are_refused),
		cmocka_unit_test(abort_still_ends),
		cmocka_unit_test(modes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
