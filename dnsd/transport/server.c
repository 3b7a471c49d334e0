// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/transport/server.h"

#include "dnsd/later/later.h"
#include "dnsd/message/data/reclaim.h"
#include "dnsd/options.h"
#include "dnsd/transport/stream.h"
#include "dnsd/transport/udp.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

struct server {
	struct stream_door *doors; /* plain ones first: those have UDP, too */
	unsigned plain_n, door_n, worker_n;
	struct udp **udp;       /* worker_n * plain_n */
	struct stream **stream; /* worker_n */
	unsigned udp_n, stream_n, reader_n;
	unsigned connection_max;
	_Atomic unsigned connection_n;
	struct later *later; /* NULL: everything is answered at once */
};

static unsigned worker_n(const struct options *o)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (o->workers)
		return (unsigned)o->workers;
	return cores > 0 ? (unsigned)cores : 1;
}

unsigned server_reader_n(const struct options *o)
{
	return worker_n(o) * (o->listen.n + 1) + LATER_THREADS;
}

static int parse_doors(struct server *s, const struct options *o,
    struct tls_context *tls, struct diag *reterr)
{
	unsigned n = o->listen.n + o->listen_tls.n;

	s->doors = xcalloc(n, sizeof(*s->doors));
	s->plain_n = o->listen.n;
	for (; s->door_n < n; s->door_n++) {
		struct stream_door *door = &s->doors[s->door_n];
		bool plain = s->door_n < s->plain_n;
		const char *text =
		    plain ? o->listen.items[s->door_n]
		          : o->listen_tls.items[s->door_n - s->plain_n];
		int error = address_parse(text,
		    plain ? ADDRESS_PORT_DNS : ADDRESS_PORT_TLS, &door->address,
		    reterr);

		if (error)
			return error;
		door->tls = plain ? NULL : tls;
	}
	return 0;
}

/* Before the first of our own sockets, which look like another program's. */
static int claim_doors(const struct server *s, struct diag *reterr)
{
	int error = 0;

	for (unsigned i = 0; i < s->door_n && !error; i++) {
		const struct address *a = &s->doors[i].address;

		error = address_is_free(a, SOCK_STREAM, reterr);
		if (!error && i < s->plain_n)
			error = address_is_free(a, SOCK_DGRAM, reterr);
	}
	return error;
}

/*
 * So many that files are left for what must be opened whoever connects: a
 * registry that takes the place of another, zone files, a certificate.
 */
static unsigned connection_max(const struct options *o)
{
	enum { KEPT_FILES = 16, HTTP_FILES = 40 };
	unsigned wanted = (unsigned)o->tcp_connections;
	unsigned readers = server_reader_n(o);
	struct rlimit limit;
	/* the lowest that is free: as many are open */
	int open_n = dup(STDERR_FILENO);

	if (open_n < 0 || getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return wanted;
	close(open_n);
	/* each worker may take one more than there are */
	rlim_t others = (rlim_t)open_n + KEPT_FILES +
	                (o->http ? HTTP_FILES : 0) +
	                (rlim_t)readers * (5 + o->listen_tls.n);
	if (limit.rlim_cur >= others + wanted)
		return wanted;
	return limit.rlim_cur > others + 1 ? (unsigned)(limit.rlim_cur - others)
	                                   : 1;
}

static int start_worker(struct server *s, const struct options *o,
    const struct handler_source *source, struct reclaim *rec,
    struct diag *reterr)
{
	struct stream_limits limits = { s->connection_max, &s->connection_n,
		o->tcp_idle_ms };
	int error = 0;

	for (unsigned i = 0; i < s->plain_n && !error; i++) {
		error = udp_start(&s->doors[i].address, source,
		    reclaim_reader(rec, s->reader_n), &s->udp[s->udp_n],
		    reterr);
		if (!error) {
			s->udp_n++;
			s->reader_n++;
		}
	}
	if (error)
		return error;
	error = stream_start(s->doors, s->door_n, &limits, source,
	    reclaim_reader(rec, s->reader_n), &s->stream[s->stream_n], reterr);
	if (!error) {
		s->stream_n++;
		s->reader_n++;
	}
	return error;
}

/* Their readers come before those of the workers. */
static int start_later(struct server *s, struct handler_source *source,
    struct reclaim *rec, struct diag *reterr)
{
	static const struct later_config config = { LATER_THREADS, LATER_SLOTS,
		LATER_PATIENCE_MS };

	s->reader_n = LATER_THREADS;
	if (!source->later)
		return 0;
	int error = later_start(
	    &config, source, reclaim_reader(rec, 0), &s->later, reterr);
	source->queue = s->later;
	return error;
}

int server_start(const struct options *o, struct tls_context *tls,
    const struct handler_source *source, struct reclaim *rec,
    struct server **ret_s, struct diag *reterr)
{
	struct server *s = xcalloc(1, sizeof(*s));
	struct handler_source own = *source;
	int error = parse_doors(s, o, tls, reterr);

	if (!error)
		error = claim_doors(s, reterr);
	if (!error)
		error = start_later(s, &own, rec, reterr);
	s->worker_n = worker_n(o);
	s->connection_max = connection_max(o);
	s->udp =
	    xcalloc((size_t)s->worker_n * o->listen.n, sizeof(struct udp *));
	s->stream = xcalloc(s->worker_n, sizeof(struct stream *));
	while (!error && s->stream_n < s->worker_n)
		error = start_worker(s, o, &own, rec, reterr);
	if (error) {
		server_stop(s);
		return error;
	}
	*ret_s = s;
	return 0;
}

int server_raise_limit(const struct options *o, struct diag *reterr)
{
	enum { OTHER_FILES = 100 }; /* the registry, logs, event bases ... */
	rlim_t wanted = (rlim_t)o->tcp_connections +
	                (rlim_t)server_reader_n(o) * (4 + o->listen_tls.n) +
	                OTHER_FILES;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
		return 0;
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur >= wanted)
		return 0;
	return diag_set(reterr, -EMFILE,
	    "fewer connections at a time: %d need %llu open files, the limit is %llu",
	    o->tcp_connections, (unsigned long long)wanted,
	    (unsigned long long)limit.rlim_max);
}

void server_stop(struct server *s)
{
	if (!s)
		return;
	/* all of them at once, for a drain may take a while */
	for (unsigned i = 0; i < s->stream_n; i++)
		stream_drain(s->stream[i]);
	for (unsigned i = 0; i < s->udp_n; i++)
		udp_stop(s->udp[i]);
	/* the sockets and streams that answers go to are still there */
	later_end(s->later, STREAM_DRAIN_MS);
	for (unsigned i = 0; i < s->stream_n; i++)
		stream_stop(s->stream[i]);
	for (unsigned i = 0; i < s->udp_n; i++)
		udp_free(s->udp[i]);
	later_free(s->later);
	free(s->udp);
	free(s->stream);
	free(s->doors);
	free(s);
}

uint64_t server_stat(const struct server *s, enum stat what)
{
	uint64_t sum = later_stat(s->later, what);

	for (unsigned i = 0; i < s->udp_n; i++)
		sum += stats_get(udp_stats(s->udp[i]), what);
	for (unsigned i = 0; i < s->stream_n; i++)
		sum += stats_get(stream_stats(s->stream[i]), what);
	return sum;
}
