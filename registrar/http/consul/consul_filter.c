// SPDX-License-Identifier: BSD-2-Clause
/*
 * Expressions of ?filter, as Consul's clients write them:
 *
 *	Service.Meta.env == "prod" and not ("old" in Service.Tags)
 *	Checks.Status != critical or Service.Port is not empty
 *
 * Parsed by descent to a tree in an arena, at most DEPTH_MAX deep. A selector
 * is a path of fields, with dots or ["..."]; a list on its way matches if any
 * of its items does, and all of them for what is negated.
 */
#include "registrar/http/consul/consul_impl.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum { DEPTH_MAX = 32, PATH_MAX_N = 8, TEXT_MAX = 4096 };

enum op { OP_AND, OP_OR, OP_NOT, OP_EQUAL, OP_IN, OP_EMPTY };

struct consul_filter {
	enum op op;
	bool negated; /* of the last three */
	const struct consul_filter *left, *right;
	const char *path[PATH_MAX_N];
	unsigned path_n;
	const char *value;
};

struct parser {
	const char *at;
	struct arena *arena;
	unsigned depth;
	struct diag *diag;
};

/* ---- words ------------------------------------------------------------- */

static int wrong(const struct parser *p, const char *expected)
{
	return diag_set(p->diag, -EINVAL, "filter: found '%.40s', expected %s",
	    p->at, expected);
}

static void skip_blanks(struct parser *p)
{
	p->at += strspn(p->at, " \t\r\n");
}

static bool is_in_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '/';
}

/* The word if it comes next, and nothing that goes on. */
static bool take(struct parser *p, const char *word)
{
	size_t len = strlen(word);

	skip_blanks(p);
	if (strncmp(p->at, word, len) != 0 ||
	    (is_in_word(word[len - 1]) && is_in_word(p->at[len])))
		return false;
	p->at += len;
	return true;
}

static int take_quoted(struct parser *p, const char **ret_text)
{
	char quote = *p->at;
	size_t len = 0;
	const char *from = p->at + 1;
	char *text = arena_strdup(p->arena, from);

	for (; *from && *from != quote; from++) {
		if (*from == '\\' && quote == '"' && from[1])
			from++;
		text[len++] = *from;
	}
	if (!*from)
		return wrong(p, "a text in quotes that ends");
	text[len] = '\0';
	p->at = from + 1;
	*ret_text = text;
	return 0;
}

static int take_bare(struct parser *p, const char *more, const char **ret_text)
{
	size_t len = 0;

	while (
	    is_in_word(p->at[len]) || (p->at[len] && strchr(more, p->at[len])))
		len++;
	if (!len)
		return wrong(p, "a word, a number or a text in quotes");
	*ret_text = arena_memdup(p->arena, p->at, len);
	p->at += len;
	return 0;
}

static int take_value(struct parser *p, const char **ret_text)
{
	skip_blanks(p);
	return *p->at == '"' || *p->at == '`' ? take_quoted(p, ret_text)
	                                      : take_bare(p, ".:", ret_text);
}

/* One part more: .Name, ["name"] */
static int take_part(struct parser *p, struct consul_filter *f)
{
	int error;

	if (f->path_n == PATH_MAX_N)
		return wrong(p, "at most 8 fields in each other");
	if (*p->at == '[') {
		p->at++;
		error = *p->at == '"' || *p->at == '`'
		            ? take_quoted(p, &f->path[f->path_n])
		            : wrong(p, "[\"name\"]");
		if (!error && *p->at != ']')
			return wrong(p, "]");
		p->at += !error;
	} else {
		error = take_bare(p, "", &f->path[f->path_n]);
	}
	f->path_n++;
	return error;
}

static int take_selector(struct parser *p, struct consul_filter *f)
{
	int error = take_part(p, f);

	while (!error && (*p->at == '.' || *p->at == '[')) {
		p->at += *p->at == '.';
		error = take_part(p, f);
	}
	return error;
}

/* ---- expressions ------------------------------------------------------- */

static int parse_or(struct parser *p, struct consul_filter **ret_f);

static struct consul_filter *node(struct parser *p, enum op op)
{
	struct consul_filter *f = arena_alloc(p->arena, 1, sizeof(*f));

	*f = (struct consul_filter){ .op = op };
	return f;
}

/* "x" in F, with what stands before `in` in f->value. */
static int parse_membership(struct parser *p, struct consul_filter *f)
{
	f->op = OP_IN;
	f->negated = take(p, "not");
	if (!take(p, "in"))
		return wrong(p, "in or not in");
	skip_blanks(p);
	return take_selector(p, f);
}

/* Behind a selector. */
static int parse_test(struct parser *p, struct consul_filter *f)
{
	if (take(p, "==") || take(p, "!=")) {
		f->negated = p->at[-2] == '!';
		f->op = OP_EQUAL;
		return take_value(p, &f->value);
	}
	if (take(p, "is")) {
		f->negated = take(p, "not");
		f->op = OP_EMPTY;
		return take(p, "empty") ? 0 : wrong(p, "empty");
	}
	f->negated = take(p, "not");
	if (take(p, "contains")) {
		f->op = OP_IN;
		return take_value(p, &f->value);
	}
	return wrong(p, "==, !=, is empty, is not empty or contains");
}

/* A value before `in`, or a selector before its test. */
static int parse_simple(struct parser *p, struct consul_filter *f)
{
	const char *begin = p->at;

	if (*p->at == '"' || *p->at == '`') {
		int error = take_quoted(p, &f->value);

		return error ? error : parse_membership(p, f);
	}
	int error = take_bare(p, ".:", &f->value);
	if (error)
		return error;
	const char *behind = p->at;
	if (take(p, "in") || (take(p, "not") && take(p, "in"))) {
		p->at = behind;
		return parse_membership(p, f);
	}
	p->at = begin;
	error = take_selector(p, f);
	return error ? error : parse_test(p, f);
}

static int parse_term(struct parser *p, struct consul_filter **ret_f)
{
	int error = 0;

	if (p->depth == DEPTH_MAX)
		return wrong(p, "at most 32 levels");
	p->depth++;
	if (take(p, "not")) {
		struct consul_filter *inner = NULL;

		*ret_f = node(p, OP_NOT);
		error = parse_term(p, &inner);
		(*ret_f)->left = inner;
	} else if (take(p, "(")) {
		error = parse_or(p, ret_f);
		if (!error && !take(p, ")"))
			error = wrong(p, ")");
	} else {
		*ret_f = node(p, OP_EQUAL);
		skip_blanks(p);
		error = parse_simple(p, *ret_f);
	}
	p->depth--;
	return error;
}

static int parse_chain(struct parser *p, enum op op, const char *word,
    int (*inner)(struct parser *p, struct consul_filter **ret_f),
    struct consul_filter **ret_f)
{
	struct consul_filter *f = NULL;
	int error = inner(p, &f);

	while (!error && take(p, word)) {
		struct consul_filter *both = node(p, op), *right = NULL;

		error = inner(p, &right);
		both->left = f;
		both->right = right;
		f = both;
	}
	*ret_f = f;
	return error;
}

static int parse_and(struct parser *p, struct consul_filter **ret_f)
{
	return parse_chain(p, OP_AND, "and", parse_term, ret_f);
}

static int parse_or(struct parser *p, struct consul_filter **ret_f)
{
	return parse_chain(p, OP_OR, "or", parse_and, ret_f);
}

int consul_filter_parse(const char *text, struct arena *a,
    struct consul_filter **ret_f, struct diag *reterr)
{
	struct parser p = { text, a, 0, reterr };

	if (strlen(text) > TEXT_MAX)
		return wrong(&p, "at most 4096 octets");
	int error = parse_or(&p, ret_f);

	skip_blanks(&p);
	return error || !*p.at ? error : wrong(&p, "and, or, or the end");
}

/* ---- matching ---------------------------------------------------------- */

static bool is_text(const json_t *value, const char *text)
{
	char number[32];

	if (json_is_string(value))
		return !strcmp(json_string_value(value), text);
	if (json_is_boolean(value))
		return !strcmp(json_is_true(value) ? "true" : "false", text);
	if (!json_is_integer(value))
		return false;
	(void)snprintf(number, sizeof(number), "%lld",
	    (long long)json_integer_value(value));
	return !strcmp(number, text);
}

static bool holds(const json_t *value, const char *text)
{
	const json_t *item;
	size_t i;

	json_array_foreach(value, i, item)
	{
		if (is_text(item, text))
			return true;
	}
	if (json_is_string(value))
		return strstr(json_string_value(value), text);
	return json_object_get(value, text);
}

static bool is_empty(const json_t *value)
{
	return !value || (json_is_array(value) && !json_array_size(value)) ||
	       (json_is_object(value) && !json_object_size(value)) ||
	       (json_is_string(value) && !*json_string_value(value));
}

static bool test(const struct consul_filter *f, const json_t *value)
{
	bool is = f->op == OP_EQUAL ? is_text(value, f->value)
	          : f->op == OP_IN  ? holds(value, f->value)
	                            : is_empty(value);

	return is != f->negated;
}

/* From the k-th part of the path on. */
static int test_from(const struct consul_filter *f, unsigned k,
    const json_t *value, bool *ret_is, struct diag *reterr)
{
	const json_t *item;
	size_t i;

	if (k == f->path_n) {
		*ret_is = test(f, value);
		return 0;
	}
	if (json_is_array(value)) {
		*ret_is = f->negated;
		json_array_foreach(value, i, item)
		{
			int error = test_from(f, k, item, ret_is, reterr);

			if (error || *ret_is != f->negated)
				return error;
		}
		return 0;
	}
	const json_t *next = json_object_get(value, f->path[k]);
	/* a key of a map of words may be missing, a field may not */
	bool is_map = k && strstr(f->path[k - 1], "Meta");
	if (!next && !is_map) {
		return diag_set(reterr, -EINVAL,
		    "filter: Selector \"%.64s\" is not valid", f->path[k]);
	}
	return test_from(f, next ? k + 1 : f->path_n, next, ret_is, reterr);
}

int consul_filter_match(const struct consul_filter *f, const json_t *o,
    bool *ret_matches, struct diag *reterr)
{
	if (f->op == OP_EQUAL || f->op == OP_IN || f->op == OP_EMPTY)
		return test_from(f, 0, o, ret_matches, reterr);
	int error = consul_filter_match(f->left, o, ret_matches, reterr);

	if (error || (f->op == OP_AND && !*ret_matches) ||
	    (f->op == OP_OR && *ret_matches))
		return error;
	if (f->op == OP_NOT) {
		*ret_matches = !*ret_matches;
		return 0;
	}
	return consul_filter_match(f->right, o, ret_matches, reterr);
}

bool consul_filter(struct http_request *q, json_t *list_or_map)
{
	const char *text = http_param(q, "filter");
	struct consul_filter *f = NULL;
	struct diag why = { 0 };
	bool matches = false;
	const char *key;
	json_t *value;
	void *next;

	if (!text || !*text)
		return true;
	int error = consul_filter_parse(text, http_arena(q), &f, &why);

	assert(error || f);
	for (size_t i = 0; !error && i < json_array_size(list_or_map);) {
		error = consul_filter_match(
		    f, json_array_get(list_or_map, i), &matches, &why);
		if (matches) {
			i++;
		} else {
			(void)json_array_remove(list_or_map, i);
		}
	}
	json_object_foreach_safe(list_or_map, next, key, value)
	{
		if (!error)
			error = consul_filter_match(f, value, &matches, &why);
		if (!error && !matches)
			(void)json_object_del(list_or_map, key);
	}
	if (error)
		http_fail(q, 400, "query: filter", "%s", why.text);
	return !error;
}
