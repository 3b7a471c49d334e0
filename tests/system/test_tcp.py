# SPDX-License-Identifier: BSD-2-Clause
"""TCP as RFC 7766 has it: pipelining, limits, and clients that misbehave."""

import contextlib
import socket
import struct
import time

import dns.message
import pytest

from rollcall import PATIENCE_S, query, until

pytestmark = pytest.mark.threads


@pytest.fixture
def web(site, dnsd):
    site.put("web", ("i-1", "192.0.2.1"))
    dnsd.wait_addresses("web", ["192.0.2.1"])
    return dnsd


def connect(dnsd):
    return socket.create_connection(dnsd.where, PATIENCE_S)


def framed(message):
    octets = message.to_wire()
    return struct.pack("!H", len(octets)) + octets


def read_exactly(s, n):
    got = b""
    while len(got) < n:
        more = s.recv(n - len(got))
        if not more:
            raise EOFError(f"closed after {len(got)} of {n} octets")
        got += more
    return got


def read_message(s):
    n, = struct.unpack("!H", read_exactly(s, 2))
    return dns.message.from_wire(read_exactly(s, n))


def closed_by_peer(s, seconds):
    s.settimeout(seconds)
    with contextlib.suppress(ConnectionResetError):
        return s.recv(1) == b""
    return True


def test_pipelined_questions_are_all_answered(web):
    questions = [query("web" if n % 2 else "nobody", "A") for n in range(100)]
    for n, asked in enumerate(questions):
        asked.id = n
    with connect(web) as s:
        s.sendall(b"".join(framed(asked) for asked in questions))
        got = {m.id: m for m in (read_message(s) for _ in questions)}
    assert sorted(got) == list(range(100))
    for n, asked in enumerate(questions):
        assert asked.is_response(got[n])
        assert bool(got[n].answer) == bool(n % 2)


def test_a_question_may_come_octet_by_octet(web):
    with connect(web) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in framed(query("web", "A")):
            s.send(bytes([octet]))
            time.sleep(0.001)
        assert read_message(s).answer


def test_a_client_that_only_closes_its_half_gets_its_answers(web):
    with connect(web) as s:
        s.sendall(framed(query("web", "A")) * 3)
        s.shutdown(socket.SHUT_WR)
        for _ in range(3):
            assert read_message(s).answer
        assert closed_by_peer(s, PATIENCE_S)


def test_an_idle_connection_is_closed(site):
    site.create_registry()
    dnsd = site.start_dnsd("--tcp-idle", "300ms")
    with connect(dnsd) as quiet, connect(dnsd) as half:
        half.sendall(framed(query("web", "A"))[:7])
        assert closed_by_peer(quiet, PATIENCE_S)
        assert closed_by_peer(half, PATIENCE_S)


def test_talking_keeps_a_connection_open(site):
    site.create_registry()
    dnsd = site.start_dnsd("--tcp-idle", "500ms")
    with connect(dnsd) as s:
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            s.sendall(framed(query("web", "A")))
            read_message(s)
            time.sleep(0.1)


def test_connections_beyond_the_limit_do_not_lock_others_out(site):
    site.create_registry()
    dnsd = site.start_dnsd("--tcp-connections", "8")
    with contextlib.ExitStack() as stack:
        for _ in range(30):
            stack.enter_context(connect(dnsd))
        assert dnsd.ask("", "SOA").rdata(), "UDP goes on"

        def asks_by_tcp():
            with contextlib.suppress(EOFError, OSError):
                with connect(dnsd) as s:
                    s.settimeout(1)
                    s.sendall(framed(query("", "SOA")))
                    return read_message(s).answer
            return None
        until("a newcomer is answered", asks_by_tcp)


def test_a_client_that_does_not_read_is_dropped(site, dnsd):
    """Its answers must not fill our memory."""
    site.put("many", *[(f"i-{n}", f"198.51.100.{n % 250 + 1}")
                       for n in range(500)])
    until("500", lambda: len(dnsd.instances("many")) == 500)

    def resident_kib():
        with open(f"/proc/{dnsd.pid}/status", encoding="ascii") as f:
            return next(int(line.split()[1]) for line in f
                        if line.startswith("VmRSS"))
    before = resident_kib()
    asked = framed(query("_many._tcp", "SRV")) * 50
    sent = 0
    with connect(dnsd) as s:
        s.settimeout(0.5)
        with contextlib.suppress(OSError):
            while sent < 20000:
                s.sendall(asked)
                sent += 50
    # 20,000 answers of 20 KB each would be 400 MB.
    assert resident_kib() - before < 60_000
    assert len(dnsd.instances("many")) == 500


def test_nonsense_in_the_length_ends_only_that_connection(web):
    for octets in (b"\0\0", b"\0\1x", b"\0\5abcde", b"\xff\xff" + b"x" * 70):
        with connect(web) as s:
            s.sendall(octets)
            s.shutdown(socket.SHUT_WR)
            with contextlib.suppress(EOFError, ConnectionError):
                read_message(s)
    assert web.ask("web", tcp=True).addresses() == ["192.0.2.1"]
