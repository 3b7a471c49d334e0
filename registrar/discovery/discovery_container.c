// SPDX-License-Identifier: BSD-2-Clause
/*
 * Containers that run. One that is restarted is the same; one that was made
 * anew is another, and takes over the instance if it has the same name.
 */
#include "registrar/container/engine.h"
#include "registrar/discovery/discovery_impl.h"
#include "registrar/lib/match.h"
#include "schema/base/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VARS_FIXED 5 /* beside those of labels */
#define ID_SHOWN 12

struct container_source {
	struct each_set *set;
	struct engine_user user;
	struct match *name, *image; /* NULL: the filter has none */
};

/* ---- which ones ------------------------------------------------------- */

static bool matches_label(const struct container *c, const char *wanted)
{
	size_t len = strcspn(wanted, "=");

	for (unsigned n = 0; n < c->labels.n; n++) {
		const struct conf_pair *p = &c->labels.items[n];

		if (strlen(p->key) == len && !memcmp(p->key, wanted, len)) {
			return !wanted[len] ||
			       !strcmp(p->value, wanted + len + 1);
		}
	}
	return false;
}

static bool is_match(struct match *m, const char *text)
{
	return !m || match_run(m, text, strlen(text)) > 0;
}

static bool matches(
    const struct container_source *cs, const struct container *c)
{
	const struct container_filter *f = &cs->set->spec->container;

	for (unsigned n = 0; n < f->labels.n; n++) {
		if (!matches_label(c, f->labels.items[n]))
			return false;
	}
	return is_match(cs->name, c->name) && is_match(cs->image, c->image);
}

/* ---- telling ---------------------------------------------------------- */

static void set_place(const struct container_source *cs,
    const struct container *c, struct each_found *found)
{
	const struct each_spec *spec = cs->set->spec;
	struct container_choice choice = { .network = spec->container.address ==
		                                      CONTAINER_NETWORK,
		.network_name = spec->container.network };
	struct container_place place;
	const char *why;

	choice.port = container_filter_port(&spec->container, &choice.udp);
	choice.udp |= !spec->container.port_text &&
	              !strcmp(cs->set->service->protocol, "udp");
	if (container_place(c, &choice, &place, &why) < 0) {
		/* nor is an address of the host that of its network */
		found->missing =
		    spec->needs_port || choice.network ? why : NULL;
		return;
	}
	found->address = place.address;
	if (place.port) {
		found->port = place.port;
	} else if (spec->needs_port) {
		found->missing = "it exposes no port";
	}
}

static void add(struct conf_pairs *vars, const char *key, const char *value)
{
	vars->items[vars->n++] = (struct conf_pair){ key, value };
}

static void put(struct container_source *cs, const struct container *c)
{
	struct each_found found = { .name = c->name,
		.port = ROW_DEFAULT,
		.process = { PROCESS_CONTAINER, c->id } };
	char port[16], id[ID_SHOWN + 1];
	char *keys[CONTAINER_LABELS_MAX];

	set_place(cs, c, &found);
	found.vars.items =
	    xcalloc(VARS_FIXED + c->labels.n, sizeof(*found.vars.items));
	(void)snprintf(id, sizeof(id), "%s", c->id);
	add(&found.vars, "container", c->name);
	add(&found.vars, "id", id);
	add(&found.vars, "image", c->image);
	if (found.port != ROW_DEFAULT) {
		(void)snprintf(port, sizeof(port), "%d", found.port);
		add(&found.vars, "port", port);
	}
	for (unsigned n = 0; n < c->labels.n; n++) {
		keys[n] = xasprintf("label.%s", c->labels.items[n].key);
		add(&found.vars, keys[n], c->labels.items[n].value);
	}
	add(&found.vars, LABEL_VARS, "");
	each_set_put(cs->set, c->id, &found);
	for (unsigned n = 0; n < c->labels.n; n++)
		free(keys[n]);
	free(found.vars.items);
}

static void put_if(void *arg, const struct container *c)
{
	struct container_source *cs = arg;

	if (c->running && matches(cs, c))
		put(cs, c);
}

static void look(void *source)
{
	struct container_source *cs = source;
	const struct engine *e = cs->set->discovery->env.engine;

	if (!e || !engine_is_known(e))
		return;
	each_set_begin(cs->set);
	engine_each(e, put_if, cs);
	each_set_end(cs->set);
}

static void changed(void *arg, const struct container *c)
{
	struct container_source *cs = arg;

	if (!c || !cs->set->known) {
		look(cs);
	} else if (c->running && matches(cs, c)) {
		put(cs, c);
	} else {
		each_set_gone(cs->set, c->id);
	}
}

/* ---- lifetime --------------------------------------------------------- */

static void compile(struct match **ret_m, const char *text)
{
	if (text && match_new(text, false, ret_m, NULL) < 0)
		abort(); /* the definition has compiled it */
}

static void *start(struct each_set *set)
{
	struct container_source *cs = xcalloc(1, sizeof(*cs));
	struct engine *e = set->discovery->env.engine;

	cs->set = set;
	compile(&cs->name, set->spec->container.name);
	compile(&cs->image, set->spec->container.image);
	cs->user = (struct engine_user){ .changed = changed, .arg = cs };
	if (e)
		engine_add(e, &cs->user);
	return cs;
}

static void stop(void *source)
{
	struct container_source *cs = source;

	if (cs->set->discovery->env.engine)
		engine_remove(cs->set->discovery->env.engine, &cs->user);
	match_free(cs->name);
	match_free(cs->image);
	free(cs);
}

static void moved(void *source)
{
	(void)source; /* the filter is read where it is now */
}

const struct each_source each_source_container = {
	start,
	stop,
	moved,
	look,
	NULL,
};
