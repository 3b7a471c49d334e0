// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * transport_impl - private to transport*.c.
 *
 *	transport.c         connecting, TLS, bufferevents
 *	transport_simple.c  what goes wrong; reading and writing without a
 *	                    bufferevent
 */
#include "registrar/net/transport.h"

#include <sys/un.h>

struct event;
struct event_base;
struct ssl_st; /* SSL of OpenSSL */

enum phase { CONNECTING, SHAKING, OPEN };

struct transport {
	const struct transport_ops *ops;
	void *arg;
	const struct net *net;
	enum phase phase;
	int fd;                  /* until bev has it: -1 */
	struct event *ready;     /* connected, then simple: readable */
	struct ssl_st *ssl;      /* bev's once there is one */
	struct bufferevent *bev; /* NULL: it does without */
	bool simple, ended, asked;
	bool at_once; /* it is connected already */
	int broken;   /* errno of the first write */
	/* simple: what is not yet written, and what has just been read */
	const char *out, *in;
	size_t out_len, in_len;
	struct sockaddr_un path; /* sun_path "": it is TCP */
};

/* "PHASE: why"; why NULL: what error says. May free t. */
void transport_tell_failed(struct transport *t, int error, const char *why);

/* It is connected: wait for what comes. */
void transport_simple_begin(struct transport *t);
