// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/http/consul/consul_impl.h"
#include "registrar/http/http_impl.h"
#include "schema/base/clock.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MS 300000
#define WAIT_MAX_MS 600000

bool consul_duration(const char *text, int64_t *ret_ms)
{
	static const struct {
		const char *name;
		double ms;
	} units[] = { { "ns", 1e-6 }, { "us", 1e-3 }, { "ms", 1 },
		{ "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
	double sum = 0;

	do {
		char *end;
		double n = strtod(text, &end);
		size_t len = strspn(end, "nusmh"), k = 0;

		while (k < sizeof(units) / sizeof(*units) &&
		       (strlen(units[k].name) != len ||
		           strncmp(units[k].name, end, len) != 0))
			k++;
		if (!isdigit((unsigned char)*text) ||
		    k == sizeof(units) / sizeof(*units))
			return false;
		sum += n * units[k].ms;
		text = end + len;
		if (!(sum < 1e15))
			return false;
	} while (*text);
	*ret_ms = (int64_t)sum;
	return true;
}

bool consul_is_elsewhere(struct http_request *q)
{
	const char *dc = http_param(q, "dc");
	const char *partition = http_param(q, "partition");
	const char *ns = http_param(q, "ns");

	if (dc && *dc && strcmp(dc, CONSUL_DATACENTER) != 0) {
		http_fail(q, 500, "query: dc",
		    "No path to datacenter '%.64s', only to " CONSUL_DATACENTER,
		    dc);
	} else if ((partition && *partition && *partition != '*' &&
	               strcmp(partition, "default") != 0) ||
	           (ns && *ns && *ns != '*' && strcmp(ns, "default") != 0)) {
		http_fail(q, 400, "query",
		    "Invalid query parameter: there is one partition and one "
		    "namespace, default");
	} else {
		return false;
	}
	return true;
}

/* Some of those who wait come a little later, as Consul has it. */
static int64_t with_jitter(int64_t ms)
{
	return ms + ms / 16 * (clock_read_ns(CLOCK_MONOTONIC) / 1000 % 17) / 16;
}

static bool read_wait(
    struct http_request *q, int64_t *ret_index, int64_t *ret_wait_ms)
{
	const char *wait = http_param(q, "wait");

	*ret_wait_ms = WAIT_MS;
	if (!http_param_int(q, "index", 0, INT64_MAX, 0, ret_index))
		return false;
	if (wait && *wait && !consul_duration(wait, ret_wait_ms)) {
		http_fail(q, 400, "query: wait", "Invalid wait time");
		return false;
	}
	if (!*ret_wait_ms)
		*ret_wait_ms = WAIT_MS;
	if (*ret_wait_ms > WAIT_MAX_MS)
		*ret_wait_ms = WAIT_MAX_MS;
	*ret_wait_ms = with_jitter(*ret_wait_ms);
	return true;
}

static bool waits_for(struct http_request *q, const char *service, int64_t at)
{
	int64_t index, wait_ms;

	if (!read_wait(q, &index, &wait_ms))
		return true;
	http_set_header(
	    q, "X-Consul-Index", arena_printf(http_arena(q), "%" PRId64, at));
	http_set_header(q, "X-Consul-KnownLeader", "true");
	http_set_header(q, "X-Consul-LastContact", "0");
	http_set_header(q, "X-Consul-Effective-Consistency",
	    http_param(q, "consistent") ? "consistent"
	    : http_param(q, "stale")    ? "stale"
	                                : "leader");
	/* another registry may have a lower one: that is news, too */
	if (index != at || http_is_over(q))
		return false;
	http_hold(q, http_zone(q), service, wait_ms);
	return true;
}

bool consul_waits(struct http_request *q, const char *service)
{
	return consul_is_elsewhere(q) ||
	       waits_for(q, service,
	           feed_revision(http_feed(q), http_zone(q), service));
}

bool consul_waits_for_names(struct http_request *q)
{
	if (consul_is_elsewhere(q))
		return true;
	struct registry *r = http_registry(q);

	return !r || waits_for(q, NULL,
	                 consul_names_revision(
	                     q->http->consul_names, r, http_zone(q)));
}
