// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * store - what this registrar says, on its way into the registry.
 *
 * The only caller of the functions that write. Whoever owns a row embeds a
 * struct store_* in its own, changes the row in place and says so; what is
 * changed is written in one transaction at the end of this turn of the loop.
 * A row that changes twice before is written once. While the registry is
 * busy, full or gone, changes wait and nothing is lost: a database that was
 * replaced gets everything again, and of its modes those that it lacks.
 *
 * Rows borrow their strings; these must hold until the row is detached. One
 * thread; never waits for another writer.
 */
#include "registrar/probe/probe.h"
#include "schema/registration.h"

#include <sys/queue.h>

struct store;

/* Private: which queue a row stands in; NULL: it is written. */
struct store_queue;
struct store_item {
	TAILQ_ENTRY(store_item) link;
	struct store_queue *queue;
	struct store_queue *home; /* that of its kind */
};

struct store_service {
	struct service_row row;
	/* what other files of ours say otherwise: owned, strings borrowed */
	struct service_row *also;
	unsigned also_n;
	/* private */
	struct store_item item;
	LIST_ENTRY(store_service) all;
	LIST_HEAD(, store_instance) instances;
	/* others changed something of it */
	bool touched;
	LIST_ENTRY(store_service) of_touched;
};

struct store_instance {
	struct instance_row row; /* with the health to write */
	struct store_service *service;
	/* private */
	struct store_item item;
	LIST_ENTRY(store_instance) siblings;
	LIST_HEAD(, store_check) checks;
	bool known; /* what the registry had of it has been told */
	bool whole; /* all of the row is to be written, not health alone */
	bool paced; /* so are row.ramp_percent and row.damping */
	bool retired;
	bool carried;     /* row.mode is that of a registry that was replaced */
	bool lost;        /* the row is another's, who comes first or took it */
	const char *mend; /* a note for its history, once it is written */
};

struct store_check {
	struct check_row row;
	struct store_instance *instance;
	/* private */
	struct store_item item;
	LIST_ENTRY(store_check) siblings;
	int64_t written_ms; /* 0: never */
};

struct store_config {
	const char *path;   /* of the registry */
	const char *name;   /* of this registrar: "HOST" */
	const char *source; /* in its rows: "registrar/HOST" */
	const char *node;   /* the host that they are of */
	const char *adopt;  /* source whose rows become ours; NULL: none */
	struct timers *timers;
	int64_t (*wall_ms)(void *arg);
	/* Asks for store_flush() at the end of this turn of the loop. */
	void (*wake)(void *arg);
	/*
	 * The registry has this row of an attached instance, left by an
	 * earlier run; called once, before anything of it is written. Then
	 * for each of its checks; false: it is not defined any more. May
	 * change the rows and queue them, not attach nor detach any.
	 */
	void (*restore)(void *arg, struct store_instance *i,
	    const struct instance_row *row);
	bool (*restore_check)(
	    void *arg, struct store_instance *i, const struct check_row *row);
	/*
	 * Is this row of our source to stay, though nothing of it may be
	 * attached? instance NULL: a service.
	 */
	bool (*wanted)(void *arg, const char *zone, const char *service,
	    const char *instance, const char *definition);
	bool (*file_wanted)(void *arg, const char *file);
	/* The registry is open: for the first time, or it is another one. */
	void (*opened)(void *arg);
	/*
	 * Somebody has changed what is answered of a service, perhaps we.
	 * NULL, NULL: of any. NULL: nobody wants to know.
	 */
	void (*changed)(void *arg, const char *zone, const char *service);
	/* Somebody has written to it, perhaps what is no answer. NULL: nobody
	 * wants to know. */
	void (*written)(void *arg);
	void *arg;
};

/* Copies config, borrows its strings. Opens by itself, when it can. */
struct store *store_new(const struct store_config *config);
/* After all rows; what was not flushed is forgotten. */
void store_free(struct store *st);

/* Write what waits, if the registry can be written at once. */
void store_flush(struct store *st);

/*
 * Readable: somebody has written to the registry, call store_notice(). -1:
 * there is nothing to poll. Else it is seen some 100 ms later.
 */
int store_fd(const struct store *st);
void store_notice(struct store *st);
/* The registrar ends: what is written next says so. */
void store_end(struct store *st);
/* Nothing waits to be written. */
bool store_is_idle(const struct store *st);

/* It waits for a registry that does not take what it has. */
bool store_has_trouble(const struct store *st);
/* Why, once that lasts; "": it does not. Until the next call of the store. */
const char *store_trouble_text(const struct store *st);

/*
 * All definitions are attached: whatever else of our source the registry
 * holds is withdrawn, as `wanted` says; again for every new database. Until
 * this is called nothing is.
 */
void store_reconcile(struct store *st);

/*
 * Attach: the row is to be written. Detach: nothing of it any more, the row
 * in the registry stays; withdraw removes that one. Checks are detached
 * before their instance, instances before their service.
 */
void store_attach_service(struct store *st, struct store_service *s);
void store_service_changed(struct store *st, struct store_service *s);
void store_detach_service(struct store *st, struct store_service *s);

void store_attach_instance(
    struct store *st, struct store_service *s, struct store_instance *i);
/* Its definition changed. */
void store_instance_changed(struct store *st, struct store_instance *i);
/* Only row.health, row.reason and row.since_wall_ms changed. */
void store_health_changed(struct store *st, struct store_instance *i);
/* Only row.ramp_percent and row.damping changed. */
void store_pace_changed(struct store *st, struct store_instance *i);
/*
 * Withdraw it, and write nothing more of it or its checks; return: write all
 * of it again.
 */
void store_retire_instance(struct store *st, struct store_instance *i);
void store_return_instance(struct store *st, struct store_instance *i);
void store_detach_instance(struct store *st, struct store_instance *i);

void store_attach_check(
    struct store *st, struct store_instance *i, struct store_check *c);
/* row.status changed: written now. */
void store_check_changed(struct store *st, struct store_check *c);
/* Only row.output changed: written some seconds later, with others. */
void store_output_changed(struct store *st, struct store_check *c);
void store_detach_check(struct store *st, struct store_check *c);

/*
 * An instance of another source stays and keeps its service. instance NULL: the
 * service; check NULL: the instance. Copies the names.
 */
void store_withdraw(struct store *st, const char *zone, const char *service,
    const char *instance, const char *check);

/* The last good text of a file. text NULL: the file is gone. Copies both. */
void store_put_definition(struct store *st, const char *file, const char *text);

/*
 * The present text of a file is not in force; services: those that it seems to
 * be about, JSON. message NULL: it is mended, or gone. Copies all.
 */
void store_put_refused(struct store *st, const char *file, const char *message,
    const char *services);
/* None of ours: before those of now are put. */
void store_clear_refused(struct store *st);

/* Drains of our source that are waiting or at their hook. -EAGAIN: not open. */
int store_read_drains(struct store *st, registry_drain_fn fn, void *arg);
/* A step of a drain, with a note in the history. */
struct store_drain {
	const char *zone, *service, *instance;
	struct drain_row row; /* for registry_step_drain() */
	const char *note;     /* NULL: none */
	int error;            /* 0; -ENOENT: there is no such drain any more */
};
/*
 * All of them in one transaction, at once: -EBUSY, -EAGAIN: not now; other
 * -E.. of the registry: nothing was written either.
 */
int store_step_drains(struct store *st, struct store_drain *all, unsigned n);

/*
 * Do names of instances that have none go without the host, as they did in
 * this registry before? -EAGAIN: the registry is not open.
 */
int store_has_plain_names(const struct store *st, bool *ret_plain);

/* Each text that is stored; -EAGAIN: the registry is not open. */
int store_read_definitions(
    struct store *st, registry_definition_fn fn, void *arg);

/*
 * An instance whose definition begins so is of a registration: its row, and
 * that of its service, are not ours to write, but its health is.
 */
#define REGISTRATION_FILE "registration:"
int store_read_registrations(struct store *st, int64_t since, unsigned limit,
    registry_registration_fn fn, void *arg);

/* -EAGAIN: the registry is not open. */
int store_has_eligible(const struct store *st, const char *zone,
    const char *service, bool *ret_any);

/* How others are doing, for struct prober. */
int store_tally(const struct store *st, const char *zone, const char *service,
    struct service_tally *ret_tally);
int store_state(const struct store *st, const char *zone, const char *service,
    const char *instance, struct instance_state *ret_state);

/* The report on a ttl check, for struct prober. */
int store_heartbeat(struct store *st, const struct probe_subject *s,
    const char *check, struct heartbeat *ret_beat);
