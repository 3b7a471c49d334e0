// SPDX-License-Identifier: BSD-2-Clause
/*
 * A check is a map in which one key names the kind; the kind's table, joined
 * with the common one, says what else may stand there. Lists in lists (any,
 * all) are made flat: each check knows its list, each list the one around it.
 */
#include "registrar/definition/definition_parts.h"
#include "schema/label.h"

#include <errno.h>
#include <string.h>

#define AT(member) .offset = offsetof(struct check_spec, member)

/* "process" is the name under which the process watch reports. */
static bool is_check_name(const char *text)
{
	return label_is_valid(text, LABEL_MAX) && strcmp(text, "process") != 0;
}

static const struct conf_field name_fields[] = {
	{ .key = "name",
	    .kind = CONF_STRING,
	    .valid = is_check_name,
	    .expects = LABEL_RULE ", not process",
	    AT(name) },
	{ 0 },
};
static const struct conf_table name_table = { .what = "a check",
	.fields = name_fields };

/* ---- reading ---------------------------------------------------------- */

static const char *kind_list(struct conf_context *c)
{
	const char *text = check_types[0]->name;

	for (unsigned i = 1; i < CHECK_KIND_N; i++) {
		text = arena_printf(
		    c->arena, "%s, %s", text, check_types[i]->name);
	}
	return text;
}

static const struct check_type *find_type(
    struct conf_context *c, const struct conf_node *node)
{
	const struct check_type *found = NULL;

	if (node->type != CONF_MAP) {
		conf_bad(c, node, "found %s, expected a check as a map",
		    conf_describe(c, node));
		return NULL;
	}
	for (unsigned i = 0; i < CHECK_KIND_N; i++) {
		const struct conf_node *n =
		    conf_get(node, check_types[i]->name);

		if (n && found) {
			conf_bad(c, n->key,
			    "found '%s' in a check of kind '%s', expected one "
			    "kind in a check",
			    check_types[i]->name, found->name);
			return NULL;
		}
		found = n ? check_types[i] : found;
	}
	if (!found) {
		conf_bad(c, node,
		    "found a check without a kind, expected one of %s, any, "
		    "all",
		    kind_list(c));
	}
	return found;
}

/* Consul's defaults stand where the check does. */
static bool is_written(const struct conf_node *map, const struct conf_node *at)
{
	return at && (at->line != map->line || at->column != map->column);
}

/* Not above the interval, unless that is what was written. */
static void settle_timeout(
    struct conf_context *c, const struct conf_node *node, struct check_spec *s)
{
	const struct conf_node *at = conf_get(node, "timeout");

	if (!s->timeout_ms) {
		s->timeout_ms = CHECK_DEFAULT_TIMEOUT_MS;
		if (s->timeout_ms > s->interval_ms)
			s->timeout_ms = s->interval_ms;
	} else if (is_written(node, at) && s->timeout_ms > s->interval_ms) {
		conf_warn(c, at,
		    "found %s for 'timeout' above the interval of the check, "
		    "expected less: one that hangs delays the next",
		    conf_describe(c, at));
	}
}

static int take_check(
    struct conf_context *c, const struct conf_node *node, struct raw_check *raw)
{
	const struct check_type *t = find_type(c, node);

	if (!t)
		return -EINVAL;
	raw->node = node;
	raw->spec.kind = t->kind;
	/* the kind's own table, one that it shares, and the name */
	struct conf_table own = *t->table, more = { 0 };

	if (own.also)
		more = *own.also;
	more.also = &name_table;
	own.also = own.also ? &more : &name_table;
	int r = conf_fill(c, &own, node, &raw->spec);

	if (r == 0)
		settle_timeout(c, node, &raw->spec);
	return r;
}

/* "tcp-1", "tcp-2": counted among its kind. */
static void name_check(
    struct conf_context *c, struct raw_checks *all, unsigned i)
{
	struct raw_check *raw = &all->items[i];
	unsigned count = 1;

	if (raw->spec.name)
		return;
	for (unsigned k = 0; k < i; k++)
		count += all->items[k].spec.kind == raw->spec.kind;
	raw->spec.name = arena_printf(
	    c->arena, "%s-%u", check_types[raw->spec.kind]->name, count);
}

static int check_names(struct conf_context *c, const struct raw_checks *all)
{
	int r = 0;

	for (unsigned i = 0; i < all->n; i++) {
		for (unsigned k = 0; k < i; k++) {
			const struct raw_check *a = &all->items[k];
			const struct raw_check *b = &all->items[i];

			if (strcmp(a->spec.name, b->spec.name) != 0)
				continue;
			r = conf_bad(c, b->node,
			    "found check '%s' a second time, expected it once "
			    "(first in line %u)",
			    b->spec.name, a->node->line);
			break;
		}
	}
	return r;
}

/* `any: [...]` or `all: [...]` in place of a check; NULL: it is none. */
static const struct conf_node *group_of(const struct conf_node *node)
{
	const struct conf_node *any, *all;

	if (node->type != CONF_MAP)
		return NULL;
	any = conf_get(node, "any");
	all = conf_get(node, "all");
	return any ? any : all;
}

static int take_list(struct conf_context *c, const struct conf_node *list,
    unsigned group, struct raw_checks *all);

static int take_group(struct conf_context *c, const struct conf_node *map,
    const struct conf_node *list, unsigned parent, struct raw_checks *all)
{
	const char *word = list->key->text;

	if (map->n != 1) {
		return conf_bad(
		    c, map, "found more beside '%s', expected it alone", word);
	}
	if (list->type != CONF_LIST || !list->n) {
		return conf_bad(c, list,
		    "found %s for '%s', expected a list of checks",
		    list->type == CONF_LIST ? "nothing"
		                            : conf_describe(c, list),
		    word);
	}
	if (all->group_n == DEFINITION_MAX_CHECKS) {
		return conf_bad(c, map, "found more lists, expected at most %d",
		    DEFINITION_MAX_CHECKS);
	}
	all->groups[all->group_n++] =
	    (struct check_group){ .any = strcmp(word, "any") == 0,
		    .parent = parent };
	return take_list(c, list, all->group_n, all);
}

static int take_list(struct conf_context *c, const struct conf_node *list,
    unsigned group, struct raw_checks *all)
{
	int r = 0;

	for (const struct conf_node *n = list->first; n; n = n->next) {
		const struct conf_node *inner = group_of(n);

		if (inner) {
			if (take_group(c, n, inner, group, all) < 0)
				r = -EINVAL;
			continue;
		}
		if (all->n == DEFINITION_MAX_CHECKS) {
			return conf_bad(c, n,
			    "found more checks, expected at most %d",
			    DEFINITION_MAX_CHECKS);
		}
		struct raw_check *raw = &all->items[all->n++];

		if (take_check(c, n, raw) < 0)
			r = -EINVAL;
		raw->spec.group = group;
	}
	return r;
}

int take_checks(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at)
{
	struct raw_checks *all = at;

	if (node->type != CONF_LIST) {
		return conf_bad(c, node,
		    "found %s for '%s', expected a list of at most %d checks",
		    conf_describe(c, node), f->key, DEFINITION_MAX_CHECKS);
	}
	*all = (struct raw_checks){ .given = true };
	all->items =
	    arena_alloc(c->arena, DEFINITION_MAX_CHECKS, sizeof(*all->items));
	all->groups =
	    arena_alloc(c->arena, DEFINITION_MAX_CHECKS, sizeof(*all->groups));
	int r = take_list(c, node, 0, all);

	if (r < 0)
		return r;
	for (unsigned i = 0; i < all->n; i++)
		name_check(c, all, i);
	return check_names(c, all);
}

/* ---- resolving -------------------------------------------------------- */

int resolve_checks(struct conf_context *c, const struct raw_checks *raw,
    const struct template_vars *v, struct definition_instance *i)
{
	struct check_spec *out = arena_alloc(c->arena, raw->n, sizeof(*out));
	int r = 0;

	for (unsigned k = 0; k < raw->n; k++) {
		const struct raw_check *check = &raw->items[k];
		const struct check_type *t = check_types[check->spec.kind];

		out[k] = check->spec;
		if (t->resolve && t->resolve(c, check->node, v, &out[k]) < 0)
			r = -EINVAL;
	}
	i->checks = out;
	i->check_n = raw->n;
	i->groups = raw->groups;
	i->group_n = raw->group_n;
	return r;
}

bool check_spec_equal(const struct check_spec *a, const struct check_spec *b)
{
	return a->kind == b->kind && strcmp(a->name, b->name) == 0 &&
	       a->interval_ms == b->interval_ms &&
	       a->timeout_ms == b->timeout_ms && a->grace_ms == b->grace_ms &&
	       a->jitter_percent == b->jitter_percent && a->rise == b->rise &&
	       a->fall == b->fall && check_types[a->kind]->equal(a, b);
}
