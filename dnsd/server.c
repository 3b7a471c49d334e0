// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/server.h"

#include "dnsd/address.h"
#include "dnsd/options.h"
#include "dnsd/tcp.h"
#include "dnsd/udp.h"
#include "schema/base/xalloc.h"

#include <stdlib.h>
#include <unistd.h>

struct server {
	struct address *address;
	unsigned address_n, worker_n;
	struct udp **udp; /* worker_n * address_n */
	struct tcp **tcp; /* worker_n */
	unsigned udp_n, tcp_n, reader_n;
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
	return worker_n(o) * (o->listen.n + 1);
}

static int parse_addresses(
    struct server *s, const struct options *o, struct diag *reterr)
{
	s->address = xcalloc(o->listen.n, sizeof(*s->address));
	for (; s->address_n < o->listen.n; s->address_n++) {
		int error = address_parse(o->listen.items[s->address_n],
		    &s->address[s->address_n], reterr);

		if (error)
			return error;
	}
	return 0;
}

static int start_worker(struct server *s, const struct options *o,
    const struct catalog *c, const struct identity *id, struct reclaim *rec,
    struct diag *reterr)
{
	struct tcp_limits limits = { (unsigned)o->tcp_connections / s->worker_n,
		o->tcp_idle_ms };
	int error = 0;

	if (!limits.connection_max)
		limits.connection_max = 1;
	for (unsigned i = 0; i < s->address_n && !error; i++) {
		error = udp_start(&s->address[i], c, id, (uint16_t)o->udp_size,
		    reclaim_reader(rec, s->reader_n), &s->udp[s->udp_n],
		    reterr);
		if (!error) {
			s->udp_n++;
			s->reader_n++;
		}
	}
	if (error)
		return error;
	error = tcp_start(s->address, s->address_n, c, id, &limits,
	    reclaim_reader(rec, s->reader_n), &s->tcp[s->tcp_n], reterr);
	if (!error) {
		s->tcp_n++;
		s->reader_n++;
	}
	return error;
}

int server_start(const struct options *o, const struct catalog *c,
    const struct identity *id, struct reclaim *rec, struct server **ret_s,
    struct diag *reterr)
{
	struct server *s = xcalloc(1, sizeof(*s));
	int error = parse_addresses(s, o, reterr);

	s->worker_n = worker_n(o);
	s->udp =
	    xcalloc((size_t)s->worker_n * o->listen.n, sizeof(struct udp *));
	s->tcp = xcalloc(s->worker_n, sizeof(struct tcp *));
	while (!error && s->tcp_n < s->worker_n)
		error = start_worker(s, o, c, id, rec, reterr);
	if (error) {
		server_stop(s);
		return error;
	}
	*ret_s = s;
	return 0;
}

void server_stop(struct server *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->udp_n; i++)
		udp_stop(s->udp[i]);
	for (unsigned i = 0; i < s->tcp_n; i++)
		tcp_stop(s->tcp[i]);
	free(s->udp);
	free(s->tcp);
	free(s->address);
	free(s);
}

uint64_t server_stat(const struct server *s, enum stat what)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < s->udp_n; i++)
		sum += stats_get(udp_stats(s->udp[i]), what);
	for (unsigned i = 0; i < s->tcp_n; i++)
		sum += stats_get(tcp_stats(s->tcp[i]), what);
	return sum;
}
