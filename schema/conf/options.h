// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * options - flags and rollcall.yaml, from one table.
 *
 * The row `{ .key = "log_level", ... }` is the flag --log-level and the key
 * `log_level`. The file has one section for each program, named after it;
 * keys marked `common` may also stand at the top, for all programs. What
 * wins: flag, section, top, default. A repeated flag collects into a list
 * where the row is one, and is an error otherwise.
 *
 *	registry: /var/lib/rollcall/registry.db
 *	dnsd:
 *	  zone: [svc.internal]
 *	  listen: [127.0.0.1:53, "[::1]:53"]
 */
#include "schema/conf/fields.h"

#include <stdio.h>

#define OPTIONS_FILE "/etc/rollcall/rollcall.yaml" /* read if it exists */

struct options_spec {
	const char *program;      /* its section in the file */
	const char *const *usage; /* lines behind "usage: "; ends with NULL */
	const char *about;        /* what it does; wrapped by --help */
	const struct conf_table *table;
	unsigned scope;              /* of this command; see conf_field.scope */
	const char *const *others;   /* other sections of the file, with NULL */
	unsigned rest_min, rest_max; /* arguments that are no flags */
	const char *rest_name;       /* "PATH": for errors */
	const char *file;            /* NULL: OPTIONS_FILE; for tests */
};

enum options_action { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_VERSION };

struct options_result {
	enum options_action action; /* HELP, VERSION: nothing else is set */
	struct conf_strings rest;
	const char *config; /* the file that was read, or NULL */
};

/*
 * Fills the struct that spec->table describes. argv ends with NULL and argv[0]
 * is skipped; "--" ends the flags. -EINVAL: diags says everything that is
 * wrong, each line
 * `--flag: found X, expected Y` or `file:line:column: ...`; the caller prints
 * it and exits with 2. Values live in `a`, or in argv.
 */
int options_parse(const struct options_spec *spec, char *const argv[],
    struct arena *a, void *ret_options, struct options_result *ret_result,
    struct diags *reterr);

/* 80 columns: usage, about, one entry for each flag with its default. */
void options_print_help(FILE *f, const struct options_spec *spec);

/* Prints every line of d, with "program: " before it. */
void options_print_errors(
    FILE *f, const struct options_spec *spec, const struct diags *d);

/* Wrapped to 80 columns, every line indented by `indent` blanks. */
void options_print_wrapped(FILE *f, unsigned indent, const char *text);
