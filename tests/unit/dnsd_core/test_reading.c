// SPDX-License-Identifier: BSD-2-Clause
/*
 * What is kept of an answer of others. Messages are made by ldns, and what is
 * kept is read by ldns, too.
 */
#include "dnsd/forward/reading.h"
#include "dnsd/message/respond/respond.h"
#include "dnsd/message/wire/dname.h"
#include "schema/base/scoped.h"
#include "tests/support/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TYPE_NSEC3 = 50 };

#define RRSIG                                                                  \
	"www.example. 60 RRSIG A 13 2 60 20300101000000 20200101000000 1 "     \
	"example. 8iIMhYoFkUHlXWTBOXbbaKEyy7ZQHWgxYEk2VZRPHYZLsPhZ0wP2n4iZ"    \
	"Jc0aUR1mZ4WnRPyc2rwkxqPmWLvZ2g=="
#define NSEC "a.example. 60 NSEC z.example. A RRSIG NSEC"

/* Records of the three sections between `|`, separated by `;`. */
struct made {
	uint8_t *msg;
	size_t len;
};

static void push(ldns_pkt *p, ldns_pkt_section section, const char *list)
{
	scoped_free char *copy = strdup(list);
	char *state;

	for (char *s = strtok_r(copy, ";", &state); s;
	     s = strtok_r(NULL, ";", &state)) {
		ldns_rr *rr;

		assert_int_equal(
		    ldns_rr_new_frm_str(&rr, s, 0, NULL, NULL), LDNS_STATUS_OK);
		ldns_pkt_push_rr(p, section, rr);
	}
}

static struct made make(const char *question, ldns_rr_type type,
    const char *answer, const char *authority, const char *additional)
{
	ldns_pkt *p = ldns_pkt_query_new(ldns_dname_new_frm_str(question), type,
	    LDNS_RR_CLASS_IN, LDNS_QR | LDNS_RD | LDNS_RA);
	struct made m;

	push(p, LDNS_SECTION_ANSWER, answer);
	push(p, LDNS_SECTION_AUTHORITY, authority);
	push(p, LDNS_SECTION_ADDITIONAL, additional);
	ldns_pkt_set_edns_udp_size(p, 1232);
	assert_int_equal(ldns_pkt2wire(&m.msg, p, &m.len), LDNS_STATUS_OK);
	ldns_pkt_free(p);
	return m;
}

static struct foreign *read_made(
    const struct made *m, const char *name, uint16_t type, bool dnssec)
{
	struct dname n;

	assert_true(dname_from_text(&n, name));
	const struct reading r = { n.lower, n.len, type, CLASS_IN, dnssec };
	return reading_foreign(&r, m->msg, m->len);
}

/* As its rows read best. */
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding)
static const struct {
	const char *why, *name;
	uint16_t type;
	bool dnssec;
	const char *answer, *authority, *additional, *want;
	uint32_t ttl_s;
} cases[] = {
	{ "an address", "www.example.", TYPE_A, false,
	    "www.example. 60 A 192.0.2.1;www.example. 60 A 192.0.2.2", "", "",
	    "an www.example. 60 A 192.0.2.1\nan www.example. 60 A 192.0.2.2\n",
	    60 },
	{ "names in data are whole, then written anew", "example.", TYPE_MX,
	    false, "example. 300 MX 10 a.mx.example.;example. 200 MX 20 mx.b.",
	    "example. 100 NS ns.example.", "ns.example. 50 A 192.0.2.3",
	    "an example. 200 MX 20 mx.b.\nan example. 300 MX 10 a.mx.example.\n"
	    "ns example. 100 NS ns.example.\nar ns.example. 50 A 192.0.2.3\n",
	    50 },
	{ "also where they are not compressed", "_x._tcp.example.", TYPE_SRV,
	    false, "_x._tcp.example. 9 SRV 1 2 3 a.example.", "", "",
	    "an _x._tcp.example. 9 SRV 1 2 3 a.example.\n", 9 },
	{ "an alias", "w.example.", TYPE_A, false,
	    "w.example. 60 CNAME www.example.;www.example. 30 A 192.0.2.1", "",
	    "",
	    "an w.example. 60 CNAME www.example.\n"
	    "an www.example. 30 A 192.0.2.1\n",
	    30 },
	{ "nothing, with SOA", "no.example.", TYPE_A, false, "",
	    "example. 5 SOA ns.example. h.example. 1 2 3 4 5", "",
	    "ns example. 5 SOA ns.example. h.example. 1 2 3 4 5\n", 5 },
	{ "signatures, for who wants them", "www.example.", TYPE_A, true,
	    "www.example. 60 A 192.0.2.1;" RRSIG, NSEC, "",
	    "an www.example. 60 A 192.0.2.1\nan www.example. 60 RRSIG A 13",
	    60 },
	{ "and not for others", "www.example.", TYPE_A, false,
	    "www.example. 60 A 192.0.2.1;" RRSIG, NSEC, "",
	    "an www.example. 60 A 192.0.2.1\n", 60 },
	{ "but if they are asked for", "a.example.", TYPE_NSEC, false, NSEC, "",
	    "", "an a.example. 60 NSEC z.example. A RRSIG NSEC \n", 60 },
	{ "a TTL beyond 2^31 is none", "www.example.", TYPE_A, false,
	    "www.example. 2147483648 A 192.0.2.1", "", "",
	    "an www.example. 0 A 192.0.2.1\n", 0 },
	{ "the largest", "www.example.", TYPE_A, false,
	    "www.example. 2147483647 A 192.0.2.1", "", "",
	    "an www.example. 2147483647 A 192.0.2.1\n", 2147483647 },
};

static void test_kept(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct made m = make(cases[i].name, (ldns_rr_type)cases[i].type,
		    cases[i].answer, cases[i].authority, cases[i].additional);
		struct foreign *f = read_made(
		    &m, cases[i].name, cases[i].type, cases[i].dnssec);

		print_message("%s\n", cases[i].why);
		assert_non_null(f);
		scoped_free char *got = reply_text(f->msg, f->len);
		const char *records = strchr(got, '\n') + 1;
		if (strncmp(records, cases[i].want, strlen(cases[i].want)) != 0)
			fail_msg("is: %s\nnot: %s", records, cases[i].want);
		assert_int_equal(f->ttl_s, cases[i].ttl_s);
		assert_int_equal(f->why, WHY_NOT_SAID);
		free(f);
		/* whatever is missing at its end */
		for (m.len--; m.len > 0; m.len--) {
			assert_null(read_made(
			    &m, cases[i].name, cases[i].type, cases[i].dnssec));
		}
		free(m.msg);
	}
}

/* What is no answer to the question. */
static void test_refused(void **state)
{
	struct made m = make("www.example.", LDNS_RR_TYPE_A,
	    "www.example. 60 A 192.0.2.1", "", "");
	static const struct {
		const char *why;
		size_t at;
		uint8_t octet;
	} changes[] = {
		{ "a question", 2, 0x01 },
		{ "another opcode", 2, 0xa0 },
		{ "cut", 2, 0x82 },
		{ "no question", 5, 0 },
		{ "two", 5, 2 },
		{ "an answer more than there is", 7, 2 },
		{ "one less", 7, 0 },
		{ "a pointer to itself", 30, 29 },
		{ "a pointer beyond", 30, 200 },
		{ "a label of 64 octets", 29, 64 },
		{ "another class", 34, 3 },
		{ "data that is longer", 40, 5 },
	};

	(void)state;
	struct foreign *f = read_made(&m, "www.example.", TYPE_A, false);
	assert_non_null(f);
	free(f);
	f = read_made(&m, "WWW.Example.", TYPE_A, false);
	assert_non_null(f);
	free(f);
	assert_null(read_made(&m, "wwx.example.", TYPE_A, false));
	assert_null(read_made(&m, "example.", TYPE_A, false));
	assert_null(read_made(&m, "www.example.", TYPE_AAAA, false));
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		uint8_t kept = m.msg[changes[i].at];

		print_message("%s\n", changes[i].why);
		assert_int_not_equal(kept, changes[i].octet);
		m.msg[changes[i].at] = changes[i].octet;
		assert_null(read_made(&m, "www.example.", TYPE_A, false));
		m.msg[changes[i].at] = kept;
	}
	free(m.msg);
}

/* One of its records is enough. */
static void test_over(void **state)
{
	struct made m = make("w.example.", LDNS_RR_TYPE_A,
	    "w.example. 60 CNAME www.example.;"
	    "www.example. 1073741824 A 192.0.2.1",
	    "", "");
	struct foreign *f = read_made(&m, "w.example.", TYPE_A, false);

	(void)state;
	assert_non_null(f);
	assert_int_equal(f->why, WHY_STALE);
	assert_int_equal(f->ttl_s, 30);
	scoped_free char *got = reply_text(f->msg, f->len);
	assert_string_equal(strchr(got, '\n') + 1,
	    "an w.example. 60 CNAME www.example.\n"
	    "an www.example. 30 A 192.0.2.1\n");
	/* that there is no such name, too */
	m.msg[3] = (uint8_t)((m.msg[3] & ~WIRE_RCODE) | RCODE_NXDOMAIN);
	free(f);
	f = read_made(&m, "w.example.", TYPE_A, false);
	assert_non_null(f);
	assert_int_equal(f->why, WHY_STALE_NXDOMAIN);
	free(f);
	free(m.msg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
