// SPDX-License-Identifier: BSD-2-Clause
/*
 * registrar check: what `run` would say to these files, without running.
 */
#include "registrar/command/commands.h"
#include "registrar/command/doubts.h"
#include "registrar/definition/definition.h"
#include "registrar/definition/definition_set.h"
#include "registrar/watchdir/defdir.h"
#include "registrar/watchdir/trust.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <dirent.h>
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Who described a service first: files come in the order of their names. */
struct first_part {
	const struct definition_service *service;
	const char *file;
};

struct checking {
	struct definition_defaults defaults;
	struct definition **kept; /* what `first` borrows from */
	unsigned kept_n;
	void *first; /* tree of struct first_part */
	struct definition_set *set;
	unsigned files, wrong, services, instances, checks, each;
};

static void print_all(const struct diags *d, const char *what)
{
	for (unsigned i = 0; i < d->n; i++)
		(void)fprintf(stderr, "%s\n", d->items[i].text);
	if (d->more)
		(void)fprintf(stderr, "... and %u more %s\n", d->more, what);
}

static void count(struct checking *c, const struct definition *d)
{
	c->services += d->service_n;
	for (unsigned i = 0; i < d->service_n; i++) {
		const struct definition_service *s = &d->services[i];

		c->instances += s->instance_n;
		c->each += s->each_n;
		for (unsigned k = 0; k < s->instance_n; k++)
			c->checks += s->instances[k].check_n;
	}
}

/* Whoever the owner is: it may be another user than the registrar's. */
static int check_mode(const char *path, struct diags *reterr)
{
	struct diag why;
	struct stat st;

	if (stat(path, &st) < 0 ||
	    !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) ||
	    trust_check_mode(&st, &why) == 0)
		return 0; /* or reading it says why not */
	return diags_add(reterr, -EPERM, "%s: %s", path, why.text);
}

static int read_definition(struct checking *c, const char *path,
    struct definition **ret_d, struct diags *reterr)
{
	scoped_free char *text = NULL;
	struct diag why;
	size_t len;
	int mode = check_mode(path, reterr);
	int r = conf_read_file(path, DEFINITION_MAX_LEN, &text, &len, &why);

	if (r < 0)
		return diags_add(reterr, r, "%s", why.text);
	r = definition_parse(path, text, len, &c->defaults, ret_d, reterr);
	if (r == 0)
		r = definition_set_claim(c->set, *ret_d, reterr);
	return r < 0 ? r : mode;
}

static int by_service(const void *a, const void *b)
{
	const struct first_part *x = a, *y = b;
	int order = strcmp(x->service->name, y->service->name);

	return order ? order : strcmp(x->service->zone, y->service->zone);
}

/* What `run` would leave out, since another file says it otherwise. */
static void check_agreement(struct checking *c, const struct definition *d)
{
	for (unsigned n = 0; n < d->service_n; n++) {
		struct first_part *part = xcalloc(1, sizeof(*part));
		char text[256];

		part->service = &d->services[n];
		part->file = d->file;
		struct first_part *const *found =
		    tsearch(part, &c->first, by_service);

		if (!found)
			abort(); /* out of memory */
		if (*found == part)
			continue;
		definition_service_differs(
		    (*found)->service, part->service, text, sizeof(text));
		if (*text) {
			(void)fprintf(stderr,
			    "%s: what it says of service '%s' does not count, "
			    "since '%s' comes first: %s\n",
			    d->file, part->service->name, (*found)->file, text);
		}
		free(part);
	}
}

static void keep(struct checking *c, struct definition *d)
{
	c->kept =
	    xreallocarray(c->kept, c->kept_n + 1, sizeof(struct definition *));
	c->kept[c->kept_n++] = d;
}

static void release(struct checking *c)
{
	tdestroy(c->first, free);
	for (unsigned n = 0; n < c->kept_n; n++)
		definition_free(c->kept[n]);
	free(c->kept);
	definition_set_free(c->set);
}

static void check_file(struct checking *c, const char *path)
{
	struct definition *d = NULL;
	struct diags errors = { 0 };

	c->files++;
	if (read_definition(c, path, &d, &errors) < 0 || !d) {
		c->wrong++;
		print_all(&errors, "errors");
	} else {
		if (d->warnings)
			print_all(d->warnings, "warnings");
		count(c, d);
		check_agreement(c, d);
	}
	keep(c, d);
}

static int filter(const struct dirent *e)
{
	return defdir_is_definition(e->d_name);
}

static void check_directory(struct checking *c, const char *path)
{
	struct diags errors = { 0 };
	struct dirent **entries;
	int n = scandir(path, &entries, filter, alphasort);

	if (n < 0) {
		c->wrong++;
		(void)fprintf(
		    stderr, "cannot read '%s': %s\n", path, strerror(errno));
		return;
	}
	if (check_mode(path, &errors) < 0) {
		c->wrong++;
		print_all(&errors, "errors");
	}
	for (int i = 0; i < n; i++) {
		scoped_free char *file =
		    xasprintf("%s/%s", path, entries[i]->d_name);
		struct stat st;

		if (stat(file, &st) < 0 || !S_ISDIR(st.st_mode))
			check_file(c, file);
		free(entries[i]);
	}
	free(entries);
}

static void check_path(struct checking *c, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		check_directory(c, path);
	} else {
		check_file(c, path);
	}
}

static const char *plural(unsigned n)
{
	return n == 1 ? "" : "s";
}

int command_check(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	struct checking c = { .set = definition_set_new() };

	c.defaults.zone = o->run.zone;
	c.defaults.address = o->run.address;
	for (unsigned i = 0; i < rest->n; i++)
		check_path(&c, rest->items[i]);
	if (!rest->n)
		check_path(&c, o->run.watch);
	doubts_print(c.kept, c.kept_n);
	release(&c);
	if (c.wrong) {
		(void)fprintf(stderr, "%u of %u file%s wrong\n", c.wrong,
		    c.files, plural(c.files));
		return EXIT_WRONG;
	}
	printf("%u file%s right: %u service%s, %u instance%s, %u check%s",
	    c.files, plural(c.files), c.services, plural(c.services),
	    c.instances, plural(c.instances), c.checks, plural(c.checks));
	if (c.each)
		printf(", %u for_each", c.each);
	printf("\n");
	return EXIT_DONE;
}
