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

static void leave_look(struct defdir_files *d, struct file *f);

static void forget_file(struct defdir_files *d, struct file *f)
{
	tdelete(f, &d->tree, by_name);
	leave_look(d, f);
	free_file(f);
}

/* ---- looking at one file ---------------------------------------------- */

/*
 * Here it is decided what is gone and what is not seen. Gone is a file whose
 * name is not in a directory that is there and holds other definitions; or
 * the only one. All else is not seen: whatever the error, a link that leads
 * nowhere, a directory without any.
 */
enum sight { SIGHT_FILE, SIGHT_GONE, SIGHT_UNSEEN };

/* What to look for, and what there was. */
struct look {
	struct errand errand;
	char *path;
	size_t max_len;
	uid_t owner;
	bool link;
	/* unless it is this one, or NULL, it is read */
	bool knows;
	struct identity known;
	/* what there was */
	enum sight sight;
	struct identity id;
	off_t size;
	bool equal; /* it is the one that was known */
	int error;  /* of reading, or of the sight: why says more */
	struct diag why;
	struct defdir_text text; /* without a name */
	char *held;              /* its text */
};

/*
 * In a sticky directory anybody may make a link, and have us read what only we
 * may. -EPERM: it is one of such a user's.
 */
static int check_link(struct look *l)
{
	struct stat st;

	l->link = lstat(l->path, &st) == 0 && S_ISLNK(st.st_mode);
	return l->link ? trust_check(&st, l->owner, &l->why) : 0;
}

static enum sight unseen(struct look *l, int error, const char *why)
{
	l->error = diag_set(&l->why, -error, "%s", why);
	return SIGHT_UNSEEN;
}

static enum sight see(struct look *l, struct stat *ret_st)
{
	if (stat(l->path, ret_st) == 0) {
		if (S_ISREG(ret_st->st_mode))
			return SIGHT_FILE;
		if (S_ISDIR(ret_st->st_mode))
			return SIGHT_GONE;
		return unseen(l, EINVAL, "found no regular file, expected one");
	}
	if (errno != ENOENT && errno != ENOTDIR)
		return unseen(l, errno, strerror(errno));
	if (lstat(l->path, ret_st) == 0) {
		return unseen(l, ENOENT, "what the link leads to is not there");
	}
	return errno == ENOENT || errno == ENOTDIR
	           ? SIGHT_GONE
	           : unseen(l, errno, strerror(errno));
}

/*
 * What was looked at by name may be another file by now, or a link.
 */
static int read_trusted(struct look *l)
{
	struct stat st;
	scoped_fd int fd = open(l->path,
	    O_RDONLY | O_CLOEXEC | O_NONBLOCK | (l->link ? 0 : O_NOFOLLOW));

	if (fd < 0 || fstat(fd, &st) < 0)
		return diag_set(&l->why, -errno, "%s", strerror(errno));
	int r = trust_check(&st, l->owner, &l->why);

	if (r < 0)
		return r;
	l->text.hidden =
	    (l->link || st.st_nlink > 1) && !(st.st_mode & S_IROTH);
	r = conf_read_fd(
	    fd, l->path, l->max_len, &l->held, &l->text.len, &l->why);
	l->text.text = l->held;
	return r;
}

/* Maybe in another thread. */
static void run_look(struct errand *e)
{
	struct look *l = (struct look *)(void *)e;
	struct stat st;

	l->sight = see(l, &st);
	if (l->sight != SIGHT_FILE)
		return;
	/* before reading: a change meanwhile has another identity */
	l->id = identity_of(&st);
	l->size = st.st_size;
	l->equal = l->knows && identity_equal(&l->known, &l->id);
	if (!l->equal)
		l->error = read_trusted(l);
}

static void look_free(struct look *l)
{
	if (!l)
		return;
	free(l->held);
	free(l->path);
	free(l);
}

static void free_errand(struct errand *e)
{
	look_free((struct look *)(void *)e);
}

static struct look *look_new(const struct defdir_files *d, struct file *f)
{
	struct look *l = xcalloc(1, sizeof(*l));
	bool forced = f->forced || (f->unread && d->retry);

	l->errand = (struct errand){ .run = run_look, .free = free_errand };
	l->path = xasprintf("%s/%s", d->path, f->name);
	l->max_len = d->max_len;
	l->owner = d->owner;
	l->knows = f->there && !forced;
	l->known = f->id;
	l->text.name = f->name;
	f->forced = false;
	return l;
}

/*
 * Links lead out of the directory, to where somebody else may hang. NULL: it
 * does, and f->look is what may be over later.
 */
static struct look *look_at(struct defdir_files *d, struct file *f)
{
	struct look *l = look_new(d, f);

	/* the kernel may not even let us look through it */
	if ((l->error = check_link(l)) < 0) {
		l->sight = SIGHT_UNSEEN;
		return l;
	}
	int64_t for_ms = patient_has_some(d->patient) ? DEFDIR_PATIENCE_LEFT_MS
	                                              : DEFDIR_PATIENCE_MS;
	int r = patient_do(l->link ? d->patient : NULL, &l->errand, for_ms);

	if (r == 0)
		return l;
	if (r == -ETIMEDOUT) {
		f->look = l;
		return NULL;
	}
	l->sight = unseen(l, EAGAIN, "no thread is left to look at it");
	return l;
}

/* True: it hangs still. */
static bool hangs(struct defdir_files *d, struct file *f)
{
	if (!f->look)
		return false;
	if (!patient_is_over(d->patient, &f->look->errand))
		return true;
	look_free(f->look);
	f->look = NULL;
	return false;
}

static void leave_look(struct defdir_files *d, struct file *f)
{
	if (f->look)
		patient_leave(d->patient, &f->look->errand);
	f->look = NULL;
}

/* ---- what is told of it ----------------------------------------------- */

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
static bool is_doubtful(struct file *f, const struct look *l)
{
	bool odd = !l->size || (size_t)l->size != l->text.len;

	f->doubted = odd && !f->doubted;
	f->forced = f->doubted;
	return f->doubted;
}

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

static void take_gone(struct defdir_files *d, struct file *f)
{
	if (f->there && !is_gone(d))
		return; /* the next scan decides */
	if (f->there) {
		d->there_n--;
		d->told = true;
		d->ops.removed(d->ops.arg, f->name);
	}
	forget_file(d, f);
}

/* By its size or its owner; all else may pass by itself. */
static bool is_final(int error)
{
	return error == -EPERM || error == -EFBIG || error == -EINVAL;
}

static void take_file(
    struct defdir_files *d, struct file *f, struct look *l, int64_t now_ms)
{
	if (l->equal)
		return;
	d->hollow = false;
	if (l->error < 0 && !is_final(l->error)) {
		cannot_see(d, f, l->why.text, now_ms);
		return;
	}
	set_there(d, f);
	f->id = l->id;
	f->unread = l->error < 0;
	if (f->unread) {
		defdir_files_error(d, f->name, l->why.text);
	} else if (is_doubtful(f, l)) {
		defdir_files_enqueue(d, f, now_ms + DEFDIR_DOUBT_MS);
	} else {
		d->told = true;
		d->ops.changed(d->ops.arg, &l->text);
	}
}

void defdir_files_look(struct defdir_files *d, struct file *f, int64_t now_ms)
{
	struct look *l = hangs(d, f) ? NULL : look_at(d, f);

	if (!l) {
		cannot_see(d, f, "no answer: what it leads to hangs", now_ms);
	} else if (l->sight == SIGHT_UNSEEN) {
		cannot_see(d, f, l->why.text, now_ms);
	} else if (l->sight == SIGHT_GONE) {
		take_gone(d, f); /* may free f */
	} else {
		take_file(d, f, l, now_ms);
		if (l->link && !f->queued)
			defdir_files_enqueue(d, f, now_ms + DEFDIR_LINK_MS);
	}
	look_free(l);
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

bool defdir_files_is_one_leaving(const struct defdir_files *d)
{
	const struct file *f;
	struct stat st;

	TAILQ_FOREACH (f, &d->queue, link) {
		scoped_free char *path = xasprintf("%s/%s", d->path, f->name);

		if (f->there && !f->look && lstat(path, &st) < 0 &&
		    (errno == ENOENT || errno == ENOTDIR))
			return true;
	}
	return false;
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
	d->patient = patient_new(DEFDIR_HANGING_MAX);
	TAILQ_INIT(&d->queue);
}

void defdir_files_release(struct defdir_files *d)
{
	while (d->tree)
		forget_file(d, *(struct file *const *)d->tree);
	patient_free(d->patient);
	free(d->gone);
	free(d->path);
}
