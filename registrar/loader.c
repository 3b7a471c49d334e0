// SPDX-License-Identifier: BSD-2-Clause
/*
 * A file is in force or not, and apart from that its present text is good,
 * broken, or pending: good in itself, but another file has one of its
 * instances. Pending texts are tried again when a burst of changes has
 * settled, for the other file may have given it up in the same burst.
 */
#include "registrar/loader.h"

#include "registrar/definition/definition_guess.h"
#include "registrar/discovery/discovery.h"
#include "registrar/instance/fleet.h"
#include "registrar/store/store.h"
#include "schema/base/log.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct file {
	char *path;    /* as in messages and in rows */
	bool in_force; /* some version of it */
	char *text;    /* that version */
	bool seen;     /* the directory has it */
	bool broken;   /* its present text is not in force */
	char *pending; /* a good text that another file is in the way of */
	bool told;     /* so the log says already */
	bool hidden;   /* of what it holds nothing is said */
	/* why its present text is not in force, and of which services it
	 * seems to be (JSON); NULL: it is, or it is pending */
	char *refused, *about;
	TAILQ_ENTRY(file) link;
};

struct loader {
	const char *dir;
	const struct definition_defaults *defaults;
	struct fleet *fleet;
	struct store *store;
	struct discovery *discovery; /* NULL: none */
	bool settled;     /* the directory has been read, at least once */
	bool dir_missing; /* it could not be, so far */
	bool dir_refused; /* it cannot be, and the registry says so */
	TAILQ_HEAD(, file) files;
	void *tree; /* the same, by path */
};

static int by_path(const void *a, const void *b)
{
	const struct file *x = a, *y = b;

	return strcmp(x->path, y->path);
}

static struct file *file_find(const struct loader *l, const char *path)
{
	scoped_free char *key = xstrdup(path);
	const struct file probe = { .path = key };
	struct file *const *found = tfind(&probe, &l->tree, by_path);

	return found ? *found : NULL;
}

static struct file *file_get(struct loader *l, const char *path)
{
	struct file *f = file_find(l, path);

	if (f)
		return f;
	f = xcalloc(1, sizeof(*f));
	f->path = xstrdup(path);
	TAILQ_INSERT_HEAD(&l->files, f, link);
	if (!tsearch(f, &l->tree, by_path))
		abort(); /* out of memory */
	return f;
}

static void file_free(struct file *f)
{
	free(f->refused);
	free(f->about);
	free(f->pending);
	free(f->text);
	free(f->path);
	free(f);
}

static void set_in_force(struct file *f, const char *text)
{
	free(f->text);
	f->text = xstrdup(text);
	f->in_force = true;
}

/* So the registry says, to those who look there. text NULL: not known. */
static void refuse(
    struct loader *l, struct file *f, const char *why, const char *text)
{
	free(f->refused);
	free(f->about);
	f->refused = xstrdup(why);
	f->about = text ? definition_guess(text) : xstrdup("[]");
	store_put_refused(l->store, f->path, f->refused, f->about);
}

/* What is wrong with a file that is hidden would say what it holds. */
static void conceal(const struct file *f, struct diags *d)
{
	if (!f->hidden || !d->n)
		return;
	diags_init(d);
	(void)diags_add(d, -EINVAL,
	    "'%s' is a link to a file that not everybody may read, and found "
	    "no good definition: `registrar check` says why",
	    f->path);
}

static void refuse_diags(
    struct loader *l, struct file *f, const struct diags *d, const char *text)
{
	scoped_free char *all = xstrdup("");

	for (unsigned n = 0; n < d->n; n++) {
		char *longer =
		    xasprintf("%s%s%s", all, n ? "\n" : "", d->items[n].text);

		free(all);
		all = longer;
	}
	refuse(l, f, all, f->hidden ? NULL : text);
}

static void forgive(struct loader *l, struct file *f)
{
	if (!f->refused)
		return;
	free(f->refused);
	free(f->about);
	f->refused = f->about = NULL;
	store_put_refused(l->store, f->path, NULL, NULL);
}

static void log_diags(const struct diags *d)
{
	for (unsigned n = 0; n < d->n; n++)
		log_error("%s", d->items[n].text);
	if (d->more)
		log_error("and %u more like these", d->more);
}

static void log_warnings(const struct diags *d)
{
	for (unsigned n = 0; n < d->n; n++)
		log_warn("%s", d->items[n].text);
	if (d->more)
		log_warn("and %u more like these", d->more);
}

static void say_what_holds(const struct file *f)
{
	if (f->in_force) {
		log_warn(
		    "the last good version of '%s' stays in force", f->path);
	} else {
		log_warn("'%s' is not in force; what the registry has of it "
		         "stays as it is",
		    f->path);
	}
}

/* Consumes d. */
static int put_in_force(
    struct loader *l, struct definition *d, struct diags *reterr)
{
	int r = fleet_put(l->fleet, d, reterr);

	if (r < 0) {
		definition_free(d);
	} else {
		discovery_put(l->discovery, d);
	}
	return r;
}

/* All of a burst is told. */
static void settle(struct loader *l)
{
	discovery_settle(l->discovery);
	fleet_settle(l->fleet);
}

/* ---- texts of earlier runs -------------------------------------------- */

struct stored {
	char *path, *text;
	struct stored *next;
};

static void collect(void *arg, const char *file, const char *text)
{
	struct stored **list = arg;
	struct stored *s = xcalloc(1, sizeof(*s));

	s->path = xstrdup(file);
	s->text = xstrdup(text);
	s->next = *list;
	*list = s;
}

static void use_stored(struct loader *l, const struct stored *s)
{
	struct file *f = file_find(l, s->path);
	struct definition *d;
	struct diags why;

	if (f ? !f->broken || f->in_force : !l->dir_missing)
		return;
	diags_init(&why);
	int r = definition_parse(
	    s->path, s->text, strlen(s->text), l->defaults, &d, &why);

	if (r == 0)
		r = put_in_force(l, d, &why);
	if (r < 0) {
		log_diags(&why);
		log_warn("the version of '%s' kept in the registry cannot be "
		         "used",
		    s->path);
		return;
	}
	f = file_get(l, s->path);
	set_in_force(f, s->text);
	log_warn("'%s': its last good version, kept in the registry, is in "
	         "force",
	    s->path);
}

static void look_into_registry(struct loader *l)
{
	struct stored *list = NULL;

	(void)store_read_definitions(l->store, collect, &list);
	while (list) {
		struct stored *s = list;

		list = s->next;
		use_stored(l, s);
		free(s->path);
		free(s->text);
		free(s);
	}
}

/* ---- texts of now ----------------------------------------------------- */

/* -EEXIST: another file is in the way, reterr says which. */
static int try_text(
    struct loader *l, struct file *f, const char *text, struct diags *reterr)
{
	struct definition *d;
	int r = definition_parse(
	    f->path, text, strlen(text), l->defaults, &d, reterr);

	if (r == 0)
		r = put_in_force(l, d, reterr);
	if (r < 0)
		return r;
	if (d->warnings && !f->hidden)
		log_warnings(d->warnings);
	log_info("'%s' is in force: services=%u", f->path, d->service_n);
	f->broken = false;
	forgive(l, f);
	set_in_force(f, text);
	store_put_definition(l->store, f->path, text);
	return 0;
}

void loader_changed(struct loader *l, const struct defdir_text *t)
{
	scoped_free char *path = xasprintf("%s/%s", l->dir, t->name);
	struct file *f = file_get(l, path);
	struct diags why;

	free(f->pending);
	f->pending = NULL;
	f->told = false;
	f->seen = true;
	f->broken = true;
	f->hidden = t->hidden;
	/* definition_parse() would stop at a NUL, which is no YAML anyway */
	if (strlen(t->text) != t->len) {
		struct diag nul;

		(void)diag_set(
		    &nul, -EINVAL, "%s: found a NUL, expected text", f->path);
		log_error("%s", nul.text);
		refuse(l, f, nul.text, t->hidden ? NULL : t->text);
		return;
	}
	diags_init(&why);
	int r = try_text(l, f, t->text, &why);

	if (r == -EEXIST) {
		f->pending = xstrdup(t->text);
	} else if (r < 0) {
		conceal(f, &why);
		log_diags(&why);
		refuse_diags(l, f, &why, t->text);
		if (f->in_force)
			say_what_holds(f);
	}
}

/* So the registry says: all that was defined there is as it was. */
static void refuse_dir(struct loader *l, const char *why)
{
	store_put_refused(l->store, l->dir, why, "[]");
	l->dir_refused = true;
}

void loader_failed(struct loader *l, const char *name, const char *why)
{
	if (!name) {
		log_error("%s", why); /* which names it */
		refuse_dir(l, why);
		l->dir_missing = !l->settled;
		look_into_registry(l);
		return;
	}
	scoped_free char *path = xasprintf("%s/%s", l->dir, name);
	struct file *f = file_get(l, path);

	scoped_free char *text =
	    xasprintf("cannot read '%s': %s", f->path, why);

	log_error("%s", text);
	refuse(l, f, text, NULL);
	f->seen = true;
	f->broken = true;
	if (f->in_force)
		say_what_holds(f);
}

void loader_hollow(struct loader *l, const char *why)
{
	l->dir_missing = !l->settled;
	look_into_registry(l);
	/* a first start has nothing to lose */
	if (TAILQ_EMPTY(&l->files))
		return;
	log_warn("%s", why);
	refuse_dir(l, why);
}

/* True: one of them could be put in force. */
static bool try_pending(struct loader *l)
{
	struct file *f;
	bool any = false;

	TAILQ_FOREACH (f, &l->files, link) {
		struct diags why;

		if (!f->pending)
			continue;
		diags_init(&why);
		if (try_text(l, f, f->pending, &why) < 0)
			continue;
		free(f->pending);
		f->pending = NULL;
		any = true;
	}
	return any;
}

static void tell_pending(struct loader *l)
{
	struct file *f;

	TAILQ_FOREACH (f, &l->files, link) {
		struct diags why;

		if (!f->pending || f->told)
			continue;
		f->told = true;
		diags_init(&why);
		(void)try_text(l, f, f->pending, &why);
		log_diags(&why);
		refuse_diags(l, f, &why, f->pending);
		if (f->in_force)
			say_what_holds(f);
	}
}

/* Forget a file and withdraw what it defined. */
static void drop(struct loader *l, struct file *f)
{
	TAILQ_REMOVE(&l->files, f, link);
	tdelete(f, &l->tree, by_path);
	forgive(l, f);
	discovery_remove(l->discovery, f->path);
	fleet_remove(l->fleet, f->path);
	store_put_definition(l->store, f->path, NULL);
	file_free(f);
}

/* Those that only the registry knew: the directory does not have them. */
static void drop_unseen(struct loader *l)
{
	struct file *f = TAILQ_FIRST(&l->files);

	while (f) {
		struct file *next = TAILQ_NEXT(f, link);

		if (!f->seen)
			drop(l, f);
		f = next;
	}
}

void loader_removed(struct loader *l, const char *name)
{
	scoped_free char *path = xasprintf("%s/%s", l->dir, name);
	struct file *f = file_find(l, path);

	if (!f)
		return;
	log_info("'%s' was removed", path);
	drop(l, f);
}

/*
 * While one is leaving nobody knows who is in whose way: a rename is no error.
 */
void loader_settled(struct loader *l, bool whole, bool leaving)
{
	struct file *f;
	bool first = whole && !l->settled;

	l->settled |= whole;
	if (whole) {
		l->dir_missing = false;
		if (l->dir_refused)
			store_put_refused(l->store, l->dir, NULL, NULL);
		l->dir_refused = false;
	}
	if (first)
		drop_unseen(l);
	while (try_pending(l))
		;
	settle(l);
	if (!leaving)
		tell_pending(l);
	if (!first)
		return;
	look_into_registry(l);
	settle(l);
	TAILQ_FOREACH (f, &l->files, link) {
		if (f->broken && !f->in_force)
			say_what_holds(f);
	}
	store_reconcile(l->store);
}

void loader_registry_opened(struct loader *l)
{
	const struct file *f;

	look_into_registry(l);
	settle(l);
	/* it may be another one than before */
	store_clear_refused(l->store);
	TAILQ_FOREACH (f, &l->files, link) {
		if (f->in_force)
			store_put_definition(l->store, f->path, f->text);
		if (f->refused) {
			store_put_refused(
			    l->store, f->path, f->refused, f->about);
		}
	}
}

void loader_found(struct loader *l)
{
	/* rows that were left because nobody could tell */
	if (l->settled)
		store_reconcile(l->store);
}

/* ---- what is wanted --------------------------------------------------- */

bool loader_row_wanted(const struct loader *l, const char *zone,
    const char *service, const char *instance, const char *definition)
{
	const struct file *f;

	if (fleet_has(l->fleet, zone, service, instance))
		return true;
	if (definition && discovery_is_unsure(l->discovery, definition))
		return true;
	/* of a file that is there, but not in any version that we can read */
	f = definition ? file_find(l, definition) : NULL;
	return f && f->broken && !f->in_force;
}

bool loader_file_wanted(const struct loader *l, const char *file)
{
	return file_find(l, file) != NULL;
}

struct loader *loader_new(const char *dir,
    const struct definition_defaults *defaults, struct fleet *fleet,
    struct store *store, struct discovery *discovery)
{
	struct loader *l = xcalloc(1, sizeof(*l));

	TAILQ_INIT(&l->files);
	l->dir = dir;
	l->defaults = defaults;
	l->fleet = fleet;
	l->store = store;
	l->discovery = discovery;
	return l;
}

void loader_free(struct loader *l)
{
	if (!l)
		return;
	while (!TAILQ_EMPTY(&l->files)) {
		struct file *f = TAILQ_FIRST(&l->files);

		TAILQ_REMOVE(&l->files, f, link);
		tdelete(f, &l->tree, by_path);
		file_free(f);
	}
	free(l);
}
