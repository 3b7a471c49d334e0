// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * status - the registry as a person, or a script, wants to see it.
 *
 * A report is a copy of what the registry holds; showing it needs neither
 * the registry nor a clock. Plain data, one thread.
 */
#include "registrar/report/told.h"
#include "schema/base/arena.h"
#include "schema/eligible.h"
#include "schema/owner.h"

#include <stdio.h>

struct status_check {
	struct check_row row;
};

struct status_instance {
	struct instance_row row;
	unsigned check_0, check_n; /* where its checks are in the report */
	struct eligible eligible;  /* with what its service's policy says */
};

struct status_service {
	struct service_row row;
	unsigned instance_0, instance_n; /* of those that are shown */
	unsigned all_n;                  /* that it has */
	unsigned eligible_n; /* in all answers that their addresses allow */
	unsigned easing_n;   /* that drain, and are in SRV with weight 0 */
	unsigned admitted_n; /* eligible by on_empty alone */
	bool is_out; /* no answer; none of its leases ran out long ago */
};

/* What an owner says, and is not so: another comes before it. */
struct status_other {
	struct disagreement said;
};

struct status_report {
	struct arena *arena;         /* of all strings */
	struct status_other *others; /* the same, with their instances */
	unsigned other_n, other_max;
	struct status_service *services; /* in the order of zone and name */
	struct status_instance *instances;
	struct status_check *checks;
	unsigned service_n, instance_n, check_n;
	unsigned service_max, instance_max, check_max;
	/* registrars that these are of: "registrar/NAME", each once */
	const char **sources;
	unsigned source_n, source_max;
	struct told told; /* judged by what is in the report */
	int64_t now_wall_ms;
	const char *host; /* the name of this one; "": nobody knows */
	/* what could not be read, in words, each with why */
	const char **broken;
	unsigned broken_n, broken_max;
};

/*
 * service NULL: all of all zones; else the one in zone. Errors of
 * registry.h; -ENOENT: no registry, or no such service.
 */
int status_load(const char *registry, const char *zone, const char *service,
    int64_t now_wall_ms, struct status_report *ret_r, struct diag *reterr);
/*
 * The same from one that is open. path: beside which dnsd tell of themselves;
 * NULL: nobody is asked.
 */
int status_read(struct registry *reg, const char *path, const char *zone,
    const char *service, int64_t now_wall_ms, struct status_report *ret_r,
    struct diag *reterr);
/*
 * At most limit services behind after, which moves (registry_read_page());
 * nothing of who tells of himself, and nothing of what others say.
 */
int status_read_page(struct registry *reg, struct registry_key *after,
    unsigned limit, int64_t now_wall_ms, struct status_report *ret_r,
    unsigned *ret_n, struct diag *reterr);
/* One instance alone, from a registry that is open. */
int status_read_instance(struct registry *reg, const char *zone,
    const char *service, const char *instance, int64_t now_wall_ms,
    struct status_report *ret_r, struct diag *reterr);
/*
 * Keep what is asked for: of the node, what is unhealthy; and services that
 * have any of it, or no answer. NULL, false: everything.
 */
void status_filter(struct status_report *r, bool unhealthy, const char *node);
void status_release(struct status_report *r);

/*
 * Something is critical or dead, its lease ran out, or a service has nothing
 * to answer with.
 */
bool status_is_unhealthy(const struct status_report *r);
/* Of one instance: it is down, or its lease ran out not long ago. */
bool status_is_bad(
    const struct status_report *r, const struct status_instance *i);

/* "passing" ... "draining", "drained"; "expired" when the lease ran out. */
const char *status_state(const struct status_instance *i);
/* How far its drain has come: "in no answer in 3s"; NULL: there is none. */
const char *status_drain(
    struct arena *a, const struct instance_row *row, int64_t now_wall_ms);

struct status_style {
	bool colour;
	unsigned width; /* columns; 0: as wide as it takes */
};
/* Of what f is: a terminal has colours and a width, anything else neither. */
struct status_style status_style_of(FILE *f);
/* A line, its continuations indented; whole where there is no width. */
void status_put_wrapped(FILE *f, const struct status_style *style,
    unsigned indent, const char *text);
void status_print(
    FILE *f, const struct status_report *r, const struct status_style *style);

/* One line with its numbers; the exit code of a plugin. */
enum { NAGIOS_OK, NAGIOS_WARNING, NAGIOS_CRITICAL, NAGIOS_UNKNOWN };
int status_print_nagios(FILE *f, const struct status_report *r);

/* What is to be known first, for the beginning of a view. */
void status_print_told(
    FILE *f, const struct told *t, const struct status_style *style);

/* At most `max` columns (0: all); what could steer a terminal is '?'. */
void status_put_safe(FILE *f, const char *s, unsigned max);
/*
 * "192.0.2.1:80 +2001:db8::1"; without port where none is known, and with its
 * own numbers of further ones: "192.0.2.1:80 grpc 9191/tcp".
 */
const char *status_address(struct arena *a, const struct status_service *s,
    const struct instance_row *i);
/* The same with another port than the first. */
const char *status_address_port(
    struct arena *a, const struct instance_row *i, int port);

/* The weight in force, others of the row where they differ: "57/300 p2". */
const char *status_weight(struct arena *a, const struct instance_row *i);
/* What its checks, or its drain, said last; in a, or borrowed from r. */
const char *status_detail(struct arena *a, const struct status_report *r,
    const struct status_instance *i);

/* The fields `doubts`, `registrars`, `refused_definitions` and `dnsd`. */
struct json_t *status_told_json(const struct told *t);
/* true, false, or null where it is not known */
struct json_t *status_served_json(const struct told *t, const char *zone);
/* Names of the types, bits of enum eligible_type; for --json. */
struct json_t *status_types_json(unsigned types);
/* "registrar/b of vm2, /d/web.yaml: protocol udp" */
const char *status_other(struct arena *a, const struct status_other *o);
/* Of the service, and its instances; a line each after `before`. */
void status_print_others(FILE *f, struct arena *a,
    const struct status_report *r, const struct status_service *s,
    const char *before);

/* Every column of every row, under keys that stay. */
struct json_t *status_json(const struct status_report *r);
struct json_t *status_service_json(
    const struct status_report *r, const struct status_service *s);
struct json_t *status_instance_json(
    const struct status_report *r, const struct status_instance *i);
/* The same, one service after the other. */
void status_print_json(FILE *f, const struct status_report *r);
