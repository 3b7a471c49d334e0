// SPDX-License-Identifier: BSD-2-Clause
/*
 * A search tree from "service.zone/instance" to the claim of one file; the
 * claims of a file also hang in a list, so that letting go of a file does not
 * look at the others.
 */
#include "registrar/definition/definition_set.h"

#include "registrar/definition/definition_loop.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <search.h>
#include <string.h>

struct claim {
	char *key;
	struct claimant *owner;
	struct claim *next; /* of the same file */
};

struct claimant {
	char *file;
	struct claim *claims;
	struct claimant *next;
};

struct definition_set {
	void *tree; /* of struct claim, by key */
	struct requirements *requirements;
	struct claimant *claimants;
};

static int by_key(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;

	return strcmp(x->key, y->key);
}

static char *make_key(
    const struct definition_service *s, const struct definition_instance *i)
{
	return xasprintf("%s.%s/%s", s->name, s->zone, i->name);
}

struct definition_set *definition_set_new(void)
{
	struct definition_set *s = xcalloc(1, sizeof(*s));

	s->requirements = requirements_new();
	return s;
}

static void drop_claims(struct definition_set *s, struct claimant *c)
{
	while (c->claims) {
		struct claim *claim = c->claims;

		c->claims = claim->next;
		tdelete(claim, &s->tree, by_key);
		free(claim->key);
		free(claim);
	}
}

static void release_claims(struct definition_set *s, const char *file)
{
	struct claimant **at = &s->claimants;

	while (*at && strcmp((*at)->file, file) != 0)
		at = &(*at)->next;
	struct claimant *c = *at;

	if (!c)
		return;
	*at = c->next;
	drop_claims(s, c);
	free(c->file);
	free(c);
}

void definition_set_release(struct definition_set *s, const char *file)
{
	release_claims(s, file);
	requirements_remove(s->requirements, file);
}

void definition_set_free(struct definition_set *s)
{
	if (!s)
		return;
	while (s->claimants)
		release_claims(s, s->claimants->file);
	requirements_free(s->requirements);
	free(s);
}

/* 0, or -EEXIST when somebody else holds it. */
static int check_one(const struct definition_set *set,
    const struct definition *d, const struct definition_service *s,
    const struct definition_instance *i, struct diags *reterr)
{
	scoped_free char *key = make_key(s, i);
	const struct claim probe = { .key = key };
	struct claim *const *found = tfind(&probe, &set->tree, by_key);

	if (!found || strcmp((*found)->owner->file, d->file) == 0)
		return 0;
	return diags_add(reterr, -EEXIST,
	    "%s:%u:%u: found instance '%s' of service '%s', expected one "
	    "that '%s' does not define already",
	    d->file, i->line, i->column, i->name, s->name,
	    (*found)->owner->file);
}

static void add_one(struct definition_set *set, struct claimant *owner,
    const struct definition_service *s, const struct definition_instance *i)
{
	struct claim *claim = xcalloc(1, sizeof(*claim));

	claim->key = make_key(s, i);
	claim->owner = owner;
	claim->next = owner->claims;
	owner->claims = claim;
	if (!tsearch(claim, &set->tree, by_key))
		abort(); /* out of memory */
}

int definition_set_claim(struct definition_set *set, const struct definition *d,
    struct diags *reterr)
{
	int r = 0;

	for (unsigned n = 0; n < d->service_n; n++) {
		const struct definition_service *s = &d->services[n];

		for (unsigned k = 0; k < s->instance_n; k++) {
			if (check_one(set, d, s, &s->instances[k], reterr) < 0)
				r = -EEXIST;
		}
	}
	if (r == 0 && requirements_put(set->requirements, d, reterr) < 0)
		r = -EEXIST;
	if (r < 0)
		return r;
	release_claims(set, d->file);
	struct claimant *owner = xcalloc(1, sizeof(*owner));

	owner->file = xstrdup(d->file);
	owner->next = set->claimants;
	set->claimants = owner;
	for (unsigned n = 0; n < d->service_n; n++) {
		const struct definition_service *s = &d->services[n];

		for (unsigned k = 0; k < s->instance_n; k++)
			add_one(set, owner, s, &s->instances[k]);
	}
	return 0;
}
