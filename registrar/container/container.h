// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * container - what an engine says about its containers, as JSON.
 *
 * The answers of the Docker Engine API, which Podman gives as well, to
 * structs: https://docs.docker.com/reference/api/engine/. Whoever can make
 * containers says what is in them, so everything is bounded and checked here;
 * what is not understood is left out. No I/O.
 */
#include "schema/base/arena.h"
#include "schema/conf/fields.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CONTAINER_ID_MAX 64
#define CONTAINER_LABELS_MAX 256 /* of one; others are left out */
#define CONTAINER_PORTS_MAX 256

/* A port that its image exposes or that is published on the host. */
struct container_port {
	int port;
	bool udp;
	const char *host_address; /* "": all of them */
	int host_port;            /* 0: it is not published */
};

struct container_network {
	const char *name;
	const char *address, *address6; /* NULL: none */
};

struct container {
	const char *id;   /* lower-case hex */
	const char *name; /* printable ASCII, as is image; no slash before it */
	const char *image;
	bool running;
	bool host_network;
	pid_t pid;               /* in the engine's namespace; 0: none */
	int64_t started_wall_ms; /* 0: not known */
	struct conf_pairs labels;
	const struct container_port *ports; /* by number, TCP first */
	unsigned port_n;
	const struct container_network *networks; /* by name */
	unsigned network_n;
	struct arena *arena;
};

/* The answer to "inspect". -EINVAL: it is none. */
int container_parse(const char *text, size_t len, struct container **ret_c);
void container_free(struct container *c);

/* NULL: it has no such label. */
const char *container_label(const struct container *c, const char *key);

/* The answer to "list": fn is called for each. -EINVAL: it is none. */
typedef void (*container_list_fn)(void *arg, const char *id, bool running);
int container_list_parse(
    const char *text, size_t len, container_list_fn fn, void *arg);

enum container_event_kind {
	CONTAINER_SAME,    /* nothing that is of interest */
	CONTAINER_CHANGED, /* look at it again */
	CONTAINER_ENDED,
	CONTAINER_REMOVED,
};

struct container_event {
	enum container_event_kind kind;
	char id[CONTAINER_ID_MAX + 1];
};

/* A line of the stream of events. -EINVAL: it is none. */
int container_event_parse(
    const char *text, size_t len, struct container_event *ret_e);

/* ---- where to reach it ------------------------------------------------ */

struct container_choice {
	int port;     /* in the container; 0: its first one */
	bool udp;     /* which of two of that number */
	bool network; /* its own address, not where it is published */
	const char *network_name; /* NULL: the first one */
};

struct container_place {
	const char *address; /* NULL: the host's; borrowed from c */
	int port;            /* 0: none; only in a network of its own */
};

/*
 * -ENOENT: it has no such port, or that is not published, or it has no
 * address; *ret_why says which, a static text.
 */
int container_place(const struct container *c,
    const struct container_choice *choice, struct container_place *ret_p,
    const char **ret_why);
