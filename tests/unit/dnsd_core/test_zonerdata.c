// SPDX-License-Identifier: BSD-2-Clause
/*
 * RDATA of every type whose fields a table says, at its bounds and one beyond;
 * SVCB as in RFC 9460 appendix D. What BIND, NSD and Knot make of the same
 * lines is asked by tests/differential/rdata.
 */
#include "dnsd/message/data/zone_image.h"
#include "dnsd/zonefile/zonefile.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define APEX "$ORIGIN t.\n$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns.example.\n"
#define FOO                                                                    \
	"03666f6f07657861"                                                     \
	"6d706c6503636f6d00"

/* clang-format off */
static const struct {
	const char *line; /* of owner x */
	const char *want; /* RDATA in hexadecimal; or a part of the error */
} cases[] = {
	/* RFC 9460 appendix D.1 */
	{ "HTTPS 0 foo.example.com.", "0000" FOO },
	{ "SVCB 1 .", "000100" },
	{ "SVCB 16 foo.example.com. port=53", "0010" FOO "000300020035" },
	{ "SVCB 1 foo.example.com. key667=hello",
	    "0001" FOO "029b000568656c6c6f" },
	{ "SVCB 1 foo.example.com. key667=\"hello\\210qoo\"",
	    "0001" FOO "029b000968656c6c6fd2716f6f" },
	{ "SVCB 1 foo.example.com. ( ipv6hint=\"2001:db8::1,2001:db8::53:1\" )",
	    "0001" FOO "00060020" "20010db8000000000000000000000001"
	    "20010db8000000000000000000530001" },
	{ "SVCB 1 example.com. ( ipv6hint=\"2001:db8:122:344::192.0.2.33\" )",
	    "0001076578616d706c6503636f6d00" "00060010"
	    "20010db8012203440000" "0000c0000221" },
	{ "SVCB 16 foo.example.org. ( alpn=h2,h3-19 mandatory=ipv4hint,alpn\n"
	  " ipv4hint=192.0.2.1 )",
	    "001003666f6f076578616d706c65036f726700" "0000000400010004"
	    "000100090268320568332d3139" "00040004c0000201" },
	{ "SVCB 16 foo.example.org. alpn=\"f\\\\\\\\oo\\\\,bar,h2\"",
	    "001003666f6f076578616d706c65036f726700"
	    "0001000c08665c6f6f2c626172026832" },
	{ "SVCB 16 foo.example.org. alpn=f\\\\\\092oo\\092,bar,h2",
	    "001003666f6f076578616d706c65036f726700"
	    "0001000c08665c6f6f2c626172026832" },
	/* D.2 */
	{ "SVCB 1 . key123=abc key123=def", "expected each parameter once" },
	{ "SVCB 1 . mandatory", "for 'mandatory', expected" },
	{ "SVCB 1 . alpn", "for 'alpn', expected" },
	{ "SVCB 1 . port", "for 'port', expected a number" },
	{ "SVCB 1 . ipv4hint", "for 'ipv4hint', expected IPv4 addresses" },
	{ "SVCB 1 . ipv6hint", "for 'ipv6hint', expected IPv6 addresses" },
	{ "SVCB 1 . no-default-alpn=abc", "expected no value" },
	{ "SVCB 1 . mandatory=key123", "that are no SVCB data" },
	{ "SVCB 1 . mandatory=mandatory", "expected different keys" },
	{ "SVCB 1 . mandatory=key123,key123 key123=abc",
	    "expected different keys" },
	/* and more of it */
	{ "HTTPS 1 . alpn=\"h2,h3\"", "000100" "00010006026832026833" },
	{ "HTTPS 1 . port=\"8\" alpn=\"h2\"",
	    "000100" "00010003026832" "000300020008" },
	{ "HTTPS 1 . key65500=\"he llo\"", "000100" "ffdc0006" "6865206c6c6f" },
	{ "HTTPS 1 . alpn=h1\\\\,h2", "000100" "000100060568312c6832" },
	{ "HTTPS 1 . alpn=h2,,h3", "names of 1..255 octets" },
	{ "HTTPS 1 . alpn=h2,", "names of 1..255 octets" },
	{ "HTTPS 1 . ech=AEk=", "000100" "000500020049" },
	{ "HTTPS 1 . ech=AEk", "expected base 64" },
	{ "HTTPS 1 . port=65535", "000100" "00030002ffff" },
	{ "HTTPS 1 . port=65536", "found '65536' for 'port'" },
	{ "HTTPS 65535 .", "ffff00" },
	{ "HTTPS 65536 .", "found '65536', expected a number from 0 to 65535" },
	{ "HTTPS 1 . key3=\\000\\008", "000100" "000300020008" },
	{ "HTTPS 1 . key3=abc", "that are no HTTPS data" },
	{ "HTTPS 1 . key0=\\000\\001", "that are no HTTPS data" },
	{ "HTTPS 1 . key65534=", "000100" "fffe0000" },
	{ "HTTPS 1 . key65535=", "000100" "ffff0000" },
	{ "HTTPS 1 . key65536=", "found 'key65536', expected a parameter" },
	{ "HTTPS 1 . key007=x", "found 'key007', expected a parameter" },
	{ "HTTPS 1 . apln=h2", "found 'apln', expected a parameter" },
	{ "HTTPS 1 . \"alpn=h2\"", "found 'alpn=h2', expected a parameter" },
	{ "HTTPS \\# 9 00010000030002" "1f90", "000100" "000300021f90" },
	{ "HTTPS \\# 5 0001000003", "found 5 octets that are no HTTPS data" },
	{ "HTTPS \\# 14 000100" "000100030268" "32" "00010000",
	    "no HTTPS data" },
	/* numbers */
	{ "NAPTR 65535 65535 \"\" \"\" \"\" .", "ffffffff" "00000000" },
	{ "NAPTR 65536 1 \"\" \"\" \"\" .", "from 0 to 65535" },
	{ "TLSA 255 255 255 00", "ffffff00" },
	{ "TLSA 256 1 1 00", "from 0 to 255" },
	{ "TLSA 3 1 1 abc", "found 3 hexadecimal digits" },
	{ "TLSA 3 1 1 ab cd", "030101abcd" },
	{ "TLSA 3 1 1", "found 3 words of data, expected at least 4" },
	{ "SMIMEA 3 1 1 abc", "found 3 hexadecimal digits" },
	{ "SSHFP 4 2 012", "found 3 hexadecimal digits" },
	{ "DS 65535 255 255 00", "ffffffff00" },
	{ "DS 1 256 1 00", "from 0 to 255" },
	{ "DS 1 ECDSAP256SHA256 255 00", "00010dff00" },
	{ "DS 1 8 2 abcd", "found a digest of 2 octets, expected 32" },
	{ "CDS 0 0 0 00", "0000000000" },
	{ "NSEC3PARAM 1 0 65535 -", "0100ffff00" },
	{ "NSEC3PARAM 1 0 65536 -", "from 0 to 65535" },
	{ "NSEC3PARAM 1 0 1 abc", "expected a salt" },
	{ "DNSKEY 65535 255 RSASHA256 AQ==", "ffffff0801" },
	{ "DNSKEY 65536 3 8 AQ==", "from 0 to 65535" },
	{ "DNSKEY 1 3 8 AQ", "found 2 digits of base 64" },
	{ "DNSKEY 1 3 8 A===", "expected base 64" },
	{ "CSYNC 4294967295 65535 A", "ffffffffffff" "000140" },
	{ "CSYNC 4294967296 1 A", "from 0 to 4294967295" },
	{ "CSYNC 1 1 FOO", "found 'FOO', expected a type of record" },
	{ "NSEC z A NS TYPE1234", "017a0174" "00" "000160" "041b"
	    "00000000000000000000000000" "00000000000000000000000000" "20" },
	{ "ZONEMD 4294967296 1 1 00", "from 0 to 4294967295" },
	{ "URI 10 1 ftp://a", "000a00016674703a2f2f61" },
	{ "URI 10 1 \"\"", "000a0001" },
	{ "URI 65536 1 a", "from 0 to 65535" },
	{ "CAA 0 issue letsencrypt.org",
	    "0005" "6973737565" "6c657473656e63727970742e6f7267" },
	{ "CAA 0 issue \"a\\3\"", "expected \\ with a character or with" },
	{ "CAA 255 issue \"\"", "ff05" "6973737565" },
	{ "CAA 256 issue x", "from 0 to 255" },
	{ "CAA 0 iss-ue x", "found 'iss-ue', expected a tag" },
	{ "CAA 0 issue a b", "found 4 words of data, expected 3" },
	{ "CAA \\# 1 00", "no CAA data" },
	{ "KX 65536 a", "from 0 to 65535" },
	{ "AFSDB 65536 a", "from 0 to 65535" },
	{ "PX 65536 a b", "from 0 to 65535" },
	{ "LP 65536 a", "from 0 to 65535" },
	{ "NSAP-PTR foo", "03666f6f017400" },
	{ "HINFO a b", "01610162" },
	{ "HINFO a", "found 1 words of data, expected 2" },
	{ "IPSECKEY 10 3 2 gw AQ==", "0a0302" "026777017400" "01" },
	{ "IPSECKEY 10 1 2 192.0.2.1 AQ==", "0a0102" "c0000201" "01" },
	{ "IPSECKEY 10 2 2 ::1 AQ==",
	    "0a0202" "00000000000000000000000000000001" "01" },
	{ "IPSECKEY 10 0 0 .", "0a0000" },
	{ "IPSECKEY 10 0 0 gw", "expected '.'" },
	{ "IPSECKEY 10 4 2 . AQ==", "found kind 4 of a gateway" },
	{ "IPSECKEY 256 1 2 192.0.2.1 AQ==", "from 0 to 255" },
	/* what ldns reads */
	{ "RRSIG A 8 1 300 20300101000000 20200101000000 65536 t. AQ==",
	    "from 0 to 65535" },
	{ "RRSIG A 256 1 300 20300101000000 20200101000000 1 t. AQ==",
	    "from 0 to 255" },
	{ "RRSIG FOO 8 1 300 20300101000000 20200101000000 1 t. AQ==",
	    "found 'FOO', expected a type" },
	{ "NSEC3 1 0 65536 ab 2t7b4g4vsa5smi47k61mv5bv1a22bojr A",
	    "from 0 to 65535" },
	{ "NSEC3 1 0 1 ab 2t7b4g4vsa5smi47k61mv5bv1a22bojr A FOO",
	    "found 'FOO', expected a type" },
	{ "CERT 65536 1 1 AQ==", "from 0 to 65535" },
	{ "APL 1:192.168.0.0/32", "000120" "02c0a8" },
	{ "APL 1:192.168.0.0/33", "APL data" },
	{ "LOC 10 N 180 E 0m", "00" "121613" "822551" "00" "a69fb200" "00989680" },
	{ "LOC 10 N 181 E 0m", "LOC data" },
	{ "LOC 91 N 1 E 0m", "LOC data" },
	{ "LOC 10 60 N 1 E 0m", "found '60', expected minutes" },
};
/* clang-format on */

/* RDATA of the first record of x.t that is of the type; NULL: none. */
static char *show(const struct zonefile *z)
{
	struct dname n;
	struct rr rr;

	assert_true(dname_from_text(&n, "x.t"));
	dname_hash(&n, 1);
	const struct node *node =
	    zone_image_find(z->image, n.suffix_hash[n.label_n], n.lower, n.len);
	assert_non_null(node);
	const struct rrset *s = node_first(node);
	(void)rr_read(s, s->records, &rr);
	char *out = xstrdup("");
	for (unsigned i = 0; i < rr.rdata_len; i++) {
		char *more = xasprintf("%s%02x", out, rr.rdata[i]);

		free(out);
		out = more;
	}
	return out;
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		scoped_free char *text =
		    xasprintf(APEX "x %s\n ", cases[i].line);
		struct zonefile z;
		struct diag diag = { "" };
		int error = zonefile_read(
		    "t.zone", text, strlen(text) - 1, 1, &z, &diag);
		scoped_free char *got = error ? xstrdup(diag.text) : show(&z);

		if (error ? !strstr(got, cases[i].want)
		          : strcmp(got, cases[i].want) != 0) {
			fail_msg("%s: '%s', expected '%s'", cases[i].line, got,
			    cases[i].want);
		}
		zonefile_release(&z);
	}
}

/* Each text is short enough; it is the record that is not. */
static void test_too_large(void **state)
{
	enum { TEXTS = 300, EACH = 250, WORD = EACH + 3 };
	char *text = xmalloc(sizeof(APEX) + (size_t)TEXTS * WORD + 64);
	char *p = stpcpy(text, APEX "x TXT");
	struct zonefile z;
	struct diag diag = { "" };

	(void)state;
	for (int i = 0; i < TEXTS; i++) {
		p = stpcpy(p, " \"");
		memset(p, 'a', EACH);
		p = stpcpy(p + EACH, "\"");
	}
	*p++ = '\n';
	assert_int_not_equal(
	    zonefile_read("t.zone", text, (size_t)(p - text), 1, &z, &diag), 0);
	assert_non_null(strstr(diag.text,
	    "found more than 65535 octets of data, expected a record that"));
	zonefile_release(&z);
	free(text);
}

/* As many as a set may have; in pairs they were compared for seconds. */
static void test_many_of_one_name(void **state)
{
	enum { N = 65535, LINE = 40 };
	char *text = xmalloc(sizeof(APEX) + (size_t)N * LINE);
	char *p = stpcpy(text, APEX);
	struct zonefile z;
	struct diag diag = { "" };

	(void)state;
	for (int i = 0; i < N; i++)
		p += snprintf(p, LINE, "x A 10.1.%d.%d\n", i >> 8, i & 255);
	clock_t start = clock();

	if (zonefile_read("t.zone", text, (size_t)(p - text), 1, &z, &diag))
		fail_msg("%s", diag.text);
	assert_in_range(clock() - start, 0, 3 * CLOCKS_PER_SEC);
	assert_in_range(z.image->rr_n, N, N + 10);
	zonefile_release(&z);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_many_of_one_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
