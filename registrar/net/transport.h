// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * transport - one connection that we make: TCP or a Unix socket, TLS or not.
 *
 * It connects, shakes hands and then is a bufferevent that reads and writes;
 * what goes wrong comes as a text that begins with the phase. There is no
 * time-out here: who opens it has one for all of it.
 *
 * One thread, that of the event base. Callbacks come from the loop alone,
 * and each of them may close the transport.
 */
#include "registrar/net/net.h"
#include "schema/base/diag.h"

#include <stddef.h>

struct bufferevent;
struct transport;

/* Borrowed while it is being opened. */
struct transport_to {
	const char *path;    /* of a Unix socket; NULL: address and port */
	const char *address; /* numeric */
	int port;
	const struct net_tls *tls; /* NULL or not on: none */
	/* Whoever opens it writes before anything comes: saves a packet. */
	bool speaks_first;
	/*
	 * transport_write() and transport_read() are all that is used of it: a
	 * connection without TLS then needs no bufferevent.
	 */
	bool simple;
};

struct transport_ops {
	/* Connected, and hands were shaken: time to write. */
	void (*open)(void *arg);
	/* More has come; drain bufferevent_get_input(). NULL: not read. */
	void (*readable)(void *arg);
	/* What was written went to the kernel; NULL: of no interest. */
	void (*written)(void *arg);
	/*
	 * The other end closed, behind all that was readable; not all that
	 * was written may have gone out.
	 */
	void (*ended)(void *arg);
	/*
	 * "cannot connect: ...", "TLS handshake: ..." or "connection broke:
	 * ..."; of TLS with the reason of the verification. error: -E.., or 0
	 * if there is none of the system; see budget_is_short().
	 */
	void (*failed)(void *arg, int error, const char *why);
};

/* So much is read ahead of readable(). */
#define TRANSPORT_READ_MAX ((size_t)128 << 10)

/*
 * -E..: it cannot even begin; reterr says why, with the phase. ops and arg
 * are borrowed until it is closed.
 */
int transport_open(struct net *net, const struct transport_to *to,
    const struct transport_ops *ops, void *arg, struct transport **ret_t,
    struct diag *reterr);

/* From open() on; not of one that is simple. */
struct bufferevent *transport_bufferevent(struct transport *t);

/* From open() on: data stays where it is until the transport is closed. */
void transport_write(struct transport *t, const char *data, size_t len);
/* Within readable(): what came, 0 when that is all. Read all of it. */
size_t transport_read(struct transport *t, char *data, size_t room);

/* What it waits for, for the text of a time-out. */
const char *transport_waiting(const struct transport *t);

/* The protocol of ALPN that the server took is this one. */
bool transport_speaks(const struct transport *t, const char *protocol);

/*
 * The server asked for our certificate. It may have refused what it got, or
 * did not get: with TLS 1.3 that comes after the handshake.
 */
bool transport_was_asked(const struct transport *t);

/* TLS: say that nothing more will be written. Then comes ended(). */
void transport_shut(struct transport *t);

/* At the end of the conversation: close_notify, FIN. NULL is ignored. */
void transport_close(struct transport *t);

/*
 * In the middle of it: a reset. Nobody waits for anything, and no local port
 * is left in TIME_WAIT. NULL is ignored.
 */
void transport_abort(struct transport *t);
