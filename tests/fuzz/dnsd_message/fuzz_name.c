// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any octets as a name, in text and on the wire: what is accepted survives
 * the way to the other form and back.
 */
#include "dnsd/message/wire/dname.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void check_same(struct dname *a, struct dname *b)
{
	must(a->len == b->len && a->label_n == b->label_n);
	must(!memcmp(a->lower, b->lower, a->len));
	must(!memcmp(a->offset, b->offset, a->label_n + 1u));
	dname_hash(a, 1);
	dname_hash(b, 1);
	for (unsigned k = 0; k <= a->label_n; k++)
		must(a->suffix_hash[k] == b->suffix_hash[k]);
}

/* A name in lower case, to text and back. */
static void check_round_trip(struct dname *n)
{
	char text[DNAME_TEXT_MAX];
	struct dname again;

	must(n->label_n <= WIRE_LABELS_MAX);
	dname_to_text(n->lower, text);
	must(strlen(text) < sizeof(text));
	for (const char *p = text; *p; p++)
		must(*p > ' ' && *p <= '~');
	must(dname_from_text(&again, text));
	check_same(n, &again);
	must(dname_parse(&again, n->lower, n->len, 0) == n->len);
	check_same(n, &again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	scoped_free char *text = xmalloc(len + 1);
	struct dname n;

	if (len)
		memcpy(text, data, len);
	text[len] = '\0';
	if (dname_from_text(&n, text))
		check_round_trip(&n);
	size_t takes = dname_parse(&n, data, len, 0);
	must(takes <= len);
	if (takes) {
		must(takes == n.len);
		check_round_trip(&n);
	}
	return 0;
}
