// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/watchdir/defdir_files.h"

#include "registrar/watchdir/trust.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "schema/conf/node.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

struct identity identity_of(const struct stat *st)
{
	return (struct identity){ .dev = st->st_dev,
		.ino = st->st_ino,
		.size = st->st_size,
		.mtime = st->st_mtim };
}

static bool identity_equal(const struct identity *a, const struct identity *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->mtime.tv_sec == b->mtime.tv_sec &&
	       a->mtime.tv_nsec == b->mtime.tv_nsec;
}

bool defdir_is_definition(const char *name)
{
	/* .hcl is refused, so that nobody waits for it */
	static const char *const ends[] = { ".yaml", ".yml", ".json", ".hcl" };
	size_t len = strlen(name);

	for (size_t i = 0; name[0] != '.' && i < sizeof(ends) / sizeof(*ends);
	     i++) {
		size_t n = strlen(ends[i]);

		if (len > n && strcmp(name + len - n, ends[i]) == 0)
			return true;
	}
	return false;
}

/* ---- the files that are known ----------------------------------------- */

static int by_name(const void *a, const void *b)
{
	const struct file *x = a, *y = b;

	return strcmp(x->name, y->name);
}

struct file *defdir_files_get(struct defdir_files *d, const char *name)
{
	scoped_free char *key = xstrdup(name);
	const struct file probe = { .name = key };
	struct file *const *found = tfind(&probe, &d->tree, by_name);

	if (found)
		return *found;
	struct file *f = xcalloc(1, sizeof(*f));

	f->name = take_ptr(&key);
	if (!tsearch(f, &d->tree, by_name))
		abort(); /* out of memory */
	return f;
}

static void free_file(void *item)
{
	struct file *f = item;

	free(f->name);
	free(f);
}

static void forget_file(struct defdir_files *d, struct file *f)
{
	tdelete(f, &d->tree, by_name);
	free_file(f);
}

/* ---- looking at one file ---------------------------------------------- */

void defdir_files_error(
    struct defdir_files *d, const char *name, const char *why)
{
	d->told = true;
	d->ops.failed(d->ops.arg, name, why);
}

/*
 * Opened for writing and emptied, or written while it was read? Once it has
 * been quiet for a while, it is what it is.
 */
static bool is_doubtful(struct file *f, const struct stat *st, size_t len)
{
	bool odd = !st->st_size || (size_t)st->st_size != len;

	f->doubted = odd && !f->doubted;
	f->forced = f->doubted;
	return f->doubted;
}

/*
 * In a sticky directory anybody may make a link, and have us read what only we
 * may. -EPERM: it is one of such a user's; *ret_link: it is one that counts.
 */
static int check_link(const struct defdir_files *d, const char *path,
    bool *ret_link, struct diag *reterr)
{
	struct stat st;

	*ret_link = lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
	return *ret_link ? trust_check(&st, d->owner, reterr) : 0;
}

/*
 * What was looked at by name may be another file by now, or a link.
 */
static int read_trusted(const struct defdir_files *d, const char *path,
    struct defdir_text *ret_t, char **ret_text, struct diag *reterr)
{
	bool link;
	struct stat st;
	int r = check_link(d, path, &link, reterr);

	if (r < 0)
		return r;
	scoped_fd int fd = open(
	    path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (link ? 0 : O_NOFOLLOW));

	if (fd < 0 || fstat(fd, &st) < 0)
		return diag_set(reterr, -EIO, "%s", strerror(errno));
	if ((r = trust_check(&st, d->owner, reterr)) < 0)
		return r;
	ret_t->hidden = (link || st.st_nlink > 1) && !(st.st_mode & S_IROTH);
	r = conf_read_fd(fd, path, d->max_len, ret_text, &ret_t->len, reterr);
	ret_t->text = *ret_text;
	return r;
}

/* False: look at it again in a while. */
static bool read_one(struct defdir_files *d, struct file *f, const char *path,
    const struct stat *st)
{
	struct defdir_text t = { .name = f->name };
	scoped_free char *text = NULL;
	struct diag why;

	f->unread = read_trusted(d, path, &t, &text, &why) < 0;
	if (f->unread) {
		defdir_files_error(d, f->name, why.text);
		return true;
	}
	if (is_doubtful(f, st, t.len))
		return false;
	d->told = true;
	d->ops.changed(d->ops.arg, &t);
	return true;
}

/* ---- gone, or not seen ------------------------------------------------ */

/*
 * Here it is decided. Gone is a file whose name is not in a directory that is
 * there and holds other definitions; or the only one. All else is not seen:
 * whatever the error, a link that leads nowhere, a directory without any.
 */
enum sight { SIGHT_FILE, SIGHT_GONE, SIGHT_UNSEEN };

static void set_there(struct defdir_files *d, struct file *f)
{
	d->there_n += !f->there;
	f->there = true;
}

static int filter(const struct dirent *e)
{
	return defdir_is_definition(e->d_name);
}

static bool has_any(struct defdir_files *d)
{
	struct dirent **entries;

	if (d->counted)
		return d->any;
	int n = scandir(d->path, &entries, filter, NULL);

	d->counted = true;
	d->any = n > 0;
	for (int i = 0; i < n; i++)
		free(entries[i]);
	if (n >= 0)
		free(entries);
	return d->any;
}

void defdir_files_set_hollow(struct defdir_files *d)
{
	scoped_free char *why = NULL;

	if (d->hollow)
		return;
	d->hollow = true;
	why = xasprintf("'%s' holds no definition: what was defined stays, "
	                "until there is one, or SIGHUP",
	    d->path);
	d->told = true;
	d->ops.hollow(d->ops.arg, why);
}

/* SIGHUP is somebody's word that it is as it should be. */
static bool is_gone(struct defdir_files *d)
{
	if (d->retry)
		return true;
	if (!d->away && !d->hollow && d->there_n > 1 && !has_any(d))
		defdir_files_set_hollow(d);
	return !d->away && !d->hollow;
}

static enum sight look_at(
    const char *path, struct stat *ret_st, const char **ret_why)
{
	*ret_why = "found no regular file, expected one";
	if (stat(path, ret_st) == 0) {
		if (S_ISREG(ret_st->st_mode))
			return SIGHT_FILE;
		return S_ISDIR(ret_st->st_mode) ? SIGHT_GONE : SIGHT_UNSEEN;
	}
	*ret_why = strerror(errno);
	if (errno != ENOENT && errno != ENOTDIR)
		return SIGHT_UNSEEN;
	if (lstat(path, ret_st) == 0) {
		*ret_why = "what the link leads to is not there";
		return SIGHT_UNSEEN;
	}
	return errno == ENOENT || errno == ENOTDIR ? SIGHT_GONE : SIGHT_UNSEEN;
}

/* What is in force stays; said once. It may be back without any event. */
static void cannot_see(
    struct defdir_files *d, struct file *f, const char *why, int64_t now_ms)
{
	if (!f->unread)
		defdir_files_error(d, f->name, why);
	set_there(d, f);
	f->unread = true;
	f->id = (struct identity){ 0 };
	defdir_files_enqueue(d, f, now_ms + DEFDIR_UNSEEN_MS);
}

void defdir_files_look(struct defdir_files *d, struct file *f, int64_t now_ms)
{
	scoped_free char *path = xasprintf("%s/%s", d->path, f->name);
	bool forced = f->forced || (f->unread && d->retry), was = f->there;
	const char *why;
	struct diag refused;
	struct stat st;
	bool link;

	f->forced = false;
	/* the kernel may not even let us look through it */
	if (check_link(d, path, &link, &refused) < 0) {
		cannot_see(d, f, refused.text, now_ms);
		return;
	}
	/* before reading: a change meanwhile has another identity */
	enum sight sight = look_at(path, &st, &why);

	if (sight == SIGHT_UNSEEN) {
		cannot_see(d, f, why, now_ms);
		return;
	}
	if (sight == SIGHT_GONE) {
		if (was && !is_gone(d))
			return; /* the next scan decides */
		if (was) {
			d->there_n--;
			d->told = true;
			d->ops.removed(d->ops.arg, f->name);
		}
		forget_file(d, f);
		return;
	}
	struct identity id = identity_of(&st);

	if (was && !forced && identity_equal(&f->id, &id))
		return;
	set_there(d, f);
	d->hollow = false;
	f->id = id;
	if (!read_one(d, f, path, &st))
		defdir_files_enqueue(d, f, now_ms + DEFDIR_DOUBT_MS);
}

void defdir_files_enqueue(
    struct defdir_files *d, struct file *f, int64_t due_ms)
{
	f->due_ms = due_ms; /* the last event counts */
	if (f->queued)
		return;
	f->queued = true;
	TAILQ_INSERT_TAIL(&d->queue, f, link);
}

static void note_unseen(const void *node, VISIT which, void *arg)
{
	struct file *f = *(struct file *const *)node;
	struct defdir_files *d = arg;

	if ((which != postorder && which != leaf) || f->scan == d->scan)
		return;
	if (d->gone_n == d->gone_max) {
		d->gone_max = d->gone_max ? 2 * d->gone_max : 16;
		d->gone =
		    xreallocarray(d->gone, d->gone_max, sizeof(struct file *));
	}
	d->gone[d->gone_n++] = f;
}

/* Files may have gone for the moment only: look at them again soon. */
void defdir_files_queue_unseen(struct defdir_files *d, int64_t due_ms)
{
	d->gone_n = 0;
	twalk_r(d->tree, note_unseen, d);
	for (unsigned i = 0; i < d->gone_n; i++) {
		if (!d->gone[i]->queued)
			defdir_files_enqueue(d, d->gone[i], due_ms);
	}
}

void defdir_files_look_due(struct defdir_files *d, int64_t now_ms)
{
	struct file_queue todo = TAILQ_HEAD_INITIALIZER(todo);
	struct file *f;

	TAILQ_CONCAT(&todo, &d->queue, link);
	while ((f = TAILQ_FIRST(&todo))) {
		TAILQ_REMOVE(&todo, f, link);
		f->queued = false;
		if (f->due_ms > now_ms) {
			defdir_files_enqueue(d, f, f->due_ms);
		} else {
			defdir_files_look(d, f, now_ms);
		}
	}
}

int64_t defdir_files_next_due_ms(const struct defdir_files *d)
{
	const struct file *f;
	int64_t next_ms = INT64_MAX;

	TAILQ_FOREACH (f, &d->queue, link)
		next_ms = f->due_ms < next_ms ? f->due_ms : next_ms;
	return next_ms;
}

void defdir_files_init(struct defdir_files *d, const char *path, size_t max_len,
    const struct defdir_ops *ops)
{
	*d = (struct defdir_files){
		.path = xstrdup(path), .max_len = max_len, .ops = *ops
	};
	TAILQ_INIT(&d->queue);
}

void defdir_files_release(struct defdir_files *d)
{
	tdestroy(d->tree, free_file);
	free(d->gone);
	free(d->path);
}
