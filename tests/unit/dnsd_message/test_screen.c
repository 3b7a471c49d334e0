// SPDX-License-Identifier: BSD-2-Clause
/*
 * What requests get that are screened: cookies, networks, limits. Time is
 * what the test says.
 */
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

#define CLIENT "2464c4abcf10c957"
#define MADE "010000005cf79f111f8130c3eee29480" /* for 198.51.100.100 */
#define FORGED "010000005cf79f111f8130c3eee29481"

enum { NOW_S = 1559731985 };

static const char zone_text[] = "zone svc.test\n"
                                "record *.wild 60 A 192.0.2.98\n"
                                "record *.to 60 CNAME web\n"
                                "record sub 60 NS ns.elsewhere.\n"
                                "service web port 80\n"
                                "instance i1 192.0.2.1\n"
                                "service other port 80\n"
                                "instance i1 192.0.2.2\n";

static struct world *world_guarded(enum cookie_mode mode)
{
	static const uint8_t secret[SIPHASH_KEY_LEN] = { 0xe5, 0xe9, 0x73, 0xe5,
		0xa6, 0xb2, 0xa4, 0x3f, 0x48, 0xe7, 0xdc, 0x84, 0x9e, 0x37,
		0xbf, 0xcf };
	struct world *w = world_new(zone_text);

	w->peer.ipv4.sin_addr.s_addr = htonl(0xc6336464);
	w->handler->screen.now_wall_s = NOW_S;
	w->policy.cookies = mode;
	w->policy.secrets.n = 1;
	memcpy(w->policy.secrets.key[0], secret, sizeof(secret));
	w->policy.prefixes = (struct network_prefixes){ 24, 56 };
	return w;
}

/* As ask_text(), but nothing may come: "-". The caller frees. */
static char *ask_any(struct world *w, const char *text)
{
	char name[ASK_NAME_MAX];
	uint8_t msg[ASK_MAX];
	struct ask a;

	ask_parse(&a, name, text);
	world_handle(w, msg, ask_build(&a, msg), a.via);
	if (!w->response_len)
		return xstrdup("-");
	return reply_text(w->response, w->response_len);
}

/* ---- cookies ---------------------------------------------------------- */

static const struct {
	const char *why;
	enum cookie_mode mode;
	const char *question, *want; /* how the response begins, and ends */
	const char *opt;
} cookies[] = {
	{ "a client without", COOKIES_REQUIRE, "web.svc.test A edns=1232",
	    "NOERROR aa\nan ", "opt 1232\n" },
	{ "a new client", COOKIES_ON, "web.svc.test A cookie=" CLIENT,
	    "NOERROR aa\nan ", "opt 1232 option10=24\n" },
	{ "a known one", COOKIES_REQUIRE, "web.svc.test A cookie=" CLIENT MADE,
	    "NOERROR aa\nan ", "opt 1232 option10=24\n" },
	{ "a forged one, where they are not required", COOKIES_ON,
	    "web.svc.test A cookie=" CLIENT FORGED, "NOERROR aa\nan ",
	    "opt 1232 option10=24\n" },
	{ "a forged one, where they are", COOKIES_REQUIRE,
	    "web.svc.test A cookie=" CLIENT FORGED, "BADCOOKIE\nopt ",
	    "opt 1232 option10=24\n" },
	{ "a new client, where they are", COOKIES_REQUIRE,
	    "web.svc.test A cookie=" CLIENT, "BADCOOKIE\nopt ",
	    "opt 1232 option10=24\n" },
	{ "over TCP, which is as good", COOKIES_REQUIRE,
	    "web.svc.test A tcp cookie=" CLIENT, "NOERROR aa\nan ",
	    "opt 1232 option10=24\n" },
	{ "seven octets", COOKIES_ON, "web.svc.test A cookie=01020304050607",
	    "FORMERR\nopt ", "opt 1232\n" },
	{ "seven octets that nobody looks at", COOKIES_OFF,
	    "web.svc.test A cookie=01020304050607", "NOERROR aa\nan ",
	    "opt 1232\n" },
	{ "off", COOKIES_OFF, "web.svc.test A cookie=" CLIENT,
	    "NOERROR aa\nan ", "opt 1232\n" },
	{ "other errors have it, too", COOKIES_ON,
	    "svc.test TYPE41 cookie=" CLIENT, "FORMERR\nopt ",
	    "opt 1232 option10=24\n" },
	{ "another version has no options", COOKIES_ON,
	    "web.svc.test A version=1 cookie=" CLIENT, "BADVERS\nopt ",
	    "opt 1232\n" },
	{ "with all the others", COOKIES_ON,
	    "web.svc.test A tls padding keepalive nsid do cookie=" CLIENT,
	    "NOERROR aa\nan ",
	    "opt 1232 do option10=24 nsid=host.test keepalive=0 padding=360\n" },
};

static void test_cookies(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cookies) / sizeof(*cookies); i++) {
		struct world *w = world_guarded(cookies[i].mode);
		scoped_free char *text = ask_text(w, cookies[i].question);
		const char *opt = strstr(text, "opt ");

		if (strncmp(text, cookies[i].want, strlen(cookies[i].want)) !=
		        0 ||
		    !opt || strcmp(opt, cookies[i].opt) != 0)
			fail_msg("%s: %s", cookies[i].why, text);
		world_free(w);
	}
}

/* RFC 7873 section 5.4: a cookie, and no question. */
#define BARE(len, data) "\0\1\0\0\0\0\0\0\0\0\0\1\0\0\51\4\320\0\0\0\0" len data
#define L(s) (s), sizeof(s) - 1

static const struct {
	const char *why;
	enum cookie_mode mode;
	const char *msg;
	size_t len;
	const char *want;
} bare[] = {
	{ "client cookie", COOKIES_ON, L(BARE("\0\14", "\0\12\0\10abcdefgh")),
	    "NOERROR no-question\nopt 1232 option10=24\n" },
	{ "a bad server cookie", COOKIES_ON,
	    L(BARE("\0\24", "\0\12\0\20abcdefghabcdefgh")),
	    "BADCOOKIE no-question\nopt 1232 option10=24\n" },
	{ "required", COOKIES_REQUIRE, L(BARE("\0\14", "\0\12\0\10abcdefgh")),
	    "NOERROR no-question\nopt 1232 option10=24\n" },
	{ "malformed", COOKIES_ON, L(BARE("\0\5", "\0\12\0\1a")),
	    "FORMERR no-question\nopt 1232\n" },
	{ "off", COOKIES_OFF, L(BARE("\0\14", "\0\12\0\10abcdefgh")),
	    "FORMERR no-question\nopt 1232\n" },
	{ "no cookie", COOKIES_ON, L(BARE("\0\0", "")),
	    "FORMERR no-question\nopt 1232\n" },
	{ "the first of two counts", COOKIES_ON,
	    L(BARE("\0\21", "\0\12\0\10abcdefgh\0\12\0\1x")),
	    "NOERROR no-question\nopt 1232 option10=24\n" },
};

static void test_bare(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bare) / sizeof(*bare); i++) {
		struct world *w = world_guarded(bare[i].mode);

		world_handle(
		    w, (const uint8_t *)bare[i].msg, bare[i].len, VIA_UDP);
		scoped_free char *text =
		    reply_text(w->response, w->response_len);
		if (strcmp(text, bare[i].want) != 0)
			fail_msg("%s: %s", bare[i].why, text);
		world_free(w);
	}
}

/* ---- networks --------------------------------------------------------- */

static void test_networks(void **state)
{
	static const char *const elsewhere[] = { "192.0.2.0/24" };
	static const uint8_t notify[] = "\0\1\44\0\0\0\0\0\0\0\0\0";
	struct world *w = world_guarded(COOKIES_ON);
	struct networks *allowed = networks_new(elsewhere, 1);

	(void)state;
	w->policy.allowed = allowed;
	w->policy.watches = true;
	scoped_free char *refused = ask_any(w, "web.svc.test A edns=1232");
	assert_string_equal(refused, "REFUSED\nopt 1232 option15=2\n");
	scoped_free char *plain = ask_any(w, "web.svc.test A tcp");
	assert_string_equal(plain, "REFUSED\n");
	world_handle(w, notify, sizeof(notify) - 1, VIA_UDP);
	scoped_free char *other = reply_text(w->response, w->response_len);
	assert_string_equal(other, "NOTIMP no-question\n");
	w->policy.drops = true;
	scoped_free char *dropped = ask_any(w, "web.svc.test A edns=1232");
	assert_string_equal(dropped, "-");
	assert_false(screen_welcomes(&w->handler->screen, &w->peer.any));
	assert_int_equal(stats_get(&w->handler->stats, STAT_DENIED), 4);
	w->peer.ipv4.sin_addr.s_addr = htonl(0xc0000201);
	assert_true(screen_welcomes(&w->handler->screen, &w->peer.any));
	scoped_free char *answered = ask_any(w, "web.svc.test A edns=1232");
	assert_non_null(strstr(answered, "an web.svc.test."));
	networks_free(allowed);
	world_free(w);
}

/* ---- limits ----------------------------------------------------------- */

/* What each of a number of like questions got: . answer, T TC, - nothing. */
static void ask_often(
    struct world *w, const char *question, unsigned n, char *ret_got)
{
	for (unsigned i = 0; i < n; i++) {
		scoped_free char *text = ask_any(w, question);

		ret_got[i] = '.';
		if (*text == '-')
			ret_got[i] = '-';
		if (strstr(text, " tc"))
			ret_got[i] = 'T';
	}
	ret_got[n] = '\0';
}

enum { OFTEN = 10 };

static const struct {
	const char *why, *question;
	unsigned slip, leak;
	const char *got;
} responses[] = {
	{ "three, then every other one TC", "web.svc.test A", 2, 0,
	    "...-T-T-T-" },
	{ "no slip", "web.svc.test A", 0, 0, "...-------" },
	{ "all slip", "web.svc.test A", 1, 0, "...TTTTTTT" },
	{ "a third leaks", "web.svc.test A", 0, 3, "...--.--.-" },
	{ "both", "web.svc.test A", 2, 3, "...-T.T-.-" },
	{ "NXDOMAIN", "no.svc.test A", 2, 0, "...-T-T-T-" },
	{ "NODATA", "web.svc.test MX", 2, 0, "...-T-T-T-" },
	{ "a referral", "x.sub.svc.test A", 2, 0, "...-T-T-T-" },
	{ "errors slip as they are", "example.com A", 2, 0, "...-.-.-.-" },
	{ "other errors, too", "svc.test A version=1", 2, 0, "...-.-.-.-" },
	{ "TCP is not limited", "web.svc.test A tcp", 2, 0, ".........." },
	{ "nor a good cookie", "web.svc.test A cookie=" CLIENT MADE, 2, 0,
	    ".........." },
	{ "a forged one is nothing", "web.svc.test A cookie=" CLIENT FORGED, 2,
	    0, "...-T-T-T-" },
};

static void limit_responses(struct world *w, unsigned slip, unsigned leak)
{
	for (unsigned i = 0; i < RESPONSE_CLASSES; i++)
		w->policy.responses[i] = (struct limit_rule){ 3, 3, 15 };
	w->policy.slip = slip;
	w->policy.leak = leak;
	w->policy.watches = true;
}

static void test_responses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(responses) / sizeof(*responses); i++) {
		struct world *w = world_guarded(COOKIES_ON);
		char got[OFTEN + 1];

		limit_responses(w, responses[i].slip, responses[i].leak);
		ask_often(w, responses[i].question, OFTEN, got);
		if (strcmp(got, responses[i].got) != 0)
			fail_msg("%s: %s", responses[i].why, got);
		world_free(w);
	}
}

static const struct {
	const char *why, *first, *second;
	bool alike;
} pairs[] = {
	{ "made-up names below a zone", "a.svc.test A", "b.svc.test A", true },
	{ "those of a wildcard", "a.wild.svc.test A", "b.wild.svc.test A",
	    true },
	{ "those of an alias by wildcard", "a.to.svc.test A", "b.to.svc.test A",
	    true },
	{ "below a delegation", "a.sub.svc.test A", "b.sub.svc.test A", true },
	{ "all errors", "example.com A", "svc.test TYPE41", true },
	{ "case", "web.svc.test A", "WEB.svc.test A", true },
	{ "two services", "web.svc.test A", "other.svc.test A", false },
	{ "an answer and its absence", "web.svc.test A", "web.svc.test MX",
	    false },
};

static void test_alike(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		struct world *w = world_guarded(COOKIES_ON);
		char got[OFTEN + 1];

		limit_responses(w, 0, 0);
		ask_often(w, pairs[i].first, OFTEN, got);
		assert_string_equal(got, "...-------");
		ask_often(w, pairs[i].second, 1, got);
		if ((*got == '-') != pairs[i].alike)
			fail_msg("%s: %s", pairs[i].why, got);
		/* another network is not concerned */
		w->peer.ipv4.sin_addr.s_addr = htonl(0xc6336501);
		ask_often(w, pairs[i].first, 1, got);
		assert_string_equal(got, ".");
		/* and time heals */
		w->peer.ipv4.sin_addr.s_addr = htonl(0xc6336401);
		w->handler->screen.now_mono_ms += 16000;
		ask_often(w, pairs[i].first, 1, got);
		assert_string_equal(got, ".");
		world_free(w);
	}
}

/* A short way for those that no limit is for; cookies are for them, too. */
static void test_unwatched(void **state)
{
	static const char *const here[] = { "198.51.100.0/24" };
	struct world *w = world_guarded(COOKIES_ON);
	struct networks *n = networks_new(here, 1);
	char got[OFTEN + 1];

	(void)state;
	limit_responses(w, 2, 0);
	w->policy.unwatched = n;
	for (unsigned i = 0; i < RESPONSE_CLASSES; i++)
		w->policy.spared[i] = n;
	ask_often(w, "web.svc.test A", OFTEN, got);
	assert_string_equal(got, "..........");
	ask_often(w, "nope.svc.test A", OFTEN, got);
	assert_string_equal(got, "..........");
	scoped_free char *text = ask_any(w, "web.svc.test A cookie=" CLIENT);
	assert_non_null(strstr(text, "option10=24"));
	w->peer.ipv4.sin_addr.s_addr = htonl(0xc6336501);
	ask_often(w, "web.svc.test A", OFTEN, got);
	assert_string_equal(got, "...-T-T-T-");
	scoped_free char *tcp = ask_any(w, "web.svc.test A tcp");
	assert_non_null(strstr(tcp, "NOERROR"));
	networks_free(n);
	world_free(w);
}

/* Queries that may be forged, verified ones, and who is exempt. */
static void test_queries(void **state)
{
	static const char *const here[] = { "198.51.100.0/24" };
	struct world *w = world_guarded(COOKIES_ON);
	struct networks *exempt = networks_new(here, 1);
	char got[OFTEN + 1];

	(void)state;
	w->policy.queries = (struct limit_rule){ 2, 4, 0 };
	w->policy.slip = 2;
	w->policy.watches = true;
	ask_often(w, "web.svc.test A", OFTEN, got);
	assert_string_equal(got, "....-T-T-T");
	ask_often(w, "other.svc.test AAAA", 2, got);
	assert_string_equal(got, "-T"); /* whatever is asked */
	ask_often(w, "web.svc.test A cookie=" CLIENT MADE, OFTEN, got);
	assert_string_equal(got, "....------");
	scoped_free char *told = ask_any(w, "web.svc.test A tcp edns=1232");
	assert_string_equal(told, "REFUSED\nopt 1232 option15=2\n");
	assert_int_equal(
	    stats_get(&w->handler->stats, STAT_QUERIES_LIMITED), 15);
	w->handler->screen.now_mono_ms += 500;
	ask_often(w, "web.svc.test A", 2, got);
	assert_string_equal(got, ".-");
	/* what is malformed counts, and gets no TC that leads nowhere */
	static const uint8_t notify[] = "\0\1\44\0\0\0\0\0\0\0\0\0";
	for (unsigned i = 0; i < 4; i++) {
		world_handle(w, notify, sizeof(notify) - 1, VIA_UDP);
		assert_int_equal(w->response_len, 0);
	}
	w->policy.slip = 0;
	ask_often(w, "web.svc.test A", 4, got);
	assert_string_equal(got, "----");
	w->policy.slip = 2;
	w->policy.exempt = exempt;
	ask_often(w, "web.svc.test A", OFTEN, got);
	assert_string_equal(got, "..........");
	networks_free(exempt);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cookies),
		cmocka_unit_test(test_bare),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_responses),
		cmocka_unit_test(test_alike),
		cmocka_unit_test(test_unwatched),
		cmocka_unit_test(test_queries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
