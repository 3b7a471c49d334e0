// SPDX-License-Identifier: BSD-2-Clause
#include "schema/stmt.h"

#include "schema/fault.h"
#include "schema/stmt_texts.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *stmt_sql(enum stmt_id id)
{
	return stmt_texts[id];
}

static bool is_system(int rc)
{
	/* a file that ends too early is no error of the system */
	if (rc == SQLITE_IOERR_SHORT_READ)
		return false;
	return (rc & 0xff) == SQLITE_IOERR || (rc & 0xff) == SQLITE_CANTOPEN;
}

/* The errno below SQLite's error; it does not keep that of a COMMIT. */
static int system_errno(sqlite3 *db)
{
	int kept = sqlite3_system_errno(db);

	return kept ? kept : errno;
}

static int errno_of_system(int system)
{
	switch (system) {
	case ENOENT:
	case ENOTDIR:
		return -ENOENT;
	case EACCES:
	case EPERM:
		return -EACCES;
	case EROFS:
		return -EROFS;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return -ENOSPC;
	default:
		return -EIO;
	}
}

static int errno_of(sqlite3 *db, int rc)
{
	if (rc == SQLITE_IOERR_SHORT_READ)
		return -EUCLEAN;
	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL: /* lost a race for the locks of the WAL */
		return -EBUSY;
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_TOOBIG:
		return -EINVAL;
	case SQLITE_ERROR: /* our texts fit our tables: these are others */
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT:
		return -EUCLEAN;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_NOMEM: /* less may do, once the connection is closed */
		return -ENOMEM;
	default:
		return is_system(rc) ? errno_of_system(system_errno(db)) : -EIO;
	}
}

int stmt_error(sqlite3 *db, int rc, struct diag *reterr)
{
	int error = errno_of(db, rc);
	int system = is_system(rc) ? system_errno(db) : 0;

	if (system) {
		return diag_set(reterr, error, "%s: %s", sqlite3_errmsg(db),
		    strerror(system));
	}
	return diag_set(reterr, error, "%s", sqlite3_errmsg(db));
}

int stmt_get(struct registry *r, enum stmt_id id, sqlite3_stmt **ret_st,
    struct diag *reterr)
{
	if (!r->stmts[id]) {
		fault_enter();
		int rc = sqlite3_prepare_v3(r->db, stmt_texts[id], -1,
		    SQLITE_PREPARE_PERSISTENT, &r->stmts[id], NULL);
		fault_leave();
		int error = registry_check_faults(r, reterr);

		if (error < 0)
			return error;
		if (rc != SQLITE_OK)
			return stmt_error(r->db, rc, reterr);
	}
	*ret_st = r->stmts[id];
	return 0;
}

/* Binding fails only for want of memory, or of a parameter: a bug. */
static void bound(int rc)
{
	assert(rc == SQLITE_OK);
}

void stmt_text(sqlite3_stmt *st, int i, const char *text)
{
	bound(sqlite3_bind_text(st, i, text, -1, SQLITE_STATIC));
}

void stmt_text_cut(sqlite3_stmt *st, int i, const char *text, size_t max)
{
	size_t len = text ? strlen(text) : 0;

	if (len > max) {
		len = max;
		while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
	}
	bound(sqlite3_bind_text(st, i, text, (int)len, SQLITE_STATIC));
}

void stmt_int(sqlite3_stmt *st, int i, int64_t value)
{
	bound(sqlite3_bind_int64(st, i, value));
}

void stmt_int_or_default(sqlite3_stmt *st, int i, int value)
{
	if (value == ROW_DEFAULT) {
		bound(sqlite3_bind_null(st, i));
	} else {
		bound(sqlite3_bind_int(st, i, value));
	}
}

int registry_check_faults(const struct registry *r, struct diag *reterr)
{
	if (r->faults == fault_count())
		return 0;
	return diag_set(reterr, -ESTALE, "the index of its log was cut short");
}

static void reset(sqlite3_stmt *st)
{
	fault_enter();
	sqlite3_reset(st);
	fault_leave();
}

int stmt_step(struct registry *r, sqlite3_stmt *st, struct diag *reterr)
{
	fault_enter();
	int rc = sqlite3_step(st);
	fault_leave();
	int error = registry_check_faults(r, reterr);

	if (error < 0)
		return error;
	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE)
		return 0;
	return stmt_error(r->db, rc, reterr);
}

int stmt_run(struct registry *r, sqlite3_stmt *st, struct diag *reterr)
{
	int error = stmt_step(r, st, reterr);

	reset(st);
	return error < 0 ? error : 0;
}

int stmt_exec(struct registry *r, enum stmt_id id, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error = stmt_get(r, id, &st, reterr);

	return error < 0 ? error : stmt_run(r, st, reterr);
}

const char *stmt_column_text(sqlite3_stmt *st, int i)
{
	return (const char *)sqlite3_column_text(st, i);
}

int stmt_column_int_or_default(sqlite3_stmt *st, int i)
{
	return sqlite3_column_type(st, i) == SQLITE_NULL
	           ? ROW_DEFAULT
	           : sqlite3_column_int(st, i);
}

void stmt_reset_fn(sqlite3_stmt **st)
{
	if (*st)
		reset(*st);
}
