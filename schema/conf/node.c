// SPDX-License-Identifier: BSD-2-Clause
/*
 * libyaml's events are put into a tree by a stack of open collections; its
 * own document loader would resolve aliases, so it is not used.
 */
#include "schema/conf/node.h"

#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define SHOW_LEN 48 /* of a text that an error repeats */

struct builder {
	struct conf_context *c;
	yaml_parser_t parser;
	struct conf_node *open[CONF_MAX_DEPTH];
	struct conf_node *key[CONF_MAX_DEPTH]; /* waits for its value */
	unsigned depth;
	struct conf_node *root;
	unsigned documents;
	bool done;
	const char *end;    /* of the text */
	struct pair *pairs; /* of surrogates, in their order */
	unsigned pair_n;
};

/* Where "\uD83D\uDE80" became "\U0001F680", two columns less. */
struct pair {
	unsigned line, column;
};
#define PAIR_SAVES 2

int conf_bad(
    struct conf_context *c, const struct conf_node *at, const char *fmt, ...)
{
	struct diag d;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(d.text, sizeof(d.text), fmt, ap);
	va_end(ap);
	c->error_n++;
	if (!at->line)
		return diags_add(c->diags, -EINVAL, "%s: %s", c->file, d.text);
	return diags_add(c->diags, -EINVAL, "%s:%u:%u: %s", c->file, at->line,
	    at->column, d.text);
}

void conf_warn(
    struct conf_context *c, const struct conf_node *at, const char *fmt, ...)
{
	struct diag d;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(d.text, sizeof(d.text), fmt, ap);
	va_end(ap);
	(void)diags_add(c->warnings, 0, "%s:%u:%u: %s", c->file, at->line,
	    at->column, d.text);
}

bool conf_is_null(const struct conf_node *n)
{
	return n->type == CONF_SCALAR && n->plain &&
	       (!*n->text || strcmp(n->text, "~") == 0 ||
	           strcmp(n->text, "null") == 0);
}

static const char word_characters[] = "abcdefghijklmnopqrstuvwxyz"
                                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "0123456789._-";

/* `{address}` alone, which YAML takes for a map. */
static bool is_bare_template(const struct conf_node *n)
{
	if (n->type != CONF_MAP || n->n != 1 || !conf_is_null(n->first) ||
	    *n->first->text)
		return false;
	const char *word = n->first->key->text;
	size_t len = strspn(word, word_characters);

	return len && len <= SHOW_LEN && !word[len];
}

const char *conf_describe(struct conf_context *c, const struct conf_node *n)
{
	if (n->type == CONF_LIST)
		return "a list";
	if (is_bare_template(n)) {
		return arena_printf(
		    c->arena, "{%s} outside of quotes", n->first->key->text);
	}
	if (n->type == CONF_MAP)
		return "a map";
	if (conf_is_null(n))
		return "nothing";
	size_t len = strlen(n->text);
	bool cut = len > SHOW_LEN;

	if (cut) {
		/* not in the middle of a UTF-8 sequence */
		for (len = SHOW_LEN; (n->text[len] & 0xc0) == 0x80; len--)
			;
	}
	char *shown = arena_memdup(c->arena, n->text, len);

	for (char *p = shown; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	}
	return arena_printf(c->arena, "'%s%s'", shown, cut ? "..." : "");
}

const char *conf_describe_hidden(
    struct conf_context *c, const struct conf_node *n)
{
	if (n->type != CONF_SCALAR || conf_is_null(n))
		return conf_describe(c, n);
	return arena_printf(c->arena, "a value of %zu octets", strlen(n->text));
}

const struct conf_node *conf_get(const struct conf_node *map, const char *key)
{
	for (const struct conf_node *n = map->first; n; n = n->next) {
		if (n->key && strcmp(n->key->text, key) == 0)
			return n;
	}
	return NULL;
}

/* ---- errors of the YAML itself ---------------------------------------- */

#define ALIAS_TEXT                                                             \
	"found an anchor or alias ('&' or '*'), expected the value itself, "   \
	"in quotes if it begins so"

/* The commonest complaints of libyaml in words that help to mend them. */
static const struct {
	const char *problem, *text;
} problems[] = {
	{ "did not find expected alphabetic or numeric character", ALIAS_TEXT },
	{ "mapping values are not allowed in this context",
	    "found ':' where no key can stand, expected the value in quotes "
	    "or the key on its own line" },
	{ "could not find expected ':'",
	    "found a line without ':', expected 'key: value'" },
	{ "did not find expected key",
	    "found something that is no key here, expected a key at the "
	    "indentation of those before it" },
	{ "did not find expected '-' indicator",
	    "found something that is no '-' here, expected '-' at the "
	    "indentation of those before it" },
	{ "did not find expected ',' or ']'",
	    "found the list not closed, expected ',' or ']'" },
	{ "did not find expected ',' or '}'",
	    "found the map not closed, expected ',' or '}'" },
	{ "found unexpected end of stream",
	    "found the end of the file, expected a closing quote" },
	{ "found character that cannot start any token",
	    "found a character that no value begins with (a tab, '%', '@' or "
	    "'`'), expected blanks for indentation, quotes around the value" },
};

/* "{word}" at p: its length, or 0. */
static size_t template_len(const char *p, const char *end)
{
	size_t len = 1;

	if (*p != '{')
		return 0;
	while (p + len < end && p[len] && strchr(word_characters, p[len]))
		len++;
	return len > 1 && len <= SHOW_LEN && p + len < end && p[len] == '}'
	           ? len + 1
	           : 0;
}

/*
 * The last `{word}` outside of quotes in the line of the mark that begins
 * there or before: what people write for a template. NULL: there is none.
 */
static const char *find_template(struct builder *b, const char *text)
{
	const yaml_mark_t *mark = &b->parser.problem_mark;
	const char *found = NULL;
	size_t line = 0, column = 0;
	char quote = '\0';

	for (; line < mark->line && text < b->end; text++)
		line += *text == '\n';
	for (; text < b->end && *text != '\n' && column <= mark->column;
	     text++) {
		size_t len = quote ? 0 : template_len(text, b->end);

		if (len)
			found = arena_memdup(b->c->arena, text, len);
		if (quote && *text == quote) {
			quote = '\0';
		} else if (!quote && (*text == '"' || *text == '\'')) {
			quote = *text;
		}
		column += (*text & 0xc0) != 0x80;
	}
	return found;
}

static int bad_syntax(struct builder *b, const char *text)
{
	const yaml_parser_t *p = &b->parser;
	const char *problem = p->problem ? p->problem : "unknown reason";
	struct conf_node at = { .line = (unsigned)p->problem_mark.line + 1,
		.column = (unsigned)p->problem_mark.column + 1 };

	if (p->error == YAML_READER_ERROR) { /* knows only the octet */
		at.line = at.column = 1;
		for (size_t i = 0; i < p->problem_offset; i++) {
			at.line += text[i] == '\n';
			at.column = text[i] == '\n' ? 1 : at.column + 1;
		}
	}
	const char *template =
	    p->error == YAML_PARSER_ERROR ? find_template(b, text) : NULL;

	if (template) {
		return conf_bad(b->c, &at,
		    "found %s outside of quotes, expected the whole value in "
		    "quotes, since '{' begins a map",
		    template);
	}
	for (size_t i = 0; i < sizeof(problems) / sizeof(*problems); i++) {
		if (strcmp(problems[i].problem, problem) == 0)
			return conf_bad(b->c, &at, "%s", problems[i].text);
	}
	return conf_bad(b->c, &at,
	    "found malformed YAML (%s), expected well-formed YAML", problem);
}

/* ---- the tree --------------------------------------------------------- */

/* Where it stands in the file, not in what libyaml got. */
static unsigned column_of(const struct builder *b, const yaml_mark_t *m)
{
	unsigned column = (unsigned)m->column + 1;

	for (unsigned i = 0; i < b->pair_n; i++) {
		const struct pair *p = &b->pairs[i];

		if (p->line == m->line + 1 && p->column < column)
			column += PAIR_SAVES;
	}
	return column;
}

static struct conf_node *node_new(
    struct builder *b, enum conf_node_type type, const yaml_event_t *e)
{
	struct conf_node *n = arena_alloc(b->c->arena, 1, sizeof(*n));

	n->type = type;
	n->line = (unsigned)e->start_mark.line + 1;
	n->column = column_of(b, &e->start_mark);
	n->text = "";
	return n;
}

static int add_key(struct builder *b, struct conf_node *n)
{
	const struct conf_node *map = b->open[b->depth - 1];

	if (n->type != CONF_SCALAR) {
		return conf_bad(b->c, n, "found %s as a key, expected a word",
		    conf_describe(b->c, n));
	}
	if (map->n == CONF_MAX_KEYS) {
		return conf_bad(b->c, n,
		    "found more than %d keys, expected fewer in one map",
		    CONF_MAX_KEYS);
	}
	const struct conf_node *other = conf_get(map, n->text);

	if (other) {
		return conf_bad(b->c, n,
		    "found key %s a second time, expected it once (first in "
		    "line %u)",
		    conf_describe(b->c, n), other->key->line);
	}
	b->key[b->depth - 1] = n;
	return 0;
}

/* Hang n where it belongs. */
static int add_node(struct builder *b, struct conf_node *n)
{
	if (!b->depth) {
		b->root = n;
		return 0;
	}
	struct conf_node *parent = b->open[b->depth - 1];
	struct conf_node **key = &b->key[b->depth - 1];

	if (parent->type == CONF_MAP && !*key)
		return add_key(b, n);
	n->key = *key;
	*key = NULL;
	if (parent->last) {
		parent->last->next = n;
	} else {
		parent->first = n;
	}
	parent->last = n;
	parent->n++;
	return 0;
}

static int add_open(
    struct builder *b, enum conf_node_type type, const yaml_event_t *e)
{
	struct conf_node *n = node_new(b, type, e);
	int r = add_node(b, n);

	if (r < 0)
		return r;
	if (b->depth == CONF_MAX_DEPTH) {
		return conf_bad(b->c, n,
		    "found lists and maps %d deep, expected fewer levels",
		    CONF_MAX_DEPTH + 1);
	}
	b->key[b->depth] = NULL;
	b->open[b->depth++] = n;
	return 0;
}

static int add_scalar(struct builder *b, const yaml_event_t *e)
{
	struct conf_node *n = node_new(b, CONF_SCALAR, e);
	const char *value = (const char *)e->data.scalar.value;

	if (strlen(value) != e->data.scalar.length) {
		return conf_bad(
		    b->c, n, "found a NUL character, expected text without it");
	}
	n->text = arena_memdup(b->c->arena, value, e->data.scalar.length);
	n->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	return add_node(b, n);
}

/* Aliases would let a short text stand for a huge one. */
static int refuse_extras(struct builder *b, const yaml_event_t *e)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;

	if (e->type == YAML_SCALAR_EVENT) {
		anchor = e->data.scalar.anchor;
		tag = e->data.scalar.tag;
	} else if (e->type == YAML_SEQUENCE_START_EVENT) {
		anchor = e->data.sequence_start.anchor;
		tag = e->data.sequence_start.tag;
	} else if (e->type == YAML_MAPPING_START_EVENT) {
		anchor = e->data.mapping_start.anchor;
		tag = e->data.mapping_start.tag;
	}
	const struct conf_node *at = node_new(b, CONF_SCALAR, e);

	if (anchor || e->type == YAML_ALIAS_EVENT)
		return conf_bad(b->c, at, ALIAS_TEXT);
	if (tag) {
		return conf_bad(b->c, at,
		    "found a tag ('!'), expected the value itself, in quotes "
		    "if it begins so");
	}
	return 0;
}

static int take_event(struct builder *b, const yaml_event_t *e)
{
	int r = refuse_extras(b, e);

	if (r < 0)
		return r;
	switch (e->type) {
	case YAML_STREAM_END_EVENT:
		b->done = true;
		return 0;
	case YAML_DOCUMENT_START_EVENT:
		if (b->documents++ == 0)
			return 0;
		return conf_bad(b->c, node_new(b, CONF_SCALAR, e),
		    "found a second document, expected one in a file");
	case YAML_SCALAR_EVENT:
		return add_scalar(b, e);
	case YAML_SEQUENCE_START_EVENT:
		return add_open(b, CONF_LIST, e);
	case YAML_MAPPING_START_EVENT:
		return add_open(b, CONF_MAP, e);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		assert(b->depth > 0);
		b->depth--;
		return 0;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
	case YAML_ALIAS_EVENT:
	default:
		return 0;
	}
}

static int build(struct builder *b, const char *text)
{
	int r = 0;

	while (!b->done && r == 0) {
		yaml_event_t e;

		if (!yaml_parser_parse(&b->parser, &e))
			return bad_syntax(b, text);
		r = take_event(b, &e);
		yaml_event_delete(&e);
	}
	return r;
}

/* ---- JSON's surrogates ------------------------------------------------ */

/* Of a hexadecimal digit; -1: it is none. */
static int digit_value(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) % 16 : -1;
}

/* "\uD83D" at p, of a range of 1024 that begins so; -1: none. */
static int surrogate(const char *p, size_t left, unsigned first)
{
	unsigned unit = 0;

	if (left < 6 || memcmp(p, "\\u", 2) != 0)
		return -1;
	for (int i = 2; i < 6; i++) {
		int digit = digit_value(p[i]);

		if (digit < 0)
			return -1;
		unit = unit * 16 + (unsigned)digit;
	}
	return unit - first < 1024 ? (int)(unit - first) : -1;
}

static void note_pair(
    struct builder *b, unsigned line, unsigned column, unsigned *room)
{
	if (b->pair_n == *room) {
		*room = *room ? 2 * *room : 8;
		b->pairs = xreallocarray(b->pairs, *room, sizeof(*b->pairs));
	}
	b->pairs[b->pair_n++] = (struct pair){ line, column };
}

/*
 * YAML has \U0001F680 for what JSON writes as \uD83D\uDE80, and libyaml knows
 * no pairs. In place, which makes it no longer; the length that it has then.
 */
static size_t join_surrogates(struct builder *b, char *text, size_t len)
{
	unsigned line = 1, column = 1, room = 0;
	bool quoted = false;
	size_t to = 0;

	for (size_t i = 0; i < len; i++) {
		int high = quoted ? surrogate(text + i, len - i, 0xd800) : -1;
		int low = high < 0
		              ? -1
		              : surrogate(text + i + 6, len - i - 6, 0xdc00);

		if (low >= 0) {
			char joined[16];
			int n = snprintf(joined, sizeof(joined), "\\U%08X",
			    0x10000 + (unsigned)high * 1024 + (unsigned)low);

			note_pair(b, line, column, &room);
			memcpy(text + to, joined, (size_t)n);
			to += (size_t)n;
			column += (unsigned)n;
			i += 11;
			continue;
		}
		bool escape = quoted && text[i] == '\\' && i + 1 < len;

		quoted ^= text[i] == '"';
		column += ((unsigned char)text[i] & 0xc0) != 0x80;
		if (text[i] == '\n') {
			line++;
			column = 1;
		}
		text[to++] = text[i];
		if (escape) {
			text[to++] = text[++i];
			column++;
		}
	}
	return to;
}

/* NULL: it is no JSON with pairs, so it stays as it is. */
static char *without_surrogates(
    struct builder *b, const char *text, size_t *len)
{
	size_t start = 0;

	while (start < *len && strchr(" \t\r\n", text[start]))
		start++;
	if (start == *len || (text[start] != '{' && text[start] != '[') ||
	    !memmem(text, *len, "\\u", 2))
		return NULL;
	char *copy = xmalloc(*len + 1);

	memcpy(copy, text, *len);
	*len = join_surrogates(b, copy, *len);
	return copy;
}

int conf_parse_any(struct conf_context *c, const char *text, size_t len,
    const struct conf_node **ret_root)
{
	static const struct conf_node start = { .line = 1, .column = 1 };
	struct builder b = { .c = c };

	if (len > CONF_MAX_LEN) {
		return conf_bad(c, &start,
		    "found %zu octets, expected at most %zu", len,
		    CONF_MAX_LEN);
	}
	if (!yaml_parser_initialize(&b.parser))
		abort(); /* out of memory */
	scoped_free char *joined = without_surrogates(&b, text, &len);

	text = joined ? joined : text;
	b.end = text + len;
	yaml_parser_set_input_string(
	    &b.parser, (const unsigned char *)text, len);
	int r = build(&b, text);

	free(b.pairs);

	yaml_parser_delete(&b.parser);
	if (r == 0)
		*ret_root = b.root;
	return r;
}

int conf_parse(struct conf_context *c, const char *text, size_t len,
    const struct conf_node **ret_root)
{
	static const struct conf_node start = { .line = 1, .column = 1 };
	const struct conf_node *root = NULL;
	int r = conf_parse_any(c, text, len, &root);

	if (r == 0 && !root) {
		return conf_bad(
		    c, &start, "found an empty file, expected a map of keys");
	}
	if (r == 0)
		*ret_root = root;
	return r;
}
