// SPDX-License-Identifier: BSD-2-Clause
/*
 * The socket is connected before it becomes a bufferevent: libevent's OpenSSL
 * would take a refused connection for an error of the handshake, and loses
 * errno.
 *
 * A bufferevent that is freed closes its descriptor in the next turn of the
 * loop; no callback comes after that.
 */
#include "registrar/net/transport.h"

#include "registrar/lib/timer.h"
#include "registrar/net/dial.h"
#include "registrar/net/tls_cache.h"
#include "registrar/net/transport_impl.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define BACKLOG_RETRY_US 5000

/* ---- news ------------------------------------------------------------- */

/* Of TLS; the verification knows it better than the handshake does. */
static const char *tls_reason(const struct transport *t, unsigned long error)
{
	long verified = SSL_get_verify_result(t->ssl);

	/* the result is there also where nobody asked for it */
	if (t->phase == SHAKING && verified != X509_V_OK &&
	    SSL_get_verify_mode(t->ssl) != SSL_VERIFY_NONE)
		return X509_verify_cert_error_string(verified);
	return error ? ERR_reason_error_string(error) : NULL;
}

/*
 * It broke while we wrote: what the other end said before it closed may lie
 * here unread, and is the reason. Nothing else will be done with the session.
 */
static unsigned long last_word(const struct transport *t)
{
	char octet;

	ERR_clear_error();
	if (SSL_read(t->ssl, &octet, 1) > 0)
		return 0;
	return ERR_peek_error();
}

/*
 * Is it only us? OpenSSL opens the system's certificates when it needs them,
 * and takes those that it cannot open for missing.
 */
static int tls_shortage(const struct transport *t, unsigned long code)
{
	if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
		return -ENOMEM;
	if (ERR_SYSTEM_ERROR(code))
		return -ERR_GET_REASON(code);
	return t->phase == SHAKING && SSL_get_verify_result(t->ssl) != X509_V_OK
	           ? net_look(t->net)
	           : 0;
}

static void on_broken(struct transport *t, bool writing)
{
	int error = -errno;
	const char *why = NULL;

	if (t->ssl) {
		unsigned long code = bufferevent_get_openssl_error(t->bev);

		/* errors of system calls come as SSL_ERROR_SYSCALL, or 0 */
		if (!ERR_GET_LIB(code) && writing && t->phase == OPEN)
			code = last_word(t);
		why = tls_reason(t, code);
		if (why)
			error = tls_shortage(t, code);
		ERR_clear_error();
	}
	transport_tell_failed(t, error, why);
}

static void on_readable(struct bufferevent *bev, void *arg)
{
	const struct transport *t = arg;

	(void)bev;
	if (t->phase == OPEN && t->ops->readable)
		t->ops->readable(t->arg); /* may free t */
}

static void on_written(struct bufferevent *bev, void *arg)
{
	const struct transport *t = arg;

	(void)bev;
	if (t->phase == OPEN && t->ops->written)
		t->ops->written(t->arg); /* may free t */
}

static void become_open(struct transport *t)
{
	t->phase = OPEN;
	t->ops->open(t->arg); /* may free t */
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct transport *t = arg;

	(void)bev;
	if (what & BEV_EVENT_CONNECTED) {
		become_open(t);
	} else if (what & BEV_EVENT_ERROR && what & BEV_EVENT_WRITING &&
	           !t->ssl) {
		/* there may be an answer; that there is none is read, too */
		return;
	} else if (what & BEV_EVENT_ERROR) {
		on_broken(t, what & BEV_EVENT_WRITING);
	} else if (what & BEV_EVENT_EOF && t->phase == SHAKING) {
		transport_tell_failed(t, 0, "closed by the other end");
	} else if (what & BEV_EVENT_EOF) {
		t->ended = true;
		t->ops->ended(t->arg); /* may free t */
	}
}

/* ---- connecting ------------------------------------------------------- */

static void make_bufferevent(struct transport *t)
{
	int fd = take_fd(&t->fd);

	if (t->ssl) {
		t->bev = bufferevent_openssl_socket_new(t->net->base, fd,
		    t->ssl, BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
	} else {
		t->bev = bufferevent_socket_new(
		    t->net->base, fd, BEV_OPT_CLOSE_ON_FREE);
	}
	if (!t->bev)
		abort(); /* out of memory */
	bufferevent_setwatermark(t->bev, EV_READ, 0, TRANSPORT_READ_MAX);
	bufferevent_setcb(t->bev, on_readable, on_written, on_event, t);
	if (bufferevent_enable(t->bev, EV_READ | EV_WRITE) < 0)
		abort(); /* out of memory */
}

/*
 * The backlog of a Unix socket is full: connect(2) cannot be waited for, but
 * tried again.
 */
static int connect_path(struct transport *t)
{
	const struct timeval soon = { .tv_usec = BACKLOG_RETRY_US };
	const struct sockaddr *to = (const struct sockaddr *)&t->path;

	if (connect(t->fd, to, sizeof(t->path)) == 0)
		return 0;
	if (errno != EAGAIN)
		return -errno;
	if (event_add(t->ready, &soon) < 0)
		abort(); /* out of memory */
	return -EAGAIN;
}

static void on_connected(evutil_socket_t fd, short what, void *arg)
{
	struct transport *t = arg;
	int r = *t->path.sun_path ? connect_path(t)
	        : t->at_once      ? 0
	                          : dial_result(fd);

	(void)what;
	if (r == -EAGAIN)
		return;
	if (r < 0) {
		transport_tell_failed(t, r, NULL);
		return;
	}
	if (t->simple) {
		transport_simple_begin(t);
		become_open(t);
		return;
	}
	event_free(t->ready);
	t->ready = NULL;
	if (t->ssl)
		t->phase = SHAKING;
	make_bufferevent(t);
	if (!t->ssl)
		become_open(t);
}

static int make_socket(
    struct transport *t, const struct transport_to *to, struct diag *reterr)
{
	struct sockaddr_un *path = &t->path;
	size_t len = to->path ? strlen(to->path) : 0;

	if (len >= sizeof(path->sun_path)) {
		return diag_set(reterr, -ENAMETOOLONG,
		    "cannot connect: found a path of %zu octets, expected at "
		    "most %zu",
		    len, sizeof(path->sun_path) - 1);
	}
	if (len) {
		path->sun_family = AF_UNIX;
		memcpy(path->sun_path, to->path, len + 1);
		t->fd = socket(
		    AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (t->fd >= 0)
			return 0;
	} else {
		int r =
		    dial_tcp(to->address, to->port, to->speaks_first, &t->fd);

		if (r == 0 || r == -EINPROGRESS) {
			t->at_once = r == 0;
			return 0;
		}
		errno = -r;
	}
	return diag_set(reterr, -errno, "cannot connect: %s", strerror(errno));
}

/* Called by OpenSSL when the server asks for a certificate. */
static int on_asked(SSL *ssl, void *arg)
{
	struct transport *t = arg;

	(void)ssl;
	t->asked = true;
	return 1;
}

static int make_session(struct transport *t, struct net *net,
    const struct net_tls *tls, struct diag *reterr)
{
	if (!tls || !tls->on)
		return 0;
	int r = tls_cache_session(net->tls, tls, &t->ssl, reterr);

	if (r < 0)
		return diag_prefix(reterr, r, "TLS");
	SSL_set_cert_cb(t->ssl, on_asked, t);
	return 0;
}

int transport_open(struct net *net, const struct transport_to *to,
    const struct transport_ops *ops, void *arg, struct transport **ret_t,
    struct diag *reterr)
{
	struct transport *t = xcalloc(1, sizeof(*t));
	int r;

	*t = (struct transport){ .ops = ops, .arg = arg, .net = net, .fd = -1 };
	r = make_session(t, net, to->tls, reterr);
	if (r == 0)
		r = make_socket(t, to, reterr);
	if (r == 0 && (t->fd = net_fd(net, t->fd)) < 0) {
		r = diag_set(
		    reterr, t->fd, "cannot connect: %s", strerror(-t->fd));
	}
	if (r < 0) {
		transport_abort(t);
		return r;
	}
	t->simple = to->simple && !t->ssl;
	/* a Unix socket that is not connected yet is writable at once */
	short what = *t->path.sun_path ? EV_TIMEOUT : EV_WRITE;

	t->ready = event_new(net->base, t->fd, what, on_connected, t);
	if (!t->ready)
		abort(); /* out of memory */
	if (what == EV_TIMEOUT || t->at_once) {
		event_active(t->ready, what, 0);
	} else if (event_add(t->ready, NULL) < 0) {
		abort(); /* out of memory */
	}
	*ret_t = t;
	return 0;
}

/* ---- in between ------------------------------------------------------- */

struct bufferevent *transport_bufferevent(struct transport *t)
{
	return t->bev;
}

const char *transport_waiting(const struct transport *t)
{
	static const char *const texts[] = { "connecting", "TLS handshake",
		"no answer" };

	return texts[t->phase];
}

bool transport_speaks(const struct transport *t, const char *protocol)
{
	const unsigned char *name = NULL;
	unsigned len = 0;

	if (t->ssl && t->phase == OPEN)
		SSL_get0_alpn_selected(t->ssl, &name, &len);
	return len == strlen(protocol) && name &&
	       memcmp(name, protocol, len) == 0;
}

bool transport_was_asked(const struct transport *t)
{
	return t->asked;
}

void transport_shut(struct transport *t)
{
	if (t->ssl && t->phase == OPEN)
		(void)SSL_shutdown(t->ssl);
	ERR_clear_error();
}

/* ---- the end ---------------------------------------------------------- */

static void release(struct transport *t)
{
	if (t->ready)
		event_free(t->ready);
	if (t->bev) {
		bufferevent_setcb(t->bev, NULL, NULL, NULL, NULL);
		bufferevent_free(t->bev);
	} else {
		SSL_free(t->ssl);
	}
	if (t->fd >= 0)
		close(t->fd);
	free(t);
}

void transport_close(struct transport *t)
{
	if (!t)
		return;
	transport_shut(t);
	release(t);
}

void transport_abort(struct transport *t)
{
	static const struct linger reset = { .l_onoff = 1, .l_linger = 0 };

	if (!t)
		return;
	int fd = t->bev ? bufferevent_getfd(t->bev) : t->fd;

	if (fd >= 0 && !t->ended) {
		(void)setsockopt(
		    fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	}
	release(t);
}
