// SPDX-License-Identifier: BSD-2-Clause
/*
 * Two ways into place. Where SQLite can write to what is there, all pages are
 * overwritten in one transaction: locks, owner, mode and log stay right, and
 * programs that have it open see a commit. Where it cannot, since the file is
 * damaged or none of ours, another file takes its place. The log of the old one
 * must not be there then, for SQLite would apply it to the new one; so it is
 * moved away first, and until what may have come in its stead is gone, too,
 * nobody gets a lock on the new file.
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
#include <unistd.h>

/* Where SQLite locks a file: fileformat2.html, 1.4 "The Lock-Byte Page". */
#define LOCK_BYTES_AT 0x40000000
#define LOCK_BYTES_N 512

struct restore {
	char *registry; /* path */
	struct aside aside;
	struct registry *copy; /* open on it */
	struct restore_facts facts;
};

/* ---- compare ----------------------------------------------------------- */

/* A registry that is damaged may say anything. */
static void make_name(char *text)
{
	for (char *p = text; *p; p++) {
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-.", *p))
			*p = '?';
	}
}

static int read_changed(
    struct registry *r, int64_t since, struct restore_facts *f)
{
	static const char sql[] =
	    "SELECT DISTINCT zone, service FROM change WHERE revision > ?";
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(r->db, sql, -1, &st, NULL);

	if (rc == SQLITE_OK) {
		stmt_int(st, 1, since);
		while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
			const char *zone = stmt_column_text(st, 0);
			const char *name = stmt_column_text(st, 1);

			if (f->changed_n++ >= RESTORE_NAMES_MAX)
				continue;
			(void)snprintf(f->changed[f->changed_n - 1],
			    sizeof(f->changed[0]), "%.128s.%.255s",
			    name ? name : "?", zone ? zone : "?");
			make_name(f->changed[f->changed_n - 1]);
		}
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? 0 : -EIO;
}

/* There is a token for each change from 0006 on. */
static int relate(struct registry *there, struct registry *copy,
    enum restore_relation *ret_relation)
{
	const struct registry_mark none = { 0 };
	struct registry_mark old = { 0 }, now = { 0 }, mark;
	bool holds = false;
	int error = registry_read_mark(copy, &none, &old, &holds);

	if (error == 0)
		error = registry_read_mark(there, &old, &now, &holds);
	if (error < 0)
		return error;
	if (holds) {
		*ret_relation = old.revision == now.revision ? RESTORE_FORWARD
		                                             : RESTORE_BACK;
		return 0;
	}
	error = registry_read_mark(copy, &now, &mark, &holds);
	*ret_relation = holds ? RESTORE_FORWARD : RESTORE_ASIDE;
	return error;
}

static int compare_with(struct restore *x, struct registry *there)
{
	struct restore_facts *f = &x->facts;
	int error = backup_read_state(there, &f->there, &f->why);

	if (error < 0)
		return error;
	if (strcmp(f->there.id, f->file.id) != 0) {
		f->relation = RESTORE_OTHER;
		return 0;
	}
	fault_enter();
	error = relate(there, x->copy, &f->relation);
	if (error == -EUCLEAN) { /* of an old schema, most likely */
		f->relation = RESTORE_ASIDE;
		error = 0;
	}
	if (error == 0 && f->relation == RESTORE_BACK)
		error = read_changed(there, f->file.revision, f);
	fault_leave();
	if (error < 0) {
		return diag_set(
		    &f->why, error, "cannot read it: %s", strerror(-error));
	}
	return registry_check_faults(there, &f->why);
}

/* Nothing says that it is damaged. */
static bool is_anothers(int error)
{
	return error == -EBUSY || error == -EACCES || error == -EROFS ||
	       error == -ENOSPC || error == -EEXIST;
}

static int compare(struct restore *x, struct diag *reterr)
{
	struct restore_facts *f = &x->facts;
	struct registry *there;
	struct stat st;

	f->relation = RESTORE_NEW;
	if (stat(x->registry, &st) < 0 && errno == ENOENT)
		return 0;
	int error = registry_open(x->registry, REGISTRY_ANY, &there, &f->why);
	if (error == -ENODATA) /* empty */
		return 0;
	if (error == 0) {
		error = compare_with(x, there);
		registry_close(there);
	}
	if (is_anothers(error))
		return diag_set(reterr, error, "%s", f->why.text);
	if (error < 0) {
		f->relation = RESTORE_DAMAGED;
		f->there = (struct backup_state){ 0 };
	}
	return 0;
}

/* ---- prepare ----------------------------------------------------------- */

static int copy_file(struct restore *x, const char *file, struct diag *reterr)
{
	struct registry *from;
	int error = registry_open(file, REGISTRY_ANY, &from, reterr);

	if (error == 0 && registry_is_newer(from)) {
		error = diag_set(reterr, -EPROTONOSUPPORT,
		    "found schema version %d: a newer Rollcall has written "
		    "it, which has to be used to restore it",
		    from->version);
		registry_close(from);
	}
	if (error < 0)
		return error;
	error = backup_copy(from, x->aside.path, reterr);
	if (error == 0)
		error = backup_read_state(from, &x->facts.file, reterr);
	registry_close(from);
	/* brings it to the present schema */
	if (error == 0) {
		error = registry_open(
		    x->aside.path, REGISTRY_WRITE, &x->copy, reterr);
	}
	return error < 0 ? diag_prefix(reterr, error, "cannot use '%s'", file)
	                 : 0;
}

int restore_prepare(const char *file, const char *registry,
    struct restore **ret_x, struct diag *reterr)
{
	struct restore *x = xcalloc(1, sizeof(*x));
	char *real = realpath(registry, NULL);
	struct stat a, b;
	int error = 0;

	x->aside.fd = -1;
	x->registry = real ? real : xstrdup(registry);
	if (stat(file, &a) == 0 && stat(registry, &b) == 0 &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino) {
		error = diag_set(reterr, -EINVAL,
		    "found the registry '%s' itself, expected a backup", file);
	}
	if (error == 0 &&
	    (error = aside_make(&x->aside, x->registry, reterr)) == 0 &&
	    (error = copy_file(x, file, reterr)) == 0)
		error = compare(x, reterr);
	if (error < 0) {
		restore_free(x);
		return error;
	}
	*ret_x = x;
	return 0;
}

const struct restore_facts *restore_facts(const struct restore *x)
{
	return &x->facts;
}

void restore_free(struct restore *x)
{
	if (!x)
		return;
	registry_close(x->copy);
	aside_release(&x->aside);
	free(x->registry);
	free(x);
}

/* ---- owner ------------------------------------------------------------- */

/* Whose it is to be, as of what stands there now. */
static struct stat wanted(const struct restore *x)
{
	scoped_free char *copy = xstrdup(x->registry);
	struct stat st = { .st_mode = 0640, .st_uid = geteuid() }, dir;
	bool is_there = stat(x->registry, &st) == 0;

	if (geteuid() == 0 && (!is_there || st.st_uid == 0) &&
	    stat(dirname(copy), &dir) == 0 && dir.st_uid != 0) {
		st.st_uid = dir.st_uid;
		st.st_gid = dir.st_gid;
	}
	return st;
}

static int own(const char *path, const struct stat *st)
{
	/* -errno if it is there and cannot be given away */
	if (geteuid() == 0 && lchown(path, st->st_uid, st->st_gid) < 0 &&
	    errno != ENOENT)
		return -errno;
	return 0;
}

static int own_all(
    const struct restore *x, const struct stat *st, struct diag *reterr)
{
	int error = own(x->registry, st);

	for (unsigned i = 0; i < COMPANIONS_N && error == 0; i++) {
		scoped_free char *name =
		    xasprintf("%s%s", x->registry, companions[i]);

		error = own(name, st);
	}
	return error < 0 ? diag_set(reterr, error,
	                       "it is restored, but the owner of '%s' is not: "
	                       "%s",
	                       x->registry, strerror(-error))
	                 : 0;
}

/* ---- the first way ----------------------------------------------------- */

static int overwrite(struct restore *x, struct diag *reterr)
{
	struct registry *to = NULL;
	int error = registry_open(x->registry, REGISTRY_ANY, &to, reterr);

	if (error == 0 && sqlite3_db_readonly(to->db, "main") == 1) {
		error = diag_set(reterr, -EACCES,
		    "no permission to write to '%s'", x->registry);
	} else if (error == 0) {
		error = backup_pages(to, x->copy->db, to->db, reterr);
	}
	if (error == -EBUSY) {
		(void)diag_set(reterr, error,
		    "registry '%s' is locked: another program has kept it so "
		    "for %d s; nothing was changed",
		    x->registry, BUSY_WRITE_MS / 1000);
	}
	registry_close(to);
	return error;
}

/* ---- the second way ---------------------------------------------------- */

static void move_away(const char *from, const char *to, const char *suffix)
{
	scoped_free char *old = xasprintf("%s%s", from, suffix);
	scoped_free char *kept = xasprintf("%s%s", to, suffix);

	(void)unlink(kept);
	(void)rename(old, kept);
}

/* What stands there, for who wants to save something of it. */
static void keep_damaged(const struct restore *x)
{
	scoped_free char *kept = xasprintf("%s.damaged", x->registry);

	if (x->facts.relation == RESTORE_NEW)
		return;
	(void)unlink(kept);
	(void)!link(x->registry, kept);
	move_away(x->registry, kept, "-wal");
	move_away(x->registry, kept, "-journal");
}

static int lock_out(int fd)
{
	struct flock l = { .l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = LOCK_BYTES_AT,
		.l_len = LOCK_BYTES_N };

	return fcntl(fd, F_SETLK, &l) < 0 ? -errno : 0;
}

static void let_in(int fd)
{
	struct flock l = { .l_type = F_UNLCK,
		.l_whence = SEEK_SET,
		.l_start = LOCK_BYTES_AT,
		.l_len = LOCK_BYTES_N };

	(void)fcntl(fd, F_SETLK, &l);
}

static int move_in(
    struct restore *x, const struct stat *st, struct diag *reterr)
{
	int fd = x->aside.fd, error = 0;

	if (fchmod(fd, st->st_mode & 0777) < 0 ||
	    (error = own(x->aside.path, st)) < 0 || fsync(fd) < 0 ||
	    lock_out(fd) < 0) {
		error = error < 0 ? error : -errno;
	} else {
		keep_damaged(x);
		companions_remove(x->registry);
		error = rename(x->aside.path, x->registry) < 0 ? -errno : 0;
		x->aside.is_placed = !error;
		companions_remove(x->registry);
		let_in(fd);
	}
	return error < 0 ? diag_set(reterr, error, "cannot replace '%s': %s",
	                       x->registry, strerror(-error))
	                 : backup_sync(x->registry, fd, reterr);
}

static int replace(
    struct restore *x, const struct stat *st, struct diag *reterr)
{
	struct registry *made = NULL;

	if (geteuid() != 0 && st->st_uid != geteuid()) {
		return diag_set(reterr, -EACCES,
		    "cannot replace '%s', which belongs to user %u: expected "
		    "that user, or root",
		    x->registry, (unsigned)st->st_uid);
	}
	registry_close(x->copy);
	x->copy = NULL;
	int error = backup_fold(x->aside.path, "WAL", reterr);
	if (error == 0)
		error = move_in(x, st, reterr);
	/* for readers who could not make the log and its index */
	if (error == 0) {
		error =
		    registry_open(x->registry, REGISTRY_WRITE, &made, reterr);
	}
	if (error == 0)
		registry_close(made);
	return error;
}

int restore_put(struct restore *x, struct diag *reterr)
{
	const struct stat st = wanted(x);
	int error = -EUCLEAN;

	if (x->facts.relation != RESTORE_NEW)
		error = overwrite(x, reterr);
	if (error == -EUCLEAN)
		error = replace(x, &st, reterr);
	return error < 0 ? error : own_all(x, &st, reterr);
}
