// SPDX-License-Identifier: BSD-2-Clause
/*
 * Rows that break the rules, and keys of which a bit was flipped: whatever is
 * not read as it was is told, so that nobody takes it for gone.
 */
#include "tests/unit/schema/support.h"

#include <errno.h>
#include <fcntl.h>

enum { SERVICES = 30, INSTANCES = 3 };

/* What a visitor was told of s00, s01 ... */
struct seen {
	int n[SERVICES]; /* instances; -1: `done` did not come */
	bool broken[SERVICES];
	char text[1024]; /* all that was broken */
	int at;          /* -1: another service */
};

static int number(const char *service)
{
	int n = -1;

	// NOLINTBEGIN(cert-err34-c): two digits at most
	if (service[0] != 's' || strlen(service) != 3 ||
	    sscanf(service + 1, "%2d", &n) != 1 || n >= SERVICES)
		return -1;
	// NOLINTEND(cert-err34-c)
	return n;
}

static void on_service(void *arg, const struct service_row *row)
{
	struct seen *s = arg;

	s->at = number(row->name);
	if (s->at >= 0)
		s->n[s->at] = 0;
}

static void on_instance(void *arg, const struct instance_row *row)
{
	struct seen *s = arg;

	(void)row;
	if (s->at >= 0)
		s->n[s->at]++;
}

static void on_done(void *arg)
{
	struct seen *s = arg;

	s->at = -1;
}

static void on_broken(void *arg, const char *zone, const char *service,
    const char *instance, const char *why)
{
	struct seen *s = arg;
	size_t len = strlen(s->text);
	int n = number(service);

	(void)zone;
	(void)why;
	if (n >= 0)
		s->broken[n] = true;
	(void)snprintf(s->text + len, sizeof(s->text) - len, "%s%s%s ", service,
	    instance ? "/" : "", instance ? instance : "");
}

static int read_all(struct fx *f, unsigned limit, struct seen *ret_s)
{
	const struct registry_visitor v = { on_service, on_instance, on_done,
		ret_s, on_broken };
	struct registry_key after = { 0 };
	unsigned n = 0, pages = 0;
	int error;

	*ret_s = (struct seen){ .at = -1 };
	for (int i = 0; i < SERVICES; i++)
		ret_s->n[i] = -1;
	if (registry_open(f->path, REGISTRY_READ, &f->r, &f->err) < 0)
		return -EUCLEAN;
	do {
		error =
		    registry_read_page(f->r, &after, limit, &v, &n, &f->err);
		assert_true(++pages < 100); /* it comes to an end */
	} while (error == 0 && n);
	registry_close(f->r);
	f->r = NULL;
	return error;
}

static void fill(struct fx *f)
{
	registry_close(fx_open(f, REGISTRY_WRITE));
	fx_sql(f,
	    "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n "
	    "WHERE i < 29) INSERT INTO service (name) "
	    "SELECT printf('s%02d', i) FROM n;"
	    "INSERT INTO instance (service, name, address) SELECT name, k, "
	    "'192.0.2.1' FROM service, (SELECT 'a' AS k UNION SELECT 'b' "
	    "UNION SELECT 'c');");
}

#define NO_RULES "PRAGMA ignore_check_constraints = ON;"

static void rows_that_break_rules(void **state)
{
	static const struct {
		const char *sql, *text;
		int n; /* instances of s07 */
	} cases[] = {
		{ "UPDATE instance SET health = 'odd' WHERE service = 's07' "
		  "AND name = 'b'",
		    "s07/b ", 2 },
		{ "UPDATE instance SET mode = 'odd' WHERE service = 's07'",
		    "s07/a s07/b s07/c ", 0 },
		{ "UPDATE service SET on_empty = 'odd' WHERE name = 's07'",
		    "s07 ", -1 },
	};
	struct fx *f = *state;
	struct seen s = { 0 };

	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		char sql[256];

		fill(f);
		(void)snprintf(sql, sizeof(sql), NO_RULES "%s", cases[k].sql);
		fx_sql(f, sql);
		fx_ok(f, read_all(f, 7, &s));
		assert_string_equal(s.text, cases[k].text);
		for (int i = 0; i < SERVICES; i++)
			assert_int_equal(s.n[i], i == 7 ? cases[k].n : 3);
		fx_remove(f);
	}
}

static void who_does_not_ask_gets_an_error(void **state)
{
	struct fx *f = *state;
	struct seen s = { .at = -1 };
	const struct registry_visitor v = { .service = on_service,
		.instance = on_instance,
		.done = on_done,
		.arg = &s };

	fill(f);
	fx_sql(f, NO_RULES "UPDATE instance SET health = 'odd' "
	                   "WHERE service = 's07' AND name = 'b'");
	f->r = fx_open(f, REGISTRY_READ);
	assert_int_equal(
	    registry_read_service(f->r, Z, "s07", &v, &f->err), -EUCLEAN);
	assert_non_null(strstr(f->err.text, "s07/b"));
	fx_ok(f, registry_read_service(f->r, Z, "s08", &v, &f->err));
}

/* Where these octets, which stand there once, are in the file. */
static off_t find(const struct fx *f, const char *text)
{
	static char octets[1 << 20];
	FILE *in = fopen(f->path, "r");
	size_t n = fread(octets, 1, sizeof(octets), in);
	const char *at = memmem(octets, n, text, strlen(text));

	(void)fclose(in);
	assert_non_null(at);
	assert_null(
	    memmem(at + 1, n - (size_t)(at + 1 - octets), text, strlen(text)));
	return at - octets;
}

static void flip(const struct fx *f, off_t at, unsigned bit)
{
	unsigned char octet;
	int fd = open(f->path, O_RDWR | O_CLOEXEC);

	assert_int_equal(pread(fd, &octet, 1, at), 1);
	octet ^= (unsigned char)(1u << bit);
	assert_int_equal(pwrite(fd, &octet, 1, at), 1);
	close(fd);
}

/* No service is read with fewer instances, or not at all, without a word. */
// NOLINTNEXTLINE(readability-function-size): one course of events
static void each_bit(struct fx *f, off_t from, off_t len, unsigned limit)
{
	for (off_t at = from; at < from + len; at++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			struct seen s = { 0 };

			flip(f, at, bit);
			int error = read_all(f, limit, &s);
			flip(f, at, bit);
			if (error < 0)
				continue;
			for (int i = 0; i < SERVICES; i++) {
				if (s.n[i] == INSTANCES || s.broken[i])
					continue;
				fail_msg(
				    "page %u, octet %d, bit %u: s%02d has %d "
				    "instances; broken: %s",
				    limit, (int)(at - from), bit, i, s.n[i],
				    s.text);
			}
		}
	}
}

static void a_flipped_bit_in_a_key(void **state)
{
	struct fx *f = *state;
	struct seen s = { 0 };

	fill(f);
	fx_sql(f, "PRAGMA wal_checkpoint(TRUNCATE)");
	fx_ok(f, read_all(f, 1000, &s));
	assert_string_equal(s.text, "");
	off_t instance = find(f, Z "s15b192.0.2.1");
	off_t service = find(f, Z "s15tcpnodata");
	off_t len = (off_t)strlen(Z "s15b");

	each_bit(f, instance, len, 1000);
	each_bit(f, service, len - 1, 1000);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fx_setup, fx_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(rows_that_break_rules),
		TEST(who_does_not_ask_gets_an_error),
		TEST(a_flipped_bit_in_a_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
