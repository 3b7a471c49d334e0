// SPDX-License-Identifier: BSD-2-Clause
/*
 * Names of addresses: what is answered, and that the index kept by change is
 * what one built afresh would be, whatever came before and whoever reads.
 */
#include "dnsd/message/reverse.h"
#include "schema/base/rng.h"
#include "schema/base/scoped.h"
#include "tests/support/ask.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* ---- answers ---------------------------------------------------------- */

static const char world[] =
    "zone svc.test ttl 5\n"
    "service web ttl 30\n"
    "instance i2 192.0.2.1 six 2001:db8::1\n"
    "instance i1 192.0.2.1\n"
    "instance i3 192.0.2.3 health dead\n"
    "instance i4 192.0.2.4 mode maintenance\n"
    "instance i5 192.0.2.5 mode draining\n"
    "instance i6 192.0.2.6 lease 1\n"
    "instance i7 10.255.0.100\n"
    "instance i8 192.0.2.8\n"
    "service api\n"
    "instance z 192.0.2.7\n"
    "instance i8 192.0.2.8\n"
    "instance six 2001:db8::abcd:ef01\n"
    "zone eu.svc.test\n"
    "service aa\n"
    "instance a 192.0.2.8\n"
    "instance b 192.0.2.9\n"
    "zone a.test\n"
    "service zz\n"
    "instance z 192.0.2.9\n"
    "zone 192.in-addr.arpa negative 2\n"
    "record 20.2.0 60 PTR printer.test.\n"
    "record 7.2.0 60 PTR static.test.\n"
    "record 3.2.0 60 TXT \"here\"\n"
    "record * 60 PTR wild.test.\n"
    "record 1.168 60 NS ns.test.\n"
    "zone 8.b.d.0.1.0.0.2.ip6.arpa negative 2\n"
    "zone 5.2.0.192.in-addr.arpa negative 2\n"
    "zone 0/25.9.0.192.in-addr.arpa negative 2\n"
    "service web\n"
    "instance i1 192.0.9.1\n";

#define SOA(zone)                                                              \
	"ns " zone " 2 SOA ns1." zone " hostmaster." zone                      \
	" 7 3600 600 86400 2\n"
#define SOA4 SOA("192.in-addr.arpa.")
#define IP6 "8.b.d.0.1.0.0.2.ip6.arpa"
#define ZEROS "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."

/* clang-format off */
static const struct {
	const char *why, *question, *want;
} cases[] = {
	{ "of two instances the first, with the service's TTL",
	    "1.2.0.192.in-addr.arpa PTR",
	    "NOERROR aa\nan 1.2.0.192.in-addr.arpa. 30 PTR i1.web.svc.test.\n" },
	{ "IPv6, in whatever case",
	    "1.0.F.E.D.C.b.a." ZEROS "8.B.D.0.1.0.0.2.IP6.arpa PTR",
	    "NOERROR aa\nan 1.0.F.E.D.C.b.a." ZEROS "8.B.D.0.1.0.0.2.IP6.arpa. "
	    "5 PTR six.api.svc.test.\n" },
	{ "the address beside an IPv4 address",
	    "1.0.0.0.0.0.0.0." ZEROS IP6 " PTR",
	    "NOERROR aa\nan 1.0.0.0.0.0.0.0." ZEROS IP6
	    ". 30 PTR i2.web.svc.test.\n" },
	{ "with static records of another type, and whatever its health",
	    "3.2.0.192.in-addr.arpa PTR",
	    "NOERROR aa\nan 3.2.0.192.in-addr.arpa. 30 PTR i3.web.svc.test.\n" },
	{ "those records", "3.2.0.192.in-addr.arpa TXT",
	    "NOERROR aa\nan 3.2.0.192.in-addr.arpa. 60 TXT \"here\"\n" },
	{ "in maintenance", "4.2.0.192.in-addr.arpa PTR",
	    "NOERROR aa\nan 4.2.0.192.in-addr.arpa. 30 PTR i4.web.svc.test.\n" },
	{ "draining, in a zone of one address", "5.2.0.192.in-addr.arpa PTR",
	    "NOERROR aa\nan 5.2.0.192.in-addr.arpa. 30 PTR i5.web.svc.test.\n" },
	{ "its apex", "5.2.0.192.in-addr.arpa NS",
	    "NOERROR aa\n"
	    "an 5.2.0.192.in-addr.arpa. 3600 NS ns1.5.2.0.192.in-addr.arpa.\n"
	    "ar ns1.5.2.0.192.in-addr.arpa. 3600 A 192.0.2.53\n"
	    "ar ns1.5.2.0.192.in-addr.arpa. 3600 AAAA 2001:db8::53\n" },
	{ "its lease has run out, its row is there",
	    "6.2.0.192.in-addr.arpa PTR",
	    "NOERROR aa\nan 6.2.0.192.in-addr.arpa. 30 PTR i6.web.svc.test.\n" },
	{ "of two zones the first: a.test before svc.test",
	    "9.2.0.192.in-addr.arpa PTR",
	    "NOERROR aa\nan 9.2.0.192.in-addr.arpa. 5 PTR z.zz.a.test.\n" },
	{ "svc.test before eu.svc.test, in it api before web",
	    "8.2.0.192.in-addr.arpa PTR",
	    "NOERROR aa\nan 8.2.0.192.in-addr.arpa. 5 PTR i8.api.svc.test.\n" },
	{ "the zone's own record wins", "7.2.0.192.in-addr.arpa PTR",
	    "NOERROR aa\nan 7.2.0.192.in-addr.arpa. 60 PTR static.test.\n" },
	{ "a name that is static alone", "20.2.0.192.in-addr.arpa PTR",
	    "NOERROR aa\nan 20.2.0.192.in-addr.arpa. 60 PTR printer.test.\n" },
	{ "another type", "1.2.0.192.in-addr.arpa A", "NOERROR aa\n" SOA4 },
	{ "any type", "1.2.0.192.in-addr.arpa ANY",
	    "NOERROR aa\n"
	    "an 1.2.0.192.in-addr.arpa. 30 HINFO \"RFC8482\" \"\"\n" },
	{ "on the way to addresses", "2.0.192.in-addr.arpa PTR",
	    "NOERROR aa\n" SOA4 },
	{ "nobody's address, its network is there: no wildcard",
	    "77.2.0.192.in-addr.arpa PTR", "NXDOMAIN aa\n" SOA4 },
	{ "a wildcard, where nothing is on the way",
	    "77.3.5.192.in-addr.arpa PTR",
	    "NOERROR aa\nan 77.3.5.192.in-addr.arpa. 60 PTR wild.test.\n" },
	{ "delegated", "7.1.168.192.in-addr.arpa PTR",
	    "NOERROR\nns 1.168.192.in-addr.arpa. 60 NS ns.test.\n" },
	{ "no octets", "300.2.0.192.in-addr.arpa PTR", "NXDOMAIN aa\n" SOA4 },
	{ "nor with zeros before them", "01.2.0.192.in-addr.arpa PTR",
	    "NXDOMAIN aa\n" SOA4 },
	{ "below an address", "x.1.2.0.192.in-addr.arpa PTR",
	    "NXDOMAIN aa\n" SOA4 },
	{ "below with what would be one octet more",
	    "9.1.2.0.192.in-addr.arpa PTR", "NXDOMAIN aa\n" SOA4 },
	{ "part of an IPv6 address", "0.0." IP6 " PTR",
	    "NOERROR aa\n" SOA(IP6 ".") },
	{ "of nobody's", "1.0." IP6 " PTR", "NXDOMAIN aa\n" SOA(IP6 ".") },
	{ "more than four bits", "10." IP6 " PTR",
	    "NXDOMAIN aa\n" SOA(IP6 ".") },
	{ "another network is not ours", "100.0.255.10.in-addr.arpa PTR",
	    "REFUSED\n" },
	{ "part of a network as in RFC 2317 is a zone like others",
	    "web.0/25.9.0.192.in-addr.arpa A",
	    "NOERROR aa\nan web.0/25.9.0.192.in-addr.arpa. 5 A 192.0.9.1\n" },
	{ "the names that lead here", "i1.web.svc.test A",
	    "NOERROR aa\nan i1.web.svc.test. 30 A 192.0.2.1\n" },
};
/* clang-format on */

static void test_answers(void **state)
{
	struct world *w = world_new(world);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		scoped_free char *got = ask_text(w, cases[i].question);

		if (strcmp(got, cases[i].want) != 0) {
			fail_msg("%s: '%s'\n%s", cases[i].why,
			    cases[i].question, got);
		}
	}
	world_free(w);
}

static void test_zone_names(void **state)
{
	static const struct {
		const char *name;
		uint8_t len;
	} zones[] = {
		{ "in-addr.arpa", 4 },
		{ "ip6.arpa", 16 },
		{ "10.in-addr.arpa", 4 },
		{ "255.254.10.in-addr.arpa", 4 },
		{ "1.2.3.4.in-addr.arpa", 4 },
		{ "0.1.2.3.4.in-addr.arpa", 0 },
		{ "256.in-addr.arpa", 0 },
		{ "0/25.2.0.192.in-addr.arpa", 0 },
		{ "F.e.ip6.arpa", 16 },
		{ "g.ip6.arpa", 0 },
		{ "10.ip6.arpa", 0 },
		{ "arpa", 0 },
		{ "xin-addr.arpa", 0 },
		{ "in-addr.arpa.test", 0 },
		{ "svc.test", 0 },
		{ ".", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(zones) / sizeof(*zones); i++) {
		struct dname n;

		assert_true(dname_from_text(&n, zones[i].name));
		if (reverse_address_len(&n) != zones[i].len)
			fail_msg("%s", zones[i].name);
	}
}

/* A name made of an address stands for it again. */
static void test_names_of_addresses(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed_fixed(&rng, 5);
	for (unsigned k = 0; k < 2000; k++) {
		uint8_t len = k % 2 ? 4 : 16, address[16] = { 0 };
		struct reverse_name n;
		struct dname name;

		for (unsigned i = 0; i < len; i++)
			address[i] = (uint8_t)(rng_u32(&rng) >> (k % 3 * 4));
		reverse_name_of(&name, address, len);
		assert_int_equal(reverse_address_len(&name), len);
		reverse_parse(&n, &name, len);
		assert_int_equal(n.part_n, n.label_n);
		assert_int_equal(n.part_n, len == 4 ? 4 : 32);
		assert_memory_equal(n.address, address, len);
	}
}

/* ---- kept by change --------------------------------------------------- */

enum {
	CHANGES = 4000,
	NAMES = 24,  /* services in each of two zones */
	SHARED = 40, /* addresses that they have in common */
	COMPARE_EACH = 100,
};

static void put_service(struct world *w, struct rng *rng, unsigned most)
{
	static char text[80 * 128];
	size_t len;
	unsigned n = rng_below(rng, most) + (most > 1);

	len = (size_t)snprintf(text, sizeof(text), "zone %s\nservice s%u\n",
	    rng_below(rng, 2) ? "svc.test" : "a.test", rng_below(rng, NAMES));
	for (unsigned i = 0; i < n; i++) {
		unsigned a = rng_below(rng, SHARED), b = rng_below(rng, SHARED);

		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    rng_below(rng, 2) ? "instance i%u 10.%u.%u.1 health %s"
		                      : "instance i%u fd00::%u:%u health %s",
		    i * 7 % 80, a % 7, a, rng_below(rng, 4) ? "passing" : "dead");
		if (!strstr(text + len - 30, "fd00") && rng_below(rng, 2)) {
			len += (size_t)snprintf(text + len, sizeof(text) - len,
			    " six fd00::%u:%u", b % 7, b);
		}
		text[len++] = '\n';
	}
	text[len] = '\0';
	world_add(w, text);
}

static void remove_service(struct world *w, struct rng *rng)
{
	char name[16];

	world_add(w, rng_below(rng, 2) ? "zone svc.test\n" : "zone a.test\n");
	(void)snprintf(name, sizeof(name), "s%u", rng_below(rng, NAMES));
	(void)world_remove(w, name);
}

static void enter(void *arg, const struct service *s)
{
	reverse_enter(arg, s, NULL);
}

struct same {
	const struct reverse *kept, *fresh;
	uint8_t len;
	unsigned found_n;
};

/* Who has an address, by looking at everybody. */
struct search {
	const uint8_t *address;
	uint8_t len;
	const struct service *first;
	char zone[DNAME_TEXT_MAX];
};

/* Of two zones, a.test and svc.test, and names without further dots. */
static void look(void *arg, const struct service *s)
{
	struct search *x = arg;
	char text[DNAME_TEXT_MAX];

	if (service_find_address(s, x->address, x->len) < 0)
		return;
	dname_to_text(s->zone->name.lower, text);
	int order = x->first ? strcmp(text, x->zone) : -1;
	if (!order)
		order = label_order(s->name, x->first->name);
	if (order > 0)
		return;
	x->first = s;
	memcpy(x->zone, text, sizeof(text));
}

static const struct service *search(
    const struct world *w, const uint8_t *address, uint8_t len)
{
	struct search x = { .address = address, .len = len };
	unsigned at = 0;

	while (catalog_each_service(w->catalog, &at, look, &x))
		;
	return x.first;
}

/* All that can be asked about an address: it, and each part of it. */
static void compare(
    const struct world *w, struct same *s, const uint8_t *address)
{
	const struct service *first = search(w, address, s->len);
	struct reverse_name n;
	struct dname name;

	reverse_name_of(&name, address, s->len);
	reverse_parse(&n, &name, s->len);
	for (uint8_t parts = n.part_n; parts > 0; parts--) {
		struct reverse_found a, b;

		n.part_n = n.label_n = parts;
		reverse_find(s->kept, &n, &a);
		reverse_find(s->fresh, &n, &b);
		assert_int_equal(a.exists, b.exists);
		assert_ptr_equal(a.service, b.service);
		assert_int_equal(a.instance, b.instance);
		assert_int_equal(a.encloser_n, b.encloser_n);
		s->found_n += a.service != NULL;
		if (parts == (s->len == 4 ? 4 : 32))
			assert_ptr_equal(a.service, first);
	}
}

static unsigned compare_all(struct world *w)
{
	struct reverse *fresh = reverse_new(w->catalog, w->reclaim);
	struct same s = { catalog_reverse(w->catalog), fresh, 0, 0 };
	unsigned at = 0;

	while (catalog_each_service(w->catalog, &at, enter, fresh))
		;
	for (unsigned k = 0; k < SHARED; k++) {
		uint8_t four[4] = { 10, (uint8_t)(k % 7), (uint8_t)k, 1 };
		uint8_t six[16] = { 0xfd };

		/* ::%u:%u writes decimal digits, which are read as hex */
		six[13] = (uint8_t)(k % 7);
		six[15] = (uint8_t)(k / 10 * 16 + k % 10);
		s.len = 4;
		compare(w, &s, four);
		s.len = 16;
		compare(w, &s, six);
	}
	assert_int_equal(reverse_n(s.kept, 4), reverse_n(fresh, 4));
	assert_int_equal(reverse_n(s.kept, 16), reverse_n(fresh, 16));
	reverse_free(fresh);
	return s.found_n;
}

static const char empty_world[] = "zone svc.test\n"
                                  "zone a.test\n"
                                  "zone 10.in-addr.arpa\n"
                                  "zone d.f.ip6.arpa\n";

/* Most services are small, some have an index of their addresses. */
static void test_as_if_built_afresh(void **state)
{
	struct world *w = world_new(empty_world);
	struct rng rng;
	unsigned found_n = 0;

	(void)state;
	rng_seed_fixed(&rng, 12);
	for (unsigned k = 1; k <= CHANGES; k++) {
		if (rng_below(&rng, 3)) {
			put_service(w, &rng, k % 16 ? 6 : 75);
		} else {
			remove_service(w, &rng);
		}
		if (k % COMPARE_EACH == 0)
			found_n += compare_all(w);
	}
	assert_true(found_n > CHANGES / COMPARE_EACH * SHARED);
	world_free(w);
}

/* A zone of addresses that comes after the services knows them, too. */
static void test_zone_comes_later(void **state)
{
	struct world *w = world_new("zone svc.test\n"
	                            "service web\n"
	                            "instance i1 10.0.0.1\n");

	(void)state;
	assert_null(catalog_reverse(w->catalog));
	world_add(w, "zone 10.in-addr.arpa\n");
	scoped_free char *got = ask_text(w, "1.0.0.10.in-addr.arpa PTR");
	assert_string_equal(got, "NOERROR aa\n"
	                         "an 1.0.0.10.in-addr.arpa. 5 PTR "
	                         "i1.web.svc.test.\n");
	world_free(w);
}

/*
 * Many services at one address: each takes the name over from those after it,
 * and gives it back.
 */
static void test_crowd(void **state)
{
	enum { CROWD = 300 };
	struct world *w = world_new(empty_world);
	char text[128];

	(void)state;
	for (unsigned k = CROWD; k-- > 0;) {
		(void)snprintf(text, sizeof(text),
		    "zone svc.test\nservice s%03u\ninstance i 10.0.0.1\n",
		    k * 7 % CROWD);
		world_add(w, text);
	}
	for (unsigned k = 0; k < CROWD; k++) {
		scoped_free char *got =
		    ask_text(w, "1.0.0.10.in-addr.arpa PTR");

		(void)snprintf(text, sizeof(text), "i.s%03u.svc.test.\n", k);
		assert_non_null(strstr(got, text));
		(void)snprintf(text, sizeof(text), "s%03u", k);
		assert_true(world_remove(w, text));
	}
	assert_int_equal(reverse_n(catalog_reverse(w->catalog), 4), 0);
	scoped_free char *got = ask_text(w, "1.0.0.10.in-addr.arpa PTR");
	assert_non_null(strstr(got, "NXDOMAIN"));
	world_free(w);
}

/* ---- while others read ------------------------------------------------ */

struct reader {
	struct world *world;
	struct reclaim_reader *in;
	atomic_bool *stop;
	unsigned seen, missed;
};

/* 10.0.0.1 has an owner at every moment, now this one, now that one. */
static void *read_on(void *arg)
{
	struct reader *r = arg;
	struct reverse_name n = { { 10, 0, 0, 1 }, 4, 4, 4 };

	while (!atomic_load(r->stop)) {
		struct reverse_found f;

		reclaim_in(r->in);
		reverse_find(catalog_reverse(r->world->catalog), &n, &f);
		if (!f.service ||
		    service_find_address(f.service, n.address, 4) !=
		        (int)f.instance)
			r->missed++;
		reclaim_out(r->in);
		r->seen++;
	}
	return NULL;
}

static void test_readers(void **state)
{
	enum { READERS = 2, ROUNDS = 3000 };
	struct world *w =
	    world_new_readers("zone svc.test\n"
	                      "zone 10.in-addr.arpa\n"
	                      "zone svc.test\n"
	                      "service stays\n"
	                      "instance i1 10.0.0.1\n",
	        READERS + 1);
	struct reader readers[READERS];
	pthread_t threads[READERS];
	atomic_bool stop = false;

	(void)state;
	for (unsigned i = 0; i < READERS; i++) {
		readers[i] = (struct reader){
			w, reclaim_reader(w->reclaim, i + 1), &stop, 0, 0
		};
		assert_int_equal(pthread_create(&threads[i], NULL, read_on,
		                     &readers[i]),
		    0);
	}
	for (unsigned k = 0; k < ROUNDS; k++) {
		world_add(w, k % 3 ? "service aa\ninstance a 10.0.0.1\n"
		                     "instance b 10.0.0.2\n"
		                   : "service aa\ninstance b 10.0.0.3\n");
		world_add(w, k % 2 ? "service ab\ninstance a 10.0.0.1\n"
		                   : "service ab\ninstance c 10.0.1.1\n");
		if (k % 5 == 0)
			(void)world_remove(w, "aa");
	}
	atomic_store(&stop, true);
	for (unsigned i = 0; i < READERS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(readers[i].missed, 0);
		assert_true(readers[i].seen > 0);
	}
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_zone_names),
		cmocka_unit_test(test_names_of_addresses),
		cmocka_unit_test(test_as_if_built_afresh),
		cmocka_unit_test(test_zone_comes_later),
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
