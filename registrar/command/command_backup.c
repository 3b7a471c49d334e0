// SPDX-License-Identifier: BSD-2-Clause
/*
 * registrar backup, restore: the registry as a file, and back.
 *
 * Without --force nothing is put in place that would lose anything: what would
 * be is said, so that whoever restores in a hurry sees which of the two is the
 * older one, and by how much.
 */
#include "registrar/command/commands.h"
#include "registrar/lib/wall.h"
#include "schema/backup.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const char *when(struct arena *a, const struct backup_state *s)
{
	return s->at_wall_ms ? wall_text(a, s->at_wall_ms) : "an unknown time";
}

static void print_state(
    struct arena *a, const char *what, const struct backup_state *s)
{
	(void)printf("%s: revision %" PRId64 " of %s: %" PRId64
	             " service%s, %" PRId64 " instance%s\n",
	    what, s->revision, when(a, s), s->service_n,
	    s->service_n == 1 ? "" : "s", s->instance_n,
	    s->instance_n == 1 ? "" : "s");
}

static int finish(int error, const struct diag *why)
{
	if (error < 0) {
		(void)fprintf(stderr, "registrar: %s\n", why->text);
		return error == -EINVAL || error == -EEXIST ? EXIT_WRONG
		                                            : EXIT_FAILED;
	}
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_DONE;
	(void)fprintf(stderr, "registrar: cannot write: %s\n", strerror(errno));
	return EXIT_FAILED;
}

int command_backup(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	struct arena *a = arena_new();
	struct backup_state state;
	struct diag why;
	int error = backup_write(o->run.registry, rest->items[0], &state, &why);

	if (error == 0)
		print_state(a, rest->items[0], &state);
	arena_free(a);
	return finish(error, &why);
}

/* ---- restore ----------------------------------------------------------- */

/* "'web.svc.internal', 'api.svc.internal' and 12 more" */
static const char *changed_text(struct arena *a, const struct restore_facts *f)
{
	const char *text = "";
	int64_t n =
	    f->changed_n < RESTORE_NAMES_MAX ? f->changed_n : RESTORE_NAMES_MAX;

	for (int64_t i = 0; i < n; i++) {
		text = arena_printf(
		    a, "%s%s'%s'", text, i ? ", " : "", f->changed[i]);
	}
	if (f->changed_n > n) {
		text = arena_printf(
		    a, "%s and %" PRId64 " more", text, f->changed_n - n);
	}
	return text;
}

/* What is lost by it; NULL: nothing. */
static const char *loss(
    struct arena *a, const char *registry, const struct restore_facts *f)
{
	const char *there =
	    arena_printf(a, "the registry is at revision %" PRId64 " of %s",
	        f->there.revision, when(a, &f->there));
	const char *file = arena_printf(a, "revision %" PRId64 " of %s",
	    f->file.revision, when(a, &f->file));

	switch (f->relation) {
	case RESTORE_NEW:
	case RESTORE_FORWARD:
		return NULL;
	case RESTORE_BACK:
		return arena_printf(a,
		    "%s, the file is older, at %s: what was done since goes, "
		    "of %s",
		    there, file, changed_text(a, f));
	case RESTORE_ASIDE:
		return arena_printf(a,
		    "%s, the file is at %s, and went on from another past, or "
		    "from one of long ago: what was done since goes",
		    there, file);
	case RESTORE_OTHER:
		return arena_printf(a,
		    "%s, with %" PRId64 " instances, the file is a copy of "
		    "another registry, at %s",
		    there, f->there.instance_n, file);
	case RESTORE_DAMAGED:
		return arena_printf(a,
		    "what is there cannot be read: %s; if SQLite cannot even "
		    "write to it, it stays as '%s.damaged'",
		    f->why.text, registry);
	}
	return NULL;
}

static int restore(const struct registrar_options *o, const char *file,
    struct arena *a, struct diag *reterr)
{
	struct restore *x;
	int error = restore_prepare(file, o->run.registry, &x, reterr);

	if (error < 0)
		return error;
	const struct restore_facts *f = restore_facts(x);
	const char *lost = loss(a, o->run.registry, f);
	if (lost && !o->force) {
		error = diag_set(reterr, -EINVAL,
		    "nothing was changed: %s; --force does it all the same",
		    lost);
	}
	if (error == 0 && lost)
		(void)fprintf(stderr, "registrar: %s\n", lost);
	if (error == 0 && (error = restore_put(x, reterr)) == 0)
		print_state(a, o->run.registry, &f->file);
	restore_free(x);
	return error;
}

int command_restore(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	struct arena *a = arena_new();
	struct diag why;
	int error = restore(o, rest->items[0], a, &why);

	arena_free(a);
	return finish(error, &why);
}
