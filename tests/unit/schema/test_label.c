// SPDX-License-Identifier: BSD-2-Clause
/*
 * The rules are written twice, in C and in SQL: over many texts near their
 * borders both say the same, and inet_pton() takes what they accept.
 */
#include "schema/base/rng.h"
#include "schema/label.h"
#include "tests/unit/schema/support.h"

#include <arpa/inet.h>

#define SERVICE "INSERT INTO service (name) VALUES ('web');"
#define A63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A62 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A57 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

struct judge {
	sqlite3 *db;
	sqlite3_stmt *st;
};

static void judge_open(struct judge *j, struct fx *f, const char *sql)
{
	assert_int_equal(sqlite3_open(f->path, &j->db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(
	        j->db, "PRAGMA temp_store = MEMORY; BEGIN;" SERVICE, 0, 0, 0),
	    SQLITE_OK);
	assert_int_equal(
	    sqlite3_prepare_v2(j->db, sql, -1, &j->st, NULL), SQLITE_OK);
}

static bool judge_accepts(struct judge *j, const char *text)
{
	assert_int_equal(sqlite3_exec(j->db, "SAVEPOINT s", 0, 0, 0), 0);
	sqlite3_bind_text(j->st, 1, text, -1, SQLITE_STATIC);
	int rc = sqlite3_step(j->st);
	assert_true(rc == SQLITE_DONE || rc == SQLITE_CONSTRAINT);
	sqlite3_reset(j->st);
	assert_int_equal(sqlite3_exec(j->db, "ROLLBACK TO s", 0, 0, 0), 0);
	return rc == SQLITE_DONE;
}

static void judge_close(struct judge *j)
{
	sqlite3_finalize(j->st);
	sqlite3_close(j->db);
}

static const char *const addresses[] = { "0.0.0.0", "255.255.255.255",
	"10.20.30.40", "1.2.3", "1.2.3.4.5", "1.2.3.4.", ".1.2.3.4", "1..3.4",
	"01.2.3.4", "1.2.3.04", "1.2.3.00", "256.1.1.1", "1.1.1.256",
	"1.300.1.1", "1.1.260.1", "1000.1.1.1", "1.1.1.0001", "0x1.2.3.4",
	"1.2.3.4 ", " 1.2.3.4", "+1.2.3.4", "-1.2.3.4", "1.2.3.a", "1e1.2.3.4",
	"", ".", "...", "1", "16909060", "::", "::1", "1::", "fe80::1",
	"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
	"1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1::3:4:5:6:7:8",
	"1:2:3:4::5:6:7:8", "1:2:3::4::5", ":1:2:3:4:5:6:7", ":1",
	"1:", "1:2:3:4:5:6:7:", ":::", "1:::2",
	":1::", "::1:", "12345::", "g::", "FE80::1", "::ffff:10.0.0.1",
	"::1%eth0", "[::1]", ":",
	"::1::", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "::1:2:3:4:5:6:7",
	"0001:0002:0003:0004:0005:0006:0007:0008",
	"00001::", "1:2:3:4:5:6:::", "fe80::1/64", "localhost", "1.2.3.4:80" };

static bool any_address(const char *s)
{
	return label_is_ipv4(s) || label_is_ipv6(s);
}

static void check_address(struct judge *j, const char *s)
{
	unsigned char raw[16];
	bool accepted = judge_accepts(j, s);

	if (accepted != any_address(s)) {
		fail_msg(
		    "'%s': SQL says %d, C %d", s, accepted, any_address(s));
	}
	if (accepted &&
	    inet_pton(strchr(s, ':') ? AF_INET6 : AF_INET, s, raw) != 1)
		fail_msg("'%s' accepted, not by inet_pton", s);
}

/* One to three random edits of a text, with letters that matter to it. */
static void mutate(struct rng *rng, char *s, size_t room, const char *letters)
{
	for (uint32_t n = rng_below(rng, 3) + 1; n; n--) {
		size_t len = strlen(s);
		size_t at = rng_below(rng, (uint32_t)len + 1);
		char c = letters[rng_below(rng, (uint32_t)strlen(letters))];

		switch (rng_below(rng, 3)) {
		case 0:
			if (at < len)
				s[at] = c;
			break;
		case 1:
			if (at < len)
				memmove(s + at, s + at + 1, len - at);
			break;
		default:
			if (len + 2 < room) {
				memmove(s + at + 1, s + at, len - at + 1);
				s[at] = c;
			}
		}
	}
}

static void addresses_agree(void **state)
{
	static const size_t n = sizeof(addresses) / sizeof(*addresses);
	struct fx *f = *state;
	struct judge j;
	struct rng rng;
	unsigned accepted = 0;

	rng_seed_fixed(&rng, 1);
	f->r = fx_open(f, REGISTRY_WRITE);
	judge_open(&j, f,
	    "INSERT INTO instance (service, name, address) "
	    "VALUES ('web', 'i', ?)");
	for (size_t i = 0; i < n; i++)
		check_address(&j, addresses[i]);
	for (int i = 0; i < 6000; i++) {
		char s[64];

		(void)snprintf(s, sizeof(s), "%s",
		    addresses[rng_below(&rng, (uint32_t)n)]);
		mutate(&rng, s, sizeof(s), "0123456789.:afg ");
		check_address(&j, s);
		accepted += any_address(s);
	}
	assert_true(accepted > 600); /* both sides of the border were seen */
	judge_close(&j);
}

static void second_addresses_agree(void **state)
{
	static const size_t n = sizeof(addresses) / sizeof(*addresses);
	struct fx *f = *state;
	struct judge j;
	struct rng rng;

	rng_seed_fixed(&rng, 2);
	f->r = fx_open(f, REGISTRY_WRITE);
	judge_open(&j, f,
	    "INSERT INTO instance (service, name, address, address6) "
	    "VALUES ('web', 'i', '10.0.0.1', ?)");
	for (int i = 0; i < 3000; i++) {
		char s[64];

		(void)snprintf(s, sizeof(s), "%s",
		    addresses[rng_below(&rng, (uint32_t)n)]);
		if (i >= 300)
			mutate(&rng, s, sizeof(s), "0123456789.:afg ");
		if (judge_accepts(&j, s) != label_is_ipv6(s))
			fail_msg("'%s'", s);
	}
	judge_close(&j);
}

static bool is_locality(const char *s)
{
	return label_is_valid(s, LABEL_MAX);
}

static bool is_protocol(const char *s)
{
	return label_is_service(s) && strlen(s) <= 15;
}

static void names_agree(void **state)
{
	static const struct {
		const char *sql;
		bool (*rule)(const char *);
	} rules[] = {
		{ "INSERT INTO service (name) VALUES (?)", label_is_service },
		{ "INSERT INTO service (name, zone) VALUES ('x', ?)",
		    label_is_zone },
		{ "INSERT INTO service (name, protocol) VALUES ('x', ?)",
		    is_protocol },
		{ "INSERT INTO instance (service, name, address) "
		  "VALUES ('web', ?, '::1')",
		    label_is_instance },
		{ "INSERT INTO instance (service, name, address, locality) "
		  "VALUES ('web', 'i', '::1', ?)",
		    is_locality },
	};
	static const char *const seeds[] = { "", "a", "web-1", "tag", "zone",
		"a.b", "svc.internal", A62, A63, A63 "a", A63 "." A57,
		"a." A62 "." A57, "0.a-b.c" };
	struct fx *f = *state;
	struct rng rng;

	rng_seed_fixed(&rng, 3);
	f->r = fx_open(f, REGISTRY_WRITE);
	for (size_t k = 0; k < sizeof(rules) / sizeof(*rules); k++) {
		struct judge j;

		judge_open(&j, f, rules[k].sql);
		for (int i = 0; i < 1200; i++) {
			char s[192];

			(void)snprintf(s, sizeof(s), "%s",
			    seeds[rng_below(
			        &rng, sizeof(seeds) / sizeof(*seeds))]);
			if (i >= 200)
				mutate(&rng, s, sizeof(s), "az09--..A_ ");
			if (judge_accepts(&j, s) != rules[k].rule(s))
				fail_msg("%s: '%s'", rules[k].sql, s);
		}
		judge_close(&j);
	}
}

static void tags_agree(void **state)
{
	static const char *const texts[] = { "", "a", "V2.1", "a b", "a=b",
		"urlprefix-/api?x=\"y\"", "back\\slash", "\xc3\xa4",
		"\xf0\x9f\x98\x80", "a\nb", "\t", "a\x7f", "a\x1f", "\x01",
		"\xc2\x80", "x\xc2\x9fy", "\xc2\xa0", "\xe2\x80\xa8" };
	struct fx *f = *state;
	struct judge j;
	char longest[TAG_MAX + 2];

	f->r = fx_open(f, REGISTRY_WRITE);
	judge_open(&j, f,
	    "INSERT INTO service (name, tags) VALUES ('x', json_array(?))");
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (judge_accepts(&j, texts[i]) != label_is_tag(texts[i]))
			fail_msg("row %zu: '%s'", i, texts[i]);
	}
	memset(longest, 'x', sizeof(longest));
	longest[TAG_MAX + 1] = '\0';
	assert_false(label_is_tag(longest));
	assert_false(judge_accepts(&j, longest));
	longest[TAG_MAX] = '\0';
	assert_true(label_is_tag(longest));
	assert_true(judge_accepts(&j, longest));
	judge_close(&j);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fx_setup, fx_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(addresses_agree),
		TEST(second_addresses_agree),
		TEST(names_agree),
		TEST(tags_agree),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
