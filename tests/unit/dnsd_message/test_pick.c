// SPDX-License-Identifier: BSD-2-Clause
/*
 * The order is exact: counts over many draws against the probabilities of
 * drawing one after another, for few instances (the linear way) and for many
 * (bisection).
 */
#include "dnsd/message/answer/pick.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "tests/support/chi.h"
#include "tests/support/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { DRAWS = 100000 };

/* Members of the service: where, with what weight, in which families. */
struct member {
	unsigned weight, priority;
	bool six_only, both, draining;
};

struct fixture {
	struct world *world;
	const struct service *service;
	struct pick *pick;
	struct rng rng;
};

static struct fixture fixture_new(const struct member *m, unsigned n)
{
	struct fixture f = { .world = world_new("zone a.test\n") };
	char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);

	(void)fprintf(file, "service s\n");
	for (unsigned i = 0; i < n; i++) {
		(void)fprintf(file,
		    "instance i%05u %s%u weight %u priority %u%s%s\n", i,
		    m[i].six_only ? "2001:db8::" : "10.0.0.", i % 250,
		    m[i].weight, m[i].priority,
		    m[i].both ? " six 2001:db8::1" : "",
		    m[i].draining ? " mode draining" : "");
	}
	(void)fclose(file);
	world_add(f.world, text);
	free(text);
	f.service = world_find(f.world, "s");
	f.pick = xcalloc(1, sizeof(*f.pick));
	rng_seed_fixed(&f.rng, 20250101);
	return f;
}

static void fixture_free(struct fixture *f)
{
	for (size_t i = 0; i < sizeof(f->pick->taken) / sizeof(uint64_t); i++)
		assert_true(f->pick->taken[i] == 0);
	free(f->pick);
	world_free(f->world);
}

/* The member behind an index of the service: from its label. */
static unsigned member_of(const struct fixture *f, unsigned i)
{
	const uint8_t *label = service_instance_at(f->service, i)->label;
	unsigned v = 0;

	for (unsigned k = 2; k <= label[0]; k++)
		v = 10 * v + (unsigned)(label[k] - '0');
	return v;
}

/* The same members with equal weights, as many as it takes. */
static void fill(struct member *m, unsigned n, unsigned weight)
{
	for (unsigned i = 0; i < n; i++)
		m[i] = (struct member){ .weight = weight };
}

/* ---- every permutation of few ----------------------------------------- */

static const struct {
	const char *why;
	unsigned n;
	unsigned weight[CHI_ORDER_MAX];
} small[] = {
	{ "one", 1, { 7 } },
	{ "two, the second rarely first", 2, { 1000, 1 } },
	{ "equal weights", 4, { 10, 10, 10, 10 } },
	{ "skewed weights", 3, { 1, 10, 1000 } },
	{ "five different ones", 5, { 1, 2, 3, 4, 5 } },
	{ "weight 0 comes after every other", 4, { 0, 3, 0, 1 } },
	{ "all 0: each order is as likely", 4, { 0, 0, 0, 0 } },
	{ "one 0", 3, { 5, 0, 5 } },
	{ "the largest weights there are", 4, { 65535, 65535, 65535, 32768 } },
};

static void test_whole_orders(void **state)
{
	(void)state;
	for (size_t c = 0; c < sizeof(small) / sizeof(*small); c++) {
		unsigned n = small[c].n, count[CHI_ORDERS_MAX] = { 0 };
		double p[CHI_ORDERS_MAX];
		struct member m[CHI_ORDER_MAX];

		fill(m, n, 0);
		for (unsigned i = 0; i < n; i++)
			m[i].weight = small[c].weight[i];
		struct fixture f = fixture_new(m, n);
		chi_order_probabilities(small[c].weight, n, p);
		for (unsigned d = 0; d < DRAWS; d++) {
			unsigned order[CHI_ORDER_MAX] = { 0 };

			assert_int_equal(
			    pick_order(f.pick, f.service, n, PICK_ALL, &f.rng),
			    n);
			for (unsigned i = 0; i < n; i++)
				order[i] = member_of(&f, f.pick->order[i]);
			count[chi_order_rank(order, n)]++;
		}
		if (!chi_fits(count, p, chi_orders(n), DRAWS)) {
			fail_msg("%s: chi-square %f", small[c].why,
			    chi_square(count, p, chi_orders(n), DRAWS)
			        .statistic);
		}
		fixture_free(&f);
	}
}

/* ---- many --------------------------------------------------------------- */

/*
 * The order that a draw without replacement gives to some of the members,
 * the others left out, is that of a draw among those alone. So four of a
 * thousand tell about the whole permutation.
 */
static const unsigned watched_n = 4;

static const struct {
	const char *why;
	unsigned n, want, draws;
	unsigned light, heavy, heavy_each; /* weight of each heavy_each-th */
} many[] = {
	{ "63: linear", 63, 63, 20000, 10, 1000, 9 },
	{ "64: the last linear one", 64, 64, 20000, 10, 1000, 9 },
	{ "65: the first by bisection", 65, 65, 20000, 10, 1000, 9 },
	{ "65, equal", 65, 65, 20000, 10, 10, 9 },
	{ "65, every other has weight 0", 65, 65, 20000, 0, 10, 2 },
	{ "200, all 0", 200, 200, 10000, 0, 0, 9 },
	{ "1000 with one heavy", 1000, 1000, 2000, 1, 65535, 1000 },
	{ "1000 where most have 0: the rest is linear", 1000, 1000, 2000, 0, 7,
	    40 },
};

static void count_watched(
    struct fixture *f, const unsigned *watched, unsigned n, unsigned *count)
{
	unsigned order[CHI_ORDER_MAX] = { 0 }, k = 0;

	for (unsigned i = 0; i < n && k < watched_n; i++) {
		unsigned who = member_of(f, f->pick->order[i]);

		for (unsigned w = 0; w < watched_n; w++) {
			if (watched[w] == who)
				order[k++] = w;
		}
	}
	assert_int_equal(k, watched_n);
	count[chi_order_rank(order, watched_n)]++;
}

/* Each of the n once. */
static void check_is_permutation(const struct fixture *f, unsigned n)
{
	scoped_free bool *seen = xcalloc(n, sizeof(*seen));

	for (unsigned i = 0; i < n; i++) {
		assert_true(f->pick->order[i] < n);
		assert_false(seen[f->pick->order[i]]);
		seen[f->pick->order[i]] = true;
	}
}

static void run_many(size_t c)
{
	unsigned n = many[c].n;
	scoped_free struct member *m = xcalloc(n, sizeof(*m));
	unsigned watched[] = { 0, 1, n / 2, n - 1 }, weight[CHI_ORDER_MAX];
	unsigned count[CHI_ORDERS_MAX] = { 0 };
	double p[CHI_ORDERS_MAX];

	for (unsigned i = 0; i < n; i++) {
		m[i].weight =
		    i % many[c].heavy_each ? many[c].light : many[c].heavy;
	}
	for (unsigned w = 0; w < watched_n; w++)
		weight[w] = m[watched[w]].weight;
	chi_order_probabilities(weight, watched_n, p);
	struct fixture f = fixture_new(m, n);
	for (unsigned d = 0; d < many[c].draws; d++) {
		assert_int_equal(pick_order(f.pick, f.service, many[c].want,
		                     PICK_ALL, &f.rng),
		    n);
		check_is_permutation(&f, n);
		count_watched(&f, watched, n, count);
	}
	if (!chi_fits(count, p, chi_orders(watched_n), many[c].draws))
		fail_msg("%s", many[c].why);
	fixture_free(&f);
}

static void test_order_of_many(void **state)
{
	(void)state;
	for (size_t c = 0; c < sizeof(many) / sizeof(*many); c++)
		run_many(c);
}

/* Who stands first, and who second behind whom. */
static void test_first_places(void **state)
{
	static const unsigned sizes[] = { 3, 63, 64, 65, 66, 130 };

	(void)state;
	for (size_t c = 0; c < sizeof(sizes) / sizeof(*sizes); c++) {
		unsigned n = sizes[c], total = 0;
		struct member m[130];
		scoped_free unsigned *first = xcalloc(n, sizeof(*first));
		scoped_free unsigned *pair =
		    xcalloc((size_t)n * n, sizeof(*pair));
		scoped_free double *p = xcalloc((size_t)n * n, sizeof(*p));

		for (unsigned i = 0; i < n; i++) {
			m[i] = (struct member){
				.weight = i % 3 == 0   ? 1000
				          : i % 3 == 1 ? 100
				                       : 1,
			};
			total += m[i].weight;
		}
		struct fixture f = fixture_new(m, n);
		for (unsigned d = 0; d < DRAWS; d++) {
			assert_int_equal(
			    pick_order(f.pick, f.service, 2, PICK_ALL, &f.rng),
			    2);
			unsigned a = member_of(&f, f.pick->order[0]);
			unsigned b = member_of(&f, f.pick->order[1]);
			first[a]++;
			pair[a * n + b]++;
		}
		for (unsigned i = 0; i < n; i++)
			p[i] = (double)m[i].weight / total;
		assert_true(chi_fits(first, p, n, DRAWS));
		for (size_t i = 0; i < (size_t)n * n; i++) {
			unsigned a = m[i / n].weight, b = m[i % n].weight;

			p[i] = i / n == i % n
			           ? 0
			           : (double)a / total * b / (total - a);
		}
		assert_true(chi_fits(pair, p, (size_t)n * n, DRAWS));
		fixture_free(&f);
	}
}

/* One of a thousand stands first as often as its weight says. */
static void test_one_heavy(void **state)
{
	enum { N = 1000 };
	struct member m[N];
	unsigned count[2] = { 0 };
	/* 999 light ones of weight 10 */
	const double p[2] = { 10000.0 / 19990, 9990.0 / 19990 };

	(void)state;
	fill(m, N, 10);
	m[777].weight = 10000;
	struct fixture f = fixture_new(m, N);
	for (unsigned d = 0; d < DRAWS; d++) {
		(void)pick_order(f.pick, f.service, 1, PICK_ALL, &f.rng);
		count[member_of(&f, f.pick->order[0]) != 777]++;
	}
	assert_true(chi_fits(count, p, 2, DRAWS));
	fixture_free(&f);
}

/* ---- priorities and filters --------------------------------------------- */

static void test_priorities(void **state)
{
	enum { N = 200 };
	struct member m[N];

	(void)state;
	/* small groups around a large one */
	for (unsigned i = 0; i < N; i++) {
		m[i] = (struct member){ .weight = i % 5,
			.priority = i < 10    ? 65535
			            : i < 110 ? 7
			                      : i % 3 };
	}
	struct fixture f = fixture_new(m, N);
	for (unsigned want = 0; want <= N + 10; want++) {
		unsigned n =
		    pick_order(f.pick, f.service, want, PICK_ALL, &f.rng);

		assert_int_equal(n, want < N ? want : N);
		for (unsigned i = 1; i < n; i++) {
			const struct member *a =
			    &m[member_of(&f, f.pick->order[i - 1])];
			const struct member *b =
			    &m[member_of(&f, f.pick->order[i])];

			assert_true(a->priority <= b->priority);
			/* 0 after every positive weight of its priority */
			if (a->priority == b->priority)
				assert_true(a->weight || !b->weight);
		}
	}
	fixture_free(&f);
}

static const struct {
	const char *why;
	unsigned n;
	enum pick_filter filter;
} filters[] = {
	{ "few, IPv4", 12, PICK_IPV4 },
	{ "few, IPv6", 12, PICK_IPV6 },
	{ "many, IPv4: sums anew", 300, PICK_IPV4 },
	{ "many, IPv6", 300, PICK_IPV6 },
	{ "many with few of that family", 100, PICK_IPV6 },
};

static bool wanted(const struct member *m, enum pick_filter filter)
{
	return !m->draining &&
	       (filter == PICK_IPV6 ? m->six_only || m->both : !m->six_only);
}

static void run_filter(size_t c)
{
	unsigned n = filters[c].n, total = 0, eligible = 0;
	scoped_free struct member *m = xcalloc(n, sizeof(*m));
	scoped_free unsigned *count = xcalloc(n, sizeof(*count));
	scoped_free double *p = xcalloc(n, sizeof(*p));

	for (unsigned i = 0; i < n; i++) {
		m[i].weight = 1 + i % 11;
		m[i].six_only = i % 4 == 1;
		m[i].both = i % 4 == 2;
		m[i].draining = i % 6 == 5;
		if (wanted(&m[i], filters[c].filter)) {
			total += m[i].weight;
			eligible++;
		}
	}
	struct fixture f = fixture_new(m, n);
	for (unsigned d = 0; d < DRAWS / 2; d++) {
		unsigned got = pick_order(f.pick, f.service, d % 100 ? 1 : n,
		    filters[c].filter, &f.rng);

		assert_int_equal(got, d % 100 ? 1 : eligible);
		for (unsigned i = 0; i < got; i++) {
			unsigned who = member_of(&f, f.pick->order[i]);

			assert_true(wanted(&m[who], filters[c].filter));
		}
		count[member_of(&f, f.pick->order[0])]++;
	}
	for (unsigned i = 0; i < n; i++) {
		p[i] = wanted(&m[i], filters[c].filter)
		           ? (double)m[i].weight / total
		           : 0;
	}
	if (!chi_fits(count, p, n, DRAWS / 2))
		fail_msg("%s", filters[c].why);
	fixture_free(&f);
}

static void test_filters(void **state)
{
	(void)state;
	for (size_t c = 0; c < sizeof(filters) / sizeof(*filters); c++)
		run_filter(c);
}

/* The measure itself must be able to say no. */
static void test_chi_can_fail(void **state)
{
	static const double p[] = { 0.25, 0.25, 0.5, 0 };
	static const unsigned right[] = { 25100, 24900, 50000, 0 };
	static const unsigned wrong[] = { 25800, 24200, 50000, 0 };
	static const unsigned impossible[] = { 25000, 25000, 49999, 1 };

	(void)state;
	assert_true(chi_fits(right, p, 4, DRAWS));
	assert_false(chi_fits(wrong, p, 4, DRAWS));
	assert_false(chi_fits(impossible, p, 4, DRAWS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chi_can_fail),
		cmocka_unit_test(test_whole_orders),
		cmocka_unit_test(test_first_places),
		cmocka_unit_test(test_order_of_many),
		cmocka_unit_test(test_one_heavy),
		cmocka_unit_test(test_priorities),
		cmocka_unit_test(test_filters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
