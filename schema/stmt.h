// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * stmt - every SQL text of the library in one table, and how to run them.
 *
 * Private to this library and its tests. A statement is prepared at its
 * first use and lives as long as the connection. Bound texts are borrowed:
 * they must stay until the statement is reset.
 */
#include "schema/owner.h"

#include <sqlite3.h>
#include <stddef.h>
#include <sys/stat.h>

enum stmt_id {
	/* the change path: none of these may scan (test_plan.c) */
	STMT_MARK,
	STMT_TOKEN,
	STMT_VERSION,
	STMT_CHANGE_BOUNDS,
	STMT_CHANGES,
	STMT_SERVICE,
	STMT_SERVICE_INSTANCES,
	STMT_PEEK_INSTANCES,
	STMT_FACTS,
	STMT_FACTS_OF,
	STMT_PUT_SERVICE,
	STMT_CLAIM_SERVICE,
	STMT_ALSO_SERVICE, /* of another file of the same owner */
	STMT_CLEAR_ALSO,
	STMT_PUT_INSTANCE,
	STMT_PUT_INSTANCES, /* STMT_BATCH at once */
	STMT_CLAIM_INSTANCE,
	STMT_OWNER_OF_SERVICE,
	STMT_OWNER_OF_INSTANCE,
	STMT_TAKE_OVER,
	STMT_PUT_MESH_CERTIFICATE,
	STMT_PRUNE_MESH_CERTIFICATES,
	STMT_PUT_MESH_REVOKED,
	STMT_WITHDRAW_MESH_REVOKED,
	STMT_MESH_REVOKED,
	STMT_HAS_CLAIM,
	STMT_HOST,
	STMT_PUT_HEALTH,
	STMT_PUT_MODE,
	STMT_PUT_WEIGHT,
	STMT_PUT_LEASE,
	STMT_PUT_RAMP,
	STMT_PUT_DAMPING,
	STMT_PUT_DRAIN,
	STMT_STEP_DRAIN,
	STMT_DRAINS,
	STMT_HEARTBEAT,
	STMT_PUT_NOTE,
	STMT_INSTANCE_EXISTS,
	STMT_WITHDRAW_SERVICE,
	STMT_WITHDRAW_INSTANCE,
	STMT_WITHDRAW_INSTANCE_OF, /* a source */
	STMT_INSTANCE,
	STMT_CHECK,
	STMT_CHECKS_OF_INSTANCE,
	STMT_PUT_CHECK,
	STMT_WITHDRAW_CHECK,
	STMT_PUT_REGISTRAR,
	STMT_END_REGISTRAR,
	STMT_REGISTRARS,
	STMT_ENDED_LEASES,
	STMT_PUT_REGISTRATION,
	STMT_REGISTRATIONS,
	STMT_PRUNE_REGISTRATIONS,
	STMT_PUT_ACCESS,
	STMT_WITHDRAW_ACCESS,
	STMT_ACCESS,
	STMT_PUT_REFUSED,
	STMT_WITHDRAW_REFUSED,
	STMT_CLEAR_REFUSED,
	STMT_REFUSED,
	STMT_PUT_DEFINITION,
	STMT_PUT_MEMBER,
	STMT_WITHDRAW_MEMBER,
	STMT_HAS_WISH,
	STMT_WITHDRAW_WISH,
	STMT_OWN_SERVICE,
	STMT_WITHDRAW_DEFINITION,
	STMT_BEGIN,
	STMT_BEGIN_WRITE,
	STMT_COMMIT,
	STMT_ROLLBACK,
	/* these read much, because they are asked for much */
	STMT_PAGE_SERVICES,
	STMT_PAGE_INSTANCES,
	STMT_MODES,
	STMT_NAMES,
	STMT_META,
	STMT_PORTS,
	STMT_CHECKS,
	STMT_CHECKS_OF_SERVICE,
	STMT_HISTORY_OF_ALL,
	STMT_HISTORY,
	STMT_HISTORY_OF_SERVICE,
	STMT_PUT_HOST,        /* and decides anew who wins */
	STMT_CLAIMS_OF,       /* a source, that are not the row */
	STMT_UNCLAIM_SERVICE, /* all that is said of one key, in a view */
	STMT_UNCLAIM_INSTANCE,
	STMT_UNCLAIM_SERVICE_AT, /* a host */
	STMT_UNCLAIM_INSTANCE_AT,
	STMT_MEMBERS,
	STMT_WISHES,
	STMT_DISAGREEMENTS,
	STMT_DISAGREEMENTS_OF,
	STMT_OWNER_OPEN,
	STMT_OWNER_CLOSE,
	STMT_RESOURCE_SERVICES,
	STMT_RESOURCE_SERVICE_OTHERS,
	STMT_RESOURCE_INSTANCES,
	STMT_RESOURCE_INSTANCE_OTHERS,
	STMT_RESOURCE_DEFINITIONS,
	STMT_RESOURCE_REST,
	STMT_RESOURCE_REFUSED,
	STMT_DEFINITIONS,
	STMT_PRUNE_EXPIRED,
	STMT_PRUNE_EMPTY,
	STMT_PRUNE_HISTORY, /* from the oldest row on, up to its LIMIT */
	STMT_ACCESSES,
	STMT_MESH_CERTIFICATES,
	STMT_N,
};
#define STMT_CHANGE_PATH_N STMT_PAGE_SERVICES
#define STMT_BATCH 8

/*
 * How long statements outside of registry_begin() wait for a lock: a writer
 * for the transaction of another, a reader for the moment of a recovery.
 */
#define BUSY_WRITE_MS 5000
#define BUSY_READ_MS 100
#define BUSY_NOWAIT_MS 0

enum txn { TXN_NONE, TXN_READ, TXN_WRITE };

struct registry {
	sqlite3 *db;
	sqlite3_stmt *stmts[STMT_N];
	enum txn txn;
	enum on_others on_others;
	const char *who; /* takes over */
	int busy_ms;     /* of statements outside of registry_begin() */
	char id[33];
	int version;     /* of its schema when it was opened */
	unsigned faults; /* fault_count() then */
	/* of a file that cannot be locked, see open_unlocked() in registry.c */
	char *unlocked_path; /* owned; NULL for all others */
	struct stat unlocked_stat;
};

/* -ESTALE: the index of the log was cut short since it was opened. */
int registry_check_faults(const struct registry *r, struct diag *reterr);

/* True once such a file is not what was opened any more. */
bool registry_is_outdated(const struct registry *r);

/* -ESTALE: another program has migrated it since it was opened. */
int registry_check_version(struct registry *r, struct diag *reterr);

const char *stmt_sql(enum stmt_id id);

/* -errno for SQLite's result code rc; text from the connection. */
int stmt_error(sqlite3 *db, int rc, struct diag *reterr);

/* Borrowed from r; ready to be bound. */
int stmt_get(struct registry *r, enum stmt_id id, sqlite3_stmt **ret_st,
    struct diag *reterr);

/* The same, if the transaction that it belongs to is still there. */
int registry_get_for_write(struct registry *r, enum stmt_id id,
    sqlite3_stmt **ret_st, struct diag *reterr);

/* Parameters 1 to 3. */
void registry_bind_instance(sqlite3_stmt *st, const char *zone,
    const char *service, const char *instance);
/* Runs a statement whose WHERE names the instance; -ENOENT: it is gone. */
int registry_run_update(struct registry *r, sqlite3_stmt *st, const char *zone,
    const char *service, const char *instance, struct diag *reterr);

/* Parameters count from 1; NULL and ROW_DEFAULT bind NULL. */
void stmt_text(sqlite3_stmt *st, int i, const char *text);
/* At most max octets of text, cut between characters. */
void stmt_text_cut(sqlite3_stmt *st, int i, const char *text, size_t max);
void stmt_int(sqlite3_stmt *st, int i, int64_t value);
void stmt_int_or_default(sqlite3_stmt *st, int i, int value);

/* 1: a row is there, 0: no more rows, else -errno. Reset it afterwards. */
int stmt_step(struct registry *r, sqlite3_stmt *st, struct diag *reterr);
/* Runs a statement that gives no rows, and resets it. */
int stmt_run(struct registry *r, sqlite3_stmt *st, struct diag *reterr);
/* The same for one without parameters. */
int stmt_exec(struct registry *r, enum stmt_id id, struct diag *reterr);

/* Columns count from 0; NULL gives NULL, or ROW_DEFAULT. */
const char *stmt_column_text(sqlite3_stmt *st, int i);
int stmt_column_int_or_default(sqlite3_stmt *st, int i);

/* Resets *st at the end of the scope: ends its read transaction. */
void stmt_reset_fn(sqlite3_stmt **st);
/* A row of instance, or of check_result; -EUCLEAN: it breaks the rules. */
int stmt_get_service(
    sqlite3_stmt *st, struct service_row *ret_row, struct diag *reterr);
int stmt_get_instance(
    sqlite3_stmt *st, struct instance_row *ret_row, struct diag *reterr);
int stmt_get_check(
    sqlite3_stmt *st, struct check_row *ret_row, struct diag *reterr);
/* DRAIN_COLUMNS from column i on; -EUCLEAN: there is no such step. */
int stmt_column_drain(
    sqlite3_stmt *st, int i, struct drain_row *ret_d, struct diag *reterr);
#define scoped_stmt __attribute__((cleanup(stmt_reset_fn)))
