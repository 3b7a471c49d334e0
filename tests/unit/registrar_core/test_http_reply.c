// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/net/http_reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cmocka.h needs these before it */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#define OK "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"

#define NOT_HTTP "the answer is not HTTP"
#define EARLY "closed before the answer was complete"
#define NO_SIZE "the answer has a chunk without a size"
#define NO_END "the answer has a chunk without an end"
#define NO_LENGTH "the length of the answer is no number"

// clang-format off
static const struct {
	const char *why;
	const char *answer; /* then the connection ends */
	const char *shown;  /* status, reason and body; or the problem */
	bool head;
} cases[] = {
	{ "a length", OK "Content-Length: 2\r\n\r\nhi", "200 OK|hi", false },
	{ "what follows is not ours", OK "content-length:2\r\n\r\nhiHTTP", "200 OK|hi", false },
	{ "no body", OK "Content-Length: 0\r\n\r\n", "200 OK|", false },
	{ "up to the end", "HTTP/1.0 200 OK\r\n\r\nfine", "200 OK|fine", false },
	{ "which may come at once", "HTTP/1.0 200 OK\r\n\r\n", "200 OK|", false },
	{ "line ends of Unix", "HTTP/1.1 200 OK\nContent-Length: 1\n\nx", "200 OK|x", false },
	{ "no reason", "HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", "404 |", false },
	{ "nor a blank before it", "HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n", "404 |", false },
	{ "204 ends with its header", "HTTP/1.1 204 No\r\n\r\n", "204 No|", false },
	{ "so does 304", "HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n", "304 No|", false },
	{ "and 101", "HTTP/1.1 101 Up\r\n\r\n\x81\x01", "101 Up|", false },
	{ "and the answer to HEAD", OK "Content-Length: 9\r\n\r\n", "200 OK|", true },
	{ "chunked or not", CHUNKED, "200 OK|", true },
	{ "100 comes before the answer", "HTTP/1.1 100 Continue\r\nA: b\r\n\r\n" OK "Content-Length: 1\r\n\r\nx", "200 OK|x", false },
	{ "and says nothing of its length", "HTTP/1.1 103 Hints\r\nContent-Length: 7\r\n\r\n" OK "\r\nx", "200 OK|x", false },
	{ "chunks", CHUNKED "2\r\nfi\r\n2\r\nne\r\n0\r\n\r\n", "200 OK|fine", false },
	{ "with extensions and trailers", CHUNKED "A;x=y\r\n0123456789\r\n0 ; z\r\nT: u\r\n\r\n", "200 OK|0123456789", false },
	{ "chunks win over a length", OK "Transfer-Encoding: gzip, Chunked\r\nContent-Length: 1\r\n\r\n2\r\nfi\r\n0\r\n\r\n", "200 OK|fi", false },
	{ "another coding ends with the connection", OK "Transfer-Encoding: gzip\r\nContent-Length: 1\r\n\r\nfine", "200 OK|fine", false },
	{ "the same length twice", OK "Content-Length: 2, 2\r\nContent-Length: 2\r\n\r\nhi", "200 OK|hi", false },
	{ "folded lines", OK "A: b\r\n  Content-Length: 7\r\nContent-Length: 2\r\n\r\nhi", "200 OK|hi", false },
	{ "blanks around it", OK "Content-Length:  \t2 \r\n\r\nhi", "200 OK|hi", false },

	{ "nothing", "", EARLY, false },
	{ "half a status", "HTTP/1.1 2", EARLY, false },
	{ "half a header", OK "Content-Le", EARLY, false },
	{ "half a body", OK "Content-Length: 3\r\n\r\nhi", EARLY, false },
	{ "half a chunk", CHUNKED "3\r\nhi", EARLY, false },
	{ "no last chunk", CHUNKED "2\r\nhi\r\n", EARLY, false },
	{ "no end of the last chunk", CHUNKED "2\r\nhi\r\n0\r\n", EARLY, false },
	{ "100 alone", "HTTP/1.1 100 Continue\r\n\r\n", EARLY, false },

	{ "another protocol", "SSH-2.0-OpenSSH", NOT_HTTP, false },
	{ "HTTP/2 is one", "HTTP/2.0 200 OK\r\n\r\n", NOT_HTTP, false },
	{ "HTTP/0.9 too", "<html>", NOT_HTTP, false },
	{ "binary", "\x15\x03\x01", NOT_HTTP, false },
	{ "a number of two digits", "HTTP/1.1 20 OK\r\n\r\n", NOT_HTTP, false },
	{ "of four", "HTTP/1.1 2000 OK\r\n\r\n", NOT_HTTP, false },
	{ "below 100", "HTTP/1.1 099 OK\r\n\r\n", NOT_HTTP, false },
	{ "no minor version", "HTTP/1. 200 OK\r\n\r\n", NOT_HTTP, false },
	{ "a line that is no header", OK "nothing\r\n\r\n", NOT_HTTP, false },
	{ "a header without a name", OK ": x\r\n\r\n", NOT_HTTP, false },
	{ "two lengths", OK "Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi", NO_LENGTH, false },
	{ "two in one", OK "Content-Length: 2, 3\r\n\r\nhi", NO_LENGTH, false },
	{ "a length below 0", OK "Content-Length: -1\r\n\r\n", NO_LENGTH, false },
	{ "or none", OK "Content-Length: \r\n\r\n", NO_LENGTH, false },
	{ "or with a tail", OK "Content-Length: 2x\r\n\r\nhi", NO_LENGTH, false },
	{ "beyond all bounds", OK "Content-Length: 99999999999999999999\r\n\r\n", NO_LENGTH, false },
	{ "a chunk without a size", CHUNKED "x\r\n", NO_SIZE, false },
	{ "with a tail", CHUNKED "2x\r\nhi\r\n", NO_SIZE, false },
	{ "beyond all bounds", CHUNKED "ffffffffffffffffff\r\n", NO_SIZE, false },
	{ "an empty line", CHUNKED "\r\n", NO_SIZE, false },
	{ "a chunk that is longer", CHUNKED "2\r\nhit\r\n", NO_END, false },
};
// clang-format on

/* In pieces of that many octets. */
static void show(size_t n, size_t piece, char *shown, size_t room)
{
	const char *data = cases[n].answer;
	size_t len = strlen(data);
	enum http_progress now = HTTP_READING;
	struct http_reply r;

	http_reply_init(&r, cases[n].head);
	while (len && now == HTTP_READING) {
		size_t part = len < piece ? len : piece;
		char *copy = malloc(part); /* for the sanitizer */

		assert_non_null(copy);
		memcpy(copy, data, part);
		now = http_reply_feed(&r, copy, part);
		free(copy);
		data += part;
		len -= part;
	}
	if (now == HTTP_READING)
		now = http_reply_end(&r);
	if (now == HTTP_BROKEN) {
		(void)snprintf(shown, room, "%s", r.problem);
	} else {
		assert_int_equal(now, HTTP_COMPLETE);
		(void)snprintf(shown, room, "%d %s|%.*s", r.status, r.reason,
		    (int)r.body_len, r.body ? r.body : "");
	}
	http_reply_release(&r);
}

static void check_case(size_t n, size_t piece)
{
	char shown[256];

	show(n, piece, shown, sizeof(shown));
	if (strcmp(shown, cases[n].shown) != 0)
		fail_msg("%s, by %zu: '%s'", cases[n].why, piece, shown);
}

static void answers_are_read(void **state)
{
	static const size_t pieces[] = { 1, 2, 3, 7, 10000 };

	(void)state;
	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		for (size_t k = 0; k < sizeof(pieces) / sizeof(*pieces); k++)
			check_case(n, pieces[k]);
	}
}

/* head, then filler up to the end of a word. */
static enum http_progress feed_much(
    struct http_reply *r, const char *head, const char *unit, size_t units)
{
	enum http_progress now;

	http_reply_init(r, false);
	now = http_reply_feed(r, head, strlen(head));
	for (size_t i = 0; i < units && now == HTTP_READING; i++)
		now = http_reply_feed(r, unit, strlen(unit));
	return now;
}

static void much_is_bounded(void **state)
{
	struct http_reply r;

	(void)state;
	assert_int_equal(feed_much(&r, OK, "A: b\r\n", 10000), HTTP_BROKEN);
	assert_string_equal(
	    r.problem, "the header of the answer is longer than 32 KiB");
	assert_int_equal(
	    feed_much(&r, OK "A: ", "xxxxxxxxxx", 10000), HTTP_BROKEN);
	assert_int_equal(
	    feed_much(&r, "HTTP/1.1 200 ", "xxxxxxxxxx", 10000), HTTP_BROKEN);
	/* 100 has no end either */
	assert_int_equal(feed_much(&r, "", "HTTP/1.1 100 Go on\r\n\r\n", 10000),
	    HTTP_BROKEN);
	assert_int_equal(
	    feed_much(&r, CHUNKED "0\r\n", "A: b\r\n", 10000), HTTP_BROKEN);

	/* a long line that is of no interest is none that is too long */
	http_reply_init(&r, false);
	char line[9000];

	memset(line, 'x', sizeof(line));
	memcpy(line, OK "Cookie: ", sizeof(OK "Cookie: ") - 1);
	assert_int_equal(http_reply_feed(&r, line, sizeof(line)), HTTP_READING);
	assert_int_equal(
	    http_reply_feed(&r, "\r\nContent-Length: 1\r\n\r\ny", 24),
	    HTTP_COMPLETE);
	assert_string_equal(r.body, "y");
	http_reply_release(&r);

	/* of a body the beginning, however it comes */
	assert_int_equal(
	    feed_much(&r, OK "\r\n", "xxxxxxxxxx", 10000), HTTP_ENOUGH);
	assert_int_equal(r.body_len, HTTP_BODY_MAX);
	assert_int_equal(strlen(r.body), HTTP_BODY_MAX);
	http_reply_release(&r);
	assert_int_equal(
	    feed_much(&r, CHUNKED, "1\r\nx\r\n", 100000), HTTP_ENOUGH);
	assert_int_equal(r.body_len, HTTP_BODY_MAX);
	http_reply_release(&r);
	assert_int_equal(feed_much(&r, OK "Content-Length: 65536\r\n\r\n",
	                     "xxxxxxxxxxxxxxxx", 4096),
	    HTTP_COMPLETE);
	http_reply_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_read),
		cmocka_unit_test(much_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
