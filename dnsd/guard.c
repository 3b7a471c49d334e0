// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/guard.h"

#include "dnsd/message/data/reclaim.h"
#include "dnsd/message/screen/networks.h"
#include "dnsd/message/screen/policy.h"
#include "dnsd/neighbours.h"
#include "dnsd/options.h"
#include "dnsd/secrets.h"
#include "dnsd/transport/server.h"
#include "schema/base/log.h"
#include "schema/base/xalloc.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is reflected stays outside networks that everybody's packets reach. */
static const char *const private_networks[] = { "127.0.0.0/8", "10.0.0.0/8",
	"172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10",
	"::1", "fe80::/10", "fc00::/7" };

enum { PRIVATE_N = sizeof(private_networks) / sizeof(*private_networks) };

enum { RRL_DEFAULT = 20, LOOK_S = 1, SILENT_S = 10, ROLL_S = 86400 };

/* What is said to have happened since it was said last. */
static const enum stat told[] = { STAT_DENIED, STAT_QUERIES_LIMITED,
	STAT_RRL_DROPPED, STAT_RRL_TRUNCATED, STAT_RRL_LEAKED };

enum { TOLD = sizeof(told) / sizeof(*told) };

/* A policy and what it borrows. */
struct rules {
	struct policy policy; /* first: it is what is published */
	struct networks *allowed, *exempt, *spared, *recursers;
};

struct guard {
	struct policy_slot slot;
	struct reclaim *reclaim;
	struct cookie_secrets secrets;
	bool secrets_drawn;   /* there is no file */
	enum outside outside; /* as at the start, like what does it */
	struct conf_strings neighbours;
	const struct server *server;
	struct event look, roll;
	uint64_t seen[TOLD];
	unsigned silent_s; /* left, after something was said */
};

static void rules_free(void *p)
{
	struct rules *r = p;

	if (!r)
		return;
	networks_free(r->allowed);
	networks_free(r->exempt);
	networks_free(r->spared);
	networks_free(r->recursers);
	explicit_bzero(&r->policy.secrets, sizeof(r->policy.secrets));
	free(r);
}

/* The policy is their first member. */
static struct rules *current_rules(const struct guard *g)
{
	return (void *)(uintptr_t)atomic_load(&g->slot.current);
}

static struct networks *networks_of(const struct conf_strings *s)
{
	return s->n ? networks_new(s->items, s->n) : NULL;
}

/* Private ones, as far as --limit-exempt does not take them out again. */
static struct networks *spared_networks(const struct conf_strings *exempt)
{
	unsigned n = PRIVATE_N + exempt->n;
	const char **all = xcalloc(n, sizeof(*all));

	for (unsigned i = 0; i < n; i++) {
		all[i] = i < PRIVATE_N ? private_networks[i]
		                       : exempt->items[i - PRIVATE_N];
	}
	struct networks *made = networks_new(all, n);

	free(all);
	return made;
}

static void set_responses(struct rules *r, const struct options *o)
{
	const int rates[RESPONSE_CLASSES] = {
		[RESPONSE_POSITIVE] = -1,
		[RESPONSE_REFERRAL] = -1,
		[RESPONSE_NODATA] = o->rrl_negative,
		[RESPONSE_NXDOMAIN] = o->rrl_negative,
		[RESPONSE_ERROR] = o->rrl_errors,
	};

	r->spared = spared_networks(&o->limit_exempt);
	for (unsigned i = 0; i < RESPONSE_CLASSES; i++) {
		/* not said: as all responses */
		int rate = rates[i] < 0 ? o->rrl : rates[i];
		uint32_t n = rate < 0 ? RRL_DEFAULT : (uint32_t)rate;

		r->policy.responses[i] =
		    (struct limit_rule){ n, n, (uint32_t)o->rrl_window_s };
		r->policy.spared[i] = rate < 0 ? r->spared : NULL;
	}
}

static bool has_limits(const struct policy *p)
{
	bool any = p->queries.rate > 0;

	for (unsigned i = 0; i < RESPONSE_CLASSES; i++)
		any |= p->responses[i].rate > 0;
	return any;
}

/* Where no request needs a look: nothing but responses is limited. */
static void set_unwatched(struct rules *r)
{
	struct policy *p = &r->policy;
	bool spared = true;

	if (p->allowed || p->recursers || p->queries.rate)
		return;
	for (unsigned i = 0; i < RESPONSE_CLASSES; i++)
		spared &= !p->responses[i].rate || p->spared[i];
	p->unwatched = spared ? r->spared : r->exempt;
}

static void set_outside(
    struct rules *r, const struct options *o, const struct guard *g)
{
	const struct conf_strings *who =
	    o->allow_recursion.n ? &o->allow_recursion : &g->neighbours;

	if (g->outside == OUTSIDE_REFUSE)
		return;
	r->recursers = networks_new(who->items, who->n);
	r->policy.recursers = r->recursers;
	r->policy.outside = g->outside;
}

static struct rules *rules_new(const struct guard *g, const struct options *o)
{
	struct rules *r = xcalloc(1, sizeof(*r));
	struct policy *p = &r->policy;
	int burst = o->query_burst ? o->query_burst : o->query_limit;

	p->allowed = r->allowed = networks_of(&o->allow_query);
	p->exempt = r->exempt = networks_of(&o->limit_exempt);
	p->drops = o->denied == DENIED_DROP;
	p->queries =
	    (struct limit_rule){ (uint32_t)o->query_limit, (uint32_t)burst, 0 };
	set_responses(r, o);
	p->slip = (unsigned)o->rrl_slip;
	p->leak = (unsigned)o->rrl_leak;
	p->prefixes = (struct network_prefixes){ (uint8_t)o->limit_ipv4_bits,
		(uint8_t)o->limit_ipv6_bits };
	set_outside(r, o, g);
	p->watches = p->allowed || p->recursers || has_limits(p);
	set_unwatched(r);
	p->cookies = (enum cookie_mode)o->cookies;
	p->secrets = g->secrets;
	return r;
}

static void publish(struct guard *g, struct rules *r)
{
	struct rules *old = current_rules(g);

	atomic_store(&g->slot.current, &r->policy);
	reclaim_retire(g->reclaim, old, rules_free);
	(void)reclaim_run(g->reclaim);
}

static int get_secrets(
    struct guard *g, const struct options *o, struct diag *reterr)
{
	if (o->cookies == COOKIES_OFF)
		return 0;
	if (o->cookie_secrets) {
		int error =
		    secrets_read(o->cookie_secrets, &g->secrets, reterr);

		if (error)
			return error;
		g->secrets_drawn = false;
		if (secrets_are_open(o->cookie_secrets)) {
			log_warn(
			    "'%s' can be read by everybody", o->cookie_secrets);
		}
	} else if (!g->secrets_drawn) {
		g->secrets.n = 0;
		secrets_draw(&g->secrets);
		g->secrets_drawn = true;
	}
	return 0;
}

int guard_new(const struct options *o, struct reclaim *rec,
    struct guard **ret_g, struct diag *reterr)
{
	struct guard *g = xcalloc(1, sizeof(*g));
	int error = get_secrets(g, o, reterr);

	if (error) {
		free(g);
		return error;
	}
	g->reclaim = rec;
	g->outside = (enum outside)o->outside;
	if (g->outside != OUTSIDE_REFUSE)
		neighbours_find(&g->neighbours);
	atomic_init(&g->slot.current, &rules_new(g, o)->policy);
	*ret_g = g;
	return 0;
}

void guard_free(struct guard *g)
{
	if (!g)
		return;
	if (g->server) {
		event_del(&g->look);
		event_del(&g->roll);
	}
	rules_free(current_rules(g));
	neighbours_free(&g->neighbours);
	explicit_bzero(&g->secrets, sizeof(g->secrets));
	free(g);
}

const struct policy_slot *guard_slot(const struct guard *g)
{
	return &g->slot;
}

int guard_reload(struct guard *g, const struct options *o, struct diag *reterr)
{
	int error = get_secrets(g, o, reterr);

	if (!error)
		publish(g, rules_new(g, o));
	return error;
}

/* ---- now and then ----------------------------------------------------- */

static void on_look(evutil_socket_t fd, short what, void *arg)
{
	struct guard *g = arg;
	uint64_t n[TOLD];
	bool any = false;

	(void)fd;
	(void)what;
	if (g->silent_s) {
		g->silent_s -= LOOK_S;
		return;
	}
	for (unsigned i = 0; i < TOLD; i++) {
		uint64_t now = server_stat(g->server, told[i]);

		n[i] = now - g->seen[i];
		g->seen[i] = now;
		any |= n[i] > 0;
	}
	if (!any)
		return;
	char line[TOLD * 48] = "";
	size_t len = 0;
	for (unsigned i = 0; i < TOLD; i++) {
		int put = snprintf(line + len, sizeof(line) - len, " %s=%llu",
		    stat_name(told[i]), (unsigned long long)n[i]);

		len += put > 0 ? (size_t)put : 0;
	}
	log_warn("clients were limited%s", line);
	g->silent_s = SILENT_S;
}

/* A day is short enough for a secret that is in memory only. */
static void on_roll(evutil_socket_t fd, short what, void *arg)
{
	struct guard *g = arg;
	struct rules *old = current_rules(g);

	(void)fd;
	(void)what;
	if (!g->secrets_drawn)
		return;
	struct rules *r = xcalloc(1, sizeof(*r));
	*r = *old;
	secrets_draw(&g->secrets);
	r->policy.secrets = g->secrets;
	/* who owns the networks; workers read those of the policy */
	old->allowed = old->exempt = old->spared = old->recursers = NULL;
	publish(g, r);
}

void guard_watch(
    struct guard *g, struct event_base *base, const struct server *s)
{
	struct timeval look = { LOOK_S, 0 }, roll = { ROLL_S, 0 };

	g->server = s;
	event_assign(&g->look, base, -1, EV_PERSIST, on_look, g);
	event_assign(&g->roll, base, -1, EV_PERSIST, on_roll, g);
	event_add(&g->look, &look);
	event_add(&g->roll, &roll);
}
