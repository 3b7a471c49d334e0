// SPDX-License-Identifier: BSD-2-Clause
/*
 * Lists and maps of strings as the registry stores them.
 */
#include "schema/conf/fields.h"

#include <stdio.h>
#include <stdlib.h>

static void put_text(FILE *f, const char *s)
{
	(void)fputc('"', f);
	for (; *s; s++) {
		unsigned char ch = (unsigned char)*s;

		if (ch == '"' || ch == '\\') {
			(void)fprintf(f, "\\%c", ch);
		} else if (ch < 0x20 || ch == 0x7f) {
			(void)fprintf(f, "\\u%04x", ch);
		} else {
			(void)fputc(ch, f);
		}
	}
	(void)fputc('"', f);
}

/* Texts in memory: nothing but want of memory can go wrong. */
static const char *finish(struct arena *a, FILE *f, char **text, size_t *len)
{
	if (fclose(f) != 0)
		abort();
	const char *copy = arena_memdup(a, *text, *len);

	free(*text);
	return copy;
}

const char *conf_strings_json(struct arena *a, const struct conf_strings *s)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		abort();
	(void)fputc('[', f);
	for (unsigned i = 0; i < s->n; i++) {
		if (i)
			(void)fputc(',', f);
		put_text(f, s->items[i]);
	}
	(void)fputc(']', f);
	return finish(a, f, &text, &len);
}

const char *conf_pairs_json(struct arena *a, const struct conf_pairs *p)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		abort();
	(void)fputc('{', f);
	for (unsigned i = 0; i < p->n; i++) {
		if (i)
			(void)fputc(',', f);
		put_text(f, p->items[i].key);
		(void)fputc(':', f);
		put_text(f, p->items[i].value);
	}
	(void)fputc('}', f);
	return finish(a, f, &text, &len);
}
