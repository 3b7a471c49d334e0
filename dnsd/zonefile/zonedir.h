// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * zonedir - keep the catalog at what a directory of master files says.
 *
 * Each NAME.zone is a zone. A file that changes is read aside, in a thread of
 * its own (zonereader.h), and takes the place of what was served; one that
 * cannot be read leaves that in place, with one line in the log; one that is
 * removed takes its zone with it. Of two files with one zone the first to come
 * has it; the other waits until that one gives it up. A zone that follows the
 * registry too has one name space: SOA, NS and the other static records are
 * the file's as long as there is one, else those made from the options.
 * Control thread, on its event base.
 */
#include "schema/base/diag.h"

struct catalog;
struct event_base;
struct options;
struct zonedir;

/* Waits until all there is has been read. Borrows everything. Never NULL. */
struct zonedir *zonedir_new(
    struct event_base *base, const struct options *o, struct catalog *c);
/* The zones stay in the catalog. NULL is ignored. */
void zonedir_free(struct zonedir *d);

/* Looks at every file now; for SIGHUP. */
void zonedir_look(struct zonedir *d);

/*
 * For --check: reads every file and publishes nothing. Returns how many are
 * wrong, each with a line in the log; -E..: the directory cannot be read.
 */
int zonedir_check(const struct options *o, struct diag *reterr);
