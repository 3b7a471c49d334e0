// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/forward/bridge.h"

#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FARS_MAX = 16,
	CARRIED_MAX = 64,     /* connections at a time */
	HELD_MAX = 128 << 10, /* octets of one that wait to be sent */
	IDLE_S = 30,
	BACKLOG = 64,
};

/* An upstream, and the port that stands for it. */
struct far {
	struct bridge *of;
	struct sockaddr_storage address;
	int address_len;
	char name[256];
	struct evconnlistener *listener;
	unsigned port;
};

/* A connection from near to far. */
struct carried {
	struct bridge *of;
	struct bufferevent *near, *far;
};

struct bridge {
	struct event_base *base;
	SSL_CTX *tls;
	struct far far[FARS_MAX];
	unsigned far_n, carried_n;
};

/* ---- carrying --------------------------------------------------------- */

static void carried_free(struct carried *c)
{
	c->of->carried_n--;
	bufferevent_free(c->near);
	bufferevent_free(c->far);
	free(c);
}

static struct bufferevent *other_of(
    const struct carried *c, const struct bufferevent *one)
{
	return one == c->near ? c->far : c->near;
}

/* What one has said is the other's to send, and waits for it if need be. */
static void on_read(struct bufferevent *from, void *arg)
{
	struct bufferevent *to = other_of(arg, from);
	struct evbuffer *out = bufferevent_get_output(to);

	(void)bufferevent_write_buffer(to, bufferevent_get_input(from));
	if (evbuffer_get_length(out) > HELD_MAX)
		(void)bufferevent_disable(from, EV_READ);
}

static void on_written(struct bufferevent *to, void *arg)
{
	(void)bufferevent_enable(other_of(arg, to), EV_READ);
}

static void on_event(struct bufferevent *one, short what, void *arg)
{
	(void)one;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT))
		carried_free(arg);
}

static void join(struct bufferevent *b, struct carried *c)
{
	static const struct timeval idle = { IDLE_S, 0 };

	bufferevent_setcb(b, on_read, on_written, on_event, c);
	(void)bufferevent_set_timeouts(b, &idle, &idle);
	(void)bufferevent_enable(b, EV_READ | EV_WRITE);
}

/* It is who the name says, or nothing is sent. */
static SSL *new_tls(struct far *f)
{
	SSL *tls = SSL_new(f->of->tls);

	if (!tls || SSL_set1_host(tls, f->name) != 1 ||
	    SSL_set_tlsext_host_name(tls, f->name) != 1)
		abort(); /* out of memory */
	return tls;
}

static void on_near(struct evconnlistener *listener, evutil_socket_t fd,
    struct sockaddr *peer, int peer_len, void *arg)
{
	struct far *f = arg;
	struct bridge *b = f->of;

	(void)listener;
	(void)peer;
	(void)peer_len;
	if (b->carried_n == CARRIED_MAX) {
		(void)evutil_closesocket(fd);
		return;
	}
	struct carried *c = xcalloc(1, sizeof(*c));
	c->of = b;
	c->near = bufferevent_socket_new(
	    b->base, fd, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	c->far = bufferevent_openssl_socket_new(b->base, -1, new_tls(f),
	    BUFFEREVENT_SSL_CONNECTING,
	    BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (!c->near || !c->far)
		abort(); /* out of memory */
	b->carried_n++;
	join(c->near, c);
	join(c->far, c);
	/* an error comes as an event, later */
	(void)bufferevent_socket_connect(
	    c->far, (struct sockaddr *)&f->address, f->address_len);
}

/* ---- opening ---------------------------------------------------------- */

/* ADDRESS@PORT#NAME */
static bool read_far(struct far *f, const char *text, size_t len)
{
	char copy[400], colon[400];
	char *at, *hash;

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	at = strchr(copy, '@');
	hash = at ? strchr(at, '#') : NULL;
	if (!hash || strlen(hash + 1) >= sizeof(f->name))
		return false;
	*at = *hash = '\0';
	(void)snprintf(f->name, sizeof(f->name), "%s", hash + 1);
	(void)snprintf(colon, sizeof(colon),
	    strchr(copy, ':') ? "[%s]:%s" : "%s:%s", copy, at + 1);
	f->address_len = sizeof(f->address);
	return evutil_parse_sockaddr_port(
	           colon, (struct sockaddr *)&f->address, &f->address_len) == 0;
}

static bool open_far(struct bridge *b, const char *text, size_t len)
{
	struct sockaddr_in near = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t near_len = sizeof(near);
	struct far *f = &b->far[b->far_n];

	if (b->far_n == FARS_MAX || !read_far(f, text, len))
		return false;
	f->of = b;
	f->listener = evconnlistener_new_bind(b->base, on_near, f,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, BACKLOG,
	    (struct sockaddr *)&near, sizeof(near));
	if (!f->listener || getsockname(evconnlistener_get_fd(f->listener),
	                        (struct sockaddr *)&near, &near_len) < 0)
		return false;
	f->port = ntohs(near.sin_port);
	b->far_n++;
	return true;
}

static int open_all(struct bridge *b, const char *recipe, struct diag *reterr)
{
	static const char mark[] = "\n#tls ";

	for (const char *p = recipe; (p = strstr(p, mark));) {
		p += sizeof(mark) - 1;
		size_t len = strcspn(p, "\n");

		if (!open_far(b, p, len)) {
			return diag_set(reterr, -EINVAL,
			    "cannot open a port for '%.*s'", (int)len, p);
		}
	}
	return 0;
}

static char *with_ports(const struct bridge *b, const char *recipe)
{
	char *text = xstrdup(recipe);

	for (unsigned i = 0; i < b->far_n; i++) {
		scoped_free char *mark = xasprintf("{tls %u}", i);
		char *at = strstr(text, mark);

		if (!at)
			continue;
		char *next = xasprintf("%.*s%u%s", (int)(at - text), text,
		    b->far[i].port, at + strlen(mark));
		free(text);
		text = next;
	}
	return text;
}

int bridge_open(struct event_base *base, const char *recipe,
    const char *ca_file, struct bridge **ret_b, char **ret_recipe,
    struct diag *reterr)
{
	*ret_b = NULL;
	if (!strstr(recipe, "\n#tls ")) {
		*ret_recipe = xstrdup(recipe);
		return 0;
	}
	struct bridge *b = xcalloc(1, sizeof(*b));
	b->base = base;
	b->tls = SSL_CTX_new(TLS_client_method());
	if (!b->tls)
		abort(); /* out of memory */
	SSL_CTX_set_verify(b->tls, SSL_VERIFY_PEER, NULL);
	(void)SSL_CTX_set_min_proto_version(b->tls, TLS1_2_VERSION);
	int error = 0;
	if (SSL_CTX_load_verify_locations(b->tls, ca_file, NULL) != 1) {
		error = diag_set(reterr, -EINVAL,
		    "cannot read certificates of '%s'", ca_file);
	}
	if (!error)
		error = open_all(b, recipe, reterr);
	if (error) {
		bridge_free(b);
		return error;
	}
	*ret_recipe = with_ports(b, recipe);
	*ret_b = b;
	return 0;
}

void bridge_free(struct bridge *b)
{
	if (!b)
		return;
	for (unsigned i = 0; i < FARS_MAX; i++) {
		if (b->far[i].listener)
			evconnlistener_free(b->far[i].listener);
	}
	SSL_CTX_free(b->tls);
	free(b);
}
