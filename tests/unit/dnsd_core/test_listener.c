// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/metrics/listener.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *request;
	enum listener_page page;
	bool head;
} cases[] = {
	{ "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", PAGE_METRICS, false },
	{ "HEAD /metrics?a=b HTTP/1.0\r\n\r\n", PAGE_METRICS, true },
	{ "GET /health HTTP/1.1\r\n\r\n", PAGE_HEALTH, false },
	{ "GET /ready HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n", PAGE_READY, false },
	{ "GET /metricsx HTTP/1.1\r\n\r\n", PAGE_NONE, false },
	{ "GET / HTTP/1.1\r\n\r\n", PAGE_NONE, false },
	{ "GET /../metrics HTTP/1.1\r\n\r\n", PAGE_NONE, false },
	{ "POST /metrics HTTP/1.1\r\n\r\n", PAGE_METHOD, false },
	{ "G /metrics HTTP/1.1\r\n\r\n", PAGE_METHOD, false },
	{ "GET metrics HTTP/1.1\r\n\r\n", PAGE_MALFORMED, false },
	{ "GET /metrics\r\n\r\n", PAGE_MALFORMED, false },
	{ "GET /metrics HTTP/2.0\r\n\r\n", PAGE_MALFORMED, false },
	{ "GET /metrics HTTP/1.1 x\r\n\r\n", PAGE_MALFORMED, false },
	{ "\r\n\r\n", PAGE_MALFORMED, false },
	{ " \r\n\r\n", PAGE_MALFORMED, false },
	{ "", PAGE_MORE, false },
	{ "GET /metrics HTTP/1.1\r\n", PAGE_MORE, false },
};

static void test_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *r = cases[i].request;
		bool head;

		if (listener_read(r, strlen(r), &head) != cases[i].page ||
		    head != cases[i].head)
			fail_msg("%s", r);
	}
}

static void test_sizes(void **state)
{
	char request[LISTENER_REQUEST_MAX + 1];
	bool head;

	(void)state;
	memset(request, 'x', sizeof(request));
	assert_int_equal(
	    listener_read(request, LISTENER_REQUEST_MAX - 1, &head), PAGE_MORE);
	assert_int_equal(
	    listener_read(request, LISTENER_REQUEST_MAX, &head), PAGE_TOO_LONG);
	memcpy(request, "GET /ready HTTP/1.1\r\n", 21);
	memcpy(request + LISTENER_REQUEST_MAX - 4, "\r\n\r\n", 4);
	assert_int_equal(
	    listener_read(request, LISTENER_REQUEST_MAX, &head), PAGE_READY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
