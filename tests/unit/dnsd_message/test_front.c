// SPDX-License-Identifier: BSD-2-Clause
/* What is kept of others' answers, for how long, and beside whom. */
#include "dnsd/message/data/front.h"
#include "dnsd/message/wire/dname.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SEED = 7 };

static void name_of(struct dname *ret_n, const char *text)
{
	assert_true(dname_from_text(ret_n, text));
	dname_hash(ret_n, SEED);
}

/* Its octets behind the question all are `fill`. The caller frees. */
static struct foreign *made(
    const struct dname *n, uint32_t ttl_s, size_t len, uint8_t fill)
{
	struct foreign *f = xcalloc(1, foreign_size(len));
	size_t head = WIRE_HEADER_LEN + n->len + 4U;

	assert_true(len >= head);
	f->ttl_s = ttl_s;
	f->len = (uint16_t)len;
	memcpy(f->msg + WIRE_HEADER_LEN, n->lower, n->len);
	memset(f->msg + head, fill, len - head);
	return f;
}

static bool finds(const struct front *f, const struct front_key *k,
    uint64_t now, size_t len, uint8_t fill)
{
	struct front_copy c = { 0 };
	const struct foreign *a = front_foreign(&c);

	if (!front_find(f, k, now, &c))
		return false;
	assert_int_equal(a->len, len);
	for (size_t i = WIRE_HEADER_LEN + k->name->len + 4U; i < len; i++)
		assert_int_equal(a->msg[i], fill);
	return true;
}

static void test_keys(void **state)
{
	struct front *f = front_new(FRONT_MIN_LEN);
	struct dname n, other;

	(void)state;
	name_of(&n, "www.example");
	name_of(&other, "wwx.example");
	const struct front_key k = { &n, TYPE_A, false, false };
	const struct front_key others[] = {
		{ &other, TYPE_A, false, false },
		{ &n, TYPE_AAAA, false, false },
		{ &n, TYPE_A, true, false },
		{ &n, TYPE_A, false, true },
	};
	scoped_free struct foreign *a = made(&n, 60, 100, 1);
	assert_false(finds(f, &k, 1000, 100, 1));
	front_put(f, &k, a, 1000);
	assert_true(finds(f, &k, 1000, 100, 1));
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		assert_false(finds(f, &others[i], 1000, 100, 1));
	/* beside each other; what is not about the name is not taken */
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		scoped_free struct foreign *b =
		    made(others[i].name, 60, 100, (uint8_t)(2 + i));
		front_put(f, &others[i], b, 1000);
	}
	scoped_free struct foreign *wrong = made(&other, 60, 100, 9);
	front_put(f, &k, wrong, 1000);
	assert_true(finds(f, &k, 1000, 100, 1));
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		assert_true(finds(f, &others[i], 1000, 100, (uint8_t)(2 + i)));
	front_clear(f);
	assert_false(finds(f, &k, 1000, 100, 1));
	front_free(f);
}

static void test_time(void **state)
{
	struct front *f = front_new(FRONT_MIN_LEN);
	struct front_copy c = { 0 };
	struct dname n;

	(void)state;
	name_of(&n, "www.example");
	const struct front_key k = { &n, TYPE_A, false, false };
	scoped_free struct foreign *a = made(&n, 60, 100, 1);
	scoped_free struct foreign *never = made(&n, 0, 100, 2);
	front_put(f, &k, never, 1000);
	assert_false(front_find(f, &k, 1000, &c));
	front_put(f, &k, a, 1000);
	assert_true(front_find(f, &k, 1999, &c));
	assert_int_equal(c.age_s, 0);
	assert_true(front_find(f, &k, 2000, &c));
	assert_int_equal(c.age_s, 1);
	/* it leaves a little before its time */
	assert_true(front_find(f, &k, 54999, &c));
	assert_false(front_find(f, &k, 55000, &c));
	scoped_free struct foreign *longest = made(&n, INT32_MAX, 100, 3);
	front_put(f, &k, longest, 60000);
	assert_true(front_find(f, &k, 60000, &c));
	front_free(f);
}

/* Short and long ones, the last one counts; what is too long is not kept. */
static void test_sizes(void **state)
{
	struct front *f = front_new(FRONT_MIN_LEN);
	struct dname n;

	(void)state;
	name_of(&n, "www.example");
	const struct front_key k = { &n, TYPE_A, false, false };
	for (size_t len = 40; len <= FRONT_MSG_MAX; len++) {
		scoped_free struct foreign *a = made(&n, 60, len, (uint8_t)len);
		front_put(f, &k, a, len);
		assert_true(finds(f, &k, len, len, (uint8_t)len));
	}
	for (size_t len = 300; len >= 40; len--) {
		scoped_free struct foreign *a = made(&n, 60, len, (uint8_t)len);
		front_put(f, &k, a, 5000);
		assert_true(finds(f, &k, 5000, len, (uint8_t)len));
	}
	scoped_free struct foreign *a = made(&n, 60, FRONT_MSG_MAX + 1, 1);
	front_put(f, &k, a, 5000);
	assert_true(finds(f, &k, 5000, 40, 40));
	front_free(f);
}

/* More than there is room for: it forgets, and is never wrong. */
static void test_full(void **state)
{
	struct front *f = front_new(FRONT_MIN_LEN);
	unsigned found_n = 0;
	enum { NAMES = 20000 };

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (unsigned i = 0; i < NAMES; i++) {
			char text[32];
			struct dname n;

			(void)snprintf(text, sizeof(text), "n%u.example", i);
			name_of(&n, text);
			const struct front_key k = { &n, TYPE_A, false, false };
			scoped_free struct foreign *a =
			    made(&n, 60, 100, (uint8_t)i);
			if (!round) {
				front_put(f, &k, a, 1000);
			} else {
				found_n += finds(f, &k, 1000, 100, (uint8_t)i);
			}
		}
	}
	/* 3,932 short slots, less what two have the same bucket for */
	assert_in_range(found_n, 3500, 3936);
	front_free(f);
}

/* ---- threads ---------------------------------------------------------- */

struct crowd {
	struct front *front;
	struct front_key key;
	atomic_bool ends;
	_Atomic unsigned found_n, torn_n;
};

static void *keep_looking(void *arg)
{
	struct crowd *c = arg;
	struct front_copy copy = { 0 };
	const struct foreign *a = front_foreign(&copy);

	while (!atomic_load(&c->ends)) {
		if (!front_find(c->front, &c->key, 1000, &copy))
			continue;
		atomic_fetch_add(&c->found_n, 1);
		size_t head = WIRE_HEADER_LEN + c->key.name->len + 4U;
		for (size_t i = head; i < a->len; i++) {
			/* each says its length */
			if (a->msg[i] != (uint8_t)a->len)
				atomic_fetch_add(&c->torn_n, 1);
		}
	}
	return NULL;
}

static void test_nothing_is_torn(void **state)
{
	struct crowd c = { .front = front_new(FRONT_MIN_LEN) };
	pthread_t threads[3];
	struct dname n;

	(void)state;
	name_of(&n, "www.example");
	c.key = (struct front_key){ &n, TYPE_A, false, false };
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(
		    pthread_create(&threads[i], NULL, keep_looking, &c), 0);
	}
	for (unsigned i = 0;
	     i < 20000 || (atomic_load(&c.found_n) < 100 && i < 20000000);
	     i++) {
		size_t len = 40 + i * 7 % 500;
		scoped_free struct foreign *a = made(&n, 60, len, (uint8_t)len);

		front_put(c.front, &c.key, a, 1000);
	}
	atomic_store(&c.ends, true);
	for (unsigned i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_true(c.found_n >= 100);
	assert_int_equal(c.torn_n, 0);
	front_free(c.front);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_nothing_is_torn),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
