// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * consul_json - JSON that a library has read as a tree of ours, for the rest
 * of this folder: all of it stands where the text as a whole stands.
 */
#include "schema/conf/node.h"

#include <jansson.h>

/* In c->arena; line and column of all nodes are those given. */
const struct conf_node *consul_from_json(struct conf_context *c,
    const json_t *value, unsigned line, unsigned column);
