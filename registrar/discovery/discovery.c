// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/discovery/discovery.h"

#include "registrar/discovery/discovery_impl.h"
#include "schema/base/xalloc.h"

#include <stdlib.h>
#include <string.h>

/* ---- files ------------------------------------------------------------ */

static bool is_of_file(const struct each_set *s, const char *file)
{
	return !strcmp(s->def->file, file);
}

/* A set of the last version of the file that looks for the same. */
static struct each_set *find_equal(const struct discovery *d, const char *file,
    const struct definition_service *service, const struct each_spec *spec)
{
	struct each_set *s;

	LIST_FOREACH (s, &d->sets, link) {
		if (!s->kept && is_of_file(s, file) &&
		    !strcmp(s->service->zone, service->zone) &&
		    !strcmp(s->service->name, service->name) &&
		    each_spec_equal(s->spec, spec))
			return s;
	}
	return NULL;
}

static void put_one(struct discovery *d, const struct definition *def,
    const struct definition_service *service, const struct each_spec *spec)
{
	struct each_set *s = find_equal(d, def->file, service, spec);

	if (s) {
		each_set_move(s, def, service, spec);
	} else {
		s = each_set_new(d, def, service, spec);
	}
	s->kept = true;
}

/* Those of the file that its new version, if there is one, does not have. */
static void drop_others(struct discovery *d, const char *file)
{
	struct each_set *s = LIST_FIRST(&d->sets);

	while (s) {
		struct each_set *next = LIST_NEXT(s, link);

		if (!s->kept && is_of_file(s, file))
			each_set_free(s);
		s = next;
	}
}

void discovery_put(struct discovery *d, const struct definition *def)
{
	struct each_set *s;

	if (!d)
		return;
	for (unsigned n = 0; n < def->service_n; n++) {
		const struct definition_service *service = &def->services[n];

		for (unsigned k = 0; k < service->each_n; k++)
			put_one(d, def, service, &service->each[k]);
	}
	drop_others(d, def->file);
	LIST_FOREACH (s, &d->sets, link)
		s->kept = false;
}

void discovery_remove(struct discovery *d, const char *file)
{
	if (d)
		drop_others(d, file);
}

void discovery_settle(struct discovery *d)
{
	struct each_set *s;

	if (!d)
		return;
	d->settling = true;
	LIST_FOREACH (s, &d->sets, link) {
		if (s->known) {
			each_set_retry(s);
		} else {
			s->source->look(s->looking);
		}
	}
	d->settling = false;
	discovery_labels_retry(d->labels);
}

bool discovery_is_unsure(const struct discovery *d, const char *file)
{
	const struct each_set *s;

	if (!d)
		return false;
	if (discovery_labels_unsure(d->labels, file))
		return true;
	LIST_FOREACH (s, &d->sets, link) {
		if (!s->known && is_of_file(s, file))
			return true;
	}
	return false;
}

/* ---- lifetime --------------------------------------------------------- */

struct discovery *discovery_new(const struct discovery_env *env)
{
	struct discovery *d = xcalloc(1, sizeof(*d));

	d->env = *env;
	LIST_INIT(&d->sets);
	if (env->labels && env->engine)
		d->labels = discovery_labels_new(d);
	return d;
}

void discovery_free(struct discovery *d)
{
	if (!d)
		return;
	discovery_labels_free(d->labels);
	while (!LIST_EMPTY(&d->sets))
		each_set_free(LIST_FIRST(&d->sets));
	free(d);
}
