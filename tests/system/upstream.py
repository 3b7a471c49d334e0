# SPDX-License-Identifier: BSD-2-Clause
"""An upstream of our own, that answers as a test tells it to, or lies."""

import contextlib
import socket
import threading
import time

import dns.flags
import dns.message
import dns.rrset

from rollcall import HOST, free_port


def address(q, *addresses, ttl=60):
    """The usual answer."""
    r = dns.message.make_response(q, recursion_available=True)
    name = q.question[0].name
    if q.question[0].rdtype == dns.rdatatype.A:
        r.answer.append(dns.rrset.from_text(
            name, ttl, "IN", "A", *(addresses or ["192.0.2.1"])))
    return r


class Upstream:
    """UDP and TCP of one address. how: a question to a message, to octets,
    to several of either, or to None. slow_s: how long each takes."""

    def __init__(self, how=address, host=HOST, port=None):
        self.host, self.port = host, port or free_port()
        self.how = how
        self.slow_s = 0
        self.asked = []  # (name in lower case, type), in order
        self.messages = []
        self.ended = False
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((self.host, self.port))
        self.tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.tcp.bind((self.host, self.port))
        self.tcp.listen()
        self.threads = [threading.Thread(target=f, daemon=True)
                        for f in (self.serve_udp, self.serve_tcp)]
        for thread in self.threads:
            thread.start()

    @property
    def where(self):
        return f"{self.host}:{self.port}"

    def answers(self, wire):
        q = dns.message.from_wire(wire)
        self.messages.append(q)
        question = q.question[0]
        name = question.name.to_text().lower()
        # which dnsd asks for to see whether it comes back
        if not name.endswith(".rollcall-loop."):
            self.asked.append((name,
                               dns.rdatatype.to_text(question.rdtype)))
        said = self.how(q)
        for one in said if isinstance(said, list) else [said]:
            if isinstance(one, dns.message.Message):
                yield one.to_wire(max_size=65535)
            elif one is not None:
                yield one

    def serve_udp(self):
        while not self.ended:
            wire, peer = self.udp.recvfrom(65535)
            if self.ended:
                return
            for one in self.answers(wire):
                if len(one) > 1232:
                    q = dns.message.from_wire(wire)
                    cut = dns.message.make_response(q)
                    cut.flags |= dns.flags.TC
                    one = cut.to_wire()
                if self.slow_s:
                    threading.Timer(
                        self.slow_s, self.send, (one, peer)).start()
                else:
                    self.send(one, peer)

    def send(self, wire, peer):
        with contextlib.suppress(OSError):
            self.udp.sendto(wire, peer)

    def serve_tcp(self):
        while True:
            try:
                c, _ = self.tcp.accept()
            except OSError:
                return
            with c, contextlib.suppress(OSError, EOFError):
                c.settimeout(2)
                head = c.recv(2)
                wire = c.recv(int.from_bytes(head, "big"))
                for one in self.answers(wire):
                    time.sleep(self.slow_s)
                    c.sendall(len(one).to_bytes(2, "big") + one)

    def names(self):
        return [name for name, _ in self.asked]

    def close(self):
        self.ended = True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"", (self.host, self.port))
        self.threads[0].join(5)
        with contextlib.suppress(OSError):
            self.tcp.shutdown(socket.SHUT_RDWR)
        self.tcp.close()
        self.udp.close()
