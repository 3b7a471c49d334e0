// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * consul_tree - taking trees apart and building others of them.
 *
 * New nodes lie in c->arena and stand where the node they were made of
 * stands; children are shared, never changed.
 */
#include "schema/conf/node.h"

/* What becomes of a key: the first of take, as, why that is set. */
struct consul_rule {
	const char *key; /* lower case without '_'; NULL ends a table */
	/* puts what it makes of the value into the map `out` */
	int (*take)(struct conf_context *c, const struct conf_node *value,
	    struct conf_node *out);
	const char *as;  /* the same value under this key */
	const char *why; /* ignored with a warning; NULL: silently */
};

/*
 * Every key of map into out. `what` is told of keys that no rule has; null
 * is as if the key were not there. -EINVAL if a take said so.
 */
int consul_apply(struct conf_context *c, const struct consul_rule *rules,
    const char *what, const struct conf_node *map, struct conf_node *out);

/* The value of a key, in any spelling; NULL: none, or null. */
const struct conf_node *consul_get(
    const struct conf_node *map, const char *key);
/* True if key, in any spelling, is `folded`. */
bool consul_key_is(const char *key, const char *folded);

struct conf_node *consul_map(
    struct conf_context *c, const struct conf_node *at);
struct conf_node *consul_list(
    struct conf_context *c, const struct conf_node *at);
struct conf_node *consul_word(
    struct conf_context *c, const struct conf_node *at, const char *text);

/* Is a value that Consul takes for none: null, "", [], {}. */
bool consul_is_empty(const struct conf_node *n);

/* Puts a copy; key is written where value's own key is, or value. */
void consul_put(struct conf_context *c, struct conf_node *map, const char *key,
    const struct conf_node *value);
void consul_append(struct conf_context *c, struct conf_node *list,
    const struct conf_node *value);

/*
 * The label that comes nearest to a text: lower case, '-' for all else, and
 * the end replaced by a hash where it is longer than max. "" if nothing is
 * left. In a.
 */
const char *consul_label(struct arena *a, const char *text, size_t max);
