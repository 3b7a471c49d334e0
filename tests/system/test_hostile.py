# SPDX-License-Identifier: BSD-2-Clause
"""Packets that nobody well-meaning sends: dnsd answers rightly or not at
all, and goes on."""

import random
import socket
import struct

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import pytest

from rollcall import query, until

pytestmark = pytest.mark.threads

HEADER = struct.Struct("!6H")


@pytest.fixture
def web(site, dnsd):
    site.put("web", ("i-1", "192.0.2.1"), ("i-2", "192.0.2.2"))
    dnsd.wait_addresses("web", ["192.0.2.1", "192.0.2.2"])
    return dnsd


def send(dnsd, octets, seconds=1.0):
    """The answer's octets, or None when there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(dnsd.where)
        s.settimeout(seconds)
        s.send(octets)
        try:
            return s.recv(65535)
        except TimeoutError:
            return None


def code(octets):
    return dns.rcode.to_text(octets[3] & 15) if octets else None


QUESTION = query("web", "A", use_edns=False).to_wire()


def with_counts(qd, an=0, ns=0, ar=0, rest=QUESTION[12:]):
    return HEADER.pack(77, 0, qd, an, ns, ar) + rest


@pytest.mark.parametrize("octets, why", [
    (with_counts(0, rest=b""), "no question"),
    (with_counts(2), "two questions, one there"),
    (with_counts(2, rest=QUESTION[12:] * 2), "two questions (RFC 9619)"),
    (with_counts(1, rest=b""), "a question that is not there"),
    (with_counts(1, rest=QUESTION[12:-1]), "cut in the class"),
    (with_counts(1, rest=b"\xc0\x0c\0\1\0\1"), "a pointer to itself"),
    (with_counts(1, rest=b"\xc0\xff\0\1\0\1"), "a pointer beyond the end"),
    (with_counts(1, rest=b"\x40web\0\0\1\0\1"), "a reserved label type"),
    (with_counts(1, rest=b"\x3fab\0\0\1\0\1"), "a label beyond the end"),
    (with_counts(1, rest=b"\1a" * 128 + b"\0\0\1\0\1"), "over 255 octets"),
    (with_counts(1, ar=1), "an additional record that is not there"),
    (with_counts(1, ar=1, rest=QUESTION[12:] + b"\0\0\x29\x04\xd0\0\0\0\0"
                 b"\0\x08\0\x03\0\x40"), "an EDNS option cut short"),
    (with_counts(1, ar=2, rest=QUESTION[12:] +
                 b"\0\0\x29\x04\xd0\0\0\0\0\0\0" * 2), "two OPT records"),
])
def test_malformed_messages_are_formerr(web, octets, why):
    got = send(web, octets)
    assert code(got) == "FORMERR", why
    assert got[:2] == octets[:2]
    assert len(got) <= len(octets) + 12


@pytest.mark.parametrize("octets, why", [
    (b"", "an empty datagram"),
    (b"\0", "one octet"),
    (QUESTION[:11], "less than a header"),
    (QUESTION[:2] + b"\x80\0" + QUESTION[4:], "an answer, not a question"),
], ids=["empty", "octet", "short", "answer"])
def test_what_may_not_be_answered_is_not(web, octets, why):
    assert send(web, octets, 0.2) is None, why


def test_from_port_0_like_sources_nothing_loops(web):
    """An answer sent back to dnsd must end there."""
    got = send(web, QUESTION)
    assert got and send(web, got, 0.2) is None


def mutated(rng, octets):
    octets = bytearray(octets)
    for _ in range(rng.randint(1, 6)):
        kind = rng.randrange(5)
        at = rng.randrange(len(octets) or 1)
        if kind == 0 and octets:
            octets[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and octets:
            octets[at] = rng.choice((0, 0x3f, 0x40, 0x80, 0xc0, 0xff))
        elif kind == 2:
            del octets[at:]
        elif kind == 3:
            octets[at:at] = rng.randbytes(rng.randint(1, 40))
        else:
            octets += octets[at:at + rng.randint(1, 60)]
    return bytes(octets[:4096])


SEEDS = [
    query("web", "A").to_wire(), query("_web._tcp", "SRV").to_wire(),
    query("i-1.web", "TXT").to_wire(), query("nobody", "A").to_wire(),
    query("", "SOA").to_wire(), QUESTION,
    query("web", "ANY", use_edns=0, payload=512, want_dnssec=True).to_wire(),
]


def test_mutated_questions(web):
    rng = random.Random(20260101)
    answered = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(web.where)
        s.settimeout(0.002)
        for n in range(4000):
            # The id stays whole: a late answer is not taken for this one's.
            ident = struct.pack("!H", n)
            sent = ident + mutated(rng, rng.choice(SEEDS))[2:]
            s.send(sent)
            try:
                got = s.recv(65535)
            except TimeoutError:
                continue
            if got[:2] != ident:
                continue
            answered += 1
            assert len(got) >= 12 and got[2] & 0x80
            if sent[2] & 0x78:
                assert code(got) == "NOTIMP"
                continue
            try:
                dns.message.from_wire(got)
            except dns.exception.DNSException as e:
                raise AssertionError((sent.hex(), got.hex())) from e
    assert answered > 1000
    until("alive", web.alive)
    assert web.addresses("web") == ["192.0.2.1", "192.0.2.2"]


def test_mutated_streams(web):
    rng = random.Random(20260102)
    for _ in range(150):
        octets = b""
        for _ in range(rng.randint(1, 5)):
            one = mutated(rng, rng.choice(SEEDS))
            n = len(one) if rng.random() < 0.8 else rng.randrange(65536)
            octets += struct.pack("!H", n) + one
        with socket.create_connection(web.where, 5) as s:
            s.settimeout(5)
            try:
                s.sendall(octets)
                if rng.random() < 0.5:
                    s.shutdown(socket.SHUT_WR)
                    while s.recv(65536):
                        pass
            except ConnectionError:
                pass
    until("alive", web.alive)
    assert web.ask("web", tcp=True).addresses()
