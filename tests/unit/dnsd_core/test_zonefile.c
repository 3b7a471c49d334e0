// SPDX-License-Identifier: BSD-2-Clause
/*
 * Master files: what is read from them, and what is said of wrong ones.
 */
#include "dnsd/message/data/zone_image.h"
#include "dnsd/zonefile/zonefile.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { SEED = 42 };

struct directory {
	char path[64];
	int fd;
};

static void write_octets(
    const struct directory *d, const char *name, const void *octets, size_t len)
{
	scoped_free char *path = xasprintf("%s/%s", d->path, name);
	scoped_file FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(octets, 1, len, f), len);
}

static void write_file(
    const struct directory *d, const char *name, const char *text)
{
	write_octets(d, name, text, strlen(text));
}

static int set_up(void **state)
{
	struct directory *d = xcalloc(1, sizeof(*d));

	(void)snprintf(d->path, sizeof(d->path), "/tmp/test-zonefile-XXXXXX");
	if (!mkdtemp(d->path))
		return -1;
	d->fd = open(d->path, O_RDONLY | O_DIRECTORY);
	*state = d;
	return d->fd < 0;
}

static int tear_down(void **state)
{
	struct directory *d = *state;
	scoped_free char *command = xasprintf("rm -r '%s'", d->path);

	close(d->fd);
	int error = system(command); // NOLINT(cert-env33-c): of our own making
	free(d);
	return error;
}

#define APEX "$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns.example.\n"

/* ---- errors ----------------------------------------------------------- */

/* clang-format off */
static const struct {
	const char *why, *text, *want;
} wrong[] = {
	{ "nothing", "; nothing\n", "a.test.zone:1: found no records" },
	{ "no SOA", "$TTL 60\n@ NS ns\n", "found no SOA record of 'a.test.'" },
	{ "no NS", "$TTL 60\n@ SOA ns h 1 2 3 4 5\n",
	    "found no NS record of 'a.test.'" },
	{ "two SOA", APEX "@ SOA ns h 2 2 3 4 5\n",
	    "a.test.zone:4: found a second record of type SOA" },
	{ "an address", APEX "\n\nx A 1.2.3.400\n",
	    "a.test.zone:6: found '1.2.3.400', expected an IPv4 address" },
	{ "the line of an entry over several", APEX "x MX (\n 10\n )\n",
	    "a.test.zone:4: found 1 words of data, expected 2 for MX" },
	{ "a type", APEX "x B 1\n",
	    "a.test.zone:4: found 'B', expected a type of record" },
	{ "a question's type", APEX "x AXFR\n", "expected a type of record" },
	{ "no type", APEX "x 60 IN\n", "expected a type" },
	{ "class", APEX "x CH A 1.2.3.4\n", "found class CH, expected IN" },
	{ "parenthesis open", APEX "x A (1.2.3.4\n",
	    "a.test.zone:4: found the end of the file, expected ')'" },
	{ "parenthesis closed", APEX "x A 1.2.3.4)\n", "found ')'" },
	{ "quotes", APEX "x TXT \"abc\n", "expected '\"'" },
	{ "CNAME and other data", APEX "x A 1.2.3.4\ny A 1.2.3.4\nx CNAME y\n",
	    "a.test.zone:4: found CNAME and other data at one name" },
	{ "two CNAME", APEX "x CNAME y\nx CNAME z\n",
	    "found a second record of type CNAME" },
	{ "two DNAME", APEX "x DNAME y\nx DNAME z\n",
	    "found a second record of type DNAME" },
	{ "SOA below the apex", APEX "x SOA a b 1 2 3 4 5\n",
	    "a.test.zone:4: found SOA below the apex" },
	{ "a delegation that is a DNAME", APEX "x NS y\nx DNAME z\n",
	    "a.test.zone:5: found DNAME beside NS below the apex" },
	{ "a label of 64 octets", APEX
	    "0123456789012345678901234567890123456789012345678901234567890123"
	    " A 1.2.3.4\n", "expected a domain name" },
	{ "empty label", APEX "x..y A 1.2.3.4\n", "expected a domain name" },
	{ "bad escape", APEX "x\\999 A 1.2.3.4\n", "expected a domain name" },
	{ "no TTL yet", "@ NS ns\n", "found no TTL" },
	{ "TTL beyond 32 bits", APEX "x 4294967296 A 1.2.3.4\n",
	    "found TTL 4294967296, expected at most 4294967295" },
	{ "no owner", " SOA ns h 1 2 3 4 5\n", "expected the name" },
	{ "directive", APEX "$NOPE 1-2 x A 1.2.3.4\n",
	    "found '$NOPE', expected $ORIGIN, $TTL, $INCLUDE or $GENERATE" },
	{ "$GENERATE without data", APEX "$GENERATE 1-2 x A\n",
	    "a.test.zone:4: found 4 words, expected $GENERATE RANGE" },
	{ "or without type", APEX "$GENERATE 1-2 x 60 IN\n",
	    "found 5 words, expected $GENERATE RANGE" },
	{ "its range", APEX "\n$GENERATE 2-1 x A 1.2.3.4\n",
	    "a.test.zone:5: found '2-1', expected a range" },
	{ "its TTL", APEX "$GENERATE 1-2 x 4294967296 A 1.2.3.4\n",
	    "a.test.zone:4: found TTL 4294967296" },
	{ "a record that it makes", APEX "$GENERATE 255-256 x A 1.2.3.$\n",
	    "a.test.zone:4: found '1.2.3.256', expected an IPv4 address" },
	{ "no record", APEX "$GENERATE 1-2 \";\" A 1.2.3.4\n",
	    "a.test.zone:4: found an empty record" },
	{ "quotes that it makes", APEX "$GENERATE 1-2 x TXT \"\\\"\"\n",
	    "a.test.zone:4: found the end of the line, expected '\"'" },
	{ "a line that ends in a backslash", APEX "x A 1.2.3.4\\\n",
	    "a.test.zone:4: found '1.2.3.4\\', expected an IPv4" },
	{ "in quotes too", APEX "x TXT \"a\\\nb\"\n",
	    "a.test.zone:4: found the end of the line" },
	{ "ldns refuses", APEX "x X25\n", "a.test.zone:4: found 'X25'" },
	{ "generic: too few octets", APEX "x TYPE999 \\# 3 0102\n",
	    "found 2 octets in hexadecimal, expected 3" },
	{ "generic: too many", APEX "x TYPE999 \\# 1 0102\n",
	    "found 2 octets in hexadecimal, expected 1" },
	{ "generic, but not of that type", APEX "x A \\# 3 010203\n",
	    "found 3 octets that are no A data" },
	{ "generic SVCB without name", APEX "x TYPE64 \\# 2 0102\n",
	    "a.test.zone:4" },
	{ "include that is not there", APEX "$INCLUDE nope\n",
	    "a.test.zone:4: cannot open 'nope'" },
	{ "include from outside", APEX "$INCLUDE /etc/passwd\n",
	    "a.test.zone:4: '/etc/passwd' leads out of the directory" },
	{ "include from above", APEX "$INCLUDE ../x\n",
	    "a.test.zone:4: '../x' leads out of the directory" },
	{ "include of itself", APEX "$INCLUDE a.test.zone\n",
	    "expected at most 10" },
	{ "error in an include", APEX "$INCLUDE inc\n",
	    "inc:2: found 'x', expected an IPv4 address" },
};
/* clang-format on */

static void test_errors(void **state)
{
	const struct directory *d = *state;

	write_file(d, "inc", "; one\nx A x\n");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct zonefile z;
		struct diag diag = { "" };

		write_file(d, "a.test.zone", wrong[i].text);
		int error =
		    zonefile_load(d->fd, "a.test.zone", SEED, &z, &diag);
		if (!error || !strstr(diag.text, wrong[i].want)) {
			fail_msg("%s: '%s', expected '%s'", wrong[i].why,
			    diag.text, wrong[i].want);
		}
		assert_null(z.image);
		assert_true(z.stamps.n > 0);
		zonefile_release(&z);
	}
}

/* ---- records ---------------------------------------------------------- */

/* RDATA of the first record in hexadecimal, with TTL and count. */
static char *show(const struct zonefile *z, const char *name, uint16_t type)
{
	struct dname n;
	struct rr rr;

	assert_true(dname_from_text(&n, name));
	dname_hash(&n, SEED);
	const struct node *node =
	    zone_image_find(z->image, n.suffix_hash[n.label_n], n.lower, n.len);
	if (!node)
		return xstrdup("no node");
	const struct rrset *s = node_rrset(node, type);
	if (!s)
		return xstrdup("no set");
	(void)rr_read(s, s->records, &rr);
	char *out = xasprintf("%u %u ", s->ttl_s, s->rr_n);
	for (unsigned i = 0; i < rr.rdata_len; i++) {
		char *more = xasprintf("%s%02x", out, rr.rdata[i]);

		free(out);
		out = more;
	}
	return out;
}

static const char good[] = "$TTL 1h\n"
                           "@ IN SOA ns1 host.master ( 10 ; serial\n"
                           "\t1h 10m 1w1d 60 )\n"
                           "  NS ns1 ; the owner is the same\n"
                           "\n"
                           "ns1 60 IN A 192.0.2.1\n"
                           "ns1 IN 30 A 192.0.2.2\n"
                           "ns1 A 192.0.2.1 ; is there already\n"
                           "six AAAA 2001:db8::1\n"
                           "txt TXT \"a b\" c \"\\\"\\065;\"\n"
                           "mx MX 10 MAIL\n"
                           "srv SRV 1 2 3 x.example.\n"
                           "es\\.c A 192.0.2.3\n"
                           "caa CAA 0 issue \"x\"\n"
                           "svc HTTPS 1 . alpn=h2\n"
                           "gen TYPE65280 \\# 3 01 0203\n"
                           "a TYPE1 \\# 4 0a000001\n"
                           "$ORIGIN sub\n"
                           "@ A 192.0.2.4\n"
                           "x A 192.0.2.5\n"
                           "$INCLUDE inc other.a.test.\n"
                           "y A 192.0.2.6\n"
                           "$TTL 5\n"
                           "z A 192.0.2.7\n"
                           "deep.er.than TXT x\n"
                           "$GENERATE 1-2 g$ 7 A 10.0.0.$\n"
                           "  TXT \"the last one\"\n"
                           "$GENERATE 1-1 q$ MX \"10 q$\"\n";

/* clang-format off */
static const struct {
	const char *name;
	uint16_t type;
	const char *want;
} records[] = {
	{ "a.test", TYPE_SOA, "3600 1 036e7331016104746573740004686f7374066d6173"
	    "746572016104746573740000" "00000a" "00000e10" "00000258" "000a8c00"
	    "0000003c" },
	{ "a.test", TYPE_NS, "3600 1 036e733101610474657374" "00" },
	{ "ns1.a.test", TYPE_A, "30 2 c0000201" },
	{ "six.a.test", TYPE_AAAA, "3600 1 20010db8000000000000000000000001" },
	{ "txt.a.test", TYPE_TXT, "3600 1 03612062" "0163" "0322413b" },
	{ "mx.a.test", TYPE_MX, "3600 1 000a044d41494c01610474657374" "00" },
	{ "srv.a.test", TYPE_SRV, "3600 1 000100020003017807" "6578616d706c65"
	    "00" },
	{ "es\\.c.a.test", TYPE_A, "3600 1 c0000203" },
	{ "caa.a.test", 257, "3600 1 0005697373756578" },
	{ "svc.a.test", TYPE_HTTPS, "3600 1 0001000001000302" "6832" },
	{ "gen.a.test", 65280, "3600 1 010203" },
	{ "a.a.test", TYPE_A, "3600 1 0a000001" },
	{ "sub.a.test", TYPE_A, "3600 1 c0000204" },
	{ "x.sub.a.test", TYPE_A, "3600 1 c0000205" },
	{ "inc.other.a.test", TYPE_A, "3600 1 c0000208" },
	{ "x.sub.a.test", TYPE_TXT, "3600 1 0169" }, /* its owner goes along */
	{ "y.sub.a.test", TYPE_A, "3600 1 c0000206" },
	{ "z.sub.a.test", TYPE_A, "5 1 c0000207" },
	{ "er.than.sub.a.test", TYPE_A, "no set" }, /* empty non-terminal */
	{ "than.sub.a.test", TYPE_A, "no set" },
	{ "g1.sub.a.test", TYPE_A, "7 1 0a000001" },
	{ "g2.sub.a.test", TYPE_A, "7 1 0a000002" },
	{ "g2.sub.a.test", TYPE_TXT, "5 1 0c746865206c617374206f6e65" },
	{ "q1.sub.a.test", TYPE_MX,
	    "5 1 000a0271310373756201610474657374" "00" },
	{ "nope.a.test", TYPE_A, "no node" },
};
/* clang-format on */

static void test_records(void **state)
{
	const struct directory *d = *state;
	struct zonefile z;
	struct diag diag;

	write_file(d, "a.test.zone", good);
	write_file(d, "inc", "  TXT i\ninc A 192.0.2.8\n");
	if (zonefile_load(d->fd, "a.test.zone", SEED, &z, &diag) < 0)
		fail_msg("%s", diag.text);
	for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++) {
		scoped_free char *got =
		    show(&z, records[i].name, records[i].type);

		if (strcmp(got, records[i].want) != 0) {
			fail_msg("%s: '%s', expected '%s'", records[i].name,
			    got, records[i].want);
		}
	}
	assert_int_equal(z.image->serial, 10);
	assert_int_equal(z.image->negative_ttl_s, 60);
	assert_int_equal(z.stamps.n, 2);
	zonefile_release(&z);
}

/* Which zone it is: the SOA's owner, or as the file is called. */
static void test_apex(void **state)
{
	static const struct {
		const char *file, *text, *apex;
	} cases[] = {
		{ "B.Test.zone", APEX, "b.test." },
		{ "x.zone", "$ORIGIN c.test.\n" APEX, "c.test." },
		{ "d.test.zone", "$TTL 5\n@ NS x\n@ SOA ns h 1 2 3 4 5\n",
		    "d.test." },
		{ "r.zone", "$ORIGIN .\n" APEX, "." },
	};
	const struct directory *d = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[DNAME_TEXT_MAX];
		struct zonefile z;
		struct diag diag;

		write_file(d, cases[i].file, cases[i].text);
		if (zonefile_load(d->fd, cases[i].file, SEED, &z, &diag) < 0)
			fail_msg("%s", diag.text);
		dname_to_text(z.apex.lower, text);
		assert_string_equal(text, cases[i].apex);
		zonefile_release(&z);
	}
}

/* Octets that are no text, with a NUL where it would be the end of one. */
static void test_binary(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *want;
	} cases[] = {
		{ "\0", 1, "a.test.zone:1: found a NUL octet" },
		{ "\n\nx\0y A 1.2.3.4\n", 16, "a.test.zone:3: found a NUL" },
		{ "\nx TXT \"a\0b\"\n", 13, "a.test.zone:2: found a NUL" },
		{ "\nx TXT \"a\\\0b\"\n", 14, "a.test.zone:2: found a NUL" },
		{ "x A 1.2.3.4\\\0\n", 14, "a.test.zone:1: found a NUL" },
		{ "\x7f\x45\x4c\x46\x02 \xff\n", 8, "a.test.zone:1: " },
	};
	const struct directory *d = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct zonefile z;
		struct diag diag;

		write_octets(d, "a.test.zone", cases[i].text, cases[i].len);
		assert_true(
		    zonefile_load(d->fd, "a.test.zone", SEED, &z, &diag) < 0);
		if (!strstr(diag.text, cases[i].want))
			fail_msg("'%s', '%s'", diag.text, cases[i].want);
		zonefile_release(&z);
	}
}

/* Included files may be links, to files of the directory alone. */
static void test_links(void **state)
{
	static const struct {
		const char *to, *want; /* NULL: it is read */
	} cases[] = {
		{ "real", NULL }, { "./real", NULL }, { "link2", NULL },
		{ "/etc/hostname", "a.test.zone:4: " },
		{ "../../etc/hostname", "a.test.zone:4: " },
		{ "/proc/self/fd/0", "a.test.zone:4: " },
		{ "link", "a.test.zone:4: " }, /* itself */
	};
	const struct directory *d = *state;

	write_file(d, "a.test.zone", APEX "$INCLUDE link\n");
	write_file(d, "real", "x A 192.0.2.1\n");
	assert_int_equal(symlinkat("real", d->fd, "link2"), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct zonefile z;
		struct diag diag = { 0 };

		(void)unlinkat(d->fd, "link", 0);
		assert_int_equal(symlinkat(cases[i].to, d->fd, "link"), 0);
		int error =
		    zonefile_load(d->fd, "a.test.zone", SEED, &z, &diag);
		if (cases[i].want ? !strstr(diag.text, cases[i].want) : error) {
			fail_msg(
			    "to %s: %d '%s'", cases[i].to, error, diag.text);
		}
		assert_int_equal(error < 0, cases[i].want != NULL);
		zonefile_release(&z);
	}
}

static void test_stale(void **state)
{
	const struct directory *d = *state;
	struct zonefile z;
	struct diag diag;

	write_file(d, "a.test.zone", APEX "$INCLUDE inc\n");
	(void)unlinkat(d->fd, "inc", 0);
	assert_true(zonefile_load(d->fd, "a.test.zone", SEED, &z, &diag) < 0);
	assert_false(stamps_are_stale(d->fd, &z.stamps));
	write_file(d, "inc", "x A 192.0.2.1\n"); /* what it waited for */
	assert_true(stamps_are_stale(d->fd, &z.stamps));
	zonefile_release(&z);

	assert_int_equal(
	    zonefile_load(d->fd, "a.test.zone", SEED, &z, &diag), 0);
	assert_false(stamps_are_stale(d->fd, &z.stamps));
	write_file(d, "inc", "x A 192.0.2.100\n");
	assert_true(stamps_are_stale(d->fd, &z.stamps));
	zonefile_release(&z);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_apex),
		cmocka_unit_test(test_binary),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_stale),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
