// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * definition_each - `for_each` of an instance: what is to be looked for at run
 * time, and how what was found becomes an instance.
 *
 * Plain data in the arena of its definition; any thread, no I/O.
 */
#include "registrar/definition/definition.h"

enum each_kind {
	EACH_PROCESS,   /* one for each process that matches */
	EACH_LISTENING, /* one for each port that is listened on */
	EACH_CONTAINER, /* one for each container that runs */
};

enum container_address { CONTAINER_PUBLISHED, CONTAINER_NETWORK };

/* Which containers, and where they are reached. */
struct container_filter {
	const char *name, *image;   /* regex, known to compile; NULL: any */
	struct conf_strings labels; /* KEY or KEY=VALUE: all of them */
	const char *port_text;      /* "80", "53/udp"; NULL: its first one */
	int address;                /* enum container_address */
	const char *network;        /* NULL: its first one */
};
/* Of a filter; 0: none is said. */
int container_filter_port(const struct container_filter *f, bool *ret_udp);

/* What to look for, and how to make an instance of what is found. */
struct each_spec {
	enum each_kind kind;
	struct process_spec process; /* PROCESS_EXE, PROCESS_CMDLINE */
	struct conf_strings ports;   /* each for socket_spec_parse() */
	struct container_filter container;
	unsigned line, column;
	/* private to definition_each.c */
	const struct raw_service *service;
	const struct conf_node *map;
	const struct definition_defaults *defaults;
	const struct definition_instance *sample; /* what comes of it */
	bool needs_port;  /* what is found is of no use without its port */
	bool uses_groups; /* of cmdline: {1} ... */
};

/* The value of all {label.KEY} that are not among the variables. */
#define LABEL_VARS "label.*"

/* Something that was found; borrowed during the calls. */
struct each_found {
	const char *name;    /* NULL: made of address and port */
	const char *missing; /* why it makes no instance, static; or NULL */
	const char *address; /* NULL: the definition's */
	int port;            /* ROW_DEFAULT: the definition's */
	struct process_spec process; /* if the definition says none */
	struct conf_pairs vars;      /* what {key} stands for */
};

/* An instance that was found: as one that the file itself names. */
struct definition_made {
	struct arena *arena; /* of all that the file does not hold */
	struct definition_instance instance;
};

/*
 * -EINVAL: what was found does not make an instance, reterr says why. What is
 * made borrows from d, which e belongs to.
 */
int definition_make(const struct definition *d, const struct each_spec *e,
    const struct each_found *found, struct definition_made **ret_m,
    struct diags *reterr);
void definition_made_free(struct definition_made *m);

/* Do both look for the same? What they make of it may differ. */
bool each_spec_equal(const struct each_spec *a, const struct each_spec *b);
