// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/consul/consul_tree.h"

#include "schema/conf/fields.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define HASH_LEN 9 /* '-' and eight digits */

/* ---- reading ---------------------------------------------------------- */

/* Not tolower(3): names are ASCII in every locale. */
static char lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		c = (char)(c - 'A' + 'a');
	return c;
}

bool consul_key_is(const char *key, const char *folded)
{
	for (; *key; key++) {
		if (*key == '_')
			continue;
		if (lower(*key) != *folded++)
			return false;
	}
	return !*folded;
}

const struct conf_node *consul_get(const struct conf_node *map, const char *key)
{
	for (const struct conf_node *n = map->first; n; n = n->next) {
		if (n->key && consul_key_is(n->key->text, key))
			return conf_is_null(n) ? NULL : n;
	}
	return NULL;
}

#define RULES_MAX 64

/* As it is told: in lower case, without '_'; NULL: nothing is like it. */
static const char *nearest(const char *key, const struct consul_rule *rules)
{
	const char *names[RULES_MAX + 1] = { NULL };
	char folded[32];
	size_t len = 0;

	for (size_t n = 0; n < RULES_MAX && rules[n].key; n++)
		names[n] = rules[n].key;
	for (; *key && len < sizeof(folded) - 1; key++) {
		if (*key != '_')
			folded[len++] = lower(*key);
	}
	folded[len] = '\0';
	return conf_nearest(folded, names);
}

static void warn_ignored(struct conf_context *c, const struct conf_node *key,
    const char *what, const struct consul_rule *rules, const char *why)
{
	const char *near = why ? NULL : nearest(key->text, rules);

	if (near) {
		conf_warn(c, key,
		    "found %s in %s, ignored: expected '%s', it seems",
		    conf_describe(c, key), what, near);
	} else {
		conf_warn(c, key, "found %s in %s, ignored: %s",
		    conf_describe(c, key), what,
		    why ? why : "Rollcall has none");
	}
}

static const struct consul_rule *find_rule(
    const struct consul_rule *rules, const char *key)
{
	for (; rules->key; rules++) {
		if (consul_key_is(key, rules->key))
			return rules;
	}
	return NULL;
}

/* "Port" and "port": one key to Consul, and two to JSON. */
static bool is_repeated(struct conf_context *c, const struct conf_node *map,
    const struct conf_node *n, const struct consul_rule *rule)
{
	const struct conf_node *first = consul_get(map, rule->key);

	if (!first || first == n)
		return false;
	(void)conf_bad(c, n->key,
	    "found key %s beside %s, expected it once: case and '_' make no "
	    "other one",
	    conf_describe(c, n->key), conf_describe(c, first->key));
	return true;
}

int consul_apply(struct conf_context *c, const struct consul_rule *rules,
    const char *what, const struct conf_node *map, struct conf_node *out)
{
	int r = 0;

	if (map->type != CONF_MAP) {
		return conf_bad(c, map, "found %s, expected %s as a map",
		    conf_describe(c, map), what);
	}
	for (const struct conf_node *n = map->first; n; n = n->next) {
		const struct consul_rule *rule = find_rule(rules, n->key->text);
		if (conf_is_null(n))
			continue;
		if (rule && is_repeated(c, map, n, rule))
			r = -EINVAL;
		if (rule && rule->take) {
			r = rule->take(c, n, out) < 0 ? -EINVAL : r;
		} else if (rule && rule->as) {
			consul_put(c, out, rule->as, n);
		} else if (!rule || rule->why) {
			warn_ignored(
			    c, n->key, what, rules, rule ? rule->why : NULL);
		}
	}
	return r;
}

bool consul_is_empty(const struct conf_node *n)
{
	return conf_is_null(n) ||
	       (n->type == CONF_SCALAR ? !*n->text : !n->first);
}

/* ---- building --------------------------------------------------------- */

static struct conf_node *node_at(struct conf_context *c,
    const struct conf_node *at, enum conf_node_type type, const char *text)
{
	struct conf_node *n = arena_alloc(c->arena, 1, sizeof(*n));

	n->type = type;
	n->line = at->line;
	n->column = at->column;
	n->text = text;
	return n;
}

struct conf_node *consul_map(struct conf_context *c, const struct conf_node *at)
{
	return node_at(c, at, CONF_MAP, "");
}

struct conf_node *consul_list(
    struct conf_context *c, const struct conf_node *at)
{
	return node_at(c, at, CONF_LIST, "");
}

struct conf_node *consul_word(
    struct conf_context *c, const struct conf_node *at, const char *text)
{
	return node_at(c, at, CONF_SCALAR, text);
}

static void hang(struct conf_node *parent, struct conf_node *n)
{
	if (parent->last) {
		parent->last->next = n;
	} else {
		parent->first = n;
	}
	parent->last = n;
	parent->n++;
}

void consul_put(struct conf_context *c, struct conf_node *map, const char *key,
    const struct conf_node *value)
{
	struct conf_node *n = arena_alloc(c->arena, 1, sizeof(*n));

	*n = *value;
	n->next = NULL;
	n->key = consul_word(c, value->key ? value->key : value, key);
	hang(map, n);
}

void consul_append(struct conf_context *c, struct conf_node *list,
    const struct conf_node *value)
{
	struct conf_node *n = arena_alloc(c->arena, 1, sizeof(*n));

	*n = *value;
	n->next = NULL;
	n->key = NULL;
	hang(list, n);
}

/* ---- labels ----------------------------------------------------------- */

/* FNV-1a: texts that differ only behind max stay different. */
static uint32_t hash(const char *text)
{
	uint32_t h = 2166136261U;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 16777619U;
	return h;
}

/* In place; the length of what is left of it. */
static size_t strip(char *label, size_t len)
{
	size_t from = strspn(label, "-");

	while (len > from && label[len - 1] == '-')
		len--;
	memmove(label, label + from, len - from);
	label[len - from] = '\0';
	return len - from;
}

const char *consul_label(struct arena *a, const char *text, size_t max)
{
	char *label = arena_strdup(a, text);

	for (char *p = label; *p; p++) {
		*p = lower(*p);
		if ((*p < 'a' || *p > 'z') && (*p < '0' || *p > '9'))
			*p = '-';
	}
	if (strip(label, strlen(label)) <= max)
		return label;
	label[max - HASH_LEN] = '\0';
	(void)strip(label, max - HASH_LEN);
	return arena_printf(a, "%s-%08" PRIx32, label, hash(text));
}
