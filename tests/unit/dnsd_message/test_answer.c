// SPDX-License-Identifier: BSD-2-Clause
/*
 * What is answered to which question: each row is asked through the whole
 * path and read back by ldns.
 */
#include "schema/base/scoped.h"
#include "tests/support/ask.h"
#include "tests/support/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char world[] =
    "zone svc.test ttl 5 negative 2 max 8\n"
    "record text 60 TXT \"a-b\"\n"
    "record a.empty 60 A 192.0.2.99\n"
    "record hidden 60 A 192.0.2.98\n"
    "service web port 8080\n"
    "meta version 2.3.1\n"
    "meta owner shop\n"
    "instance i1 192.0.2.1 weight 10\n"
    "meta rack r1\n"
    "instance i2 192.0.2.2 six 2001:db8::2 weight 20 port 9090\n"
    "instance i3 2001:db8::3 priority 1 weight 30\n"
    "instance i4 192.0.2.4 health critical\n"
    "instance i5 192.0.2.5 health starting\n"
    "instance i6 192.0.2.6 health dead\n"
    "instance i7 192.0.2.7 mode maintenance\n"
    "service hidden\n"
    "instance h1 192.0.2.97\n"
    "service four ttl 30\n"
    "instance f1 192.0.2.11\n"
    "service six ttl 0\n"
    "instance s1 2001:db8::11\n"
    "service dual\n"
    "instance d1 192.0.2.21 six 2001:db8::21\n"
    "service dns protocol udp port 53\n"
    "instance u1 192.0.2.31\n"
    "service down\n"
    "instance x1 192.0.2.41 health critical\n"
    "service downnx empty nxdomain\n"
    "meta k v\n"
    "instance x2 192.0.2.42 health critical\n"
    "service downall empty all\n"
    "instance x3 192.0.2.43 health critical weight 3\n"
    "instance x4 192.0.2.44 health dead\n"
    "instance x5 192.0.2.45 health starting weight 4\n"
    "instance x6 192.0.2.46 mode maintenance\n"
    "instance x7 192.0.2.47 mode draining health critical\n"
    "instance x8 192.0.2.48 lease 999999 health critical\n"
    "service oneup empty all\n"
    "instance o1 192.0.2.51\n"
    "instance o2 192.0.2.52 health critical\n"
    "service drain empty nxdomain\n"
    "instance g1 192.0.2.61 mode draining weight 50\n"
    "service halfdrain\n"
    "instance g2 192.0.2.62 mode draining weight 50\n"
    "instance g3 192.0.2.63 weight 50\n"
    "service lease\n"
    "instance l1 192.0.2.71 lease 1000000\n"
    "instance l2 192.0.2.72 lease 1000001\n"
    "service warn\n"
    "instance w1 192.0.2.81 weight 100 warning 7 health warning\n"
    "instance w2 192.0.2.82 weight 100 health warning\n"
    "instance w3 192.0.2.83 weight 100 warning 0 health warning\n"
    "instance w4 192.0.2.84 weight 100 warning 7\n"
    "service none\n"
    "service cap max 2\n"
    "instance c1 192.0.2.91\n"
    "instance c2 192.0.2.91\n"
    "instance c3 192.0.2.91\n"
    "zone eu.svc.test ttl 9 negative 4\n"
    "service web port 1\n"
    "instance e1 192.0.2.111\n";

#define SOA                                                                    \
	"ns svc.test. 2 SOA ns1.svc.test. hostmaster.svc.test. 7 3600 600 "    \
	"86400 2\n"
#define NODATA "NOERROR aa\n" SOA
#define NXDOMAIN "NXDOMAIN aa\n" SOA
#define NS_ADDRESSES                                                           \
	"ar ns1.svc.test. 3600 A 192.0.2.53\n"                                 \
	"ar ns1.svc.test. 3600 AAAA 2001:db8::53\n"

/* clang-format off */
static const struct {
	const char *why, *question, *want;
} cases[] = {
	/* _S._P.Z */
	{ "SRV of those that are eligible, with their addresses",
	    "_web._tcp.svc.test SRV",
	    "NOERROR aa\n"
	    "an _web._tcp.svc.test. 5 SRV 0 10 8080 i1.web.svc.test.\n"
	    "an _web._tcp.svc.test. 5 SRV 0 20 9090 i2.web.svc.test.\n"
	    "an _web._tcp.svc.test. 5 SRV 1 30 8080 i3.web.svc.test.\n"
	    "ar i1.web.svc.test. 5 A 192.0.2.1\n"
	    "ar i2.web.svc.test. 5 A 192.0.2.2\n"
	    "ar i2.web.svc.test. 5 AAAA 2001:db8::2\n"
	    "ar i3.web.svc.test. 5 AAAA 2001:db8::3\n" },
	{ "A at the SRV name exists not: NODATA", "_web._tcp.svc.test A",
	    NODATA },
	{ "the wrong protocol", "_web._udp.svc.test SRV", NXDOMAIN },
	{ "a protocol that begins like it", "_web._tcpx.svc.test SRV",
	    NXDOMAIN },
	{ "a protocol that it begins like", "_web._tc.svc.test SRV",
	    NXDOMAIN },
	{ "a protocol of 15 octets is possible, it is not this one",
	    "_web._0123456789abcde.svc.test SRV", NXDOMAIN },
	{ "a protocol of 16 octets is not",
	    "_web._0123456789abcdef.svc.test SRV", NXDOMAIN },
	{ "the right protocol, UDP", "_dns._udp.svc.test SRV",
	    "NOERROR aa\n"
	    "an _dns._udp.svc.test. 5 SRV 0 10 53 u1.dns.svc.test.\n"
	    "ar u1.dns.svc.test. 5 A 192.0.2.31\n" },
	{ "no such service", "_nope._tcp.svc.test SRV", NXDOMAIN },
	{ "an instance is no service", "_i1._tcp.svc.test SRV", NXDOMAIN },
	{ "the name without underscore", "web._tcp.svc.test SRV", NXDOMAIN },
	{ "an underscore alone", "_._tcp.svc.test SRV", NXDOMAIN },
	{ "a protocol of nothing", "_web._.svc.test SRV", NXDOMAIN },
	{ "a label more", "x._web._tcp.svc.test SRV", NXDOMAIN },
	/* empty non-terminals */
	{ "_tcp exists since services below it do", "_tcp.svc.test A",
	    NODATA },
	{ "_udp as well", "_udp.svc.test SRV", NODATA },
	{ "_sctp does not", "_sctp.svc.test SRV", NXDOMAIN },
	{ "above a static record", "empty.svc.test A", NODATA },
	{ "ANY at an empty non-terminal", "empty.svc.test ANY", NODATA },
	{ "ANY at _tcp", "_tcp.svc.test ANY", NODATA },
	/* S.Z */
	{ "A: IPv4 of the eligible", "web.svc.test A",
	    "NOERROR aa\n"
	    "an web.svc.test. 5 A 192.0.2.1\n"
	    "an web.svc.test. 5 A 192.0.2.2\n" },
	{ "AAAA: IPv6 of the eligible", "web.svc.test AAAA",
	    "NOERROR aa\n"
	    "an web.svc.test. 5 AAAA 2001:db8::2\n"
	    "an web.svc.test. 5 AAAA 2001:db8::3\n" },
	{ "SRV at the name itself", "four.svc.test SRV",
	    "NOERROR aa\n"
	    "an four.svc.test. 30 SRV 0 10 0 f1.four.svc.test.\n"
	    "ar f1.four.svc.test. 30 A 192.0.2.11\n" },
	{ "TXT: the metadata, one record", "web.svc.test TXT",
	    "NOERROR aa\n"
	    "an web.svc.test. 5 TXT \"version=2.3.1\" \"owner=shop\"\n" },
	{ "no metadata", "four.svc.test TXT", NODATA },
	{ "another type: NODATA, never an error", "web.svc.test MX", NODATA },
	{ "HTTPS", "web.svc.test TYPE65", NODATA },
	{ "NAPTR", "web.svc.test NAPTR", NODATA },
	{ "URI", "web.svc.test TYPE256", NODATA },
	{ "PTR", "web.svc.test PTR", NODATA },
	{ "SOA below the apex", "web.svc.test SOA", NODATA },
	{ "DS", "web.svc.test DS", NODATA },
	{ "AAAA of an IPv4-only service is NODATA, never NXDOMAIN",
	    "four.svc.test AAAA", NODATA },
	{ "A of an IPv6-only service", "six.svc.test A", NODATA },
	{ "TTL 0 is passed on", "six.svc.test AAAA",
	    "NOERROR aa\nan six.svc.test. 0 AAAA 2001:db8::11\n" },
	{ "SRV of an IPv6-only service", "_six._tcp.svc.test SRV",
	    "NOERROR aa\n"
	    "an _six._tcp.svc.test. 0 SRV 0 10 0 s1.six.svc.test.\n"
	    "ar s1.six.svc.test. 0 AAAA 2001:db8::11\n" },
	{ "dual stack, A", "dual.svc.test A",
	    "NOERROR aa\nan dual.svc.test. 5 A 192.0.2.21\n" },
	{ "dual stack, AAAA", "dual.svc.test AAAA",
	    "NOERROR aa\nan dual.svc.test. 5 AAAA 2001:db8::21\n" },
	{ "at most max_answers", "cap.svc.test A",
	    "NOERROR aa\n"
	    "an cap.svc.test. 5 A 192.0.2.91\n"
	    "an cap.svc.test. 5 A 192.0.2.91\n" },
	{ "max_answers does not hold for SRV", "cap.svc.test SRV",
	    "NOERROR aa\n"
	    "an cap.svc.test. 5 SRV 0 10 0 c1.cap.svc.test.\n"
	    "an cap.svc.test. 5 SRV 0 10 0 c2.cap.svc.test.\n"
	    "an cap.svc.test. 5 SRV 0 10 0 c3.cap.svc.test.\n"
	    "ar c1.cap.svc.test. 5 A 192.0.2.91\n"
	    "ar c2.cap.svc.test. 5 A 192.0.2.91\n"
	    "ar c3.cap.svc.test. 5 A 192.0.2.91\n" },
	/* I.S.Z */
	{ "an instance", "i1.web.svc.test A",
	    "NOERROR aa\nan i1.web.svc.test. 5 A 192.0.2.1\n" },
	{ "its SRV", "i2.web.svc.test SRV",
	    "NOERROR aa\n"
	    "an i2.web.svc.test. 5 SRV 0 20 9090 i2.web.svc.test.\n"
	    "ar i2.web.svc.test. 5 A 192.0.2.2\n"
	    "ar i2.web.svc.test. 5 AAAA 2001:db8::2\n" },
	{ "its second address", "i2.web.svc.test AAAA",
	    "NOERROR aa\nan i2.web.svc.test. 5 AAAA 2001:db8::2\n" },
	{ "its metadata", "i1.web.svc.test TXT",
	    "NOERROR aa\nan i1.web.svc.test. 5 TXT \"rack=r1\"\n" },
	{ "no metadata, while its neighbour has some",
	    "i2.web.svc.test TXT", NODATA },
	{ "no metadata in the whole service", "f1.four.svc.test TXT",
	    NODATA },
	{ "AAAA of an IPv4-only instance", "i1.web.svc.test AAAA", NODATA },
	{ "A of an IPv6-only instance", "i3.web.svc.test A", NODATA },
	{ "another type", "i1.web.svc.test MX", NODATA },
	{ "critical, and it resolves", "i4.web.svc.test A",
	    "NOERROR aa\nan i4.web.svc.test. 5 A 192.0.2.4\n" },
	{ "starting", "i5.web.svc.test A",
	    "NOERROR aa\nan i5.web.svc.test. 5 A 192.0.2.5\n" },
	{ "dead", "i6.web.svc.test SRV",
	    "NOERROR aa\n"
	    "an i6.web.svc.test. 5 SRV 0 10 8080 i6.web.svc.test.\n"
	    "ar i6.web.svc.test. 5 A 192.0.2.6\n" },
	{ "in maintenance", "i7.web.svc.test A",
	    "NOERROR aa\nan i7.web.svc.test. 5 A 192.0.2.7\n" },
	{ "no such instance", "i9.web.svc.test A", NXDOMAIN },
	{ "below an instance", "x.i1.web.svc.test A", NXDOMAIN },
	{ "an instance of another service", "i1.four.svc.test A", NXDOMAIN },
	{ "an instance of no service", "i1.nope.svc.test A", NXDOMAIN },
	{ "an underscored name below a service", "_http.web.svc.test A",
	    NXDOMAIN },
	/* who is eligible */
	{ "nobody eligible: NODATA", "down.svc.test A", NODATA },
	{ "nobody eligible, SRV", "_down._tcp.svc.test SRV", NODATA },
	{ "on_empty nxdomain", "downnx.svc.test A", NXDOMAIN },
	{ "on_empty nxdomain, AAAA", "downnx.svc.test AAAA", NXDOMAIN },
	{ "on_empty nxdomain, SRV", "_downnx._tcp.svc.test SRV", NXDOMAIN },
	{ "but its metadata is told", "downnx.svc.test TXT",
	    "NOERROR aa\nan downnx.svc.test. 5 TXT \"k=v\"\n" },
	{ "and other types are NODATA", "downnx.svc.test MX", NODATA },
	{ "its instance resolves all the same", "x2.downnx.svc.test A",
	    "NOERROR aa\nan x2.downnx.svc.test. 5 A 192.0.2.42\n" },
	{ "on_empty all: but for positive evidence",
	    "_downall._tcp.svc.test SRV",
	    "NOERROR aa\n"
	    "an _downall._tcp.svc.test. 5 SRV 0 3 0 x3.downall.svc.test.\n"
	    "an _downall._tcp.svc.test. 5 SRV 0 4 0 x5.downall.svc.test.\n"
	    "ar x3.downall.svc.test. 5 A 192.0.2.43\n"
	    "ar x5.downall.svc.test. 5 A 192.0.2.45\n" },
	{ "on_empty all says nothing while one is eligible",
	    "oneup.svc.test A",
	    "NOERROR aa\nan oneup.svc.test. 5 A 192.0.2.51\n" },
	{ "a service without instances", "none.svc.test A", NODATA },
	{ "and its SRV name", "_none._tcp.svc.test SRV", NODATA },
	{ "draining: in SRV with weight 0", "_drain._tcp.svc.test SRV",
	    "NOERROR aa\n"
	    "an _drain._tcp.svc.test. 5 SRV 0 0 0 g1.drain.svc.test.\n"
	    "ar g1.drain.svc.test. 5 A 192.0.2.61\n" },
	{ "draining: not in A, and not empty either", "drain.svc.test A",
	    NODATA },
	{ "only the other one is in A", "halfdrain.svc.test A",
	    "NOERROR aa\nan halfdrain.svc.test. 5 A 192.0.2.63\n" },
	{ "a lease that ends now has ended", "lease.svc.test A",
	    "NOERROR aa\nan lease.svc.test. 5 A 192.0.2.72\n" },
	{ "weights while warning", "_warn._tcp.svc.test SRV",
	    "NOERROR aa\n"
	    "an _warn._tcp.svc.test. 5 SRV 0 0 0 w3.warn.svc.test.\n"
	    "an _warn._tcp.svc.test. 5 SRV 0 100 0 w2.warn.svc.test.\n"
	    "an _warn._tcp.svc.test. 5 SRV 0 100 0 w4.warn.svc.test.\n"
	    "an _warn._tcp.svc.test. 5 SRV 0 7 0 w1.warn.svc.test.\n"
	    "ar w1.warn.svc.test. 5 A 192.0.2.81\n"
	    "ar w2.warn.svc.test. 5 A 192.0.2.82\n"
	    "ar w3.warn.svc.test. 5 A 192.0.2.83\n"
	    "ar w4.warn.svc.test. 5 A 192.0.2.84\n" },
	/* Z */
	{ "SOA: its serial is the registry's", "svc.test SOA",
	    "NOERROR aa\n"
	    "an svc.test. 3600 SOA ns1.svc.test. hostmaster.svc.test. "
	    "7 3600 600 86400 2\n" },
	{ "NS with addresses", "svc.test NS",
	    "NOERROR aa\nan svc.test. 3600 NS ns1.svc.test.\n"
	    NS_ADDRESSES },
	{ "A at the apex", "svc.test A", NODATA },
	{ "what the apex's NS points to", "ns1.svc.test A",
	    "NOERROR aa\nan ns1.svc.test. 3600 A 192.0.2.53\n" },
	{ "a static record", "text.svc.test TXT",
	    "NOERROR aa\nan text.svc.test. 60 TXT \"a-b\"\n" },
	{ "a static name without the type", "text.svc.test A", NODATA },
	{ "below a static record", "x.text.svc.test A", NXDOMAIN },
	{ "static records win over a service", "hidden.svc.test A",
	    "NOERROR aa\nan hidden.svc.test. 60 A 192.0.2.98\n" },
	{ "no such name", "nope.svc.test A", NXDOMAIN },
	/* another zone below ours */
	{ "the longest zone has it", "web.eu.svc.test A",
	    "NOERROR aa\nan web.eu.svc.test. 9 A 192.0.2.111\n" },
	{ "its own SOA, its own negative TTL", "nope.eu.svc.test A",
	    "NXDOMAIN aa\n"
	    "ns eu.svc.test. 4 SOA ns1.eu.svc.test. hostmaster.eu.svc.test. "
	    "7 3600 600 86400 4\n" },
	{ "its protocols", "_sctp.eu.svc.test A",
	    "NXDOMAIN aa\n"
	    "ns eu.svc.test. 4 SOA ns1.eu.svc.test. hostmaster.eu.svc.test. "
	    "7 3600 600 86400 4\n" },
	/* ANY, RFC 8482 */
	{ "ANY at a service", "web.svc.test ANY",
	    "NOERROR aa\nan web.svc.test. 5 HINFO \"RFC8482\" \"\"\n" },
	{ "ANY at the SRV name", "_web._tcp.svc.test ANY",
	    "NOERROR aa\nan _web._tcp.svc.test. 5 HINFO \"RFC8482\" \"\"\n" },
	{ "ANY at an instance", "i1.web.svc.test ANY",
	    "NOERROR aa\nan i1.web.svc.test. 5 HINFO \"RFC8482\" \"\"\n" },
	{ "ANY at the apex", "svc.test ANY",
	    "NOERROR aa\nan svc.test. 3600 HINFO \"RFC8482\" \"\"\n" },
	{ "ANY where nothing is", "nope.svc.test ANY", NXDOMAIN },
	/* what is not ours, and what we do not do */
	{ "another domain", "example.com A", "REFUSED\n" },
	{ "the root", ". NS", "REFUSED\n" },
	{ "above our zone", "test SOA", "REFUSED\n" },
	{ "a name that only ends like ours", "xsvc.test A", "REFUSED\n" },
	{ "AXFR", "svc.test AXFR tcp", "REFUSED\n" },
	{ "IXFR", "svc.test IXFR", "REFUSED\n" },
	{ "MAILB", "svc.test MAILB", "NOTIMP\n" },
	{ "OPT as a question", "svc.test TYPE41", "FORMERR\n" },
	{ "TKEY", "svc.test TKEY", "NOTIMP\n" },
	{ "TSIG", "svc.test TSIG", "NOTIMP\n" },
	{ "class HS", "web.svc.test A class=HS", "REFUSED\n" },
	{ "class NONE", "web.svc.test A class=NONE", "REFUSED\n" },
	{ "class ANY is IN, never authoritative (RFC 1035 section 6.2)",
	    "four.svc.test A class=ANY",
	    "NOERROR\nan four.svc.test. 30 A 192.0.2.11\n" },
	/* class CH, RFC 4892 */
	{ "version.bind", "version.bind TXT class=CH",
	    "NOERROR aa\nan version.bind. 0 CH TXT \"rollcall 1.2.3\"\n" },
	{ "version.server, whatever its case", "VERSION.Server TXT class=CH",
	    "NOERROR aa\nan VERSION.Server. 0 CH TXT \"rollcall 1.2.3\"\n" },
	{ "hostname.bind", "hostname.bind TXT class=CH",
	    "NOERROR aa\nan hostname.bind. 0 CH TXT \"host.test\"\n" },
	{ "id.server", "id.server ANY class=CH",
	    "NOERROR aa\nan id.server. 0 CH TXT \"host.test\"\n" },
	{ "another type of it", "id.server A class=CH", "NOERROR aa\n" },
	{ "another text", "authors.bind TXT class=CH", "REFUSED\n" },
	{ "our zone in CH", "web.svc.test TXT class=CH", "REFUSED\n" },
	{ "version.bind in IN is a name like others", "version.bind TXT",
	    "REFUSED\n" },
	/* case: folded to compare, echoed as asked */
	{ "0x20: the owner is as it was asked", "_WeB._tCp.SvC.tESt SRV",
	    "NOERROR aa\n"
	    "an _WeB._tCp.SvC.tESt. 5 SRV 0 10 8080 i1.web.svc.test.\n"
	    "an _WeB._tCp.SvC.tESt. 5 SRV 0 20 9090 i2.web.svc.test.\n"
	    "an _WeB._tCp.SvC.tESt. 5 SRV 1 30 8080 i3.web.svc.test.\n"
	    "ar i1.web.svc.test. 5 A 192.0.2.1\n"
	    "ar i2.web.svc.test. 5 A 192.0.2.2\n"
	    "ar i2.web.svc.test. 5 AAAA 2001:db8::2\n"
	    "ar i3.web.svc.test. 5 AAAA 2001:db8::3\n" },
	{ "an instance in another case", "F1.Four.svc.test A",
	    "NOERROR aa\nan F1.Four.svc.test. 30 A 192.0.2.11\n" },
	{ "a static name", "TEXT.svc.test TXT",
	    "NOERROR aa\nan TEXT.svc.test. 60 TXT \"a-b\"\n" },
	/* the header */
	{ "RD and CD are copied, RA is not given", "four.svc.test A rd cd",
	    "NOERROR aa rd cd\nan four.svc.test. 30 A 192.0.2.11\n" },
	{ "RD in a refusal", "example.com A rd", "REFUSED rd\n" },
	/* EDNS */
	{ "EDNS is answered by EDNS, our size", "four.svc.test A edns=4096",
	    "NOERROR aa\nan four.svc.test. 30 A 192.0.2.11\nopt 1232\n" },
	{ "DO is copied", "four.svc.test A do",
	    "NOERROR aa\nan four.svc.test. 30 A 192.0.2.11\nopt 1232 do\n" },
	{ "NSID", "four.svc.test A nsid",
	    "NOERROR aa\nan four.svc.test. 30 A 192.0.2.11\n"
	    "opt 1232 nsid=host.test\n" },
	{ "EDNS in NODATA", "four.svc.test AAAA edns=512",
	    NODATA "opt 1232\n" },
	{ "EDNS in REFUSED", "example.com A edns=512",
	    "REFUSED\nopt 1232\n" },
	{ "a version that is to come", "four.svc.test A version=1",
	    "BADVERS\nopt 1232\n" },
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

/* What follows the registry at run time. */
static void test_changes(void **state)
{
	struct world *w = world_new(world);

	(void)state;
	world_add(w, "zone svc.test\nservice four\ninstance f2 192.0.2.12\n");
	scoped_free char *replaced = ask_text(w, "four.svc.test A");
	assert_string_equal(
	    replaced, "NOERROR aa\nan four.svc.test. 5 A 192.0.2.12\n");

	atomic_store(&w->zone->serial, 4000000000u);
	assert_true(world_remove(w, "four"));
	assert_false(world_remove(w, "four"));
	scoped_free char *removed = ask_text(w, "four.svc.test A");
	assert_string_equal(removed,
	    "NXDOMAIN aa\nns svc.test. 2 SOA ns1.svc.test. "
	    "hostmaster.svc.test. 4000000000 3600 600 86400 2\n");

	/* a protocol that changes */
	world_add(w, "service web protocol sctp\ninstance i1 192.0.2.1\n");
	scoped_free char *sctp = ask_text(w, "_sctp.svc.test A");
	assert_non_null(strstr(sctp, "NOERROR"));
	scoped_free char *tcp = ask_text(w, "_web._tcp.svc.test SRV");
	assert_non_null(strstr(tcp, "NXDOMAIN"));
	/* its last service takes it away, but for _udp, which browsing has */
	assert_true(world_remove(w, "web"));
	scoped_free char *gone = ask_text(w, "_sctp.svc.test A");
	assert_non_null(strstr(gone, "NXDOMAIN"));
	assert_true(world_remove(w, "dns"));
	scoped_free char *udp = ask_text(w, "_udp.svc.test A");
	assert_non_null(strstr(udp, "NOERROR"));
	world_free(w);
}

/* The negative TTL is the lower one of the SOA's TTL and its minimum. */
static void test_negative_ttl(void **state)
{
	struct world *w = world_new("zone a.test negative 7200\n");

	(void)state;
	scoped_free char *got = ask_text(w, "x.a.test A");
	assert_string_equal(got,
	    "NXDOMAIN aa\nns a.test. 3600 SOA ns1.a.test. hostmaster.a.test. "
	    "7 3600 600 86400 7200\n");
	world_free(w);
}

/* A server that does not tell its name or version. */
static void test_anonymous(void **state)
{
	struct world *w = world_new("zone a.test\n");

	(void)state;
	w->identity = (struct identity){ NULL, NULL };
	scoped_free char *version = ask_text(w, "version.bind TXT class=CH");
	assert_string_equal(version, "REFUSED\n");
	scoped_free char *host = ask_text(w, "id.server TXT class=CH nsid");
	assert_string_equal(host, "REFUSED\nopt 1232\n");
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_negative_ttl),
		cmocka_unit_test(test_anonymous),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
