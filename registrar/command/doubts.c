// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/command/doubts.h"

#include "registrar/definition/definition_each.h"
#include "schema/base/xalloc.h"
#include "schema/conf/diags.h"
#include "schema/conf/units.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct doubts {
	const char *file;
	struct diags found; /* in that file */
	void *services;     /* tree of struct definition_service */
};

static int by_service(const void *a, const void *b)
{
	const struct definition_service *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : strcmp(x->zone, y->zone);
}

static void keep(void *service)
{
	(void)service; /* it is its definition's */
}

/* ---- programs --------------------------------------------------------- */

/* NULL: it may well run. */
static const char *program_trouble(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0) { /* what we may not see may be there */
		return errno == ENOENT || errno == ENOTDIR ? "does not exist"
		                                           : NULL;
	}
	if (!S_ISREG(st.st_mode))
		return "is no file";
	return st.st_mode & 0111 ? NULL : "is not executable";
}

static bool is_number(const char *text)
{
	int64_t n;

	return units_int(text, NULL, &n) == 0;
}

static void doubt_exec(struct doubts *d, const struct check_exec *e)
{
	const char *program = e->argv.n ? e->argv.items[0] : NULL;
	const char *trouble = program ? program_trouble(program) : NULL;
	struct stat st;

	if (!program)
		return;
	if (trouble) {
		(void)diags_add(&d->found, 0,
		    "%s:%u:%u: found '%s' for 'exec', which %s on this host",
		    d->file, e->line, e->column, program, trouble);
	}
	if (e->user && !is_number(e->user) && !getpwnam(e->user)) {
		(void)diags_add(&d->found, 0,
		    "%s:%u:%u: found user '%s' of '%s', whom this host does "
		    "not know",
		    d->file, e->line, e->column, e->user, program);
	}
	if (e->group && !is_number(e->group) && !getgrnam(e->group)) {
		(void)diags_add(&d->found, 0,
		    "%s:%u:%u: found group '%s' of '%s', which this host does "
		    "not know",
		    d->file, e->line, e->column, e->group, program);
	}
	if (e->dir && stat(e->dir, &st) < 0 && errno == ENOENT) {
		(void)diags_add(&d->found, 0,
		    "%s:%u:%u: found directory '%s' of '%s', which does not "
		    "exist on this host",
		    d->file, e->line, e->column, e->dir, program);
	}
}

/* ---- services --------------------------------------------------------- */

static void doubt_service(struct doubts *d, const char *zone,
    const char *service, const char *key, unsigned line, unsigned column)
{
	const struct definition_service probe = { .zone = zone,
		.name = service };

	if (tfind(&probe, &d->services, by_service))
		return;
	(void)diags_add(&d->found, 0,
	    "%s:%u:%u: found service '%s.%s' for '%s', which no file looked "
	    "at describes",
	    d->file, line, column, service, zone, key);
}

static void doubt_instance(
    struct doubts *d, const struct definition_instance *i)
{
	for (unsigned n = 0; n < i->check_n; n++) {
		const struct check_spec *s = &i->checks[n];

		if (s->kind == CHECK_EXEC)
			doubt_exec(d, &s->exec);
		if (s->kind == CHECK_ALIAS) {
			doubt_service(d, s->alias.zone, s->alias.service,
			    "alias", s->alias.line, s->alias.column);
		}
	}
	doubt_exec(d, &i->drained.exec);
}

static void doubt_all(struct doubts *d, const struct definition_service *s)
{
	const struct health_policy *p = &s->policy;

	for (unsigned n = 0; n < p->require_n; n++) {
		doubt_service(d, p->requires[n].zone, p->requires[n].service,
		    "requires", p->require_line, p->require_column);
	}
	for (unsigned n = 0; n < s->instance_n; n++)
		doubt_instance(d, &s->instances[n]);
	for (unsigned n = 0; n < s->each_n; n++)
		doubt_instance(d, s->each[n].sample);
}

/* ---- all of them ------------------------------------------------------ */

static void print(const struct diags *found)
{
	for (unsigned i = 0; i < found->n; i++)
		(void)fprintf(stderr, "%s\n", found->items[i].text);
	if (found->more)
		(void)fprintf(stderr, "... and %u more doubts\n", found->more);
}

void doubts_print(struct definition *const *all, unsigned n)
{
	struct doubts *d = xcalloc(1, sizeof(*d));

	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = 0; all[i] && k < all[i]->service_n; k++) {
			if (!tsearch(
			        &all[i]->services[k], &d->services, by_service))
				abort(); /* out of memory */
		}
	}
	for (unsigned i = 0; i < n; i++) {
		if (!all[i])
			continue;
		d->file = all[i]->file;
		d->found = (struct diags){ 0 };
		for (unsigned k = 0; k < all[i]->service_n; k++)
			doubt_all(d, &all[i]->services[k]);
		print(&d->found);
	}
	tdestroy(d->services, keep);
	free(d);
}
