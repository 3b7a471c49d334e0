// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/keeper/keeper.h"

#include "registrar/keeper/keeper_child.h"
#include "schema/base/helper.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct keeper {
	pid_t pid; /* 0: it has ended */
	int fd;
	struct event *ended;
	void (*gone)(void *arg);
	void *arg;
};

/* It never says anything. */
static void on_ended(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;
	char c;

	(void)what;
	if (recv(fd, &c, 1, MSG_DONTWAIT) < 0 &&
	    (errno == EAGAIN || errno == EINTR))
		return;
	(void)event_del(k->ended);
	(void)waitpid(k->pid, NULL, 0);
	k->pid = 0;
	k->gone(k->arg);
}

int keeper_new(struct event_base *base, void (*gone)(void *arg), void *arg,
    struct keeper **ret_k, struct diag *reterr)
{
	struct keeper *k = xcalloc(1, sizeof(*k));
	int error =
	    helper_start(SOCK_SEQPACKET, keeper_child, &k->pid, &k->fd, reterr);

	if (error < 0) {
		free(k);
		return error;
	}
	k->gone = gone;
	k->arg = arg;
	k->ended = event_new(base, k->fd, EV_READ | EV_PERSIST, on_ended, k);
	if (!k->ended || event_add(k->ended, NULL) < 0)
		abort(); /* out of memory */
	*ret_k = k;
	return 0;
}

int keeper_add(struct keeper *k, enum keeper_how how, const char *const *argv,
    struct diag *reterr)
{
	char packet[2 + KEEPER_ARGV_MAX] = { KEEPER_START, (char)how };
	size_t len = 2;

	for (size_t i = 0; argv[i]; i++) {
		size_t n = strlen(argv[i]) + 1;

		if (i == KEEPER_ARGS_MAX || n > sizeof(packet) - len) {
			return diag_set(reterr, -E2BIG,
			    "the command line of `%s` is too long", argv[0]);
		}
		memcpy(packet + len, argv[i], n);
		len += n;
	}
	if (send(k->fd, packet, len, MSG_NOSIGNAL) != (ssize_t)len) {
		return diag_set(reterr, -errno, "cannot start `%s`: %s",
		    argv[0], strerror(errno));
	}
	return 0;
}

void keeper_free(struct keeper *k)
{
	const char end = KEEPER_END;

	if (!k)
		return;
	event_free(k->ended);
	(void)send(k->fd, &end, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)close(k->fd);
	helper_end(k->pid);
	free(k);
}
