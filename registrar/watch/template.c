// SPDX-License-Identifier: BSD-2-Clause
/*
 * Parsed to a list of parts: texts, words, and where ranges begin, turn to
 * else and end. A text is a piece of what was parsed.
 */
#include "registrar/watch/template.h"

#include "schema/base/xalloc.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { OUT_MAX = 64 << 20 };

enum kind { TEXT, WORD, RANGE, ELSE, END };

struct part {
	enum kind kind;
	const char *text; /* of TEXT: in the template; else ends with NUL */
	size_t len;
	size_t otherwise, end; /* of RANGE: parts; otherwise 0: there is none */
};

struct template
{
	struct part *parts;
	size_t n;
};

/* ---- reading ----------------------------------------------------------- */

struct parser {
	const char *text, *at, *end;
	struct arena *arena;
	struct template *t;
	size_t range; /* 1 + the part that is open; 0: none */
	struct diag *diag;
};

static int wrong(
    const struct parser *p, const char *at, const char *found, const char *want)
{
	unsigned line = 1;

	for (const char *c = p->text; c < at; c++)
		line += *c == '\n';
	return diag_set(p->diag, -EINVAL, "line %u: found %s, expected %s",
	    line, found, want);
}

static struct part *add(
    struct parser *p, enum kind kind, const char *text, size_t len)
{
	struct part *part = &p->t->parts[p->t->n++];

	*part = (struct part){ .kind = kind, .text = text, .len = len };
	return part;
}

static bool is_known(const char *word)
{
	static const char *const words[] = { "name", "service", "zone",
		"address", "port", "endpoint", "weight", "priority", "locality",
		"state", "tags" };

	if (!strncmp(word, "meta.", 5))
		return word[5];
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!strcmp(word, words[i]))
			return true;
	}
	return false;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* What stands between the braces, without blanks around it. */
static char *inside(struct parser *p, const char *from, const char *to)
{
	while (from < to && is_blank(*from))
		from++;
	while (to > from && is_blank(to[-1]))
		to--;
	return arena_memdup(p->arena, from, (size_t)(to - from));
}

static int open_range(struct parser *p, const char *at, char *tag)
{
	char *name = tag + strlen("range");

	if (p->range)
		return wrong(p, at, "range in a range", "end before it");
	while (is_blank(*name))
		name++;
	add(p, RANGE, name, strlen(name));
	p->range = p->t->n;
	return 0;
}

static int take_else(struct parser *p, const char *at)
{
	if (!p->range || p->t->parts[p->range - 1].otherwise)
		return wrong(p, at, "else", "it once between range and end");
	p->t->parts[p->range - 1].otherwise = p->t->n;
	add(p, ELSE, "", 0);
	return 0;
}

static int take_end(struct parser *p, const char *at)
{
	if (!p->range)
		return wrong(p, at, "end", "range before it");
	p->t->parts[p->range - 1].end = p->t->n;
	add(p, END, "", 0);
	p->range = 0;
	return 0;
}

static int take_word(struct parser *p, const char *at, char *tag)
{
	if (!is_known(tag)) {
		return wrong(p, at, "a word that is not known",
		    "range, else, end, name, service, zone, address, port, "
		    "endpoint, weight, priority, locality, state, tags or "
		    "meta.KEY");
	}
	if (!p->range || p->t->parts[p->range - 1].otherwise)
		return wrong(p, at, "a word", "it between range and else");
	add(p, WORD, tag, strlen(tag));
	return 0;
}

static bool is_range(const char *tag)
{
	return !strncmp(tag, "range", 5) && (!tag[5] || is_blank(tag[5]));
}

static int take_tag(struct parser *p, const char *at, char *tag)
{
	if (is_range(tag))
		return open_range(p, at, tag);
	if (!strcmp(tag, "else"))
		return take_else(p, at);
	if (!strcmp(tag, "end"))
		return take_end(p, at);
	return take_word(p, at, tag);
}

/* Blanks alone stand before it in its line, and behind it. */
static bool is_alone(const struct parser *p, const char *from, const char *to)
{
	while (from > p->text && is_blank(from[-1]))
		from--;
	while (to < p->end && is_blank(*to))
		to++;
	return (from == p->text || from[-1] == '\n') &&
	       (to == p->end || *to == '\n');
}

/* Up to the tag that begins at `open`, and over it. */
static int take_up_to(struct parser *p, const char *open)
{
	const char *close = memmem(open, (size_t)(p->end - open), "}}", 2);
	const char *text_end = open;

	if (!close || memchr(open, '\n', (size_t)(close - open)))
		return wrong(p, open, "{{", "}} behind it in its line");
	char *tag = inside(p, open + 2, close);
	const char *next = close + 2;
	if ((is_range(tag) || !strcmp(tag, "else") || !strcmp(tag, "end")) &&
	    is_alone(p, open, next)) {
		while (text_end > p->at && is_blank(text_end[-1]))
			text_end--;
		while (next < p->end && is_blank(*next))
			next++;
		next += next < p->end;
	}
	if (text_end > p->at)
		add(p, TEXT, p->at, (size_t)(text_end - p->at));
	p->at = next;
	return take_tag(p, open, tag);
}

int template_parse(const char *text, size_t len, struct arena *a,
    struct template **ret_t, struct diag *reterr)
{
	struct parser p = { text, text, text + len, a,
		arena_alloc(a, 1, sizeof(struct template)), 0, reterr };
	const char *open;
	int error = 0;

	if (len > TEMPLATE_MAX || memchr(text, '\0', len))
		return wrong(&p, text, "a NUL, or more than 1 MiB", "a text");
	p.t->parts =
	    arena_alloc(a, TEMPLATE_PARTS_MAX + 4, sizeof(struct part));
	p.t->n = 0;
	while (!error &&
	       (open = memmem(p.at, (size_t)(p.end - p.at), "{{", 2)) != NULL) {
		if (p.t->n >= TEMPLATE_PARTS_MAX)
			return wrong(&p, open, "another tag", "5,000 at most");
		error = take_up_to(&p, open);
	}
	if (!error && p.range)
		error = wrong(&p, p.end, "range", "end behind it");
	if (error)
		return error;
	if (p.at < p.end)
		add(&p, TEXT, p.at, (size_t)(p.end - p.at));
	*ret_t = p.t;
	return 0;
}

const char *template_service(const struct template *t, size_t *at)
{
	while (*at < t->n) {
		const struct part *part = &t->parts[(*at)++];

		if (part->kind == RANGE)
			return part->text;
	}
	return NULL;
}

/* ---- writing ----------------------------------------------------------- */

struct text {
	char *base;
	size_t len, room;
};

static void put(struct text *t, const char *from, size_t len)
{
	if (t->room - t->len <= len) {
		t->room = 2 * t->room + len + 256;
		t->base = xreallocarray(t->base, t->room, 1);
	}
	memcpy(t->base + t->len, from, len);
	t->len += len;
	t->base[t->len] = '\0';
}

static void put_text(struct text *t, const char *from)
{
	put(t, from, strlen(from));
}

static void put_value(struct text *t, const json_t *value)
{
	if (json_is_integer(value)) {
		char number[32];

		(void)snprintf(number, sizeof(number), "%lld",
		    (long long)json_integer_value(value));
		put_text(t, number);
	} else if (json_is_string(value)) {
		put_text(t, json_string_value(value));
	}
}

static void put_endpoint(struct text *t, const json_t *instance)
{
	const char *address =
	    json_string_value(json_object_get(instance, "address"));
	bool is_ipv6 = address && strchr(address, ':');

	put_text(t, is_ipv6 ? "[" : "");
	put_text(t, address ? address : "");
	put_text(t, is_ipv6 ? "]:" : ":");
	put_value(t, json_object_get(instance, "port"));
}

static void put_tags(struct text *t, const json_t *tags)
{
	const json_t *tag;
	size_t i;

	json_array_foreach(tags, i, tag)
	{
		put_text(t, i ? "," : "");
		put_value(t, tag);
	}
}

static bool is_safe(const char *text, size_t len)
{
	static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                           "abcdefghijklmnopqrstuvwxyz"
	                           "0123456789._:/@%+,=~-";

	return len == 0 || strspn(text, safe) >= len;
}

/* False: it is none that a configuration may hold. */
static bool put_word(struct text *t, const char *word, const json_t *roll,
    const json_t *instance)
{
	size_t before = t->len;

	put_text(t, "");
	if (!strcmp(word, "endpoint")) {
		put_endpoint(t, instance);
		return true;
	}
	if (!strcmp(word, "tags")) {
		put_tags(t, json_object_get(instance, word));
	} else if (!strncmp(word, "meta.", 5)) {
		put_value(t, json_object_get(
		                 json_object_get(instance, "meta"), word + 5));
	} else if (!strcmp(word, "service") || !strcmp(word, "zone")) {
		put_value(t, json_object_get(roll, word));
	} else {
		put_value(t, json_object_get(instance, word));
	}
	return is_safe(t->base + before, t->len - before);
}

struct rendering {
	const struct template *t;
	const struct template_source *source;
	struct text out;
	struct diag *diag;
};

/* Parts i up to the end, of one instance. */
static void put_instance(struct rendering *r, size_t i, size_t end,
    const json_t *roll, const json_t *instance)
{
	size_t before = r->out.len;

	for (; i < end; i++) {
		const struct part *part = &r->t->parts[i];

		if (part->kind == TEXT) {
			put(&r->out, part->text, part->len);
		} else if (!put_word(&r->out, part->text, roll, instance)) {
			r->out.len = before;
			r->out.base[before] = '\0';
			r->source->left_out(
			    r->source->arg, instance, part->text);
			return;
		}
	}
}

static int put_range(struct rendering *r, size_t at)
{
	const struct part *range = &r->t->parts[at];
	const json_t *roll = r->source->roll(r->source->arg, range->text);
	const json_t *list = json_object_get(roll, "instances");
	size_t end = range->otherwise ? range->otherwise : range->end, i;
	const json_t *instance;

	if (!json_array_size(list) && !range->otherwise) {
		return diag_set(r->diag, -ENODATA,
		    "nobody is in answers for '%s', and there is no else",
		    *range->text ? range->text : "the service");
	}
	json_array_foreach(list, i, instance)
	{
		put_instance(r, at + 1, end, roll, instance);
		if (r->out.len > OUT_MAX) {
			return diag_set(
			    r->diag, -E2BIG, "more than 64 MiB to write");
		}
	}
	for (i = range->otherwise + 1; !json_array_size(list) && i < range->end;
	     i++)
		put(&r->out, r->t->parts[i].text, r->t->parts[i].len);
	return 0;
}

int template_render(const struct template *t, const struct template_source *s,
    char **ret_text, size_t *ret_len, struct diag *reterr)
{
	struct rendering r = { .t = t, .source = s, .diag = reterr };
	int error = 0;

	put_text(&r.out, "");
	for (size_t i = 0; i < t->n && !error; i++) {
		const struct part *part = &t->parts[i];

		if (part->kind == RANGE) {
			error = put_range(&r, i);
			i = part->end;
		} else {
			put(&r.out, part->text, part->len);
		}
	}
	if (error) {
		free(r.out.base);
		return error;
	}
	*ret_text = r.out.base;
	*ret_len = r.out.len;
	return 0;
}
