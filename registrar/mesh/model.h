// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * model - the services of a registry as the mesh sees them: policies, and
 * instances with what decides whether they get calls.
 *
 * Read once, then service by service as the registry numbers changes. One
 * thread; plain data, valid until the next mesh_model_read().
 */
#include "registrar/definition/definition_mesh.h"
#include "schema/eligible.h"

#include <stdint.h>

struct follow;

struct mesh_instance {
	const char *name, *address, *address6; /* address6 or NULL */
	const char *node;                      /* "": this host */
	int port;
	int priority;
	int weight; /* 0..65535, in force */
	struct eligible_facts facts;
	/* By the time of mesh_model_settle(). */
	bool gets_calls;
	enum eligible_why why;
};

struct mesh_service {
	struct arena *arena;
	const char *zone, *name;
	bool in_mesh; /* all below is empty else */
	/* It cannot be understood, so nobody may call it: why; or NULL. */
	const char *broken;
	struct mesh_policy policy; /* empty if broken */
	bool revoked;
	enum on_empty on_empty;
	struct mesh_instance *instances; /* in the order of their names */
	unsigned n, max;
	unsigned touched; /* round of the model in which it was read */
};

struct mesh_model;

struct mesh_model *mesh_model_new(void);
void mesh_model_free(struct mesh_model *m);

/*
 * What was committed since the last call; `changed` of each service that was
 * read or has gone, if it is or was in the mesh. -EAGAIN: there is no
 * registry; what is known stays.
 */
typedef void (*mesh_model_changed_fn)(
    void *arg, const char *zone, const char *name);
int mesh_model_read(struct mesh_model *m, struct follow *f,
    mesh_model_changed_fn changed, void *arg, struct diag *reterr);

/* NULL: there is none. */
struct mesh_service *mesh_model_find(
    struct mesh_model *m, const char *zone, const char *name);

/* By name, then zone. */
typedef void (*mesh_model_fn)(void *arg, struct mesh_service *s);
void mesh_model_each(struct mesh_model *m, mesh_model_fn fn, void *arg);

/*
 * Who of s gets calls at that time. Returns when time alone decides anew, 0:
 * never.
 */
int64_t mesh_service_settle(struct mesh_service *s, int64_t now_wall_ms);
