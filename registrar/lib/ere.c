// SPDX-License-Identifier: BSD-2-Clause
/*
 * Recursive descent: an expression is branches, a branch is atoms with
 * repetitions. Beside the text goes which octets each part may begin with.
 * Depth is bounded by ERE_MAX_DEPTH, the output by OUT_PER_OCTET.
 */
#include "registrar/lib/ere.h"

#include "schema/base/xalloc.h"

#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUT_PER_OCTET 40
#define OUT_MORE 64
#define REPEAT_MAX 0x7fff /* RE_DUP_MAX */

struct octets {
	bool has[256];
};

/* What a part may begin with; `empty`: it may also be nothing. */
struct start {
	struct octets first;
	bool empty;
};

struct reading {
	const char *at;
	const char *why; /* the first error */
	char *out;
	size_t len, room;
	unsigned group_n, depth;
	int64_t repeats;
	bool doubtful;
};

static void read_branches(struct reading *r, struct start *ret);

static void put_at(struct reading *r, size_t at, const char *text)
{
	size_t len = strlen(text);

	assert(len < r->room - r->len);
	memmove(r->out + at + len, r->out + at, r->len - at + 1);
	memcpy(r->out + at, text, len);
	r->len += len;
}

static void put(struct reading *r, const char *text)
{
	put_at(r, r->len, text);
}

static void fail(struct reading *r, const char *why)
{
	if (!r->why)
		r->why = why;
}

/* ---- sets of octets --------------------------------------------------- */

static void put_set(struct reading *r, const struct octets *s)
{
	char text[16];
	unsigned to;

	if (!memchr(s->has, 1, sizeof(s->has))) {
		put(r, "(?!)"); /* nothing is in it */
		return;
	}
	put(r, "[");
	for (unsigned c = 0; c < 256; c = to + 1) {
		to = c;
		if (!s->has[c])
			continue;
		while (to < 255 && s->has[to + 1])
			to++;
		(void)snprintf(text, sizeof(text),
		    to > c ? "\\x%02x-\\x%02x" : "\\x%02x", c, to);
		put(r, text);
	}
	put(r, "]");
}

static void add_class(struct reading *r, const char *name, struct octets *s)
{
	static const struct {
		const char *name;
		int (*is)(int);
	} classes[] = { { "alpha", isalpha }, { "digit", isdigit },
		{ "alnum", isalnum }, { "upper", isupper },
		{ "lower", islower }, { "space", isspace },
		{ "blank", isblank }, { "punct", ispunct },
		{ "print", isprint }, { "graph", isgraph },
		{ "cntrl", iscntrl }, { "xdigit", isxdigit } };

	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
		if (strcmp(classes[i].name, name) != 0)
			continue;
		for (int c = 0; c < 128; c++)
			s->has[c] |= classes[i].is(c) != 0;
		return;
	}
	fail(r, "Invalid character class name");
}

/*
 * "[:alpha:]", "[=a=]" or "[.a.]" behind its "[": adds it to s and returns
 * -1, or returns the octet of the last two, which may begin a range.
 */
static int read_named(struct reading *r, struct octets *s)
{
	char kind = *r->at++, name[16];
	const char end[] = { kind, ']', '\0' };
	const char *close = strstr(r->at, end);
	size_t len = close ? (size_t)(close - r->at) : 0;

	if (!close) {
		fail(r, "Unmatched [, [^, [:, [., or [=");
		return -1;
	}
	if (len >= sizeof(name) || (kind != ':' && len != 1)) {
		fail(r, kind == ':' ? "Invalid character class name"
		                    : "Invalid collation character");
		return -1;
	}
	memcpy(name, r->at, len);
	name[len] = '\0';
	r->at = close + 2;
	if (kind != ':')
		return (unsigned char)name[0];
	add_class(r, name, s);
	return -1;
}

/* One end of a range, or all of it; -1: it was a class. */
static int read_member(struct reading *r, struct octets *s)
{
	if (r->at[0] == '[' && r->at[1] && strchr(":=.", r->at[1])) {
		r->at++;
		return read_named(r, s);
	}
	return (unsigned char)*r->at++;
}

static bool is_range(const struct reading *r)
{
	return r->at[0] == '-' && r->at[1] && r->at[1] != ']';
}

static void read_element(struct reading *r, struct octets *s)
{
	bool hyphen = r->at[0] == '-' && r->at[1] != ']';
	int low = read_member(r, s), high = low;

	if (low < 0) {
		if (is_range(r))
			fail(r, "Invalid range end");
		return;
	}
	if (is_range(r)) {
		r->at++;
		high = read_member(r, s);
		if (high < low || is_range(r)) /* or it is a class */
			fail(r, "Invalid range end");
	} else if (hyphen) {
		fail(r, "Invalid range end");
	}
	for (int c = low; c <= high; c++)
		s->has[c] = true;
}

/* Behind its "[". */
static void read_bracket(struct reading *r, struct octets *s)
{
	bool is_negated = *r->at == '^', first = true;

	r->at += is_negated ? 1 : 0;
	for (; *r->at && (*r->at != ']' || first) && !r->why; first = false) {
		if (first && *r->at == '-' &&
		    (r->at[1] != '-' || r->at[2] == ']')) {
			s->has['-'] = true; /* literal, here */
			r->at++;
			continue;
		}
		read_element(r, s);
	}
	if (!*r->at) {
		fail(r, "Unmatched [, [^, [:, [., or [=");
		return;
	}
	r->at++;
	for (int c = 0; c < 256 && is_negated; c++)
		s->has[c] = !s->has[c];
}

/* ---- atoms ------------------------------------------------------------ */

static void put_octet(struct reading *r, char c, struct start *ret)
{
	const char plain[] = { c, '\0' };
	char text[8];

	(void)snprintf(text, sizeof(text), "\\x%02x", (unsigned char)c);
	put(r, isalnum((unsigned char)c) ? plain : text);
	ret->first.has[(unsigned char)c] = true;
}

static void read_group(struct reading *r, struct start *ret)
{
	if (++r->depth > ERE_MAX_DEPTH) {
		fail(r, "it has too many groups");
		return;
	}
	r->group_n++;
	put(r, "(");
	read_branches(r, ret);
	put(r, ")");
	if (*r->at == ')') {
		r->at++;
	} else {
		fail(r, "Unmatched ( or \\(");
	}
	r->depth--;
}

/* True: an octet or a set, which may be repeated. False: an anchor. */
static bool read_escape(struct reading *r, struct start *ret)
{
	static const char anchors[] = "bB<>`'";
	static const char *const means[] = { "\\b", "\\B", "\\b(?=\\w)",
		"\\b(?<=\\w)", "\\A", "\\z" };
	struct octets *s = &ret->first;
	char c = *r->at;

	if (!c) {
		fail(r, "Trailing backslash");
		return true;
	}
	r->at++;
	const char *anchor = strchr(anchors, c);

	if (anchor) {
		put(r, means[anchor - anchors]);
		ret->empty = true;
		return false;
	}
	if (strchr("wWsS", c)) {
		add_class(r, strchr("wW", c) ? "alnum" : "space", s);
		s->has['_'] |= strchr("wW", c) != NULL;
		for (int n = 0; n < 256 && isupper((unsigned char)c); n++)
			s->has[n] = !s->has[n];
		put_set(r, s);
	} else if (c >= '1' && c <= '9') {
		fail(r, "back references are not allowed");
	} else if (isalnum((unsigned char)c)) {
		fail(r, "of letters a backslash has \\w \\W \\s \\S \\b \\B "
		        "alone; a digit is [0-9]");
	} else {
		put_octet(r, c, ret);
	}
	return true;
}

/* As read_escape(). */
static bool read_atom(struct reading *r, struct start *ret)
{
	char c = *r->at++;

	switch (c) {
	case '^':
	case '$':
		put(r, c == '^' ? "\\A" : "\\z");
		ret->empty = true;
		return false;
	case '*':
	case '+':
	case '?':
	case '{':
		fail(r, "Invalid preceding regular expression");
		return true;
	case '\\':
		return read_escape(r, ret);
	case '(':
		read_group(r, ret);
		return true;
	case '[':
		read_bracket(r, &ret->first);
		put_set(r, &ret->first);
		return true;
	case '.':
		put(r, "[^\\x00]");
		memset(ret->first.has + 1, true, 255);
		return true;
	default:
		put_octet(r, c, ret);
		return true;
	}
}

/* ---- repetitions ------------------------------------------------------ */

static int64_t read_number(struct reading *r)
{
	int64_t n = 0;

	if (!isdigit((unsigned char)*r->at))
		return -1;
	for (; isdigit((unsigned char)*r->at); r->at++)
		n = n > REPEAT_MAX ? n : n * 10 + (*r->at - '0');
	return n;
}

/* Behind its "{". Returns how often it may be at least. */
static int64_t read_count(struct reading *r, char *ret_text, size_t room)
{
	int64_t low = read_number(r), high = low;

	if (*r->at == ',') {
		r->at++;
		high = read_number(r);
		low = low < 0 && high >= 0 ? 0 : low;
		(void)snprintf(ret_text, room,
		    high < 0 ? "{%lld,}" : "{%lld,%lld}", (long long)low,
		    (long long)high);
	} else {
		(void)snprintf(ret_text, room, "{%lld}", (long long)low);
	}
	if (*r->at != '}') {
		fail(r, *r->at ? "Invalid content of \\{\\}" : "Unmatched \\{");
		return 0;
	}
	r->at++;
	if (low < 0 || (high >= 0 && high < low)) {
		fail(r, "Invalid content of \\{\\}");
		return 0;
	}
	high = high > low ? high : low;
	if (high > 1)
		r->repeats *= high;
	if (high > ERE_MAX_REPEAT || r->repeats > ERE_MAX_REPEAT)
		fail(r, "it repeats too often");
	return low;
}

/*
 * "x+" is made "xx*": the matcher would count how often it was there, and
 * remember every number.
 */
static void put_open(struct reading *r, size_t from, size_t to)
{
	assert(to - from < r->room - r->len);
	memcpy(r->out + r->len, r->out + from, to - from);
	r->len += to - from;
	put(r, "*");
}

/* `single`: what stands behind `from` is one octet. */
static void read_repeats(
    struct reading *r, size_t from, bool single, struct start *ret)
{
	for (bool more = false; *r->at && strchr("*+?{", *r->at) && !r->why;
	     more = true, single = false) {
		char text[48] = { *r->at++ };
		size_t to = r->len;
		int64_t least = text[0] == '+';

		if (text[0] == '{')
			least = read_count(r, text, sizeof(text));
		ret->empty |= least == 0;
		if (more) { /* else it would be a modifier of the first */
			put_at(r, from, "(?:");
			put(r, ")");
		}
		char *open = strstr(text, ",}");

		if (single && open) {
			memcpy(open, "}", 2);
			put(r, text);
			put_open(r, from, to);
		} else if (single && text[0] == '+') {
			put_open(r, from, to);
		} else {
			put(r, text);
		}
	}
}

/* ---- branches --------------------------------------------------------- */

static void read_branch(struct reading *r, struct start *ret)
{
	ret->empty = true;
	while (*r->at && *r->at != '|' && !r->why &&
	       (*r->at != ')' || !r->depth)) {
		struct start atom = { .empty = false };
		size_t from = r->len;
		bool single = *r->at != '(';

		if (read_atom(r, &atom) && !r->why)
			read_repeats(r, from, single, &atom);
		for (int c = 0; c < 256 && ret->empty; c++)
			ret->first.has[c] |= atom.first.has[c];
		ret->empty &= atom.empty;
	}
}

static void read_branches(struct reading *r, struct start *ret)
{
	for (bool more = true; more && !r->why;) {
		struct start branch = { .empty = false };

		r->doubtful |= ret->empty; /* not the last */
		read_branch(r, &branch);
		for (int c = 0; c < 256; c++) {
			r->doubtful |= ret->first.has[c] && branch.first.has[c];
			ret->first.has[c] |= branch.first.has[c];
		}
		ret->empty |= branch.empty;
		more = *r->at == '|';
		if (more) {
			r->at++;
			put(r, "|");
		}
	}
}

const char *ere_read(const char *pattern, struct ere *ret_e)
{
	size_t len = strlen(pattern);
	struct reading r = { .at = pattern, .repeats = 1 };
	struct start start = { .empty = false };

	if (len > ERE_MAX)
		return "it is too long";
	r.room = OUT_PER_OCTET * len + OUT_MORE;
	r.out = xcalloc(1, r.room);
	read_branches(&r, &start);
	if (r.why) {
		free(r.out);
		return r.why;
	}
	*ret_e = (struct ere){
		.perl = r.out, .group_n = r.group_n, .doubtful = r.doubtful
	};
	return NULL;
}
