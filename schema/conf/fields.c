// SPDX-License-Identifier: BSD-2-Clause
/*
 * One function for each kind, found through a table indexed by the kind; all
 * of them report through bad_value(), which builds the sentence.
 */
#include "schema/conf/fields.h"

#include "schema/conf/units.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define LEN(a) (sizeof(a) / sizeof(*(a)))
#define MAX_KEYS_SHOWN 64

typedef int (*take_fn)(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at);

/* ---- what is expected ------------------------------------------------- */

static const char *expects_int(
    struct conf_context *c, const struct conf_field *f)
{
	const char *word =
	    f->word ? arena_printf(c->arena, " or '%s'", f->word) : "";

	return arena_printf(c->arena, "a number from %lld to %lld%s",
	    (long long)f->low, (long long)f->high, word);
}

/* " such as '2s' or '1m'": at most two that the range has. */
static const char *such_as(
    struct arena *a, const char *const *examples, int64_t low, int64_t high)
{
	const char *text = "";
	unsigned n = 0;

	for (; *examples && n < 2; examples++) {
		int64_t ms;

		if (units_duration(*examples, &ms) < 0 || ms < low || ms > high)
			continue;
		text = arena_printf(
		    a, "%s%s'%s'", text, n++ ? " or " : " such as ", *examples);
	}
	return text;
}

static const char *expects_seconds(
    struct conf_context *c, int64_t low_ms, int64_t high_ms)
{
	static const char *const examples[] = { "5s", NULL };
	char low[UNITS_TEXT_MAX], high[UNITS_TEXT_MAX];

	return arena_printf(c->arena, "whole seconds from %s to %s%s",
	    units_duration_text(low_ms, low),
	    units_duration_text(high_ms, high),
	    such_as(c->arena, examples, low_ms, high_ms));
}

static const char *expects_duration(
    struct conf_context *c, const struct conf_field *f)
{
	static const char *const examples[] = { "500ms", "2s", "1m", NULL };
	char low[UNITS_TEXT_MAX], high[UNITS_TEXT_MAX];

	if (f->whole)
		return expects_seconds(c, f->low, f->high);
	return arena_printf(c->arena, "a duration from %s to %s%s",
	    units_duration_text(f->low, low),
	    units_duration_text(f->high, high),
	    such_as(c->arena, examples, f->low, f->high));
}

static const char *expects_enum(
    struct conf_context *c, const struct conf_field *f)
{
	const char *text = "one of";

	for (unsigned i = 0; f->names[i]; i++) {
		text = arena_printf(
		    c->arena, "%s%s '%s'", text, i ? "," : "", f->names[i]);
	}
	return text;
}

const char *conf_expects(struct conf_context *c, const struct conf_field *f)
{
	if (f->expects)
		return f->expects;
	switch (f->kind) {
	case CONF_INT:
		return expects_int(c, f);
	case CONF_DURATION:
		return expects_duration(c, f);
	case CONF_SECONDS:
		return expects_seconds(c, f->low * 1000, f->high * 1000);
	case CONF_ENUM:
		return expects_enum(c, f);
	case CONF_BOOL:
		return "'true' or 'false'";
	case CONF_STRINGS:
		return "a list of words";
	case CONF_PAIRS:
		return "a map of words to words";
	case CONF_TABLE:
		return "a map of keys";
	case CONF_TABLES:
		return "a list of maps";
	case CONF_STRING:
	case CONF_CUSTOM:
	default:
		return "a word";
	}
}

static bool is_word(const struct conf_node *n)
{
	return n->type == CONF_SCALAR && !conf_is_null(n);
}

static int bad_value(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node)
{
	const char *found = is_word(node) && f->hidden
	                        ? conf_describe_hidden(c, node)
	                        : conf_describe(c, node);

	if (!node->line) { /* a flag: the place names it already */
		return conf_bad(c, node, "found %s, expected %s", found,
		    conf_expects(c, f));
	}
	return conf_bad(c, node, "found %s for '%s', expected %s", found,
	    f->key, conf_expects(c, f));
}

/* ---- one kind each ---------------------------------------------------- */

static int take_string(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at)
{
	if (!is_word(node) || (f->valid && !f->valid(node->text)))
		return bad_value(c, f, node);
	*(const char **)at = node->text;
	return 0;
}

static int take_int(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at)
{
	int64_t n;

	if (!is_word(node))
		return bad_value(c, f, node);
	if (f->word && strcmp(node->text, f->word) == 0) {
		n = f->word_value;
	} else if (units_int(node->text, f->unit, &n) < 0 || n < f->low ||
	           n > f->high) {
		return bad_value(c, f, node);
	}
	*(int *)at = (int)n;
	return 0;
}

static int take_duration(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at)
{
	int64_t ms;

	if (!is_word(node) || units_duration(node->text, &ms) < 0 ||
	    ms < f->low || ms > f->high || (f->whole && ms % 1000))
		return bad_value(c, f, node);
	*(int64_t *)at = ms;
	return 0;
}

static int take_seconds(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at)
{
	int64_t ms, s;

	if (!is_word(node))
		return bad_value(c, f, node);
	if (units_int(node->text, NULL, &s) < 0) {
		if (units_duration(node->text, &ms) < 0 || ms % 1000)
			return bad_value(c, f, node);
		s = ms / 1000;
	}
	if (s < f->low || s > f->high)
		return bad_value(c, f, node);
	*(int *)at = (int)s;
	return 0;
}

static int take_bool(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at)
{
	bool yes = strcmp(node->text, "true") == 0;

	if (!is_word(node) || (!yes && strcmp(node->text, "false") != 0))
		return bad_value(c, f, node);
	*(bool *)at = yes;
	return 0;
}

static int take_enum(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at)
{
	for (int i = 0; is_word(node) && f->names[i]; i++) {
		if (strcmp(node->text, f->names[i]) == 0) {
			*(int *)at = i;
			return 0;
		}
	}
	return bad_value(c, f, node);
}

static int take_map_of_strings(struct conf_context *c,
    const struct conf_field *f, const struct conf_node *map,
    struct conf_strings *s)
{
	unsigned n = 0;
	int r = 0;

	for (const struct conf_node *v = map->first; v; v = v->next)
		n += is_word(v) ? 1 : v->n;
	s->items = arena_alloc(c->arena, n + 1, sizeof(*s->items));
	s->n = 0;
	for (const struct conf_node *v = map->first; v; v = v->next) {
		bool single = is_word(v);

		if (!single && v->type != CONF_LIST)
			r = bad_value(c, f, v);
		for (const struct conf_node *i = single ? v : v->first; i && !r;
		     i = single ? NULL : i->next) {
			const char *text = arena_printf(
			    c->arena, "%s=%s", v->key->text, i->text);

			if (!is_word(i) || (f->valid && !f->valid(text))) {
				r = bad_value(c, f, i);
			} else {
				s->items[s->n++] = text;
			}
		}
	}
	return r;
}

static int take_strings(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at)
{
	struct conf_strings *s = at;
	bool single = is_word(node);
	int r = 0;

	if (f->map && node->type == CONF_MAP)
		return take_map_of_strings(c, f, node, s);
	if (!single && node->type != CONF_LIST)
		return bad_value(c, f, node);
	s->items = arena_alloc(c->arena, node->n + 2, sizeof(*s->items));
	s->n = 0;
	for (const struct conf_node *n = single ? node : node->first; n;
	     n = single ? NULL : n->next) {
		if (!is_word(n) || (f->valid && !f->valid(n->text))) {
			r = bad_value(c, f, n);
		} else {
			s->items[s->n++] = n->text;
		}
	}
	return r;
}

static int take_pairs(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at)
{
	struct conf_pairs *p = at;
	int r = 0;

	if (node->type != CONF_MAP)
		return bad_value(c, f, node);
	p->items = arena_alloc(c->arena, node->n + 1, sizeof(*p->items));
	p->n = 0;
	for (const struct conf_node *n = node->first; n; n = n->next) {
		if (!is_word(n) || (f->valid && !f->valid(n->text))) {
			r = bad_value(c, f, n);
			continue;
		}
		p->items[p->n++] = (struct conf_pair){ n->key->text, n->text };
	}
	return r;
}

static int take_table(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at)
{
	return conf_fill(c, f->table, node, at);
}

static int take_tables(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at)
{
	struct conf_array *a = at;
	char *item;
	int r = 0;

	if (node->type != CONF_LIST)
		return bad_value(c, f, node);
	a->n = node->n;
	a->items = item = arena_alloc(c->arena, node->n, f->table->size);
	for (const struct conf_node *n = node->first; n; n = n->next) {
		if (conf_fill(c, f->table, n, item) < 0)
			r = -EINVAL;
		item += f->table->size;
	}
	return r;
}

static int take_custom(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at)
{
	if (conf_is_null(node))
		return bad_value(c, f, node);
	return f->custom(c, f, node, at);
}

static const take_fn takers[] = {
	[CONF_STRING] = take_string,
	[CONF_INT] = take_int,
	[CONF_DURATION] = take_duration,
	[CONF_SECONDS] = take_seconds,
	[CONF_BOOL] = take_bool,
	[CONF_ENUM] = take_enum,
	[CONF_STRINGS] = take_strings,
	[CONF_PAIRS] = take_pairs,
	[CONF_TABLE] = take_table,
	[CONF_TABLES] = take_tables,
	[CONF_CUSTOM] = take_custom,
};

int conf_take(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *base)
{
	return takers[f->kind](c, f, node, (char *)base + f->offset);
}

/* ---- keys ------------------------------------------------------------- */

const struct conf_field *conf_find(const struct conf_table *t, const char *key)
{
	for (; t; t = t->also) {
		for (const struct conf_field *f = t->fields; f->key; f++) {
			if (strcmp(f->key, key) == 0)
				return f;
		}
	}
	return NULL;
}

int conf_bad_key(struct conf_context *c, const struct conf_node *key,
    const struct conf_table *t)
{
	const char *keys[MAX_KEYS_SHOWN + 1], *all = "";
	const char *found = conf_describe(c, key);
	unsigned n = 0;

	for (const struct conf_table *part = t; part; part = part->also) {
		for (const struct conf_field *f = part->fields; f->key; f++) {
			if (n == MAX_KEYS_SHOWN)
				break;
			if (f->flag_only)
				continue;
			keys[n++] = f->key;
			all = arena_printf(
			    c->arena, "%s%s%s", all, *all ? ", " : "", f->key);
		}
	}
	keys[n] = NULL;
	const char *near = conf_nearest(key->text, keys);

	if (near) {
		return conf_bad(c, key, "found key %s in %s, expected '%s'",
		    found, t->what, near);
	}
	return conf_bad(c, key, "found key %s in %s, expected one of %s", found,
	    t->what, all);
}

/* ---- whole maps ------------------------------------------------------- */

static void take_absent(const struct conf_field *f, void *base)
{
	void *at = (char *)base + f->offset;

	if (f->kind == CONF_INT || f->kind == CONF_ENUM ||
	    f->kind == CONF_SECONDS) {
		*(int *)at = (int)f->absent;
	} else if (f->kind == CONF_DURATION) {
		*(int64_t *)at = f->absent;
	}
}

void conf_defaults(
    struct conf_context *c, const struct conf_table *t, void *base)
{
	for (; t; t = t->also) {
		for (const struct conf_field *f = t->fields; f->key; f++) {
			struct conf_node n = { .type = CONF_SCALAR };

			if (f->kind == CONF_TABLE) {
				conf_defaults(
				    c, f->table, (char *)base + f->offset);
				continue;
			}
			take_absent(f, base);
			n.text = f->fallback;
			if (f->fallback) {
				int r = conf_take(c, f, &n, base);

				assert(r == 0); /* the table is wrong */
				(void)r;
			}
		}
	}
}

static void check_required(struct conf_context *c, const struct conf_table *t,
    const struct conf_node *map)
{
	for (const struct conf_table *part = t; part; part = part->also) {
		for (const struct conf_field *f = part->fields; f->key; f++) {
			if (f->required && !conf_get(map, f->key)) {
				conf_bad(c, map,
				    "found %s without '%s', expected %s",
				    t->what, f->key, conf_expects(c, f));
			}
		}
	}
}

int conf_fill(struct conf_context *c, const struct conf_table *t,
    const struct conf_node *map, void *base)
{
	unsigned before = c->error_n;

	conf_defaults(c, t, base);
	if (map->type != CONF_MAP) {
		return conf_bad(c, map, "found %s, expected %s as a map",
		    conf_describe(c, map), t->what);
	}
	for (const struct conf_node *n = map->first; n; n = n->next) {
		const struct conf_field *f = conf_find(t, n->key->text);

		if (f) {
			conf_take(c, f, n, base);
		} else {
			conf_bad_key(c, n->key, t);
		}
	}
	check_required(c, t, map);
	if (c->error_n == before && t->finish)
		t->finish(c, map, base);
	return c->error_n == before ? 0 : -EINVAL;
}
