// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * config - what HAProxy is told about one sidecar: the file that it starts
 * with, and the lists that change while it runs.
 *
 * A sidecar has, in one directory, NAME.cfg and what that names: NAME.pem
 * (certificate and key), NAME.roots, NAME.destinations (ADDRESS:PORT of each
 * instance of whom it calls, to a backend), NAME.callers (identities that are
 * let in), NAME.ports (of the application); NAME.sock is its admin socket,
 * NAME.master that of its master process. HAProxy 2.6.
 */
#include "registrar/mesh/model.h"

#include <stdio.h>

struct config {
	struct mesh_model *model;
	struct mesh_service *service;
	const char *dir, *name; /* of the files */
};

/* "http_inventory.svc.internal" */
const char *config_backend(struct arena *a, const struct mesh_service *to);
/* 0..256 of an instance among those of its service. */
int config_weight(const struct mesh_service *s, const struct mesh_instance *i);
/* All words of a server behind its address. */
const char *config_server_words(
    struct arena *a, const struct config *c, const struct mesh_service *to);

/* The file; without_servers: what a running one can be told is left out. */
void config_write(const struct config *c, bool without_servers, FILE *out);
void config_write_destinations(const struct config *c, FILE *out);
void config_write_callers(const struct config *c, FILE *out);
void config_write_ports(const struct config *c, FILE *out);
