// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/exchange/json_items.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_blanks(struct json_items *it)
{
	while (it->at < it->end && is_blank(*it->at))
		it->at++;
}

/* Line and column of at, which never lies before what was asked last. */
static void locate(
    struct json_items *it, const char *at, struct json_item *ret_item)
{
	for (; it->counted < at; it->counted++) {
		if (*it->counted == '\n') {
			it->line++;
			it->line_start = it->counted + 1;
		}
	}
	ret_item->line = it->line;
	ret_item->column = (size_t)(at - it->line_start) + 1;
}

static int bad(struct json_items *it, struct json_item *ret_item,
    const char *expected, struct diag *reterr)
{
	locate(it, it->at, ret_item);
	if (it->at >= it->end) {
		return diag_set(reterr, -EINVAL,
		    "found the end of the text, expected %s", expected);
	}
	char c = *it->at;

	return diag_set(reterr, -EINVAL, "found '%c', expected %s",
	    c > ' ' && c <= '~' ? c : '?', expected);
}

void json_items_of_text(struct json_items *it, const char *text, size_t len)
{
	*it = (struct json_items){ .at = text,
		.end = text + len,
		.counted = text,
		.line_start = text,
		.line = 1 };
}

void json_items_of(struct json_items *it, const struct json_item *parent)
{
	*it = (struct json_items){ .at = parent->text + 1,
		.end = parent->text + parent->len,
		.counted = parent->text,
		.line_start = parent->text + 1 - parent->column,
		.line = parent->line,
		.close = *parent->text == '[' ? ']' : '}' };
}

/* Behind the closing quote; NULL: there is none. */
static const char *string_end(const char *at, const char *end)
{
	for (at++; at < end; at++) {
		if (*at == '"')
			return at + 1;
		at += *at == '\\';
	}
	return NULL;
}

/* Behind the bracket that closes the one at `at`. */
static const char *bracket_end(const char *at, const char *end)
{
	size_t depth = 0;

	while (at && at < end) {
		if (*at == '"') {
			at = string_end(at, end);
			continue;
		}
		depth += *at == '[' || *at == '{';
		if ((*at == ']' || *at == '}') && --depth == 0)
			return at + 1;
		at++;
	}
	return NULL;
}

static const char *value_end(const char *at, const char *end)
{
	if (at == end || strchr(",:]}", *at))
		return NULL;
	if (*at == '"')
		return string_end(at, end);
	if (*at == '[' || *at == '{')
		return bracket_end(at, end);
	while (at < end && !is_blank(*at) && !strchr(",:]}", *at))
		at++;
	return at;
}

static int take_key(
    struct json_items *it, struct json_item *item, struct diag *reterr)
{
	const char *end = it->at < it->end && *it->at == '"'
	                      ? string_end(it->at, it->end)
	                      : NULL;

	if (!end)
		return bad(it, item, "a key in quotes", reterr);
	item->key = it->at + 1;
	item->key_len = (size_t)(end - it->at) - 2;
	it->at = end;
	skip_blanks(it);
	if (it->at == it->end || *it->at != ':')
		return bad(it, item, "':'", reterr);
	it->at++;
	skip_blanks(it);
	return 0;
}

/* Up to the next item: 1, or the end: 0. */
static int advance(
    struct json_items *it, struct json_item *item, struct diag *reterr)
{
	skip_blanks(it);
	if (!it->close)
		return it->at < it->end;
	if (it->at < it->end && *it->at == it->close)
		return 0;
	if (!it->n)
		return 1;
	if (it->at == it->end || *it->at != ',') {
		return bad(it, item,
		    it->close == ']' ? "',' or ']'" : "',' or '}'", reterr);
	}
	it->at++;
	skip_blanks(it);
	return 1;
}

int json_items_next(
    struct json_items *it, struct json_item *ret_item, struct diag *reterr)
{
	*ret_item = (struct json_item){ 0 };
	int more = advance(it, ret_item, reterr);

	if (more <= 0)
		return more;
	if (it->close == '}') {
		int error = take_key(it, ret_item, reterr);

		if (error < 0)
			return error;
	}
	const char *end = value_end(it->at, it->end);

	if (!end)
		return bad(it, ret_item, "a value that ends", reterr);
	ret_item->text = it->at;
	ret_item->len = (size_t)(end - it->at);
	locate(it, it->at, ret_item);
	it->at = end;
	it->n++;
	return 1;
}

json_t *json_item_load(struct json_item *item, struct diag *reterr)
{
	json_error_t e;
	json_t *value = json_loadb(item->text, item->len,
	    JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &e);

	if (value)
		return value;
	if (e.line > 1)
		item->column = 0;
	if (e.line > 0)
		item->line += (unsigned long)e.line - 1;
	item->column += e.column > 0 ? (size_t)e.column - 1 : 0;
	(void)diag_set(
	    reterr, -EINVAL, "found no JSON (%s), expected a value", e.text);
	return NULL;
}
