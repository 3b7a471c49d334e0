// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/import.h"

#include "registrar/import_line.h"
#include "schema/base/clock.h"
#include "schema/base/scoped.h"
#include "schema/label.h"
#include "schema/registry.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOURCE "import"
#define BUSY_MS 5000
#define BATCH 8

/* A line that was read and waits for others, to be put together. */
struct pending {
	char *text; /* of getline() */
	size_t room;
	unsigned long number;
	struct import_line line;
};

struct import {
	struct registry *r;
	const char *zone;
	const char *file; /* for messages */
	unsigned long line_n;
	int64_t now_wall_ms;
	/* of the service put last */
	char service[LABEL_SERVICE_MAX + 1];
	char protocol[LABEL_SERVICE_MAX + 1];
	int ttl_s;
	struct pending pending[BATCH];
	unsigned pending_n;
	struct import_result result;
};

static int at_line(const struct import *im, unsigned long number, size_t column,
    int error, struct diag *reterr)
{
	if (error != -EINVAL) /* not the fault of the line */
		return error;
	return diag_prefix(
	    reterr, error, "%s:%lu:%zu", im->file, number, column);
}

static int put_service(
    struct import *im, const struct import_line *l, struct diag *reterr)
{
	struct service_row row = {
		.zone = im->zone,
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

	if (!strcmp(im->service, l->service))
		return 0;
	(void)snprintf(im->service, sizeof(im->service), "%s", l->service);
	(void)snprintf(im->protocol, sizeof(im->protocol), "%s", l->protocol);
	im->ttl_s = l->ttl_s;
	return registry_add_service(im->r, &row, reterr);
}

static struct instance_row row_of(
    const struct import *im, const struct import_line *l)
{
	return (struct instance_row){
		.zone = im->zone,
		.service = l->service,
		.name = l->id,
		.address = l->address,
		.address6 = l->address6,
		.port = l->port,
		.priority = l->priority,
		.weight = l->weight,
		.weight_warning = ROW_DEFAULT,
		.health = HEALTH_PASSING,
		.mode = MODE_ACTIVE,
		.tags = l->tags ? l->tags : "[]",
		.meta = l->meta ? l->meta : "{}",
		.source = SOURCE,
		.since_wall_ms = im->now_wall_ms,
	};
}

static void drop_pending(struct import *im)
{
	for (; im->pending_n > 0; im->pending_n--)
		import_line_release(&im->pending[im->pending_n - 1].line);
}

static int put_pending(struct import *im, struct diag *reterr)
{
	struct instance_row rows[BATCH];
	unsigned done = 0;

	for (unsigned i = 0; i < im->pending_n; i++)
		rows[i] = row_of(im, &im->pending[i].line);
	int error =
	    registry_put_instances(im->r, rows, im->pending_n, &done, reterr);
	if (error < 0)
		error = at_line(im, im->pending[done].number, 1, error, reterr);
	im->result.instances_n += done;
	drop_pending(im);
	return error;
}

/* Does l say of its service what the line before said? */
static int check_service(const struct import *im, const struct import_line *l,
    size_t *reterr_column, struct diag *reterr)
{
	enum import_key k = IMPORT_PROTOCOL;

	if (strcmp(im->service, l->service) != 0)
		return 0;
	if (!strcmp(im->protocol, l->protocol)) {
		if (im->ttl_s == l->ttl_s)
			return 0;
		k = IMPORT_TTL;
	}
	*reterr_column = l->column[k] ? l->column[k] : 1;
	return diag_set(reterr, -EINVAL,
	    "found another %s than in the line before, expected the same in "
	    "all lines of service '%s'",
	    k == IMPORT_TTL ? "ttl" : "protocol", l->service);
}

/* The line of len octets in the first pending that is free. */
static int import_line(struct import *im, size_t len, struct diag *reterr)
{
	struct pending *p = &im->pending[im->pending_n];
	size_t column = 1; /* of a rule that only the database knows */
	int error = import_line_parse(p->text, len, &p->line, &column, reterr);

	p->number = im->line_n;
	if (error == 0) {
		im->pending_n++;
		error = check_service(im, &p->line, &column, reterr);
	}
	if (error == 0)
		error = put_service(im, &p->line, reterr);
	if (error < 0)
		return at_line(im, im->line_n, column, error, reterr);
	return im->pending_n == BATCH ? put_pending(im, reterr) : 0;
}

static int import_lines(struct import *im, FILE *f, struct diag *reterr)
{
	int error;

	for (;;) {
		struct pending *p = &im->pending[im->pending_n];
		ssize_t len = getline(&p->text, &p->room, f);

		if (len < 0)
			break;
		im->line_n++;
		if (len > 0 && p->text[len - 1] == '\n')
			p->text[--len] = '\0';
		if (strspn(p->text, " \t\r") == (size_t)len)
			continue;
		if ((error = import_line(im, (size_t)len, reterr)) < 0)
			return error;
	}
	if (ferror(f)) {
		return diag_set(reterr, -errno, "cannot read '%s': %s",
		    im->file, strerror(errno));
	}
	return put_pending(im, reterr);
}

static int import_all(struct import *im, FILE *f, struct diag *reterr)
{
	int64_t before = 0, after = 0;
	int error = registry_begin(im->r, BUSY_MS, reterr);

	if (error < 0)
		return error;
	if ((error = registry_revision(im->r, &before)) == 0 &&
	    (error = import_lines(im, f, reterr)) == 0)
		error = registry_revision(im->r, &after);
	if (error < 0) {
		registry_rollback(im->r);
		return error;
	}
	im->result.changes_n = after - before;
	return registry_commit(im->r, reterr);
}

int import_run(const char *registry, const char *zone, const char *file,
    struct import_result *ret, struct diag *reterr)
{
	bool from_stdin = !strcmp(file, "-");
	scoped_file FILE *opened = from_stdin ? NULL : fopen(file, "re");
	FILE *f = from_stdin ? stdin : opened;
	struct import im = {
		.zone = zone,
		.file = from_stdin ? "stdin" : file,
		.now_wall_ms = clock_wall_ms(),
	};

	if (!f) {
		return diag_set(reterr, -errno, "cannot open '%s': %s", file,
		    strerror(errno));
	}
	int error = registry_open(registry, REGISTRY_WRITE, &im.r, reterr);
	if (error < 0)
		return error;
	error = import_all(&im, f, reterr);
	drop_pending(&im);
	for (unsigned i = 0; i < BATCH; i++)
		free(im.pending[i].text);
	registry_close(im.r);
	if (error == 0)
		*ret = im.result;
	return error;
}
