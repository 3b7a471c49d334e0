// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * net - what all connections that a program makes have in common.
 *
 * One thread, that of the event base.
 */
#include <stdbool.h>

struct event_base;
struct timers;
struct tls_cache;

struct net {
	struct event_base *base;
	struct timers *timers;
	/* private */
	int fd_max; /* of lib/budget.h */
	struct tls_cache *tls;
};

/*
 * How a connection is secured. All zero: not at all. Files are absolute
 * paths; whether they can be used is known when it is made.
 */
struct net_tls {
	bool on;
	bool verify; /* the certificate: by whom it is, of whom, until when */
	/* SNI, and what the certificate has to be of; an address is matched
	   with its IP addresses and not sent as SNI. Not NULL if on. */
	const char *server_name;
	const char *ca_file;              /* NULL: those of the system */
	const char *cert_file, *key_file; /* our own; both or NULL */
	const char *alpn; /* the one protocol that is offered; NULL: none */
};

/* base and timers are borrowed; base may be NULL: for no connection at all. */
void net_init(struct net *n, struct event_base *base, struct timers *timers);
/* After all connections. */
void net_release(struct net *n);
/*
 * Free base, after all events and connections of it. A bufferevent that has
 * put off a callback is freed by that callback alone, so it still comes about.
 */
void net_base_free(struct event_base *base);

/* budget_take() and budget_look() with the limit of n. */
int net_fd(const struct net *n, int fd);
int net_look(const struct net *n);
