// SPDX-License-Identifier: BSD-2-Clause
/*
 * Errors tell one octet of the file at most: logs are read by more people
 * than secrets are.
 */
#include "dnsd/secrets.h"

#include "schema/base/rng.h"
#include "schema/base/scoped.h"
#include "schema/conf/node.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_MAX_LEN = 64 << 10, DIGITS = 2 * SIPHASH_KEY_LEN };

struct place {
	const char *path;
	unsigned line;
};

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20; /* lower case */
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int expected(const struct place *at, size_t column, struct diag *reterr,
    const char *what, size_t n)
{
	return diag_set(reterr, -EINVAL,
	    "%s:%u:%zu: found %s (%zu), expected %d hexadecimal digits",
	    at->path, at->line, column, what, n, DIGITS);
}

static int bad_octet(
    const struct place *at, size_t column, char c, struct diag *reterr)
{
	bool shown = c > ' ' && c < 0x7f;

	return diag_set(reterr, -EINVAL,
	    shown ? "%s:%u:%zu: found '%c', expected a hexadecimal digit"
	          : "%s:%u:%zu: found octet %d, expected a hexadecimal digit",
	    at->path, at->line, column, shown ? c : (unsigned char)c);
}

/* len octets at text, without blanks around; column: of the first. */
static int take_line(struct cookie_secrets *s, const struct place *at,
    const char *text, size_t len, size_t column, struct diag *reterr)
{
	for (size_t i = 0; i < len; i++) {
		if (digit_of(text[i]) < 0)
			return bad_octet(at, column + i, text[i], reterr);
	}
	if (len != DIGITS)
		return expected(at, column, reterr, "a number of digits", len);
	if (s->n == COOKIE_SECRETS_MAX) {
		return diag_set(reterr, -EINVAL,
		    "%s:%u:%zu: found one more secret, expected at most %d",
		    at->path, at->line, column, COOKIE_SECRETS_MAX);
	}
	for (size_t i = 0; i < SIPHASH_KEY_LEN; i++) {
		s->key[s->n][i] = (uint8_t)(digit_of(text[2 * i]) << 4 |
		                            digit_of(text[2 * i + 1]));
	}
	s->n++;
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static int take_text(struct cookie_secrets *s, const char *path,
    const char *text, size_t len, struct diag *reterr)
{
	struct place at = { path, 0 };
	const char *end = text + len;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *last = newline ? newline : end;
		const char *first = text;

		at.line++;
		while (first < last && is_blank(*first))
			first++;
		size_t column = (size_t)(first - text) + 1;
		text = last + 1;
		while (last > first && is_blank(last[-1]))
			last--;
		if (first == last || *first == '#')
			continue;
		int error = take_line(
		    s, &at, first, (size_t)(last - first), column, reterr);
		if (error)
			return error;
	}
	at.line++;
	return s->n ? 0 : expected(&at, 1, reterr, "no secret", 0);
}

int secrets_read(
    const char *path, struct cookie_secrets *ret_s, struct diag *reterr)
{
	struct cookie_secrets s = { 0 };
	scoped_free char *text = NULL;
	size_t len;
	int error = conf_read_file(path, FILE_MAX_LEN, &text, &len, reterr);

	if (!error)
		error = take_text(&s, path, text, len, reterr);
	if (text)
		explicit_bzero(text, len);
	if (!error)
		*ret_s = s;
	explicit_bzero(&s, sizeof(s));
	return error;
}

bool secrets_are_open(const char *path)
{
	struct stat st;

	return !stat(path, &st) && st.st_mode & S_IROTH;
}

void secrets_draw(struct cookie_secrets *s)
{
	struct rng rng;

	if (s->n < COOKIE_SECRETS_MAX)
		s->n++;
	memmove(s->key[1], s->key[0], (s->n - 1) * sizeof(s->key[0]));
	rng_seed(&rng);
	for (unsigned i = 0; i < SIPHASH_KEY_LEN; i += 4) {
		uint32_t word = rng_u32(&rng);

		memcpy(s->key[0] + i, &word, sizeof(word));
	}
}
