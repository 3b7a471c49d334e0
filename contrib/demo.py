# SPDX-License-Identifier: BSD-2-Clause
"""The parts of contrib/demo that a shell is no good at.

    ports WANT WANT ADDRESS...       two free ports, those if possible
    backend ADDRESS PORT NAME FILE   a web server; its pid in FILE
    until HOST PORT NAME A,A...      wait until NAME has these addresses
    share HOST PORT NAME W:A:LABEL…  who stands first in 1,000 answers
    kill HOST PORT NAME PID A LABEL  kill -9 PID; how long until A is gone
"""

import http.server
import os
import signal
import socket
import socketserver
import sys
import time

PATIENCE_S = 10


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"hello from {self.server.label}\n".encode())

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = True


def backend(address, port, label, pidfile):
    with Server((address, int(port)), Handler) as server:
        server.label = label
        with open(pidfile + ".new", "w", encoding="ascii") as f:
            f.write(f"{os.getpid()}\n")
        os.rename(pidfile + ".new", pidfile)
        server.serve_forever()


def port_is_free(port, addresses):
    for address in addresses:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(socket.AF_INET, kind) as s:
                if kind == socket.SOCK_STREAM:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    s.bind((address, port))
                except OSError:
                    return False
    return True


def ports(first, second, *addresses):
    print(*(next(port for port in range(int(want), int(want) + 1000)
                 if port_is_free(port, addresses))
            for want in (first, second)))


class Client:
    """Asks one question over and over, on one socket."""

    def __init__(self, host, port, name):
        # Imported here: a backend does without.
        import dns.message
        self.parse = dns.message.from_wire
        self.question = bytearray(
            dns.message.make_query(name, "A").to_wire())
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect((host, int(port)))
        self.socket.settimeout(0.5)

    def addresses(self):
        """In the order of the answer; None when there is none in time."""
        self.question[:2] = os.urandom(2)
        try:
            self.socket.send(self.question)
            octets = self.socket.recv(4096)
            while octets[:2] != self.question[:2]:
                octets = self.socket.recv(4096)
        except (TimeoutError, ConnectionError):
            return None
        return [rd.address for rrset in self.parse(octets).answer
                for rd in rrset]

    def ms_until(self, wanted):
        """Milliseconds until wanted(addresses) holds."""
        start = time.perf_counter()
        while True:
            got = self.addresses()
            ms = (time.perf_counter() - start) * 1000
            if got is not None and wanted(got):
                return ms
            if ms > PATIENCE_S * 1000:
                sys.exit(f"after {PATIENCE_S} s the answer is still {got}")
            if got is None:
                time.sleep(0.01)


def until(host, port, name, addresses):
    wanted = set(addresses.split(","))
    Client(host, port, name).ms_until(lambda got: set(got) == wanted)
    print(f"all {len(wanted)} are checked and in the answer")


def share(host, port, name, *backends):
    rows = [b.split(":") for b in backends]
    total = sum(int(weight) for weight, *_ in rows)
    client = Client(host, port, name)
    first = {}
    for _ in range(1000):
        got = client.addresses()
        if not got:
            sys.exit("no answer")
        first[got[0]] = first.get(got[0], 0) + 1
    ok = sum(first.values()) == sum(first.get(a, 0) for _, a, _ in rows)
    for weight, address, label in rows:
        have = first.get(address, 0) / 10
        want = int(weight) * 100 / total
        print(f"{label:8} weight {weight:>4}  {have:5.1f} %  "
              f"{'█' * round(have / 2.5)}")
        # Five standard deviations of a thousand draws.
        ok = ok and abs(have - want) < \
            5 * (want * (100 - want) / 1000) ** 0.5
    if not ok:
        sys.exit("that is not what the weights say")


def kill(host, port, name, pid, address, label):
    client = Client(host, port, name)
    client.ms_until(lambda got: address in got)
    os.kill(int(pid), signal.SIGKILL)
    ms = client.ms_until(lambda got: got and address not in got)
    print(f"{label} is out of the answer {ms:.1f} ms after its end")


if __name__ == "__main__":
    commands = {f.__name__: f for f in (ports, backend, until, share, kill)}
    if len(sys.argv) < 3 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](*sys.argv[2:])
