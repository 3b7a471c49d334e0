// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/keeper/kept.h"

#include "schema/base/notify.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct kept {
	struct event *event; /* of the keeper's questions, or of the beat */
	bool has_keeper;
	void (*gone)(void *arg);
	void *arg;
};

static void on_question(evutil_socket_t fd, short what, void *arg)
{
	struct kept *k = arg;
	char c;
	ssize_t n;

	(void)what;
	while ((n = recv(fd, &c, 1, MSG_DONTWAIT)) > 0)
		(void)send(fd, &c, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	(void)event_del(k->event);
	k->gone(k->arg);
}

static void on_beat(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	notify_state("WATCHDOG=1");
}

/* Only the fd of the keeper is one; a variable alone may be inherited. */
static bool is_kept(void)
{
	const char *said = getenv(KEPT_ENV);
	int type = 0;
	socklen_t len = sizeof(type);

	return said && strcmp(said, "3") == 0 &&
	       getsockopt(KEPT_FD, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
	       type == SOCK_SEQPACKET;
}

static void begin_beats(struct kept *k, struct event_base *base)
{
	int64_t beat_ms = notify_beat_ms();
	const struct timeval wait = { .tv_sec = beat_ms / 1000,
		.tv_usec = beat_ms % 1000 * 1000 };

	if (!beat_ms)
		return;
	k->event = event_new(base, -1, EV_PERSIST, on_beat, k);
	if (!k->event || event_add(k->event, &wait) < 0)
		abort(); /* out of memory */
	notify_state("WATCHDOG=1");
}

struct kept *kept_attach(
    struct event_base *base, void (*gone)(void *arg), void *arg)
{
	struct kept *k = xcalloc(1, sizeof(*k));

	k->gone = gone;
	k->arg = arg;
	k->has_keeper = is_kept();
	if (!k->has_keeper) {
		begin_beats(k, base);
		return k;
	}
	(void)fcntl(KEPT_FD, F_SETFD, FD_CLOEXEC);
	(void)unsetenv(KEPT_ENV);
	k->event =
	    event_new(base, KEPT_FD, EV_READ | EV_PERSIST, on_question, k);
	if (!k->event || event_add(k->event, NULL) < 0)
		abort(); /* out of memory */
	return k;
}

bool kept_has_keeper(const struct kept *k)
{
	return k->has_keeper;
}

void kept_free(struct kept *k)
{
	if (!k)
		return;
	if (k->event)
		event_free(k->event);
	free(k);
}
