// SPDX-License-Identifier: BSD-2-Clause
/*
 * Rules that only the database knows are told of by it, with the place of the
 * entry that it refuses.
 */
#include "registrar/consul/consul_tree.h"
#include "registrar/exchange/import_impl.h"
#include "registrar/lib/json.h"
#include "registrar/report/ports.h"
#include "schema/base/xalloc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is wrong ----------------------------------------------------- */

static void add_text(const struct import *im, struct diags *d,
    struct import_place at, const char *before, const char *text)
{
	char column[24] = "";

	if (at.column)
		(void)snprintf(column, sizeof(column), ":%zu", at.column);
	(void)diags_add(d, -EINVAL, "%s:%lu%s: %s%s", im->file, at.line, column,
	    before, text);
}

void import_bad(struct import *im, struct import_place at, const char *fmt, ...)
{
	char text[DIAG_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	add_text(im, im->errors, at, "", text);
	if (!im->error)
		im->error = -EINVAL;
}

void import_refuse(
    struct import *im, struct import_place at, const char *fmt, ...)
{
	char text[DIAG_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	add_text(im, im->errors, at, "", text);
	im->result.refused_n++;
}

void import_note(
    struct import *im, struct import_place at, const char *fmt, ...)
{
	char text[DIAG_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	add_text(im, &im->result.left_out, at, "", text);
}

void import_left_out(
    struct import *im, struct import_place at, const char *fmt, ...)
{
	char text[DIAG_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	add_text(im, &im->result.left_out, at, "left out: ", text);
	im->result.left_out_n++;
}

bool import_is_over(const struct import *im)
{
	if (im->error)
		return im->error != -EINVAL || im->errors->more;
	return im->errors->more &&
	       im->result.refused_n >= im->result.instances_n + im->pending_n;
}

/* Of the registry: a row that it refuses, or worse. */
static void refused(struct import *im, struct import_place at, int error,
    const struct diag *why)
{
	if (error == -EINVAL) {
		import_refuse(im, at, "%s", why->text);
		return;
	}
	/* what was found in the file before is of no interest then */
	*im->errors = (struct diags){ 0 };
	im->error = diags_add(im->errors, error, "%s", why->text);
}

/* ---- rows -------------------------------------------------------------- */

/* The service of a line, if another owner has described it. */
struct others_service {
	bool same; /* owner */
	char protocol[LABEL_MAX + 1], source[OWNER_MAX];
	int ttl_s;
};

static void compare_service(void *arg, const struct service_row *row)
{
	struct others_service *o = arg;

	o->same = !*row->node && !strcmp(row->source, IMPORT_SOURCE);
	o->ttl_s = row->ttl_s;
	(void)snprintf(o->protocol, sizeof(o->protocol), "%s", row->protocol);
	(void)snprintf(o->source, sizeof(o->source), "%s", row->source);
}

static void tell_other(struct import *im, const struct import_line *l,
    struct import_place at, const struct others_service *o)
{
	if (strcmp(o->protocol, l->protocol) != 0) {
		import_left_out(im, at,
		    "protocol %s: service '%s' is %s, as '%s' describes it",
		    l->protocol, l->service, o->protocol, o->source);
	} else if (l->ttl_s != ROW_DEFAULT && l->ttl_s != o->ttl_s) {
		import_left_out(im, at,
		    "ttl %d: '%s' describes service '%s' otherwise", l->ttl_s,
		    o->source, l->service);
	}
}

static bool put_service(
    struct import *im, const struct import_line *l, struct import_place at)
{
	const struct service_row row = {
		.zone = im->config->zone,
		.name = l->service,
		.protocol = l->protocol,
		.port = ROW_DEFAULT,
		.port_name = l->port_name,
		.ports = l->ports,
		.ttl_s = l->ttl_s,
		.max_answers = ROW_DEFAULT,
		.on_empty = ON_EMPTY_NODATA,
		.tags = "[]",
		.meta = "{}",
		.source = IMPORT_SOURCE,
	};
	struct others_service other = { .same = true };
	struct diag why;
	int error = registry_read_service_row(
	    im->r, row.zone, row.name, compare_service, &other, &why);

	/* that of another owner stays as it is */
	if (error == -ENOENT || (error == 0 && other.same)) {
		error = registry_put_service(im->r, &row, &why);
	} else if (error == 0) {
		tell_other(im, l, at, &other);
	}
	if (error < 0) {
		im->service[0] = '\0';
		refused(im, at, error, &why);
		return false;
	}
	(void)snprintf(im->service, sizeof(im->service), "%s", l->service);
	(void)snprintf(im->protocol, sizeof(im->protocol), "%s", l->protocol);
	(void)snprintf(im->port_name, sizeof(im->port_name), "%s",
	    l->port_name ? l->port_name : "");
	free(im->ports);
	im->ports = l->ports ? xstrdup(l->ports) : NULL;
	im->ttl_s = l->ttl_s;
	return true;
}

static struct instance_row row_of(
    const struct import *im, const struct import_line *l)
{
	return (struct instance_row){
		.zone = im->config->zone,
		.service = l->service,
		.name = l->id,
		.address = l->address,
		.address6 = l->address6,
		.port = l->port,
		.ports = l->ports,
		.priority = l->priority,
		.weight = l->weight,
		.weight_warning = l->weight_warning,
		.health = HEALTH_PASSING,
		.mode = MODE_ACTIVE,
		.tags = l->tags ? l->tags : "[]",
		.meta = l->meta ? l->meta : "{}",
		.locality = l->locality,
		.source = IMPORT_SOURCE,
		.since_wall_ms = im->now_wall_ms,
	};
}

/* Its first instance was to be the one that is refused, maybe. */
static void note_doubtful(struct import *im, const char *service)
{
	if (!im->doubtful)
		im->doubtful = json_must(json_object());
	json_set(im->doubtful, service, json_true());
}

struct census {
	unsigned instance_n;
	bool ours;
};

static void on_service(void *arg, const struct service_row *row)
{
	struct census *c = arg;

	c->ours = row->source && strcmp(row->source, IMPORT_SOURCE) == 0;
}

static void on_instance(void *arg, const struct instance_row *row)
{
	struct census *c = arg;

	(void)row;
	c->instance_n++;
}

static void on_done(void *arg)
{
	(void)arg;
}

void import_drop_empty(struct import *im)
{
	const char *service;
	json_t *value;

	json_object_foreach(im->doubtful, service, value)
	{
		struct census c = { 0 };
		/* one that cannot be read wholly is not empty */
		const struct registry_visitor v = { .service = on_service,
			.instance = on_instance,
			.done = on_done,
			.arg = &c };

		if (registry_read_service(
		        im->r, im->config->zone, service, &v, NULL) == 0 &&
		    c.ours && !c.instance_n) {
			(void)registry_withdraw_service(
			    im->r, im->config->zone, service, NULL);
		}
	}
	json_decref(im->doubtful);
	im->doubtful = NULL;
}

void import_flush(struct import *im)
{
	struct instance_row rows[IMPORT_BATCH];
	unsigned at = 0, done;

	for (unsigned i = 0; i < im->pending_n; i++)
		rows[i] = row_of(im, &im->pending[i].line);
	if (im->config->would)
		import_tell_changes(im, rows);
	while (at < im->pending_n && !im->error) {
		struct diag why;
		int error = registry_put_instances(
		    im->r, rows + at, im->pending_n - at, &done, &why);

		at += done;
		im->result.instances_n += done;
		if (error < 0) {
			note_doubtful(im, rows[at].service);
			refused(im, im->pending[at++].at, error, &why);
		}
	}
	for (; im->pending_n > 0; im->pending_n--)
		import_line_release(&im->pending[im->pending_n - 1].line);
}

/* The same ports but for their numbers? */
static bool has_same_ports(const struct import *im, const struct import_line *l)
{
	const struct service_row was = { .protocol = im->protocol,
		.ports = im->ports };
	const struct service_row now = { .protocol = l->protocol,
		.ports = l->ports };
	struct arena *a = arena_new();
	const struct port_list x = port_list_of(a, &was, NULL);
	const struct port_list y = port_list_of(a, &now, NULL);
	bool same = x.n == y.n;

	for (unsigned k = 1; same && k < x.n; k++) {
		const struct port_row *p = &x.items[k], *q = &y.items[k];

		same = !strcmp(p->protocol, q->protocol) &&
		       !strcmp(p->name ? p->name : "", q->name ? q->name : "");
	}
	arena_free(a);
	return same;
}

/* Does l say of its service what the line before said? */
static bool is_consistent(
    struct import *im, const struct import_line *l, struct import_place at)
{
	const char *port_name = l->port_name ? l->port_name : "";
	enum import_key k = IMPORT_PROTOCOL;
	const char *what = "protocol";

	if (!strcmp(im->protocol, l->protocol)) {
		if (im->ttl_s != l->ttl_s) {
			k = IMPORT_TTL;
			what = "ttl";
		} else if (strcmp(im->port_name, port_name) != 0) {
			k = IMPORT_PORT_NAME;
			what = "port_name";
		} else if ((im->ports || l->ports) && !has_same_ports(im, l)) {
			k = IMPORT_PORTS;
			what = "list of ports";
		} else {
			return true;
		}
	}
	at.column = l->column[k] ? l->column[k] : at.column;
	import_refuse(im, at,
	    "found another %s than in the line before, expected the same in "
	    "all lines of service '%s'",
	    what, l->service);
	return false;
}

void import_put(
    struct import *im, struct import_line *l, struct import_place at)
{
	bool same = strcmp(im->service, l->service) == 0;

	if (same ? !is_consistent(im, l, at) : !put_service(im, l, at)) {
		import_line_release(l);
		return;
	}
	im->pending[im->pending_n++] =
	    (struct import_pending){ .at = at, .line = *l };
	if (im->pending_n == IMPORT_BATCH)
		import_flush(im);
}

/* ---- for the readers --------------------------------------------------- */

unsigned long import_claim(struct import *im, const char *service,
    const char *name, struct import_place at)
{
	return claims_take(&im->claims, service, name, at.line);
}

char import_lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c;
}

const char *import_label(struct import *im, const char *text)
{
	return consul_label(im->arena, text, LABEL_MAX);
}

struct import_line import_blank(void)
{
	return (struct import_line){
		.protocol = "tcp",
		.port = ROW_DEFAULT,
		.weight = 100,
		.weight_warning = ROW_DEFAULT,
		.ttl_s = ROW_DEFAULT,
	};
}

/* inet_ntop writes a dotted tail into some, which the registry does not. */
static const char *plain_ipv6(struct import *im, const struct in6_addr *raw)
{
	char text[INET6_ADDRSTRLEN];
	const uint8_t *o = raw->s6_addr;

	(void)inet_ntop(AF_INET6, raw, text, sizeof(text));
	char *dotted = strchr(text, '.') ? strrchr(text, ':') : NULL;

	if (!dotted)
		return arena_strdup(im->arena, text);
	return arena_printf(im->arena, "%.*s:%x:%x", (int)(dotted - text), text,
	    (unsigned)(o[12] << 8 | o[13]), (unsigned)(o[14] << 8 | o[15]));
}

const char *import_address(struct import *im, const char *text)
{
	struct in6_addr raw;

	if (label_is_ipv4(text))
		return arena_strdup(im->arena, text);
	if (inet_pton(AF_INET6, text, &raw) == 1)
		return plain_ipv6(im, &raw);
	return NULL;
}
