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
    struct conf_node *list);

/* The id that checks name it by; NULL: it is no service at all. */
const char *consul_id_of(const struct conf_node *service);

/* c->arg while a file is translated: thousands of services may be in it. */
struct consul_index {
	void *ids;   /* the services of the file */
	void *names; /* those of the file to be */
};
void consul_index_services(
    struct conf_context *c, const struct conf_node *root);
void consul_index_release(struct consul_index *index);
/* The service of the file with that id; NULL: it has none. */
const struct conf_node *consul_find_service(
    const struct conf_context *c, const char *id);
/* The service of that name in the file to be, or NULL. */
struct conf_node *consul_find_name(
    const struct conf_context *c, const char *name);
void consul_put_name(
    struct conf_context *c, const char *name, struct conf_node *service);

/* `alias`, if the check says of what: of the service with that id. */
void consul_put_alias(
    struct conf_context *c, const struct conf_node *raw, struct conf_node *out);

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
