// SPDX-License-Identifier: BSD-2-Clause
/*
 * The block that is answered from says of random rows what eligible.h says.
 */
#include "dnsd/registry/compile.h"
#include "schema/base/rng.h"
#include "schema/eligible.h"
#include "tests/support/ask.h"
#include "tests/support/rows.h"
#include "tests/support/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MEMBERS_MAX = 8 };

struct members {
	struct instance_row rows[MEMBERS_MAX];
	struct eligible e[MEMBERS_MAX];
	char names[MEMBERS_MAX][16];
	unsigned n;
	int64_t until; /* of the first to change by time alone */
};

static void draw(struct members *m, struct rng *rng, enum on_empty on_empty)
{
	struct eligible_sum sum = { 0 };

	m->n = rng_below(rng, MEMBERS_MAX + 1);
	m->until = 0;
	for (unsigned k = 0; k < m->n; k++) {
		m->rows[k] = rows_random(rng);
		(void)snprintf(m->names[k], sizeof(m->names[k]), "i%u", k);
		m->rows[k].name = m->names[k];
		struct eligible_facts f = eligible_facts(&m->rows[k]);
		m->e[k] = eligible_judge(&f, ROWS_NOW_MS);
		eligible_count(&sum, &m->e[k]);
		int64_t until = m->e[k].until_wall_ms;
		if (until && (!m->until || until < m->until))
			m->until = until;
	}
	for (unsigned k = 0; k < m->n; k++)
		(void)eligible_settle(&m->e[k], &sum, on_empty);
}

static void check_block(const struct service *s, const struct members *m)
{
	unsigned srv_n = 0, ipv4_n = 0, ipv6_n = 0;

	for (unsigned k = 0; k < m->n; k++) {
		int at =
		    service_find_instance(s, (const uint8_t *)m->names[k], 2);

		assert_in_range(at, 0, m->n - 1);
		srv_n += (m->e[k].types & ELIGIBLE_SRV) != 0;
		ipv4_n += (m->e[k].types & ELIGIBLE_A) != 0;
		ipv6_n += (m->e[k].types & ELIGIBLE_AAAA) != 0;
		assert_int_equal(
		    at < s->eligible_n, (m->e[k].types & ELIGIBLE_SRV) != 0);
		assert_int_equal(
		    instance_weight(service_instance_at(s, (unsigned)at)),
		    eligible_weight(&m->rows[k]));
	}
	assert_int_equal(s->eligible_n, srv_n);
	assert_int_equal(s->ipv4_n, ipv4_n);
	assert_int_equal(s->ipv6_n, ipv6_n);
}

static void test_members(void **state)
{
	struct world *w = world_new("zone svc.test ttl 5 max 8\n");
	struct compiler *c = compiler_new();
	struct service_row service = { .name = "web",
		.protocol = "tcp",
		.port = ROW_DEFAULT,
		.ttl_s = ROW_DEFAULT,
		.max_answers = ROW_DEFAULT };
	struct members m;
	struct rng rng;

	(void)state;
	rng_seed_fixed(&rng, 11);
	for (unsigned round = 0; round < 20000; round++) {
		struct compile_result r = { 0 };
		struct diag diag;

		service.on_empty = rng_below(&rng, ON_EMPTY_N);
		draw(&m, &rng, service.on_empty);
		compile_begin(c, w->zone, &service, ROWS_NOW_MS);
		for (unsigned k = 0; k < m.n; k++)
			assert_true(compile_add(c, &m.rows[k]));
		assert_int_equal(compile_finish(c, &r, &diag), 0);
		check_block(r.service, &m);
		/* and a look at what has expired may come sooner */
		if (m.until) {
			assert_in_range(
			    r.next_expiry_wall_ms, ROWS_NOW_MS + 1, m.until);
		}
		free(r.service);
	}
	compiler_free(c);
	world_free(w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
