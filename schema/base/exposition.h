// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * exposition - metrics as Prometheus reads them: its text format, 0.0.4.
 *
 *	exposition_family(e, "rollcall_checks_total", "counter", "Checks done");
 *	exposition_value(e, (const char *[]){ "kind", "tcp", NULL }, 17);
 *
 * Samples belong to the family before them.
 */
#include "schema/base/histogram.h"

#include <stddef.h>

#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* All zero at first. */
struct exposition {
	char *text; /* from malloc(), ends with NUL; NULL: nothing yet */
	size_t len, room;
	const char *name; /* of the family; borrowed */
};

void exposition_release(struct exposition *e);

/* help: one line, as it is. name is borrowed until the next one. */
void exposition_family(
    struct exposition *e, const char *name, const char *type, const char *help);

/*
 * labels: names, each with its value behind it, and NULL; or NULL alone.
 * Values are escaped.
 */
void exposition_value(
    struct exposition *e, const char *const *labels, uint64_t value);
/* The same of nanoseconds, as seconds. */
void exposition_seconds(
    struct exposition *e, const char *const *labels, int64_t ns);
/* Sums of n histograms. */
void exposition_histogram(struct exposition *e, const char *const *labels,
    const struct histogram *const *h, unsigned n);

/* Two families that every program has. started_wall_ms: since when it runs. */
void exposition_program(
    struct exposition *e, const char *program, int64_t started_wall_ms);
