// SPDX-License-Identifier: BSD-2-Clause
/*
 * A treap: a search tree by the order, a heap by the hash. A new node takes
 * the place of the first one on its way that has a lower priority, whose tree
 * is split in two below it; what is removed is replaced by its two trees,
 * merged.
 */
#include "dnsd/message/data/owner_sets.h"

struct owner_node {
	uint64_t owner;
	uint32_t left, right;
};

void owner_sets_init(
    struct owner_sets *s, owner_order_fn order, const void *arg)
{
	pool_init(&s->nodes, sizeof(struct owner_node), UINT32_MAX / 2);
	s->order = order;
	s->arg = arg;
}

void owner_sets_release(struct owner_sets *s)
{
	pool_release(&s->nodes);
}

static struct owner_node *node_at(const struct owner_sets *s, uint32_t i)
{
	return pool_at(&s->nodes, i);
}

static bool is_before(const struct owner_sets *s, uint64_t a, uint64_t b)
{
	return s->order(s->arg, a, b) < 0;
}

/* The tree at `from`, those before the node to its left, the rest right. */
static void split(
    const struct owner_sets *s, struct owner_node *node, uint32_t from)
{
	uint32_t *left = &node->left, *right = &node->right;

	while (from) {
		struct owner_node *n = node_at(s, from);

		if (is_before(s, n->owner, node->owner)) {
			*left = from;
			left = &n->right;
			from = *left;
		} else {
			*right = from;
			right = &n->left;
			from = *right;
		}
	}
	*left = *right = 0;
}

void owner_sets_add(struct owner_sets *s, uint32_t *set, uint64_t owner)
{
	uint32_t *link = set;

	while (*link) {
		struct owner_node *n = node_at(s, *link);

		if (n->owner == owner)
			return;
		if (n->owner < owner)
			break;
		link = is_before(s, owner, n->owner) ? &n->left : &n->right;
	}
	uint32_t number = pool_take(&s->nodes);
	if (!number)
		return;
	struct owner_node *node = node_at(s, number);
	node->owner = owner;
	split(s, node, *link);
	*link = number;
}

void owner_sets_remove(struct owner_sets *s, uint32_t *set, uint64_t owner)
{
	uint32_t *link = set;

	while (*link) {
		struct owner_node *n = node_at(s, *link);

		if (n->owner == owner)
			break;
		link = is_before(s, owner, n->owner) ? &n->left : &n->right;
	}
	if (!*link)
		return;
	uint32_t gone = *link;
	uint32_t left = node_at(s, gone)->left;
	uint32_t right = node_at(s, gone)->right;
	while (left && right) {
		struct owner_node *l = node_at(s, left);
		struct owner_node *r = node_at(s, right);

		if (l->owner > r->owner) {
			*link = left;
			link = &l->right;
			left = *link;
		} else {
			*link = right;
			link = &r->left;
			right = *link;
		}
	}
	*link = left ? left : right;
	pool_give(&s->nodes, gone);
}

uint64_t owner_sets_first(const struct owner_sets *s, uint32_t set)
{
	const struct owner_node *n = node_at(s, set);

	while (n->left)
		n = node_at(s, n->left);
	return n->owner;
}

bool owner_sets_is_single(const struct owner_sets *s, uint32_t set)
{
	const struct owner_node *n = node_at(s, set);

	return !n->left && !n->right;
}
