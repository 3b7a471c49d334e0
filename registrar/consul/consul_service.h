// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * consul_service - a service as Consul writes it, in definitions and in the
 * answers of its HTTP API, as the map that an instance of ours would have.
 *
 * Read here alone: by definitions, which take the map for theirs, and by
 * import, which takes its values. So a name, an address, a weight or a tag is
 * the same either way. What has no meaning here is told by a warning and left
 * out; what is of another type than it should be is an error, or left for the
 * rule that the value is for.
 *
 * Keys are compared as Consul does: without case, and with or without '_'.
 * New nodes are in c->arena.
 */
#include "schema/conf/node.h"

enum consul_shape {
	CONSUL_DEFINITION, /* {"name": "web", "port": 80} */
	CONSUL_AGENT,      /* /v1/agent/services: {"Service": "web", ...} */
	CONSUL_CATALOG, /* /v1/catalog/service: {"ServiceName": "web", ...} */
	CONSUL_HEALTH,  /* /v1/health/service: {"Service": {...}, ...} */
};

struct consul_entry {
	enum consul_shape shape;
	const struct conf_node *service; /* spelt as in a definition */
	const struct conf_node *checks;  /* beside it; NULL: none */
	/* of the host; "": not told */
	const char *node, *node_address;
	const char *kind; /* "connect-proxy"; "": a service */
};

/* raw is a map. */
void consul_entry_read(struct conf_context *c, const struct conf_node *raw,
    struct consul_entry *ret_e);

/*
 * What DNS will call it, from the value of `name`; told when it is more than
 * another case. The text itself if no letter of it is left.
 */
const char *consul_service_label(
    struct conf_context *c, const struct conf_node *name);

/*
 * name (if it has an id), address, address6, port, tags, meta and weights.
 * -EINVAL: c->diags says why.
 */
int consul_instance(struct conf_context *c, const struct conf_node *service,
    struct conf_node **ret_out);
