// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * datagram_support - a UDP server in the loop of a test.
 */
#include "support.h"

#include <errno.h>

struct datagram_server {
	const char *answer; /* NULL: none */
	size_t answer_len;  /* 0: it is text */
	/* Makes an answer of request in its place instead; 0: none. */
	size_t (*reply)(void *arg, char *request, size_t len, size_t room);
	void *arg;
	bool is_v6;
	/* set by the server */
	int fd, port;
	struct event *readable;
	char request[4096]; /* the last one */
	size_t request_len;
	struct sockaddr_storage peer; /* who sent it */
	socklen_t peer_len;
	unsigned n;
};

static inline void datagram_on_readable(
    evutil_socket_t fd, short what, void *arg)
{
	struct datagram_server *s = arg;
	char buf[65536];
	ssize_t n;

	(void)what;
	s->peer_len = sizeof(s->peer);
	n = recvfrom(
	    fd, buf, sizeof(buf), 0, (struct sockaddr *)&s->peer, &s->peer_len);
	if (n < 0)
		return;
	s->n++;
	s->request_len =
	    (size_t)n < sizeof(s->request) ? (size_t)n : sizeof(s->request);
	memcpy(s->request, buf, s->request_len);
	size_t len = s->answer_len;

	if (s->reply) {
		len = s->reply(s->arg, buf, (size_t)n, sizeof(buf));
	} else if (s->answer) {
		len = len ? len : strlen(s->answer);
		memcpy(buf, s->answer, len);
	}
	if (s->answer || (s->reply && len)) {
		(void)sendto(
		    fd, buf, len, 0, (struct sockaddr *)&s->peer, s->peer_len);
	}
}

/* What is above the comment in the struct is set before. */
static inline void datagram_start(struct datagram_server *s, struct loop *l)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr *a = s->is_v6 ? (void *)&v6 : (void *)&v4;
	socklen_t len = s->is_v6 ? sizeof(v6) : sizeof(v4);

	s->fd = socket(a->sa_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(0, bind(s->fd, a, len));
	assert_int_equal(0, getsockname(s->fd, a, &len));
	s->port = ntohs(s->is_v6 ? v6.sin6_port : v4.sin_port);
	s->readable = event_new(
	    l->base, s->fd, EV_READ | EV_PERSIST, datagram_on_readable, s);
	assert_int_equal(0, event_add(s->readable, NULL));
}

static inline void datagram_stop(struct datagram_server *s)
{
	event_free(s->readable);
	close(s->fd);
}
