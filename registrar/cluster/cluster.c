// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/cluster/cluster.h"

#include "registrar/cluster/cluster_impl.h"
#include "registrar/keeper/kept.h"
#include "registrar/lock.h"
#include "registrar/net/net.h"
#include "schema/base/clock.h"
#include "schema/base/notify.h"
#include "schema/base/scoped.h"
#include "schema/base/version.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOCK_LOOK_MS 100
#define OUTLIVES_MS 10000 /* a registrar that was killed */
#define GRACE_MS 3000     /* beside the lease: for those that come back */

struct process {
	struct cluster c;
	struct kept *kept;
	struct event *signals[2];
	struct timer lock_again, end;
	int lock;
	bool started;
};

static int64_t mono_ms(void *arg)
{
	(void)arg;
	return clock_mono_ms();
}

static void set_tick(void *arg)
{
	struct cluster *c = arg;
	int64_t at_ms = timers_next(c->timers);
	int64_t wait_ms = at_ms - timers_now(c->timers);

	if (at_ms < 0) {
		(void)evtimer_del(c->tick);
		return;
	}
	if (wait_ms < 0)
		wait_ms = 0;
	const struct timeval wait = { .tv_sec = wait_ms / 1000,
		.tv_usec = wait_ms % 1000 * 1000 };

	(void)evtimer_add(c->tick, &wait);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct cluster *c = arg;

	(void)fd;
	(void)what;
	timers_run(c->timers);
}

static void on_signal(evutil_socket_t signum, short what, void *arg)
{
	struct cluster *c = arg;

	(void)what;
	log_info("ending: %s", strsignal(signum));
	(void)event_base_loopbreak(c->base);
}

/* ---- the registrar ------------------------------------------------------ */

static void on_end(void *arg)
{
	struct process *p = arg;

	log_info("ending: the registrar has not come back");
	(void)event_base_loopbreak(p->c.base);
}

/* One that was killed is soon started again: that is no news to others. */
static void on_registrar_gone(void *arg)
{
	struct process *p = arg;

	log_warn("the registrar is gone: keeping the lease for %d s",
	    OUTLIVES_MS / 1000);
	timer_set(p->c.timers, &p->end, timers_now(p->c.timers) + OUTLIVES_MS);
}

/* ---- life --------------------------------------------------------------- */

static int start(struct process *p, struct diag *reterr)
{
	struct cluster *c = &p->c;
	const struct cluster_options *o = c->options;
	const struct etcd_config etcd = { .net = &c->net,
		.endpoints = o->endpoints.items,
		.endpoint_n = o->endpoints.n,
		.user = o->user,
		.password = c->password,
		.tls = { .verify = true,
		    .server_name = o->server_name,
		    .ca_file = o->ca_file,
		    .cert_file = o->cert_file,
		    .key_file = o->key_file } };
	const struct others_config others = { .node = o->node,
		.share_percent = o->max_removal,
		.within_ms = o->removal_ms,
		.grace_ms = o->lease_ms + GRACE_MS };

	c->own = own_new(o->node, o->address, o->address6);
	c->others = others_new(&others);
	c->etcd = etcd_new(&etcd);
	int error = rows_start(c, reterr);

	if (error < 0)
		return error;
	watch_start(c);
	lease_start(c);
	p->started = true;
	notify_state("READY=1");
	return 0;
}

/* The one before us may still hold the lease for a registrar. */
static void on_lock_again(void *arg)
{
	struct process *p = arg;
	struct cluster *c = &p->c;
	struct diag why;
	int error = p->lock >= 0 ? 0
	                         : lock_take(c->options->registry, "cluster", 0,
	                               &p->lock, &why);

	if (error == 0)
		error = start(p, &why);
	if (error == 0)
		return;
	if (error != -EBUSY && error != -ENOENT && error != -ENODATA) {
		log_error("cannot start: %s", why.text);
		c->exit_code = 1;
		(void)event_base_loopbreak(c->base);
		return;
	}
	rows_stop(c);
	own_free(c->own);
	others_free(c->others);
	etcd_free(c->etcd);
	c->own = NULL;
	c->others = NULL;
	c->etcd = NULL;
	c->follow = NULL;
	c->look = NULL;
	timer_set(
	    c->timers, &p->lock_again, timers_now(c->timers) + LOCK_LOOK_MS);
}

/* Its first line. */
static int read_password(struct cluster *c, struct diag *reterr)
{
	const char *path = c->options->password_file;
	char line[1024] = "";

	if (!c->options->user)
		return 0;
	scoped_file FILE *f = path ? fopen(path, "re") : NULL;

	if (path && (!f || (!fgets(line, sizeof(line), f) && ferror(f)))) {
		return diag_set(reterr, -errno, "cannot read '%s': %s", path,
		    strerror(errno));
	}
	line[strcspn(line, "\n")] = '\0';
	c->password = xstrdup(line);
	explicit_bzero(line, sizeof(line));
	return 0;
}

static int set_up(struct process *p, struct diag *reterr)
{
	static const int numbers[] = { SIGTERM, SIGINT };
	struct cluster *c = &p->c;
	const struct cluster_options *o = c->options;
	struct sandbox sandbox = { .mode = o->sandbox,
		.uses = SANDBOX_CONNECTS };

	(void)signal(SIGPIPE, SIG_IGN);
	c->base = event_base_new();
	c->timers = timers_new(mono_ms, NULL);
	c->arena = arena_new();
	c->node_key = arena_printf(
	    c->arena, "%s%s/", RECORD_NODES, record_node(c->arena, o->node));
	c->wish_key = arena_printf(
	    c->arena, "%s%s/", RECORD_WISHES, record_node(c->arena, o->node));
	c->tick = evtimer_new(c->base, on_tick, c);
	for (int k = 0; k < 2; k++) {
		p->signals[k] = evsignal_new(c->base, numbers[k], on_signal, c);
		if (!p->signals[k] || event_add(p->signals[k], NULL) < 0)
			abort(); /* out of memory */
	}
	timers_on_change(c->timers, set_tick, c);
	timer_init(&p->lock_again, on_lock_again, p);
	timer_init(&p->end, on_end, p);
	net_init(&c->net, c->base, c->timers);
	p->kept = kept_attach(c->base, on_registrar_gone, p);
	int error = read_password(c, reterr);

	if (error == 0)
		error = sandbox_files(&sandbox, o->registry, reterr);
	if (error == 0)
		error = sandbox_calls(&sandbox, reterr);
	if (error == 0)
		sandbox_log(&sandbox);
	timer_set(c->timers, &p->lock_again, timers_now(c->timers));
	return error;
}

static void take_down(struct process *p)
{
	struct cluster *c = &p->c;

	lease_stop(c);
	watch_stop(c);
	rows_stop(c);
	timer_cancel(c->timers, &p->lock_again);
	timer_cancel(c->timers, &p->end);
	etcd_free(c->etcd);
	own_free(c->own);
	others_free(c->others);
	kept_free(p->kept);
	net_release(&c->net);
	for (int k = 0; k < 2; k++)
		event_free(p->signals[k]);
	event_free(c->tick);
	timers_free(c->timers);
	net_base_free(c->base);
	arena_free(c->arena);
	if (c->password)
		explicit_bzero(c->password, strlen(c->password));
	free(c->password);
	if (p->lock >= 0)
		(void)close(p->lock);
}

int cluster_main(const struct cluster_options *o)
{
	struct process p = { .c.options = o, .lock = -1 };
	struct diag why;

	if (!o->endpoints.n) {
		log_error("cannot start: found no --cluster, expected "
		          "endpoints of etcd");
		return 2;
	}
	if (set_up(&p, &why) < 0) {
		log_error("cannot start: %s", why.text);
		p.c.exit_code = 1;
	} else {
		log_info("registrar cluster %s: registry='%s' host='%s'",
		    ROLLCALL_VERSION, o->registry, o->node);
		(void)event_base_dispatch(p.c.base);
		notify_state("STOPPING=1");
	}
	take_down(&p);
	return p.c.exit_code;
}
