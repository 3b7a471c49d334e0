// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/definition/definition_guess.h"

#include "schema/base/xalloc.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 16
#define NAME_MAX_LEN 62

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_';
}

/* What stands behind a key that ends at p: `: name`, `": "name"`. */
static size_t value_at(const char *p, const char **ret_value)
{
	p += *p == '"' || *p == '\'';
	p += strspn(p, " \t");
	if (*p != ':')
		return 0;
	p++;
	p += strspn(p, " \t");
	p += *p == '"' || *p == '\'';
	size_t len = 0;

	while (is_word(p[len]))
		len++;
	*ret_value = p;
	return len <= NAME_MAX_LEN ? len : 0;
}

struct guess {
	FILE *out;
	const char *names[NAMES_MAX];
	size_t lens[NAMES_MAX];
	unsigned n;
};

static void add(struct guess *g, const char *name, size_t len)
{
	for (unsigned k = 0; k < g->n; k++) {
		if (g->lens[k] == len && !memcmp(g->names[k], name, len))
			return;
	}
	if (g->n == NAMES_MAX)
		return;
	(void)fprintf(g->out, "%s\"", g->n ? "," : "");
	for (size_t k = 0; k < len; k++)
		(void)fputc(tolower((unsigned char)name[k]), g->out);
	(void)fputc('"', g->out);
	g->names[g->n] = name;
	g->lens[g->n++] = len;
}

static void add_behind(struct guess *g, const char *text, const char *key)
{
	size_t key_len = strlen(key);

	for (const char *p = text; (p = strstr(p, key)); p += key_len) {
		const char *value = NULL;
		size_t len = value_at(p + key_len, &value);

		if (len && (p == text || !is_word(p[-1])))
			add(g, value, len);
	}
}

char *definition_guess(const char *text)
{
	char *json = NULL;
	size_t len;
	struct guess g = { .out = open_memstream(&json, &len) };

	if (!g.out)
		abort(); /* out of memory */
	(void)fputc('[', g.out);
	add_behind(&g, text, "service");
	if (text[strspn(text, " \t\r\n")] == '{')
		add_behind(&g, text, "name");
	(void)fputc(']', g.out);
	(void)fclose(g.out);
	return json;
}
