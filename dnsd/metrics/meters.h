// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * meters - which zone and service has which number in what is counted
 * (message/tally.h), and how the services with a number stand.
 *
 * Numbers go to who comes first; that of a service that went is given to
 * another one. The control thread writes, others read, with a lock that
 * neither holds for more than some microseconds.
 */
#include "schema/eligible.h"

#include <stdint.h>

struct catalog;
struct compile_result;
struct meters;
struct tallies;

enum { METERS_PAGE = 32, METERS_ZONE_MAX = 256, METERS_LABEL_MAX = 64 };

/* Borrows t. Never NULL. */
struct meters *meters_new(const struct tallies *t);
/* NULL is ignored. The catalog is gone. */
void meters_free(struct meters *m);

/* Control thread, before the first zone. */
void meters_listen(struct meters *m, struct catalog *c);
/* For loader_on_put(); arg: struct meters. */
void meters_put(void *arg, const struct compile_result *r);

/* ---- any thread -------------------------------------------------------- */

/* The zone of a number; "": nobody has it. */
void meters_zone(
    struct meters *m, unsigned number, char ret_name[METERS_ZONE_MAX]);

struct meter {
	char zone[METERS_ZONE_MAX], service[METERS_LABEL_MAX];
	uint64_t outcome[3]; /* enum tally_outcome */
	unsigned why_n[ELIGIBLE_WHY_N];
	uint64_t change_n; /* of its answers, since it has the number */
	int64_t changed_wall_ms;
};
/*
 * Some from *at on, which is 1 at first; returns how many, at most
 * METERS_PAGE. 0: there are no more.
 */
unsigned meters_read(
    struct meters *m, uint32_t *at, struct meter ret_meters[METERS_PAGE]);
/* Services without a number. */
uint64_t meters_without(struct meters *m);
