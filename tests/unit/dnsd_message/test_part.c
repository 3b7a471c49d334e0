// SPDX-License-Identifier: BSD-2-Clause
/*
 * Part of a set that does not fit: one client network gets the same one for a
 * while, and over many slots the order is that of a weighted draw, exactly.
 */
#include "dnsd/message/answer/part.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "tests/support/ask.h"
#include "tests/support/chi.h"
#include "tests/support/reply.h"
#include "tests/support/world.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { DRAWS = 100000, MANY = 200, SLOT = PART_SLOT_S };

/* ---- the orders of few, over many slots ------------------------------- */

static const struct {
	const char *why;
	unsigned n, part;
	unsigned weight[CHI_ORDER_MAX];
} few[] = {
	{ "one of two", 2, 1, { 1000, 1 } },
	{ "two of three", 3, 2, { 1, 10, 1000 } },
	{ "two of three, nearly alike", 3, 2, { 4, 5, 6 } },
	{ "three of five", 5, 3, { 1, 2, 3, 4, 5 } },
	{ "four of five, alike", 5, 4, { 10, 10, 10, 10, 10 } },
	{ "weight 0 is in no part", 5, 2, { 0, 3, 0, 1, 9 } },
	{ "all that have a weight, and one of the others", 4, 3,
	    { 0, 3, 0, 1 } },
	{ "two of those without", 4, 2, { 0, 0, 0, 0 } },
	{ "the largest weights there are", 4, 2,
	    { 65535, 65535, 65535, 32768 } },
	{ "the whole", 4, 4, { 1, 2, 3, 40 } },
};

/* A service of n with those weights; labels i0 ... say which is which. */
static struct world *world_of(const unsigned *weight, unsigned n)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	(void)fprintf(f, "zone a.test\nservice s\n");
	for (unsigned i = 0; i < n; i++) {
		(void)fprintf(f, "instance i%05u 10.0.%u.%u weight %u\n", i,
		    i / 250, i % 250, weight[i]);
	}
	(void)fclose(f);
	struct world *w = world_new(text);
	free(text);
	return w;
}

static unsigned member_of(const struct service *s, unsigned i)
{
	return (unsigned)strtoul(
	    (const char *)service_instance_at(s, i)->label + 2, NULL, 10);
}

static void draw(struct pick *p, const struct service *s, unsigned part,
    uint32_t now_s, struct rng *rng)
{
	struct rng slot;

	part_seed(&slot, s, 0xffffffffc0000200, now_s);
	assert_int_equal(pick_order(p, s, part, PICK_ALL, &slot), part);
	part_shuffle(p, s, part, PICK_ALL, &slot, rng);
}

/* Where only the first places are seen, orders that begin so are one. */
static unsigned rank_of(
    const struct pick *p, const struct service *s, unsigned n, unsigned part)
{
	unsigned order[CHI_ORDER_MAX], k = 0;
	bool seen[CHI_ORDER_MAX] = { false };

	for (; k < part; k++) {
		order[k] = member_of(s, p->order[k]);
		seen[order[k]] = true;
	}
	for (unsigned i = 0; i < n; i++) {
		if (!seen[i])
			order[k++] = i;
	}
	return chi_order_rank(order, n);
}

/* What each of those has together: by all orders of n. */
static void sum_up(const double *p, unsigned n, unsigned part, double *ret_sums)
{
	unsigned a[CHI_ORDER_MAX], all = 1;

	for (unsigned i = 0; i < n; i++)
		all *= n;
	for (unsigned code = 0; code < all; code++) {
		unsigned used = 0, sorted[CHI_ORDER_MAX], rest = 0;

		for (unsigned i = 0, c = code; i < n; i++, c /= n) {
			a[i] = c % n;
			used |= 1u << a[i];
		}
		if (used != (1u << n) - 1)
			continue; /* not an order */
		memcpy(sorted, a, sizeof(sorted));
		for (unsigned i = 0; i < n; i++)
			rest |= i >= part ? 1u << a[i] : 0;
		for (unsigned i = 0, k = part; i < n; i++) {
			if (rest >> i & 1)
				sorted[k++] = i;
		}
		ret_sums[chi_order_rank(sorted, n)] += p[chi_order_rank(a, n)];
	}
}

static void test_orders(void **state)
{
	scoped_free struct pick *p = xcalloc(1, sizeof(*p));

	(void)state;
	for (size_t c = 0; c < sizeof(few) / sizeof(*few); c++) {
		unsigned n = few[c].n, count[CHI_ORDERS_MAX] = { 0 };
		double whole[CHI_ORDERS_MAX], sums[CHI_ORDERS_MAX] = { 0 };
		struct world *w = world_of(few[c].weight, n);
		const struct service *s = world_find(w, "s");
		struct rng rng;

		rng_seed_fixed(&rng, 20261130);
		for (uint32_t d = 0; d < DRAWS; d++) {
			draw(p, s, few[c].part, d * SLOT, &rng);
			count[rank_of(p, s, n, few[c].part)]++;
		}
		chi_order_probabilities(few[c].weight, n, whole);
		sum_up(whole, n, few[c].part, sums);
		if (!chi_fits(count, sums, chi_orders(n), DRAWS))
			fail_msg("%s", few[c].why);
		world_free(w);
	}
}

/* ---- many: bisection, groups ------------------------------------------ */

static void fill(unsigned *weight)
{
	for (unsigned i = 0; i < MANY; i++)
		weight[i] = i == 7 ? 3000 : 10 + i % 3 * 20;
}

/*
 * First as often as its weight says; in the part as often as in what
 * pick_order() alone draws.
 */
static void test_many(void **state)
{
	enum { PART = 30, TIMES = 20000 };
	unsigned weight[MANY], first[MANY] = { 0 }, in[MANY] = { 0 };
	scoped_free struct pick *p = xcalloc(1, sizeof(*p));
	double share[MANY], total = 0, often[MANY];
	struct rng rng;

	(void)state;
	fill(weight);
	for (unsigned i = 0; i < MANY; i++)
		total += weight[i];
	struct world *w = world_of(weight, MANY);
	const struct service *s = world_find(w, "s");
	rng_seed_fixed(&rng, 7);
	for (unsigned i = 0; i < MANY; i++) {
		share[i] = weight[i] / total;
		often[i] = 0;
	}
	for (uint32_t d = 0; d < TIMES; d++) {
		draw(p, s, PART, d * SLOT, &rng);
		first[member_of(s, p->order[0])]++;
		for (unsigned k = 0; k < PART; k++)
			in[member_of(s, p->order[k])]++;
		(void)pick_order(p, s, PART, PICK_ALL, &rng);
		for (unsigned k = 0; k < PART; k++)
			often[member_of(s, p->order[k])]++;
	}
	assert_true(chi_fits(first, share, MANY, TIMES));
	for (unsigned i = 0; i < MANY; i++) {
		double d = in[i] - often[i], v = in[i] + often[i];

		if (d * d > 25 * v) /* five sigma */
			fail_msg("%u: %u, %f", i, in[i], often[i]);
	}
	world_free(w);
}

/* ---- groups and families ---------------------------------------------- */

static const char mixed[] = "zone a.test\n"
                            "service s\n"
                            "instance i0 10.0.0.1 weight 10\n"
                            "instance i1 10.0.0.2 weight 30\n"
                            "instance i2 2001:db8::1 weight 50\n"
                            "instance i3 10.0.0.4 weight 1 priority 1\n"
                            "instance i4 10.0.0.5 weight 2 priority 1\n"
                            "instance i5 2001:db8::2 weight 900 priority 1\n"
                            "instance i6 10.0.0.7 weight 3 priority 1\n";

/* i0 and i1 come first, by their weights; then one or two of the others. */
static void test_groups(void **state)
{
	static const double first[] = { 0.25, 0.75 };
	static const double third[] = { 1 / 6.0, 2 / 6.0, 3 / 6.0 };
	scoped_free struct pick *p = xcalloc(1, sizeof(*p));
	struct world *w = world_new(mixed);
	const struct service *s = world_find(w, "s");
	unsigned firsts[2] = { 0 }, thirds[3] = { 0 };
	struct rng rng;

	(void)state;
	rng_seed_fixed(&rng, 3);
	for (uint32_t d = 0; d < DRAWS; d++) {
		unsigned part = 3 + d % 2;
		struct rng slot;

		part_seed(&slot, s, 1, d * SLOT);
		assert_int_equal(
		    pick_order(p, s, part, PICK_IPV4, &slot), part);
		part_shuffle(p, s, part, PICK_IPV4, &slot, &rng);
		unsigned a = member_of(s, p->order[0]);
		unsigned b = member_of(s, p->order[2]);

		assert_true(a < 2 && b > 2 && b != 5);
		assert_int_equal(a + member_of(s, p->order[1]), 1);
		firsts[a]++;
		thirds[b == 6 ? 2 : b - 3]++;
	}
	assert_true(chi_fits(firsts, first, 2, DRAWS));
	assert_true(chi_fits(thirds, third, 3, DRAWS));
	world_free(w);
}

/* ---- what clients see ------------------------------------------------- */

/* The last octets of the addresses in an answer; bit i: i is in it. */
struct seen {
	uint8_t bits[32];
	unsigned n, first;
};

static struct seen ask_at(struct world *w, const char *peer, uint32_t now_s,
    const char *question, unsigned size)
{
	struct seen s = { .n = 0 };
	struct reply r;

	w->peer = (union peer){ .ipv4.sin_family = AF_INET };
	if (inet_pton(AF_INET, peer, &w->peer.ipv4.sin_addr) != 1) {
		w->peer.ipv6 = (struct sockaddr_in6){ .sin6_family = AF_INET6 };
		assert_int_equal(
		    inet_pton(AF_INET6, peer, &w->peer.ipv6.sin6_addr), 1);
	}
	w->handler->screen.now_wall_s = now_s;
	ask_reply(w, &r, question, size, VIA_UDP);
	s.n = (unsigned)ldns_rr_list_rr_count(r.section[REPLY_ANSWER]);
	for (unsigned k = 0; k < s.n; k++) {
		const ldns_rr *rr = ldns_rr_list_rr(r.section[REPLY_ANSWER], k);
		const ldns_rdf *d = ldns_rr_rdf(rr, ldns_rr_rd_count(rr) - 1);
		const uint8_t *at = ldns_rdf_data(d);
		/* an address, or the label i00123 of an SRV target */
		unsigned i =
		    ldns_rr_rd_count(rr) == 1
		        ? at[3]
		        : (unsigned)strtoul((const char *)at + 2, NULL, 10);

		s.first = k ? s.first : i;
		s.bits[i / 8] |= (uint8_t)(1 << i % 8);
	}
	reply_release(&r);
	return s;
}

static bool is_same(const struct seen *a, const struct seen *b)
{
	return a->n == b->n && !memcmp(a->bits, b->bits, sizeof(a->bits));
}

static const struct {
	const char *why, *peer, *question;
	uint32_t now_s;
	bool same;
} clients[] = {
	{ "the same client", "192.0.2.200", "s.a.test A", 0, true },
	{ "its name in other letters", "192.0.2.200", "S.A.Test A", 0, true },
	{ "at the end of the slot", "192.0.2.200", "s.a.test A", SLOT - 1,
	    true },
	{ "in the next slot", "192.0.2.200", "s.a.test A", SLOT, false },
	{ "its neighbour", "192.0.2.1", "s.a.test A", 30, true },
	{ "another network", "192.0.3.200", "s.a.test A", 30, false },
	{ "a network of the other family", "2001:db8::1", "s.a.test A", 30,
	    false },
	{ "another service with the same instances", "192.0.2.200",
	    "t.a.test A", 0, false },
};

static void test_clients(void **state)
{
	unsigned weight[MANY];

	(void)state;
	fill(weight);
	struct world *w = world_of(weight, MANY);
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	(void)fprintf(f, "service t\n");
	for (unsigned i = 0; i < MANY; i++) {
		(void)fprintf(
		    f, "instance i%05u 10.0.0.%u weight %u\n", i, i, weight[i]);
	}
	(void)fclose(f);
	world_add(w, text);
	free(text);
	const uint32_t slot = 1000000 * SLOT;
	struct seen want =
	    ask_at(w, "192.0.2.200", slot, "s.a.test A", ASK_NO_EDNS);
	assert_in_range(want.n, 28, 31);
	for (size_t i = 0; i < sizeof(clients) / sizeof(*clients); i++) {
		struct seen got = ask_at(w, clients[i].peer,
		    slot + clients[i].now_s, clients[i].question, ASK_NO_EDNS);

		assert_int_equal(got.n, want.n);
		if (is_same(&got, &want) != clients[i].same)
			fail_msg("%s", clients[i].why);
	}
	struct seen six =
	    ask_at(w, "2001:db8:0:12::1", slot, "s.a.test A", ASK_NO_EDNS);
	struct seen near =
	    ask_at(w, "2001:db8:0:34::9", slot, "s.a.test A", ASK_NO_EDNS);
	struct seen far =
	    ask_at(w, "2001:db8:0:1234::1", slot, "s.a.test A", ASK_NO_EDNS);
	assert_true(is_same(&six, &near));
	assert_false(is_same(&six, &far));
	world_free(w);
}

/* SRV has who is in A, as far as they fit; more room, more of them. */
static void test_sizes(void **state)
{
	static const struct {
		const char *question;
		unsigned size;
	} asked[] = {
		{ "_s._tcp.a.test SRV", ASK_NO_EDNS },
		{ "s.a.test SRV", ASK_NO_EDNS },
		{ "s.a.test A", ASK_NO_EDNS },
		{ "_s._tcp.a.test SRV", 1232 },
		{ "s.a.test A", 800 },
		{ "s.a.test A", 1232 },
	};
	unsigned weight[MANY];
	struct seen less = { .n = 0 };

	(void)state;
	fill(weight);
	struct world *w = world_of(weight, MANY);
	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++) {
		struct seen got = ask_at(
		    w, "192.0.2.200", 0, asked[i].question, asked[i].size);

		assert_true(got.n >= less.n && got.n < MANY);
		for (size_t k = 0; k < sizeof(less.bits); k++) {
			assert_int_equal(
			    less.bits[k] & ~(unsigned)got.bits[k], 0);
		}
		less = got;
	}
	world_free(w);
}

/* In one slot any of the part may stand first. */
static void test_order_is_drawn(void **state)
{
	unsigned weight[MANY], first[MANY] = { 0 }, n = 0;

	(void)state;
	for (unsigned i = 0; i < MANY; i++)
		weight[i] = 10;
	struct world *w = world_of(weight, MANY);
	struct seen want = { .n = 0 };
	for (unsigned k = 0; k < 1000; k++) {
		struct seen got =
		    ask_at(w, "192.0.2.200", 0, "s.a.test A", ASK_NO_EDNS);

		if (k)
			assert_true(is_same(&got, &want));
		want = got;
		first[got.first]++;
	}
	for (unsigned i = 0; i < MANY; i++)
		n += first[i] > 0;
	assert_int_equal(n, want.n);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_clients),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_order_is_drawn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
