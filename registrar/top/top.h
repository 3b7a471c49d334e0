// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * top - the registry as it changes, on a terminal, or once as a table.
 *
 * One thread; until somebody quits, or a signal says so.
 */
#include "registrar/top/top_model.h"

#include <stdio.h>

struct top_config {
	const char *registry, *zone;
	const char *filter; /* at the beginning; "" */
	bool colour;
	/* What explain and history say of SERVICE.ZONE/INSTANCE. */
	void (*explain)(void *arg, const char *target, FILE *out);
	void (*history)(void *arg, const char *target, FILE *out);
	void *arg;
};

/* 0; -E..: the registry cannot be read, or the terminal is of no use. */
int top_table(FILE *out, const struct top_config *c, struct diag *reterr);
/* The same; ret_signal: the one that ended it, or 0. */
int top_screen(
    const struct top_config *c, int *ret_signal, struct diag *reterr);
