// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * A thread of TCP connections on a port of its own, and clients of it, for
 * test_stream*.c. Everything waits at most PATIENCE_MS, then the test fails.
 */
#include "dnsd/transport/held.h"
#include "dnsd/transport/stream.h"
#include "dnsd/transport/udp.h"
#include "schema/base/clock.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "tests/support/ask.h"
#include "tests/support/world.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include <cmocka.h>

enum {
	PATIENCE_MS = 20000, /* sanitizers on a busy host */
	IDLE_LONG_MS = 60000,
	BIG_N = 600, /* instances of the service `big` */
	CONNECTIONS = 100,
};

static const char zone_text[] = "zone svc.test\n"
                                "service web port 80\n"
                                "instance i1 192.0.2.1\n";

/* A stream thread on a port of its own. */
struct site {
	struct world *world;
	struct stream *stream;
	_Atomic unsigned connection_n;
	struct stream_door door;
	int reserved_fd; /* keeps the port ours */
	/* of test_later.c; else NULL */
	struct later *later;
	struct udp *udp;
};

/* What is different from one site to another. */
struct site_plan {
	int64_t idle_ms;
	unsigned connection_max;
	struct tls_context *tls; /* NULL for plain TCP; borrowed */
	/* NULL: all is answered at once, and there is no UDP */
	const struct later_handler *const *later;
	struct later_config config;
	bool udp_wildcard; /* else 127.0.0.1, with the port of TCP */
};

static inline void add_big(struct world *w)
{
	enum { LINE_MAX_LEN = 80 };
	scoped_free char *text = xcalloc(BIG_N + 1, LINE_MAX_LEN);
	size_t at = (size_t)sprintf(text, "service big port 80\n");

	for (int i = 0; i < BIG_N; i++) {
		at += (size_t)snprintf(text + at, LINE_MAX_LEN,
		    "instance instance-%d 198.51.%d.%d\n", i, i / 250,
		    i % 250 + 1);
	}
	world_add(w, text);
}

/* Who answers afterwards, and a UDP socket: with the readers from 1 on. */
static inline void site_start_later(
    struct site *s, const struct site_plan *plan, struct handler_source *source)
{
	struct address a = s->door.address;
	struct diag diag;

	source->later = plan->later;
	assert_int_equal(
	    later_start(&plan->config, source,
	        reclaim_reader(s->world->reclaim, 2), &s->later, &diag),
	    0);
	source->queue = s->later;
	((struct sockaddr_in *)(void *)&a.storage)->sin_addr.s_addr =
	    htonl(plan->udp_wildcard ? INADDR_ANY : INADDR_LOOPBACK);
	assert_int_equal(
	    udp_start(&a, source, reclaim_reader(s->world->reclaim, 1), &s->udp,
	        &diag),
	    0);
}

static inline struct site *site_make(const struct site_plan *plan)
{
	struct site *s = xcalloc(1, sizeof(*s));
	struct sockaddr_in *in = (void *)&s->door.address.storage;
	struct stream_limits limits = { plan->connection_max, &s->connection_n,
		plan->idle_ms };
	int one = 1;
	struct diag diag;

	s->door.tls = plan->tls;
	s->world = world_new_readers(zone_text, 2 + plan->config.thread_n);
	add_big(s->world);
	s->reserved_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)setsockopt(
	    s->reserved_fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	in->sin_family = AF_INET;
	in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->door.address.len = sizeof(*in);
	assert_int_equal(bind(s->reserved_fd, (void *)in, sizeof(*in)), 0);
	assert_int_equal(
	    getsockname(s->reserved_fd, (void *)in, &s->door.address.len), 0);
	struct handler_source source = { s->world->catalog, &s->world->identity,
		&s->world->slot, WORLD_UDP_MAX, NULL, NULL, NULL, NULL };
	if (plan->later)
		site_start_later(s, plan, &source);
	assert_int_equal(stream_start(&s->door, 1, &limits, &source,
	                     s->world->reader, &s->stream, &diag),
	    0);
	return s;
}

/* tls: NULL for plain TCP; borrowed. */
static inline struct site *site_new_tls(
    int64_t idle_ms, unsigned connection_max, struct tls_context *tls)
{
	return site_make(&(struct site_plan){
	    .idle_ms = idle_ms, .connection_max = connection_max, .tls = tls });
}

static inline struct site *site_new(int64_t idle_ms, unsigned connection_max)
{
	return site_new_tls(idle_ms, connection_max, NULL);
}

/* In the order of server_stop(). */
static inline void site_free(struct site *s)
{
	stream_drain(s->stream);
	udp_stop(s->udp);
	later_end(s->later, STREAM_DRAIN_MS);
	stream_stop(s->stream);
	udp_free(s->udp);
	later_free(s->later);
	assert_int_equal(atomic_load(&s->connection_n), 0);
	close(s->reserved_fd);
	world_free(s->world);
	free(s);
}

static uint64_t counted(const struct site *s, enum stat what)
{
	return stats_get(stream_stats(s->stream), what);
}

static inline void wait_count(const struct site *s, enum stat what, uint64_t n)
{
	for (int i = 0; counted(s, what) < n && i < PATIENCE_MS; i++)
		(void)poll(NULL, 0, 1);
	assert_true(counted(s, what) >= n);
}

/* ---- a client --------------------------------------------------------- */

static inline int client_new(const struct site *s)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval patience = { PATIENCE_MS / 1000, 0 };

	assert_true(fd >= 0);
	(void)setsockopt(
	    fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	(void)setsockopt(
	    fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(fd, (const void *)&s->door.address.storage,
	                     s->door.address.len),
	    0);
	return fd;
}

/* Framed requests, one after another. */
struct script {
	uint8_t *octets;
	size_t len;
};

static inline void script_add(struct script *s, const void *msg, size_t len)
{
	s->octets = xreallocarray(s->octets, s->len + FRAME_LEN + len, 1);
	wire_put16(s->octets + s->len, (uint16_t)len);
	if (len)
		memcpy(s->octets + s->len + FRAME_LEN, msg, len);
	s->len += FRAME_LEN + len;
}

static inline void script_ask(struct script *s, const char *text, uint16_t id)
{
	char name[ASK_NAME_MAX];
	uint8_t msg[ASK_MAX];
	struct ask a;

	ask_parse(&a, name, text);
	a.id = id;
	size_t len = ask_build(&a, msg);
	wire_put16(msg, id);
	script_add(s, msg, len);
}

static inline void script_free(struct script *s)
{
	free(s->octets);
	*s = (struct script){ 0 };
}

static inline void say(int fd, const struct script *s)
{
	size_t at = 0;

	while (at < s->len) {
		ssize_t n = send(fd, s->octets + at, s->len - at, MSG_NOSIGNAL);

		assert_true(n > 0);
		at += (size_t)n;
	}
}

static inline void ask_one(int fd, const char *text, uint16_t id)
{
	struct script s = { 0 };

	script_ask(&s, text, id);
	say(fd, &s);
	script_free(&s);
}

static inline bool read_all(int fd, uint8_t *p, size_t len)
{
	while (len > 0) {
		ssize_t n = recv(fd, p, len, 0);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

struct heard {
	uint16_t id;
	unsigned rcode, answer_n;
	size_t len;
};

static inline bool hear(int fd, struct heard *ret_h)
{
	uint8_t frame[FRAME_LEN], msg[WIRE_MESSAGE_MAX];

	if (!read_all(fd, frame, sizeof(frame)))
		return false;
	size_t len = wire_get16(frame);
	if (!read_all(fd, msg, len) || len < WIRE_HEADER_LEN)
		return false;
	*ret_h = (struct heard){ wire_get16(msg), msg[3] & WIRE_RCODE,
		wire_get16(msg + 6), len };
	return true;
}

static inline void assert_heard(int fd, uint16_t id)
{
	struct heard h = { 0 };

	assert_true(hear(fd, &h));
	assert_int_equal(h.id, id);
	assert_int_equal(h.rcode, RCODE_NOERROR);
	assert_true(h.answer_n > 0);
}

/* Closed by the server, in order or not. */
static inline bool is_closed(int fd, int within_ms)
{
	struct pollfd p = { fd, POLLIN, 0 };
	uint8_t octet;

	if (poll(&p, 1, within_ms) != 1)
		return false;
	return recv(fd, &octet, 1, 0) <= 0;
}

/* Asks for big answers until it may not any more; returns the octets. */
static inline size_t stuff(int fd, size_t len_max)
{
	struct script script = { 0 };
	size_t sent = 0;

	for (uint16_t i = 0; i < 100; i++)
		script_ask(&script, "_big._tcp.svc.test SRV", i);
	while (sent < len_max) {
		struct pollfd p = { fd, POLLOUT, 0 };

		if (poll(&p, 1, 300) != 1)
			break;
		ssize_t n = send(
		    fd, script.octets, script.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n <= 0)
			break;
		sent += (size_t)n;
	}
	script_free(&script);
	return sent;
}
