// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * definition - what one file of the watched directory says.
 *
 * A file (YAML, and so JSON; or JSON of Consul's service definitions, see
 * definition_consul.h) becomes one struct definition with everything
 * resolved: defaults filled in, weights, process and checks of the service
 * handed down to instances that name none of their own, `{address}` and its
 * like replaced. Whoever runs an instance needs to look nowhere else.
 *
 * Everything hangs in one arena that definition_free() frees whole; strings
 * are never NULL unless a comment says so. Plain data, any thread, no I/O.
 */
#include "registrar/net/net.h"
#include "schema/base/diag.h"
#include "schema/conf/fields.h"
#include "schema/registry.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEFINITION_MAX_LEN CONF_MAX_LEN /* octets of one file */
#define DEFINITION_MAX_INSTANCES 20000  /* of one file */
#define DEFINITION_MAX_CHECKS 16        /* of one instance */
#define DEFINITION_MAX_REQUIRES 16      /* of one service */

/* ---- process watch ---------------------------------------------------- */

enum process_kind {
	PROCESS_NONE,
	PROCESS_PIDFILE,   /* `what`: path of a file that holds the number */
	PROCESS_EXE,       /* `what`: absolute path of the executable */
	PROCESS_CMDLINE,   /* `what`: POSIX extended regex, known to compile,
	                      for the arguments joined by blanks */
	PROCESS_UNIT,      /* `what`: of systemd, with its type: "x.service" */
	PROCESS_CGROUP,    /* `what`: path of its directory */
	PROCESS_LISTENING, /* `what`: one port, for socket_spec_parse() */
	PROCESS_PID,       /* `what`: number and start time, see process_pid.c;
	                      no file says it, for_each does */
	PROCESS_CONTAINER, /* `what`: name or whole id */
};
#define PROCESS_KIND_N 9

struct process_spec {
	enum process_kind kind;
	const char *what; /* "" for PROCESS_NONE */
};

const char *process_kind_name(enum process_kind k); /* "pidfile" ... */

/* ---- checks ----------------------------------------------------------- */

enum check_kind {
	CHECK_TCP,
	CHECK_HTTP,
	CHECK_EXEC,
	CHECK_TTL,
	CHECK_UDP,
	CHECK_DNS,
	CHECK_FILE,
	CHECK_ICMP,
	CHECK_POSTGRES,
	CHECK_REDIS,
	CHECK_ALIAS,
	CHECK_GRPC,
	CHECK_H2PING,
};
#define CHECK_KIND_N 13

/* Addresses are numeric in presentation format: no check waits for DNS. */
/* Octets as they go out. */
struct check_payload {
	const char *data; /* NULL if len is 0 */
	size_t len;
};

/* A connection is enough, unless one of the last three is there. */
struct check_tcp {
	const char *to;      /* as written, after substitution */
	const char *address; /* no brackets */
	int port;
	struct check_payload send;
	const char *expect; /* extended regex, known to compile; NULL: none */
	struct net_tls tls;
};

struct check_range {
	int low, high; /* both included */
};

struct check_ranges {
	const struct check_range *items;
	unsigned n;
};

struct check_http {
	const char *url;     /* as written, after substitution */
	const char *address; /* to connect to; no brackets */
	int port;
	const char *socket;        /* a Unix socket in their place; or NULL */
	const char *host;          /* for the Host header: "10.0.1.12:8080" */
	const char *target;        /* path and query, begins with "/" */
	const char *method;        /* "GET" */
	struct conf_pairs headers; /* no CR, LF; a Host among them wins */
	bool secrets;              /* their values are for secret_fill() */
	struct check_payload send; /* the body of the request */
	struct net_tls tls;
	struct check_ranges status;      /* passing; default 200..299 */
	struct check_ranges warn_status; /* warning; default 429 */
	const char *body; /* extended regex, known to compile; NULL: any */
};

/* Of each process of a run. */
struct exec_limits {
	int cpu_s; /* 0: as long as its time-out */
	int memory_mib;
	int files; /* open at a time */
};

/* Exit 0 passing, 1 warning, anything else critical; no shell. */
struct check_exec {
	struct conf_strings argv; /* items end with NULL; [0] is absolute */
	const char *user, *group; /* name or number; NULL: none is given */
	const char *dir;          /* where it runs, absolute */
	struct conf_pairs env;    /* beside our own */
	struct exec_limits limits;
	unsigned line, column; /* of the program */
};

enum udp_silence {
	SILENCE_CRITICAL,
	SILENCE_PASSING, /* passing unless the network objects */
};

struct check_udp {
	const char *to;
	const char *address;
	int port;
	struct check_payload send;
	const char *expect; /* extended regex, known to compile; NULL: any */
	int silence;        /* enum udp_silence */
};

/* The first ones are RCODEs. */
enum dns_expected {
	DNS_NOERROR, /* and at least one record */
	DNS_FORMERR,
	DNS_SERVFAIL,
	DNS_NXDOMAIN,
	DNS_NOTIMP,
	DNS_REFUSED,
	DNS_NODATA, /* NOERROR, and no record */
	DNS_ANY,
};

struct check_dns {
	const char *to;
	const char *address; /* of the server */
	int port;
	const char *name; /* to ask for */
	uint16_t type;
	int answer; /* enum dns_expected */
	/* Data that has to be among the records; canonical text. */
	struct conf_strings expect;
};

/* A file that says passing, warning or critical. */
struct check_state_file {
	const char *path;
	int64_t max_age_ms; /* 0: any */
};

struct check_icmp {
	const char *address;
};

struct check_postgres {
	const char *to;
	const char *address;
	int port;
	const char *user, *database;
	const char *password_file; /* NULL: no password */
	int sslmode;               /* for postgres_sslmode_name() */
	const char *ca_file;       /* with verify-ca and verify-full alone */
	const char *server_name;   /* of the certificate; NULL: the address */
};

const char *postgres_sslmode_name(int mode); /* "prefer" ... */

struct check_redis {
	const char *to;
	const char *address;
	int port;
	const char *user;          /* NULL: the default one */
	const char *password_file; /* NULL: no password */
};

/* As the registry has it, whoever wrote it. */
struct check_alias {
	const char *to; /* as written, after substitution */
	const char *zone, *service;
	const char *instance; /* NULL: the best of the service */
	unsigned line, column;
};

/* grpc.health.v1.Health/Check */
struct check_grpc {
	const char *to;
	const char *address;
	int port;
	const char *path;      /* of a Unix socket in their place; or NULL */
	const char *service;   /* ""; the server as a whole */
	const char *authority; /* of the request: "10.0.1.12:9090" */
	struct net_tls tls;
};

struct check_h2ping {
	const char *to;
	const char *address;
	int port;
	struct net_tls tls;
};

/* Critical when nobody reported for so long. */
struct check_ttl {
	int64_t ttl_ms;
};

struct check_spec {
	const char *name; /* unique in its instance; default "tcp-1" ... */
	enum check_kind kind;
	unsigned group; /* 0: directly in the list; else groups[group - 1] */
	int64_t interval_ms; /* between two starts; 0 for CHECK_TTL */
	int64_t timeout_ms;  /* of the whole check; 0 for CHECK_TTL */
	int64_t grace_ms;    /* failures so soon after its start are ignored */
	int jitter_percent;  /* of the interval, either way: 0..50 */
	int rise;            /* passes in a row that bring it back; >= 1 */
	int fall;            /* failures in a row that take it away; >= 1 */
	union {
		struct check_tcp tcp;
		struct check_http http;
		struct check_exec exec;
		struct check_ttl ttl;
		struct check_udp udp;
		struct check_dns dns;
		struct check_state_file file;
		struct check_icmp icmp;
		struct check_postgres postgres;
		struct check_redis redis;
		struct check_alias alias;
		struct check_grpc grpc;
		struct check_h2ping h2ping;
	};
};

/*
 * A list in the list of checks. Its state is that of its best member if one
 * is enough (`any`), else that of its worst.
 */
struct check_group {
	bool any;
	unsigned parent; /* like check_spec.group; comes before this one */
};

const char *check_kind_name(enum check_kind k); /* "tcp" ... */

/* ---- what follows a drain --------------------------------------------- */

/* `on_drained`: the program first; the signal if that ended well. */
struct drained_spec {
	struct check_exec exec; /* argv.n is 0: none */
	int64_t timeout_ms;     /* of the program */
	int signal;             /* to the process that is watched; 0: none */
};

/* ---- what follows from verdicts --------------------------------------- */

/* RFC 2439's idea; see damping.h. */
struct damping_spec {
	int64_t half_life_ms; /* 0: no damping */
	int suppress;         /* above so many flaps it is held back */
	int reuse;            /* below so many it is not any more */
	int64_t max_ms;       /* held back at most so long after a flap */
};

struct required_service {
	const char *zone, *service;
};

struct health_policy {
	int64_t slow_start_ms;       /* from a tenth of its weight; 0: off */
	int64_t deregister_after_ms; /* of being critical or dead; 0: never */
	struct damping_spec damping;
	const struct required_service *requires; /* warning without them */
	unsigned require_n;
	unsigned require_line, require_column;
};

/* ---- services --------------------------------------------------------- */

struct definition_instance {
	const char *name; /* label.h; given or made from address and port */
	const char *address, *address6; /* canonical text; address6 or NULL */
	int port;          /* its own or the service's; ROW_DEFAULT: neither */
	const char *ports; /* other numbers of further ports; NULL: none */
	int priority;      /* 0..65535 */
	int weight;
	int weight_warning;   /* ROW_DEFAULT: as weight */
	const char *tags;     /* JSON array, its own; "[]" */
	const char *meta;     /* JSON object, its own; "{}" */
	const char *locality; /* or NULL */
	struct process_spec process;
	const struct check_spec *checks; /* in the order of the file */
	unsigned check_n;
	const struct check_group *groups;
	unsigned group_n; /* at most DEFINITION_MAX_CHECKS */
	struct drained_spec drained;
	unsigned line, column; /* where it is written, from 1 */
};

struct each_spec; /* definition_each.h */

struct definition_service {
	const char *zone; /* lower case, no final dot */
	const char *name, *protocol;
	int port, ttl_s, max_answers; /* each may be ROW_DEFAULT */
	const char *port_name;        /* of that port; NULL: it has none */
	const char *ports;            /* further ones, JSON; NULL: none */
	enum on_empty on_empty;
	const char *tags, *meta; /* JSON */
	const char *mesh; /* for mesh_policy_parse(); NULL: it is in none */
	struct health_policy policy; /* for each of its instances */
	const struct definition_instance *instances;
	unsigned instance_n; /* at least 1, unless there is a for_each */
	const struct each_spec *each;
	unsigned each_n;
	unsigned line, column;
};

struct definition {
	const char *file; /* as given to definition_parse() */
	const struct definition_service *services;
	unsigned service_n; /* 0: the file says that there is none */
	/* what was ignored or taken otherwise than written, to be told */
	const struct diags *warnings; /* NULL: nothing */
	struct arena *arena;
};

/* What holds where the file says nothing. Borrowed during the call. */
struct definition_defaults {
	const char *zone;    /* "svc.internal" */
	const char *address; /* of instances that name none: "127.0.0.1" */
	/* label: part of the names of instances that have none, where the
	 * address is one that every host has; NULL: of none */
	const char *node;
};

/*
 * -EINVAL: reterr says everything that is wrong, each line beginning with
 * `file:line:column: `. file is copied.
 */
int definition_parse(const char *file, const char *text, size_t len,
    const struct definition_defaults *defaults, struct definition **ret_d,
    struct diags *reterr);
void definition_free(struct definition *d);

/*
 * For edits by difference: what is equal keeps its watch, its checks and
 * their state. Lines and columns do not count.
 */
bool process_spec_equal(
    const struct process_spec *a, const struct process_spec *b);
bool drained_spec_equal(
    const struct drained_spec *a, const struct drained_spec *b);
/* But for the group that it is in. */
bool check_spec_equal(const struct check_spec *a, const struct check_spec *b);
bool requires_equal(
    const struct health_policy *a, const struct health_policy *b);
/* Name, address ... locality; process and checks not. */
bool definition_instance_row_equal(
    const struct definition_instance *a, const struct definition_instance *b);
/* All of it. */
bool definition_instance_equal(
    const struct definition_instance *a, const struct definition_instance *b);
/* The service's own fields; policy and instances not. */
bool definition_service_row_equal(
    const struct definition_service *a, const struct definition_service *b);

/*
 * What b says otherwise of the service than a, "protocol udp, port 53"; in a
 * buffer of len octets; "": nothing.
 */
void definition_service_differs(const struct definition_service *a,
    const struct definition_service *b, char *buf, size_t len);

/* Rows for the registry; they borrow from d and file and source. */
void definition_service_row(const struct definition_service *s,
    const char *source, const char *file, struct service_row *ret_row);
void definition_instance_row(const struct definition_service *s,
    const struct definition_instance *i, const char *source, const char *file,
    struct instance_row *ret_row);
