// SPDX-License-Identifier: BSD-2-Clause
/*
 * A block of every size: its index, its groups and its sums agree with what
 * compile was given.
 */
#include "dnsd/message/data/service.h"
#include "tests/support/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* n instances i0, i1 ...; the weight of all, or 0 to 9 if it is negative. */
static struct compile_result compile(struct world *w, unsigned n, int weight)
{
	struct compile_result r;
	struct service_row service = { .name = "s",
		.protocol = "tcp",
		.port = ROW_DEFAULT,
		.ttl_s = ROW_DEFAULT,
		.max_answers = ROW_DEFAULT };

	compile_begin(w->compiler, w->zone, &service, w->now_wall_ms);
	for (unsigned i = 0; i < n; i++) {
		char name[16];
		struct instance_row row = { .name = name,
			.address = "192.0.2.1",
			.port = ROW_DEFAULT,
			.weight = weight < 0 ? (int)(i % 10) : weight,
			.priority = weight < 0 ? (int)(i % 3) : 0,
			.weight_warning = ROW_DEFAULT,
			.health = HEALTH_PASSING };

		(void)snprintf(name, sizeof(name), "i%u", i);
		assert_int_equal(
		    compile_add(w->compiler, &row), i < SERVICE_INSTANCES_MAX);
	}
	assert_int_equal(compile_finish(w->compiler, &r, NULL), 0);
	return r;
}

static int find(const struct service *s, const char *name)
{
	return service_find_instance(
	    s, (const uint8_t *)name, (uint8_t)strlen(name));
}

/* Each instance is found, in the list or by the index, and others are not. */
static void check_index(const struct service *s)
{
	char name[16];

	for (unsigned i = 0; i < s->instance_n; i++) {
		const uint8_t *label = service_instance_at(s, i)->label;

		assert_int_equal(
		    service_find_instance(s, label + 1, label[0]), i);
	}
	for (unsigned i = s->instance_n; i < s->instance_n + 1000u; i++) {
		(void)snprintf(name, sizeof(name), "i%u", i);
		assert_int_equal(find(s, name), -1);
	}
	assert_int_equal(find(s, "i"), -1);
	assert_int_equal(find(s, ""), -1);
}

/* Groups in the order of priorities cover those that are eligible. */
static void check_groups(const struct service *s)
{
	const struct service_group *g = service_at(s, s->groups);
	const uint32_t *cumulative = service_at(s, s->cumulative);
	unsigned at = 0;

	for (unsigned k = 0; k < s->group_n; k++, g++) {
		uint32_t sum = 0;

		assert_int_equal(g->first, at);
		for (unsigned i = 0; i < g->n; i++, at++) {
			const struct service_instance *in =
			    service_instance_at(s, at);

			sum += instance_weight(in);
			assert_int_equal(wire_get16(in->srv + 2), k);
			if (s->cumulative)
				assert_int_equal(cumulative[at], sum);
		}
		assert_int_equal(g->total, sum);
	}
	assert_int_equal(at, s->eligible_n);
}

static void test_sizes(void **state)
{
	static const unsigned sizes[] = { 0, 1, 2, 63, 64, 65, 66, 127, 128,
		129, 1000, 65534, 65535, 65536, 70000 };
	struct world *w = world_new("zone a.test\n");

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		unsigned n = sizes[i] < 65535 ? sizes[i] : 65535;
		struct compile_result r = compile(w, sizes[i], -1);

		assert_int_equal(r.service->instance_n, n);
		assert_int_equal(r.service->eligible_n, n);
		assert_int_equal(r.service->ipv4_n, n);
		assert_int_equal(r.service->ipv6_n, 0);
		assert_int_equal(r.dropped_n, sizes[i] - n);
		assert_int_equal(!!r.service->index, n > SERVICE_LINEAR_MAX);
		check_index(r.service);
		check_groups(r.service);
		free(r.service);
	}
	world_free(w);
}

/* The largest weights there are do not overflow their sum. */
static void test_largest_sum(void **state)
{
	struct world *w = world_new("zone a.test\n");
	struct compile_result r = compile(w, 65535, 65535);
	const struct service_group *g =
	    service_at(r.service, r.service->groups);

	(void)state;
	assert_int_equal(r.service->group_n, 1);
	assert_true(g->total == 65535u * 65535u);
	free(r.service);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_largest_sum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
