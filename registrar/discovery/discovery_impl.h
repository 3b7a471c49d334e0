// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * discovery_impl - private to discovery*.c.
 *
 *	discovery.c          files, and what is the same in two versions of one
 *	discovery_set.c      the difference between what was and what is found
 *	discovery_found.c    copies of what is found
 *	discovery_process.c  source: processes
 *	discovery_listen.c   source: ports that somebody listens on
 *	discovery_container.c  source: containers
 *	discovery_labels.c   containers whose labels say what service they are
 */
#include "registrar/definition/definition_each.h"
#include "registrar/discovery/discovery.h"
#include "registrar/lib/timer.h"
#include "schema/base/log.h"

#include <sys/queue.h>

struct each_set;

/* Where what is found comes from; by enum each_kind. */
struct each_source {
	/* Begins to look, not in this call. Borrows set. */
	void *(*start)(struct each_set *set);
	void (*stop)(void *source);
	/* set->spec is an equal one at another address. */
	void (*moved)(void *source);
	/* Look at once, if that can be; else it tells when it can. */
	void (*look)(void *source);
	/* Not told again, but is it still there? NULL: it is not. */
	bool (*is_there)(const char *key);
};
extern const struct each_source each_source_process, each_source_listen,
    each_source_container;

/* Something that was found. */
struct each_entry {
	const char *key;         /* who it is; unique in its set */
	struct each_found found; /* all of it in block */
	void *block;
	const char *member; /* name of its instance; NULL: it has none */
	char *member_copy;
	int64_t gone_ms;
	bool gone;     /* since then */
	bool watched;  /* something says when its instance is dead */
	bool told;     /* the log says why it has no instance */
	unsigned pass; /* in which it was seen last */
	LIST_ENTRY(each_entry) link;
	TAILQ_ENTRY(each_entry) gone_link;
	char key_text[];
};

/* A for_each of a file in force, and what was found for it. */
struct each_set {
	struct discovery *discovery;
	const struct definition *def;
	const struct definition_service *service;
	const struct each_spec *spec;
	const struct each_source *source;
	void *looking; /* what source->start() gave */
	bool known;    /* the source has told what there is */
	bool kept;     /* during discovery_put() */
	bool full;     /* and the log says so */
	bool freed;    /* somebody else may have an instance now */
	struct log_limit twins;
	void *by_key, *by_member; /* trees of entries */
	LIST_HEAD(, each_entry) entries;
	TAILQ_HEAD(, each_entry) gone; /* the oldest first */
	unsigned pass;
	struct timer linger;
	LIST_ENTRY(each_set) link;
};

struct discovery {
	struct discovery_env env;
	bool settling;
	LIST_HEAD(, each_set) sets;
	struct discovery_labels *labels; /* NULL: they say nothing */
};

/* ---- discovery_labels.c ------------------------------------------------- */

#define LABELS_FILE "container:" /* and the name of the container */

struct discovery_labels *discovery_labels_new(struct discovery *d);
/* The rows stay. NULL is fine, here and below. */
void discovery_labels_free(struct discovery_labels *l);
/* Files changed: what was refused may be right now. */
void discovery_labels_retry(struct discovery_labels *l);
bool discovery_labels_unsure(
    const struct discovery_labels *l, const char *file);

/* ---- discovery_found.c -------------------------------------------------- */

/* Into e->found, in place of what was there. */
void each_entry_copy(struct each_entry *e, const struct each_found *from);
bool each_found_equal(const struct each_found *a, const struct each_found *b);

/* ---- discovery_set.c: for discovery.c --------------------------------- */

struct each_set *each_set_new(struct discovery *d, const struct definition *def,
    const struct definition_service *service, const struct each_spec *spec);
/* Its instances stay as they are. */
void each_set_free(struct each_set *s);
/* An equal set of another version, that the fleet has put in force. */
void each_set_move(struct each_set *s, const struct definition *def,
    const struct definition_service *service, const struct each_spec *spec);
/* Those that have no instance may have one now. */
void each_set_retry(struct each_set *s);

/* ---- discovery_set.c: for sources ------------------------------------- */

/* All that is there: begin, each of them, end. */
void each_set_begin(struct each_set *s);
void each_set_end(struct each_set *s);
/* Was it put or seen in this pass? */
bool each_set_had(const struct each_set *s, const char *key);
/* It is there: whether or not it was. Copies found. */
void each_set_put(
    struct each_set *s, const char *key, const struct each_found *found);
/* True: it was there before, and is as it was. */
bool each_set_seen(struct each_set *s, const char *key);
/* It is not there any more, if it was. */
void each_set_gone(struct each_set *s, const char *key);
