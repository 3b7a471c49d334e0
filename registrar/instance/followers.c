// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/instance/followers.h"

#include "schema/base/xalloc.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct followed {
	char *zone, *service; /* key */
	LIST_HEAD(, follower) all;
};

struct followers {
	void *tree; /* of struct followed; each has a follower */
};

static int by_service(const void *a, const void *b)
{
	const struct followed *x = a, *y = b;
	int order = strcmp(x->service, y->service);

	return order ? order : strcmp(x->zone, y->zone);
}

static struct followed *find(
    const struct followers *fs, const char *zone, const char *service)
{
	/* only read */
	const struct followed key = { .zone = (char *)(uintptr_t)zone,
		.service = (char *)(uintptr_t)service };
	struct followed *const *found = tfind(&key, &fs->tree, by_service);

	return found ? *found : NULL;
}

struct followers *followers_new(void)
{
	return xcalloc(1, sizeof(struct followers));
}

void followers_free(struct followers *fs)
{
	free(fs);
}

void follower_begin(struct followers *fs, struct follower *f, const char *zone,
    const char *service, struct probe *p)
{
	struct followed *s = find(fs, zone, service);

	if (!s) {
		s = xcalloc(1, sizeof(*s));
		s->zone = xstrdup(zone);
		s->service = xstrdup(service);
		LIST_INIT(&s->all);
		if (!tsearch(s, &fs->tree, by_service))
			abort(); /* out of memory */
	}
	f->followed = s;
	f->probe = p;
	LIST_INSERT_HEAD(&s->all, f, link);
}

void follower_end(struct followers *fs, struct follower *f)
{
	struct followed *s = f->followed;

	if (!s)
		return;
	LIST_REMOVE(f, link);
	f->followed = NULL;
	if (!LIST_EMPTY(&s->all))
		return;
	(void)tdelete(s, &fs->tree, by_service);
	free(s->zone);
	free(s->service);
	free(s);
}

static void hurry(const struct followed *s)
{
	const struct follower *f;

	LIST_FOREACH (f, &s->all, link)
		probe_hurry(f->probe);
}

static void hurry_node(const void *node, VISIT which, int depth)
{
	struct followed *const *s = node;

	(void)depth;
	if (which == postorder || which == leaf)
		hurry(*s);
}

void followers_tell(
    const struct followers *fs, const char *zone, const char *service)
{
	if (!service) {
		twalk(fs->tree, hurry_node);
		return;
	}
	const struct followed *s = find(fs, zone, service);

	if (s)
		hurry(s);
}
