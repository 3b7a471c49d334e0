// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * sidecar_impl - private to sidecar*.c: one sidecar as it is known and told.
 */
#include "registrar/mesh/haproxy/config.h"
#include "registrar/mesh/haproxy/sidecar.h"

/* What an answer is looked at for. */
enum what {
	WHAT_PROMPT,  /* the first */
	WHAT_DONE,    /* nothing is to be said but what is known to be well */
	WHAT_SERVERS, /* show servers state */
	WHAT_VERSION, /* prepare map, prepare acl: of `list` */
};

struct waiting {
	enum what what;
	unsigned list;
	struct waiting *next;
};

/* A server as the proxy has it, as far as is known. */
struct known {
	char *key; /* BACKEND/NAME */
	char address[64];
	int port, weight;
	char state; /* 'r'eady, 'd'rain, 'm'aint */
	unsigned round;
};

struct list {
	const char *kind, *suffix;
	void (*write)(const struct config *c, FILE *out);
	char *text; /* as the proxy and the file have it */
};
#define LISTS_N 3

struct sidecar {
	struct event_base *base;
	const struct registrar_options *o;
	struct mesh_model *model;
	char *zone, *service, *name;
	struct list lists[LISTS_N];
	char *shape; /* of the file, without servers */
	void *known; /* of struct known */
	unsigned round;
	/* its certificate */
	char *pem, *roots;
	int64_t renew_wall_ms, ask_mono_ms;
	/* the connection */
	struct bufferevent *bev;
	struct waiting *first, **last;
	bool is_settled;
	int64_t connect_mono_ms, reconcile_mono_ms;
	int64_t files_mono_ms; /* when they are written; 0: they are right */
	int64_t now_mono_ms;
	struct arena *scratch; /* of one call from outside */
};

/* Borrowed from the model; NULL: it has gone. */
struct mesh_service *sidecar_own(const struct sidecar *s);
struct config sidecar_config(const struct sidecar *s);

/* One line, or a text over several; its answer is looked at by what. */
void sidecar_say(
    struct sidecar *s, enum what what, unsigned list, const char *text);
#define SAY(s, what, list, ...)                                                \
	sidecar_say(s, what, list, arena_printf((s)->scratch, __VA_ARGS__))

/* ---- servers (sidecar_servers.c) --------------------------------------- */

/* All that is amiss with those of a service, or of all that it calls. */
void sidecar_say_servers(struct sidecar *s, struct mesh_service *to);
void sidecar_say_all_servers(struct sidecar *s);
/* What the proxy has, by its answer; then what is amiss. */
void sidecar_learn_servers(struct sidecar *s, const char *text, size_t len);
void sidecar_forget_servers(struct sidecar *s);
