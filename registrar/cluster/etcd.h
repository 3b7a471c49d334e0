// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * etcd - a client of etcd's v3 API through its JSON gateway.
 *
 * A lane is one connection with at most one request on its way. Whatever goes
 * wrong on it, it goes on with the next of the endpoints: a member that hangs
 * costs the deadline of one request. With a user each lane waits for a token,
 * which is drawn anew when it is refused.
 *
 * One thread, that of the event base; callbacks come from the loop alone and
 * may use the lane, but not free it.
 */
#include "registrar/net/net.h"
#include "schema/base/diag.h"

#include <jansson.h>
#include <stdint.h>

#define ETCD_ENDPOINTS_MAX 16
#define ETCD_REPLY_MAX ((size_t)32 << 20) /* octets of a reply, or a line */

struct etcd;
struct etcd_lane;

/* "ADDRESS:PORT", "[ADDRESS]:PORT", with http:// or https:// before it. */
bool etcd_is_endpoint(const char *text);

/* Borrowed as long as the client lives. */
struct etcd_config {
	struct net *net;
	const char *const *endpoints;
	unsigned endpoint_n;
	const char *user, *password; /* NULL: none */
	struct net_tls tls;          /* of https://; server_name may be NULL */
};

struct etcd *etcd_new(const struct etcd_config *c);
/* After its lanes. */
void etcd_free(struct etcd *e);

struct etcd_lane *etcd_lane_new(struct etcd *e);
void etcd_lane_free(struct etcd_lane *l);
bool etcd_lane_is_busy(const struct etcd_lane *l);
/* "10.0.0.1:2379", of the last request. */
const char *etcd_lane_endpoint(const struct etcd_lane *l);

/* Goes on at the endpoint of another lane; not while it is busy. */
void etcd_lane_join(struct etcd_lane *l, const struct etcd_lane *other);
bool etcd_lane_is_beside(
    const struct etcd_lane *l, const struct etcd_lane *other);

/*
 * reply is borrowed; NULL: error says why not, and why in words. Replies that
 * are errors of etcd's are -EREMOTEIO.
 */
typedef void (*etcd_done_fn)(
    void *arg, int error, const char *why, const json_t *reply);
/* Takes body over. The lane must not be busy. */
void etcd_call(struct etcd_lane *l, const char *path, json_t *body,
    int64_t timeout_ms, etcd_done_fn done, void *arg);

/*
 * A stream: line() for the `result` of each, then done() once, with an error.
 * It ends when nothing came for silence_ms; the header that makes a member
 * without a leader end it is sent.
 */
void etcd_stream(struct etcd_lane *l, const char *path, json_t *body,
    int64_t silence_ms, void (*line)(void *arg, const json_t *result),
    etcd_done_fn done, void *arg);
/* Whatever is on its way is forgotten; done() does not come. */
void etcd_lane_drop(struct etcd_lane *l);
