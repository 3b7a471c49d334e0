// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any octets from a TCP client, in pieces: the first octet says how long
 * those are. What comes back is whole frames of responses, whatever the
 * client said, and when it has ended the connection ends.
 */
#include "dnsd/transport/connection.h"
#include "tests/support/world.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { TURNS_MAX = 10000, FRAME_HEAD = 2, INPUT_MAX = 4096 };

static const char text[] = "zone svc.test\n"
                           "service web port 8080 max 0\n"
                           "instance i1 192.0.2.1 weight 10\n"
                           "instance i2 192.0.2.2 six 2001:db8::2\n";

/* Made once for all inputs. */
static struct {
	struct world *world;
	struct event_base *base;
	struct connection_pool *pool;
	_Atomic unsigned connection_n;
} server;

/* What a client has heard: where in a frame it is. */
struct ear {
	uint8_t head[FRAME_HEAD + 3]; /* length, id, flags */
	size_t at, frame_len;
};

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void end(void)
{
	connection_pool_free(server.pool);
	event_base_free(server.base);
	world_free(server.world);
}

static void begin(void)
{
	server.world = world_new(text);
	server.world->policy.cookies = COOKIES_ON;
	server.world->policy.secrets.n = 1;
	server.base = event_base_new();
	must(server.base != NULL);
	struct connection_host host = { server.base, server.world->handler,
		server.world->reader, NULL, &server.connection_n, 60000, NULL,
		NULL };
	server.pool = connection_pool_new(&host);
	(void)atexit(end);
}

static void hear_octet(struct ear *e, uint8_t octet)
{
	if (e->at < sizeof(e->head))
		e->head[e->at] = octet;
	e->at++;
	if (e->at == FRAME_HEAD) {
		e->frame_len = FRAME_HEAD + wire_get16(e->head);
		must(e->frame_len >= FRAME_HEAD + WIRE_HEADER_LEN);
	}
	if (e->at == sizeof(e->head))
		must(octet & WIRE_QR);
	if (e->at > FRAME_HEAD && e->at == e->frame_len)
		e->at = 0;
}

/* False: the server has ended. */
static bool hear(struct ear *e, int fd)
{
	uint8_t octets[65536];
	ssize_t n;

	while ((n = recv(fd, octets, sizeof(octets), MSG_DONTWAIT)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			hear_octet(e, octets[i]);
	}
	return n < 0;
}

static void turn(struct ear *e, int fd)
{
	(void)event_base_loop(server.base, EVLOOP_NONBLOCK);
	(void)hear(e, fd);
}

static void say(struct ear *e, int fd, const uint8_t *p, size_t len)
{
	size_t piece = 1u + p[0];

	p++;
	len--;
	for (unsigned i = 0; len > 0 && i < TURNS_MAX; i++) {
		size_t now = len < piece ? len : piece;
		ssize_t n = send(fd, p, now, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
		turn(e, fd);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct ear e = { .at = 0 };
	int fd[2];

	if (!server.world)
		begin();
	if (!len || len > INPUT_MAX)
		return 0;
	rng_seed_fixed(&server.world->handler->responder.rng, len);
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	         fd) == 0);
	connection_open(server.pool, fd[0], &server.world->peer, false, 0);
	say(&e, fd[1], data, len);
	(void)shutdown(fd[1], SHUT_WR);
	for (unsigned i = 0; connection_pool_size(server.pool); i++) {
		must(i < TURNS_MAX);
		turn(&e, fd[1]);
	}
	(void)hear(&e, fd[1]);
	must(e.at == 0); /* no part of a frame */
	close(fd[1]);
	return 0;
}
