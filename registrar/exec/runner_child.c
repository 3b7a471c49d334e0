// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/exec/runner_child.h"

#include "registrar/lib/budget.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What the child is to become. */
struct birth {
	const struct run_request *q;
	int32_t *shared_error;
};

/*
 * To the output, which is the detail of the verdict; if we are short of
 * something, there will be none. EAGAIN is too many processes of that user.
 */
_Noreturn static void give_up(
    const struct birth *b, const char *what, int error, const char *why)
{
	if (error == -EAGAIN || budget_is_short(error))
		*b->shared_error = error;
	(void)dprintf(STDERR_FILENO, "cannot run '%s'%s: %s", b->q->argv[0],
	    what, why ? why : strerror(-error));
	_exit(RUN_CANNOT);
}

/* ---- descriptors and signals ------------------------------------------ */

static void set_descriptors(int out)
{
	int null = open("/dev/null", O_RDONLY);

	(void)dup2(out, STDOUT_FILENO);
	(void)dup2(out, STDERR_FILENO);
	(void)dup2(null, STDIN_FILENO);
	(void)syscall(SYS_close_range, STDERR_FILENO + 1U, ~0U, 0);
}

static void set_signals(void)
{
	sigset_t none;

	for (int n = 1; n < NSIG; n++)
		(void)signal(n, SIG_DFL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* ---- limits ----------------------------------------------------------- */

static void limit(
    const struct birth *b, __rlimit_resource_t which, rlim_t soft, rlim_t hard)
{
	struct rlimit now, want = { .rlim_cur = soft, .rlim_max = hard };

	/* never above what we have ourselves */
	if (getrlimit(which, &now) == 0 && now.rlim_max < want.rlim_max)
		want.rlim_max = now.rlim_max;
	if (want.rlim_cur > want.rlim_max)
		want.rlim_cur = want.rlim_max;
	if (setrlimit(which, &want) < 0)
		give_up(b, " with its limits", -errno, NULL);
}

static void set_limits(const struct birth *b)
{
	const struct run_header *h = &b->q->head;

	limit(b, RLIMIT_CORE, 0, 0);
	/* SIGXCPU first, SIGKILL a second later */
	if (h->cpu_s)
		limit(b, RLIMIT_CPU, h->cpu_s, h->cpu_s + 1);
	/* what it may write to, so not what it merely reserves */
	if (h->memory_len)
		limit(b, RLIMIT_DATA, h->memory_len, h->memory_len);
	if (h->files_n)
		limit(b, RLIMIT_NOFILE, h->files_n, h->files_n);
}

/* ---- user and groups -------------------------------------------------- */

/* Digits alone. */
static bool parse_number(const char *text, unsigned *ret_n)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	unsigned long n = strtoul(text, &end, 10);

	*ret_n = (unsigned)n;
	return !*end && !errno && n < UINT32_MAX;
}

struct identity {
	uid_t uid;
	gid_t gid;
	char name[256]; /* "": it has none, so no groups but gid */
};

static void find_user(const struct birth *b, struct identity *id)
{
	const char *user = b->q->user;
	unsigned number = 0;
	bool numeric = parse_number(user, &number);

	errno = 0; /* left so if there is none */
	const struct passwd *p = numeric ? getpwuid(number) : getpwnam(user);

	if (!p && !numeric)
		give_up(b, " as its user", -errno, "no such user");
	id->uid = p ? p->pw_uid : number;
	id->gid = p ? p->pw_gid : number;
	if (p)
		(void)snprintf(id->name, sizeof(id->name), "%s", p->pw_name);
}

static void find_group(const struct birth *b, struct identity *id)
{
	unsigned number = 0;
	const struct group *g;

	if (parse_number(b->q->group, &number)) {
		id->gid = number;
		return;
	}
	errno = 0;
	g = getgrnam(b->q->group);
	if (g) {
		id->gid = g->gr_gid;
	} else {
		give_up(b, " with its group", -errno, "no such group");
	}
}

/* Cannot be undone: real, effective and saved, and groups before users. */
static int become(const struct identity *id)
{
	if ((id->name[0] ? initgroups(id->name, id->gid)
	                 : setgroups(1, &id->gid)) < 0 ||
	    setresgid(id->gid, id->gid, id->gid) < 0 ||
	    setresuid(id->uid, id->uid, id->uid) < 0)
		return -errno;
	if (id->uid && (setuid(0) == 0 || seteuid(0) == 0))
		return -EPERM;
	return 0;
}

static void set_identity(const struct birth *b)
{
	const struct run_request *q = b->q;
	struct identity id = { .uid = getuid(), .gid = getgid() };

	if (*q->user)
		find_user(b, &id);
	if (*q->group)
		find_group(b, &id);
	/* asked for what it is: nothing to ask the kernel for */
	if (id.uid == geteuid() && id.uid == getuid() && id.gid == getegid() &&
	    (id.uid || (!*q->user && !*q->group)))
		return;
	int error = become(&id);

	if (error < 0)
		give_up(b, " as its user", error, NULL);
}

/* ---- all of it -------------------------------------------------------- */

_Noreturn void runner_child(
    const struct run_request *q, int out, int32_t *shared_error)
{
	const struct birth birth = { .q = q, .shared_error = shared_error };
	const struct birth *b = &birth;
	pid_t broker = getppid();

	(void)setsid();
	set_descriptors(out);
	set_signals();
	(void)umask(077);
	set_limits(b);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	set_identity(b);
	if (chdir(q->dir) < 0)
		give_up(b, " in its directory", -errno, NULL);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		give_up(b, "", -errno, NULL);
	/* after the change of user, which would clear it */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != broker)
		_exit(RUN_CANNOT);
	(void)execve(q->argv[0], q->argv, q->envp);
	give_up(b, "", -errno, NULL);
}
