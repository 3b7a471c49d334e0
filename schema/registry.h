// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * registry - the one file that registrar, dnsd and every script agree on.
 *
 * SQLite in WAL mode; the tables are in migrations/, explained in README.md.
 * A struct registry is one connection with its prepared statements; use it
 * from one thread at a time. Nothing else in Rollcall includes sqlite3.h.
 *
 * Functions return 0 or a negative errno and fill reterr (may be NULL):
 *   -ENOENT      no such file, service or instance
 *   -ENODATA     the file is there but holds no registry (yet)
 *   -EBUSY       locked by another connection; try again
 *   -EINVAL      the database refused the row: the text says which rule
 *   -EUCLEAN     corrupt, or not a database
 *   -EPROTONOSUPPORT  a newer Rollcall has migrated it, see reads_from
 *   -ESTALE      it is another registry, or of another schema, than when it
 *                was opened: open it again
 *   -ENOSPC, -EROFS, -EACCES, -EIO  from the disk
 *   -ENOMEM      SQLite got no memory
 */
#include "schema/base/diag.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct registry;

enum registry_access {
	/* never creates the file, changes a row or moves the WAL into it */
	REGISTRY_READ,
	REGISTRY_WRITE, /* creates the file, migrates its schema */
	/* the same, but -EBUSY at once instead of seconds for a lock */
	REGISTRY_WRITE_NOWAIT,
	/* reads one of any schema, for backup.h; -EEXIST: none of Rollcall's */
	REGISTRY_ANY,
};

int registry_open(const char *path, enum registry_access access,
    struct registry **ret_r, struct diag *reterr);
void registry_close(struct registry *r);

/*
 * 32 hex digits drawn when the file was created: tells a replaced database
 * from a changed one. Borrowed from r. A connection stays with the file that
 * it opened: to see what has taken its place, open the path again.
 */
const char *registry_id(const struct registry *r);

/*
 * It was open for reading while a newer Rollcall had migrated it already, which
 * allows this one to read (registry.reads_from): rows may say what is not known
 * here.
 */
bool registry_is_newer(const struct registry *r);

/*
 * Its path leads to another file, or to none. While it is open no other file
 * has its inode, so this is certain; `path` need not be the same file system,
 * of which the caller has to take care.
 */
bool registry_has_moved(struct registry *r);

/* ---- rows (design section 3): what the tables hold ------------------- */

/* Health as the checks see it; the words are those in the database. */
enum health {
	HEALTH_STARTING, /* no verdict yet: not eligible */
	HEALTH_PASSING,
	HEALTH_WARNING,
	HEALTH_CRITICAL,
	HEALTH_DEAD, /* positive evidence: the process is gone */
};
#define HEALTH_N 5

/* What the operator wants, over and above health. */
enum mode { MODE_ACTIVE, MODE_DRAINING, MODE_MAINTENANCE };
#define MODE_N 3

/* "passing" ...; NULL-free. health_parse returns -EINVAL for other words. */
const char *health_name(enum health h);
int health_parse(const char *word, enum health *ret_h);
const char *mode_name(enum mode m);
int mode_parse(const char *word, enum mode *ret_m);

/* How far a drain has come; "waiting" ... . */
enum drain_step {
	DRAIN_NONE,    /* its mode is another one */
	DRAIN_WAITING, /* for caches; then for its registrar */
	DRAIN_HOOK,    /* what its definition says is being done */
	DRAIN_DONE,    /* by its registrar */
	DRAIN_FAILED,  /* what its definition says was done in vain */
};
#define DRAIN_STEP_N 5
const char *drain_step_name(enum drain_step s);
int drain_step_parse(const char *word, enum drain_step *ret_s);

/* What dnsd answers when no instance is eligible. */
enum on_empty { ON_EMPTY_NODATA, ON_EMPTY_NXDOMAIN, ON_EMPTY_ALL };
#define ON_EMPTY_N 3
const char *on_empty_name(enum on_empty e);
int on_empty_parse(const char *word, enum on_empty *ret_e);

#define ROW_DEFAULT (-1) /* an integer column that is NULL */

struct service_row {
	const char *zone;      /* lower case, no final dot: "svc.internal" */
	const char *name;      /* label.h; "payment" */
	const char *protocol;  /* label without its underscore: "tcp" */
	int port;              /* of instances that name none; ROW_DEFAULT */
	const char *port_name; /* of that first port; NULL: it has none */
	const char *ports;     /* further ones: registry_ports_each(); NULL */
	int ttl_s;             /* ROW_DEFAULT: dnsd's default */
	int max_answers;       /* of A and AAAA; 0: all; ROW_DEFAULT */
	enum on_empty on_empty;
	const char *tags;       /* JSON array of strings */
	const char *meta;       /* JSON object of strings */
	const char *source;     /* whose it is: "registrar/NAME", "sql" */
	const char *definition; /* the file it came from, or NULL */
	const char *node;       /* its host; "", in a put also NULL: this one */
	const char *mesh;       /* JSON object, for registrar/mesh; NULL */
};

#define PORTS_MAX 64 /* of a service, the first included */

/* A port of a service; its number may be another for an instance. */
struct port_row {
	const char *name;     /* label.h; "grpc"; NULL: it has none */
	const char *protocol; /* "tcp" */
	int port;
};

/* How often an instance has flapped lately; kept for
 * registrar/health/damping.h. */
struct damping_row {
	int64_t penalty; /* thousandths of a flap, as of at_wall_ms */
	int64_t at_wall_ms;
	int64_t until_wall_ms; /* held back until then, if calm; 0: it is not */
};

/* Of an instance whose mode is draining; else all 0. */
struct drain_row {
	enum drain_step step;
	int64_t until_wall_ms;    /* in SRV until then, in no answer after */
	int64_t deadline_wall_ms; /* nothing is waited for after; 0: none */
	const char *text;         /* how it ended; NULL */
};

/* By what belongs together, not by size. */
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding)
struct instance_row {
	const char *zone;
	const char *service;
	const char *name;     /* label.h; "i-1" */
	const char *address;  /* IPv4 or lower case IPv6 (no dotted tail) */
	const char *address6; /* IPv6 beside an IPv4 address, or NULL */
	int port;             /* ROW_DEFAULT: the service's */
	const char *ports;    /* other numbers of further ones; NULL: none */
	int priority;         /* 0..65535, lower is preferred */
	int weight;           /* 0..65535 while passing */
	int weight_warning;   /* while warning; ROW_DEFAULT: weight */
	enum health health;
	enum mode mode;
	int64_t lease_until_wall_ms; /* 0: no lease */
	const char *tags;
	const char *meta;
	const char *locality; /* label, or NULL */
	const char *source;
	const char *definition;
	int64_t since_wall_ms; /* of the present health or mode */
	const char *reason;    /* of the present health: "connection refused" */
	/* none is put by put_instance, each has a put of its own */
	int ramp_percent; /* of its weights: it starts slowly; 0: all of them */
	struct damping_row damping;
	struct drain_row drain;
	bool is_overridden;  /* an operator's weight holds: */
	int weight_override; /* 0..65535 */
	const char *node;    /* its host; "", in a put also NULL: this one */
};

/* Its weight while it is passing, an operator's before the description's. */
int instance_row_passing_weight(const struct instance_row *row);

struct check_row {
	const char *zone, *service, *instance;
	const char *name;      /* unique in its instance: "tcp-1" */
	const char *kind;      /* "tcp", "http", "exec", "ttl", "process" */
	enum health status;    /* its last verdict; STARTING before the first */
	const char *output;    /* at most 4096 octets, printable */
	int64_t since_wall_ms; /* of this status */
	int64_t checked_wall_ms; /* when this row was last written */
};

struct history_row {
	int64_t id;
	int64_t at_wall_ms;
	const char *zone, *service, *instance;
	/* states, NULL: did not exist; equal in a note */
	const char *was, *now;
	const char *source, *reason;
};

/* What a registrar tells of itself. */
struct registrar_row {
	const char *name; /* "HOST" */
	int pid;
	const char *version;
	int64_t started_wall_ms, heartbeat_wall_ms;
	const char *last_error; /* or warning of its log; "": none */
	int64_t last_error_wall_ms;
};
/* It writes its heartbeat this often; without two of them it is silent. */
#define REGISTRAR_BEAT_MS 5000
#define REGISTRAR_SILENT_MS 12000

/* A definition file whose present text is not in force. */
struct refused_row {
	const char *source, *file;
	const char *message;  /* lines of FILE:LINE:COLUMN: FOUND, EXPECTED */
	const char *services; /* that it seems to be about: JSON array */
	int64_t since_wall_ms;
};

/* ---- reading ---------------------------------------------------------- */

/*
 * Grows with every change that can alter an answer, whoever commits it;
 * heartbeats and check output do not count. 0: nothing has changed since the
 * registry was made, so it is empty. About a microsecond. -ESTALE: the file
 * was opened in a directory that we may not write to, as one that does not
 * change, and has changed, or another registry was copied into it: open it
 * again.
 */
int registry_revision(struct registry *r, int64_t *ret_revision);

/*
 * The newest change of a registry: a number, and one that was drawn for it.
 * Copies of a registry may give one revision to different changes.
 */
struct registry_mark {
	int64_t revision, token; /* 0, 0: nothing has changed yet */
};

/*
 * As registry_revision(), and: is `past` in the past of what is there, or is
 * it the present? If not, what was read up to it is not to be relied on:
 * another copy was put in its place, or this one is older.
 */
int registry_read_mark(struct registry *r, const struct registry_mark *past,
    struct registry_mark *ret_now, bool *ret_holds);

/*
 * Callbacks, these and all below, borrow the row until they return and must
 * not use the registry. When a read fails halfway, some of them have been
 * called, and `done` has not. `service` is followed by its
 * instances in the order of their names, then by `done`.
 */
struct registry_visitor {
	void (*service)(void *arg, const struct service_row *row);
	void (*instance)(void *arg, const struct instance_row *row);
	void (*done)(void *arg);
	void *arg;
	/*
	 * What is there breaks the rules of the registry: a flipped bit, or
	 * somebody who turned the rules off, or a word of a newer program.
	 * instance: its row is left out, what else there is of the service
	 * comes. NULL: all of the service is doubtful, and `done` does not
	 * come, even if `service` did. NULL for the function: -EUCLEAN.
	 */
	void (*broken)(void *arg, const char *zone, const char *service,
	    const char *instance, const char *why);
};

/* A visitor's, where what is broken is to be left out without a word. */
void registry_pass_over(void *arg, const char *zone, const char *service,
    const char *instance, const char *why);

#define REGISTRY_KEY_MAX 256 /* octets of a part of a key, with its NUL */

/* One service with its instances, as of one moment; -ENOENT if gone. */
int registry_read_service(struct registry *r, const char *zone,
    const char *name, const struct registry_visitor *v, struct diag *reterr);

/* Without its instances; -ENOENT if gone. */
typedef void (*registry_service_fn)(void *arg, const struct service_row *row);
int registry_read_service_row(struct registry *r, const char *zone,
    const char *name, registry_service_fn fn, void *arg, struct diag *reterr);

/* -ENOENT: there is no such instance. */
int registry_find_instance(struct registry *r, const char *zone,
    const char *service, const char *instance, struct diag *reterr);

/*
 * Is any instance of it healthy and in all answers (eligible.h)? One that is
 * answered for want of a better is not. There may be no such service.
 */
int registry_has_eligible(struct registry *r, const char *zone,
    const char *service, int64_t now_wall_ms, bool *ret_any,
    struct diag *reterr);

/*
 * How a service is doing: its instances by health. Those in another mode, or
 * whose lease has run out, are in n alone.
 */
struct service_tally {
	unsigned n, passing, warning, starting;
};
/* All zero: there is no such service, or it has no instances. */
int registry_tally(struct registry *r, const char *zone, const char *service,
    int64_t now_wall_ms, struct service_tally *ret_tally, struct diag *reterr);

/* How one instance is doing. */
struct instance_state {
	enum health health;
	enum mode mode;
	bool expired; /* its lease has run out */
};
/* -ENOENT: there is none. */
int registry_read_state(struct registry *r, const char *zone,
    const char *service, const char *instance, int64_t now_wall_ms,
    struct instance_state *ret_state, struct diag *reterr);

/* Of all instances whose mode is not active. */
typedef void (*registry_mode_fn)(void *arg, const char *zone,
    const char *service, const char *instance, enum mode m,
    const struct drain_row *drain);
int registry_read_modes(
    struct registry *r, registry_mode_fn fn, void *arg, struct diag *reterr);

/* Drains of a source that are waiting or at their hook, by their keys. */
typedef void (*registry_drain_fn)(void *arg, const char *zone,
    const char *service, const char *instance, const struct drain_row *drain);
int registry_read_drains(struct registry *r, const char *source,
    registry_drain_fn fn, void *arg, struct diag *reterr);

/* When that registrar was last known to run; -ENOENT: never. */
int registry_read_heartbeat(struct registry *r, const char *registrar,
    int64_t *ret_wall_ms, struct diag *reterr);

/* All of them, by name; by source and file. */
typedef void (*registry_registrar_fn)(
    void *arg, const struct registrar_row *row);
int registry_read_registrars(struct registry *r, registry_registrar_fn fn,
    void *arg, struct diag *reterr);
typedef void (*registry_refused_fn)(void *arg, const struct refused_row *row);
int registry_read_refused(
    struct registry *r, registry_refused_fn fn, void *arg, struct diag *reterr);

/*
 * Everything, in pages of at most `limit` services in the order of (zone,
 * name), each page one short read transaction. *after is all zero at first,
 * and is moved to the last one looked at. ret_n: services looked at; 0 at the
 * end.
 */
struct registry_key {
	char zone[REGISTRY_KEY_MAX], name[REGISTRY_KEY_MAX];
};
int registry_read_page(struct registry *r, struct registry_key *after,
    unsigned limit, const struct registry_visitor *v, unsigned *ret_n,
    struct diag *reterr);

/*
 * The services touched after revision `since`, oldest first, each call at
 * most `limit` rows, in one short read transaction. A service touched twice
 * is named twice. ret_revision is that of the last row given (or `since`).
 * -ESTALE: the log no longer reaches back so far, or the revision went
 * backwards: read everything.
 */
typedef void (*registry_change_fn)(
    void *arg, int64_t revision, const char *zone, const char *service);
int registry_changes(struct registry *r, int64_t since, unsigned limit,
    registry_change_fn fn, void *arg, int64_t *ret_revision,
    struct diag *reterr);
/* The least `since` that it takes. */
int registry_changes_from(
    struct registry *r, int64_t *ret_since, struct diag *reterr);

/* Make several reads see one moment. Keep it short: it holds up the WAL. */
int registry_read_begin(struct registry *r, struct diag *reterr);
void registry_read_end(struct registry *r);

/* key and value of a flat JSON object, in its order; {} gives none. */
typedef void (*registry_meta_fn)(void *arg, const char *key, const char *value);
int registry_meta_each(
    struct registry *r, const char *meta, registry_meta_fn fn, void *arg);

/* Those in a column `ports`, in their order; NULL gives none. */
typedef void (*registry_port_fn)(void *arg, const struct port_row *row);
int registry_ports_each(
    struct registry *r, const char *ports, registry_port_fn fn, void *arg);
/* The text of such a column, in a; NULL: there are none. */
const char *registry_ports_text(
    struct arena *a, const struct port_row *rows, unsigned n);

/* The strings of a JSON array, in its order. */
typedef void (*registry_tag_fn)(void *arg, const char *tag);
int registry_tags_each(
    struct registry *r, const char *tags, registry_tag_fn fn, void *arg);

/*
 * In the order of their keys; service "" means all of the zone. Rows that break
 * the rules are left out.
 */
typedef void (*registry_check_fn)(void *arg, const struct check_row *row);
int registry_read_checks(struct registry *r, const char *zone,
    const char *service, registry_check_fn fn, void *arg, struct diag *reterr);

/* The name of each service, by zone and name. */
typedef void (*registry_name_fn)(
    void *arg, const char *zone, const char *service);
int registry_read_names(
    struct registry *r, registry_name_fn fn, void *arg, struct diag *reterr);

/* One of them; -ENOENT: there is none. */
int registry_read_check(struct registry *r, const char *zone,
    const char *service, const char *instance, const char *name,
    registry_check_fn fn, void *arg, struct diag *reterr);

/* One instance with its checks, as of one moment; -ENOENT: it is gone. */
typedef void (*registry_instance_fn)(void *arg, const struct instance_row *row);
int registry_read_instance(struct registry *r, const char *zone,
    const char *service, const char *instance, registry_instance_fn fn,
    registry_check_fn check_fn, void *arg, struct diag *reterr);

/* Newest first, at most limit; NULL: all of the zone, or of all zones. */
typedef void (*registry_history_fn)(void *arg, const struct history_row *row);
int registry_read_history(struct registry *r, const char *zone,
    const char *service, unsigned limit, registry_history_fn fn, void *arg,
    struct diag *reterr);

/* ---- writing (needs REGISTRY_WRITE) ----------------------------------- */

/*
 * A transaction; put_* and withdraw_* outside of one commit by themselves.
 * begin takes the write lock at once: -EBUSY at once when it is taken and
 * busy_ms is 0. Single ones wait up to 5 s for it. After a failed put the
 * transaction still stands unless the disk failed; the next call says so.
 * A failed commit has rolled back.
 */
int registry_begin(struct registry *r, int busy_ms, struct diag *reterr);
int registry_commit(struct registry *r, struct diag *reterr);
void registry_rollback(struct registry *r);

/*
 * Insert, or change what differs; equal rows cost a read and are no change.
 * put_instance keeps health, mode, since and reason of a row that exists:
 * a new definition is no verdict. Where another owner, (node, source), has the
 * row, this is what row's owner says of it: the lowest of all is the row,
 * unless one took it over.
 */
int registry_put_service(
    struct registry *r, const struct service_row *row, struct diag *reterr);
/* What another file of the same owner says, after its put: never the row. */
int registry_put_service_also(
    struct registry *r, const struct service_row *row, struct diag *reterr);
/* Of such, all but row itself go. */
int registry_clear_service_also(
    struct registry *r, const struct service_row *row, struct diag *reterr);
int registry_put_instance(
    struct registry *r, const struct instance_row *row, struct diag *reterr);
/*
 * The same for n rows in their order, a quarter faster if eight or more.
 * ret_done, also on failure: how many were put, so which one was refused.
 */
int registry_put_instances(struct registry *r, const struct instance_row *rows,
    unsigned n, unsigned *ret_done, struct diag *reterr);

/*
 * -ENOENT if the row is gone; equal values write nothing. A reason is cut at
 * 1024 octets; a new one alone is no change of health, so since stays.
 */
int registry_put_health(struct registry *r, const char *zone,
    const char *service, const char *instance, enum health h,
    const char *reason, int64_t now_wall_ms, struct diag *reterr);
int registry_put_mode(struct registry *r, const char *zone, const char *service,
    const char *instance, enum mode m, int64_t now_wall_ms,
    struct diag *reterr);
/*
 * Mode draining, and all of d: begins a drain, or says anew how one goes on.
 */
int registry_put_drain(struct registry *r, const char *zone,
    const char *service, const char *instance, const struct drain_row *d,
    int64_t now_wall_ms, struct diag *reterr);
/*
 * d->step and d->text of the drain that ends at d->until_wall_ms and is
 * waiting or at its hook. -ENOENT: there is no such drain (any more).
 */
int registry_step_drain(struct registry *r, const char *zone,
    const char *service, const char *instance, const struct drain_row *d,
    struct diag *reterr);
/* percent: 1..99, or 0 for all of its weights. */
int registry_put_ramp(struct registry *r, const char *zone, const char *service,
    const char *instance, int percent, struct diag *reterr);
/* No change for dnsd. */
int registry_put_damping(struct registry *r, const char *zone,
    const char *service, const char *instance, const struct damping_row *d,
    struct diag *reterr);
/* weight_override; ROW_DEFAULT: that of the description holds again. */
int registry_put_weight(struct registry *r, const char *zone,
    const char *service, const char *instance, int weight, struct diag *reterr);
/* Of an instance that has a lease: it is later from now on, never earlier. */
int registry_put_lease(struct registry *r, const char *zone,
    const char *service, const char *instance, int64_t until_wall_ms,
    struct diag *reterr);
/*
 * A row of history that is no transition: was and now are the present state.
 * Says who did something to the instance, and what; -ENOENT if it is gone.
 */
int registry_put_note(struct registry *r, const char *zone, const char *service,
    const char *instance, const char *source, const char *reason,
    int64_t now_wall_ms, struct diag *reterr);

/* -ENOENT if there is none. What belongs to a row goes with it. */
int registry_withdraw_service(struct registry *r, const char *zone,
    const char *name, struct diag *reterr);
int registry_withdraw_instance(struct registry *r, const char *zone,
    const char *service, const char *instance, struct diag *reterr);
/*
 * Take back what this source of this host says; -ENOENT: it says nothing. The
 * row goes with it, or is the next owner's from then on. A service stays while
 * it has instances: 0.
 */
int registry_withdraw_instance_of(struct registry *r, const char *zone,
    const char *service, const char *instance, const char *source,
    struct diag *reterr);
int registry_withdraw_service_of(struct registry *r, const char *zone,
    const char *name, const char *source, struct diag *reterr);

/* Output is cut at 4096 octets. */
int registry_put_check(
    struct registry *r, const struct check_row *row, struct diag *reterr);
int registry_withdraw_check(struct registry *r, const char *zone,
    const char *service, const char *instance, const char *name,
    struct diag *reterr);

/* This registrar is alive. Its started_wall_ms is of the first such row. */
int registry_put_registrar(
    struct registry *r, const struct registrar_row *row, struct diag *reterr);

/* row->source, row->file: that text of it is not in force. */
int registry_put_refused(
    struct registry *r, const struct refused_row *row, struct diag *reterr);
/* 0 also if there was none; file NULL: all of the source. */
int registry_withdraw_refused(struct registry *r, const char *source,
    const char *file, struct diag *reterr);

/*
 * The last good text of each definition file, so that it stays in force over
 * a restart while the file itself is broken.
 */
int registry_put_definition(struct registry *r, const char *source,
    const char *file, const char *text, struct diag *reterr);
int registry_withdraw_definition(struct registry *r, const char *source,
    const char *file, struct diag *reterr);
typedef void (*registry_definition_fn)(
    void *arg, const char *file, const char *text);
int registry_read_definitions(struct registry *r, const char *source,
    registry_definition_fn fn, void *arg, struct diag *reterr);

/*
 * Delete at most `limit` instances of this host whose lease ran out before that
 * time, but none of a registrar other than source, and services that have none
 * left then and were made like that. ret_n says how many instances went.
 */
#define REGISTRY_EXPIRED_KEEP_MS 3600000
int registry_prune_expired(struct registry *r, const char *source,
    int64_t before_wall_ms, unsigned limit, unsigned *ret_n,
    struct diag *reterr);

/*
 * Delete history older than keep_ms, looking at the `limit` oldest rows;
 * ret_n says how many went. -EINVAL: keep_ms is under an hour.
 */
int registry_prune_history(struct registry *r, int64_t now_wall_ms,
    int64_t keep_ms, unsigned limit, unsigned *ret_n, struct diag *reterr);

/*
 * Move the WAL back into the database without waiting for anybody
 * (SQLITE_CHECKPOINT_PASSIVE).
 */
int registry_checkpoint(struct registry *r, struct diag *reterr);
