// SPDX-License-Identifier: BSD-2-Clause
/*
 * definition_payload - octets to send, written as text with escapes.
 */
#include "registrar/definition/definition_parts.h"

#include <ctype.h>
#include <string.h>

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The octet that the escape at p (behind its '\') means; -1: none. */
static int unescape(const char **p)
{
	static const char names[] = "rnt0\\", values[] = "\r\n\t\0\\";
	const char *at = strchr(names, **p);

	if (**p && at) {
		(*p)++;
		return values[at - names];
	}
	if (**p != 'x' || hex((*p)[1]) < 0 || hex((*p)[2]) < 0)
		return -1;
	int octet = hex((*p)[1]) * 16 + hex((*p)[2]);

	*p += 3;
	return octet;
}

int take_payload(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at)
{
	struct check_payload *out = at;
	size_t max = f->high ? (size_t)f->high : DEFINITION_MAX_TEXT;
	size_t len = 0;

	if (node->type != CONF_SCALAR || strlen(node->text) > max) {
		return conf_bad(c, node, "found %s for '%s', expected %s",
		    conf_describe_hidden(c, node), f->key, f->expects);
	}
	char *octets = arena_strdup(c->arena, node->text);

	for (const char *p = node->text; *p;) {
		int octet = (unsigned char)*p++;

		/* that alone: the rest of it may be a password */
		if (octet == '\\' && (octet = unescape(&p)) < 0) {
			return conf_bad(c, node,
			    "found '\\%.1s' for '%s', expected %s", p, f->key,
			    f->expects);
		}
		octets[len++] = (char)octet;
	}
	*out = (struct check_payload){ .data = octets, .len = len };
	return 0;
}

bool payload_equal(const struct check_payload *a, const struct check_payload *b)
{
	return a->len == b->len &&
	       (!a->len || memcmp(a->data, b->data, a->len) == 0);
}
