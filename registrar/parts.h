// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * parts - everything of `registrar run` but the loop that drives it.
 *
 * One thread, that of the event base.
 */
#include "registrar/confine.h"
#include "registrar/discovery/discovery.h"
#include "registrar/exec/runner.h"
#include "registrar/instance/drains.h"
#include "registrar/instance/fleet.h"
#include "registrar/process/process.h"
#include "registrar/store/store.h"
#include "registrar/watchdir/defthread.h"

struct keeper;
struct late;
struct loader;
struct registrations;
struct run_options;
struct workers;

struct parts {
	/* to be filled in; borrowed */
	const struct run_options *options;
	struct event_base *base;
	struct timers *timers;
	struct late *late;
	/* rows wait for store_flush() */
	void (*wake)(void *arg);
	/* cannot go on: the registrar is to end, and to be started anew */
	void (*broken)(void *arg, const char *why);
	void *arg; /* of both */

	/* the parts */
	struct store *store;
	struct event *noticed; /* others write to the registry */
	struct confine confine;
	struct prober prober;
	struct defthread *defdir;
	/* private */
	char *source, *adopt; /* adopt: the same of another name, or NULL */
	int lock, adopt_lock; /* descriptors, or -1 */
	char *pulse_told;     /* what the first of them says; NULL: nothing */
	char node[64];        /* a label of the host */
	bool named;           /* whether names have it is known */
	char *watch_dir;      /* without slashes at its end: part of names */
	struct definition_defaults defaults;
	struct keeper *keeper; /* NULL: nothing runs beside us */
	struct workers *workers;
	struct watcher *watcher;
	struct watch_ops watch;
	struct runner *runner; /* prober's, once that is there */
	struct needs *needs;
	struct followers *followers;
	struct instance_env env;
	struct fleet *fleet;
	struct drains *drains;
	struct engine *engine;
	struct discovery *discovery;
	struct loader *loader;
	struct registrations *registrations;
};

/*
 * Forks helpers first, enters the sandbox last. -E..: reterr says why, and
 * what there is already is for parts_stop().
 */
int parts_start(struct parts *p, struct diag *reterr);
void parts_stop(struct parts *p);
/* The loop turns: for those who look. */
void parts_beat(struct parts *p);
