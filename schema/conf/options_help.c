// SPDX-License-Identifier: BSD-2-Clause
/*
 * What options.c has to say to a person.
 */
#include "schema/conf/options.h"
#include "schema/conf/options_builtin.h"

#include <string.h>

static const struct conf_field builtin_fields[] = {
	{ .key = "config",
	    .kind = CONF_STRING,
	    .offset = offsetof(struct options_builtin, config),
	    .arg = "FILE",
	    .help = "Configuration; " OPTIONS_FILE " is read if it exists" },
	{ .key = "help",
	    .kind = CONF_BOOL,
	    .offset = offsetof(struct options_builtin, help),
	    .help = "Print this and exit" },
	{ .key = "version",
	    .kind = CONF_BOOL,
	    .offset = offsetof(struct options_builtin, version),
	    .help = "Print the version and exit" },
	{ 0 },
};
const struct conf_table options_builtin_table = {
	.what = "the command line",
	.size = sizeof(struct options_builtin),
	.fields = builtin_fields,
};

const char *options_swap(
    const char *text, char from, char to, char buf[static OPTIONS_NAME_MAX])
{
	size_t i = 0;

	for (; i < OPTIONS_NAME_MAX - 1 && text[i]; i++)
		buf[i] = (char)(text[i] == from ? to : text[i]);
	buf[i] = '\0';
	return buf;
}

#define WIDTH 80
#define HELP_INDENT 26

static void put_indent(FILE *f, unsigned n)
{
	(void)fprintf(f, "%*s", (int)n, "");
}

/* Words up to WIDTH; `column` is where the cursor stands already. */
static void put_words(
    FILE *f, unsigned indent, unsigned column, const char *text)
{
	while (*text) {
		unsigned len = (unsigned)strcspn(text, " ");

		if (column > indent && column + 1 + len > WIDTH) {
			(void)fputc('\n', f);
			put_indent(f, indent);
			column = indent;
		}
		if (column > indent) {
			(void)fputc(' ', f);
			column++;
		}
		(void)fprintf(f, "%.*s", (int)len, text);
		column += len;
		text += len;
		text += strspn(text, " ");
	}
	(void)fputc('\n', f);
}

void options_print_wrapped(FILE *f, unsigned indent, const char *text)
{
	put_indent(f, indent);
	put_words(f, indent, indent, text);
}

static void put_flag(FILE *f, const struct conf_field *field, struct arena *a)
{
	char buf[64];
	bool many = field->kind == CONF_STRINGS;
	const char *text = arena_printf(a, "  --%s%s%s",
	    options_swap(field->key, '_', '-', buf), field->arg ? " " : "",
	    field->arg ? field->arg : "");
	const char *help = arena_printf(a, "%s%s%s%s%s",
	    field->help ? field->help : "", many ? "; may be repeated" : "",
	    field->fallback ? " (default: " : "",
	    field->fallback ? field->fallback : "", field->fallback ? ")" : "");

	(void)fputs(text, f);
	if (strlen(text) + 1 > HELP_INDENT) {
		(void)fputc('\n', f);
		put_indent(f, HELP_INDENT);
	} else {
		put_indent(f, HELP_INDENT - (unsigned)strlen(text));
	}
	put_words(f, HELP_INDENT, HELP_INDENT, help);
}

void options_print_help(FILE *f, const struct options_spec *spec)
{
	const struct conf_table *tables[] = { spec->table,
		&options_builtin_table };
	const char *before = "usage: ";
	struct arena *a = arena_new();

	for (const char *const *line = spec->usage; *line; line++) {
		(void)fprintf(f, "%s%s\n", before, *line);
		before = "       ";
	}
	if (spec->about) {
		(void)fputc('\n', f);
		options_print_wrapped(f, 0, spec->about);
	}
	(void)fputc('\n', f);
	for (unsigned i = 0; i < 2; i++) {
		for (const struct conf_field *x = tables[i]->fields; x->key;
		     x++) {
			if (!x->scope || (x->scope & spec->scope))
				put_flag(f, x, a);
		}
	}
	arena_free(a);
}

void options_print_errors(
    FILE *f, const struct options_spec *spec, const struct diags *d)
{
	for (unsigned i = 0; i < d->n; i++)
		(void)fprintf(f, "%s: %s\n", spec->program, d->items[i].text);
	if (d->more) {
		(void)fprintf(
		    f, "%s: %u more errors\n", spec->program, d->more);
	}
}
