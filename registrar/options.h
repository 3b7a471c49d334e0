// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * options - what the command line and rollcall.yaml say to each command.
 *
 * Plain data, filled by options.c from one table for all commands, so that
 * each command accepts the section `registrar:` whole. Strings live in the
 * arena that main owns, to the end of the process.
 */
#include "registrar/cluster/cluster.h"
#include "registrar/exchange/exchange.h"
#include "registrar/http/serve.h"
#include "schema/base/arena.h"
#include "schema/base/log.h"
#include "schema/conf/options.h"
#include "schema/sandbox/sandbox.h"

#include <stdbool.h>

/* registrar run */
struct run_options {
	const char *registry; /* path of registry.db */
	const char *watch;    /* directory of definitions */
	const char *zone;     /* lower case, no final dot */
	const char *name;     /* of this registrar; default: host name */
	const char *node;     /* of this host; default: host name */
	const char *adopt;    /* name of a registrar of before; or NULL */
	const char *address;  /* of instances that name none */
	const char *definition_owner; /* besides root and us; or NULL */
	const char *exec_user; /* of exec checks that name none; or NULL */
	int exec_limit;        /* exec checks that run at a time */
	const char *cgroups;   /* directory; NULL: where the kernel has them */
	enum sandbox_mode sandbox;
	struct cluster_options cluster; /* but what stands here as well */
	struct serve_options serve;     /* but what stands here as well */
	const char *container_socket;   /* NULL: the usual places */
	bool container_labels; /* they say what service a container is */
	enum log_level log_level;
	enum log_format log_format;
	char *const *argv; /* the flags as they came; for programs.h */
};

struct registrar_options {
	struct run_options run; /* the other commands use a part of it */
	const char *note;       /* pass, warn, fail; NULL: none */
	const char *reason;     /* of what an operator does; NULL: none */
	int64_t ttl_ms;         /* of answers of services that name none */
	bool wait;
	bool once;           /* top */
	bool deregister;     /* once drained */
	int64_t deadline_ms; /* of a drain; 0: none */
	bool force;
	bool take_over;
	/* register */
	const char *address6, *protocol;
	struct conf_strings ports; /* port_arg_parse() */
	int priority, weight;
	int64_t lease_ms; /* 0: none */
	struct conf_strings tags;
	struct conf_strings meta;    /* KEY=VALUE */
	int service_ttl_s;           /* ROW_DEFAULT: not said */
	int max_answers;             /* explain: dnsd's; 65535: what fits */
	enum exchange_format format; /* import, export */
	bool dry_run;                /* import */
	/* history */
	int limit;
	const char *since, *at; /* wall_parse(); NULL: none */
	bool json;
	/* status */
	bool unhealthy, nagios;
	struct conf_strings rules; /* token: PREFIX=RIGHTS */
	int64_t lifetime_ms;       /* token; 0: for ever */
	const char *node;          /* what is on it; NULL: everything */
	int64_t timeout_ms;        /* wait */
	struct {
		const char *exec, *reload;     /* NULL: none */
		struct conf_strings templates; /* IN:OUT */
		int64_t settle_ms;
	} watch;
	/* mesh */
	const char *mesh_dir, *ca_dir, *ca_socket;
	int64_t ca_life_ms;
	const char *user, *cgroup, *netns; /* intercept; NULL: not said */
	bool print, undo;
};

/* Which commands have a flag: conf_field.scope. */
enum registrar_command {
	COMMAND_RUN = 1,
	COMMAND_CHECK = 2,
	COMMAND_STATUS = 4,
	COMMAND_IMPORT = 8,
	COMMAND_REPORT = 16, /* pass, warn, fail */
	COMMAND_DRAIN = 32,
	COMMAND_MODE = 64, /* maintenance */
	COMMAND_WEIGHT = 128,
	COMMAND_REGISTER = 256,
	COMMAND_DEREGISTER = 512,
	COMMAND_EXPLAIN = 1024,
	COMMAND_HISTORY = 2048,
	COMMAND_COMPLETE = 4096, /* hidden: for shells */
	COMMAND_EXPORT = 8192,
	COMMAND_TOP = 16384,
	COMMAND_WAIT = 32768,
	COMMAND_RESUME = 65536,
	COMMAND_BACKUP = 131072,
	COMMAND_RESTORE = 262144,
	COMMAND_SERVE = 524288,
	COMMAND_TOKEN = 1048576,
	COMMAND_ANNOUNCE = 2097152,
	COMMAND_WATCH = 1 << 24,
	COMMAND_CLUSTER = 1 << 25,
	COMMAND_MESH = 1 << 26,
};

extern const struct conf_table registrar_options_table;

/*
 * What the table cannot say: zone in its canonical form, name from the host.
 * -errno: there is no host name.
 */
int registrar_options_finish(
    struct registrar_options *o, struct arena *a, struct diag *reterr);
