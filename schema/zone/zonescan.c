// SPDX-License-Identifier: BSD-2-Clause
/*
 * The octet after a word is a blank, a quote, a parenthesis, the beginning of
 * a comment or the end of the line: all of it is behind the scanner when the
 * entry is complete, so a NUL can be put there.
 */
#include "schema/zone/zonescan.h"

#include "schema/base/xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void zonescan_init(struct zonescan *s, char *text, size_t len)
{
	*s = (struct zonescan){ text, text + len, 1 };
}

void zoneentry_release(struct zoneentry *e)
{
	free(e->word);
	*e = (struct zoneentry){ 0 };
}

/* Where a word ends, with its quotes. */
static const char *end_of(const struct zoneword *w)
{
	return w->text + w->len + (w->is_quoted ? 1 : 0);
}

static void add_word(
    struct zoneentry *e, char *text, size_t len, bool is_quoted)
{
	const char *start = text - (is_quoted ? 1 : 0);
	bool is_joined = e->n && end_of(&e->word[e->n - 1]) == start;

	if (e->n == e->room) {
		e->room = 2 * e->room + 16;
		e->word = xreallocarray(e->word, e->room, sizeof(*e->word));
	}
	e->word[e->n++] =
	    (struct zoneword){ text, (uint32_t)len, is_quoted, is_joined };
}

static bool ends_word(char c)
{
	switch (c) {
	case ' ':
	case '\t':
	case '\r':
	case '\n':
	case '(':
	case ')':
	case ';':
	case '"':
	case '\0':
		return true;
	default:
		return false;
	}
}

static int found_nul(
    const struct zonescan *s, struct zoneentry *e, struct diag *reterr)
{
	e->line = s->line;
	return diag_set(reterr, -EINVAL, "found a NUL octet, expected text");
}

static void scan_word(struct zonescan *s, struct zoneentry *e)
{
	char *start = s->at;

	while (s->at < s->end && !ends_word(*s->at)) {
		if (*s->at == '\\' && s->at + 1 < s->end && s->at[1] &&
		    s->at[1] != '\n')
			s->at++;
		s->at++;
	}
	add_word(e, start, (size_t)(s->at - start), false);
}

static int scan_quoted(
    struct zonescan *s, struct zoneentry *e, struct diag *reterr)
{
	char *start = ++s->at;

	while (s->at < s->end && *s->at && *s->at != '"' && *s->at != '\n') {
		if (*s->at == '\\' && s->at + 1 < s->end && s->at[1] &&
		    s->at[1] != '\n')
			s->at++;
		s->at++;
	}
	if (s->at < s->end && !*s->at)
		return found_nul(s, e, reterr);
	if (s->at >= s->end || *s->at != '"') {
		e->line = s->line;
		return diag_set(reterr, -EINVAL,
		    "found the end of the line, expected '\"'");
	}
	add_word(e, start, (size_t)(s->at - start), true);
	s->at++;
	return 0;
}

static void skip_comment(struct zonescan *s)
{
	char *newline = memchr(s->at, '\n', (size_t)(s->end - s->at));

	s->at = newline ? newline : s->end;
}

/* One step inside an entry; 1: it is complete. */
static int step(struct zonescan *s, struct zoneentry *e, unsigned *depth,
    struct diag *reterr)
{
	switch (*s->at) {
	case '\n':
		s->line++;
		s->at++;
		return *depth == 0;
	case ' ':
	case '\t':
	case '\r':
		s->at++;
		return 0;
	case ';':
		skip_comment(s);
		return 0;
	case '(':
		++*depth;
		s->at++;
		return 0;
	case ')':
		if (!*depth) {
			e->line = s->line;
			return diag_set(reterr, -EINVAL,
			    "found ')', expected '(' before it");
		}
		--*depth;
		s->at++;
		return 0;
	case '"':
		return scan_quoted(s, e, reterr);
	case '\0':
		return found_nul(s, e, reterr);
	default:
		scan_word(s, e);
		return 0;
	}
}

static void terminate(const struct zoneentry *e)
{
	for (unsigned i = 0; i < e->n; i++)
		e->word[i].text[e->word[i].len] = '\0';
}

int zonescan_next(struct zonescan *s, struct zoneentry *e, struct diag *reterr)
{
	unsigned depth = 0;

	while (s->at < s->end) {
		int r = 0;

		e->line = s->line;
		e->n = 0;
		e->has_owner = *s->at != ' ' && *s->at != '\t';
		while (s->at < s->end && !r)
			r = step(s, e, &depth, reterr);
		if (r < 0)
			return r;
		if (depth) {
			return diag_set(reterr, -EINVAL,
			    "found the end of the file, expected ')'");
		}
		if (e->n) {
			terminate(e);
			return 1;
		}
	}
	return 0;
}
