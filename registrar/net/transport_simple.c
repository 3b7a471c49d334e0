// SPDX-License-Identifier: BSD-2-Clause
/*
 * Most checks send a few octets and read a few: that goes by send(2) and
 * recv(2), with an event only for what has to be waited for.
 */
#include "registrar/net/transport_impl.h"
#include "schema/base/diag.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define READ_MAX 16384 /* at a time */

static const char *const phases[] = { "cannot connect", "TLS handshake",
	"connection broke" };

void transport_tell_failed(struct transport *t, int error, const char *why)
{
	struct diag text;

	if (!why)
		why = error ? strerror(-error) : "for no known reason";
	(void)diag_set(&text, 0, "%s: %s", phases[t->phase], why);
	t->ops->failed(t->arg, error, text.text); /* may free t */
}

static void wait_for(struct transport *t, short what, event_callback_fn fn)
{
	if (t->ready)
		event_free(t->ready);
	t->ready = event_new(t->net->base, t->fd, what, fn, t);
	if (!t->ready || event_add(t->ready, NULL) < 0)
		abort(); /* out of memory */
}

static bool is_passing(int error)
{
	return error == EAGAIN || error == EINTR;
}

/* False: it broke, errno says why. */
static bool write_some(struct transport *t)
{
	ssize_t n = send(t->fd, t->out, t->out_len, MSG_NOSIGNAL);

	if (n < 0)
		return is_passing(errno);
	t->out += n;
	t->out_len -= (size_t)n;
	return true;
}

static void on_simple(evutil_socket_t fd, short what, void *arg)
{
	struct transport *t = arg;
	char data[READ_MAX];

	if (what & EV_WRITE && !write_some(t))
		t->broken = errno;
	if (t->broken) {
		transport_tell_failed(t, -t->broken, NULL);
		return;
	}
	if (what & EV_WRITE && !t->out_len)
		wait_for(t, EV_READ | EV_PERSIST, on_simple);
	ssize_t n = recv(fd, data, sizeof(data), 0);

	if (n > 0) {
		t->in = data;
		t->in_len = (size_t)n;
		t->ops->readable(t->arg); /* may free t */
	} else if (n == 0) {
		t->ended = true;
		t->ops->ended(t->arg); /* may free t */
	} else if (!is_passing(errno)) {
		transport_tell_failed(t, -errno, NULL);
	}
}

void transport_simple_begin(struct transport *t)
{
	wait_for(t, EV_READ | EV_PERSIST, on_simple);
}

void transport_write(struct transport *t, const char *data, size_t len)
{
	if (t->bev) {
		if (evbuffer_add_reference(bufferevent_get_output(t->bev), data,
		        len, NULL, NULL) < 0)
			abort(); /* out of memory */
		return;
	}
	t->out = data;
	t->out_len = len;
	if (!write_some(t)) {
		t->broken = errno;
		event_active(t->ready, EV_READ, 0); /* told from the loop */
	} else if (t->out_len) {
		wait_for(t, EV_READ | EV_WRITE | EV_PERSIST, on_simple);
	}
}

size_t transport_read(struct transport *t, char *data, size_t room)
{
	if (t->bev) {
		int n =
		    evbuffer_remove(bufferevent_get_input(t->bev), data, room);

		return n > 0 ? (size_t)n : 0;
	}
	size_t n = t->in_len < room ? t->in_len : room;

	memcpy(data, t->in, n);
	t->in += n;
	t->in_len -= n;
	return n;
}
