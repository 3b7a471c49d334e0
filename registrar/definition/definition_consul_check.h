// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * definition_consul_check - Consul's checks as checks of ours. Private to
 * definition_consul*.c.
 *
 * Consul's defaults go with them: one success brings a check back, one
 * failure takes it away, and a run has 10 s, a program 30 s.
 */
#include "schema/conf/node.h"

/* One check into a list of ours, unless there are none of its kind. */
int consul_translate_check(struct conf_context *c, const struct conf_node *raw,
    const struct conf_node *root, struct conf_node *list);

/* The id that checks name it by; NULL: it is no service at all. */
const char *consul_id_of(const struct conf_node *service);
/* The service of root with that id; NULL: the file has none. */
const struct conf_node *consul_find_service(
    const struct conf_node *root, const char *id);

/* `alias`, if the check says of what: of the service with that id in root. */
void consul_put_alias(struct conf_context *c, const struct conf_node *raw,
    const struct conf_node *root, struct conf_node *out);

/*
 * `checks`, and `process` for an os_service, for the instance `out`: those of
 * the service `raw` of Consul, and those of the file `root` that belong to it.
 */
int consul_take_checks(struct conf_context *c, const struct conf_node *raw,
    const struct conf_node *root, struct conf_node *out);

/* `deregister_after` for the service, of the same checks. */
void consul_take_deregister(struct conf_context *c, const struct conf_node *raw,
    const struct conf_node *root, struct conf_node *service);

/* Warns of checks of the file that name a service which it does not have. */
void consul_tell_strays(struct conf_context *c, const struct conf_node *root);
