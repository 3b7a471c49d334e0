// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/lib/looker_child.h"

#include "registrar/lib/procfs.h"
#include "registrar/lib/sockets.h"
#include "schema/base/helper.h"
#include "schema/sandbox/sandbox.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * Answers are collected: one request costs few calls. Not too many of them,
 * for the registrar sees by what comes that we are at it.
 */
struct answers {
	int fd;
	size_t len;
	char buf[2 * PATH_MAX];
};

static void flush(struct answers *a)
{
	for (size_t at = 0; at < a->len;) {
		ssize_t n = send(a->fd, a->buf + at, a->len - at, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			_exit(0); /* the registrar is gone */
		at += (size_t)n;
	}
	a->len = 0;
}

static void put(struct answers *a, const void *what, size_t len)
{
	if (len > sizeof(a->buf) - a->len)
		flush(a);
	memcpy(a->buf + a->len, what, len);
	a->len += len;
}

static void look_exe(struct answers *a, pid_t pid)
{
	char exe[PATH_MAX];
	int error = proc_see_exe(pid, exe, sizeof(exe));
	const struct looker_exe head = { .error = error,
		.len = error ? 0 : (uint32_t)strlen(exe) };

	put(a, &head, sizeof(head));
	put(a, exe, head.len);
}

static void on_socket(void *arg, int fd, uint64_t inode)
{
	const struct looker_socket s = { .error = 1, .fd = fd, .inode = inode };

	put(arg, &s, sizeof(s));
}

static void answer(struct answers *a, const struct looker_request *q)
{
	struct looker_socket end = { .error = 0 };

	switch (q->what) {
	case LOOK_EXES:
		for (uint32_t i = 0; i < q->n && i < LOOKER_LOT; i++)
			look_exe(a, q->pid[i]);
		break;
	case LOOK_SOCKETS:
		end.error = proc_see_sockets(q->pid[0], on_socket, a);
		put(a, &end, sizeof(end));
		break;
	case LOOK_SOCKET:
		end.inode = proc_see_socket(q->pid[0], q->fd);
		put(a, &end, sizeof(end));
		break;
	case LOOK_MARK:
		put(a, q->mark, sizeof(q->mark));
		break;
	}
	flush(a);
}

/* ---- life ------------------------------------------------------------- */

/* Nothing of the registrar but fd, and no outputs. */
void looker_child(void)
{
	/* whatever of it the kernel has: the registrar has told of it */
	struct sandbox sandbox = { .uses = SANDBOX_LOOKS };
	struct looker_request q;
	struct answers a = { .fd = HELPER_FD };
	ssize_t n;

	(void)prctl(PR_SET_NAME, "registrar-look");
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)sandbox_calls(&sandbox, NULL);
	for (;;) {
		n = recv(a.fd, &q, sizeof(q), MSG_WAITALL);
		if (n == sizeof(q)) {
			answer(&a, &q);
		} else if (n >= 0 || errno != EINTR) {
			return;
		}
	}
}
