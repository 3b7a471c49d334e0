// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * backup - a copy of a registry as one file, and such a copy back in place.
 *
 * Both may be done while programs have the registry open. A copy is one state:
 * what is committed meanwhile is not in it. It is a database without WAL, so
 * the file is all there is of it.
 *
 * -errno as in registry.h. A file that is being made stands beside the one that
 * it will be, as FILE.tmp; one that is left of a process that was killed is
 * made again.
 */
#include "schema/registry.h"

/* What a registry had come to. */
struct backup_state {
	char id[33];
	int version; /* of its schema */
	int64_t revision;
	int64_t at_wall_ms; /* of the newest that it tells of; 0: nothing */
	int64_t service_n, instance_n;
};

/*
 * Copies the registry, of whatever schema, and checks the copy wholly, before
 * it takes the place of `file`; its mode is the registry's. -EEXIST: what is
 * there is no plain file, or seems to be in use.
 */
int backup_write(const char *registry, const char *file,
    struct backup_state *ret_state, struct diag *reterr);

/* ---- back -------------------------------------------------------------- */

/* Of what stands at the path to what is to be put there. */
enum restore_relation {
	RESTORE_NEW,     /* nothing is there */
	RESTORE_FORWARD, /* it is the same, or the past of that */
	RESTORE_BACK,    /* that is its past: what came since goes */
	RESTORE_ASIDE,   /* both come from one, each went on by itself */
	RESTORE_OTHER,   /* another registry */
	RESTORE_DAMAGED, /* it cannot be read */
};

#define RESTORE_NAMES_MAX 3

struct restore_facts {
	enum restore_relation relation;
	struct backup_state there, file; /* there: zero if NEW, DAMAGED */
	struct diag why;                 /* DAMAGED */
	/* BACK: services that were changed since, and the first of them */
	int64_t changed_n;
	char changed[RESTORE_NAMES_MAX][2 * REGISTRY_KEY_MAX];
};

struct restore;

/*
 * Copies `file` beside the registry, checks it wholly, brings it to the present
 * schema, and compares. -EBUSY: another one is at it. -EPROTONOSUPPORT: the
 * copy is of a newer schema.
 */
int restore_prepare(const char *file, const char *registry,
    struct restore **ret_x, struct diag *reterr);
/* Borrowed from x. */
const struct restore_facts *restore_facts(const struct restore *x);

/*
 * Puts it in place. A registry that SQLite can write to is overwritten in one
 * transaction, so whoever has it open sees a commit, and nothing of it if this
 * process is killed. Anything else is moved away, as REGISTRY.damaged, with its
 * log. Owner and mode are those of the file that was there, if root does it;
 * root's own in the directory of another becomes the other's.
 */
int restore_put(struct restore *x, struct diag *reterr);
/* Removes what is left beside the registry. */
void restore_free(struct restore *x);
