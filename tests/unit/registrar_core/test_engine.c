// SPDX-License-Identifier: BSD-2-Clause
/* A client of an engine, and an engine that misbehaves. */
#include "engine_support.h"

/* ---- tests ------------------------------------------------------------ */

static void test_nobody_asks(void **state)
{
	struct fx *f = *state;

	serve(f);
	loop_for(&f->loop, 100);
	assert_int_equal(f->list_n, 0);
	assert_null(f->stream);
	engine_add(f->engine, &f->user);
	await(f, "a+ known");
	/* it was not headed, which does not matter */
	assert_string_equal(engine_trouble(f->engine), "");
	assert_non_null(engine_find(f->engine, "a"));
	assert_non_null(engine_find(f->engine, ID_A));
	assert_null(engine_find(f->engine, "b"));
}

static void test_events(void **state)
{
	struct fx *f = *state;

	begin(f);
	say(f, HEAD);
	f->containers[1].there = f->containers[1].running = true;
	say(f, EVENT("start", ID_B));
	await(f, "b+");
	/* an end is told before anybody is asked; then it is looked at */
	f->heard[0] = '\0';
	f->containers[1].running = false;
	say(f, EVENT("die", ID_B));
	await(f, "b- b-");
	f->heard[0] = '\0';
	f->containers[0].there = false;
	say(f, EVENT("die", ID_A) EVENT("destroy", ID_A));
	await(f, "a-");
	assert_null(engine_find(f->engine, "a"));
	/* nonsense between is passed over, and in pieces it is one */
	f->heard[0] = '\0';
	f->containers[1].running = true;
	say(f, "\n\n{\"x\"\n[]\n" EVENT(
	           "exec_start", ID_B) "{\"Type\":\"container\",\"Act");
	loop_for(&f->loop, 20);
	say(f, "ion\":\"start\",\"Actor\":{\"ID\":\"" ID_B "\"}}\n");
	await(f, "b+");
}

static void test_gone_while_looked_for(void **state)
{
	struct fx *f = *state;

	begin(f);
	say(f, HEAD);
	/* told of, but 404 when it is asked for */
	say(f, EVENT("create", ID_B));
	loop_for(&f->loop, 50);
	assert_null(engine_find(f->engine, ID_B));
	f->containers[0].there = false;
	say(f, EVENT("update", ID_A));
	await(f, "a-");
	assert_null(engine_find(f->engine, "a"));
}

/* While it is down what was known stays; then all of it is read anew. */
static void test_reconciles(void **state)
{
	struct fx *f = *state;

	begin(f);
	say(f, HEAD);
	loop_for(&f->loop, 50);
	f->heard[0] = '\0';
	stop(f);
	loop_for(&f->loop, 300);
	assert_string_equal(f->heard, "");
	assert_string_not_equal(engine_trouble(f->engine), "");
	assert_true(engine_is_known(f->engine));
	assert_true(engine_find(f->engine, "a")->running);
	f->containers[0].there = false;
	f->containers[1].there = f->containers[1].running = true;
	serve(f);
	await(f, "known");
	assert_non_null(strstr(f->heard, "a-"));
	assert_non_null(strstr(f->heard, "b+"));
	assert_null(engine_find(f->engine, "a"));
	assert_string_equal(engine_trouble(f->engine), "");
}

static void test_nobody_there(void **state)
{
	struct fx *f = *state;

	engine_add(f->engine, &f->user);
	await(f, "down");
	assert_non_null(strstr(engine_trouble(f->engine), f->path));
	assert_false(engine_is_known(f->engine));
	serve(f);
	await(f, "known");
}

/* Whatever the list is, an engine that is wrong once is asked again. */
static void test_bad_lists(void **state)
{
	static const char *const lists[] = { "SSH-2.0\r\n",
		"HTTP/1.1 500 X\r\nContent-Length: 2\r\n\r\n[]",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n[{\"I\"",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n" };
	struct fx *f = *state;

	begin(f);
	for (size_t n = 0; n < sizeof(lists) / sizeof(*lists); n++) {
		f->list = lists[n];
		f->heard[0] = '\0';
		if (f->stream)
			say(f, HEAD); /* it lists again */
		for (int k = 0; k < 1000 && !*engine_trouble(f->engine); k++)
			loop_for(&f->loop, 5);
		assert_string_not_equal(engine_trouble(f->engine), "");
		assert_true(engine_find(f->engine, "a")->running);
		f->list = NULL;
		await(f, "known");
	}
}

/* One that is not understood is no trouble of the others. */
static void test_bad_inspect(void **state)
{
	static char big[2 << 20];
	struct fx *f = *state;

	begin(f);
	say(f, HEAD);
	f->inspect = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]";
	say(f, EVENT("update", ID_A));
	loop_for(&f->loop, 100);
	assert_string_equal(f->heard, "");
	assert_true(engine_find(f->engine, "a")->running);
	/* one without an end */
	memset(big, ' ', sizeof(big) - 1);
	memcpy(big, HEAD, strlen(HEAD));
	f->inspect = big;
	say(f, EVENT("update", ID_A));
	loop_for(&f->loop, 200);
	assert_true(engine_find(f->engine, "a")->running);
	f->inspect = NULL;
	f->containers[0].running = false;
	say(f, EVENT("update", ID_A));
	await(f, "a-");
	assert_string_equal(engine_trouble(f->engine), "");
}

/* A line without an end is not kept for ever. */
static void test_endless_event(void **state)
{
	static char line[128 << 10];
	struct fx *f = *state;

	begin(f);
	say(f, HEAD);
	loop_for(&f->loop, 50);
	memset(line, 'x', sizeof(line) - 1);
	say(f, line);
	for (int n = 0; n < 1000 && !*engine_trouble(f->engine); n++)
		loop_for(&f->loop, 5);
	assert_non_null(strstr(engine_trouble(f->engine), "too long"));
	await(f, "known");
}

/* ---- users that come and go while they are told ----------------------- */

struct leaver {
	struct engine *engine;
	struct engine_user user;
	struct engine_user *other;
	unsigned n;
};

static void leave(void *arg, const struct container *c)
{
	struct leaver *l = arg;

	(void)c;
	l->n++;
	engine_remove(l->engine, &l->user);
	if (l->other)
		engine_remove(l->engine, l->other);
}

static void test_users_leave(void **state)
{
	struct fx *f = *state;
	struct leaver second = { .engine = f->engine };
	struct leaver first = { .engine = f->engine, .other = &second.user };

	second.user = (struct engine_user){ .changed = leave, .arg = &second };
	first.user = (struct engine_user){ .changed = leave, .arg = &first };
	serve(f);
	engine_add(f->engine, &f->user);
	/* told in the opposite order: first, then second would be next */
	engine_add(f->engine, &second.user);
	engine_add(f->engine, &first.user);
	await(f, "known");
	assert_int_equal(first.n, 1);
	assert_int_equal(second.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_nobody_asks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_events, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_gone_while_looked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_reconciles, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_nobody_there, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_bad_lists, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_bad_inspect, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_endless_event, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_users_leave, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
