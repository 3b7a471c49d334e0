# SPDX-License-Identifier: BSD-2-Clause
"""What is refused, and the frame that every response has whatever becomes of
the request: id, opcode, RD, the question, OPT, the cookie."""

import socket
import struct

import dns.message
import pytest

from rollcall import PATIENCE_S

Q = b"\6static\4test\0"
SOA, IN = b"\0\6", b"\0\1"
QUESTION = Q + SOA + IN
RR = b"\0\0\1\0\1\0\0\0\0\0\4\300\0\2\1"  # an A record of the root
TSIG = b"\1k\0\0\372\0\377\0\0\0\0\0\0"
CLIENT = bytes.fromhex("2464c4abcf10c957")
COOKIE = b"\0\12\0\10" + CLIENT
NSID = b"\0\3\0\0"
RD, CD = 0x0100, 0x0010
NOERROR, FORMERR, NOTIMP, REFUSED, BADVERS = 0, 1, 4, 5, 16


def opt(data=b"", version=0, flags=0, owner=b"\0"):
    return owner + struct.pack("!HHBBHH", 41, 1232, 0, version, flags,
                               len(data)) + data


def message(body=QUESTION, qd=1, an=0, ns=0, ar=0, flags=RD):
    return struct.pack("!6H", 4711, flags, qd, an, ns, ar) + body


@pytest.fixture
def server(site):
    zones = site.folder / "zones"
    zones.mkdir()
    (zones / "static.test.zone").write_text(
        "$TTL 60\n@ SOA ns1 h 1 3600 600 86400 60\n@ NS ns1\n"
        "ns1 A 192.0.2.1\n")
    site.create_registry()
    return site.start_dnsd("--zones", zones, "--identity", "here",
                           "--version-text", "a version")


def send(server, octets, tcp):
    if tcp:
        with socket.create_connection(server.where, PATIENCE_S) as s:
            s.sendall(struct.pack("!H", len(octets)) + octets)
            stream = s.makefile("rb")
            return stream.read(struct.unpack("!H", stream.read(2))[0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(server.where)
        s.settimeout(PATIENCE_S)
        s.send(octets)
        return s.recv(65535)


class Response:
    """From the octets, for dnspython does not know every opcode."""

    def __init__(self, octets):
        self.octets = octets
        (self.ident, self.flags, self.qd, self.an, self.ns,
         self.ar) = struct.unpack("!6H", octets[:12])
        self.aa = bool(self.flags & 0x0400)
        self.options = {}
        self.opt = None
        known = octets[:2] + bytes([octets[2] & 0x87]) + octets[3:]
        m = dns.message.from_wire(known)  # all of it is well-formed
        self.rcode = int(m.rcode())
        if m.edns >= 0:
            self.opt = m.edns
            self.options = {int(o.otype): o.to_wire() for o in m.options}


def ask(server, octets, tcp=False):
    got = Response(send(server, octets, tcp))
    sent = struct.unpack("!H", octets[2:4])[0]
    assert got.ident == 4711
    assert got.flags & 0x8000, "QR"
    assert got.flags & 0x7800 == sent & 0x7800, "the opcode is echoed"
    assert got.flags & (RD | CD) == sent & (RD | CD), "RD and CD are copied"
    assert not got.flags & 0x00e0, "RA, Z and AD are not set"
    return got


# why, request, RCODE, the question is echoed
CASES = [
    ("RFC 9619: no question", dict(body=b"", qd=0), FORMERR, False),
    ("RFC 9619: two questions", dict(body=QUESTION * 2, qd=2), FORMERR,
     False),
    ("an answer in a query", dict(body=QUESTION + RR, an=1), FORMERR, True),
    ("authority in a query", dict(body=QUESTION + RR, ns=1), FORMERR, True),
    ("a compressed question", dict(body=b"\xc0\x0c" + SOA + IN), FORMERR,
     False),
    ("a name of 256 octets", dict(body=b"\x3f" + b"a" * 63 + (
        b"\x3f" + b"a" * 63) * 2 + b"\x3e" + b"a" * 62 + b"\0" + SOA + IN),
     FORMERR, False),
    ("opcode IQUERY", dict(flags=1 << 11), NOTIMP, True),
    ("opcode STATUS", dict(flags=2 << 11 | RD), NOTIMP, True),
    ("opcode 3", dict(flags=3 << 11), NOTIMP, True),
    ("opcode NOTIFY with SOA", dict(body=QUESTION + RR, an=1,
                                    flags=4 << 11 | 0x400), NOTIMP, True),
    ("opcode UPDATE with a record", dict(body=QUESTION + RR, ns=1,
                                         flags=5 << 11), NOTIMP, True),
    ("opcode 15", dict(flags=15 << 11), NOTIMP, True),
    ("QTYPE OPT", dict(body=Q + b"\0\51" + IN), FORMERR, True),
    ("QTYPE TKEY", dict(body=Q + b"\0\371" + IN), NOTIMP, True),
    ("QTYPE TSIG", dict(body=Q + b"\0\372" + IN), NOTIMP, True),
    ("QTYPE MAILB", dict(body=Q + b"\0\375" + IN), NOTIMP, True),
    ("QTYPE MAILA", dict(body=Q + b"\0\376" + IN), NOTIMP, True),
    ("AXFR from a server without transfers", dict(body=Q + b"\0\374" + IN),
     REFUSED, True),
    ("IXFR without a SOA", dict(body=Q + b"\0\373" + IN), REFUSED, True),
    ("IXFR", dict(body=Q + b"\0\373" + IN + RR, ns=1), REFUSED, True),
    ("class HS", dict(body=Q + SOA + b"\0\4"), REFUSED, True),
    ("class NONE", dict(body=Q + SOA + b"\0\376"), REFUSED, True),
    ("class 0", dict(body=Q + SOA + b"\0\0"), REFUSED, True),
    ("class CH, a zone of class IN", dict(body=Q + SOA + b"\0\3"), REFUSED,
     True),
    ("the root", dict(body=b"\0\0\2\0\1"), REFUSED, True),
    ("a zone of others", dict(body=b"\5other\4test\0" + SOA + IN), REFUSED,
     True),
    ("CHAOS authors.bind", dict(body=b"\7authors\4bind\0\0\20\0\3"), REFUSED,
     True),
]


@pytest.mark.parametrize("tcp", [False, True], ids=["UDP", "TCP"])
@pytest.mark.parametrize("why, request_, rcode, echoed", CASES,
                         ids=[c[0] for c in CASES])
def test_refused(server, why, request_, rcode, echoed, tcp):
    plain = ask(server, message(**request_), tcp)
    assert plain.rcode == rcode and plain.opt is None
    parts = dict(request_)
    parts["body"] = parts.get("body", QUESTION) + opt(COOKIE + NSID)
    parts["ar"] = 1
    octets = message(**parts)
    got = ask(server, octets, tcp)
    if why == "RFC 9619: no question":
        rcode = NOERROR  # RFC 7873 section 5.4: it asks for a cookie
    assert got.rcode == rcode
    for r in plain, got:
        assert not r.aa and (r.an, r.ns) == (0, 0)
        assert r.qd == echoed
        if echoed:
            end = r.octets.index(b"\0", 12) + 5
            assert r.octets[12:end] == octets[12:end]
    if why in ("a compressed question",):
        return  # nobody knows where OPT is
    # RFC 6891 section 6.1.1, RFC 7873 section 5.2, RFC 5001
    assert got.opt == 0 and got.ar == 1
    assert got.options[10][:8] == CLIENT and len(got.options[10]) == 24
    assert got.options[3] == b"here"


# why, what follows the question, its counts, is EDNS seen?
OPT_CASES = [
    ("two OPT records", opt() + opt(), dict(ar=2), True),
    ("OPT as an answer", opt(), dict(an=1), False),
    ("OPT as authority", opt(), dict(ns=1), False),
    ("OPT whose owner is not the root", opt(owner=b"\1a\0"), dict(ar=1),
     False),
    ("octets after OPT", opt() + b"x", dict(ar=1), True),
    ("octets after the question", b"x", dict(), False),
    ("an option longer than OPT", opt(b"\0\3\0\5a"), dict(ar=1), True),
    ("half an option", opt(b"\0\3\0"), dict(ar=1), True),
    ("a cookie of seven octets", opt(b"\0\12\0\7" + CLIENT[:7]), dict(ar=1),
     True),
    ("a cookie of 41 octets", opt(b"\0\12\0\51" + bytes(41)), dict(ar=1),
     True),
]


@pytest.mark.parametrize("why, rest, counts, edns", OPT_CASES,
                         ids=[c[0] for c in OPT_CASES])
def test_edns_that_is_wrong_is_formerr(server, why, rest, counts, edns):
    got = ask(server, message(QUESTION + rest, **counts))
    assert got.rcode == FORMERR and got.qd == 1 and not got.aa
    assert (got.opt == 0) == edns
    assert 10 not in got.options, "no cookie to a malformed one"


@pytest.mark.parametrize("flags", [0x0200, 0x0080, 0x0040, 0x0020, 0x0400,
                                   0x000f, 0x0010])
def test_flags_of_a_query_change_nothing(server, flags):
    """TC, RA, Z, AD, AA, an RCODE and CD: RFC 1035 section 4.1.1 gives them
    no meaning in a query, or none for a server of zones."""
    got = ask(server, message(flags=flags))
    assert got.rcode == NOERROR and got.aa and got.an == 1


def test_a_badvers_answer_is_one_of_version_0(server):
    got = ask(server, message(QUESTION + opt(COOKIE, version=1), ar=1))
    assert (got.rcode, got.opt, got.an, got.aa) == (BADVERS, 0, 0, False)
    assert not got.options, "what options mean there nobody knows"


def test_the_dnssec_flag_alone_is_copied(server):
    got = send(server, message(QUESTION + opt(flags=0xffff), ar=1), False)
    assert got[-4:-2] == b"\x80\0"


def test_class_any_is_answered_without_authority(server):
    """RFC 1035 sections 3.2.5 and 6.2."""
    got = ask(server, message(Q + SOA + b"\0\377"))
    assert (got.rcode, got.an, got.aa) == (NOERROR, 1, False)


@pytest.mark.parametrize("rrtype", [0, 128, 1000, 32768, 65535])
def test_types_that_nobody_knows_are_nodata(server, rrtype):
    """RFC 3597, RFC 8906 section 3.1.3."""
    got = ask(server, message(Q + struct.pack("!H", rrtype) + IN))
    assert (got.rcode, got.aa, got.an, got.ns) == (NOERROR, True, 0, 1)


def test_a_name_of_255_octets_is_answered(server):
    long = (b"\x3f" + b"a" * 63) * 3 + b"\x31" + b"b" * 49 + Q
    assert len(long) == 255
    got = ask(server, message(long + b"\0\1\0\1" + opt(), ar=1))
    assert (got.rcode, got.aa, got.ns) == (3, True, 1)


@pytest.mark.parametrize("name, text", [
    (b"\7version\4bind\0", b"a version"),
    (b"\7VERSION\6server\0", b"a version"),
    (b"\2id\6server\0", b"here"), (b"\10hostname\4bind\0", b"here")])
def test_chaos(server, name, text):
    """RFC 4892 and BIND's names."""
    for qtype in (16, 255):
        got = ask(server, message(
            name + struct.pack("!HH", qtype, 3)))
        assert (got.rcode, got.an, got.aa) == (NOERROR, 1, True)
        assert got.octets.endswith(bytes([len(text)]) + text)
    got = ask(server, message(name + b"\0\1\0\3"))
    assert (got.rcode, got.an) == (NOERROR, 0), "another type is NODATA"


def test_a_signature_of_an_unknown_key_does_not_stop_an_answer(server):
    got = ask(server, message(QUESTION + opt() + TSIG, ar=2))
    assert got.opt == 0 and (got.rcode, got.an) == (NOERROR, 1)
