// SPDX-License-Identifier: BSD-2-Clause
/* What is counted of requests and their responses, through the handler. */
#include "dnsd/message/tally.h"
#include "tests/support/ask.h"
#include "tests/support/batch.h"
#include "tests/support/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { ZONE = 5, METER = 3, A = 1, AAAA = 2, SRV = 3 };

static const char rows[] = "zone svc.test\n"
                           "service web port 80\n"
                           "instance i1 192.0.2.1\n"
                           "service none port 80\n"
                           "instance i1 192.0.2.1 health dead\n";

struct counting {
	struct world *world;
	struct tallies *tallies;
	bool screened; /* who asks is looked at */
};

/* As meters.c does; nobody else looks. */
static void give_number(void *arg, const struct service *s)
{
	uint32_t *number = (uint32_t *)(uintptr_t)&s->meter;

	(void)arg;
	*number = s->name[0] == 3 ? METER : METER + 1;
}

static void set_up(struct counting *c)
{
	unsigned at = 0;

	c->world = world_new(rows);
	c->tallies = tallies_new(1, 10);
	c->world->handler->tally = tallies_take(c->tallies);
	c->world->zone->number = ZONE;
	while (
	    catalog_each_service(c->world->catalog, &at, give_number, NULL)) {
	}
}

static void tear_down(struct counting *c)
{
	world_free(c->world);
	tallies_free(c->tallies);
}

static void ask(struct counting *c, const char *question, enum transport via)
{
	static uint8_t response[65535 + RESPOND_SLACK];
	char name[ASK_NAME_MAX];
	uint8_t msg[ASK_MAX];
	struct ask a;

	ask_parse(&a, name, question);
	struct message m = { msg, ask_build(&a, msg), response, 0,
		c->screened ? &c->world->peer.any : NULL };
	reclaim_in(c->world->reader);
	handle_batch(c->world->handler, &m, 1, via);
	reclaim_out(c->world->reader);
}

static void test_zones_and_types(void **state)
{
	struct counting c = { 0 };
	const struct tallies *t;

	set_up(&c);
	c.screened = *(const bool *)*state;
	c.world->policy.watches = c.screened;
	t = c.tallies;
	ask(&c, "web.svc.test. A", VIA_UDP);
	ask(&c, "web.svc.test. A", VIA_TCP);
	ask(&c, "_web._tcp.svc.test. SRV", VIA_UDP);
	ask(&c, "no.svc.test. AAAA", VIA_TLS);
	ask(&c, "web.example. A", VIA_UDP);
	ask(&c, "web.svc.test. AXFR", VIA_TCP);
	assert_int_equal(tallies_request(t, ZONE, A, VIA_UDP), 1);
	assert_int_equal(tallies_request(t, ZONE, A, VIA_TCP), 1);
	assert_int_equal(tallies_request(t, ZONE, SRV, VIA_UDP), 1);
	assert_int_equal(tallies_request(t, ZONE, AAAA, VIA_TLS), 1);
	assert_int_equal(tallies_request(t, TALLY_OUTSIDE, A, VIA_UDP), 1);
	assert_int_equal(tallies_response(t, ZONE, STAT_NOERROR), 3);
	assert_int_equal(tallies_response(t, ZONE, STAT_NXDOMAIN), 1);
	/* a transfer is none that the zone has anything to say to */
	assert_int_equal(tallies_response(t, ZONE, STAT_REFUSED) +
	                     tallies_response(t, TALLY_OUTSIDE, STAT_REFUSED),
	    2);
	assert_true(tallies_response(t, TALLY_OUTSIDE, STAT_REFUSED) > 0);
	tear_down(&c);
}

static void test_services(void **state)
{
	static const struct {
		const char *question;
		uint32_t meter;
		enum tally_outcome outcome;
	} cases[] = {
		{ "web.svc.test. A", METER, OUTCOME_ANSWER },
		{ "_web._tcp.svc.test. SRV", METER, OUTCOME_ANSWER },
		{ "i1.web.svc.test. A", METER, OUTCOME_ANSWER },
		{ "web.svc.test. AAAA", METER, OUTCOME_OTHER },
		{ "none.svc.test. A", METER + 1, OUTCOME_EMPTY },
		{ "_none._tcp.svc.test. SRV", METER + 1, OUTCOME_EMPTY },
	};
	struct counting c = { 0 };

	(void)state;
	set_up(&c);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint64_t before = tallies_service(
		    c.tallies, cases[i].meter, cases[i].outcome);

		ask(&c, cases[i].question, VIA_UDP);
		if (tallies_service(c.tallies, cases[i].meter,
		        cases[i].outcome) != before + 1)
			fail_msg("%s", cases[i].question);
	}
	assert_int_equal(tallies_service(c.tallies, 0, OUTCOME_ANSWER), 0);
	tear_down(&c);
}

/* Octets that are no request are counted, by nothing that they say. */
static void test_nonsense(void **state)
{
	static uint8_t response[WORLD_UDP_MAX + RESPOND_SLACK];
	struct counting c = { 0 };

	(void)state;
	set_up(&c);
	ask(&c, "web.svc.test. SRV", VIA_UDP);
	for (size_t len = 0; len < 64; len++) {
		uint8_t msg[64];
		struct message m = { msg, len, response, 0, NULL };

		memset(msg, 0x2f, sizeof(msg));
		msg[2] = 0;
		reclaim_in(c.world->reader);
		handle_batch(c.world->handler, &m, 1, VIA_UDP);
		reclaim_out(c.world->reader);
	}
	assert_int_equal(tallies_request(c.tallies, ZONE, SRV, VIA_UDP), 1);
	assert_int_equal(
	    tallies_request(c.tallies, TALLY_OUTSIDE, 0, VIA_UDP), 64);
	tear_down(&c);
}

static void test_names(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 256; i++)
		assert_true(tally_type_number[i] < TALLY_TYPES);
	for (unsigned i = 0; i < TALLY_TYPES; i++)
		assert_non_null(tally_type_name(i));
	for (enum tally_feature f = 0; f < FEATURES; f++)
		assert_non_null(tally_feature_name(f));
	assert_string_equal(
	    tally_type_name(tally_type_number[TYPE_HTTPS]), "HTTPS");
	assert_string_equal(tally_type_name(tally_type_number[52]), "TLSA");
}

int main(void)
{
	static bool screened[] = { false, true };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(test_zones_and_types, &screened[0]),
		cmocka_unit_test_prestate(test_zones_and_types, &screened[1]),
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
