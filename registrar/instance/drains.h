// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * drains - what follows when an instance of ours has drained.
 *
 * An operator begins a drain by writing it into the registry, with its end,
 * and ends it there: here it is looked for whenever something changed.
 * When no answer names the instance any more, `on_drained` of its definition
 * is done: the program, and if that ends well the signal. The row says how
 * far it has come, so the next registrar goes on from there.
 *
 * The program begins at least once for each drain and, unless the registrar
 * ends while it runs, at most once: what was begun and not seen to end is
 * begun again. It never begins after the drain was ended.
 *
 * One thread.
 */
#include "registrar/instance/fleet.h"

struct drains;

/* Borrows both. While there are any, looks by timer several times a second. */
struct drains *drains_new(const struct instance_env *env, struct fleet *fleet);
/* Something in the registry has changed. */
void drains_changed(struct drains *ds);
/* Before the fleet. Programs that run are killed. */
void drains_free(struct drains *ds);
