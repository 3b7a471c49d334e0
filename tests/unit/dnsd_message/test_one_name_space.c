// SPDX-License-Identifier: BSD-2-Clause
/*
 * Zones made by chance, in which static records, zones below and services
 * want the same names: whatever goes along with an answer is what the name
 * itself is answered with.
 */
#include "schema/base/rng.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "tests/support/ask.h"

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 150, TEXT_MAX = 64 * 1024 };

static const char *const names[] = { "s0", "s1", "i0.s0", "i1.s0", "i0.s1",
	"i1.s1", "x.i0.s0", "_tcp", "_s0._tcp", "_s1._tcp", "i0._s0._tcp",
	"i1._s0._tcp", "i0._s1._tcp", "_sub._s0._tcp", "_v1._sub._s0._tcp", "*",
	"*.s0", "*.s1", "*._tcp", "*._s0._tcp", "mx0", "mx1", "mx2" };

static const char *const types[] = { "A", "AAAA", "SRV", "PTR", "TXT", "MX",
	"CNAME", "ANY" };

#define N(array) (sizeof(array) / sizeof(*(array)))

struct text {
	size_t len;
	char to[TEXT_MAX];
};

static void put(struct text *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void put(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	t->len +=
	    (size_t)vsnprintf(t->to + t->len, sizeof(t->to) - t->len, fmt, ap);
	va_end(ap);
	assert_true(t->len < sizeof(t->to));
}

static void put_static(struct text *t, struct rng *r, const char *owner)
{
	const char *other = names[rng_below(r, N(names))];

	switch (rng_below(r, 9)) {
	case 0:
		put(t, "record %s 60 A 192.0.2.99\n", owner);
		break;
	case 1:
		put(t, "record %s 60 AAAA fd00::99\n", owner);
		break;
	case 2:
		put(t, "record %s 60 A 192.0.2.98\n", owner);
		put(t, "record %s 60 AAAA fd00::98\n", owner);
		break;
	case 3:
		put(t, "record %s 60 CNAME %s\n", owner, other);
		break;
	case 4:
		put(t, "record %s 60 NS ns1.%s\n", owner, owner);
		put(t, "record ns1.%s 60 A 192.0.2.97\n", owner);
		break;
	case 5:
		put(t, "record %s 60 DNAME elsewhere\n", owner);
		break;
	case 6:
		put(t, "record %s 60 TXT static\n", owner);
		break;
	case 7:
		put(t, "record %s 60 SRV 1 2 3 %s\n", owner, other);
		break;
	default:
		put(t, "record %s 60 MX 1 %s\n", owner, other);
		break;
	}
}

static void put_services(struct text *t, struct rng *r)
{
	for (unsigned k = 0; k < 2; k++) {
		put(t, "service s%u protocol %s ttl 5\n", k,
		    rng_below(r, 5) ? "tcp" : "udp");
		for (unsigned i = 0; i < 2; i++) {
			put(t, "instance i%u 10.0.%u.%u%s\n", i, k, i + 1,
			    rng_below(r, 2) ? " six fd00::1" : "");
			if (rng_below(r, 2))
				put(t, "tag v1\nmeta k v\n");
		}
	}
}

static void make(struct text *t, struct rng *r)
{
	unsigned often = 2 + rng_below(r, 8);

	t->len = 0;
	if (!rng_below(r, 4)) {
		put(t, "zone s1.x.test max 0\n");
		if (rng_below(r, 2))
			put(t, "record i0 60 A 192.0.2.70\n");
	}
	if (!rng_below(r, 4))
		put(t, "zone i1.s0.x.test max 0\n");
	if (!rng_below(r, 6))
		put(t, "zone i0._s0._tcp.x.test max 0\n");
	put(t, "zone x.test max 0\n");
	for (unsigned i = 0; i < N(names); i++) {
		if (!rng_below(r, often))
			put_static(t, r, names[i]);
	}
	if (!rng_below(r, 20))
		put(t, "record @ 60 DNAME y.test.\n");
	put_services(t, r);
}

static bool has_rr(const ldns_rr_list *l, const ldns_rr *rr)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(l); i++) {
		const ldns_rr *own = ldns_rr_list_rr(l, i);

		if (!ldns_rr_compare(own, rr) &&
		    ldns_rr_ttl(own) == ldns_rr_ttl(rr))
			return true;
	}
	return false;
}

/* What the name of that record is answered with has it. */
static void check_along(
    struct world *w, const char *question, const char *text, const ldns_rr *rr)
{
	scoped_free char *owner = ldns_rdf2str(ldns_rr_owner(rr));
	scoped_free char *type = ldns_rr_type2str(ldns_rr_get_type(rr));
	scoped_free char *own = xasprintf("%s %s", owner, type);
	struct reply r;

	ask_reply(w, &r, own, ASK_NO_EDNS, VIA_TCP);
	if (!r.aa || !has_rr(r.section[REPLY_ANSWER], rr)) {
		scoped_free char *line = ldns_rr2str(rr);

		fail_msg("%s\n%s came with %s", text, question, line);
	}
	reply_release(&r);
}

/* How many records went along. */
static unsigned check(struct world *w, const char *text, const char *question)
{
	struct reply r;
	unsigned n = 0;

	ask_reply(w, &r, question, ASK_NO_EDNS, VIA_TCP);
	/* glue is what a zone below is said to have */
	bool refers = reply_count(&r, REPLY_AUTHORITY, LDNS_RR_TYPE_NS);
	for (;
	     !refers && n < ldns_rr_list_rr_count(r.section[REPLY_ADDITIONAL]);
	     n++) {
		check_along(w, question, text,
		    ldns_rr_list_rr(r.section[REPLY_ADDITIONAL], n));
	}
	reply_release(&r);
	return n;
}

static void test_what_goes_along(void **state)
{
	struct text *t = xcalloc(1, sizeof(*t));
	unsigned along_n = 0;
	struct rng rng;

	(void)state;
	rng_seed_fixed(&rng, 1034);
	for (unsigned round = 0; round < ROUNDS; round++) {
		make(t, &rng);
		struct world *w = world_new(t->to);
		for (unsigned i = 0; i < N(names) * N(types); i++) {
			scoped_free char *question = xasprintf("%s.x.test %s",
			    names[i / N(types)], types[i % N(types)]);

			along_n += check(w, t->to, question);
		}
		world_free(w);
	}
	assert_in_range(along_n, 1000, 1000000);
	free(t);
}

/* RFC 8482 section 4.1, 4.2: an alias is what ANY gets at its name. */
static void test_any_at_an_alias(void **state)
{
	struct world *w = world_new("zone 2.0.192.in-addr.arpa\n"
	                            "record 1 60 CNAME one.x.test.\n"
	                            "zone x.test\n"
	                            "service web\n"
	                            "instance i1 192.0.2.1\n"
	                            "record web 60 CNAME www.elsewhere.\n"
	                            "record i1.web 60 CNAME ftp.elsewhere.\n"
	                            "record _web._tcp 60 CNAME _x.elsewhere.\n"
	                            "record text 60 TXT static\n");
	static const struct {
		const char *question, *want;
	} cases[] = {
		{ "web.x.test ANY",
		    "NOERROR aa\nan web.x.test. 60 CNAME www.elsewhere.\n" },
		{ "i1.web.x.test ANY",
		    "NOERROR aa\n"
		    "an i1.web.x.test. 60 CNAME ftp.elsewhere.\n" },
		{ "_web._tcp.x.test ANY",
		    "NOERROR aa\n"
		    "an _web._tcp.x.test. 60 CNAME _x.elsewhere.\n" },
		{ "1.2.0.192.in-addr.arpa ANY",
		    "NOERROR aa\n"
		    "an 1.2.0.192.in-addr.arpa. 60 CNAME one.x.test.\n" },
	};

	(void)state;
	for (unsigned i = 0; i < N(cases); i++) {
		scoped_free char *said = ask_text(w, cases[i].question);

		assert_string_equal(said, cases[i].want);
	}
	world_free(w);
}

/* Servers of a zone below that only this one knows: all, or TC (RFC 9471). */
static void test_glue_of_many(void **state)
{
	static const struct {
		unsigned servers, elsewhere;
		bool truncated;
	} cases[] = { { 1, 0, false }, { 64, 0, false }, { 65, 0, false },
		{ 200, 40, false }, { 256, 0, false }, { 257, 0, true },
		{ 100, 300, false } };
	struct text *t = xcalloc(1, sizeof(*t));
	char reason[REPLY_REASON_MAX];
	uint8_t request[ASK_MAX];
	char name[ASK_NAME_MAX];
	struct ask ask;

	(void)state;
	for (unsigned k = 0; k < N(cases); k++) {
		struct reply r;

		t->len = 0;
		put(t, "zone x.test\n");
		for (unsigned i = 0; i < cases[k].servers; i++) {
			put(t, "record c 60 NS n%u.c\n", i);
			put(t, "record n%u.c 60 A 10.0.%u.1\n", i, i % 256);
		}
		for (unsigned i = 0; i < cases[k].elsewhere; i++)
			put(t, "record c 60 NS n%u.else.where.\n", i);
		struct world *w = world_new(t->to);
		/* ask_world() would not have TC over TCP */
		ask_parse(&ask, name, "www.c.x.test A tcp");
		world_handle(w, request, ask_build(&ask, request), VIA_TCP);
		if (!reply_parse(&r, w->response, w->response_len, reason))
			fail_msg("%u servers: %s", cases[k].servers, reason);
		assert_int_equal(r.tc, cases[k].truncated);
		if (!r.tc) {
			assert_int_equal(
			    reply_count(&r, REPLY_ADDITIONAL, LDNS_RR_TYPE_A),
			    cases[k].servers);
		}
		reply_release(&r);
		world_free(w);
	}
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_goes_along),
		cmocka_unit_test(test_any_at_an_alias),
		cmocka_unit_test(test_glue_of_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
