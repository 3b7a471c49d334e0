// SPDX-License-Identifier: BSD-2-Clause
/*
 * Pure: a path or a query string of a stranger, in pieces.
 */
#include "registrar/http/http_impl.h"
#include "schema/base/utf8.h"

#include <errno.h>
#include <string.h>

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_utf8(const char *s)
{
	size_t left = strlen(s), len;

	while (left && (len = utf8_len(s, left))) {
		s += len;
		left -= len;
	}
	return !left;
}

/* NULL: it holds a NUL, what is no UTF-8, or a % without two digits. */
static char *decode(
    struct arena *a, const char *text, size_t len, bool plus_is_blank)
{
	char *out = arena_alloc(a, len + 1, 1), *to = out;

	for (size_t k = 0; k < len; k++) {
		int high, low;

		if (text[k] == '+' && plus_is_blank) {
			*to++ = ' ';
			continue;
		}
		if (text[k] != '%') {
			*to++ = text[k];
			continue;
		}
		if (k + 2 >= len || (high = hex(text[k + 1])) < 0 ||
		    (low = hex(text[k + 2])) < 0 || (!high && !low))
			return NULL;
		*to++ = (char)(high << 4 | low);
		k += 2;
	}
	*to = '\0';
	return is_utf8(out) ? out : NULL;
}

static size_t segment(const char *s)
{
	return strcspn(s, "/");
}

int http_match(const char *pattern, const char *path, struct arena *a,
    const char *ret_parts[static HTTP_PARTS_MAX], unsigned *ret_n,
    bool *ret_matches)
{
	*ret_n = 0;
	*ret_matches = false;
	while (*pattern || *path) {
		size_t want = segment(pattern), have = segment(path);
		bool rest = want == 3 && !memcmp(pattern, "{*}", 3);
		bool part = want == 2 && !memcmp(pattern, "{}", 2);

		if (rest)
			have = strlen(path);
		if ((part && !have) ||
		    (!part && !rest &&
		        (want != have || memcmp(pattern, path, want) != 0)))
			return 0;
		if ((part || rest) && *ret_n < HTTP_PARTS_MAX) {
			ret_parts[*ret_n] = decode(a, path, have, false);
			if (!ret_parts[(*ret_n)++])
				return -EINVAL;
		}
		pattern += want;
		path += have;
		if (*pattern != *path)
			return 0;
		if (*pattern) { /* both are at a slash */
			pattern++;
			path++;
		}
	}
	*ret_matches = true;
	return 0;
}

int http_parse_query(const char *text, struct arena *a,
    struct http_param **ret_params, unsigned *ret_n)
{
	struct http_param *params;
	unsigned n = 0;

	*ret_n = 0;
	*ret_params = NULL;
	if (!text || !*text)
		return 0;
	params = arena_alloc(a, HTTP_PARAMS_MAX, sizeof(*params));
	for (const char *at = text; *at;) {
		size_t len = strcspn(at, "&"), name = strcspn(at, "&=");
		size_t value = name < len ? name + 1 : len;

		if (len && n == HTTP_PARAMS_MAX)
			return -E2BIG;
		if (len) {
			params[n].name = decode(a, at, name, true);
			params[n].value =
			    decode(a, at + value, len - value, true);
			if (!params[n].name || !params[n].value)
				return -EINVAL;
			n++;
		}
		at += len + (at[len] == '&');
	}
	*ret_params = params;
	*ret_n = n;
	return 0;
}
