// SPDX-License-Identifier: BSD-2-Clause
/*
 * A service that has changed is looked at when somebody asks: if its name or
 * tags are not what they were, that change was one of names. Of a service that
 * was never looked at, it is taken for one.
 */
#include "registrar/http/consul/consul_impl.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DIRTY_MAX = 10000, KNOWN_MAX = 1000000 };

struct consul_names {
	struct feed *feed;
	struct feed_listener listener;
	json_t *dirty; /* {service: revision} of any zone: "zone/service" */
	json_t *known; /* {"zone/service": sum of its tags} */
	int64_t revision;
};

/* Too much to look at: that names have changed is never wrong. */
static void give_up(struct consul_names *n, int64_t revision)
{
	(void)json_object_clear(n->dirty);
	(void)json_object_clear(n->known);
	n->revision = revision;
}

static void on_change(
    void *arg, int64_t revision, const char *zone, const char *service)
{
	struct consul_names *n = arg;

	if (!service || json_object_size(n->dirty) >= DIRTY_MAX ||
	    json_object_size(n->known) >= KNOWN_MAX) {
		give_up(n, revision);
		return;
	}
	scoped_free char *key = xasprintf("%s/%s", zone, service);
	json_set(n->dirty, key, json_must(json_integer(revision)));
}

struct consul_names *consul_names_new(struct feed *f)
{
	struct consul_names *n = xcalloc(1, sizeof(*n));

	n->feed = f;
	n->dirty = json_must(json_object());
	n->known = json_must(json_object());
	n->revision = feed_revision(f, "", NULL);
	n->listener.fn = on_change;
	n->listener.arg = n;
	feed_listen(f, &n->listener);
	return n;
}

void consul_names_free(struct consul_names *n)
{
	if (!n)
		return;
	json_decref(n->dirty);
	json_decref(n->known);
	free(n);
}

struct tags {
	json_t *all; /* a map of them */
	unsigned instance_n;
};

static void add_tags(struct tags *t, const char *text)
{
	json_t *list = json_nested(text ? text : "[]"), *tag;
	size_t i;

	json_array_foreach(list, i, tag)
	{
		if (json_is_string(tag))
			json_set(t->all, json_string_value(tag), json_true());
	}
	json_decref(list);
}

static void on_service(void *arg, const struct service_row *row)
{
	add_tags(arg, row->tags);
}

static void on_instance(void *arg, const struct instance_row *row)
{
	struct tags *t = arg;

	add_tags(t, row->tags);
	t->instance_n++;
}

static void on_done(void *arg)
{
	(void)arg;
}

/* Of the tags in whatever order; -1: nobody has the name. */
static int64_t sum_of(const struct tags *t)
{
	uint64_t h = 14695981039346656037U;
	scoped_free char *text =
	    json_dumps(t->all, JSON_COMPACT | JSON_SORT_KEYS);

	if (!text)
		abort(); /* out of memory */
	for (const char *p = text; *p; p++)
		h = (h ^ (unsigned char)*p) * 1099511628211U;
	return t->instance_n ? (int64_t)(h >> 1) : -1;
}

static void look_at(struct consul_names *n, struct registry *r, const char *key,
    int64_t revision)
{
	struct tags tags = { .all = json_must(json_object()) };
	const struct registry_visitor v = { on_service, on_instance, on_done,
		&tags, registry_pass_over };
	scoped_free char *zone = xstrdup(key);
	char *service = strrchr(zone, '/');
	const json_t *known = json_object_get(n->known, key);

	*service++ = '\0';
	(void)registry_read_service(r, zone, service, &v, NULL);
	int64_t now = sum_of(&tags);

	json_decref(tags.all);
	if (known && json_integer_value(known) == now)
		return;
	json_set(n->known, key, json_must(json_integer(now)));
	if (revision > n->revision)
		n->revision = revision;
}

int64_t consul_names_revision(
    struct consul_names *n, struct registry *r, const char *zone)
{
	const char *key;
	json_t *revision;
	void *next;

	(void)zone;
	json_object_foreach_safe(n->dirty, next, key, revision)
	{
		look_at(n, r, key, json_integer_value(revision));
		(void)json_object_del(n->dirty, key);
	}
	return n->revision > 0 ? n->revision : 1;
}
