// SPDX-License-Identifier: BSD-2-Clause
/*
 * registrar import: what is wrong, or what was left out, goes to standard
 * error, a line each.
 */
#include "registrar/command/commands.h"
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

int command_import(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	const struct import_config config = { .registry = o->run.registry,
		.zone = o->run.zone,
		.address = o->run.address,
		.file = rest->items[0],
		.format = o->format };
	struct import_result result;
	struct diags why;
	int error = import_run(&config, &result, &why);

	if (error < 0) {
		for (unsigned i = 0; i < why.n; i++) {
			(void)fprintf(
			    stderr, "registrar: %s\n", why.items[i].text);
		}
		if (why.more) {
			(void)fprintf(stderr, "registrar: there is more; "
			                      "nothing was imported\n");
		}
		return error == -EINVAL ? EXIT_WRONG : EXIT_FAILED;
	}
	print_left_out(&result);
	(void)printf("%lu instance%s, %lld change%s", result.instances_n,
	    result.instances_n == 1 ? "" : "s", (long long)result.changes_n,
	    result.changes_n == 1 ? "" : "s");
	if (result.left_out_n)
		(void)printf("; %lu left out", result.left_out_n);
	(void)fputc('\n', stdout);
	return EXIT_DONE;
}
