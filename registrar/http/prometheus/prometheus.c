// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/http/prometheus/prometheus_impl.h"

#include <string.h>

static void say(struct http_request *q, int status, const char *text)
{
	http_reply(q, status, "text/plain; charset=utf-8", text, strlen(text));
}

static void get_health(struct http_request *q)
{
	say(q, 200, "ok\n");
}

static void get_ready(struct http_request *q)
{
	if (feed_registry(http_feed(q), NULL)) {
		say(q, 200, "ok\n");
	} else {
		say(q, 503, "the registry cannot be read\n");
	}
}

static const struct http_route routes[] = {
	{ HTTP_GET, "/metrics", ACCESS_READ, prometheus_get_metrics },
	{ HTTP_GET, "/api/v1/prometheus", ACCESS_READ, prometheus_get_targets },
	{ HTTP_GET, "/health", ACCESS_NONE, get_health },
	{ HTTP_GET, "/ready", ACCESS_NONE, get_ready },
	{ 0 },
};

const struct http_api prometheus_http = { .name = "prometheus",
	.routes = routes };
