// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * registrations - definitions that are in the registry, of services that
 * registered themselves; taken up by difference, as files are.
 *
 * The rows of their services and instances are those of who registered them;
 * ours to tell is their health. One thread. Logs.
 */
struct definition_defaults;
struct fleet;
struct registrations;
struct store;
struct timers;

/* Borrows all. */
struct registrations *registrations_new(
    const struct definition_defaults *defaults, struct fleet *fleet,
    struct store *store, struct timers *timers);
/* Before the fleet. */
void registrations_free(struct registrations *r);

/* The registry has changed. */
void registrations_look(struct registrations *r);
/* It is another one: what is not there has ended. */
void registrations_opened(struct registrations *r);
