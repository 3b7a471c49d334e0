// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * definition_consul - Consul's service definitions, in JSON, as they are.
 *
 * They are translated before anything is looked at: the tree of such a file
 * becomes the tree that a file of ours with the same meaning would have had,
 * each node with the line and column of what it was made of. So every rule,
 * every kind of check and every error is that of definition*.c. What has no
 * meaning here is told by a warning and left out. Private to definition*.c.
 *
 * Keys are compared as Consul does: without case, and with or without '_'.
 */
#include "schema/conf/node.h"

/* A map with `service`, `services`, `check` as Consul writes them. */
bool consul_is_definition(const struct conf_node *root);

/* -EINVAL: c->diags says why. New nodes are in c->arena. */
int consul_translate(struct conf_context *c, const struct conf_node *root,
    const struct conf_node **ret_root);

/* Consul's other language: -EINVAL and an error that says so. */
int consul_refuse_hcl(struct conf_context *c, const char *text, size_t len);
