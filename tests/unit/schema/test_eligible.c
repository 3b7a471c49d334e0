// SPDX-License-Identifier: BSD-2-Clause
/*
 * Who is in answers: cases with a reason, then what must hold of random rows.
 */
#include "schema/base/rng.h"
#include "schema/eligible.h"
#include "tests/support/rows.h"
#include "tests/unit/schema/support.h"

enum { NOW_MS = ROWS_NOW_MS };

/* ---- weights ---------------------------------------------------------- */

static const struct {
	const char *why;
	int weight, warning;
	enum health health;
	int ramp_percent, is;
} weights[] = {
	{ "as it is", 100, ROW_DEFAULT, HEALTH_PASSING, 0, 100 },
	{ "the one of warning", 100, 30, HEALTH_WARNING, 0, 30 },
	{ "passing has the other", 100, 30, HEALTH_PASSING, 0, 100 },
	{ "the same for warning", 100, ROW_DEFAULT, HEALTH_WARNING, 0, 100 },
	{ "a share", 300, ROW_DEFAULT, HEALTH_PASSING, 10, 30 },
	{ "a share of the other", 300, 50, HEALTH_WARNING, 10, 5 },
	{ "some weight is left", 3, ROW_DEFAULT, HEALTH_PASSING, 1, 1 },
	{ "none stays none", 0, ROW_DEFAULT, HEALTH_PASSING, 50, 0 },
	{ "the largest", 65535, ROW_DEFAULT, HEALTH_PASSING, 99, 64879 },
	{ "no rule held it back", INT32_MAX, ROW_DEFAULT, HEALTH_PASSING, 99,
	    64879 },
	{ "nor this one", INT32_MIN, ROW_DEFAULT, HEALTH_PASSING, 0, 0 },
};

static void weight_in_force(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(weights) / sizeof(weights[0]); n++) {
		const struct instance_row row = { .weight = weights[n].weight,
			.weight_warning = weights[n].warning,
			.health = weights[n].health,
			.ramp_percent = weights[n].ramp_percent };

		if (eligible_weight(&row) != weights[n].is) {
			fail_msg(
			    "%s: %d", weights[n].why, eligible_weight(&row));
		}
	}
}

/* What an operator says is the whole of which a ramp gives a share. */
static void weight_of_an_operator(void **state)
{
	struct instance_row row = { .weight = 100,
		.weight_warning = 30,
		.is_overridden = true,
		.weight_override = 40,
		.health = HEALTH_PASSING };

	(void)state;
	assert_int_equal(eligible_full_weight(&row), 40);
	assert_int_equal(eligible_weight(&row), 40);
	row.ramp_percent = 10;
	assert_int_equal(eligible_full_weight(&row), 40);
	assert_int_equal(eligible_weight(&row), 4);
	row.weight_override = 0;
	assert_int_equal(eligible_weight(&row), 0);
	/* that of a warning is another weight */
	row.health = HEALTH_WARNING;
	assert_int_equal(eligible_full_weight(&row), 30);
	assert_int_equal(eligible_weight(&row), 3);
}

static void a_row_says_whether_it_drained(void **state)
{
	static const struct {
		const char *why;
		int64_t until_wall_ms;
		enum mode mode;
		bool drained;
	} cases[] = {
		{ "not yet", 1001, MODE_DRAINING, false },
		{ "now", 1000, MODE_DRAINING, true },
		{ "no end is known", 0, MODE_DRAINING, false },
		{ "another mode", 1000, MODE_ACTIVE, false },
	};

	(void)state;
	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		const struct instance_row row = { .mode = cases[k].mode,
			.address = "192.0.2.1",
			.drain.until_wall_ms = cases[k].until_wall_ms };

		if (eligible_is_drained(&row, 1000) != cases[k].drained)
			fail_msg("%s", cases[k].why);
	}
}

/* ---- one by one ------------------------------------------------------- */

// clang-format off
static const struct {
	const char *why;
	struct eligible_facts f; /* health, mode, types, lease, drain */
	enum eligible_why decides;
	const char *in, *spare;
	int64_t until;
} cases[] = {
	{ "passing", { HEALTH_PASSING, MODE_ACTIVE, 3, 0, 0 }, ELIGIBLE_PASSING, "SRV A", "", 0 },
	{ "warning, both families", { HEALTH_WARNING, MODE_ACTIVE, 7, 0, 0 }, ELIGIBLE_WARNING, "SRV A AAAA", "", 0 },
	{ "starting", { HEALTH_STARTING, MODE_ACTIVE, 5, 0, 0 }, ELIGIBLE_STARTING, "", "SRV AAAA", 0 },
	{ "critical", { HEALTH_CRITICAL, MODE_ACTIVE, 3, 0, 0 }, ELIGIBLE_CRITICAL, "", "SRV A", 0 },
	{ "dead is evidence", { HEALTH_DEAD, MODE_ACTIVE, 3, 0, 0 }, ELIGIBLE_DEAD, "", "", 0 },
	{ "a lease that holds", { HEALTH_PASSING, MODE_ACTIVE, 3, NOW_MS + 1, 0 }, ELIGIBLE_PASSING, "SRV A", "", NOW_MS + 1 },
	{ "one that ends now", { HEALTH_PASSING, MODE_ACTIVE, 3, NOW_MS, 0 }, ELIGIBLE_EXPIRED, "", "", 0 },
	{ "none that could be", { HEALTH_PASSING, MODE_ACTIVE, 3, INT64_MIN, 0 }, ELIGIBLE_EXPIRED, "", "", 0 },
	{ "the longest", { HEALTH_PASSING, MODE_ACTIVE, 3, INT64_MAX, 0 }, ELIGIBLE_PASSING, "SRV A", "", INT64_MAX },
	{ "maintenance, whatever its health", { HEALTH_PASSING, MODE_MAINTENANCE, 3, 0, 0 }, ELIGIBLE_MAINTENANCE, "", "", 0 },
	{ "the lease comes before the mode", { HEALTH_PASSING, MODE_MAINTENANCE, 3, 1, 0 }, ELIGIBLE_EXPIRED, "", "", 0 },
	{ "draining", { HEALTH_PASSING, MODE_DRAINING, 7, 0, NOW_MS + 5 }, ELIGIBLE_DRAINING, "SRV", "", NOW_MS + 5 },
	{ "draining without an end", { HEALTH_WARNING, MODE_DRAINING, 3, 0, 0 }, ELIGIBLE_DRAINING, "SRV", "", 0 },
	{ "it may not be in SRV either while critical, nor be let in", { HEALTH_CRITICAL, MODE_DRAINING, 3, 0, NOW_MS + 5 }, ELIGIBLE_CRITICAL, "", "", NOW_MS + 5 },
	{ "drained", { HEALTH_PASSING, MODE_DRAINING, 3, 0, NOW_MS }, ELIGIBLE_DRAINED, "", "", 0 },
	{ "drained and critical", { HEALTH_CRITICAL, MODE_DRAINING, 3, 0, NOW_MS }, ELIGIBLE_DRAINED, "", "", 0 },
	{ "the end of a drain is of no mode but draining", { HEALTH_PASSING, MODE_ACTIVE, 3, 0, NOW_MS }, ELIGIBLE_PASSING, "SRV A", "", 0 },
	{ "the sooner of two ends", { HEALTH_PASSING, MODE_DRAINING, 3, NOW_MS + 2, NOW_MS + 5 }, ELIGIBLE_DRAINING, "SRV", "", NOW_MS + 2 },
	{ "the other way round", { HEALTH_PASSING, MODE_DRAINING, 3, NOW_MS + 5, NOW_MS + 2 }, ELIGIBLE_DRAINING, "SRV", "", NOW_MS + 2 },
};
// clang-format on

static const char *types_text(unsigned types, char buf[16])
{
	(void)snprintf(buf, 16, "%s%s%s%s%s", types & ELIGIBLE_SRV ? "SRV" : "",
	    types & ELIGIBLE_SRV && types > 1 ? " " : "",
	    types & ELIGIBLE_A ? "A" : "",
	    types & ELIGIBLE_A && types & ELIGIBLE_AAAA ? " " : "",
	    types & ELIGIBLE_AAAA ? "AAAA" : "");
	return buf;
}

static void one_by_one(void **state)
{
	char in[16], spare[16];

	(void)state;
	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		struct eligible e = eligible_judge(&cases[k].f, NOW_MS);

		if (e.why != cases[k].decides ||
		    strcmp(types_text(e.types, in), cases[k].in) != 0 ||
		    strcmp(types_text(e.spare_types, spare), cases[k].spare) !=
		        0 ||
		    e.until_wall_ms != cases[k].until) {
			fail_msg("%s: %s, in '%s', spare '%s', until %lld",
			    cases[k].why, eligible_why_name(e.why), in, spare,
			    (long long)e.until_wall_ms);
		}
	}
}

static void addresses_make_types(void **state)
{
	static const struct {
		const char *first, *second;
		unsigned types;
	} rows[] = {
		{ "192.0.2.1", NULL, ELIGIBLE_SRV | ELIGIBLE_A },
		{ "2001:db8::1", NULL, ELIGIBLE_SRV | ELIGIBLE_AAAA },
		{ "192.0.2.1", "2001:db8::1",
		    ELIGIBLE_SRV | ELIGIBLE_A | ELIGIBLE_AAAA },
	};

	(void)state;
	for (size_t k = 0; k < sizeof(rows) / sizeof(*rows); k++) {
		const struct instance_row row = { .address = rows[k].first,
			.address6 = rows[k].second };

		assert_int_equal(eligible_facts(&row).types, rows[k].types);
	}
}

/* ---- what must hold of all ----------------------------------------------- */

enum { ROUNDS = 20000, MEMBERS_MAX = 6 };

struct group {
	struct instance_row rows[MEMBERS_MAX];
	struct eligible alone[MEMBERS_MAX], settled[MEMBERS_MAX];
	unsigned n;
	enum on_empty on_empty;
};

static bool is_equal(const struct eligible *a, const struct eligible *b)
{
	return a->why == b->why && a->types == b->types &&
	       a->spare_types == b->spare_types &&
	       a->until_wall_ms == b->until_wall_ms;
}

static void judge_group(struct group *g, int64_t now_ms)
{
	struct eligible_sum sum = { 0 };

	for (unsigned k = 0; k < g->n; k++) {
		struct eligible_facts f = eligible_facts(&g->rows[k]);

		g->alone[k] = eligible_judge(&f, now_ms);
		eligible_count(&sum, &g->alone[k]);
	}
	assert_int_equal(sum.n, g->n);
	for (unsigned k = 0; k < g->n; k++) {
		g->settled[k] = g->alone[k];
		bool changed =
		    eligible_settle(&g->settled[k], &sum, g->on_empty);
		assert_int_equal(
		    changed, !is_equal(&g->settled[k], &g->alone[k]));
	}
}

/* Design section 3 as it is written, of one alone. */
static bool by_the_book(const struct instance_row *r, bool *ret_addresses)
{
	bool well = r->health == HEALTH_PASSING || r->health == HEALTH_WARNING;
	bool leased =
	    !r->lease_until_wall_ms || r->lease_until_wall_ms > NOW_MS;
	bool eases =
	    r->mode == MODE_DRAINING &&
	    (!r->drain.until_wall_ms || r->drain.until_wall_ms > NOW_MS);

	*ret_addresses = well && leased && r->mode == MODE_ACTIVE;
	return *ret_addresses || (well && leased && eases);
}

static void check_group(const struct group *g)
{
	unsigned srv_n = 0, settled_n = 0;

	for (unsigned k = 0; k < g->n; k++) {
		const struct instance_row *r = &g->rows[k];
		const struct eligible *e = &g->settled[k];
		bool addresses, srv = by_the_book(r, &addresses);

		srv_n += srv;
		settled_n += (e->types & ELIGIBLE_SRV) != 0;
		assert_int_equal(srv, (g->alone[k].types & ELIGIBLE_SRV) != 0);
		assert_int_equal(
		    addresses, eligible_is_in_addresses(&g->alone[k]));
		/* in an address answer: in SRV, too */
		assert_true(!e->types || e->types & ELIGIBLE_SRV);
		assert_int_equal(e->types & ~eligible_facts(r).types, 0);
		/* evidence, and the operator's will, are above any policy */
		if (r->health == HEALTH_DEAD || r->mode == MODE_MAINTENANCE)
			assert_int_equal(e->types, 0);
		if (r->mode == MODE_DRAINING) {
			assert_false(eligible_is_in_addresses(e));
			assert_int_equal(eligible_weight(r), 0);
		}
		assert_in_range(eligible_weight(r), 0, 65535);
		assert_in_range(eligible_weight(r), 0, eligible_full_weight(r));
		assert_true(e->until_wall_ms == 0 || e->until_wall_ms > NOW_MS);
	}
	/* a policy comes in only where nobody is by himself */
	if (srv_n || g->on_empty != ON_EMPTY_ALL)
		assert_int_equal(settled_n, srv_n);
}

/* Until the time that it names nothing changes by time alone. */
static void check_time(const struct group *g)
{
	for (unsigned k = 0; k < g->n; k++) {
		struct eligible_facts f = eligible_facts(&g->rows[k]);
		const struct eligible *e = &g->alone[k];
		int64_t until = e->until_wall_ms;
		struct eligible last =
		    eligible_judge(&f, until ? until - 1 : INT64_MAX);

		assert_int_equal(last.why, e->why);
		assert_int_equal(last.types, e->types);
		if (!until)
			continue;
		struct eligible then = eligible_judge(&f, until);
		assert_true(then.why != e->why);
		assert_int_equal(then.types, 0);
	}
}

static void random_rows_keep_the_rules(void **state)
{
	struct rng rng;
	unsigned seen[ELIGIBLE_WHY_N] = { 0 };

	(void)state;
	rng_seed_fixed(&rng, 4);
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct group g = { .n = rng_below(&rng, MEMBERS_MAX + 1),
			.on_empty = rng_below(&rng, ON_EMPTY_N) };

		for (unsigned k = 0; k < g.n; k++)
			g.rows[k] = rows_random(&rng);
		judge_group(&g, NOW_MS);
		check_group(&g);
		check_time(&g);
		for (unsigned k = 0; k < g.n; k++)
			seen[g.settled[k].why]++;
	}
	for (unsigned k = 0; k < ELIGIBLE_WHY_N; k++) {
		if (!seen[k])
			fail_msg("no row was %s", eligible_why_name(k));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(weight_in_force),
		cmocka_unit_test(weight_of_an_operator),
		cmocka_unit_test(a_row_says_whether_it_drained),
		cmocka_unit_test(one_by_one),
		cmocka_unit_test(addresses_make_types),
		cmocka_unit_test(random_rows_keep_the_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
