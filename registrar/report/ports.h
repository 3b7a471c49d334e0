// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * ports - all ports of a service, taken out of its row.
 */
#include "schema/base/arena.h"
#include "schema/label.h"
#include "schema/registry.h"

#include <jansson.h>

struct port_list {
	struct port_row *items; /* port may be ROW_DEFAULT in the first */
	unsigned n;             /* at least 1 */
};

/* With the numbers of an instance, or of the service (NULL); all in a. */
struct port_list port_list_of(
    struct arena *a, const struct service_row *s, const struct instance_row *i);

/*
 * The port of that name and protocol; name NULL: the first of the protocol,
 * whatever its name. NULL: there is none.
 */
const struct port_row *port_list_find(
    const struct port_list *l, const char *name, const char *protocol);

/* "http 8080/tcp"; "88/udp"; "tcp", where the number is not known. */
const char *port_text(struct arena *a, const struct port_row *p);
/* Joined by ", "; but "tcp" for a single one without a name. */
const char *port_list_text(struct arena *a, const struct port_list *l);
json_t *port_list_json(const struct port_list *l);

/* "8080", "grpc=9090", "dns=53/udp", "88/tcp"; "": that is not said. */
struct port_arg {
	char name[LABEL_SERVICE_MAX + 1], protocol[16];
	int port;
};

#define PORT_ARG_RULE                                                          \
	"a port 1..65535, with NAME= before it and /PROTOCOL behind it if "    \
	"need be"

bool port_arg_parse(const char *text, struct port_arg *ret_p);
bool port_arg_is_valid(const char *text);
/* Is it port k of the list? Without name and protocol: the first. */
bool port_arg_is(
    const struct port_arg *p, const struct port_list *l, unsigned k);
