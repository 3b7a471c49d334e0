// SPDX-License-Identifier: BSD-2-Clause
/*
 * Containers that say by their labels what service they are. Each is a
 * definition of its own, as a file would be, with one instance: so it is
 * checked like one, and what is wrong with one container is no other's
 * trouble. Its text is JSON, made of the labels; the file that it is said to
 * be in is "container:NAME".
 */
#include "registrar/container/engine.h"
#include "registrar/discovery/discovery_impl.h"
#include "registrar/instance/fleet.h"
#include "registrar/lib/json.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "rollcall."
#define META PREFIX "meta."
#define META_LEN (sizeof(META) - 1)

/* ---- labels to a definition ------------------------------------------- */

static const char *label(const struct container *c, const char *key)
{
	char name[64];

	(void)snprintf(name, sizeof(name), PREFIX "%s", key);
	return container_label(c, name);
}

static void set_text(json_t *o, const char *key, const char *value)
{
	if (value)
		json_set(o, key, json_text(value));
}

static void set_labels(
    json_t *o, const struct container *c, const char *const *keys)
{
	for (; *keys; keys++)
		set_text(o, *keys, label(c, *keys));
}

/* "a, b,c" */
static json_t *tags_of(const char *text)
{
	json_t *tags = json_must(json_array());

	while (*text) {
		size_t len = strcspn(text, ","), end = len;
		size_t skip = strspn(text, " ");

		while (end > skip && text[end - 1] == ' ')
			end--;
		if (end > skip) {
			scoped_free char *tag =
			    xasprintf("%.*s", (int)(end - skip), text + skip);

			(void)json_array_append_new(tags, json_text(tag));
		}
		text += len + (text[len] == ',');
	}
	return tags;
}

static json_t *meta_of(const struct container *c)
{
	json_t *meta = json_must(json_object());

	for (unsigned n = 0; n < c->labels.n; n++) {
		const struct conf_pair *p = &c->labels.items[n];

		if (!strncmp(p->key, META, META_LEN))
			json_set(meta, p->key + META_LEN, json_text(p->value));
	}
	return meta;
}

/* "tcp", or the path of a URL. */
static json_t *checks_of(const struct container *c, const char *check)
{
	static const char *const more[] = { "interval", "timeout", NULL };
	json_t *o = json_must(json_object());
	scoped_free char *url = xasprintf("http://{address}:{port}%s", check);
	bool tcp = !strcmp(check, "tcp");

	set_text(o, tcp ? "tcp" : "http", tcp ? "{address}:{port}" : url);
	for (size_t n = 0; more[n]; n++) {
		char key[32];

		(void)snprintf(key, sizeof(key), "check.%s", more[n]);
		set_text(o, more[n], label(c, key));
	}
	json_t *all = json_must(json_array());

	(void)json_array_append_new(all, o);
	return all;
}

/* Names are labels of DNS; consul_label() is not ours to know. */
static char *name_of(const struct container *c)
{
	const char *given = label(c, "name");
	char *name = xstrdup(given ? given : c->name);

	for (char *p = name; *p && !given; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
		if ((*p < 'a' || *p > 'z') && (*p < '0' || *p > '9'))
			*p = '-';
	}
	return name;
}

static json_t *instance_of(
    const struct container *c, const struct container_place *place)
{
	static const char *const keys[] = { "weight", "priority", "locality",
		NULL };
	json_t *i = json_must(json_object());
	json_t *process = json_must(json_object());
	scoped_free char *name = name_of(c);
	char port[16];

	(void)snprintf(port, sizeof(port), "%d", place->port);
	set_text(i, "name", name);
	set_text(i, "address", place->address);
	set_text(i, "port", port);
	set_labels(i, c, keys);
	if (label(c, "tags"))
		json_set(i, "tags", tags_of(label(c, "tags")));
	json_set(i, "meta", meta_of(c));
	set_text(process, "container", c->id);
	json_set(i, "process", process);
	if (label(c, "check"))
		json_set(i, "checks", checks_of(c, label(c, "check")));
	return i;
}

static char *text_of(
    const struct container *c, const struct container_place *place)
{
	static const char *const keys[] = { "service", "protocol", "zone",
		"deregister_after", "slow_start", NULL };
	json_t *root = json_must(json_object());
	json_t *instances = json_must(json_array());

	set_labels(root, c, keys);
	(void)json_array_append_new(instances, instance_of(c, place));
	json_set(root, "instances", instances);
	char *text = json_dumps(root, JSON_COMPACT);

	json_decref(root);
	if (!text)
		abort(); /* out of memory */
	return text;
}

static int place_of(const struct container *c, struct container_place *ret_p,
    const char **ret_why)
{
	const char *address = label(c, "address"), *port = label(c, "port");
	const char *protocol = label(c, "protocol");
	const struct container_filter f = { .port_text = port };
	struct container_choice choice = {
		.network = address && !strcmp(address, "network"),
		.network_name = label(c, "network")
	};

	choice.port = container_filter_port(&f, &choice.udp);
	choice.udp |= protocol && !strcmp(protocol, "udp");
	if (port && !choice.port) {
		*ret_why = "its label " PREFIX "port is no port";
		return -1;
	}
	int r = container_place(c, &choice, ret_p, ret_why);

	if (r == 0 && !ret_p->port) {
		*ret_why = "it exposes no port";
		return -1;
	}
	return r;
}

/* ---- definitions in force --------------------------------------------- */

struct labelled {
	char *id, *file, *text;
	int64_t linger_ms, gone_ms;
	bool gone, in_force;
	bool seen;
	LIST_ENTRY(labelled) link;
};

struct discovery_labels {
	struct discovery *d;
	struct engine_user user;
	struct timer next; /* something is to be withdrawn */
	bool known;
	LIST_HEAD(, labelled) all;
};

static struct labelled *find(const struct discovery_labels *l, const char *id)
{
	struct labelled *b;

	LIST_FOREACH (b, &l->all, link) {
		if (!strcmp(b->id, id))
			return b;
	}
	return NULL;
}

/* Two containers never have a name at the same time. */
static struct labelled *find_file(
    const struct discovery_labels *l, const char *file)
{
	struct labelled *b;

	LIST_FOREACH (b, &l->all, link) {
		if (!strcmp(b->file, file))
			return b;
	}
	return NULL;
}

static void set_next(struct discovery_labels *l)
{
	struct timers *timers = l->d->env.timers;
	const struct labelled *b;
	int64_t at_ms = -1;

	LIST_FOREACH (b, &l->all, link) {
		if (b->gone && (at_ms < 0 || b->gone_ms + b->linger_ms < at_ms))
			at_ms = b->gone_ms + b->linger_ms;
	}
	if (at_ms < 0) {
		timer_cancel(timers, &l->next);
	} else {
		timer_set(timers, &l->next, at_ms);
	}
}

static void drop(struct discovery_labels *l, struct labelled *b)
{
	if (b->in_force) {
		log_info("withdrawing what '%s' was: %s", b->file,
		    b->gone ? "gone for long" : "renamed");
		fleet_remove(l->d->env.fleet, b->file);
		fleet_settle(l->d->env.fleet);
	}
	LIST_REMOVE(b, link);
	free(b->id);
	free(b->file);
	free(b->text);
	free(b);
}

static void on_next(void *arg)
{
	struct discovery_labels *l = arg;
	int64_t now_ms = timers_now(l->d->env.timers);
	struct labelled *b, *next;

	for (b = LIST_FIRST(&l->all); b; b = next) {
		next = LIST_NEXT(b, link);
		if (b->gone && b->gone_ms + b->linger_ms <= now_ms)
			drop(l, b);
	}
	set_next(l);
}

static void complain(const struct labelled *b, const struct diags *why)
{
	for (unsigned n = 0; n < why->n; n++)
		log_warn("%s", why->items[n].text);
	if (b->in_force)
		log_warn("what '%s' said before stays in force", b->file);
}

/* Its labels say something else than before, or for the first time. */
static void put_text(
    struct discovery_labels *l, struct labelled *b, const char *text)
{
	const struct discovery_env *env = &l->d->env;
	struct diags why = { .n = 0 };
	struct definition *d;
	int r = definition_parse(
	    b->file, text, strlen(text), env->defaults, &d, &why);

	free(b->text);
	b->text = xstrdup(text);
	if (r < 0) {
		complain(b, &why);
		return;
	}
	int64_t after_ms = d->services[0].policy.deregister_after_ms;

	if (fleet_put(env->fleet, d, &why) < 0) {
		definition_free(d);
		complain(b, &why);
		/* somebody has its name: again when they may have gone */
		free(b->text);
		b->text = xstrdup("");
		return;
	}
	b->linger_ms = after_ms ? after_ms : DISCOVERY_LINGER_MS;
	b->in_force = true;
	fleet_settle(env->fleet);
}

/* ---- what the engine tells -------------------------------------------- */

static struct labelled *get(
    struct discovery_labels *l, const struct container *c)
{
	scoped_free char *file = xasprintf("%s%s", LABELS_FILE, c->name);
	/* by its name: it may have been made anew */
	struct labelled *b = find_file(l, file), *was = find(l, c->id);

	if (was && was != b)
		drop(l, was); /* it was renamed */
	if (!b) {
		b = xcalloc(1, sizeof(*b));
		b->text = xstrdup("");
		b->id = xstrdup("");
		b->file = xstrdup(file);
		LIST_INSERT_HEAD(&l->all, b, link);
	}
	free(b->id);
	b->id = xstrdup(c->id);
	return b;
}

static void there(struct discovery_labels *l, const struct container *c)
{
	struct container_place place;
	const char *why;
	struct labelled *b = get(l, c);

	b->seen = true;
	b->gone = false;
	if (place_of(c, &place, &why) < 0) {
		if (strcmp(b->text, why) != 0)
			log_warn("%s: not a service: %s", b->file, why);
		free(b->text);
		b->text = xstrdup(why);
		return;
	}
	scoped_free char *text = text_of(c, &place);

	if (strcmp(text, b->text) != 0)
		put_text(l, b, text);
}

static void gone(struct discovery_labels *l, struct labelled *b)
{
	if (b->gone)
		return;
	b->gone = true;
	b->gone_ms = timers_now(l->d->env.timers);
}

static void look_at(void *arg, const struct container *c)
{
	struct discovery_labels *l = arg;
	struct labelled *b;

	if (c->running && label(c, "service")) {
		there(l, c);
	} else if ((b = find(l, c->id))) {
		gone(l, b);
	}
}

static void look_at_all(struct discovery_labels *l)
{
	const struct engine *e = l->d->env.engine;
	struct labelled *b;

	if (!engine_is_known(e))
		return;
	LIST_FOREACH (b, &l->all, link)
		b->seen = false;
	engine_each(e, look_at, l);
	LIST_FOREACH (b, &l->all, link) {
		if (!b->seen)
			gone(l, b);
	}
	if (!l->known) {
		l->known = true;
		l->d->env.settled(l->d->env.arg);
	}
}

static void changed(void *arg, const struct container *c)
{
	struct discovery_labels *l = arg;

	if (c && l->known) {
		look_at(l, c);
	} else {
		look_at_all(l);
	}
	set_next(l);
}

/* ---- for discovery.c -------------------------------------------------- */

void discovery_labels_retry(struct discovery_labels *l)
{
	if (!l)
		return;
	look_at_all(l);
	set_next(l);
}

bool discovery_labels_unsure(const struct discovery_labels *l, const char *file)
{
	return l && !l->known &&
	       !strncmp(file, LABELS_FILE, sizeof(LABELS_FILE) - 1);
}

struct discovery_labels *discovery_labels_new(struct discovery *d)
{
	struct discovery_labels *l = xcalloc(1, sizeof(*l));

	l->d = d;
	l->user = (struct engine_user){ .changed = changed, .arg = l };
	timer_init(&l->next, on_next, l);
	LIST_INIT(&l->all);
	engine_add(d->env.engine, &l->user);
	return l;
}

void discovery_labels_free(struct discovery_labels *l)
{
	struct labelled *b, *next;

	if (!l)
		return;
	engine_remove(l->d->env.engine, &l->user);
	timer_cancel(l->d->env.timers, &l->next);
	for (b = LIST_FIRST(&l->all); b; b = next) {
		next = LIST_NEXT(b, link);
		b->in_force = false; /* the rows stay */
		drop(l, b);
	}
	free(l);
}
