// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * http_impl - private to registrar/http/: who holds what.
 *
 *	server.c   listeners and connections, and what bounds them
 *	request.c  from a complete request to its route's function
 *	target.c   paths and query strings
 *	reply.c    replies and failures
 *	hold.c     requests that wait, replies that come piece by piece
 *	writer.c   transactions
 *	identify.c who asks
 *	guard.c    who may talk to us at all: Host, Origin
 *	serve.c    the process
 *
 * evhttp reads and writes HTTP/1.1, on bufferevents that we make; so we see
 * when a request begins, and when a connection ends.
 */
#include "registrar/http/feed.h"
#include "registrar/http/http.h"
#include "registrar/lib/timer.h"
#include "schema/base/log.h"

#include <event2/event.h>
#include <event2/http.h>
#include <netinet/in.h>

struct http_known;
struct serve_options;

#define HTTP_PEER_MAX 64
#define HTTP_PEER_SLOTS 4096
#define HTTP_KNOWN_SLOTS 1024 /* tokens that are remembered */

/* In a list that begins with one of these. */
struct http_link {
	struct http_link *next, *before;
};
static inline void http_link_init(struct http_link *list)
{
	list->next = list->before = list;
}
static inline void http_unlink(struct http_link *l)
{
	l->next->before = l->before;
	l->before->next = l->next;
	http_link_init(l);
}
static inline void http_append(struct http_link *list, struct http_link *l)
{
	l->next = list;
	l->before = list->before;
	l->before->next = l;
	list->before = l;
}

struct http_listener {
	struct http *http;
	struct evhttp *evhttp;
	struct evconnlistener *listener;
	const struct http_api *const *apis; /* shown here; ends with NULL */
	bool is_unix, is_tls;
	char name[128]; /* for the log */
	struct http_listener *next;
};

/* A connection, from its acceptance until its last event is over. */
struct http_conn {
	struct http_link link; /* of http.conns; the oldest is first */
	struct http_listener *listener;
	struct bufferevent *bev;
	struct http_request *request; /* in work; NULL: none */
	int fd;                       /* -1: not known yet */
	bool ending;
	int64_t since_ms; /* of its acceptance, or the end of its last reply */
	int64_t begun_ms; /* of the request that is being read; 0: none */
	/* of what is not read by the client */
	int64_t stalled_ms;
	size_t unsent;
	struct sockaddr_storage peer;
	uid_t uid;     /* of a Unix socket */
	bool is_local; /* it comes from a loopback address */
	unsigned slot; /* of http.peers */
	char peer_text[HTTP_PEER_MAX];
};

struct http_param {
	const char *name, *value;
};

struct http_request {
	struct http *http;
	struct http_conn *conn;    /* NULL: the client has gone */
	struct evhttp_request *ev; /* the same */
	const struct http_listener *listener;
	const struct http_api *api;
	const struct http_route *route;
	struct arena *arena; /* NULL: none is needed yet */
	const char *parts[HTTP_PARTS_MAX];
	struct http_param *params; /* in the arena, as all texts */
	unsigned part_n, param_n;
	json_t *body;
	const struct access_who *who; /* of the present call */
	struct http_known *known;     /* the same; NULL: no token */
	const char *peer;             /* the same */
	bool replied;                 /* or being replied piece by piece */
	bool busy;                    /* in a function of a route */
	bool writing;                 /* in the queue of the writer */
	bool is_over;                 /* its hold */
	bool shrinks;                 /* when its function is over */
	/* of a hold or a stream */
	struct http_link held; /* of http.held */
	struct feed_waiter waiter;
	struct timer timer;
	int64_t until_ms; /* 0: it was not held yet */
	const struct http_stream_ops *ops;
	void *state;
	bool begun; /* it has said something */
	bool more;  /* it has more to say */
	bool asked; /* evhttp calls back when what was said is sent */
};

struct http_bounds {
	unsigned conns, conns_a_peer;
};

struct http {
	const struct serve_options *options;
	struct event_base *base;
	struct feed *feed;
	struct consul_names *consul_names;
	struct sums *sums;
	int64_t started_wall_ms;
	struct writer *writer;
	struct leases *leases;
	struct http_listener *listeners;
	/* fresh: accepted in this turn, with nothing known of them */
	struct http_link fresh, conns, held;
	unsigned conn_n, held_n;
	unsigned ending_n; /* of conn_n: evhttp has yet to see their ends */
	struct http_conn **by_fd;
	size_t fd_n;
	unsigned peers[HTTP_PEER_SLOTS]; /* connections of each */
	struct event *sweep, *greet, *tick;
	struct timers *timers;
	struct http_bounds bounds;
	/* without a token; root is who could write the registry itself */
	struct access_who local, far, root;
	struct access_rule local_rule, far_rule, root_rule;
	struct http_known *known[HTTP_KNOWN_SLOTS];
	struct log_limit wrong[HTTP_PEER_SLOTS]; /* tokens, of each peer */
	const char *const *hosts; /* names that we are asked by; with NULL */
};

/* ---- server.c --------------------------------------------------------- */

/* The connection of a request, whose request it is from now on. */
struct http_conn *http_conn_of(struct http *h, struct evhttp_request *ev);
/* Its request is over. */
void http_conn_done(struct http_conn *c);
void http_conn_end(struct http_conn *c);
/* Sees its end though a request is in work. */
void http_conn_watch(struct http_conn *c);

/* ---- request.c -------------------------------------------------------- */

void http_on_request(struct evhttp_request *ev, void *listener);
/* The client is gone. */
void http_request_gone(struct http_request *q);
/* Runs its route's function. */
void http_request_run(struct http_request *q);
/* What does not outlast a hold. */
void http_request_shrink(struct http_request *q);
/* Frees q if nothing needs it any more. */
void http_request_release(struct http_request *q);

/* ---- target.c --------------------------------------------------------- */

/*
 * Matches a path, which is still encoded; the parts that are variable are
 * decoded into a. -EINVAL: one is not to be decoded (a NUL, no UTF-8).
 */
int http_match(const char *pattern, const char *path, struct arena *a,
    const char *ret_parts[static HTTP_PARTS_MAX], unsigned *ret_n,
    bool *ret_matches);
/* -E2BIG: more than HTTP_PARAMS_MAX. */
int http_parse_query(const char *text, struct arena *a,
    struct http_param **ret_params, unsigned *ret_n);

/* ---- guard.c ---------------------------------------------------------- */

/* NULL: it may come in; else why not. */
const char *http_guard(
    const struct http_request *q, const char *host, const char *origin);

/* ---- identify.c ------------------------------------------------------- */

void http_identify_init(struct http *h);
/* Who asks. False: the request has failed. */
bool http_identify(struct http_request *q);
/* May it go on? */
bool http_identify_again(struct http_request *q);
void http_identify_release(struct http_request *q);
void http_identify_end(struct http *h);

/* ---- reply.c ---------------------------------------------------------- */

void http_default_header(
    struct http_request *q, const char *name, const char *value);
/* Headers that all replies have. */
void http_begin_reply(struct http_request *q, const char *type);

/* ---- hold.c ----------------------------------------------------------- */

void http_hold_init(struct http *h);
void http_hold_end(struct http *h);
/* All that are held, with 503. */
void http_hold_answer(struct http *h);
void http_hold_release(struct http_request *q);

/* ---- writer.c --------------------------------------------------------- */

struct writer *writer_new(struct http *h, const char *registry);
/* What waits is given up. */
void writer_free(struct writer *w);
