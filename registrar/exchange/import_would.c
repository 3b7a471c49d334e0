// SPDX-License-Identifier: BSD-2-Clause
/*
 * One line for each instance that is new or would be another: what is told is
 * what a person would look for, not a dump of the row.
 */
#include "registrar/exchange/import_impl.h"
#include "schema/base/scoped.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct difference {
	const struct instance_row *now; /* that it would be */
	FILE *f;
	unsigned n;
};

static void put(
    struct difference *d, const char *key, const char *was, const char *now)
{
	if (strcmp(was, now) == 0)
		return;
	(void)fprintf(d->f, "%s%s %s -> %s", d->n++ ? ", " : "", key,
	    *was ? was : "none", *now ? now : "none");
}

static const char *number(int n, char buf[16])
{
	buf[0] = '\0';
	if (n != ROW_DEFAULT)
		(void)snprintf(buf, 16, "%d", n);
	return buf;
}

static void put_number(struct difference *d, const char *key, int was, int now)
{
	char a[16], b[16];

	put(d, key, number(was, a), number(now, b));
}

static const char *text(const char *s)
{
	return s ? s : "";
}

static void on_instance(void *arg, const struct instance_row *was)
{
	struct difference *d = arg;
	const struct instance_row *now = d->now;

	put(d, "address", was->address, now->address);
	put(d, "address6", text(was->address6), text(now->address6));
	put_number(d, "port", was->port, now->port);
	put_number(d, "weight", was->weight, now->weight);
	put_number(
	    d, "weight_warning", was->weight_warning, now->weight_warning);
	put_number(d, "priority", was->priority, now->priority);
	put(d, "locality", text(was->locality), text(now->locality));
	put(d, "tags", was->tags, now->tags);
	put(d, "meta", was->meta, now->meta);
	put(d, "source", was->source, now->source);
}

static void on_check(void *arg, const struct check_row *row)
{
	(void)arg;
	(void)row;
}

static void tell(const struct import *im, const struct instance_row *row)
{
	scoped_free char *line = NULL;
	size_t len = 0;
	struct difference d = { .now = row, .f = open_memstream(&line, &len) };

	if (!d.f)
		abort(); /* out of memory */
	(void)fprintf(d.f, "%s/%s: ", row->service, row->name);
	int error = registry_read_instance(im->r, row->zone, row->service,
	    row->name, on_instance, on_check, &d, NULL);

	if (error == -ENOENT) {
		char port[16];

		(void)fprintf(d.f, "new, address %s", row->address);
		if (*number(row->port, port))
			(void)fprintf(d.f, ", port %s", port);
		(void)fprintf(d.f, ", weight %d", row->weight);
		d.n++;
	}
	(void)fclose(d.f);
	if (d.n)
		im->config->would(line);
}

void import_tell_changes(struct import *im, const struct instance_row *rows)
{
	for (unsigned i = 0; i < im->pending_n; i++)
		tell(im, &rows[i]);
}
