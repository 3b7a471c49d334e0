# SPDX-License-Identifier: BSD-2-Clause
"""RFC 8906, section 8: the questions that tell a broken server, by dig, as
they are written there. One zone is a registry's, the other a file's."""

import re

import pytest

ZONES = ("svc.internal", "static.test")
SOA, OPT = "SOA record", "OPT record"


@pytest.fixture
def server(site):
    zones = site.folder / "zones"
    zones.mkdir()
    # many keys: more than 512 octets
    keys = "".join(f"@ DNSKEY 256 3 13 {c}{'A' * 85}==\n"
                   for c in "ABCDEFGHIJKLMNOP")
    (zones / "static.test.zone").write_text(
        "$TTL 60\n@ SOA ns1 h 1 3600 600 86400 60\n@ NS ns1\n"
        f"ns1 A 192.0.2.1\n{keys}")
    site.create_registry()
    return site.start_dnsd("--zones", zones, "--identity", "here")


class Seen:
    """What dig says of an answer."""

    def __init__(self, text):
        self.text = text

        def found(pattern):
            m = re.search(pattern, text)
            return m.group(1) if m else None
        self.status = found(r"status: (\w+)")
        self.opcode = found(r"opcode: (\w+)")
        self.flags = (found(r";; flags: ([a-z ]*)[;,]") or "").split()
        self.must_be_zero = "MBZ" in text
        self.edns = found(r"EDNS: version: (\d+)")
        self.edns_flags = (found(r"EDNS:.* flags:([a-z ]*)[;,]") or "").split()
        self.soa = re.search(r"^\S+\s+\d+\s+IN\s+SOA\s", text, re.M)
        counts = re.search(r"QUERY: (\d+), ANSWER: (\d+)", text)
        self.answers = int(counts.group(2)) if counts else None


def dig(server, *args):
    return Seen(server.dig("+norec", *args))


# section, dig's arguments (zone: the zone), status, what else holds
BASIC = [
    ("8.1.1", "+noedns +noad soa zone", "NOERROR", "soa aa"),
    ("8.1.2", "+noedns +noad type1000 zone", "NOERROR", "empty aa"),
    ("8.1.3.1", "+noedns +noad +cd soa zone", "NOERROR", "soa aa"),
    ("8.1.3.2", "+noedns +ad soa zone", "NOERROR", "soa aa !ad"),
    ("8.1.3.3", "+noedns +noad +zflag soa zone", "NOERROR", "soa aa !mbz"),
    ("8.1.3.4", "+noedns +noad +rec soa zone", "NOERROR", "soa aa rd !ra"),
    ("8.1.4", "+noedns +noad +opcode=15 +header-only", "NOTIMP",
     "!soa !aa"),
    ("8.1.5", "+noedns +noad +tcp soa zone", "NOERROR", "soa aa"),
]
EXTENDED = [
    ("8.2.1", "+nocookie +edns=0 +noad soa zone", "NOERROR",
     "soa opt aa"),
    ("8.2.2", "+nocookie +edns=1 +noednsneg +noad soa zone", "BADVERS",
     "!soa opt !aa"),
    ("8.2.3", "+nocookie +edns=0 +noad +ednsopt=100 soa zone", "NOERROR",
     "soa opt !opt100 aa"),
    ("8.2.4", "+nocookie +edns=0 +noad +ednsflags=0x40 soa zone",
     "NOERROR", "soa opt !mbz aa"),
    ("8.2.5", "+nocookie +edns=1 +noednsneg +noad +ednsflags=0x40 soa zone",
     "BADVERS", "!soa opt !mbz !aa"),
    ("8.2.6", "+nocookie +edns=1 +noednsneg +noad +ednsopt=100 soa zone",
     "BADVERS", "!soa opt !opt100 !aa"),
    ("8.2.8", "+nocookie +edns=0 +noad +dnssec soa zone", "NOERROR",
     "soa opt do aa"),
    ("8.2.9", "+nocookie +edns=1 +noednsneg +noad +dnssec soa zone",
     "BADVERS", "!soa opt do !aa"),
    ("8.2.10", "+edns=0 +noad +cookie +nsid +expire +subnet=0.0.0.0/0 "
     "soa zone", "NOERROR", "soa opt aa cookie nsid"),
]


def holds(seen, what):
    return {
        "soa": lambda: seen.soa and seen.answers == 1,
        "empty": lambda: seen.answers == 0,
        "opt": lambda: seen.edns == "0",
        "opt100": lambda: "OPT=100" in seen.text,
        "mbz": lambda: seen.must_be_zero,
        "do": lambda: "do" in seen.edns_flags,
        "cookie": lambda: "(good)" in seen.text,
        "nsid": lambda: '("here")' in seen.text,
    }.get(what, lambda: what in seen.flags)()


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("section, args, status, expected",
                         BASIC + EXTENDED)
def test_section_8(server, section, args, status, expected, zone):
    seen = dig(server, *(zone if a == "zone" else a for a in args.split()))
    assert seen.status == status, seen.text
    for word in expected.split():
        wanted = not word.startswith("!")
        assert bool(holds(seen, word.lstrip("!"))) == wanted, \
            f"{section}: {word}\n{seen.text}"
    if "+noedns" in args.split():
        assert seen.edns is None, "OPT to a request without"


def test_section_8_1_4_says_nothing_of_what_it_does_not_know(server):
    seen = dig(server, "+noedns", "+noad", "+opcode=15", "+header-only")
    assert seen.opcode == "RESERVED15"
    assert "QUERY: 0, ANSWER: 0, AUTHORITY: 0, ADDITIONAL: 0" in seen.text


def test_section_8_2_7_truncated_answers_keep_opt(server):
    seen = dig(server, "+dnssec", "+bufsize=512", "+ignore", "dnskey",
               "static.test")
    assert seen.status == "NOERROR" and seen.edns == "0"
    assert {"tc", "aa"} <= set(seen.flags)
    assert int(re.search(r"MSG SIZE\s+rcvd: (\d+)",
                         seen.text).group(1)) <= 512
    whole = dig(server, "+dnssec", "+tcp", "dnskey", "static.test")
    assert whole.answers == 16 and "tc" not in whole.flags


@pytest.mark.parametrize("opcode", ["IQUERY", "STATUS", "NOTIFY", "UPDATE",
                                    "6", "15"])
def test_every_other_opcode_keeps_edns(server, opcode):
    """RFC 6891 section 6.1.1; section 3.1.4 of RFC 8906 is why: NOTIMP
    without OPT reads as a server that knows no EDNS."""
    seen = dig(server, "+nocookie", "+edns=0", f"+opcode={opcode}",
               "static.test", "SOA")
    assert seen.status == "NOTIMP" and seen.edns == "0"
    assert "aa" not in seen.flags and not seen.soa
