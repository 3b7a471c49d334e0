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
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct claim {
	char *key;
	struct claimant *owner;
	LIST_ENTRY(claim) link; /* of the same file */
};

struct claimant {
	char *file;
	LIST_HEAD(, claim) claims;
};

struct definition_set {
	void *tree; /* of struct claim, by key */
	struct requirements *requirements;
	void *claimants; /* a tree, by file */
};

static int by_key(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;

	return strcmp(x->key, y->key);
}

static int by_file(const void *a, const void *b)
{
	const struct claimant *x = a, *y = b;

	return strcmp(x->file, y->file);
}

static struct claimant *claimant_find(
    const struct definition_set *s, const char *file)
{
	scoped_free char *key = xstrdup(file);
	const struct claimant probe = { .file = key };
	struct claimant *const *found = tfind(&probe, &s->claimants, by_file);

	return found ? *found : NULL;
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

static void claim_drop(struct definition_set *s, struct claim *claim)
{
	LIST_REMOVE(claim, link);
	tdelete(claim, &s->tree, by_key);
	free(claim->key);
	free(claim);
}

static void drop_claims(struct definition_set *s, struct claimant *c)
{
	struct claim *claim = LIST_FIRST(&c->claims);

	while (claim) {
		struct claim *next = LIST_NEXT(claim, link);

		claim_drop(s, claim);
		claim = next;
	}
}

static void release_claims(struct definition_set *s, const char *file)
{
	struct claimant *c = claimant_find(s, file);

	if (!c)
		return;
	tdelete(c, &s->claimants, by_file);
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
	while (s->claimants) {
		release_claims(
		    s, (*(struct claimant *const *)s->claimants)->file);
	}
	requirements_free(s->requirements);
	free(s);
}

static struct claim *claim_find(const struct definition_set *set,
    const struct definition_service *s, const struct definition_instance *i)
{
	scoped_free char *key = make_key(s, i);
	const struct claim probe = { .key = key };
	struct claim *const *found = tfind(&probe, &set->tree, by_key);

	return found ? *found : NULL;
}

/* 0, or -EEXIST when somebody else holds it. */
static int check_one(const struct definition_set *set, const char *file,
    const struct definition_service *s, const struct definition_instance *i,
    struct diags *reterr)
{
	const struct claim *found = claim_find(set, s, i);

	if (!found || strcmp(found->owner->file, file) == 0)
		return 0;
	return diags_add(reterr, -EEXIST,
	    "%s:%u:%u: found instance '%s' of service '%s', expected one "
	    "that '%s' does not define already",
	    file, i->line, i->column, i->name, s->name, found->owner->file);
}

static void add_one(struct definition_set *set, struct claimant *owner,
    const struct definition_service *s, const struct definition_instance *i)
{
	struct claim *claim = xcalloc(1, sizeof(*claim));

	claim->key = make_key(s, i);
	claim->owner = owner;
	LIST_INSERT_HEAD(&owner->claims, claim, link);
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
			if (check_one(
			        set, d->file, s, &s->instances[k], reterr) < 0)
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
	if (!tsearch(owner, &set->claimants, by_file))
		abort(); /* out of memory */
	for (unsigned n = 0; n < d->service_n; n++) {
		const struct definition_service *s = &d->services[n];

		for (unsigned k = 0; k < s->instance_n; k++)
			add_one(set, owner, s, &s->instances[k]);
	}
	return 0;
}

int definition_set_claim_made(struct definition_set *set, const char *file,
    const struct definition_service *s, const struct definition_instance *i,
    struct diags *reterr)
{
	int r = check_one(set, file, s, i, reterr);

	if (r < 0 || claim_find(set, s, i))
		return r;
	add_one(set, claimant_find(set, file), s, i);
	return 0;
}

void definition_set_release_made(struct definition_set *set, const char *file,
    const struct definition_service *s, const struct definition_instance *i)
{
	struct claim *claim = claim_find(set, s, i);

	if (claim && strcmp(claim->owner->file, file) == 0)
		claim_drop(set, claim);
}
