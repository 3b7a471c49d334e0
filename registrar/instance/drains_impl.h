// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * drains_impl - private to drains*.c.
 *
 *	drains.c       which drains there are, and what the registry is told
 *	drains_hook.c  what follows one: its program and its signal
 */
#include "registrar/instance/drains.h"

#include <sys/queue.h>

struct run;

#define DRAIN_TEXT_MAX 300 /* octets with the final NUL */

enum drain_phase {
	PHASE_WAIT,  /* until caches have forgotten it */
	PHASE_CLAIM, /* the row is to say that it drained */
	PHASE_WORK,  /* its program runs, or its process is not known yet */
	PHASE_END,   /* the row is to say how it ended */
};

struct drain {
	struct drains *all;
	char *zone, *service, *instance;
	struct drain_row row; /* as it was read, without its text */
	enum drain_phase phase;
	bool seen; /* in this look */
	/* drains_hook.c */
	struct run *run; /* NULL: none */
	struct timer limit;
	int64_t again_ms;          /* not before; 0: at once */
	bool ran;                  /* it has ended well */
	enum drain_step ended;     /* in PHASE_END */
	char text[DRAIN_TEXT_MAX]; /* how it ended */
	TAILQ_ENTRY(drain) link;
};
TAILQ_HEAD(drain_list, drain);

struct drains {
	const struct instance_env *env;
	struct fleet *fleet;
	struct timer look;
	bool is_old;            /* something has changed since it was read */
	struct drain_list list; /* by zone, service, instance */
	struct drain *at;       /* where the merge stands; NULL: at the end */
};

/* NULL: no file names it now. */
struct instance *drain_instance(const struct drain *d);
/* Look at the next turn of the timers. */
void drains_look_soon(struct drains *ds);

void drain_hook_init(struct drain *d);
/* PHASE_WORK, which goes on until PHASE_END; again when it had to wait. */
void drain_hook_begin(struct drain *d);
/* What runs is killed. */
void drain_hook_stop(struct drain *d);
/* It has another deadline. */
void drain_hook_hurry(struct drain *d);
