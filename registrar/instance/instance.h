// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * instance - an instance of a definition come alive.
 *
 * Its process watch and its probes give verdicts, health.h makes states of
 * them, store.h takes the states to the registry. While its process is gone
 * its checks rest; when another one is found they begin anew, at once. What a
 * service says about the course of health (struct health_policy) comes on top.
 *
 * One thread.
 */
#include "registrar/definition/definition.h"
#include "registrar/instance/followers.h"
#include "registrar/instance/needs.h"
#include "registrar/process/process.h"
#include "registrar/store/store.h"

struct instance;

/* What all instances share; borrowed. */
struct instance_env {
	struct prober *prober; /* with the timers and the wall clock */
	struct store *store;
	const struct watch_ops *watch;
	struct needs *needs; /* with instance_on_need() */
	struct followers *followers;
	const char *source; /* of the rows */
};

/* Where an instance is defined; all borrowed as long as it is alive. */
struct instance_origin {
	const struct definition_service *service;
	const struct definition_instance *instance;
	const char *file;
};

/* Attaches its rows to the store and begins to watch. Never NULL. */
struct instance *instance_new(const struct instance_env *env,
    struct store_service *service, const struct instance_origin *origin);
/* Its rows are detached; they stay in the registry. NULL is fine. */
void instance_free(struct instance *i);

/*
 * The same instance in a new version of its file. What is equal goes on as
 * if nothing had happened; a check that changed begins anew in the state
 * that it had. An edit is no verdict: the health of the instance stays.
 * The old origin is not used any more when this returns.
 */
void instance_edit(struct instance *i, const struct instance_origin *origin);

/* Borrowed: the row as it is to be in the registry. */
const struct instance_row *instance_row(const struct instance *i);

/* What follows when it has drained; whom checks and that are about. */
const struct drained_spec *instance_drained(const struct instance *i);
const struct probe_subject *instance_subject(const struct instance *i);
/* To its process: process_watch_signal(); -ESRCH if none is watched. */
int instance_signal(const struct instance *i, int signal, struct diag *reterr);

/* Bad for as long as its service allows: nothing of it is to be written. */
bool instance_is_withdrawn(const struct instance *i);

/* For needs_new(). */
void instance_on_need(void *instance, struct need_user *u);

/* For struct store_config. */
void instance_restore(
    struct store_instance *row, const struct instance_row *old);
bool instance_restore_check(
    struct store_instance *row, const struct check_row *old);
