// SPDX-License-Identifier: BSD-2-Clause
/*
 * SQLite copies page by page in one read transaction, which keeps nobody from
 * writing. What was copied is looked at before anybody else can take it for a
 * backup: a page that was damaged long ago would be found when it is needed.
 */
#include "schema/backup_impl.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "schema/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

const char *const companions[COMPANIONS_N] = { "-wal", "-shm", "-journal" };

/* ---- a file that is being made ----------------------------------------- */

void companions_remove(const char *path)
{
	for (unsigned i = 0; i < COMPANIONS_N; i++) {
		scoped_free char *name = xasprintf("%s%s", path, companions[i]);

		(void)unlink(name);
	}
}

static int aside_open(struct aside *a, struct diag *reterr)
{
	a->fd = open(a->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (a->fd < 0) {
		int error = -errno;

		return diag_set(reterr, error, "cannot make '%s': %s", a->path,
		    strerror(-error));
	}
	if (flock(a->fd, LOCK_EX | LOCK_NB) < 0) {
		int error = -errno;

		close(a->fd);
		a->fd = -1;
		return diag_set(reterr, error == -EWOULDBLOCK ? -EBUSY : error,
		    "cannot make '%s': another process is at it", a->path);
	}
	return 0;
}

int aside_make(struct aside *a, const char *file, struct diag *reterr)
{
	a->path = xasprintf("%s.tmp", file);
	int error = aside_open(a, reterr);

	if (error < 0)
		return error;
	companions_remove(a->path);
	if (ftruncate(a->fd, 0) < 0) {
		error = -errno;
		return diag_set(reterr, error, "cannot write '%s': %s", a->path,
		    strerror(-error));
	}
	return 0;
}

void aside_release(struct aside *a)
{
	if (a->fd >= 0) {
		if (!a->is_placed) {
			companions_remove(a->path);
			(void)unlink(a->path);
		}
		close(a->fd);
	}
	a->fd = -1;
	free(a->path);
	a->path = NULL;
}

int backup_sync(const char *file, int fd, struct diag *reterr)
{
	scoped_free char *copy = xstrdup(file);
	scoped_fd int dir =
	    open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fsync(fd) == 0 && dir >= 0 && fsync(dir) == 0)
		return 0;
	int error = -errno;
	return diag_set(
	    reterr, error, "cannot write '%s': %s", file, strerror(-error));
}

/* ---- copy and check ---------------------------------------------------- */

static int run(sqlite3 *db, const char *sql, struct diag *reterr)
{
	int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : stmt_error(db, rc, reterr);
}

/* A database of ours alone, so no locks and no journal of its own. */
static int open_plain(const char *path, sqlite3 **ret_db, struct diag *reterr)
{
	int rc = sqlite3_open_v2(path, ret_db,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
	    NULL);

	return rc == SQLITE_OK ? 0 : stmt_error(*ret_db, rc, reterr);
}

int backup_pages(
    struct registry *live, sqlite3 *from, sqlite3 *to, struct diag *reterr)
{
	fault_enter();
	sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
	int rc = b ? sqlite3_backup_step(b, -1) : SQLITE_ERROR;

	if (b)
		(void)sqlite3_backup_finish(b);
	fault_leave();
	int error = registry_check_faults(live, reterr);
	if (error < 0 || rc == SQLITE_DONE)
		return error;
	return stmt_error(to, rc, reterr);
}

static int check_pages(sqlite3 *db, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int rc =
	    sqlite3_prepare_v2(db, "PRAGMA integrity_check(1)", -1, &st, NULL);
	int error = 0;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	const char *word = rc == SQLITE_ROW ? stmt_column_text(st, 0) : NULL;
	if (!word) {
		error = stmt_error(db, rc, reterr);
	} else if (strcmp(word, "ok") != 0) {
		error = diag_set(reterr, -EUCLEAN, "%s", word);
	}
	sqlite3_finalize(st);
	return error;
}

int backup_copy(struct registry *r, const char *to, struct diag *reterr)
{
	sqlite3 *db = NULL;
	int error = open_plain(to, &db, reterr);

	if (error == 0) {
		error = run(db,
		    "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF;"
		    "PRAGMA temp_store = MEMORY",
		    reterr);
	}
	if (error == 0)
		error = backup_pages(r, r->db, db, reterr);
	if (error == 0)
		error = check_pages(db, reterr);
	sqlite3_close(db);
	return error;
}

int backup_fold(const char *path, const char *mode, struct diag *reterr)
{
	scoped_free char *sql = xasprintf("PRAGMA journal_mode = %s", mode);
	sqlite3 *db = NULL;
	int error = open_plain(path, &db, reterr);

	if (error == 0)
		error = run(db, sql, reterr);
	if (error == 0)
		error = run(db, "PRAGMA wal_checkpoint(TRUNCATE)", reterr);
	sqlite3_close(db);
	return error;
}

/* ---- state ------------------------------------------------------------- */

/* All of these are in every schema from the first on. */
static const char state_sql[] =
    "SELECT (SELECT ifnull(max(revision), 0) FROM change),"
    " max(ifnull((SELECT at_wall_ms FROM history ORDER BY id DESC LIMIT 1), 0),"
    "  ifnull((SELECT max(heartbeat_wall_ms) FROM registrar), 0)),"
    " (SELECT count(*) FROM service), (SELECT count(*) FROM instance)";

int backup_read_state(
    struct registry *r, struct backup_state *ret_state, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;

	fault_enter();
	int rc = sqlite3_prepare_v2(r->db, state_sql, -1, &st, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	fault_leave();
	int error = registry_check_faults(r, reterr);
	if (error == 0 && rc != SQLITE_ROW)
		error = stmt_error(r->db, rc, reterr);
	if (error == 0) {
		*ret_state = (struct backup_state){
			.version = r->version,
			.revision = sqlite3_column_int64(st, 0),
			.at_wall_ms = sqlite3_column_int64(st, 1),
			.service_n = sqlite3_column_int64(st, 2),
			.instance_n = sqlite3_column_int64(st, 3),
		};
		(void)snprintf(
		    ret_state->id, sizeof(ret_state->id), "%s", r->id);
	}
	sqlite3_finalize(st);
	return error;
}

/* ---- a backup ---------------------------------------------------------- */

/* May a file be put there? SQLite would apply an old log to a new file. */
static int check_place(
    const char *registry, const char *file, struct diag *reterr)
{
	struct stat own, st;

	if (lstat(file, &st) == 0 && !S_ISREG(st.st_mode)) {
		return diag_set(reterr, -EEXIST,
		    "found '%s', which is no plain file, expected one or none",
		    file);
	}
	if (stat(registry, &own) == 0 && stat(file, &st) == 0 &&
	    own.st_dev == st.st_dev && own.st_ino == st.st_ino) {
		return diag_set(reterr, -EEXIST,
		    "found the registry '%s' itself, expected another file",
		    file);
	}
	for (unsigned i = 0; i < COMPANIONS_N; i++) {
		scoped_free char *name = xasprintf("%s%s", file, companions[i]);

		if (lstat(name, &st) == 0 && st.st_size) {
			return diag_set(reterr, -EEXIST,
			    "found '%s': some program has '%s' open, or left "
			    "it so; expected a file of its own",
			    name, file);
		}
	}
	return 0;
}

static int place(struct aside *a, const char *registry, const char *file,
    struct diag *reterr)
{
	struct stat st;
	int error = 0;

	/* empty ones do no harm, but for a time */
	companions_remove(file);
	if (stat(registry, &st) < 0 || fchmod(a->fd, st.st_mode & 0777) < 0 ||
	    fsync(a->fd) < 0 || rename(a->path, file) < 0)
		error = -errno;
	if (error < 0) {
		return diag_set(reterr, error, "cannot write '%s': %s", file,
		    strerror(-error));
	}
	a->is_placed = true;
	return backup_sync(file, a->fd, reterr);
}

static int write_copy(struct registry *r, const struct aside *a,
    struct backup_state *ret_state, struct diag *reterr)
{
	int error = backup_copy(r, a->path, reterr);

	if (error < 0) {
		return diag_prefix(reterr, error,
		    "the copy of the registry is not good, nothing was "
		    "written");
	}
	/* so that it is one file, wherever it is read */
	struct registry *copy;
	if ((error = backup_fold(a->path, "DELETE", reterr)) < 0 ||
	    (error = registry_open(a->path, REGISTRY_ANY, &copy, reterr)) < 0)
		return error;
	error = backup_read_state(copy, ret_state, reterr);
	registry_close(copy);
	return error;
}

int backup_write(const char *registry, const char *file,
    struct backup_state *ret_state, struct diag *reterr)
{
	struct aside a = { .fd = -1 };
	struct registry *r;
	int error = check_place(registry, file, reterr);

	if (error < 0 ||
	    (error = registry_open(registry, REGISTRY_ANY, &r, reterr)) < 0)
		return error;
	if ((error = aside_make(&a, file, reterr)) == 0 &&
	    (error = write_copy(r, &a, ret_state, reterr)) == 0)
		error = place(&a, registry, file, reterr);
	aside_release(&a);
	registry_close(r);
	return error;
}
