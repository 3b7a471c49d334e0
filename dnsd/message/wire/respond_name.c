// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/message/wire/respond_name.h"

void names_reset(struct names *n)
{
	n->n = 0;
	memset(n->last, 0, sizeof(n->last));
}

static void note(struct names *n, const uint8_t *name, size_t len, size_t at)
{
	if (n->n == NAMES_MAX || at > RESPOND_POINTER_MAX)
		return;
	n->entry[n->n].name = name;
	n->entry[n->n].at = (uint16_t)at;
	n->entry[n->n].len = (uint8_t)len;
	n->entry[n->n].before = n->last[len];
	n->last[len] = ++n->n;
}

void names_note(struct names *n, const uint8_t *name, size_t len, size_t at)
{
	for (size_t i = 0; name[i]; i += 1u + name[i])
		note(n, name + i, len - i, at + i);
}

void names_forget(struct names *n, unsigned keep)
{
	while (n->n > keep) {
		n->n--;
		n->last[n->entry[n->n].len] = n->entry[n->n].before;
	}
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

/* Length octets are below 'A'. */
bool names_are_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
	if (!memcmp(a, b, len))
		return true;
	for (size_t i = 0; i < len; i++) {
		if (lower(a[i]) != lower(b[i]))
			return false;
	}
	return true;
}

uint16_t names_pointer(const struct names *n, const uint8_t *name, size_t len)
{
	for (unsigned e = n->last[len]; e; e = n->entry[e - 1].before) {
		if (names_are_equal(name, n->entry[e - 1].name, len))
			return (uint16_t)(RESPOND_POINTER | n->entry[e - 1].at);
	}
	return 0;
}

uint8_t *names_write(struct names *n, uint8_t *p, size_t at,
    const uint8_t *name, size_t len, bool whole)
{
	uint16_t pointer = 0;
	size_t i = 0;

	while (name[i] && !(pointer = names_pointer(n, name + i, len - i)))
		i += 1u + name[i];
	if (whole) { /* then what is written can be borrowed itself */
		memcpy(p, name, len);
		name = p;
	}
	for (size_t k = 0; k < i; k += 1u + name[k])
		note(n, name + k, len - k, at + k);
	if (whole)
		return p + len;
	memcpy(p, name, i);
	if (pointer)
		return wire_put16(p + i, pointer);
	p[i] = 0;
	return p + i + 1;
}
