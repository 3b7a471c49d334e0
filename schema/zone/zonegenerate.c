// SPDX-License-Identifier: BSD-2-Clause
/*
 * A record is made as text and read like any other, so that what may stand
 * in a record and what is said of a wrong one are the same.
 */
#include "schema/zone/zonegenerate.h"

#include "schema/base/xalloc.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	NUMBER_MAX = 0x7fffffff, /* of the range */
	WIDTH_MAX = 255,         /* no label or text is longer */
};

/* ---- numbers ---------------------------------------------------------- */

/* Digits up to max; false: none, or more than that. */
static bool read_digits(const char **text, uint32_t max, uint32_t *ret_v)
{
	const char *p = *text;
	uint64_t v = 0;

	while (*p >= '0' && *p <= '9' && v <= max)
		v = 10 * v + (uint64_t)(*p++ - '0');
	if (p == *text || v > max)
		return false;
	*text = p;
	*ret_v = (uint32_t)v;
	return true;
}

static bool skip(const char **text, char c)
{
	bool is_there = **text == c;

	*text += is_there;
	return is_there;
}

static int read_range(
    struct zonegenerate *g, const char *text, struct diag *reterr)
{
	const char *p = text;

	g->step = 1;
	if (!read_digits(&p, NUMBER_MAX, &g->at) || !skip(&p, '-') ||
	    !read_digits(&p, NUMBER_MAX, &g->stop) ||
	    (skip(&p, '/') && !read_digits(&p, NUMBER_MAX, &g->step)) || *p ||
	    g->stop < g->at || !g->step) {
		return diag_set(reterr, -EINVAL,
		    "found '%.100s', expected a range such as 1-254 or "
		    "0-100/2",
		    text);
	}
	uint32_t n = (g->stop - g->at) / g->step + 1;
	if (n > ZONEGENERATE_MAX) {
		return diag_set(reterr, -EINVAL,
		    "found a range of %u numbers, expected at most %d", n,
		    ZONEGENERATE_MAX);
	}
	g->left = n;
	return 0;
}

int zonegenerate_begin(struct zonegenerate *ret_g, const struct zoneentry *e,
    unsigned data, struct diag *reterr)
{
	*ret_g = (struct zonegenerate){ .entry = e, .data = data };
	return read_range(ret_g, e->word[1].text, reterr);
}

void zonegenerate_release(struct zonegenerate *g)
{
	free(g->text);
	*g = (struct zonegenerate){ 0 };
}

/* ---- one record ------------------------------------------------------- */

static void add(struct zonegenerate *g, const char *text, size_t len)
{
	if (g->len + len + 1 > g->room) {
		g->room = 2 * g->room + len + 256;
		g->text = xreallocarray(g->text, 1, g->room);
	}
	memcpy(g->text + g->len, text, len);
	g->len += len;
}

/* Digits from the last one on, each a label; width counts dots as well. */
static void add_nibbles(
    struct zonegenerate *g, uint32_t value, unsigned width, bool upper)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	unsigned len = 0;

	for (;;) {
		add(g, &digits[value % 16], 1);
		len++;
		value /= 16;
		if (!value && len >= width)
			return;
		add(g, ".", 1);
		len++;
		if (!value && len >= width)
			return;
	}
}

static void add_number(
    struct zonegenerate *g, int64_t value, unsigned width, char base)
{
	char text[WIDTH_MAX + 32];
	uint32_t bits = (uint32_t)value;
	int n = 0;

	switch (base) {
	case 'o':
		n = snprintf(text, sizeof(text), "%0*o", (int)width, bits);
		break;
	case 'x':
		n = snprintf(text, sizeof(text), "%0*x", (int)width, bits);
		break;
	case 'X':
		n = snprintf(text, sizeof(text), "%0*X", (int)width, bits);
		break;
	case 'n':
	case 'N':
		add_nibbles(g, bits, width, base == 'N');
		return;
	default:
		n = snprintf(
		    text, sizeof(text), "%0*lld", (int)width, (long long)value);
	}
	add(g, text, (size_t)n);
}

/* {OFFSET[,WIDTH[,BASE]]}; *text is behind the `$`. */
static int add_formatted(
    struct zonegenerate *g, const char **text, struct diag *reterr)
{
	const char *p = *text + 1;
	uint32_t offset = 0, width = 0;
	char base = 'd';
	bool minus = skip(&p, '-');
	bool ok = read_digits(&p, NUMBER_MAX, &offset);

	if (ok && skip(&p, ',')) {
		ok = read_digits(&p, WIDTH_MAX, &width);
		if (ok && skip(&p, ',')) {
			ok = *p && strchr("doxXnN", *p);
			base = *p;
			p += ok;
		}
	}
	int64_t value = (int64_t)g->at + (minus ? -1 : 1) * (int64_t)offset;
	if (!ok || *p != '}') {
		return diag_set(reterr, -EINVAL,
		    "found '$%.60s', expected ${OFFSET,WIDTH,BASE} with BASE "
		    "d, o, x, X, n or N",
		    *text);
	}
	if (value < 0 || value > NUMBER_MAX) {
		return diag_set(reterr, -EINVAL,
		    "found number %lld by '$%.60s', expected 0 to %d",
		    (long long)value, *text, NUMBER_MAX);
	}
	add_number(g, value, width, base);
	*text = p + 1;
	return 0;
}

/* inside: text within quotes, where `\"` is a quote. */
static int add_template(
    struct zonegenerate *g, const char *p, bool inside, struct diag *reterr)
{
	int error = 0;

	while (*p && !error) {
		const char *start = p++;

		if (*start == '\\' && *p) {
			p++;
			if (inside && start[1] == '"')
				start++;
			add(g, start, (size_t)(p - start));
		} else if (*start != '$') {
			add(g, start, 1);
		} else if (*p == '$') {
			add(g, p++, 1);
		} else if (*p == '{') {
			error = add_formatted(g, &p, reterr);
		} else {
			add_number(g, g->at, 0, 'd');
		}
	}
	return error;
}

static int add_data(struct zonegenerate *g, struct diag *reterr)
{
	const struct zoneentry *e = g->entry;
	int error = 0;

	if (g->data + 1 == e->n && e->word[g->data].is_quoted)
		return add_template(g, e->word[g->data].text, true, reterr);
	for (unsigned i = g->data; i < e->n && !error; i++) {
		const struct zoneword *w = &e->word[i];

		if (w->is_quoted)
			add(g, "\"", 1);
		error = add_template(g, w->text, false, reterr);
		if (w->is_quoted)
			add(g, "\"", 1);
		add(g, " ", 1);
	}
	return error;
}

int zonegenerate_next(struct zonegenerate *g, struct diag *reterr)
{
	const struct zoneentry *e = g->entry;
	int error;

	if (!g->left)
		return 0;
	g->left--;
	g->len = 0;
	error = add_template(g, e->word[2].text, false, reterr);
	for (unsigned i = 3; i < g->data; i++) { /* TTL, class, type */
		add(g, " ", 1);
		add(g, e->word[i].text, e->word[i].len);
	}
	add(g, " ", 1);
	if (!error)
		error = add_data(g, reterr);
	g->at += g->step;
	return error ? error : 1;
}
