// SPDX-License-Identifier: BSD-2-Clause
/*
 * probe_grpc - what does a server say of its health? (gRPC over HTTP/2,
 * grpc.health.v1.Health/Check)
 *
 * What counts is grpc-status, in the trailers or, without a message, in the
 * only header; of answers without one, what HTTP says.
 */
#include "registrar/net/grpc_message.h"
#include "registrar/net/http2.h"
#include "registrar/probe/probe.h"
#include "schema/base/version.h"
#include "schema/base/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define METHOD "/grpc.health.v1.Health/Check"
#define CONTENT_TYPE "application/grpc"
#define BODY_MAX 1024 /* the message takes 7 octets */
#define MESSAGE_MAX 512
#define UNIMPLEMENTED 12

struct grpc_run {
	struct http2 *connection;
	size_t request_len;
	uint8_t request[GRPC_REQUEST_MAX];
	/* the answer; "": there is no such header */
	char http_status[8], content_type[64], grpc_status[8];
	char message[MESSAGE_MAX];
	size_t body_len;
	uint8_t body[BODY_MAX];
	bool too_long;
};

/* ---- judging ---------------------------------------------------------- */

static void judge_message(struct probe *p)
{
	const struct grpc_run *run = p->run;
	const char *why;
	uint64_t status;

	if (grpc_answer_read(run->body, run->body_len, &status, &why) < 0) {
		probe_done_fmt(
		    p, VERDICT_FAIL, "the answer cannot be read: %s", why);
		return;
	}
	const char *name = grpc_health_name(status);

	if (name) {
		probe_done(p,
		    status == GRPC_SERVING ? VERDICT_PASS : VERDICT_FAIL, name);
	} else {
		probe_done_fmt(p, VERDICT_FAIL,
		    "found status %llu, expected SERVING",
		    (unsigned long long)status);
	}
}

/* grpc-status is a code of failure, or none at all. */
static void judge_failure(struct probe *p, int code)
{
	struct grpc_run *run = p->run;
	const char *name = grpc_status_name(code);
	char text[24];

	grpc_percent_decode(run->message);
	(void)snprintf(text, sizeof(text), "grpc-status %s", run->grpc_status);
	probe_done_fmt(p, VERDICT_FAIL, "%s%s%s%s", name ? name : text,
	    code == UNIMPLEMENTED ? ": the server has no health service" : "",
	    *run->message ? ": " : "", run->message);
}

static bool is_grpc(const char *content_type)
{
	size_t len = strlen(CONTENT_TYPE);

	return strncasecmp(content_type, CONTENT_TYPE, len) == 0 &&
	       (!content_type[len] || strchr("+; ", content_type[len]));
}

static void judge(struct probe *p)
{
	const struct grpc_run *run = p->run;
	int code = *run->grpc_status ? grpc_status_parse(run->grpc_status) : 0;

	if (code != 0) {
		judge_failure(p, code);
	} else if (strcmp(run->http_status, "200") != 0) {
		probe_done_fmt(p, VERDICT_FAIL,
		    "found HTTP status %s, expected 200", run->http_status);
	} else if (!is_grpc(run->content_type)) {
		probe_done_fmt(p, VERDICT_FAIL,
		    "found content-type '%s', expected " CONTENT_TYPE,
		    run->content_type);
	} else if (run->too_long) {
		probe_done_fmt(p, VERDICT_FAIL,
		    "the answer is longer than %d octets", BODY_MAX);
	} else if (!*run->grpc_status) {
		probe_done(
		    p, VERDICT_FAIL, "the answer ends without a grpc-status");
	} else {
		judge_message(p);
	}
}

/* ---- what the connection tells ---------------------------------------- */

static void on_header(void *arg, const char *name, const char *value)
{
	const struct probe *p = arg;
	struct grpc_run *run = p->run;
	const struct {
		const char *name;
		char *to;
		size_t room;
	} wanted[] = {
		{ ":status", run->http_status, sizeof(run->http_status) },
		{ "content-type", run->content_type,
		    sizeof(run->content_type) },
		{ "grpc-status", run->grpc_status, sizeof(run->grpc_status) },
		{ "grpc-message", run->message, sizeof(run->message) },
	};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		if (strcmp(wanted[i].name, name) == 0) {
			(void)snprintf(
			    wanted[i].to, wanted[i].room, "%s", value);
		}
	}
}

static bool on_body(void *arg, const uint8_t *data, size_t len)
{
	const struct probe *p = arg;
	struct grpc_run *run = p->run;

	if (len > BODY_MAX - run->body_len) {
		run->too_long = true;
		return false;
	}
	memcpy(run->body + run->body_len, data, len);
	run->body_len += len;
	return true;
}

static void on_done(void *arg)
{
	judge(arg);
}

static void on_failed(void *arg, int error, const char *why)
{
	probe_done_error(arg, error, why);
}

static void on_open(void *arg)
{
	const struct probe *p = arg;
	struct grpc_run *run = p->run;
	char timeout[24];
	const struct conf_pair headers[] = {
		{ "content-type", CONTENT_TYPE },
		{ "te", "trailers" },
		{ "user-agent", "rollcall/" ROLLCALL_VERSION },
		{ "grpc-timeout", timeout },
	};
	const struct http2_request request = {
		.method = "POST",
		.path = METHOD,
		.authority = p->spec->grpc.authority,
		.headers = headers,
		.header_n = sizeof(headers) / sizeof(headers[0]),
		.content = run->request,
		.content_len = run->request_len,
	};

	(void)snprintf(
	    timeout, sizeof(timeout), "%lldm", (long long)p->spec->timeout_ms);
	http2_request(run->connection, &request);
}

/* ---- one run ---------------------------------------------------------- */

static void grpc_files(const struct probe *p, struct fetch *f)
{
	probe_tls_files(p, &p->spec->grpc.tls, f);
}

static void grpc_start(struct probe *p)
{
	static const struct http2_ops ops = {
		.open = on_open,
		.header = on_header,
		.body = on_body,
		.done = on_done,
		.failed = on_failed,
	};
	const struct check_grpc *check = &p->spec->grpc;
	const struct transport_to to = { .path = check->path,
		.address = check->address,
		.port = check->port,
		.tls = &check->tls,
		.speaks_first = true };
	struct grpc_run *run = xcalloc(1, sizeof(*run));
	struct diag why;

	run->request_len = grpc_request_write(check->service, run->request);
	p->run = run;
	int r =
	    http2_open(&p->prober->net, &to, &ops, p, &run->connection, &why);

	if (r < 0)
		probe_done_error(p, r, why.text);
}

static void grpc_stop(struct probe *p)
{
	struct grpc_run *run = p->run;

	if (!run)
		return;
	http2_free(run->connection);
	free(run);
}

static const char *grpc_waiting(const struct probe *p)
{
	const struct grpc_run *run = p->run;

	return http2_waiting(run->connection);
}

const struct probe_ops probe_grpc_ops = {
	.files = grpc_files,
	.start = grpc_start,
	.stop = grpc_stop,
	.waiting = grpc_waiting,
};
