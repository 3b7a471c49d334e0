// SPDX-License-Identifier: BSD-2-Clause
/*
 * registrar import: what is wrong, or what was left out, goes to standard
 * error, a line each.
 */
#include "registrar/command/commands.h"
#include "registrar/command/operation.h"
#include "registrar/exchange/import.h"

#include <errno.h>

static void print_left_out(const struct import_result *r)
{
	const struct diags *d = &r->left_out;

	for (unsigned i = 0; i < d->n; i++)
		(void)fprintf(stderr, "registrar: %s\n", d->items[i].text);
	if (d->more)
		(void)fprintf(stderr, "registrar: and %u more\n", d->more);
}

static void print_problems(const struct diags *why, bool imported)
{
	for (unsigned i = 0; i < why->n; i++)
		(void)fprintf(stderr, "registrar: %s\n", why->items[i].text);
	if (why->more) {
		(void)fprintf(stderr, "registrar: there is more%s\n",
		    imported ? "" : "; nothing was imported");
	}
}

static const char *plural(unsigned long n)
{
	return n == 1 ? "" : "s";
}

static void print_result(const struct import_result *r, bool dry)
{
	(void)printf("%s%lu instance%s, %lld change%s", dry ? "would be: " : "",
	    r->instances_n, plural(r->instances_n), (long long)r->changes_n,
	    plural((unsigned long)r->changes_n));
	if (r->refused_n)
		(void)printf("; %lu refused", r->refused_n);
	if (r->left_out_n)
		(void)printf("; %lu left out", r->left_out_n);
	(void)fputc('\n', stdout);
}

static void print_change(const char *line)
{
	(void)printf("%s\n", line);
}

int command_import(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	struct arena *a = arena_new();
	const char *who = operation_actor(a);
	const struct import_config config = { .registry = o->run.registry,
		.zone = o->run.zone,
		.address = o->run.address,
		.take_over = o->take_over,
		.who = who,
		.file = rest->items[0],
		.format = o->format,
		.would = o->dry_run ? print_change : NULL };
	struct import_result result;
	struct diags why;
	int error = import_run(&config, &result, &why);
	bool imported = error == 0 || result.instances_n;

	arena_free(a);
	if (error < 0)
		print_problems(&why, imported);
	if (imported) {
		print_left_out(&result);
		print_result(&result, o->dry_run);
	}
	if (error == 0)
		return EXIT_DONE;
	return error == -EINVAL ? EXIT_WRONG : EXIT_FAILED;
}
