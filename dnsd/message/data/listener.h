// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * listener - who is told when what a catalog answers changes.
 *
 * Names of addresses, the services of a zone side by side and publication
 * hang here. Control thread; a listener changes nothing of the catalog.
 */
#include <stdint.h>

struct service;
struct zone;
struct zone_image;

struct catalog_listener {
	/*
	 * The block of a service is about to take the place of another, then
	 * it has. old NULL: the service is new; next NULL: it is removed. Both
	 * blocks are whole at both times; old may go to readers until later.
	 */
	void (*leaving)(
	    void *arg, const struct service *old, struct service *next);
	void (*entered)(
	    void *arg, const struct service *old, struct service *next);
	/* Before any reader finds it. */
	void (*zone_added)(void *arg, struct zone *z);
	/* The static records of z have taken the place of old's; not NULL. */
	void (*replaced)(
	    void *arg, struct zone *z, const struct zone_image *old);
	/* All that a registry of that revision says is in the catalog. */
	void (*loaded)(void *arg, int64_t revision);
	/* The catalog is freed. */
	void (*release)(void *arg);
	void *arg;
};
