// SPDX-License-Identifier: BSD-2-Clause
/*
 * Questions under way, who waits for them, and the name that must not come
 * back.
 */
#include "dnsd/forward/looping.h"
#include "dnsd/forward/pending.h"
#include "dnsd/later/later.h"
#include "dnsd/message/wire/rdata.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct network_prefixes prefixes = { 24, 56 };

static struct subject subject(struct dname *n, const char *name, uint16_t type)
{
	assert_true(dname_from_text(n, name));
	return (struct subject){ n->lower, n->len, type };
}

/* A client's request, of which only who asks and how counts. */
struct client {
	struct sockaddr_in address;
	struct deferral deferral;
	struct query query;
	struct later_request request;
};

static void client_init(struct client *c, const char *address, bool cd)
{
	*c = (struct client){ .address.sin_family = AF_INET };
	assert_int_equal(inet_pton(AF_INET, address, &c->address.sin_addr), 1);
	c->deferral.visitor.peer = (struct sockaddr *)&c->address;
	c->query.flags[1] = cd ? WIRE_CD : 0;
	c->request.deferral = &c->deferral;
	c->request.query = &c->query;
}

static void test_each_once(void **state)
{
	scoped_free struct pending *p = xcalloc(1, sizeof(*p));
	struct dname n, m;

	(void)state;
	pending_init(p, &prefixes);
	const struct subject a = subject(&n, "www.example", TYPE_A);
	const struct subject b = subject(&m, "www.example", TYPE_AAAA);
	assert_null(pending_find(p, &a));
	struct asked *first = pending_add(p, &a, 100);
	uint64_t id = first->id;
	assert_ptr_equal(pending_find(p, &a), first);
	assert_null(pending_find(p, &b));
	struct asked *second = pending_add(p, &b, 200);
	assert_ptr_equal(pending_find(p, &b), second);
	assert_ptr_equal(pending_by_id(p, id), first);
	assert_ptr_equal(&p->asked[p->oldest], first);
	assert_int_equal(p->busy_ms, 100);
	pending_take(p, first, NULL);
	assert_null(pending_find(p, &a));
	assert_null(pending_by_id(p, id));
	assert_ptr_equal(&p->asked[p->oldest], second);
	/* the same place, another question */
	struct asked *again = pending_add(p, &a, 300);
	assert_ptr_equal(again, first);
	assert_null(pending_by_id(p, id));
	assert_null(pending_by_id(p, 0));
	assert_null(pending_by_id(p, UINT64_MAX));
	assert_int_equal(p->n, 2);
	pending_release(p);
	assert_int_equal(p->n, 0);
}

/* Full, emptied from the oldest on, and from anywhere. */
static void test_full(void **state)
{
	scoped_free struct pending *p = xcalloc(1, sizeof(*p));
	struct dname n;
	char name[32];

	(void)state;
	pending_init(p, &prefixes);
	for (int round = 0; round < 3; round++) {
		for (unsigned i = 0; i < PENDING_MAX; i++) {
			(void)snprintf(name, sizeof(name), "n%u.example", i);
			const struct subject s = subject(&n, name, TYPE_A);
			assert_null(pending_find(p, &s));
			assert_non_null(pending_add(p, &s, i));
		}
		const struct subject s = subject(&n, "more.example", TYPE_A);
		assert_null(pending_add(p, &s, 0));
		if (round == 1) {
			for (unsigned i = 0; i < PENDING_MAX; i += 2) {
				(void)snprintf(name, sizeof(name),
				    "n%u.example", (i * 7) % PENDING_MAX);
				const struct subject t =
				    subject(&n, name, TYPE_A);
				pending_take(p, pending_find(p, &t), NULL);
			}
		}
		for (int64_t last = -1; p->oldest != PENDING_NONE;) {
			struct asked *a = &p->asked[p->oldest];

			assert_true(a->since_ms > last);
			last = a->since_ms;
			pending_take(p, a, NULL);
		}
		assert_int_equal(p->n, 0);
	}
	pending_release(p);
}

static void test_networks_are_counted(void **state)
{
	scoped_free struct pending *p = xcalloc(1, sizeof(*p));
	struct client a, b, c;
	struct dname n;
	struct asked copy;

	(void)state;
	pending_init(p, &prefixes);
	client_init(&a, "192.0.2.1", false);
	client_init(&b, "192.0.2.200", true);
	client_init(&c, "198.51.100.1", false);
	const struct subject s = subject(&n, "www.example", TYPE_A);
	struct asked *q = pending_add(p, &s, 1);
	pending_wait(p, q, &a.request);
	pending_wait(p, q, &b.request);
	assert_int_equal(pending_of_network(p, &a.request), 2);
	assert_int_equal(pending_of_network(p, &b.request), 2);
	/* or they share a cell, once in 4,096 times */
	assert_in_range(pending_of_network(p, &c.request), 0, 2);
	pending_take(p, q, &copy);
	assert_int_equal(pending_of_network(p, &a.request), 0);
	assert_true(copy.waiters->checking_disabled);
	assert_false(copy.waiters->next->checking_disabled);
	assert_null(copy.waiters->next->next);
	pending_free_waiters(copy.waiters);
	pending_release(p);
}

static void test_subject(void **state)
{
	struct client c;
	struct dname n;

	(void)state;
	client_init(&c, "192.0.2.1", false);
	assert_true(dname_from_text(&c.query.name, "WWW.own.example"));
	c.query.type = TYPE_A;
	struct subject s = pending_subject(&c.request);
	const struct subject own = subject(&n, "www.own.example", TYPE_A);
	assert_int_equal(s.len, own.len);
	assert_memory_equal(s.name, own.name, s.len);
	/* an alias leads elsewhere */
	const struct subject to = subject(&n, "a.elsewhere", TYPE_A);
	c.deferral.target_len = (uint8_t)to.len;
	memcpy(c.deferral.target, to.name, to.len);
	s = pending_subject(&c.request);
	assert_int_equal(s.len, to.len);
	assert_memory_equal(s.name, to.name, s.len);
	assert_int_equal(s.type, TYPE_A);
}

/* ---- what comes back -------------------------------------------------- */

static uint64_t step(struct looping *l, struct pending *p, int64_t now)
{
	struct subject s;

	if (!looping_step(l, p, now, &s))
		return 0;
	l->id = pending_add(p, &s, now)->id;
	return l->id;
}

static void test_a_loop_is_found_and_ends(void **state)
{
	scoped_free struct pending *p = xcalloc(1, sizeof(*p));
	struct looping l = { .is_possible = true };
	struct dname n;

	(void)state;
	pending_init(p, &prefixes);
	const struct subject other = subject(&n, "www.example", TYPE_A);
	assert_int_equal(step(&l, p, 1), 0); /* nothing was asked yet */
	assert_false(looping_is(&l, &other));
	l.is_wanted = true;
	uint64_t id = step(&l, p, 2);
	assert_true(id != 0);
	const struct subject name = { l.name, l.name_len, TYPE_A };
	assert_int_equal(wire_name_len(l.name, l.name_len), l.name_len);
	assert_false(looping_is(&l, &other));
	/* under way there is one only */
	l.is_wanted = true;
	assert_int_equal(step(&l, p, 3000), 0);
	assert_true(looping_is(&l, &name));
	assert_true(l.is_found);
	pending_take(p, pending_by_id(p, id), NULL);
	assert_int_equal(step(&l, p, 3001), 0);
	assert_true(l.is_found);
	/* again soon, with another name, which does not come */
	assert_int_equal(step(&l, p, 8000), 0);
	uint8_t before[sizeof(l.name)];
	memcpy(before, l.name, sizeof(before));
	id = step(&l, p, 8001);
	assert_true(id != 0);
	assert_memory_not_equal(before, l.name, l.name_len);
	assert_true(l.is_found);
	pending_take(p, pending_by_id(p, id), NULL);
	assert_int_equal(step(&l, p, 8002), 0);
	assert_false(l.is_found);
	/* then once a minute, if anything is asked */
	assert_int_equal(step(&l, p, 200000), 0);
	l.is_wanted = true;
	assert_true(step(&l, p, 200001) != 0);
	pending_release(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_once),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_networks_are_counted),
		cmocka_unit_test(test_subject),
		cmocka_unit_test(test_a_loop_is_found_and_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
