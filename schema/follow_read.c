// SPDX-License-Identifier: BSD-2-Clause
/*
 * Order of things in a batch: the list of changes is read first, the services
 * after it in the same read transaction, so what is taken up is at least as
 * new as the revision that is remembered. `seen` is the newest state that any
 * of it was read at: when the registry is set back to one between the two, the
 * revision is right and what was read is not.
 *
 * A full read remembers the revision from before its first page. Pages are
 * transactions of their own; what changes meanwhile is read again by the
 * changes since that revision.
 */
#include "schema/follow_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	PAGE = 1000, /* services of a full read, read in one go */
};

/* ---- a reader --------------------------------------------------------- */

static int cannot(int error, struct diag *reterr)
{
	return diag_set(reterr, error, "cannot read the revision: %s",
	    error == -ESTALE ? "another registry was copied into the file"
	                     : strerror(-error));
}

static bool is_of(const struct follow *f, const struct follow_place *p)
{
	return p->opening == f->opening &&
	       (p->failure == f->failure || f->access != REGISTRY_READ);
}

int follow_is_behind(
    struct follow *f, const struct follow_place *p, struct diag *reterr)
{
	struct registry_mark now;
	bool holds;

	if (!f->registry)
		return diag_set(reterr, -EAGAIN, "no registry is open");
	int error = registry_read_mark(f->registry, &p->seen, &now, &holds);
	if (error)
		return cannot(error, reterr);
	if (is_of(f, p) && holds && p->revision == now.revision)
		return 0;
	follow_found(f);
	return 1;
}

static int begin(struct follow *f, struct follow_place *p, struct diag *reterr)
{
	struct registry_mark now;
	bool holds;
	int error = registry_read_mark(f->registry, &p->seen, &now, &holds);

	if (error)
		return cannot(error, reterr);
	if (!p->opening) {
		*p = (struct follow_place){ now.revision, now, f->opening,
			f->failure };
		return 0;
	}
	if (!is_of(f, p)) {
		return diag_set(
		    reterr, -ESTALE, "another file has taken its place");
	}
	if (!holds) {
		return diag_set(reterr, -ESTALE,
		    "revision %lld is of another past, or long past",
		    (long long)p->seen.revision);
	}
	p->seen = now;
	return 0;
}

int follow_begin(struct follow *f, struct follow_place *p, struct diag *reterr)
{
	if (!f->registry)
		return diag_set(reterr, -EAGAIN, "no registry is open");
	int error = registry_read_begin(f->registry, reterr);
	if (error)
		return error;
	error = begin(f, p, reterr);
	if (error)
		registry_read_end(f->registry);
	return error;
}

void follow_end(struct follow *f)
{
	registry_read_end(f->registry);
}

/* ---- everything ------------------------------------------------------- */

static int read_page(struct follow *f, struct follow_place *p,
    struct registry_key *after, const struct follow_reader *reader,
    unsigned *ret_n, struct diag *reterr)
{
	int error = follow_begin(f, p, reterr);

	if (error)
		return error;
	error = registry_read_page(
	    f->registry, after, PAGE, &reader->visitor, ret_n, reterr);
	follow_end(f);
	return error;
}

static int read_all(struct follow *f, struct follow_place *place,
    const struct follow_reader *reader, struct diag *reterr)
{
	struct follow_place fresh = { 0 };
	struct registry_key after = { 0 };
	unsigned n;

	reader->all(reader->arg);
	do {
		int error = read_page(f, &fresh, &after, reader, &n, reterr);

		if (error)
			return error;
		reader->pause(reader->arg, fresh.revision);
	} while (n > 0);
	reader->all_done(reader->arg);
	*place = fresh;
	return 0;
}

static void copy_text(char *to, const char *from, size_t room)
{
	size_t len = strnlen(from, room - 1);

	memcpy(to, from, len);
	to[len] = '\0';
}

/* ---- changes ---------------------------------------------------------- */

static void on_change(
    void *arg, int64_t revision, const char *zone, const char *service)
{
	struct follow *f = arg;
	struct follow_change *c = &f->change[f->change_n++];

	(void)revision;
	copy_text(c->zone, zone, sizeof(c->zone));
	copy_text(c->service, service, sizeof(c->service));
}

static int by_name(const void *a, const void *b)
{
	const struct follow_change *x = a, *y = b;
	int order = strcmp(x->zone, y->zone);

	return order ? order : strcmp(x->service, y->service);
}

/* Each service once. */
static void sort_changes(struct follow *f)
{
	struct follow_change *c = f->change;
	unsigned n = 0;

	qsort(c, f->change_n, sizeof(*c), by_name);
	for (unsigned i = 0; i < f->change_n; i++) {
		if (!n || by_name(&c[n - 1], &c[i]) != 0)
			c[n++] = c[i];
	}
	f->change_n = n;
}

static int read_service(struct follow *f, const char *zone, const char *service,
    const struct follow_reader *reader, struct diag *reterr)
{
	int error = registry_read_service(
	    f->registry, zone, service, &reader->visitor, reterr);

	if (error != -ENOENT)
		return error;
	reader->gone(reader->arg, zone, service);
	return 0;
}

/* In follow_begin(); the last one if *ret_more is false. */
static int list_batch(struct follow *f, const struct follow_place *p,
    int64_t *ret_revision, bool *ret_more, struct diag *reterr)
{
	f->change_n = 0;
	int error = registry_changes(f->registry, p->revision, FOLLOW_BATCH,
	    on_change, f, ret_revision, reterr);

	*ret_more = f->change_n == FOLLOW_BATCH;
	sort_changes(f);
	return error;
}

static int read_batch(struct follow *f, struct follow_place *p,
    const struct follow_reader *reader, bool *ret_more, struct diag *reterr)
{
	int64_t revision = p->revision;
	int error = follow_begin(f, p, reterr);

	if (error)
		return error;
	error = list_batch(f, p, &revision, ret_more, reterr);
	for (unsigned i = 0; i < f->change_n && !error; i++) {
		error = read_service(
		    f, f->change[i].zone, f->change[i].service, reader, reterr);
	}
	follow_end(f);
	if (!error)
		p->revision = revision;
	return error;
}

int follow_read(struct follow *f, struct follow_place *p,
    const struct follow_reader *reader, struct diag *reterr)
{
	bool more = true;
	int error = p->opening ? 0 : -ESTALE;

	while (!error && more) {
		error = read_batch(f, p, reader, &more, reterr);
		if (!error)
			reader->pause(reader->arg, p->revision);
	}
	return error == -ESTALE ? read_all(f, p, reader, reterr) : error;
}

int follow_read_service(struct follow *f, struct follow_place *p,
    const char *zone, const char *service, const struct follow_reader *reader,
    struct diag *reterr)
{
	int error = follow_begin(f, p, reterr);

	if (error)
		return error;
	error = read_service(f, zone, service, reader, reterr);
	follow_end(f);
	return error;
}

int follow_changes(struct follow *f, struct follow_place *p,
    void (*fn)(void *arg, const char *zone, const char *service), void *arg,
    struct diag *reterr)
{
	struct follow_place next = *p;
	bool more = true;
	int error = p->opening ? 0 : diag_set(reterr, -ESTALE, "it is new");

	while (!error && more) {
		error = follow_begin(f, &next, reterr);
		if (error)
			break;
		error = list_batch(f, &next, &next.revision, &more, reterr);
		follow_end(f);
		if (error)
			break;
		*p = next;
		for (unsigned i = 0; i < f->change_n; i++)
			fn(arg, f->change[i].zone, f->change[i].service);
	}
	if (error != -ESTALE)
		return error;
	next = (struct follow_place){ 0 };
	struct diag why;
	if ((error = follow_begin(f, &next, &why)) < 0)
		return diag_set(reterr, error, "%s", why.text);
	follow_end(f);
	*p = next;
	return -ESTALE;
}
