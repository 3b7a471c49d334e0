// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/http/eureka/eureka_impl.h"

#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(struct evbuffer *out, const char *text, size_t len)
{
	if (evbuffer_add(out, text, len) < 0)
		abort(); /* out of memory */
}

static void put_text(struct evbuffer *out, const char *text)
{
	put(out, text, strlen(text));
}

/* What XML cannot hold is a question mark. */
static void put_escaped(struct evbuffer *out, const char *text)
{
	for (const char *p = text; *p; p++) {
		switch (*p) {
		case '&':
			put_text(out, "&amp;");
			break;
		case '<':
			put_text(out, "&lt;");
			break;
		case '>':
			put_text(out, "&gt;");
			break;
		case '"':
			put_text(out, "&quot;");
			break;
		default:
			put(out,
			    *p > 0 && *p < ' ' && *p != '\n' && *p != '\t' ? "?"
			                                                   : p,
			    1);
		}
	}
}

/* As near as an element's name can be. */
static void put_name(struct evbuffer *out, const char *name)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
	static const char others[] = "0123456789.-";

	if (!*name || !strchr(letters, *name))
		put_text(out, "_");
	for (const char *p = name; *p; p++) {
		put(out, strchr(letters, *p) || strchr(others, *p) ? p : "_",
		    1);
	}
}

static void put_scalar(struct evbuffer *out, const json_t *value)
{
	char number[32];

	if (json_is_string(value)) {
		put_escaped(out, json_string_value(value));
	} else if (json_is_integer(value)) {
		(void)snprintf(number, sizeof(number), "%lld",
		    (long long)json_integer_value(value));
		put_text(out, number);
	} else if (json_is_boolean(value)) {
		put_text(out, json_is_true(value) ? "true" : "false");
	}
}

static void put_attributes(struct evbuffer *out, const json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		if (*key != '@')
			continue;
		put_text(out, " ");
		put_name(out, key + 1);
		put_text(out, "=\"");
		put_scalar(out, value);
		put_text(out, "\"");
	}
}

void eureka_xml(struct evbuffer *out, const char *name, const json_t *value)
{
	const char *key;
	json_t *member;
	size_t i;

	if (json_is_array(value)) {
		json_array_foreach(value, i, member)
		{
			eureka_xml(out, name, member);
		}
		return;
	}
	put_text(out, "<");
	put_name(out, name);
	put_attributes(out, value);
	put_text(out, ">");
	put_scalar(out, value);
	json_object_foreach((json_t *)(uintptr_t)value, key, member)
	{
		if (*key == '$') {
			put_scalar(out, member);
		} else if (*key != '@') {
			eureka_xml(out, key, member);
		}
	}
	put_text(out, "</");
	put_name(out, name);
	put_text(out, ">");
}
