// SPDX-License-Identifier: BSD-2-Clause
/*
 * probe_h2ping - does an HTTP/2 server answer PING? (RFC 9113 6.7)
 */
#include "registrar/net/http2.h"
#include "registrar/probe/probe.h"

static void on_open(void *arg)
{
	const struct probe *p = arg;

	http2_ping(p->run);
}

static void on_header(void *arg, const char *name, const char *value)
{
	(void)arg;
	(void)name;
	(void)value;
}

static bool on_body(void *arg, const uint8_t *data, size_t len)
{
	(void)arg;
	(void)data;
	(void)len;
	return true;
}

static void on_done(void *arg)
{
	probe_done(arg, VERDICT_PASS, "PING was answered");
}

static void on_failed(void *arg, int error, const char *why)
{
	probe_done_error(arg, error, why);
}

static void h2ping_files(const struct probe *p, struct fetch *f)
{
	probe_tls_files(p, &p->spec->h2ping.tls, f);
}

static void h2ping_start(struct probe *p)
{
	static const struct http2_ops ops = {
		.open = on_open,
		.header = on_header,
		.body = on_body,
		.done = on_done,
		.failed = on_failed,
	};
	const struct check_h2ping *check = &p->spec->h2ping;
	const struct transport_to to = { .address = check->address,
		.port = check->port,
		.tls = &check->tls,
		.speaks_first = true };
	struct http2 *connection;
	struct diag why;

	int r = http2_open(&p->prober->net, &to, &ops, p, &connection, &why);

	if (r < 0) {
		probe_done_error(p, r, why.text);
	} else {
		p->run = connection;
	}
}

static void h2ping_stop(struct probe *p)
{
	http2_free(p->run);
}

static const char *h2ping_waiting(const struct probe *p)
{
	return http2_waiting(p->run);
}

const struct probe_ops probe_h2ping_ops = {
	.files = h2ping_files,
	.start = h2ping_start,
	.stop = h2ping_stop,
	.waiting = h2ping_waiting,
};
