# SPDX-License-Identifier: BSD-2-Clause
"""What a DNS client sees: names, types, codes and sizes."""

import collections
import random
import time

import dns.edns
import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rdataclass
import dns.rdatatype
import pytest

from rollcall import ZONE, Answer, always, qualified, query, type_of, until

pytestmark = pytest.mark.threads


@pytest.fixture
def web(site, dnsd):
    """web: two instances that pass, one that does not; db: nobody."""
    site.put("web", ("i-1", "192.0.2.1", 100), ("i-2", "192.0.2.2", 300),
             ("i-3", "192.0.2.3", 600))
    site.put_health("web", "i-3", "critical")
    site.sql("UPDATE service SET meta = '{\"version\":\"2.3.1\"}'")
    site.put("db", ("only", "192.0.2.9"))
    site.put_health("db", "only", "dead")
    site.put("six", ("dual", "192.0.2.66"), ("pure", "2001:db8::7"))
    site.sql("UPDATE instance SET address6 = '2001:db8::66' "
             "WHERE name = 'dual'")
    dnsd.wait_addresses("web", ["192.0.2.1", "192.0.2.2"])
    until("six is served",
          lambda: len(dnsd.ask("six", "AAAA").addresses()) == 2)
    return dnsd


def test_srv_names_instances_with_their_addresses(web):
    answer = web.ask("_web._tcp", "SRV")
    assert sorted(answer.srv()) == [(0, 100, 8080, "i-1.web"),
                                    (0, 300, 8080, "i-2.web")]
    assert answer.flag("AA")
    extra = {(r.name.to_text(), rd.address) for r in answer.message.additional
             for rd in r}
    assert extra == {(f"i-1.web.{ZONE}.", "192.0.2.1"),
                     (f"i-2.web.{ZONE}.", "192.0.2.2")}


def test_srv_of_the_service_name_is_the_same_set(web):
    assert sorted(web.ask("web", "SRV").srv()) == \
        sorted(web.ask("_web._tcp", "SRV").srv())


def test_browsing_leads_to_the_instances(web):
    """DNS-SD (RFC 6763), as `dns-sd -B _web._tcp svc.internal` asks."""
    names = {rd.target.to_text() for rd in web.ask("_web._tcp", "PTR").rdata()}
    assert names == {f"i-{k}._web._tcp.{ZONE}." for k in (1, 2)}
    assert web.ask("i-2._web._tcp", "SRV").srv() == \
        [(0, 300, 8080, "i-2.web")]
    assert [rd.strings for rd in web.ask("i-2._web._tcp", "TXT").rdata()] == \
        [(b"version=2.3.1",)]
    out = web.dig("+short", "PTR", f"_WEB._tcp.{ZONE}")
    assert {line.lower() for line in out.split()} == names


def test_an_srv_target_resolves_whatever_its_health(web):
    assert web.addresses("i-3.web") == ["192.0.2.3"]
    assert web.addresses("only.db") == ["192.0.2.9"]


def test_both_families(web):
    assert web.addresses("six") == ["192.0.2.66"]
    assert web.addresses("six", "AAAA") == ["2001:db8::66", "2001:db8::7"]
    assert web.addresses("dual.six", "AAAA") == ["2001:db8::66"]
    assert {type_of(rd) for rd in
            web.ask("_six._tcp", "SRV").rdata("additional")} == {"A", "AAAA"}


def test_txt_holds_the_metadata(web):
    assert [rd.strings for rd in web.ask("web", "TXT").rdata()] == \
        [(b"version=2.3.1",)]


@pytest.mark.parametrize("name, rdtype, rcode, why", [
    ("web", "AAAA", "NOERROR", "an IPv4-only service has no AAAA"),
    ("web", "MX", "NOERROR", "the name exists, the type does not"),
    ("web", "HTTPS", "NOERROR", "browsers ask for it, and must get NODATA"),
    ("web", "TYPE65280", "NOERROR", "so does a type nobody knows"),
    ("i-1.web", "AAAA", "NOERROR", "an instance of one family"),
    ("_web._tcp", "A", "NOERROR", "SRV names have no addresses"),
    ("_tcp", "SRV", "NOERROR", "an empty non-terminal"),
    ("db", "A", "NOERROR", "no instance is eligible: on_empty is nodata"),
    ("_db._tcp", "SRV", "NOERROR", "the same for SRV"),
    ("", "A", "NOERROR", "the apex has no address"),
    ("nobody", "A", "NXDOMAIN", "no such service"),
    ("nobody.web", "A", "NXDOMAIN", "no such instance"),
    ("a.i-1.web", "A", "NXDOMAIN", "nothing is below an instance"),
    ("_web._udp", "SRV", "NXDOMAIN", "another protocol"),
    ("_web", "SRV", "NXDOMAIN", "half of an SRV name"),
    ("_nobody._tcp", "SRV", "NXDOMAIN", "no such service"),
])
def test_negative_answers_carry_the_soa(web, name, rdtype, rcode, why):
    answer = web.ask(name, rdtype)
    assert answer.rcode == rcode, why
    assert not answer.rdata()
    assert answer.authority_types == ["SOA"]
    assert answer.flag("AA")
    soa = answer.message.authority[0]
    assert soa.name.to_text() == f"{ZONE}."
    assert soa.ttl == min(soa.ttl, soa[0].minimum), "RFC 2308 section 5"
    assert 0 < soa.ttl <= 10


def test_apex(web):
    soa = web.ask("", "SOA")
    assert [type_of(rd) for rd in soa.rdata()] == ["SOA"]
    names = web.ask("", "NS").rdata()
    assert names and soa.rdata()[0].mname in {rd.target for rd in names}


def test_case_is_ignored_and_echoed(web):
    for name in ("WEB", "wEb", "_WeB._TcP", "I-1.weB"):
        rdtype = "SRV" if name[0] == "_" else "A"
        asked = query(f"{name}.SvC.iNtErNaL.", rdtype)
        got = web.exchange(asked).message
        assert got.answer, name
        assert got.question[0].name.to_text() == \
            asked.question[0].name.to_text()
        assert got.answer[0].name.to_text() == \
            asked.question[0].name.to_text()


@pytest.mark.parametrize("name", [
    "a" * 63, "a." * 50 + "web", "\\000.web", "\\255\\255",
    "-", "*", "*.web", "_._tcp", "_._", "__web._tcp", "xn--bcher-kva",
])
def test_odd_names_do_not_exist(web, name):
    assert web.ask(name, "A").rcode == "NXDOMAIN"


def test_the_longest_name_is_answered(web):
    room = 255 - len(ZONE) - 2
    labels = ["a" * 63] * 3
    labels.append("a" * (room - 3 * 64 - 1))
    name = ".".join(labels)
    assert len(query(name, "A").question[0].name.to_wire()) == 255
    assert web.ask(name, "A").rcode == "NXDOMAIN"


def test_other_zones_are_refused(web):
    for name in ("example.com.", "internal.", ".", "xsvc.internal.",
                 "svc.internal.example."):
        answer = web.ask(name, "A")
        assert answer.rcode == "REFUSED", name
        assert not answer.flag("AA")
        assert not answer.message.authority


def test_any_is_answered_with_hinfo(web):
    """RFC 8482 section 4.2"""
    for name in ("web", "_web._tcp", "i-1.web"):
        rdata = web.ask(name, "ANY").rdata()
        assert [type_of(rd) for rd in rdata] == ["HINFO"]
        assert rdata[0].cpu == b"RFC8482"
    assert web.ask("nobody", "ANY").rcode == "NXDOMAIN"


def test_version_in_class_chaos(web):
    asked = dns.message.make_query("version.bind.", "TXT", "CH")
    got = web.exchange(asked)
    assert b"ollcall" in b"".join(got.rdata()[0].strings) or \
        b"dnsd" in b"".join(got.rdata()[0].strings)
    other = dns.message.make_query("nothing.bind.", "TXT", "CH")
    assert web.exchange(other).rcode == "REFUSED"


@pytest.mark.parametrize("opcode", ["IQUERY", "STATUS", "NOTIFY", "UPDATE"])
def test_other_opcodes_are_not_implemented(web, opcode):
    asked = query("", "SOA")  # an UPDATE names a zone
    asked.set_opcode(dns.opcode.from_text(opcode))
    got = dns.query.udp(asked, web.host, 5, web.port,
                        ignore_unexpected=False)
    assert Answer(got).rcode == "NOTIMP"
    assert got.id == asked.id


def test_transfers_are_refused(web):
    for rdtype in ("AXFR", "IXFR"):
        assert web.ask("", rdtype, tcp=True).rcode == "REFUSED"


def test_edns_is_answered_in_kind(web):
    with_edns = web.ask("web", "A").message
    assert with_edns.edns == 0
    assert with_edns.payload >= 512
    without = web.ask("web", "A", use_edns=False).message
    assert without.edns == -1
    unknown = web.ask("web", "A", options=[
        dns.edns.GenericOption(65001, b"local")])
    assert unknown.rcode == "NOERROR" and unknown.rdata()


def test_edns_version_1_is_bad_version(web):
    asked = query("web", "A")
    asked.ednsflags |= 1 << 16  # the version is the second octet
    got = web.exchange(asked)
    assert got.rcode == "BADVERS"
    assert not got.rdata()
    assert got.message.edns == 0


def test_flags_are_copied(web):
    asked = query("web", "A")
    asked.flags = dns.flags.RD | dns.flags.CD
    got = web.exchange(asked)
    assert got.flag("RD") and got.flag("CD")
    assert not got.flag("RA") and got.flag("QR")
    asked.flags = 0
    assert not web.exchange(asked).flag("RD")


def test_the_ttl_is_the_services(site, web):
    assert web.ask("web", "A").message.answer[0].ttl == 5
    site.sql("UPDATE service SET ttl_s = 77 WHERE name = 'web'")
    until("the new TTL", lambda: {
        web.ask("web", "A").message.answer[0].ttl,
        web.ask("_web._tcp", "SRV").message.answer[0].ttl} == {77})


# ---- size ---------------------------------------------------------------

@pytest.fixture
def many(site, dnsd):
    """60 instances, more than UDP holds."""
    site.put("many", *[(f"instance-{n}", f"198.51.100.{n}", n)
                       for n in range(1, 61)])
    until("60 instances", lambda: len(dnsd.instances("many")) == 60)
    return dnsd


def test_a_sample_of_eight(site, many):
    site.sql("UPDATE service SET max_answers = 8")
    until("eight", lambda: len(many.ask("many").addresses()) == 8)
    seen = set()
    for _ in range(60):
        answer = many.ask("many", "A", use_edns=False)
        got = answer.addresses()
        assert len(got) == len(set(got)) == 8
        assert not answer.flag("TC")
        seen.update(got)
    assert len(seen) > 40, "the sample is drawn for each question"


def test_addresses_are_all_that_fit(many):
    for edns, payload, least in ((None, 512, 28), (0, 800, 40), (0, 1232, 60)):
        asked = query("many", "A", use_edns=edns,
                      payload=payload if edns == 0 else None)
        answer = many.exchange(asked)
        got = answer.addresses()
        assert least <= len(got) == len(set(got))
        assert len(got) == 60 or len(answer.message.to_wire()) > payload - 16
        assert not answer.flag("TC")


def test_tc_where_all_was_asked_for(site, many):
    site.sql("UPDATE service SET max_answers = 0")
    until("TC", lambda: many.ask("many", "A", use_edns=False).flag("TC"))
    assert len(many.ask("many", "A", use_edns=False).addresses()) >= 28
    assert not many.ask("many", "A", payload=1232).flag("TC")
    whole = many.ask("many", "A", use_edns=False, tcp=True)
    assert len(whole.addresses()) == 60 and not whole.flag("TC")


def test_max_answers_of_the_service(site, many):
    for limit, expected in ((1, 1), (20, 20), (0, 60)):
        site.sql("UPDATE service SET max_answers = ?", limit)
        until(f"{expected} addresses", lambda: len(
            many.ask("many", "A", payload=4096).addresses()) == expected)


def test_a_large_srv_set_is_cut_with_tc_and_whole_by_tcp(many):
    for payload, edns in ((512, None), (512, 0), (1232, 0)):
        asked = query("_many._tcp", "SRV", use_edns=edns,
                      payload=payload if edns == 0 else None)
        answer = many.exchange(asked)
        assert answer.flag("TC")
        assert 0 < len(answer.srv()) < 60, "never empty for size"
        assert len(answer.message.to_wire()) <= payload
        assert (answer.message.edns == 0) == (edns == 0), "OPT stays"
    whole = many.ask("_many._tcp", "SRV", tcp=True)
    assert len(whole.srv()) == 60 and not whole.flag("TC")


def test_extra_addresses_are_left_out_before_records(site, dnsd):
    site.put("some", *[(f"i-{n}", f"192.0.2.{n}") for n in range(1, 11)])
    until("ten", lambda: len(dnsd.instances("some")) == 10)
    small = dnsd.ask("_some._tcp", "SRV", payload=512)
    assert len(small.srv()) == 10
    assert not small.flag("TC")
    assert len(small.rdata("additional")) < 10
    assert len(dnsd.ask("_some._tcp", "SRV").rdata("additional")) == 10


def test_dig_retries_by_tcp(many):
    out = many.dig("+short", "+bufsize=512", "SRV", f"_many._tcp.{ZONE}")
    assert len(out.splitlines()) == 60


# ---- order --------------------------------------------------------------

def chi_square(seen, weights, n):
    total = sum(weights.values())
    return sum((seen[k] - n * w / total) ** 2 / (n * w / total)
               for k, w in weights.items())


def test_weights_decide_who_stands_first(site, dnsd):
    weights = {"192.0.2.1": 100, "192.0.2.2": 200, "192.0.2.3": 700}
    site.put("web", *[(f"i-{n}", address, weight) for n, (address, weight)
                      in enumerate(weights.items(), 1)])
    until("three", lambda: len(dnsd.instances("web")) == 3)
    n = 1000
    first_a = collections.Counter(
        dnsd.ask("web", "A").addresses()[0] for _ in range(n))
    # 27.6: p = 0.000001 at two degrees of freedom
    assert chi_square(first_a, weights, n) < 27.6, first_a
    first_srv = collections.Counter(
        dnsd.ask("_web._tcp", "SRV").srv()[0][1] for _ in range(n))
    assert chi_square(first_srv, {w: w for w in weights.values()}, n) < \
        27.6, first_srv


def test_lower_priorities_come_first(site, dnsd):
    site.put("web", *[(f"i-{n}", f"192.0.2.{n}") for n in range(1, 7)])
    site.sql("UPDATE instance SET priority = 10 WHERE name > 'i-3'")
    until("priorities", lambda: [row[0] for row in
                                 dnsd.ask("web", "SRV").srv()] ==
          [0, 0, 0, 10, 10, 10])
    for _ in range(50):
        assert [row[0] for row in dnsd.ask("web", "SRV").srv()] == \
            [0, 0, 0, 10, 10, 10]
        last = [int(a[-1]) for a in dnsd.ask("web", "A").addresses()]
        assert max(last[:3]) <= 3


def test_draining_keeps_srv_with_weight_0_and_leaves_a(site, dnsd):
    site.put("web", ("i-1", "192.0.2.1"), ("i-2", "192.0.2.2"))
    dnsd.wait_addresses("web", ["192.0.2.1", "192.0.2.2"])
    site.sql("UPDATE instance SET mode = 'draining' WHERE name = 'i-1'")
    dnsd.wait_addresses("web", ["192.0.2.2"])
    assert sorted(row[1:2] + row[3:] for row in
                  dnsd.ask("_web._tcp", "SRV").srv()) == \
        [(0, "i-1.web"), (100, "i-2.web")]
    site.sql("UPDATE instance SET mode = 'maintenance' WHERE name = 'i-1'")
    dnsd.wait_instances("web", ["i-2"])


@pytest.mark.parametrize("on_empty, rcode, n", [
    ("nodata", "NOERROR", 0), ("nxdomain", "NXDOMAIN", 0),
    ("all", "NOERROR", 2)])
def test_on_empty(site, dnsd, on_empty, rcode, n):
    site.put("web", ("i-1", "192.0.2.1"), ("i-2", "192.0.2.2"))
    site.sql("UPDATE service SET on_empty = ?", on_empty)
    site.sql("UPDATE instance SET health = 'critical'")

    def settled():
        answer = dnsd.ask("web", "A")
        return answer.rcode == rcode and len(answer.addresses()) == n
    until(f"{rcode} with {n}", settled)
    answer = dnsd.ask("_web._tcp", "SRV")
    assert answer.rcode == rcode and len(answer.srv()) == n


def test_a_lease_that_ran_out_is_gone_though_nobody_deletes_it(site, dnsd):
    site.put("web", ("i-1", "192.0.2.1"), ("i-2", "192.0.2.2"))
    dnsd.wait_addresses("web", ["192.0.2.1", "192.0.2.2"])
    site.sql("UPDATE instance SET lease_until_wall_ms = ? "
             "WHERE name = 'i-1'", int(time.time() * 1000) + 1500)
    always("a lease that holds", lambda: len(dnsd.addresses("web")) == 2, 1)
    dnsd.wait_addresses("web", ["192.0.2.2"])


def test_two_zones(site):
    site.create_registry()
    dnsd = site.start_dnsd("--zone", "other.test")
    site.put("web", ("i-1", "192.0.2.1"))
    site.sql("INSERT INTO service (zone, name) VALUES ('other.test', 'web')")
    site.sql("INSERT INTO instance (zone, service, name, address) VALUES "
             "('other.test', 'web', 'i-1', '192.0.2.2')")
    dnsd.wait_addresses("web", ["192.0.2.1"])
    dnsd.wait_addresses("web.other.test.", ["192.0.2.2"])
    assert dnsd.ask("nobody.other.test.").message.authority[0].name \
        .to_text() == "other.test."


def test_questions_over_loopback_are_not_mixed_up(web):
    """Many at a time from one socket: every answer fits its question."""
    names = [("web", "A"), ("_web._tcp", "SRV"), ("six", "AAAA"),
             ("nobody", "A"), ("db", "A")]
    rng = random.Random(7)
    for _ in range(100):
        name, rdtype = rng.choice(names)
        got = web.ask(name, rdtype).message
        assert got.question[0].name.to_text() == qualified(name)
        assert got.question[0].rdtype == dns.rdatatype.from_text(rdtype)
        assert got.question[0].rdclass == dns.rdataclass.IN
