// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * definition_loop - which services require which, or are an alias of one, over
 * all files.
 *
 * Two that follow each other would say nothing but each other's trouble, so
 * a file that closes a loop is refused. One thread, no I/O.
 */
#include "registrar/definition/definition.h"

struct requirements;

struct requirements *requirements_new(void);
void requirements_free(struct requirements *g);

/*
 * Put what d->file requires in place of what it did before. -ELOOP: there
 * would be a loop, reterr has it, and all is as before. Keeps nothing of d.
 */
int requirements_put(
    struct requirements *g, const struct definition *d, struct diags *reterr);
/* The file is gone. */
void requirements_remove(struct requirements *g, const char *file);

/* Among the services of one file; reterr says where. */
bool definition_has_loop(const struct definition *d, struct diags *reterr);
