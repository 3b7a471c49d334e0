// SPDX-License-Identifier: BSD-2-Clause
/*
 * Names of the registry beside static ones, and names that look alike in the
 * table.
 */
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "tests/support/ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char world[] = "zone svc.test\n"
                            "record * 60 TXT \"zone\"\n"
                            "record *._tcp 60 TXT \"tcp\"\n"
                            "record *.four 60 TXT \"four\"\n"
                            "service web\n"
                            "instance i1 192.0.2.1\n"
                            "service four\n"
                            "instance f1 192.0.2.2\n"
                            "service dns protocol udp\n"
                            "instance u1 192.0.2.3\n";

#define NODATA                                                                 \
	"NOERROR aa\nns svc.test. 2 SOA ns1.svc.test. "                        \
	"hostmaster.svc.test. 7 3600 600 86400 2\n"

/*
 * A wildcard speaks for what does not exist below the closest name that does
 * (RFC 4592 section 3.3.1); names of the registry exist as static ones do.
 */
static const struct {
	const char *why, *question;
	const char *want; /* the TXT that is answered, NULL: NXDOMAIN */
} wildcards[] = {
	{ "nothing below the zone", "nope.svc.test TXT", "zone" },
	{ "a service exists, another type", "web.svc.test MX", "" },
	{ "an instance that does not", "i9.web.svc.test TXT", NULL },
	{ "below an instance", "x.i1.web.svc.test TXT", NULL },
	{ "below an instance that does not exist", "x.i9.web.svc.test TXT",
	    NULL },
	{ "and in a service with a wildcard of its own",
	    "x.f9.four.svc.test TXT", "four" },
	{ "below a service with a wildcard of its own", "x.four.svc.test TXT",
	    "four" },
	{ "its instance exists: the wildcard is not for what is below it",
	    "x.f1.four.svc.test TXT", NULL },
	{ "below _tcp", "x._tcp.svc.test TXT", "tcp" },
	{ "a service that is not there", "_nope._tcp.svc.test TXT", "tcp" },
	{ "two labels below _tcp", "y.x._tcp.svc.test TXT", "tcp" },
	{ "below a name that exists below _tcp", "x._web._tcp.svc.test TXT",
	    NULL },
	{ "an instance there", "i1._web._tcp.svc.test A", "" },
	{ "below an instance there", "x.i1._web._tcp.svc.test TXT", NULL },
	{ "the service has another protocol", "x._dns._tcp.svc.test TXT",
	    "tcp" },
	{ "_sctp does not exist", "x._sctp.svc.test TXT", "zone" },
};

static void test_wildcards(void **state)
{
	struct world *w = world_new(world);

	(void)state;
	for (size_t i = 0; i < sizeof(wildcards) / sizeof(*wildcards); i++) {
		scoped_free char *got = ask_text(w, wildcards[i].question);
		scoped_free char *want = xasprintf(
		    "TXT \"%s\"", wildcards[i].want ? wildcards[i].want : "");
		bool ok = !wildcards[i].want    ? !!strstr(got, "NXDOMAIN")
		          : !*wildcards[i].want ? !strcmp(got, NODATA)
		                                : !!strstr(got, want);

		if (!ok) {
			fail_msg("%s: '%s'\n%s", wildcards[i].why,
			    wildcards[i].question, got);
		}
	}
	world_free(w);
}

/*
 * Types that no part of the query path knows by name: whoever compiles a
 * record of one has it answered.
 */
static const char typed[] = "zone svc.test\n"
                            "service web port 80\n"
                            "data CAA 0 issue \"ca.test\"\n"
                            "meta k v\n"
                            "data CAA 0 iodef \"mailto:a@ca.test\"\n"
                            "data TYPE65280 \\# 2 abcd\n"
                            "instance i1 192.0.2.1\n"
                            "data SSHFP 4 2 0102\n"
                            "data SSHFP 1 2 0304\n"
                            "instance i2 192.0.2.2\n"
                            "meta of i2\n"
                            "instance i3 192.0.2.3\n";

static const struct {
	const char *why, *question, *want;
} of_types[] = {
	{ "two of a type, others between them", "web.svc.test CAA",
	    "NOERROR aa\nan web.svc.test. 5 CAA 0 iodef \"mailto:a@ca.test\"\n"
	    "an web.svc.test. 5 CAA 0 issue \"ca.test\"\n" },
	{ "TXT beside them", "web.svc.test TXT",
	    "NOERROR aa\nan web.svc.test. 5 TXT \"k=v\"\n" },
	{ "a type that nobody knows", "web.svc.test TYPE65280",
	    "NOERROR aa\nan web.svc.test. 5 TYPE65280 \\# 2 abcd\n" },
	{ "a type that it has not", "web.svc.test TYPE65281", NODATA },
	{ "of an instance", "i1.web.svc.test SSHFP",
	    "NOERROR aa\nan i1.web.svc.test. 5 SSHFP 1 2 0304\n"
	    "an i1.web.svc.test. 5 SSHFP 4 2 0102\n" },
	{ "of another instance", "i2.web.svc.test SSHFP", NODATA },
	{ "TXT of that one", "i2.web.svc.test TXT",
	    "NOERROR aa\nan i2.web.svc.test. 5 TXT \"of=i2\"\n" },
	{ "an instance has not what its service has", "i3.web.svc.test CAA",
	    NODATA },
	{ "DNS-SD has SRV and TXT alone", "i1._web._tcp.svc.test SSHFP",
	    NODATA },
	{ "where the TXT of the service stands in", "i1._web._tcp.svc.test TXT",
	    "NOERROR aa\nan i1._web._tcp.svc.test. 5 TXT \"k=v\"\n" },
};

static void test_types(void **state)
{
	struct world *w = world_new(typed);

	(void)state;
	for (size_t i = 0; i < sizeof(of_types) / sizeof(*of_types); i++) {
		scoped_free char *got = ask_text(w, of_types[i].question);

		if (strcmp(got, of_types[i].want) != 0) {
			fail_msg("%s: '%s'\n%s", of_types[i].why,
			    of_types[i].question, got);
		}
	}
	world_free(w);
}

/* RFC 2181 section 9: not all of a set fits, so TC, and TCP has it. */
static void test_types_truncated(void **state)
{
	struct world *w = world_new("zone svc.test\nservice web\n");
	struct reply r;
	char line[2048] = "service web\n";
	size_t len = strlen(line);

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		len += (size_t)snprintf(line + len, sizeof(line) - len,
		    "data TYPE65280 \\# 60 %02x%0118d\n", i, 0);
	}
	world_add(w, line);
	ask_reply(w, &r, "web.svc.test TYPE65280", ASK_NO_EDNS, VIA_UDP);
	assert_true(r.tc);
	assert_int_equal(ldns_rr_list_rr_count(r.section[REPLY_ANSWER]), 6);
	reply_release(&r);
	ask_reply(w, &r, "web.svc.test TYPE65280", ASK_NO_EDNS, VIA_TCP);
	assert_false(r.tc);
	assert_int_equal(ldns_rr_list_rr_count(r.section[REPLY_ANSWER]), 8);
	reply_release(&r);
	world_free(w);
}

/*
 * Two names whose hashes cannot be told apart by a look at the table: the
 * first guess is the wrong one, and the right one is found all the same.
 */
struct candidate {
	uint64_t key;
	unsigned label;
};

static int by_key(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

static void test_clash(void **state)
{
	enum { CANDIDATES = 200000 };
	struct world *w = world_new("zone a.test\n");
	scoped_free struct candidate *c = xcalloc(CANDIDATES, sizeof(*c));
	unsigned i = 1;

	(void)state;
	for (unsigned k = 0; k < CANDIDATES; k++) {
		uint8_t label[24] = { 0 };
		int len = snprintf((char *)label, 16, "s%u", k);
		uint64_t h = dname_hash_label(
		    w->zone->hash_seed, w->zone->hash, label, (size_t)len);

		/* segment, tag and place in a table of eight */
		c[k] = (struct candidate){ h >> 38 << 3 | (h & 7), k };
	}
	qsort(c, CANDIDATES, sizeof(*c), by_key);
	while (c[i].key != c[i - 1].key)
		i++;
	scoped_free char *text =
	    xasprintf("service s%u\ninstance i 192.0.2.1\n"
	              "service s%u\ninstance i 192.0.2.2\n",
	        c[i - 1].label, c[i].label);
	scoped_free char *first = xasprintf("s%u.a.test A", c[i - 1].label);
	scoped_free char *second = xasprintf("s%u.a.test A", c[i].label);
	scoped_free char *name = xasprintf("s%u", c[i].label);
	world_add(w, text);
	scoped_free char *got_first = ask_text(w, first);
	assert_non_null(strstr(got_first, "A 192.0.2.1\n"));
	scoped_free char *got_second = ask_text(w, second);
	assert_non_null(strstr(got_second, "A 192.0.2.2\n"));
	/* the guess is there, the name is not */
	assert_true(world_remove(w, name));
	scoped_free char *got_none = ask_text(w, second);
	assert_non_null(strstr(got_none, "NXDOMAIN"));
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wildcards),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_types_truncated),
		cmocka_unit_test(test_clash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
