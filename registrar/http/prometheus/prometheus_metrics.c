// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the registry says, and this process. All services are walked, some in
 * each turn, so that however many there are nobody waits for it; their sums
 * come in the end.
 */
#include "registrar/http/http_impl.h"
#include "registrar/http/prometheus/prometheus_impl.h"
#include "schema/base/clock.h"
#include "schema/base/exposition.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "schema/eligible.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PAGE = 100, KINDS_MAX = 32 };

#define LABELS(...) ((const char *[]){ __VA_ARGS__, NULL })

struct kind {
	char name[32];
	uint64_t n[HEALTH_N];
};

struct walk {
	struct registry_key after;
	int64_t now_wall_ms;
	uint64_t service_n, why_n[ELIGIBLE_WHY_N];
	struct kind kinds[KINDS_MAX]; /* the last: all others */
	unsigned kind_n;
	/* of a page */
	struct registry_key names[PAGE];
	unsigned name_n;
};

/* ---- walking ------------------------------------------------------------ */

static void on_service(void *arg, const struct service_row *row)
{
	struct walk *w = arg;
	struct registry_key *k = &w->names[w->name_n++];

	w->service_n++;
	(void)snprintf(k->zone, sizeof(k->zone), "%s", row->zone);
	(void)snprintf(k->name, sizeof(k->name), "%s", row->name);
}

static void on_instance(void *arg, const struct instance_row *row)
{
	struct walk *w = arg;
	struct eligible_facts facts = eligible_facts(row);

	w->why_n[eligible_judge(&facts, w->now_wall_ms).why]++;
}

static void on_done(void *arg)
{
	(void)arg;
}

static void on_check(void *arg, const struct check_row *row)
{
	struct walk *w = arg;
	unsigned k = 0;

	while (k < w->kind_n && strcmp(w->kinds[k].name, row->kind) != 0)
		k++;
	if (k == w->kind_n) {
		if (w->kind_n == KINDS_MAX) {
			k = KINDS_MAX - 1;
		} else {
			(void)snprintf(w->kinds[k].name,
			    sizeof(w->kinds[k].name), "%s",
			    ++w->kind_n == KINDS_MAX ? "other" : row->kind);
		}
	}
	w->kinds[k].n[row->status]++;
}

/* ---- writing ------------------------------------------------------------ */

static void put_size(
    struct exposition *e, const char *name, const char *help, const char *path)
{
	struct stat st;

	exposition_family(e, name, "gauge", help);
	exposition_value(
	    e, NULL, stat(path, &st) == 0 ? (uint64_t)st.st_size : 0);
}

static void on_registrar(void *arg, const struct registrar_row *row)
{
	exposition_seconds(arg, LABELS("registrar", row->name),
	    row->heartbeat_wall_ms * 1000000);
}

struct refused {
	uint64_t n;
};

static void on_refused(void *arg, const struct refused_row *row)
{
	struct refused *r = arg;

	(void)row;
	r->n++;
}

static void put_registry(
    struct http_request *q, struct registry *r, struct exposition *e)
{
	const char *path = http_registry_path(q);
	scoped_free char *wal = xasprintf("%s-wal", path);
	struct refused refused = { 0 };
	int64_t revision = 0;

	put_size(e, "rollcall_registry_size_bytes",
	    "Size of the registry without its log", path);
	put_size(e, "rollcall_registry_wal_size_bytes",
	    "Size of the registry's write-ahead log", wal);
	exposition_family(e, "rollcall_registry_revision", "gauge",
	    "Revision of the registry");
	(void)registry_revision(r, &revision);
	exposition_value(e, NULL, (uint64_t)revision);
	exposition_family(e, "rollcall_registrar_heartbeat_timestamp_seconds",
	    "gauge",
	    "When each registrar last said that it lives, in seconds since "
	    "1970");
	(void)registry_read_registrars(r, on_registrar, e, NULL);
	(void)registry_read_refused(r, on_refused, &refused, NULL);
	exposition_family(e, "rollcall_definitions_refused", "gauge",
	    "Definition files whose present text is not in force");
	exposition_value(e, NULL, refused.n);
}

static void put_process(const struct http_request *q, struct exposition *e)
{
	exposition_family(e, "rollcall_http_connections", "gauge",
	    "Connections over HTTP that are open");
	exposition_value(e, NULL, q->http->conn_n);
	exposition_family(e, "rollcall_http_held_requests", "gauge",
	    "Requests that wait for a change, and streams");
	exposition_value(e, NULL, q->http->held_n);
}

static void put_sums(const struct walk *w, struct exposition *e)
{
	exposition_family(e, "rollcall_registry_services", "gauge",
	    "Services in the registry");
	exposition_value(e, NULL, w->service_n);
	exposition_family(e, "rollcall_registry_instances", "gauge",
	    "Instances by what decides whether they are in answers");
	for (enum eligible_why why = 0; why < ELIGIBLE_WHY_N; why++) {
		if (why != ELIGIBLE_ADMITTED) {
			exposition_value(e,
			    LABELS("state", eligible_why_name(why)),
			    w->why_n[why]);
		}
	}
	exposition_family(e, "rollcall_checks", "gauge",
	    "Checks by kind and by what they said last");
	for (unsigned k = 0; k < w->kind_n; k++) {
		for (enum health h = 0; h < HEALTH_N; h++) {
			exposition_value(e,
			    LABELS("kind", w->kinds[k].name, "status",
			        health_name(h)),
			    w->kinds[k].n[h]);
		}
	}
}

static void put_out(struct exposition *e, struct evbuffer *out)
{
	if (e->len && evbuffer_add(out, e->text, e->len) < 0)
		abort(); /* out of memory */
	exposition_release(e);
}

static enum http_more more(
    struct http_request *q, struct evbuffer *out, void *state)
{
	struct walk *w = state;
	struct registry *r = feed_registry(http_feed(q), NULL);
	const struct registry_visitor v = { on_service, on_instance, on_done, w,
		registry_pass_over };
	struct exposition e = { 0 };
	bool is_first = !*w->after.name;
	unsigned n = 0;

	w->name_n = 0;
	if (!r || registry_read_page(r, &w->after, PAGE, &v, &n, NULL) < 0)
		return HTTP_BREAK;
	for (unsigned i = 0; i < w->name_n; i++) {
		(void)registry_read_checks(
		    r, w->names[i].zone, w->names[i].name, on_check, w, NULL);
	}
	if (is_first) {
		exposition_program(&e, "registrar", q->http->started_wall_ms);
		put_process(q, &e);
		put_registry(q, r, &e);
	}
	if (!n)
		put_sums(w, &e);
	put_out(&e, out);
	if (n && !is_first && evbuffer_add(out, "\n", 1) < 0)
		abort(); /* out of memory */
	return n ? HTTP_MORE : HTTP_ENOUGH;
}

void prometheus_get_metrics(struct http_request *q)
{
	static const struct http_stream_ops ops = { .more = more,
		.free = free };

	if (!http_registry(q))
		return;
	struct walk *w = xcalloc(1, sizeof(*w));
	w->now_wall_ms = clock_wall_ms();
	http_stream(q, 200, EXPOSITION_TYPE, &ops, w);
}
