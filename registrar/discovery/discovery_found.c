// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/discovery/discovery_impl.h"
#include "schema/base/xalloc.h"

#include <stdlib.h>
#include <string.h>

/* Appends a text to a block that has room for it. */
static const char *put_text(char **at, const char *text)
{
	const char *copy = *at;
	size_t len = strlen(text) + 1;

	memcpy(*at, text, len);
	*at += len;
	return copy;
}

/* All that it points to is in one block. */
void each_entry_copy(struct each_entry *e, const struct each_found *from)
{
	struct each_found *to = &e->found;
	size_t pairs_len = from->vars.n * sizeof(*from->vars.items);
	size_t len = pairs_len + strlen(from->process.what) + 1;

	if (from->name)
		len += strlen(from->name) + 1;
	if (from->address)
		len += strlen(from->address) + 1;
	for (unsigned n = 0; n < from->vars.n; n++) {
		len += strlen(from->vars.items[n].key) + 1 +
		       strlen(from->vars.items[n].value) + 1;
	}
	free(e->block);
	e->block = xcalloc(1, len);
	char *at = (char *)e->block + pairs_len;

	*to = *from;
	to->vars.items = e->block;
	if (from->name)
		to->name = put_text(&at, from->name);
	if (from->address)
		to->address = put_text(&at, from->address);
	to->process.what = put_text(&at, from->process.what);
	for (unsigned n = 0; n < from->vars.n; n++) {
		const struct conf_pair *p = &from->vars.items[n];

		to->vars.items[n].key = put_text(&at, p->key);
		to->vars.items[n].value = put_text(&at, p->value);
	}
}

static bool text_equal(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

bool each_found_equal(const struct each_found *a, const struct each_found *b)
{
	if (!text_equal(a->name, b->name) ||
	    !text_equal(a->address, b->address) || a->missing != b->missing ||
	    a->port != b->port ||
	    !process_spec_equal(&a->process, &b->process) ||
	    a->vars.n != b->vars.n)
		return false;
	for (unsigned n = 0; n < a->vars.n; n++) {
		if (strcmp(a->vars.items[n].key, b->vars.items[n].key) != 0 ||
		    strcmp(a->vars.items[n].value, b->vars.items[n].value) != 0)
			return false;
	}
	return true;
}
