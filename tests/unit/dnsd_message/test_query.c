// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/message/wire/query.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* clang-format off */
#define L(s) (s), sizeof(s) - 1
/* Header after the id: flags, then the four counts. */
#define HEAD(f0, f1, qd, an, ns, ar) \
	"\x12\x34" f0 f1 "\0" qd "\0" an "\0" ns "\0" ar
#define HEAD_AR(ar) HEAD("\0", "\0", "\1", "\0", "\0", ar)
#define QUESTION "\3Web\4test\0\0\1\0\1"
#define OPT "\0\0\51\4\320\0\0\0\0\0\0" /* 1232 octets */
#define TSIG "\3key\0\0\372\0\377\0\0\0\0\0\3abc"

static const struct {
	const char *why;
	const char *msg;
	size_t len;
	enum query_status want;
	bool edns;
	uint16_t udp_len, question_len;
} cases[] = {
	{ "a plain question",
	    L(HEAD_AR("\0") QUESTION), QUERY_OK, false, 512, 14 },
	{ "shorter than a header is not answered",
	    L("\x12\x34\0\0\0\1\0\0\0\0\0"), QUERY_DROP, false, 0, 0 },
	{ "nothing", L(""), QUERY_DROP, false, 0, 0 },
	{ "an answer is never answered: two servers would talk for ever",
	    L(HEAD("\x80", "\0", "\1", "\0", "\0", "\0") QUESTION),
	    QUERY_DROP, false, 0, 0 },
	{ "opcode 1 (IQUERY) is gone",
	    L(HEAD("\x08", "\0", "\1", "\0", "\0", "\0") QUESTION),
	    QUERY_NOTIMP, false, 512, 14 },
	{ "opcode 4 (NOTIFY)",
	    L(HEAD("\x24", "\0", "\1", "\0", "\0", "\0") QUESTION),
	    QUERY_NOTIMP, false, 512, 14 },
	{ "opcode 5 (UPDATE), its layout is another one",
	    L(HEAD("\x28", "\0", "\1", "\2", "\3", "\0")),
	    QUERY_NOTIMP, false, 512, 0 },
	{ "opcode 15, nothing but a header (RFC 8906 section 8.1.4)",
	    L(HEAD("\x78", "\0", "\0", "\0", "\0", "\0")),
	    QUERY_NOTIMP, false, 512, 0 },
	{ "NOTIFY with the zone's SOA and EDNS: the answer has OPT, too",
	    L(HEAD("\x24", "\0", "\1", "\1", "\0", "\1") QUESTION
		"\300\14\0\6\0\1\0\0\0\0\0\0" OPT),
	    QUERY_NOTIMP, true, 1232, 14 },
	{ "UPDATE with EDNS and TSIG",
	    L(HEAD("\x28", "\0", "\1", "\0", "\1", "\2") QUESTION
		"\300\14\0\1\0\1\0\0\0\0\0\0" OPT TSIG),
	    QUERY_NOTIMP, true, 1232, 14 },
	{ "a record of another opcode that is cut, and hides OPT",
	    L(HEAD("\x28", "\0", "\1", "\0", "\1", "\1") QUESTION
		"\300\14\0\1\0\1\0\0\0\0\0\77" OPT),
	    QUERY_NOTIMP, false, 512, 14 },
	{ "another opcode and another version: its options are not read",
	    L(HEAD("\x10", "\0", "\1", "\0", "\0", "\1") QUESTION
		"\0\0\51\4\320\0\1\0\0\0\3abc"),
	    QUERY_NOTIMP, true, 1232, 14 },
	{ "opcode 15",
	    L(HEAD("\x78", "\0", "\1", "\0", "\0", "\0") QUESTION),
	    QUERY_NOTIMP, false, 512, 14 },
	{ "flags other than the opcode do not matter",
	    L(HEAD("\x07", "\xff", "\1", "\0", "\0", "\0") QUESTION),
	    QUERY_OK, false, 512, 14 },
	{ "no question (RFC 9619)",
	    L(HEAD("\0", "\0", "\0", "\0", "\0", "\0")),
	    QUERY_FORMERR, false, 512, 0 },
	{ "two questions (RFC 9619)",
	    L(HEAD("\0", "\0", "\2", "\0", "\0", "\0") QUESTION QUESTION),
	    QUERY_FORMERR, false, 512, 0 },
	{ "256 questions: both octets count",
	    L("\x12\x34\0\0\1\1\0\0\0\0\0\0" QUESTION),
	    QUERY_FORMERR, false, 512, 0 },
	{ "an answer in a question",
	    L(HEAD("\0", "\0", "\1", "\1", "\0", "\0") QUESTION),
	    QUERY_FORMERR, false, 512, 14 },
	{ "two questions, and EDNS",
	    L(HEAD("\0", "\0", "\2", "\0", "\0", "\1") QUESTION QUESTION OPT),
	    QUERY_FORMERR, true, 1232, 0 },
	{ "two questions where one is, and EDNS in its place",
	    L(HEAD("\0", "\0", "\2", "\0", "\0", "\1") QUESTION OPT),
	    QUERY_FORMERR, false, 512, 0 },
	{ "no question, and EDNS",
	    L(HEAD("\0", "\0", "\0", "\0", "\0", "\1") OPT),
	    QUERY_FORMERR, true, 1232, 0 },
	{ "an answer, a compressed question, and EDNS",
	    L(HEAD("\0", "\0", "\1", "\1", "\0", "\1") "\300\14\0\1\0\1"
		"\0\0\1\0\1\0\0\0\0\0\0" OPT),
	    QUERY_FORMERR, true, 1232, 0 },
	{ "an answer that is cut in its fixed part",
	    L(HEAD("\0", "\0", "\1", "\1", "\0", "\0") QUESTION "\0\0\1\0"),
	    QUERY_FORMERR, false, 512, 14 },
	{ "OPT as an answer, which it cannot be",
	    L(HEAD("\0", "\0", "\1", "\1", "\0", "\0") QUESTION OPT),
	    QUERY_FORMERR, false, 512, 14 },
	{ "OPT as authority",
	    L(HEAD("\0", "\0", "\1", "\0", "\1", "\0") QUESTION OPT),
	    QUERY_FORMERR, false, 512, 14 },
	{ "authority in a question other than IXFR",
	    L(HEAD("\0", "\0", "\1", "\0", "\1", "\0") QUESTION
		"\0\0\6\0\1\0\0\0\0\0\0"),
	    QUERY_FORMERR, false, 512, 14 },
	{ "authority in IXFR is the client's SOA (RFC 1995 section 3)",
	    L(HEAD("\0", "\0", "\1", "\0", "\1", "\0") "\4test\0\0\373\0\1"
		"\300\14\0\6\0\1\0\0\0\0\0\0"),
	    QUERY_OK, false, 512, 10 },
	{ "IXFR with EDNS, as BIND and Knot ask",
	    L(HEAD("\0", "\0", "\1", "\0", "\1", "\1") "\4test\0\0\373\0\1"
		"\300\14\0\6\0\1\0\0\0\0\0\0" OPT),
	    QUERY_OK, true, 1232, 10 },
	{ "OPT as the authority of IXFR",
	    L(HEAD("\0", "\0", "\1", "\0", "\1", "\0") "\4test\0\0\373\0\1"
		OPT),
	    QUERY_FORMERR, false, 512, 10 },
	{ "IXFR that ends within its SOA",
	    L(HEAD("\0", "\0", "\1", "\0", "\1", "\0") "\4test\0\0\373\0\1"
		"\300\14\0\6\0\1\0\0\0\0\0\5a"),
	    QUERY_FORMERR, false, 512, 10 },
	{ "the name is cut",
	    L(HEAD_AR("\0") "\3We"), QUERY_FORMERR, false, 512, 0 },
	{ "no room for type and class",
	    L(HEAD_AR("\0") "\3Web\4test\0\0\1\0"),
	    QUERY_FORMERR, false, 512, 0 },
	{ "a compressed question",
	    L(HEAD_AR("\0") "\300\14\0\1\0\1"), QUERY_FORMERR, false, 512, 0 },
	{ "the root is a name",
	    L(HEAD_AR("\0") "\0\0\1\0\1"), QUERY_OK, false, 512, 5 },
	{ "octets after the last section",
	    L(HEAD_AR("\0") QUESTION "x"), QUERY_FORMERR, false, 512, 14 },
	{ "an additional record that is not there",
	    L(HEAD_AR("\1") QUESTION), QUERY_FORMERR, false, 512, 14 },
	{ "EDNS",
	    L(HEAD_AR("\1") QUESTION OPT), QUERY_OK, true, 1232, 14 },
	{ "EDNS and an octet more",
	    L(HEAD_AR("\1") QUESTION OPT "x"), QUERY_FORMERR, true, 1232, 14 },
	{ "a size below 512 means 512 (RFC 6891 section 6.2.3)",
	    L(HEAD_AR("\1") QUESTION "\0\0\51\0\1\0\0\0\0\0\0"),
	    QUERY_OK, true, 512, 14 },
	{ "511 is below, too",
	    L(HEAD_AR("\1") QUESTION "\0\0\51\1\377\0\0\0\0\0\0"),
	    QUERY_OK, true, 512, 14 },
	{ "513 is not",
	    L(HEAD_AR("\1") QUESTION "\0\0\51\2\1\0\0\0\0\0\0"),
	    QUERY_OK, true, 513, 14 },
	{ "65,535 is kept",
	    L(HEAD_AR("\1") QUESTION "\0\0\51\377\377\0\0\0\0\0\0"),
	    QUERY_OK, true, 65535, 14 },
	{ "the upper RCODE of a request says nothing",
	    L(HEAD_AR("\1") QUESTION "\0\0\51\4\320\17\0\0\0\0\0"),
	    QUERY_OK, true, 1232, 14 },
	{ "two OPT records (RFC 6891 section 6.1.1)",
	    L(HEAD_AR("\2") QUESTION OPT OPT),
	    QUERY_FORMERR, true, 1232, 14 },
	{ "OPT whose owner is not the root",
	    L(HEAD_AR("\1") QUESTION "\1a" OPT),
	    QUERY_FORMERR, false, 512, 14 },
	{ "OPT whose owner is a pointer, even to a root",
	    L(HEAD_AR("\1") QUESTION "\300\25" "\0\51\4\320\0\0\0\0\0\0"),
	    QUERY_FORMERR, false, 512, 14 },
	{ "an OPT cut in its fixed part",
	    L(HEAD_AR("\1") QUESTION "\0\0\51\4\320\0\0\0\0\0"),
	    QUERY_FORMERR, false, 512, 14 },
	{ "an OPT cut in its data",
	    L(HEAD_AR("\1") QUESTION "\0\0\51\4\320\0\0\0\0\0\4\0\3\0"),
	    QUERY_FORMERR, false, 512, 14 },
	{ "an unknown option is ignored",
	    L(HEAD_AR("\1") QUESTION "\0\0\51\4\320\0\0\0\0\0\6\0\12\0\2ab"),
	    QUERY_OK, true, 1232, 14 },
	{ "an option longer than its OPT",
	    L(HEAD_AR("\1") QUESTION "\0\0\51\4\320\0\0\0\0\0\6\0\12\0\3ab"),
	    QUERY_FORMERR, true, 1232, 14 },
	{ "three octets are no option",
	    L(HEAD_AR("\1") QUESTION "\0\0\51\4\320\0\0\0\0\0\3\0\12\0"),
	    QUERY_FORMERR, true, 1232, 14 },
	{ "version 1",
	    L(HEAD_AR("\1") QUESTION "\0\0\51\4\320\0\1\0\0\0\0"),
	    QUERY_BADVERS, true, 1232, 14 },
	{ "version 1 may lay out its data as it likes",
	    L(HEAD_AR("\1") QUESTION "\0\0\51\4\320\0\1\0\0\0\3abc"),
	    QUERY_BADVERS, true, 1232, 14 },
	{ "version 255",
	    L(HEAD_AR("\1") QUESTION "\0\0\51\4\320\0\377\0\0\0\0"),
	    QUERY_BADVERS, true, 1232, 14 },
	{ "a malformed message is FORMERR before its version is looked at",
	    L(HEAD_AR("\1") QUESTION "\0\0\51\4\320\0\1\0\0\0\0x"),
	    QUERY_FORMERR, true, 1232, 14 },
	{ "TSIG after OPT, as a signing client sends it",
	    L(HEAD_AR("\2") QUESTION OPT TSIG), QUERY_OK, true, 1232, 14 },
	{ "TSIG alone",
	    L(HEAD_AR("\1") QUESTION TSIG), QUERY_OK, false, 512, 14 },
	{ "an additional record with a compressed owner",
	    L(HEAD_AR("\1") QUESTION "\300\14\0\1\0\1\0\0\0\0\0\4abcd"),
	    QUERY_OK, false, 512, 14 },
	{ "labels, then a pointer",
	    L(HEAD_AR("\1") QUESTION "\1x\300\14\0\1\0\1\0\0\0\0\0\0"),
	    QUERY_OK, false, 512, 14 },
	{ "half a pointer",
	    L(HEAD_AR("\1") QUESTION "\300"), QUERY_FORMERR, false, 512, 14 },
	{ "an owner of label type 10",
	    L(HEAD_AR("\1") QUESTION "\200" "a\0\1\0\1\0\0\0\0\0\0"),
	    QUERY_FORMERR, false, 512, 14 },
	{ "an owner without end",
	    L(HEAD_AR("\1") QUESTION "\5ab"), QUERY_FORMERR, false, 512, 14 },
	{ "65,535 additional records that are not there",
	    L("\x12\x34\0\0\0\1\0\0\0\0\377\377" QUESTION OPT),
	    QUERY_FORMERR, true, 1232, 14 },
};
/* clang-format on */

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		/* exactly as long as the message, so that ASan sees more */
		scoped_free uint8_t *msg = xmalloc(cases[i].len);
		struct query q;

		memcpy(msg, cases[i].msg, cases[i].len);
		enum query_status s = query_parse(&q, msg, cases[i].len);
		if (s != cases[i].want)
			fail_msg("%s: %d", cases[i].why, (int)s);
		if (s == QUERY_DROP)
			continue;
		if (q.edns.present != cases[i].edns ||
		    q.edns.udp_len != cases[i].udp_len ||
		    q.question_len != cases[i].question_len) {
			fail_msg("%s: EDNS %d, %u octets, question %u",
			    cases[i].why, q.edns.present, q.edns.udp_len,
			    q.question_len);
		}
	}
}

static void test_fields(void **state)
{
	static const char msg[] = HEAD("\1", "\x10", "\1", "\0", "\0",
	    "\1") "\3Web\4TEST\0\0\41\0\3"
	          "\0\0\51\20\0\0\0\200\0\0\4\0\3\0";
	struct query q;

	(void)state;
	/* the literal's NUL is the last octet of the option */
	assert_int_equal(
	    query_parse(&q, (const uint8_t *)msg, sizeof(msg)), QUERY_OK);
	assert_int_equal(q.id, 0x1234);
	assert_int_equal(q.flags[0], WIRE_RD);
	assert_int_equal(q.flags[1], WIRE_CD);
	assert_int_equal(q.type, TYPE_SRV);
	assert_int_equal(q.class, CLASS_CH);
	assert_ptr_equal(q.msg, msg);
	assert_memory_equal(q.name.lower, "\3web\4test", 10);
	assert_true(q.edns.present && q.edns.dnssec_ok && q.edns.nsid);
	assert_int_equal(q.edns.udp_len, 4096);
	assert_int_equal(q.edns.version, 0);
}

/* Whatever is cut off, the message is refused, never read beyond. */
static void test_every_cut(void **state)
{
	static const char msg[] = HEAD_AR("\2") QUESTION OPT TSIG;

	(void)state;
	for (size_t len = 0; len < sizeof(msg) - 1; len++) {
		scoped_free uint8_t *cut = xmalloc(len);
		struct query q;

		memcpy(cut, msg, len);
		assert_int_equal(query_parse(&q, cut, len),
		    len < WIRE_HEADER_LEN ? QUERY_DROP : QUERY_FORMERR);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_every_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
