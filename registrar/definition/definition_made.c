// SPDX-License-Identifier: BSD-2-Clause
/*
 * An instance out of a for_each and of what was found: the map is copied with
 * the variables filled in, and the copy goes the way of any instance.
 *
 * `checks` and `process` are filled in last, as for all instances, with what
 * the instance then has: {port} is its port there, and that of what was found
 * in the other keys.
 *
 * The text of a variable comes from processes and containers, that is from
 * anybody: octets that could mean something are gone before it is used.
 */
#include "registrar/consul/consul_tree.h"
#include "registrar/definition/definition_parts.h"
#include "schema/conf/units.h"
#include "schema/label.h"

#include <errno.h>
#include <string.h>

/* ---- trees --------------------------------------------------------- */

bool each_is_deferred(const struct conf_node *value)
{
	return !strcmp(value->key->text, "checks") ||
	       !strcmp(value->key->text, "process") ||
	       !strcmp(value->key->text, "on_drained") ||
	       !strcmp(value->key->text, "for_each");
}

/* Its children and siblings are still those of n. */
struct conf_node *each_copy_node(struct arena *a, const struct conf_node *n)
{
	struct conf_node *copy = arena_alloc(a, 1, sizeof(*copy));

	*copy = *n;
	return copy;
}

void each_append(struct conf_node *list, struct conf_node *item)
{
	item->next = NULL;
	if (list->last) {
		list->last->next = item;
	} else {
		list->first = item;
	}
	list->last = item;
	list->n++;
}

/* ---- filling in ------------------------------------------------------- */

struct filler {
	struct conf_context *c;
	struct template_vars vars;
	bool sample; /* nothing was found, it is only tried */
	bool failed;
};

/* What a template stands for may be no address, and yet right later. */
static const char *sample_text(const struct conf_node *n)
{
	if (n->key && !strcmp(n->key->text, "address"))
		return "127.0.0.1";
	if (n->key && !strcmp(n->key->text, "address6"))
		return "::1";
	return NULL;
}

static void fill_text(struct filler *f, struct conf_node *n)
{
	const char *sample = f->sample ? sample_text(n) : NULL;

	if (!strchr(n->text, '{'))
		return;
	if (sample) {
		n->text = sample;
		return;
	}
	if (template_fill(
	        f->c, n, TEMPLATE_PLAIN, n->text, &f->vars, &n->text) < 0)
		f->failed = true;
}

static struct conf_node *fill(struct filler *f, const struct conf_node *from)
{
	struct conf_node *to = each_copy_node(f->c->arena, from);

	fill_text(f, to);
	to->first = to->last = NULL;
	to->n = 0;
	for (const struct conf_node *k = from->first; k; k = k->next) {
		struct conf_node *child = fill(f, k);

		/* a tag that stands for nothing is none; samples are alike */
		if (to->type == CONF_LIST && strchr(k->text, '{') &&
		    (f->sample || !*child->text))
			continue;
		each_append(to, child);
	}
	return to;
}

/* Names are labels whatever is filled in. */
static void make_label(
    struct conf_context *c, struct conf_node *to, const struct conf_node *from)
{
	if (!strcmp(to->key->text, "name") && strchr(from->text, '{'))
		to->text = consul_label(c->arena, to->text, LABEL_MAX);
}

static struct conf_node *fill_map(
    struct filler *f, const struct conf_node *from)
{
	struct conf_node *map = each_copy_node(f->c->arena, from);

	map->first = map->last = NULL;
	map->n = 0;
	for (const struct conf_node *k = from->first; k; k = k->next) {
		struct conf_node *to;

		if (!strcmp(k->key->text, "for_each"))
			continue;
		if (each_is_deferred(k)) {
			to = each_copy_node(f->c->arena, k);
		} else {
			to = fill(f, k);
			make_label(f->c, to, k);
		}
		each_append(map, to);
	}
	return map;
}

/* ---- what was found --------------------------------------------------- */

static const char *clean_value(struct arena *a, const char *text)
{
	char *copy = arena_strdup(a, text);

	for (char *p = copy; *p; p++) {
		if (*p < 0x20 || *p > 0x7e || *p == '{' || *p == '}')
			*p = '_';
	}
	return copy;
}

static struct conf_pairs clean_vars(
    struct arena *a, const struct conf_pairs *found)
{
	struct conf_pairs vars = { .n = found->n };

	vars.items = arena_alloc(a, found->n, sizeof(*vars.items));
	for (unsigned i = 0; i < found->n; i++) {
		vars.items[i].key = arena_strdup(a, found->items[i].key);
		vars.items[i].value = clean_value(a, found->items[i].value);
	}
	return vars;
}

static int port_of(const struct conf_pairs *vars)
{
	int64_t port;

	for (unsigned i = 0; i < vars->n; i++) {
		if (!strcmp(vars->items[i].key, "port") &&
		    units_int(vars->items[i].value, NULL, &port) == 0)
			return (int)port;
	}
	return ROW_DEFAULT;
}

/* A process whose port tells it from others is named by that. */
static bool has_found_port(const struct each_spec *e)
{
	const struct conf_node *port = conf_get(e->map, "port");

	return e->kind == EACH_PROCESS && port && strchr(port->text, '{');
}

/* What the definition does not say is as it was found. */
static int complete(struct conf_context *c, const struct each_spec *e,
    const struct each_found *found, struct raw_instance *raw)
{
	raw->node = e->map;
	if (found->missing) {
		return conf_bad(c, e->map, "found '%s', but %s",
		    clean_value(c->arena, found->name), found->missing);
	}
	if (!raw->address && found->address)
		raw->address = arena_strdup(c->arena, found->address);
	if (!raw->name && found->name && !has_found_port(e)) {
		raw->name = consul_label(c->arena, found->name, LABEL_MAX);
		if (!label_is_instance(raw->name)) {
			return conf_bad(c, e->map,
			    "found '%s' as a name, expected %s",
			    clean_value(c->arena, found->name),
			    LABEL_INSTANCE_RULE);
		}
	}
	if (raw->port == ROW_DEFAULT)
		raw->port = found->port;
	if (!raw->process.given) {
		raw->process = (struct raw_process){ .given = true,
			.node = e->map,
			.spec = { .kind = found->process.kind,
			    .what =
			        arena_strdup(c->arena, found->process.what) } };
	}
	return 0;
}

int each_make(struct conf_context *c, const struct each_spec *e,
    const struct each_found *found, bool sample,
    struct definition_instance *ret_i)
{
	struct conf_pairs *vars = arena_alloc(c->arena, 1, sizeof(*vars));
	struct raw_instance raw = { .node = e->map };

	*vars = clean_vars(c->arena, &found->vars);
	struct filler f = { .c = c,
		.vars = { .port = port_of(vars), .more = vars },
		.sample = sample };
	const struct conf_node *map = fill_map(&f, e->map);
	int r =
	    f.failed ? -EINVAL : conf_fill(c, &raw_instance_table, map, &raw);

	if (r == 0)
		r = complete(c, e, found, &raw);
	if (r < 0)
		return r;
	return resolve_instance(c, e->service, &raw, e->defaults, vars, ret_i);
}

int definition_make(const struct definition *d, const struct each_spec *e,
    const struct each_found *found, struct definition_made **ret_m,
    struct diags *reterr)
{
	struct arena *a = arena_new();
	struct definition_made *m = arena_alloc(a, 1, sizeof(*m));
	struct conf_context c = {
		.file = d->file, .arena = a, .diags = reterr
	};

	m->arena = a;
	int r = each_make(&c, e, found, false, &m->instance);

	if (r < 0) {
		arena_free(a);
		return r;
	}
	*ret_m = m;
	return 0;
}

void definition_made_free(struct definition_made *m)
{
	if (m)
		arena_free(m->arena);
}
