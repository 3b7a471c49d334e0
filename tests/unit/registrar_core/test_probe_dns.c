// SPDX-License-Identifier: BSD-2-Clause
/* A server that is right, and some that are not; dnsd itself is asked in
 * tests/system/test_kinds.py. */
#include "datagram_support.h"
#include "schema/base/clock.h"

#define HEADER_LEN 12

/* What stands behind the question, and how the question is spoilt. */
struct reply {
	const char *flags; /* octets 2 and 3 of the header */
	unsigned answer_n;
	const char *records; /* of the answer section */
	size_t records_len;
	bool other_id, other_name, no_question;
	size_t cut; /* octets missing at the end */
};

/* header, "web.test" A IN, without the EDNS of the question */
#define QUESTION_END (HEADER_LEN + 10 + 4)
#define A1 "\xc0\x0c\0\1\0\1\0\0\0\5\0\4\x0a\0\0\1"
#define A2 "\xc0\x0c\0\1\0\1\0\0\0\5\0\4\x0a\0\0\2"
#define CNAME "\xc0\x0c\0\5\0\1\0\0\0\5\0\2\xc0\x10"
#define LOOP "\xc0\x1a\0\1\0\1\0\0\0\5\0\4\x0a\0\0\1"
#define FLAGS(text) .flags = (text)
#define FLAGS_OK FLAGS("\x84\x00")
#define RECORDS(n, text)                                                       \
	.answer_n = (n), .records = (text), .records_len = sizeof(text) - 1

static size_t make_reply(void *arg, char *msg, size_t len, size_t room)
{
	const struct reply *r = arg;

	assert_true(len > QUESTION_END && room > 4096);
	memcpy(msg + 2, r->flags, 2);
	memset(msg + 6, 0, 6); /* no answer, authority, additional */
	msg[7] = (char)r->answer_n;
	len = QUESTION_END;
	if (r->other_id)
		msg[0] ^= 1;
	if (r->other_name)
		msg[HEADER_LEN + 1] = 'W' ^ 7;
	if (r->no_question) {
		msg[5] = 0;
		len = HEADER_LEN;
	}
	memcpy(msg + len, r->records ? r->records : "", r->records_len);
	return len + r->records_len - r->cut;
}

// clang-format off
static const struct {
	const char *why;
	struct reply reply;
	enum dns_expected answer;
	enum verdict verdict;
	const char *expect;
	const char *detail;
} cases[] = {
	{ "any address will do", { FLAGS_OK, RECORDS(1, A1) },
	  DNS_NOERROR, VERDICT_PASS, NULL, "NOERROR: 10.0.0.1" },
	{ "the one that is expected, among others", { FLAGS_OK, RECORDS(2, A1 A2) },
	  DNS_NOERROR, VERDICT_PASS, "10.0.0.2", "NOERROR: 10.0.0.1, 10.0.0.2" },
	{ "another one", { FLAGS_OK, RECORDS(1, A1) },
	  DNS_NOERROR, VERDICT_FAIL, "10.0.0.2", "NOERROR: 10.0.0.1, without '10.0.0.2'" },
	{ "no record", { FLAGS_OK },
	  DNS_NOERROR, VERDICT_FAIL, NULL, "NOERROR: no records of that type" },
	{ "no record is what was expected", { FLAGS_OK },
	  DNS_NODATA, VERDICT_PASS, NULL, "NOERROR: no records of that type" },
	{ "records of another type are none", { FLAGS_OK, RECORDS(1, CNAME) },
	  DNS_NOERROR, VERDICT_FAIL, NULL, "NOERROR: no records of that type" },
	{ "the end of an alias counts", { FLAGS_OK, RECORDS(2, CNAME A1) },
	  DNS_NOERROR, VERDICT_PASS, "10.0.0.1", "NOERROR: 10.0.0.1" },
	{ "SERVFAIL", { FLAGS("\x84\x02") },
	  DNS_NOERROR, VERDICT_FAIL, NULL, "SERVFAIL" },
	{ "REFUSED is what was expected", { FLAGS("\x84\x05") },
	  DNS_REFUSED, VERDICT_PASS, NULL, "REFUSED" },
	{ "not NOERROR then", { FLAGS_OK, RECORDS(1, A1) },
	  DNS_REFUSED, VERDICT_FAIL, NULL, "NOERROR: 10.0.0.1" },
	{ "a rare rcode", { FLAGS("\x84\x09") },
	  DNS_ANY, VERDICT_PASS, NULL, "RCODE9" },
	{ "an error may come without the question", { FLAGS("\x84\x01"), .no_question = true },
	  DNS_NOERROR, VERDICT_FAIL, NULL, "FORMERR" },
	{ "data may not", { FLAGS_OK, .no_question = true },
	  DNS_ANY, VERDICT_FAIL, NULL, "timed out after 200 ms, nothing that answers the question" },
	{ "truncated", { FLAGS("\x86\x00"), RECORDS(1, A1) },
	  DNS_NOERROR, VERDICT_FAIL, "10.0.0.2", "NOERROR (truncated): 10.0.0.1, without '10.0.0.2'" },
	{ "the number of another question", { FLAGS_OK, RECORDS(1, A1), .other_id = true },
	  DNS_NOERROR, VERDICT_FAIL, NULL, "timed out after 200 ms, nothing that answers the question" },
	{ "another question", { FLAGS_OK, RECORDS(1, A1), .other_name = true },
	  DNS_NOERROR, VERDICT_FAIL, NULL, "timed out after 200 ms, nothing that answers the question" },
	{ "a question is no answer", { FLAGS("\x01\x00") },
	  DNS_NOERROR, VERDICT_FAIL, NULL, "timed out after 200 ms, nothing that answers the question" },
	{ "cut in the middle", { FLAGS_OK, RECORDS(1, A1), .cut = 3 },
	  DNS_NOERROR, VERDICT_FAIL, NULL, "the answer is malformed: " },
	{ "names that point to themselves", { FLAGS_OK, RECORDS(1, LOOP) },
	  DNS_NOERROR, VERDICT_FAIL, NULL, "the answer is malformed: " },
	{ "less than a header", { FLAGS_OK, .cut = QUESTION_END - 5 },
	  DNS_NOERROR, VERDICT_FAIL, NULL, "timed out after 200 ms, nothing that answers the question" },
};
// clang-format on

/* Answers that are cheap to send and were dear to read. */
#define LARGE_MAX 65000

struct large {
	size_t len;
	uint16_t type;
	bool chain; /* names that point to pointers; else empty strings */
};

static char *put16(char *p, unsigned v)
{
	*p++ = (char)(v >> 8);
	*p++ = (char)v;
	return p;
}

static size_t make_large(void *arg, char *msg, size_t len, size_t room)
{
	const struct large *l = arg;
	size_t rest = l->len - QUESTION_END - 12;
	char *p = msg + QUESTION_END;

	(void)len;
	assert_true(room >= l->len);
	memcpy(msg + 2, "\x84\x00", 2);
	memset(msg + 6, 0, 6);
	(void)put16(msg + 6, l->chain ? 200 : 1);
	if (!l->chain) {
		memcpy(p, "\xc0\x0c\0\x10\0\1\0\0\0\5", 10);
		p = put16(p + 10, (unsigned)rest);
		memset(p, 0, rest);
		return l->len;
	}
	for (unsigned n = 0; n < 200; n++) {
		memcpy(p, n ? "\xc0\0" : "\xc0\x0c", 2);
		if (n)
			(void)put16(p, 0xc000 | (unsigned)(p - msg - 16));
		memcpy(p + 2, "\0\1\0\1\0\0\0\5\0\4\x0a\0\0\1", 14);
		p += 16;
	}
	return (size_t)(p - msg);
}

static struct check_spec dns_spec(int port)
{
	return (struct check_spec){ .name = "dns-1",
		.kind = CHECK_DNS,
		.interval_ms = 1000,
		.timeout_ms = 200,
		.rise = 1,
		.fall = 1,
		.dns = { .to = "",
		    .address = "127.0.0.1",
		    .port = port,
		    .name = "web.test",
		    .type = 1 } };
}

static void answers_are_judged(void **state)
{
	struct loop l;

	(void)state;
	loop_init(&l);
	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		struct reply r = cases[n].reply;
		struct datagram_server s = { .reply = make_reply, .arg = &r };
		const char *expect[] = { cases[n].expect, NULL };

		datagram_start(&s, &l);
		struct check_spec spec = dns_spec(s.port);

		spec.dns.answer = (int)cases[n].answer;
		spec.dns.expect = (struct conf_strings){ expect, !!expect[0] };
		struct outcome o = probe_once(&l, &spec, NULL);

		if (o.verdict != cases[n].verdict ||
		    strncmp(o.detail, cases[n].detail,
		        strlen(cases[n].detail)) != 0) {
			fail_msg("%s: verdict %d, '%s'", cases[n].why,
			    (int)o.verdict, o.detail);
		}
		datagram_stop(&s);
	}
	loop_release(&l);
}

static void large_answers_are_cheap(void **state)
{
	static const struct {
		struct large large;
		enum verdict verdict;
		const char *detail;
	} sizes[] = {
		{ { .len = 4096, .type = 16 }, VERDICT_PASS, "NOERROR: \"\"" },
		{ { .len = 4096, .type = 1, .chain = true }, VERDICT_PASS,
		    "NOERROR: 10.0.0.1" },
		{ { .len = 64984, .type = 16 }, VERDICT_FAIL,
		    "the answer is malformed: it is larger than 4096 octets" },
	};
	struct loop l;

	(void)state;
	loop_init(&l);
	for (size_t n = 0; n < sizeof(sizes) / sizeof(sizes[0]); n++) {
		struct large large = sizes[n].large;
		struct datagram_server s = { .reply = make_large,
			.arg = &large };

		datagram_start(&s, &l);
		struct check_spec spec = dns_spec(s.port);

		spec.timeout_ms = 20000;
		spec.dns.type = large.type;
		int64_t began_ms = clock_mono_ms();
		struct outcome o = probe_once(&l, &spec, NULL);

		assert_true(clock_mono_ms() - began_ms < 5000);
		assert_int_equal(o.verdict, sizes[n].verdict);
		assert_memory_equal(
		    o.detail, sizes[n].detail, strlen(sizes[n].detail));
		datagram_stop(&s);
	}
	loop_release(&l);
}

static void silence_and_a_closed_port_fail(void **state)
{
	struct loop l;
	struct datagram_server s = { .answer = NULL };

	(void)state;
	loop_init(&l);
	datagram_start(&s, &l);
	struct check_spec spec = dns_spec(s.port);
	struct outcome o = probe_once(&l, &spec, NULL);

	assert_int_equal(o.verdict, VERDICT_FAIL);
	assert_string_equal(o.detail, "timed out after 200 ms, no answer");
	datagram_stop(&s);
	o = probe_once(&l, &spec, NULL);
	assert_int_equal(o.verdict, VERDICT_FAIL);
	assert_string_equal(o.detail, "Connection refused");
	loop_release(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_judged),
		cmocka_unit_test(large_answers_are_cheap),
		cmocka_unit_test(silence_and_a_closed_port_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
