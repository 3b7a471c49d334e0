// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/http/serve.h"

#include "registrar/http/api/api.h"
#include "registrar/http/api/sums.h"
#include "registrar/http/consul/consul.h"
#include "registrar/http/eureka/eureka.h"
#include "registrar/http/http_impl.h"
#include "registrar/http/prometheus/prometheus.h"
#include "registrar/http/register.h"
#include "registrar/http/server.h"
#include "registrar/http/ui/ui.h"
#include "registrar/keeper/kept.h"
#include "schema/base/clock.h"
#include "schema/base/notify.h"
#include "schema/base/version.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define ALONE_MS 250   /* between looks for another registrar */
#define LINGER_MS 1000 /* for what is being sent, at the end */

/* ---- who shows what --------------------------------------------------- */

/* On --http; a new API is a row here. */
static const struct http_api *const own_apis[] = { &api_http, &eureka_http,
	&prometheus_http, &ui_http, NULL };
/* On --consul. */
static const struct http_api *const consul_apis[] = { &consul_http, NULL };

struct serve {
	const struct serve_options *options;
	struct event_base *base;
	struct http *http;
	struct event *term, *interrupt, *linger, *alone;
	struct kept *kept;
	int64_t gone_wall_ms; /* when the registrar had gone; 0: it has not */
	struct sandbox sandbox;
	const char **hosts; /* with NULL; borrowed texts, but the first */
	char own_host[HOST_NAME_MAX + 1];
};

/* ---- signals and time ------------------------------------------------- */

static void on_linger(evutil_socket_t fd, short what, void *arg)
{
	struct serve *s = arg;

	(void)fd;
	(void)what;
	(void)event_base_loopbreak(s->base);
}

static void on_end(evutil_socket_t signum, short what, void *arg)
{
	struct serve *s = arg;
	const struct timeval now = { 0 },
	                     wait = { .tv_usec = LINGER_MS * 1000 - 1 };

	(void)what;
	log_info("ending: %s", strsignal(signum));
	notify_state("STOPPING=1");
	http_stop(s->http);
	(void)evtimer_add(s->linger, s->http->conn_n ? &wait : &now);
}

/* A registrar that has come since the one that we were of was killed. */
static void on_registrar(void *arg, const struct registrar_row *row)
{
	struct serve *s = arg;

	if (row->started_wall_ms > s->gone_wall_ms)
		on_end(SIGTERM, 0, s);
}

/* Its keeper has a server of its own to start where we are. */
static void on_alone(evutil_socket_t fd, short what, void *arg)
{
	struct serve *s = arg;
	struct registry *r = feed_registry(s->http->feed, NULL);

	(void)fd;
	(void)what;
	if (r)
		(void)registry_read_registrars(r, on_registrar, s, NULL);
}

/* Registering and asking go on without it. */
static void on_gone(void *arg)
{
	struct serve *s = arg;
	const struct timeval each = { .tv_usec = ALONE_MS * 1000L };

	log_warn("the registrar is gone: serving on until another has come");
	s->gone_wall_ms = clock_wall_ms();
	(void)event_add(s->alone, &each);
}

/* ---- setting up ------------------------------------------------------- */

static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	    limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static struct event_base *make_base(void)
{
	struct event_config *config = event_config_new();

	if (!config)
		abort(); /* out of memory */
	(void)event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER |
	                                        EVENT_BASE_FLAG_NOLOCK |
	                                        EVENT_BASE_FLAG_IGNORE_ENV);
	struct event_base *base = event_base_new_with_config(config);

	event_config_free(config);
	if (!base)
		abort(); /* out of memory */
	return base;
}

static void name_hosts(struct serve *s)
{
	const struct conf_strings *said = &s->options->hosts;
	unsigned n = 0;

	s->hosts = xcalloc(said->n + 2, sizeof(*s->hosts));
	if (gethostname(s->own_host, sizeof(s->own_host) - 1) == 0)
		s->hosts[n++] = s->own_host;
	for (unsigned k = 0; k < said->n; k++)
		s->hosts[n++] = said->items[k];
	s->http->hosts = s->hosts;
}

static int listen_all(struct serve *s, struct diag *reterr)
{
	const struct serve_options *o = s->options;
	int error = 0;

	if (!o->http.n && !o->consul.n) {
		return diag_set(reterr, -EINVAL,
		    "found nothing to listen on, expected --http ADDR:PORT");
	}
	for (unsigned k = 0; k < o->http.n && error == 0; k++) {
		error =
		    http_listen(s->http, o->http.items[k], own_apis, reterr);
	}
	for (unsigned k = 0; k < o->consul.n && error == 0; k++) {
		error = http_listen(
		    s->http, o->consul.items[k], consul_apis, reterr);
	}
	return error;
}

/* Everything is open: files are written below the registry's directory. */
static int confine(struct serve *s, struct diag *reterr)
{
	s->sandbox = (struct sandbox){ .mode = s->options->sandbox };
	int error = sandbox_files(&s->sandbox, s->options->registry, reterr);

	if (error == 0)
		error = sandbox_calls(&s->sandbox, reterr);
	if (error == 0)
		sandbox_log(&s->sandbox);
	return error;
}

static int start(struct serve *s, struct diag *reterr)
{
	const struct serve_options *o = s->options;

	raise_file_limit();
	(void)signal(SIGPIPE, SIG_IGN);
	s->base = make_base();
	s->term = evsignal_new(s->base, SIGTERM, on_end, s);
	s->interrupt = evsignal_new(s->base, SIGINT, on_end, s);
	s->alone = event_new(s->base, -1, EV_PERSIST, on_alone, s);
	s->linger = evtimer_new(s->base, on_linger, s);
	if (!s->term || !s->interrupt || !s->alone || !s->linger ||
	    event_add(s->term, NULL) < 0 || event_add(s->interrupt, NULL) < 0)
		abort(); /* out of memory */
	s->http = http_new(s->base, o);
	s->http->started_wall_ms = clock_wall_ms();
	s->kept = kept_attach(s->base, on_gone, s);
	name_hosts(s);
	int error = listen_all(s, reterr);

	if (error < 0)
		return error;
	s->http->feed = feed_new(s->base, o->registry);
	s->http->consul_names = consul_names_new(s->http->feed);
	s->http->sums = sums_new(s->base, s->http->feed);
	s->http->writer = writer_new(s->http, o->registry);
	s->http->leases = leases_new(s->http);
	return confine(s, reterr);
}

static void stop(struct serve *s)
{
	struct feed *feed = s->http->feed;
	struct leases *leases = s->http->leases;
	struct consul_names *names = s->http->consul_names;
	struct sums *sums = s->http->sums;

	if (s->http->writer)
		writer_free(s->http->writer);
	leases_free(leases);
	http_free(s->http);
	sums_free(sums);
	feed_free(feed);
	consul_names_free(names);
	event_free(s->term);
	event_free(s->interrupt);
	event_free(s->alone);
	kept_free(s->kept);
	event_free(s->linger);
	event_base_free(s->base);
	free(s->hosts);
}

int serve_main(const struct serve_options *o)
{
	struct serve s = { .options = o };
	struct diag why;

	if (start(&s, &why) < 0) {
		log_error("cannot start: %s", why.text);
		stop(&s);
		return 1;
	}
	log_info("registrar serve %s: registry='%s' zone='%s'",
	    ROLLCALL_VERSION, o->registry, o->zone);
	notify_state("READY=1");
	(void)event_base_loop(s.base, 0);
	stop(&s);
	return 0;
}
