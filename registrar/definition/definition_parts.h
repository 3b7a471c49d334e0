// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * definition_parts - private to definition*.c: what lies between the text of
 * a file and struct definition.
 *
 * conf_fill() puts the text into the raw structs, which know what was given
 * and what not; resolving them, once for each instance, fills in defaults and
 * templates. A kind of check is one struct check_type in a file of its own
 * and a row in definition_check.c.
 */
#include "registrar/definition/definition_each.h"

#define DEFINITION_MAX_TEXT 1024 /* octets of a template or an argument */
#define CHECK_DEFAULT_TIMEOUT_MS 5000

/* ---- templates and small texts (definition_text.c) -------------------- */

/* What `{...}` stands for. */
struct template_vars {
	const char *address, *name, *service;
	const char *zone;              /* of the service; no variable */
	int port;                      /* ROW_DEFAULT: none */
	bool literal;                  /* braces mean nothing in this file */
	const struct conf_pairs *more; /* of for_each; NULL: none */
};

enum template_style {
	TEMPLATE_PLAIN, /* braces that are no variable stay as they are */
	TEMPLATE_URL,   /* IPv6 in brackets; other braces are refused */
};

/* text itself if it holds no variable, else in c->arena. */
int template_fill(struct conf_context *c, const struct conf_node *at,
    enum template_style style, const char *text, const struct template_vars *v,
    const char **ret_text);

/* "10.0.0.1:80", "[::1]:80", "localhost:80"; port 0: none is written. */
struct endpoint {
	const char *address;
	int port;
};
int endpoint_parse(
    struct arena *a, const char *text, size_t len, struct endpoint *ret_e);

/* The host of such a text as it is written, without brackets. */
const char *endpoint_host(struct arena *a, const char *text, size_t len);

/*
 * *text of the scalar `at` with its variables filled in, as an endpoint.
 * default_port 0: one has to be written.
 */
int resolve_endpoint(struct conf_context *c, const struct conf_node *at,
    const struct template_vars *v, int default_port, const char **text,
    struct endpoint *ret_e);

/* Canonical text of an address that the registry takes; NULL: it is none. */
const char *address_canonical(struct arena *a, const char *text);
bool address_is_valid(const char *text);
bool address_is_ipv6(const char *text);

/* CONF_CUSTOM, const char *: as JSON for the registry. */
int take_tags(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at);
int take_meta(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at);

bool text_is_clean(const char *text);          /* no control characters */
bool text_equal(const char *a, const char *b); /* each may be NULL */
bool path_is_absolute(const char *text);

/* ---- regular expressions (definition_regex.c) ------------------------- */

/* CONF_CUSTOM, const char *: a regular expression that is safe to run. */
int take_regex(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at);
/*
 * What is wrong with it, in `a`; NULL: nothing. groups: what they match is
 * asked for (lib/match.h).
 */
const char *regex_problem(struct arena *a, const char *pattern, bool groups);
bool regex_equal(const char *a, const char *b); /* each may be NULL */

/* ---- octets to send (definition_payload.c) ---------------------------- */

#define PAYLOAD_RULE                                                           \
	"text of at most 1024 octets with the escapes \\r, \\n, \\t, "         \
	"\\0, \\\\ and \\xHH"

/* CONF_CUSTOM, struct check_payload; f->high: at most, 0: 1024 octets */
int take_payload(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at);
bool payload_equal(
    const struct check_payload *a, const struct check_payload *b);

/* ---- TLS (definition_tls.c) ------------------------------------------- */

#define TLS_RULE "true, false or a map with name, ca, cert, key and verify"

/* CONF_CUSTOM, struct net_tls; alpn is for resolve() to set. */
int take_tls(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at);
/* check: the map of the check; host: the name that counts if none is given. */
int resolve_tls(struct conf_context *c, const struct conf_node *check,
    const struct template_vars *v, const char *host, struct net_tls *tls);
/* The letters and the length of a name or of an address without brackets. */
bool host_is_valid(const char *text);
bool tls_equal(const struct net_tls *a, const struct net_tls *b);

/* ---- checks (definition_check.c) -------------------------------------- */

struct check_type {
	const char *name; /* and the key that asks for it */
	enum check_kind kind;
	const struct conf_table *table; /* for a struct check_spec */
	/* Templates and what follows from them; NULL: nothing to do. */
	int (*resolve)(struct conf_context *c, const struct conf_node *at,
	    const struct template_vars *v, struct check_spec *s);
	bool (*equal)(const struct check_spec *a, const struct check_spec *b);
};

extern const struct check_type check_type_tcp;
extern const struct check_type check_type_http;
extern const struct check_type check_type_exec;
extern const struct check_type check_type_ttl;
extern const struct check_type check_type_udp;
extern const struct check_type check_type_dns;
extern const struct check_type check_type_file;
extern const struct check_type check_type_icmp;
extern const struct check_type check_type_postgres;
extern const struct check_type check_type_redis;
extern const struct check_type check_type_alias;
extern const struct check_type check_type_grpc;
extern const struct check_type check_type_h2ping;

/* How a program runs (user, dir ...), for a table of a struct check_spec. */
extern const struct conf_table exec_how_table;
/* `exec` of map is a program and its arguments. */
int exec_check_argv(struct conf_context *c, const struct conf_node *map,
    const struct check_spec *s);

/* By enum check_kind: definition_check_types.c. */
extern const struct check_type *const check_types[CHECK_KIND_N];
/* NULL: there is none of that name. */
const struct check_type *check_type_find(const char *name);

/* interval, timeout, rise ...: for the tables of checks that ask. */
extern const struct conf_table check_common_table;
/* interval, grace: for those that look at what somebody else decided. */
extern const struct conf_table check_look_table;

struct raw_check {
	const struct conf_node *node;
	struct check_spec spec; /* templates as they are written */
};

struct raw_checks {
	bool given;
	struct raw_check *items;
	unsigned n;
	struct check_group *groups;
	unsigned group_n;
};

/* CONF_CUSTOM, struct raw_checks */
int take_checks(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at);
int resolve_checks(struct conf_context *c, const struct raw_checks *raw,
    const struct template_vars *v, struct definition_instance *i);

/* ---- process watch (definition_process.c) ----------------------------- */

#define PROCESS_KEYS "pidfile, exe, cmdline, unit, cgroup, listening, container"
#define PROCESS_RULE "'none' or a map with one of " PROCESS_KEYS

struct raw_process {
	bool given;
	const struct conf_node *node;
	struct process_spec spec;
};

/* CONF_CUSTOM, struct raw_process */
int take_process(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at);
int resolve_process(struct conf_context *c, const struct raw_process *raw,
    const struct template_vars *v, struct process_spec *ret_p);

/* ---- what follows a drain (definition_drained.c) ---------------------- */

#define DRAINED_RULE "'none' or a map with 'exec', 'signal' or both"

struct raw_drained {
	struct check_spec spec; /* exec and timeout_ms; first: exec_how_table */
	bool given;
	const struct conf_node *node;
	int signal; /* index into names; -1: none */
};

/* CONF_CUSTOM, struct raw_drained */
int take_drained(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at);
/* process: of the instance, whom a signal is for. */
int resolve_drained(struct conf_context *c, const struct raw_drained *raw,
    const struct template_vars *v, const struct process_spec *process,
    struct drained_spec *ret_d);

/* ---- the mesh (definition_mesh.c) ------------------------------------- */

/* CONF_CUSTOM, const char *: as JSON for the registry. */
int take_mesh(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at);

/* ---- what follows from verdicts (definition_policy.c) ----------------- */

struct raw_policy {
	int64_t slow_start_ms, deregister_after_ms;
	struct damping_spec damping;
	struct conf_strings requires; /* SERVICE or SERVICE.ZONE */
};

/* For a struct raw_policy at the beginning of another struct. */
extern const struct conf_table raw_policy_table;

/* SERVICE, or SERVICE.ZONE */
bool service_ref_is_valid(const char *text);
/* A valid one; zone: of those that name none. */
struct required_service service_ref_split(
    struct arena *a, const char *text, const char *zone);

/* map: of the service; zone: where it is. */
int resolve_policy(struct conf_context *c, const struct raw_policy *raw,
    const struct conf_node *map, const char *zone, struct health_policy *ret_p);

/* ---- ports (definition_ports.c) --------------------------------------- */

#define PROTOCOL_RULE "a protocol such as tcp or udp"
#define PORTS_RULE                                                             \
	"a map of names and numbers, or a list of maps with port, name and "   \
	"protocol"

struct raw_port {
	const struct conf_node *node;
	struct port_row row; /* protocol NULL: not said */
};

struct raw_ports {
	const struct conf_node *node; /* NULL: not given */
	struct raw_port *items;
	unsigned n;
};

struct raw_service;
struct raw_instance;

bool protocol_is_valid(const char *text);
/* CONF_CUSTOM, struct raw_ports */
int take_port_list(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at);
/* map: of s. The first of its ports is its port and protocol as well. */
int finish_ports(
    struct conf_context *c, const struct conf_node *map, struct raw_service *s);
void resolve_ports(struct conf_context *c, const struct raw_service *raw,
    struct definition_service *s);
/* i->ports, and i->port where `ports` says it. */
int resolve_instance_ports(struct conf_context *c, const struct raw_service *s,
    const struct raw_instance *raw, struct definition_instance *i);

/* ---- services and instances (definition.c, definition_instance.c) ----- */

struct raw_weights {
	int passing, warning; /* ROW_DEFAULT: not given */
};

struct raw_instance {
	const struct conf_node *node;
	const char *name, *address, *address6, *locality, *tags, *meta;
	int port, priority;
	struct raw_ports ports;
	struct raw_weights weights;
	struct raw_process process;
	struct raw_checks checks;
	struct raw_drained drained;
};

struct raw_instances {
	struct conf_array plain; /* of struct raw_instance */
	struct conf_array each;  /* of struct each_spec */
};

struct raw_service {
	struct raw_policy policy; /* first: raw_policy_table */
	const struct conf_node *node;
	const char *name, *zone, *protocol, *tags, *meta;
	int port, ttl_s, max_answers, on_empty;
	int weight_scale; /* at least 1; weights here are without it */
	struct raw_ports ports;
	struct raw_weights weights;
	struct raw_process process;
	struct raw_checks checks;
	struct raw_drained drained;
	struct raw_instances instances;
	const char *mesh;
	bool literal; /* no templates: the file is Consul's */
};

extern const struct conf_table raw_instance_table;
extern const struct conf_table raw_weights_table;

/* `weight: 3` is short for `weights: {passing: 3}`: not both. */
int check_weights(struct conf_context *c, const struct conf_node *map);

/* more: what else templates may say; NULL: nothing. */
int resolve_instance(struct conf_context *c, const struct raw_service *s,
    const struct raw_instance *raw, const struct definition_defaults *defaults,
    const struct conf_pairs *more, struct definition_instance *ret_i);

/* ---- containers (definition_container.c) ------------------------------ */

#define CONTAINER_NAME_RULE                                                    \
	"the name or the whole id of a container: 1..255 of a-z A-Z 0-9 "      \
	"'_', '.', '-', a letter or digit first"

bool is_container_name(const char *text);
/* The filter of `node`, a map. */
int take_container(struct conf_context *c, const struct conf_node *node,
    struct container_filter *f);
bool container_filter_equal(
    const struct container_filter *a, const struct container_filter *b);

/* ---- for_each (definition_each.c) ------------------------------------- */

/* CONF_CUSTOM, struct raw_instances */
int take_instances(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at);
int resolve_each(struct conf_context *c, const struct raw_service *raw,
    const struct definition_defaults *defaults, struct definition_service *s);

/* ---- what was found (definition_made.c) ------------------------------- */

/* sample: nothing was found, it is only tried. */
int each_make(struct conf_context *c, const struct each_spec *e,
    const struct each_found *found, bool sample,
    struct definition_instance *ret_i);

/* A value in the map of a for_each that is filled in later, or not at all. */
bool each_is_deferred(const struct conf_node *value);
/* Its children and siblings are still those of n. */
struct conf_node *each_copy_node(struct arena *a, const struct conf_node *n);
void each_append(struct conf_node *list, struct conf_node *item);
