// SPDX-License-Identifier: BSD-2-Clause
/*
 * Once something is wrong the transaction is lost, but the rest is read and
 * put all the same: rules that only the database knows are told of too.
 */
#include "registrar/exchange/import_impl.h"
#include "registrar/lib/json.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define SOURCE "import"

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
	return im->error && (im->error != -EINVAL || im->errors->more);
}

/* Of the registry: a row that it refuses, or worse. */
static void refused(struct import *im, struct import_place at, int error,
    const struct diag *why)
{
	if (error == -EINVAL) {
		import_bad(im, at, "%s", why->text);
		return;
	}
	/* what was found in the file before is of no interest then */
	*im->errors = (struct diags){ 0 };
	im->error = diags_add(im->errors, error, "%s", why->text);
}

/* ---- rows -------------------------------------------------------------- */

static bool put_service(
    struct import *im, const struct import_line *l, struct import_place at)
{
	const struct service_row row = {
		.zone = im->config->zone,
		.name = l->service,
		.protocol = l->protocol,
		.port = ROW_DEFAULT,
		.ttl_s = l->ttl_s,
		.max_answers = ROW_DEFAULT,
		.on_empty = ON_EMPTY_NODATA,
		.tags = "[]",
		.meta = "{}",
		.source = SOURCE,
	};
	struct diag why;

	int error = registry_add_service(im->r, &row, &why);

	if (error < 0) {
		im->service[0] = '\0';
		refused(im, at, error, &why);
		return false;
	}
	(void)snprintf(im->service, sizeof(im->service), "%s", l->service);
	(void)snprintf(im->protocol, sizeof(im->protocol), "%s", l->protocol);
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
		.priority = l->priority,
		.weight = l->weight,
		.weight_warning = l->weight_warning,
		.health = HEALTH_PASSING,
		.mode = MODE_ACTIVE,
		.tags = l->tags ? l->tags : "[]",
		.meta = l->meta ? l->meta : "{}",
		.locality = l->locality,
		.source = SOURCE,
		.since_wall_ms = im->now_wall_ms,
	};
}

void import_flush(struct import *im)
{
	struct instance_row rows[IMPORT_BATCH];
	unsigned at = 0, done;

	for (unsigned i = 0; i < im->pending_n; i++)
		rows[i] = row_of(im, &im->pending[i].line);
	while (at < im->pending_n && !import_is_over(im)) {
		struct diag why;
		int error = registry_put_instances(
		    im->r, rows + at, im->pending_n - at, &done, &why);

		at += done;
		im->result.instances_n += done;
		if (error < 0)
			refused(im, im->pending[at++].at, error, &why);
	}
	for (; im->pending_n > 0; im->pending_n--)
		import_line_release(&im->pending[im->pending_n - 1].line);
}

/* Does l say of its service what the line before said? */
static bool is_consistent(
    struct import *im, const struct import_line *l, struct import_place at)
{
	enum import_key k = IMPORT_PROTOCOL;

	if (!strcmp(im->protocol, l->protocol)) {
		if (im->ttl_s == l->ttl_s)
			return true;
		k = IMPORT_TTL;
	}
	at.column = l->column[k] ? l->column[k] : at.column;
	import_bad(im, at,
	    "found another %s than in the line before, expected the same in "
	    "all lines of service '%s'",
	    k == IMPORT_TTL ? "ttl" : "protocol", l->service);
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

bool import_claim(struct import *im, const char *service, const char *name)
{
	const char *key = arena_printf(im->arena, "%s/%s", service, name);

	if (!im->claimed)
		im->claimed = json_must(json_object());
	if (json_object_get(im->claimed, key))
		return false;
	json_set(im->claimed, key, json_true());
	return true;
}

char import_lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c;
}

const char *import_label(struct import *im, const char *text)
{
	char *label = arena_strdup(im->arena, text);
	size_t len = 0;

	for (const char *p = text; *p && len < LABEL_MAX; p++) {
		char c = import_lower(*p);

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
			label[len++] = c;
		} else if (len && label[len - 1] != '-') {
			label[len++] = '-';
		}
	}
	while (len && label[len - 1] == '-')
		len--;
	label[len] = '\0';
	return label;
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
