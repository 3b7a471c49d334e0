// SPDX-License-Identifier: BSD-2-Clause
/*
 * Names in none of our zones, and who gets an answer to them on the way that
 * does not wait for anybody.
 */
#include "dnsd/forward/reading.h"
#include "dnsd/message/screen/networks.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "tests/support/ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROOT "ns . 2 SOA localhost. nobody.invalid. 1 3600 1200 604800 2\n"

static const char zone_text[] = "zone svc.test\n"
                                "record to 60 CNAME www.example.\n"
                                "service web port 80\n"
                                "instance i1 192.0.2.1\n";

static const char *const near[] = { "192.0.2.0/24" };
static const char *const far[] = { "198.51.100.0/24", "2001:db8::/32" };

static const struct {
	const char *why;
	enum outside outside;
	bool is_near;
	const char *question, *want; /* how the response begins */
} cases[] = {
	{ "it is refused as ever", OUTSIDE_REFUSE, true, "www.example A rd",
	    "REFUSED rd\n" },
	{ "and nobody is told of recursion", OUTSIDE_REFUSE, true,
	    "web.svc.test A rd", "NOERROR aa rd\n" },
	{ "there is nothing", OUTSIDE_NXDOMAIN, true, "www.example A rd",
	    "NXDOMAIN aa rd ra\n" ROOT },
	{ "also without RD", OUTSIDE_NXDOMAIN, true, "www.example A",
	    "NXDOMAIN aa ra\n" ROOT },
	{ "of every type", OUTSIDE_NXDOMAIN, true, "www.example ANY rd tcp",
	    "NXDOMAIN aa rd ra\n" ROOT },
	{ "the root is no name of ours either", OUTSIDE_NXDOMAIN, true,
	    ". NS rd", "NXDOMAIN aa rd ra\n" ROOT },
	{ "and why is said to who can read it", OUTSIDE_NXDOMAIN, true,
	    "www.example A rd edns=1232",
	    "NXDOMAIN aa rd ra\n" ROOT "opt 1232 option15=" },
	{ "but not to others", OUTSIDE_NXDOMAIN, false, "www.example A rd",
	    "REFUSED rd\n" },
	{ "a transfer is refused", OUTSIDE_NXDOMAIN, true,
	    "www.example AXFR tcp", "REFUSED ra\n" },
	{ "another class, too", OUTSIDE_NXDOMAIN, true,
	    "www.example A class=HS", "REFUSED ra\n" },
	{ "names of ours are answered", OUTSIDE_NXDOMAIN, true,
	    "web.svc.test A rd", "NOERROR aa rd ra\nan web.svc.test. " },
	{ "to others as well", OUTSIDE_NXDOMAIN, false, "web.svc.test A rd",
	    "NOERROR aa rd\nan web.svc.test. " },
	{ "or not, by us", OUTSIDE_NXDOMAIN, true, "nope.svc.test A rd",
	    "NXDOMAIN aa rd ra\nns svc.test. " },
	{ "an alias that leads outside", OUTSIDE_NXDOMAIN, true,
	    "to.svc.test A rd",
	    "NOERROR aa rd ra\nan to.svc.test. 60 CNAME www.example.\n" },
	{ "forwarding, with nobody to do it", OUTSIDE_FORWARD, true,
	    "www.example A rd", "REFUSED rd ra\n" },
};

static void test_cases(void **state)
{
	struct networks *networks[] = { networks_new(far, 2),
		networks_new(near, 1) };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct world *w = world_new(zone_text);

		w->policy.outside = cases[i].outside;
		w->policy.recursers = networks[cases[i].is_near];
		w->policy.watches = true;
		scoped_free char *got = ask_text(w, cases[i].question);
		if (strncmp(got, cases[i].want, strlen(cases[i].want)) != 0) {
			fail_msg("%s: %s\nis: %s\nnot: %s", cases[i].why,
			    cases[i].question, got, cases[i].want);
		}
		world_free(w);
	}
	networks_free(networks[0]);
	networks_free(networks[1]);
}

/* ---- what others said ------------------------------------------------- */

/* An answer to a question for name, of n addresses, as it is kept. */
static struct foreign *foreign_addresses(
    const char *name, unsigned n, bool alias)
{
	static uint8_t msg[65536];
	struct dname d, other;
	uint8_t *p = msg + WIRE_HEADER_LEN;

	memset(msg, 0, sizeof(msg));
	assert_true(dname_from_text(&d, name));
	assert_true(dname_from_text(&other, "target.elsewhere"));
	msg[2] = WIRE_QR;
	wire_put16(msg + 4, 1);
	wire_put16(msg + 6, (uint16_t)(n + alias));
	wire_put16(msg + 10, 1);
	memcpy(p, d.lower, d.len);
	p = wire_put16(p + d.len, TYPE_A);
	p = wire_put16(p, CLASS_IN);
	const uint8_t *owner = alias ? other.lower : d.lower;
	size_t owner_len = alias ? other.len : d.len;
	if (alias) {
		p = wire_put16(p, 0xc00c);
		p = wire_put16(p, TYPE_CNAME);
		p = wire_put16(p, CLASS_IN);
		p = wire_put32(p, 300);
		p = wire_put16(p, other.len);
		memcpy(p, other.lower, other.len);
		p += other.len;
	}
	for (unsigned i = 0; i <= n; i++) { /* the last one goes along */
		memcpy(p, owner, owner_len);
		p = wire_put16(p + owner_len, TYPE_A);
		p = wire_put16(p, CLASS_IN);
		p = wire_put32(p, i < n ? 60 : 10);
		p = wire_put16(p, 4);
		p = wire_put32(p, 0xc6336400 + i);
	}
	const struct reading r = { d.lower, d.len, TYPE_A, CLASS_IN, false };
	struct foreign *f = reading_foreign(&r, msg, (size_t)(p - msg));
	assert_non_null(f);
	return f;
}

/* The response to that question, if others said f; the caller frees. */
static char *encode(struct world *w, const char *question,
    const struct foreign *f, uint32_t age_s)
{
	char name[ASK_NAME_MAX], reason[REPLY_REASON_MAX];
	uint8_t msg[ASK_MAX];
	struct answer a;
	struct locus l;
	struct query q;
	struct ask ask;

	ask_parse(&ask, name, question);
	size_t len = ask_build(&ask, msg);
	assert_int_equal(query_parse(&q, msg, len), QUERY_OK);
	reclaim_in(w->reader);
	answer_locate(&l, &q, w->catalog);
	answer_decide(&a, &q, &l, w->catalog, &w->identity);
	assert_true(!l.zone || a.leads_outside);
	a.rcode = RCODE_NOERROR;
	a.kind = ANSWER_FOREIGN;
	a.foreign = f;
	a.age_s = age_s;
	struct response r = respond_encode(
	    &w->handler->responder, &q, &a, ask.via, w->response);
	reclaim_out(w->reader);
	w->handler->responder.extra = (struct respond_extra){ 0 };
	w->response_len = r.len;
	w->response[3] &= (uint8_t)~WIRE_AD;
	if (!reply_matches(
	        msg, len, w->response, r.len, ask.via, WORLD_UDP_MAX, reason))
		fail_msg("%s: %s", question, reason);
	return reply_text(w->response, r.len);
}

static void test_as_it_was_asked(void **state)
{
	struct world *w = world_new(zone_text);
	struct foreign *f = foreign_addresses("www.example", 1, false);

	(void)state;
	scoped_free char *got = encode(w, "wWw.Example A rd edns=1232", f, 0);
	assert_string_equal(got, "NOERROR rd\n"
	                         "an wWw.Example. 60 A 198.51.100.0\n"
	                         "ar wWw.Example. 10 A 198.51.100.1\n"
	                         "opt 1232\n");
	/* what has been kept for a while */
	scoped_free char *old = encode(w, "www.example A", f, 9);
	assert_string_equal(old, "NOERROR\nan www.example. 51 A 198.51.100.0\n"
	                         "ar www.example. 1 A 198.51.100.1\n");
	scoped_free char *over = encode(w, "www.example A", f, 100);
	assert_string_equal(over, "NOERROR\nan www.example. 0 A 198.51.100.0\n"
	                          "ar www.example. 0 A 198.51.100.1\n");
	free(f);
	world_free(w);
}

/* To each size as much as fits, whole records, the additional ones last. */
static void test_sizes(void **state)
{
	static const char *const names[] = { "www.example", "to.svc.test" };
	struct world *w = world_new(zone_text);

	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		struct foreign *f =
		    foreign_addresses("www.example", 60, k == 1);
		unsigned last = 0;

		for (unsigned size = 512; size <= WORLD_UDP_MAX; size++) {
			scoped_free char *question =
			    xasprintf("%s A edns=%u", names[k], size);
			scoped_free char *got = encode(w, question, f, 0);
			assert_null(strstr(got, "BROKEN"));
			unsigned n = wire_get16(w->response + 6);

			assert_true(w->response_len <= size);
			assert_true(n >= last && n > 20);
			assert_int_equal(
			    !!(w->response[2] & WIRE_TC), n < 60 + 2 * k);
			last = n;
		}
		scoped_free char *question =
		    xasprintf("%s A tcp edns=512", names[k]);
		scoped_free char *all = encode(w, question, f, 0);
		assert_null(strstr(all, "BROKEN"));
		assert_int_equal(wire_get16(w->response + 6), 60 + 2 * k);
		assert_false(w->response[2] & WIRE_TC);
		free(f);
	}
	world_free(w);
}

static void test_behind_an_alias(void **state)
{
	struct world *w = world_new(zone_text);
	struct foreign *f = foreign_addresses("www.example", 1, true);

	(void)state;
	scoped_free char *got = encode(w, "To.svc.test A rd", f, 50);
	assert_string_equal(got, "NOERROR aa rd\n"
	                         "an To.svc.test. 60 CNAME www.example.\n"
	                         "an target.elsewhere. 10 A 198.51.100.0\n"
	                         "an www.example. 250 CNAME target.elsewhere.\n"
	                         "ar target.elsewhere. 0 A 198.51.100.1\n");
	free(f);
	world_free(w);
}

/* RFC 6840 section 5.8 */
static void test_who_sees_ad(void **state)
{
	static const struct {
		const char *question;
		bool want;
	} askers[] = { { "www.example A", false }, { "www.example A ad", true },
		{ "www.example A do", true } };
	struct world *w = world_new(zone_text);
	struct foreign *f = foreign_addresses("www.example", 1, false);

	(void)state;
	for (unsigned k = 0; k < 6; k++) {
		char name[ASK_NAME_MAX];
		uint8_t msg[ASK_MAX];
		struct query q;
		struct ask ask;
		bool right = k < 3;

		f->authenticated = right;
		ask_parse(&ask, name, askers[k % 3].question);
		assert_int_equal(
		    query_parse(&q, msg, ask_build(&ask, msg)), QUERY_OK);
		const struct answer a = { .kind = ANSWER_FOREIGN,
			.foreign = f };
		(void)respond_encode(
		    &w->handler->responder, &q, &a, VIA_UDP, w->response);
		w->handler->responder.extra = (struct respond_extra){ 0 };
		assert_int_equal(
		    !!(w->response[3] & WIRE_AD), right && askers[k % 3].want);
	}
	free(f);
	world_free(w);
}

/* Nobody is asked without RD. */
static void test_deferred(void **state)
{
	static const struct {
		const char *question;
		bool want;
		const char *target;
	} asked[] = { { "www.example A rd", true, NULL },
		{ "www.example A", false, NULL },
		{ "web.svc.test A rd", false, NULL },
		{ "To.svc.test A rd", true, "www.example" },
		{ "to.svc.test A", false, NULL },
		{ "to.svc.test CNAME rd", false, NULL } };
	struct networks *networks = networks_new(near, 1);

	(void)state;
	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++) {
		struct world *w = world_new(zone_text);
		const struct deferral *d = &w->handler->deferral;
		char name[ASK_NAME_MAX];
		uint8_t msg[ASK_MAX];
		struct ask a;

		print_message("%s\n", asked[i].question);
		w->policy.outside = OUTSIDE_FORWARD;
		w->policy.recursers = networks;
		w->policy.watches = true;
		w->handler->defers = 1u << LATER_OUTSIDE;
		ask_parse(&a, name, asked[i].question);
		const struct message m = { msg, ask_build(&a, msg), NULL, 0,
			&w->peer.any };
		(void)handle_prepare(w->handler, &m, 1);
		struct handled r =
		    handle_respond(w->handler, 0, VIA_UDP, w->response);
		assert_int_equal(r.how == DEFERRED, asked[i].want);
		if (asked[i].want) {
			struct dname target = { 0 };

			assert_int_equal(d->extra.flags, WIRE_RA);
			if (asked[i].target) {
				assert_true(
				    dname_from_text(&target, asked[i].target));
			}
			assert_int_equal(d->target_len, target.len);
			assert_memory_equal(
			    d->target, target.lower, target.len);
		}
		world_free(w);
	}
	networks_free(networks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_as_it_was_asked),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_behind_an_alias),
		cmocka_unit_test(test_who_sees_ad),
		cmocka_unit_test(test_deferred),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
