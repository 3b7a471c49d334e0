// SPDX-License-Identifier: BSD-2-Clause
/*
 * Static zones: cuts, DNAME, aliases, wildcards, and the name space that they
 * share with services. Each row is asked through the whole path.
 */
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "tests/support/ask.h"
#include "tests/support/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char world[] =
    "zone a.test negative 2\n"
    "record www 60 CNAME web\n"
    "record web 60 A 192.0.2.1\n"
    "record two 60 CNAME www\n"
    "record loop1 60 CNAME loop2\n"
    "record loop2 60 CNAME loop1\n"
    "record gone 60 CNAME nope\n"
    "record out 60 CNAME x.example.\n"
    "record cross 60 CNAME host.b.test.\n"
    "record tosub 60 CNAME x.sub\n"
    "record toservice 60 CNAME shop.svc.test.\n"
    "record *.wild 60 A 192.0.2.2\n"
    "record x.*.wild 60 A 192.0.2.3\n"
    "record there.wild 60 TXT \"t\"\n"
    "record b.ent.wild 60 A 192.0.2.4\n"
    "record *.alias 60 CNAME web\n"
    "record sub 60 NS ns.sub\n"
    "record sub 60 NS ns.sister\n"
    "record sub 60 NS ns.b.test.\n"
    "record sub 60 DS 1 8 1 0000000000000000000000000000000000000000\n"
    "record ns.sub 60 A 192.0.2.5\n"
    "record below.sub 60 A 192.0.2.6\n"
    "record cut.sub 60 NS ns.example.\n"
    "record sister 60 NS ns.sister\n"
    "record ns.sister 60 A 192.0.2.7\n"
    "record d 60 DNAME target\n"
    "record d 60 TXT \"own\"\n"
    "record hidden.d 60 A 192.0.2.8\n"
    "record x.target 60 A 192.0.2.9\n"
    "record al.target 60 CNAME x.d\n"
    "record back.target 60 CNAME d\n"
    "record grow 60 DNAME "
    "x0123456789012345678901234567890123456789.grow\n"
    "record mx 60 MX 10 web\n"
    "record mx 60 MX 20 web\n"
    "record mx 60 MX 30 any.wild\n"
    "record mx 60 MX 40 below.sub\n"
    "record svcb 60 HTTPS 1 . alpn=h2\n"
    "record svcb 60 A 192.0.2.10\n"
    "record again 60 MX 1 web\n"
    "record again 30 MX 1 WEB\n"
    "record again 90 MX 1 web\n"
    "record againtxt 60 TXT \"a\"\n"
    "record againtxt 60 TXT \"A\"\n"
    "zone b.test\n"
    "record host 60 A 192.0.2.20\n"
    "zone sub.b.test\n"
    "zone svc.test ttl 5 negative 2\n"
    "service web\n"
    "instance i1 192.0.2.31\n"
    "service shop\n"
    "instance i1 192.0.2.32\n"
    "service off\n"
    "instance i1 192.0.2.33\n"
    "service gone\n"
    "instance i1 192.0.2.34\n"
    "record web 60 TXT \"static\"\n"
    "record shop 60 AAAA 2001:db8::1\n"
    "record off.cut 60 A 192.0.2.99\n"
    "record off 60 NS ns.example.\n"
    "record gone 60 DNAME web\n"
    "record *.svc.test. 60 MX 10 mail.example.\n"
    "record alias 60 CNAME web\n"
    "record *.shop 60 TXT \"wild\"\n"
    "record mail 60 MX 10 shop\n"
    "record mail 60 MX 20 i1.web\n"
    "record mail 60 MX 30 shop\n"
    "record mail 60 MX 40 off\n"
    "record mail 60 MX 50 i1.gone\n"
    "record mail 60 MX 60 nope\n"
    "record mail 60 MX 70 _tcp\n"
    "record mail 60 MX 80 alias\n"
    "record _s._udp 60 SRV 1 2 3 many\n"
    "record delegated 60 NS ns.delegated\n"
    "record delegated 60 NS i1.web\n"
    "record ns.delegated 60 A 192.0.2.60\n"
    "service many max 2\n"
    "instance m1 192.0.2.41 six 2001:db8::41\n"
    "instance m2 192.0.2.41\n"
    "instance m3 192.0.2.41\n"
    "instance m4 192.0.2.41 health critical\n";

#define SOA                                                                    \
	"ns a.test. 2 SOA ns1.a.test. hostmaster.a.test. 7 3600 600 86400 2\n"
#define SVC_SOA                                                                \
	"ns svc.test. 2 SOA ns1.svc.test. hostmaster.svc.test. 7 3600 600 "    \
	"86400 2\n"
#define NODATA "NOERROR aa\n" SOA
#define NXDOMAIN "NXDOMAIN aa\n" SOA
#define REFERRAL                                                               \
	"ns sub.a.test. 60 NS ns.b.test.\n"                                    \
	"ns sub.a.test. 60 NS ns.sister.a.test.\n"                             \
	"ns sub.a.test. 60 NS ns.sub.a.test.\n"                                \
	"ar ns.sister.a.test. 60 A 192.0.2.7\n"                                \
	"ar ns.sub.a.test. 60 A 192.0.2.5\n"

/* clang-format off */
static const struct {
	const char *why, *question, *want;
} cases[] = {
	/* CNAME */
	{ "an alias is followed", "www.a.test A",
	    "NOERROR aa\nan web.a.test. 60 A 192.0.2.1\n"
	    "an www.a.test. 60 CNAME web.a.test.\n" },
	{ "twice", "two.a.test A",
	    "NOERROR aa\nan two.a.test. 60 CNAME www.a.test.\n"
	    "an web.a.test. 60 A 192.0.2.1\n"
	    "an www.a.test. 60 CNAME web.a.test.\n" },
	{ "not when it is asked for", "two.a.test CNAME",
	    "NOERROR aa\nan two.a.test. 60 CNAME www.a.test.\n" },
	{ "nor with ANY", "www.a.test ANY",
	    "NOERROR aa\nan www.a.test. 60 CNAME web.a.test.\n" },
	{ "NODATA of the last target", "www.a.test MX",
	    "NOERROR aa\nan www.a.test. 60 CNAME web.a.test.\n" SOA },
	{ "NXDOMAIN of the last target", "gone.a.test A",
	    "NXDOMAIN aa\nan gone.a.test. 60 CNAME nope.a.test.\n" SOA },
	{ "a loop ends, each record once", "loop1.a.test A",
	    "NOERROR aa\nan loop1.a.test. 60 CNAME loop2.a.test.\n"
	    "an loop2.a.test. 60 CNAME loop1.a.test.\n" },
	{ "a name of others", "out.a.test A",
	    "NOERROR aa\nan out.a.test. 60 CNAME x.example.\n" },
	{ "another zone of ours", "cross.a.test A",
	    "NOERROR aa\nan cross.a.test. 60 CNAME host.b.test.\n"
	    "an host.b.test. 60 A 192.0.2.20\n" },
	{ "a referral at the end keeps AA", "tosub.a.test A",
	    "NOERROR aa\nan tosub.a.test. 60 CNAME x.sub.a.test.\n" REFERRAL },
	{ "a service", "toservice.a.test A",
	    "NOERROR aa\nan shop.svc.test. 5 A 192.0.2.32\n"
	    "an toservice.a.test. 60 CNAME shop.svc.test.\n" },
	{ "a service, SRV", "toservice.a.test SRV",
	    "NOERROR aa\nan shop.svc.test. 5 SRV 0 10 0 i1.shop.svc.test.\n"
	    "an toservice.a.test. 60 CNAME shop.svc.test.\n"
	    "ar i1.shop.svc.test. 5 A 192.0.2.32\n" },
	{ "a service without the type", "toservice.a.test TXT",
	    "NOERROR aa\nan toservice.a.test. 60 CNAME shop.svc.test.\n"
	    SVC_SOA },
	/* wildcards, RFC 4592 */
	{ "wildcard", "x.wild.a.test A",
	    "NOERROR aa\nan x.wild.a.test. 60 A 192.0.2.2\n" },
	{ "several labels", "y.x.wild.a.test A",
	    "NOERROR aa\nan y.x.wild.a.test. 60 A 192.0.2.2\n" },
	{ "NODATA", "x.wild.a.test TXT", NODATA },
	{ "the asterisk itself", "*.wild.a.test A",
	    "NOERROR aa\nan *.wild.a.test. 60 A 192.0.2.2\n" },
	{ "not below a name that is there", "x.there.wild.a.test A",
	    NXDOMAIN },
	{ "a name that is there without the type", "there.wild.a.test A",
	    NODATA },
	{ "not at an empty non-terminal", "ent.wild.a.test A", NODATA },
	{ "nor below it", "x.ent.wild.a.test A", NXDOMAIN },
	{ "an asterisk inside a name", "x.*.wild.a.test A",
	    "NOERROR aa\nan x.*.wild.a.test. 60 A 192.0.2.3\n" },
	{ "below the asterisk", "y.*.wild.a.test A", NXDOMAIN },
	{ "to an alias", "q.alias.a.test A",
	    "NOERROR aa\nan q.alias.a.test. 60 CNAME web.a.test.\n"
	    "an web.a.test. 60 A 192.0.2.1\n" },
	{ "ANY", "q.wild.a.test ANY",
	    "NOERROR aa\nan q.wild.a.test. 3600 HINFO \"RFC8482\" \"\"\n" },
	/* cuts */
	{ "at the cut", "sub.a.test NS", "NOERROR\n" REFERRAL },
	{ "below it", "x.y.sub.a.test A", "NOERROR\n" REFERRAL },
	{ "glue is not data", "ns.sub.a.test A", "NOERROR\n" REFERRAL },
	{ "the first cut wins", "x.cut.sub.a.test A", "NOERROR\n" REFERRAL },
	{ "SOA of the child", "sub.a.test SOA", "NOERROR\n" REFERRAL },
	{ "ANY", "sub.a.test ANY", "NOERROR\n" REFERRAL },
	{ "DS is the parent's", "sub.a.test DS",
	    "NOERROR aa\nan sub.a.test. 60 DS 1 8 1 "
	    "0000000000000000000000000000000000000000\n" },
	{ "no DS", "sister.a.test DS", NODATA },
	{ "DS below the cut", "x.sub.a.test DS", "NOERROR\n" REFERRAL },
	{ "DS of a zone of ours whose parent is ours", "sub.b.test DS",
	    "NXDOMAIN aa\nns b.test. 2 SOA ns1.b.test. hostmaster.b.test. 7 "
	    "3600 600 86400 2\n" },
	{ "DS of a zone whose parent is not", "a.test DS", NODATA },
	/* DNAME */
	{ "below it", "x.d.a.test A",
	    "NOERROR aa\nan d.a.test. 60 DNAME target.a.test.\n"
	    "an x.d.a.test. 60 CNAME x.target.a.test.\n"
	    "an x.target.a.test. 60 A 192.0.2.9\n" },
	{ "the case of the question", "X.D.a.test A",
	    "NOERROR aa\nan D.a.test. 60 DNAME target.a.test.\n"
	    "an X.D.a.test. 60 CNAME X.target.a.test.\n"
	    "an X.target.a.test. 60 A 192.0.2.9\n" },
	{ "its owner", "d.a.test TXT",
	    "NOERROR aa\nan d.a.test. 60 TXT \"own\"\n" },
	{ "itself", "d.a.test DNAME",
	    "NOERROR aa\nan d.a.test. 60 DNAME target.a.test.\n" },
	{ "its owner without the type", "d.a.test A", NODATA },
	{ "hides what lies below it", "hidden.d.a.test A",
	    "NXDOMAIN aa\nan d.a.test. 60 DNAME target.a.test.\n"
	    "an hidden.d.a.test. 60 CNAME hidden.target.a.test.\n" SOA },
	{ "CNAME is asked for", "x.d.a.test CNAME",
	    "NOERROR aa\nan d.a.test. 60 DNAME target.a.test.\n"
	    "an x.d.a.test. 60 CNAME x.target.a.test.\n" },
	{ "the same DNAME again comes once", "al.d.a.test A",
	    "NOERROR aa\nan al.d.a.test. 60 CNAME al.target.a.test.\n"
	    "an al.target.a.test. 60 CNAME x.d.a.test.\n"
	    "an d.a.test. 60 DNAME target.a.test.\n"
	    "an x.d.a.test. 60 CNAME x.target.a.test.\n"
	    "an x.target.a.test. 60 A 192.0.2.9\n" },
	{ "also when it is asked for and leads to itself",
	    "back.d.a.test DNAME",
	    "NOERROR aa\nan back.d.a.test. 60 CNAME back.target.a.test.\n"
	    "an back.target.a.test. 60 CNAME d.a.test.\n"
	    "an d.a.test. 60 DNAME target.a.test.\n" },
	/* what goes along */
	{ "once for each name, not from below a cut", "mx.a.test MX",
	    "NOERROR aa\nan mx.a.test. 60 MX 10 web.a.test.\n"
	    "an mx.a.test. 60 MX 20 web.a.test.\n"
	    "an mx.a.test. 60 MX 30 any.wild.a.test.\n"
	    "an mx.a.test. 60 MX 40 below.sub.a.test.\n"
	    "ar any.wild.a.test. 60 A 192.0.2.2\n"
	    "ar web.a.test. 60 A 192.0.2.1\n" },
	{ "a record that is there again, in any case, is one; the lowest "
	  "TTL holds", "again.a.test MX",
	    "NOERROR aa\nan again.a.test. 30 MX 1 web.a.test.\n"
	    "ar web.a.test. 60 A 192.0.2.1\n" },
	{ "text in another case is another text", "againtxt.a.test TXT",
	    "NOERROR aa\nan againtxt.a.test. 60 TXT \"A\"\n"
	    "an againtxt.a.test. 60 TXT \"a\"\n" },
	{ "the owner of HTTPS", "svcb.a.test TYPE65",
	    "NOERROR aa\nan svcb.a.test. 60 HTTPS 1 . alpn=h2\n"
	    "ar svcb.a.test. 60 A 192.0.2.10\n" },
	{ "addresses of services, once for each, as they are answered",
	    "mail.svc.test MX",
	    "NOERROR aa\nan mail.svc.test. 60 MX 10 shop.svc.test.\n"
	    "an mail.svc.test. 60 MX 20 i1.web.svc.test.\n"
	    "an mail.svc.test. 60 MX 30 shop.svc.test.\n"
	    "an mail.svc.test. 60 MX 40 off.svc.test.\n"
	    "an mail.svc.test. 60 MX 50 i1.gone.svc.test.\n"
	    "an mail.svc.test. 60 MX 60 nope.svc.test.\n"
	    "an mail.svc.test. 60 MX 70 _tcp.svc.test.\n"
	    "an mail.svc.test. 60 MX 80 alias.svc.test.\n"
	    "ar i1.web.svc.test. 5 A 192.0.2.31\n"
	    "ar shop.svc.test. 5 A 192.0.2.32\n"
	    "ar shop.svc.test. 60 AAAA 2001:db8::1\n" },
	{ "a sample, as max_answers says", "_s._udp.svc.test SRV",
	    "NOERROR aa\nan _s._udp.svc.test. 60 SRV 1 2 3 many.svc.test.\n"
	    "ar many.svc.test. 5 A 192.0.2.41\n"
	    "ar many.svc.test. 5 A 192.0.2.41\n"
	    "ar many.svc.test. 5 AAAA 2001:db8::41\n" },
	{ "in a referral, after the glue that is needed",
	    "x.delegated.svc.test A",
	    "NOERROR\nns delegated.svc.test. 60 NS i1.web.svc.test.\n"
	    "ns delegated.svc.test. 60 NS ns.delegated.svc.test.\n"
	    "ar i1.web.svc.test. 5 A 192.0.2.31\n"
	    "ar ns.delegated.svc.test. 60 A 192.0.2.60\n" },
	/* services */
	{ "static type of a service's name", "web.svc.test TXT",
	    "NOERROR aa\nan web.svc.test. 60 TXT \"static\"\n" },
	{ "and the service's", "web.svc.test A",
	    "NOERROR aa\nan web.svc.test. 5 A 192.0.2.31\n" },
	{ "and neither", "web.svc.test MX", "NOERROR aa\n" SVC_SOA },
	{ "its SRV name", "_web._tcp.svc.test SRV",
	    "NOERROR aa\nan _web._tcp.svc.test. 5 SRV 0 10 0 "
	    "i1.web.svc.test.\nar i1.web.svc.test. 5 A 192.0.2.31\n" },
	{ "a static alias to it", "alias.svc.test A",
	    "NOERROR aa\nan alias.svc.test. 60 CNAME web.svc.test.\n"
	    "an web.svc.test. 5 A 192.0.2.31\n" },
	{ "a wildcard where no service is", "x.svc.test MX",
	    "NOERROR aa\nan x.svc.test. 60 MX 10 mail.example.\n" },
	{ "below one the wildcard ends", "x.web.svc.test MX",
	    "NXDOMAIN aa\n" SVC_SOA },
	{ "also below _tcp", "_x._tcp.svc.test MX",
	    "NXDOMAIN aa\n" SVC_SOA },
	{ "a wildcard below a service", "x.shop.svc.test TXT",
	    "NOERROR aa\nan x.shop.svc.test. 60 TXT \"wild\"\n" },
	{ "not for its instances", "i1.shop.svc.test TXT",
	    "NOERROR aa\n" SVC_SOA },
	{ "nor below them", "x.i1.shop.svc.test TXT",
	    "NXDOMAIN aa\n" SVC_SOA },
	{ "a cut hides a service", "off.svc.test A",
	    "NOERROR\nns off.svc.test. 60 NS ns.example.\n" },
	{ "and its instances", "i1.off.svc.test A",
	    "NOERROR\nns off.svc.test. 60 NS ns.example.\n" },
	{ "a DNAME leads to the instances of another", "i1.gone.svc.test A",
	    "NOERROR aa\nan gone.svc.test. 60 DNAME web.svc.test.\n"
	    "an i1.gone.svc.test. 60 CNAME i1.web.svc.test.\n"
	    "an i1.web.svc.test. 5 A 192.0.2.31\n" },
};
/* clang-format on */

static void test_cases(void **state)
{
	struct world *w = world_new(world);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		scoped_free char *got = ask_text(w, cases[i].question);

		if (strcmp(got, cases[i].want) != 0) {
			fail_msg("%s: '%s'\n%s--- expected:\n%s", cases[i].why,
			    cases[i].question, got, cases[i].want);
		}
	}
	world_free(w);
}

/* Aliases: as many as are followed, one more, and loops of every length. */
static void test_aliases(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= ANSWER_ALIASES_MAX + 2; n++) {
		struct world *w = world_new("zone a.test\n");
		struct reply r;

		for (unsigned i = 0; i < n; i++) {
			scoped_free char *text =
			    xasprintf("record c%u 60 CNAME c%u\n"
			              "record l%u 60 CNAME l%u\n",
			        i, i + 1, i, (i + 1) % n);

			world_add(w, text);
		}
		scoped_free char *last =
		    xasprintf("record c%u 60 A 192.0.2.1\n", n);
		world_add(w, last);
		ask_reply(w, &r, "c0.a.test A", 4096, VIA_TCP);
		unsigned cnames =
		    reply_count(&r, REPLY_ANSWER, LDNS_RR_TYPE_CNAME);
		bool all = n <= ANSWER_ALIASES_MAX;
		assert_int_equal(r.rcode, RCODE_NOERROR);
		assert_int_equal(cnames, all ? n : ANSWER_ALIASES_MAX);
		assert_int_equal(
		    reply_count(&r, REPLY_ANSWER, LDNS_RR_TYPE_A), all);
		reply_release(&r);
		/* each alias of a loop once */
		ask_reply(w, &r, "l0.a.test A", 4096, VIA_TCP);
		assert_int_equal(
		    reply_count(&r, REPLY_ANSWER, LDNS_RR_TYPE_CNAME),
		    all ? n : ANSWER_ALIASES_MAX);
		reply_release(&r);
		world_free(w);
	}
}

/*
 * What a DNAME makes is compressed as any CNAME: by what stands in the message
 * already, its labels in the case of the question.
 */
static void test_made_is_compressed(void **state)
{
	enum { POINTER = 2, FIXED = 10 };
	static const struct {
		const char *question;
		size_t name_len, answer_len;
	} made[] = {
		/* DNAME: its name is whole; CNAME: its first labels */
		{ "x.d.a.test CNAME", 12,
		    POINTER + FIXED + 15 + POINTER + FIXED + 9 + POINTER },
		{ "X.D.A.Test A", 12,
		    POINTER + FIXED + 15 + POINTER + FIXED + 9 + POINTER +
		        POINTER + FIXED + 4 },
		/* CNAME, CNAME, DNAME, CNAME: the end of the first one, A */
		{ "al.d.a.test A", 13,
		    POINTER + FIXED + 15 + POINTER + FIXED + 10 + POINTER +
		        POINTER + FIXED + 2 + POINTER + POINTER + FIXED + 2 +
		        POINTER + POINTER + FIXED + 4 },
	};
	struct world *w = world_new(world);
	uint8_t msg[ASK_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++) {
		size_t len = ask_world(w, made[i].question, msg);

		assert_int_equal(len, 12 + made[i].name_len + 4);
		if (w->response_len != len + made[i].answer_len) {
			fail_msg("%s: %zu octets, not %zu", made[i].question,
			    w->response_len, len + made[i].answer_len);
		}
	}
	world_free(w);
}

/* A DNAME to below itself: ends in YXDOMAIN, the record is there once. */
static void test_endless(void **state)
{
	struct world *w = world_new(world);
	struct reply r;

	(void)state;
	ask_reply(w, &r, "x.grow.a.test A", 4096, VIA_TCP);
	assert_int_equal(r.rcode, RCODE_YXDOMAIN);
	assert_int_equal(reply_count(&r, REPLY_ANSWER, LDNS_RR_TYPE_DNAME), 1);
	assert_true(reply_count(&r, REPLY_ANSWER, LDNS_RR_TYPE_CNAME) > 2);
	reply_release(&r);
	world_free(w);
}

/* In-domain glue does not fit: TC. That of sisters may be missing. */
static void test_glue(void **state)
{
	static const struct {
		const char *at;
		bool tc;
	} cases_of[] = { { "sub", true }, { "sister", false } };

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		struct world *w = world_new("zone a.test\n");
		struct reply r;

		for (unsigned i = 0; i < 9; i++) {
			scoped_free char *text =
			    xasprintf("record sub 60 NS ns%u.%s\n"
			              "record ns%u.%s 60 A 192.0.2.1\n"
			              "record ns%u.%s 60 AAAA 2001:db8::1\n",
			        i, cases_of[k].at, i, cases_of[k].at, i,
			        cases_of[k].at);

			world_add(w, text);
		}
		world_add(w, "record sister 60 NS ns0.sister\n");
		ask_reply(w, &r, "x.sub.a.test A", 512, VIA_UDP);
		assert_int_equal(
		    reply_count(&r, REPLY_AUTHORITY, LDNS_RR_TYPE_NS), 9);
		assert_int_equal(r.tc, cases_of[k].tc);
		reply_release(&r);
		world_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_endless),
		cmocka_unit_test(test_made_is_compressed),
		cmocka_unit_test(test_glue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
