// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * sidecar - one HAProxy and its files, kept as its service's policy, those it
 * calls and those who call it are.
 *
 * Files are written first, so that one that starts is right at once; one that
 * runs is told over its admin socket, which stays open. When a connection to
 * it begins, all that it says is compared with what should be, and repaired;
 * so is what an answer shows to be amiss. Nothing waits: a sidecar that does
 * not answer holds up no other. One thread, that of the event base.
 */
#include "registrar/mesh/model.h"
#include "registrar/options.h"

struct event_base;
struct sidecar;

struct sidecar *sidecar_new(struct event_base *base,
    const struct registrar_options *o, struct mesh_model *m, const char *zone,
    const char *name);
/* The proxy goes on with what it has. */
void sidecar_free(struct sidecar *s);

/* Instances of `to`, which it calls, have changed: told at once. */
void sidecar_callee(struct sidecar *s, struct mesh_service *to);
/* Anything may have changed. */
void sidecar_update(struct sidecar *s);

/* A few times a second: connects, certificates, files. */
void sidecar_tick(struct sidecar *s, int64_t now_mono_ms, int64_t now_wall_ms);
