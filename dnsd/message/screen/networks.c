// SPDX-License-Identifier: BSD-2-Clause
/*
 * A trie of eight bits a step. A slot is what addresses on that way are (YES,
 * NO) or the next node. Networks are added from the shortest to the longest,
 * so that each only writes over what is shorter, and a node made for a longer
 * one starts as copies of what was there.
 */
#include "dnsd/message/screen/networks.h"

#include "schema/base/xalloc.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { NO, YES, FIRST_CHILD, SLOTS = 256 };
enum { ROOT_IPV4, ROOT_IPV6, ROOTS };

struct trie_node {
	uint32_t slot[SLOTS]; /* NO, YES, or index of a node + FIRST_CHILD */
};

struct networks {
	struct trie_node *nodes;
	uint32_t node_n;
};

struct network {
	uint8_t octets[16];
	unsigned len;  /* octets of an address of the family */
	unsigned bits; /* of the network */
	unsigned order;
	bool in;
};

/* ---- text ------------------------------------------------------------- */

static bool parse_bits(const char *text, unsigned max, unsigned *ret_bits)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	unsigned long bits = strtoul(text, &end, 10);
	if (*end || bits > max)
		return false;
	*ret_bits = (unsigned)bits;
	return true;
}

static bool bits_beyond(const struct network *n)
{
	for (unsigned i = n->bits; i < 8 * n->len; i++) {
		if (n->octets[i / 8] & 0x80 >> i % 8)
			return true;
	}
	return false;
}

static bool parse(struct network *ret_n, const char *text)
{
	char host[INET6_ADDRSTRLEN];
	struct network n = { .in = *text != '!' };

	text += !n.in;
	size_t host_len = strcspn(text, "/");
	if (host_len >= sizeof(host))
		return false;
	memcpy(host, text, host_len);
	host[host_len] = '\0';
	if (inet_pton(AF_INET, host, n.octets) == 1) {
		n.len = 4;
	} else if (inet_pton(AF_INET6, host, n.octets) == 1) {
		n.len = 16;
	} else {
		return false;
	}
	n.bits = 8 * n.len;
	if (text[host_len] &&
	    !parse_bits(text + host_len + 1, 8 * n.len, &n.bits))
		return false;
	if (bits_beyond(&n))
		return false;
	*ret_n = n;
	return true;
}

bool networks_is_one(const char *text)
{
	struct network n;

	return parse(&n, text);
}

/* ---- making ----------------------------------------------------------- */

static uint32_t add_node(struct networks *t, uint32_t fill)
{
	t->nodes = xreallocarray(t->nodes, t->node_n + 1, sizeof(*t->nodes));
	for (unsigned i = 0; i < SLOTS; i++)
		t->nodes[t->node_n].slot[i] = fill;
	return t->node_n++;
}

static void add(struct networks *t, const struct network *n)
{
	uint32_t at = n->len == 4 ? ROOT_IPV4 : ROOT_IPV6;
	unsigned octet = 0, left = n->bits;

	for (; left > 8; left -= 8) {
		uint32_t next = t->nodes[at].slot[n->octets[octet]];

		if (next < FIRST_CHILD) {
			next = add_node(t, next) + FIRST_CHILD;
			t->nodes[at].slot[n->octets[octet]] = next;
		}
		at = next - FIRST_CHILD;
		octet++;
	}
	unsigned first = left ? n->octets[octet] : 0;
	for (unsigned i = 0; i < 1u << (8 - left); i++)
		t->nodes[at].slot[first + i] = n->in ? YES : NO;
}

static int by_bits(const void *a, const void *b)
{
	const struct network *x = a, *y = b;

	if (x->bits != y->bits)
		return x->bits < y->bits ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

struct networks *networks_new(const char *const *texts, unsigned n)
{
	struct networks *t = xcalloc(1, sizeof(*t));
	struct network *list = xcalloc(n + 1, sizeof(*list));

	for (unsigned i = 0; i < ROOTS; i++)
		(void)add_node(t, NO);
	for (unsigned i = 0; i < n; i++) {
		if (!parse(&list[i], texts[i]))
			abort(); /* the caller has not asked before */
		list[i].order = i;
	}
	qsort(list, n, sizeof(*list), by_bits);
	for (unsigned i = 0; i < n; i++)
		add(t, &list[i]);
	free(list);
	return t;
}

void networks_free(void *networks)
{
	struct networks *t = networks;

	if (!t)
		return;
	free(t->nodes);
	free(t);
}

/* ---- looking up ------------------------------------------------------- */

bool networks_have(const struct networks *n, const struct sockaddr *address)
{
	const uint8_t *octet;
	uint32_t at;

	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)address;

		octet = (const uint8_t *)&in->sin_addr;
		at = ROOT_IPV4 + FIRST_CHILD;
	} else if (address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)address;

		octet = in6->sin6_addr.s6_addr;
		at = ROOT_IPV6 + FIRST_CHILD;
	} else {
		return false;
	}
	/* no network is longer than an address, so this ends within it */
	do {
		at = n->nodes[at - FIRST_CHILD].slot[*octet++];
	} while (at >= FIRST_CHILD);
	return at == YES;
}
