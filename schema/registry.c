// SPDX-License-Identifier: BSD-2-Clause
/*
 * Opening and closing a registry.
 *
 * The file is looked at before anything is changed, so that a database of
 * somebody else stays as it is. Migrations run one by one, each in a
 * transaction that takes the write lock first and then looks at the version
 * again: of two programs that open a new file, one creates the tables and
 * the other finds them.
 *
 * The WAL and its index stay when the last connection closes (emptied by
 * journal_size_limit), because a reader that may not write to the directory
 * could not open the database without them. A reader never moves the WAL
 * into the database, not even when it is the last to leave.
 */
#include "schema/registry.h"

#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "schema/fault.h"
#include "schema/migrations.h"
#include "schema/stmt.h"
#include "schema/walindex.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define APPLICATION_ID 0x526f6c6c /* "Roll": 0001-registry.sql */
#define WAL_RETRY_MS 5

static const char writer_setup[] =
    "PRAGMA synchronous = NORMAL;"
    "PRAGMA foreign_keys = ON;"
    /* else the undo log of a statement moves to a file and stays */
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA cell_size_check = ON;"
    "PRAGMA wal_autocheckpoint = 1000;"
    "PRAGMA journal_size_limit = 16777216;"
    "PRAGMA cache_size = -32768;";

/* no temporary files for either: where they would be is not written to */
static const char reader_setup[] = "PRAGMA query_only = ON;"
                                   "PRAGMA temp_store = MEMORY;"
                                   "PRAGMA cell_size_check = ON;"
                                   "PRAGMA journal_size_limit = 16777216;";

static bool is_reader(enum registry_access access)
{
	return access == REGISTRY_READ || access == REGISTRY_ANY;
}

static int run_sql(sqlite3 *db, const char *sql, struct diag *reterr)
{
	int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : stmt_error(db, rc, reterr);
}

static int read_number(
    sqlite3 *db, const char *sql, int *ret_number, struct diag *reterr)
{
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc != SQLITE_ROW) {
		int error = stmt_error(db, rc, reterr);

		sqlite3_finalize(st);
		return error;
	}
	*ret_number = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return 0;
}

/* Of a newer schema: may programs of ours read it, or those of later alone? */
static int check_newer(
    sqlite3 *db, int version, enum registry_access access, struct diag *reterr)
{
	int from = 0, error;

	if (access == REGISTRY_READ) {
		error = read_number(
		    db, "SELECT reads_from FROM registry", &from, reterr);
		if (error == 0 && from <= migrations_n)
			return 0;
		if (error < 0 && error != -EUCLEAN) /* there is no such word */
			return error;
	}
	return diag_set(reterr, -EPROTONOSUPPORT,
	    "found schema version %d, expected at most %d: a newer Rollcall "
	    "has migrated it, this one may not %s it",
	    version, migrations_n,
	    access == REGISTRY_READ ? "read" : "write to");
}

/*
 * 0 in ret_version: empty, so free to be made a registry. Inside of a
 * transaction, or three reads see a file that another is about to create.
 */
static int read_version(sqlite3 *db, enum registry_access access,
    int *ret_version, struct diag *reterr)
{
	int version = 0, application = 0, tables = 0, error;

	if ((error = read_number(db, "PRAGMA user_version", &version, reterr)) <
	        0 ||
	    (error = read_number(
	         db, "PRAGMA application_id", &application, reterr)) < 0 ||
	    (error = read_number(db, "SELECT count(*) FROM sqlite_schema",
	         &tables, reterr)) < 0)
		return error;
	if (tables && application != APPLICATION_ID) {
		return diag_set(reterr,
		    access == REGISTRY_ANY ? -EEXIST : -EUCLEAN,
		    "found another program's SQLite database, expected a "
		    "Rollcall registry");
	}
	if (version > migrations_n && access != REGISTRY_ANY &&
	    (error = check_newer(db, version, access, reterr)) < 0)
		return error;
	*ret_version = version;
	return 0;
}

static int look_at_version(sqlite3 *db, enum registry_access access,
    int *ret_version, struct diag *reterr)
{
	int error = run_sql(db, "BEGIN", reterr);

	if (error < 0)
		return error;
	error = read_version(db, access, ret_version, reterr);
	if (!sqlite3_get_autocommit(db))
		(void)run_sql(db, "ROLLBACK", NULL);
	return error;
}

/* ---- the writer's side ------------------------------------------------ */

static int use_wal_once(sqlite3 *db, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int rc =
	    sqlite3_prepare_v2(db, "PRAGMA journal_mode = WAL", -1, &st, NULL);
	int error = 0;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc != SQLITE_ROW) {
		error = stmt_error(db, rc, reterr);
	} else if (strcmp(stmt_column_text(st, 0), "wal") != 0) {
		error = diag_set(reterr, -EIO,
		    "found a file system without shared memory, on which "
		    "SQLite has no WAL");
	}
	sqlite3_finalize(st);
	return error;
}

/* SQLite does not wait for this change of mode as it waits for locks. */
static int use_wal(sqlite3 *db, int left_ms, struct diag *reterr)
{
	const struct timespec pause = { .tv_nsec = WAL_RETRY_MS * 1000000L };
	int error;

	while ((error = use_wal_once(db, reterr)) == -EBUSY && left_ms > 0) {
		nanosleep(&pause, NULL);
		left_ms -= WAL_RETRY_MS;
	}
	return error;
}

static int migrate_once(sqlite3 *db, int *ret_version, struct diag *reterr)
{
	char set_version[48];
	int version = 0;
	int error = run_sql(db, "BEGIN IMMEDIATE", reterr);

	if (error < 0)
		return error;
	if ((error = read_version(db, REGISTRY_WRITE, &version, reterr)) < 0)
		goto rollback;
	if (version < migrations_n) {
		(void)snprintf(set_version, sizeof(set_version),
		    "PRAGMA user_version = %d", version + 1);
		if ((error = run_sql(db, migrations[version].sql, reterr)) <
		        0 ||
		    (error = run_sql(db, set_version, reterr)) < 0) {
			error = diag_prefix(reterr, error, "migration %s",
			    migrations[version].name);
			goto rollback;
		}
		version++;
	}
	if ((error = run_sql(db, "COMMIT", reterr)) < 0)
		goto rollback;
	*ret_version = version;
	return 0;

rollback:
	if (!sqlite3_get_autocommit(db))
		(void)run_sql(db, "ROLLBACK", NULL);
	return error;
}

static int set_up_writer(struct registry *r, struct diag *reterr)
{
	sqlite3 *db = r->db;
	int error;

	if (sqlite3_db_readonly(db, "main") == 1) {
		return diag_set(
		    reterr, -EACCES, "no permission to write to the file");
	}
	if ((error = look_at_version(db, REGISTRY_WRITE, &r->version, reterr)) <
	        0 ||
	    (error = use_wal(db, r->busy_ms, reterr)) < 0 ||
	    (error = run_sql(db, writer_setup, reterr)) < 0)
		return error;
	if (r->version == migrations_n)
		return 0;
	/*
	 * For each new column SQLite holds all rows to all rules again, 5 us
	 * each. They were when they were written, and defaults keep theirs.
	 */
	bool is_new = r->version == 0;
	error = run_sql(db, "PRAGMA ignore_check_constraints = ON", reterr);
	while (error == 0 && r->version < migrations_n)
		error = migrate_once(db, &r->version, reterr);
	if (error < 0)
		return error;
	/* so that the file is a registry, whatever befalls its log */
	if (is_new)
		(void)run_sql(db, "PRAGMA wal_checkpoint(PASSIVE)", NULL);
	return run_sql(db, "PRAGMA ignore_check_constraints = OFF", reterr);
}

/* ---- the reader's side ------------------------------------------------ */

static int set_up_reader(
    struct registry *r, enum registry_access access, struct diag *reterr)
{
	int error = run_sql(r->db, reader_setup, reterr);

	if (error < 0 ||
	    (error = look_at_version(r->db, access, &r->version, reterr)) < 0)
		return error;
	if (!r->version) {
		return diag_set(
		    reterr, -ENODATA, "the file is empty: no registry yet");
	}
	if (r->version < migrations_n && access == REGISTRY_READ) {
		return diag_set(reterr, -ENODATA,
		    "found schema version %d, expected %d: the registrar has "
		    "not migrated it yet",
		    r->version, migrations_n);
	}
	return 0;
}

/* path as a URI that promises SQLite that nobody writes to the file. */
static char *immutable_uri(const char *path)
{
	static const char prefix[] = "file:";
	static const char suffix[] = "?immutable=1";
	char *uri = xmalloc(sizeof(prefix) + 3 * strlen(path) + sizeof(suffix));
	char *end = stpcpy(uri, prefix);

	for (const char *p = path; *p; p++) {
		if (strchr("%?#", *p)) {
			end += sprintf(end, "%%%02x", (unsigned)*p);
		} else {
			*end++ = *p;
		}
	}
	memcpy(end, suffix, sizeof(suffix));
	return uri;
}

static bool has_wal(const char *path)
{
	scoped_free char *wal = xasprintf("%s-wal", path);
	struct stat st;

	return stat(wal, &st) == 0 && st.st_size > 0;
}

/*
 * A registry without WAL in a directory that we may not write to, such as a
 * backup on a read-only disk: SQLite can read it only if told that it does
 * not change. registry_revision() sees when that ends to be true.
 */
static int open_unlocked(const char *path, enum registry_access access,
    struct registry *r, struct diag *reterr)
{
	scoped_free char *uri = immutable_uri(path);
	struct stat before;

	if (stat(path, &before) < 0)
		return diag_set(reterr, -errno, "%s", strerror(errno));
	if (has_wal(path)) {
		return diag_set(reterr, -EACCES,
		    "found a WAL that cannot be read without permission to "
		    "write to the directory");
	}
	sqlite3_close(r->db);
	int rc = sqlite3_open_v2(uri, &r->db,
	    SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX |
	        SQLITE_OPEN_EXRESCODE,
	    NULL);
	if (rc != SQLITE_OK)
		return stmt_error(r->db, rc, reterr);
	r->unlocked_path = xstrdup(path);
	r->unlocked_stat = before;
	return set_up_reader(r, access, reterr);
}

bool registry_is_outdated(const struct registry *r)
{
	struct stat now;

	if (!r->unlocked_path)
		return false;
	return stat(r->unlocked_path, &now) < 0 ||
	       now.st_ino != r->unlocked_stat.st_ino ||
	       now.st_dev != r->unlocked_stat.st_dev ||
	       now.st_size != r->unlocked_stat.st_size ||
	       now.st_mtim.tv_sec != r->unlocked_stat.st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != r->unlocked_stat.st_mtim.tv_nsec ||
	       has_wal(r->unlocked_path);
}

/* ---- open and close --------------------------------------------------- */

static int busy_ms_of(enum registry_access access)
{
	switch (access) {
	case REGISTRY_READ:
		return BUSY_READ_MS;
	case REGISTRY_ANY:
	case REGISTRY_WRITE:
		return BUSY_WRITE_MS;
	case REGISTRY_WRITE_NOWAIT:
		return BUSY_NOWAIT_MS;
	}
	return BUSY_WRITE_MS;
}

static void harden(sqlite3 *db, enum registry_access access)
{
	int keep_wal = 1;

	sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep_wal);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(
	    db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, is_reader(access), NULL);
	sqlite3_busy_timeout(db, busy_ms_of(access));
}

static int read_id(struct registry *r, struct diag *reterr)
{
	sqlite3_stmt *st;
	int rc =
	    sqlite3_prepare_v2(r->db, "SELECT id FROM registry", -1, &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	const char *id = rc == SQLITE_ROW ? stmt_column_text(st, 0) : NULL;
	int error = 0;
	if (id) {
		(void)snprintf(r->id, sizeof(r->id), "%s", id);
	} else if (rc == SQLITE_ROW || rc == SQLITE_DONE) {
		error = diag_set(reterr, -EUCLEAN, "the registry has no id");
	} else {
		error = stmt_error(r->db, rc, reterr);
	}
	sqlite3_finalize(st);
	return error;
}

/* Of all that is committed; not 0: it is rolled back. */
static int on_commit(void *arg)
{
	return registry_check_faults(arg, NULL) < 0;
}

static int open_file(const char *path, enum registry_access access,
    struct registry *r, struct diag *reterr)
{
	/*
	 * Counting allocations takes a mutex for each. Refused once SQLite
	 * runs, so the first registry of the program decides.
	 */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);

	/* a reader may have to recover the WAL, so it writes if it may */
	int flags =
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	if (!is_reader(access))
		flags |= SQLITE_OPEN_CREATE;

	int rc = sqlite3_open_v2(path, &r->db, flags, NULL);
	if (rc != SQLITE_OK)
		return stmt_error(r->db, rc, reterr);
	r->busy_ms = busy_ms_of(access);
	harden(r->db, access);
	(void)sqlite3_commit_hook(r->db, on_commit, r);
	int error = walindex_mend(r->db, path, r->busy_ms, reterr);
	if (error < 0)
		return error;
	if (!is_reader(access))
		return set_up_writer(r, reterr);

	error = set_up_reader(r, access, reterr);
	if (error == -EROFS || error == -EACCES || error == -ENOENT)
		return open_unlocked(path, access, r, reterr);
	return error;
}

int registry_open(const char *path, enum registry_access access,
    struct registry **ret_r, struct diag *reterr)
{
	if (!*path) { /* SQLite would make a temporary database */
		return diag_set(
		    reterr, -EINVAL, "cannot open registry '': no name");
	}

	struct registry *r = xcalloc(1, sizeof(*r));

	fault_catch();
	r->faults = fault_count();
	fault_enter();
	int error = open_file(path, access, r, reterr);
	if (error == 0)
		error = read_id(r, reterr);
	fault_leave();
	int fault = registry_check_faults(r, reterr);
	if (fault < 0) /* whatever SQLite made of it */
		error = fault;
	if (error < 0) {
		registry_close(r);
		return diag_prefix(
		    reterr, error, "cannot open registry '%s'", path);
	}
	*ret_r = r;
	return 0;
}

void registry_close(struct registry *r)
{
	if (!r)
		return;
	fault_enter();
	for (int i = 0; i < STMT_N; i++)
		sqlite3_finalize(r->stmts[i]);
	if (registry_check_faults(r, NULL) < 0) {
		/* an index that is not to be trusted */
		sqlite3_db_config(
		    r->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	}
	int rc = sqlite3_close(r->db);
	fault_leave();
	assert(rc == SQLITE_OK); /* else a statement is left somewhere */
	free(r->unlocked_path);
	free(r);
}

bool registry_has_moved(struct registry *r)
{
	int moved = 0;

	(void)sqlite3_file_control(
	    r->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
	return moved != 0;
}

bool registry_is_newer(const struct registry *r)
{
	return r->version > migrations_n;
}

const char *registry_id(const struct registry *r)
{
	return r->id;
}
