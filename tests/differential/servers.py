# SPDX-License-Identifier: BSD-2-Clause
"""The four servers, each on a free port of the loopback, in a directory of
its own; and questions to all of them."""

import os
import pathlib
import select
import shutil
import socket
import subprocess
import time

import dns.flags
import dns.message


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    name = binary = None

    def __init__(self, folder, zones):
        self.folder = pathlib.Path(folder) / self.name
        self.folder.mkdir()
        self.port = free_port()
        self.zones = self.folder / "zones"
        self.zones.mkdir()
        for zone in zones:
            self.file(zone).write_text(zone.text())
        self.names = [zone.name for zone in zones]
        self.log = (self.folder / "log").open("w")
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            self.command(), cwd=self.folder, stdout=self.log,
            stderr=subprocess.STDOUT)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.socket.connect(("127.0.0.1", self.port))

    def file(self, zone):
        return self.zones / f"{zone.name}zone"

    @classmethod
    def path(cls):
        return shutil.which(cls.binary, path=os.environ["PATH"] +
                            ":/usr/sbin:/sbin")

    def wait(self, seconds=30, pause=0.05):
        """Until every zone is served."""
        end = time.monotonic() + seconds
        left = list(self.names)
        while left:
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError(
                    f"{self.name} does not serve {left[-1]}: see "
                    f"{self.folder}/log")
            query = dns.message.make_query(left[-1], "SOA")
            try:
                self.socket.send(query.to_wire())
                self.socket.settimeout(0.3)
                answer = dns.message.from_wire(self.socket.recv(65535))
                # late answers to earlier tries are as good
                if answer.question == query.question and answer.answer:
                    left.pop()
                    continue
            except (OSError, dns.exception.DNSException):
                pass
            time.sleep(pause)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.socket.close()
        self.log.close()

    def ask(self, queries):
        """Responses to a list of messages whose ids are their indices."""
        answers = [None] * len(queries)
        self.socket.setblocking(False)
        for _ in range(5):
            missing = [i for i, a in enumerate(answers) if a is None]
            if not missing:
                break
            for i in missing:
                while True:
                    try:
                        self.socket.send(queries[i])
                        break
                    except BlockingIOError:
                        select.select([], [self.socket], [])
            self.collect(answers, len(missing))
        return answers

    def collect(self, answers, expected):
        got = 0
        while got < expected:
            if not select.select([self.socket], [], [], 1.0)[0]:
                return
            message = self.socket.recv(65535)
            index = int.from_bytes(message[:2], "big")
            if index < len(answers) and answers[index] is None:
                answers[index] = message
                got += 1


class Dnsd(Server):
    name = "dnsd"
    binary = "dnsd"

    def command(self):
        return [os.environ["DNSD"], "--registry", self.folder / "none.db",
                "--zone", "unused.invalid", "--zones", self.zones,
                "--workers", "1", "--udp-size", "4096",
                "--listen", f"127.0.0.1:{self.port}"]


class Nsd(Server):
    name = "NSD"
    binary = "nsd"

    def command(self):
        config = f"""server:
  ip-address: 127.0.0.1@{self.port}
  username: ""
  zonesdir: "{self.zones}"
  database: ""
  pidfile: ""
  zonelistfile: "{self.folder}/list"
  xfrdfile: "{self.folder}/xfrd"
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
  ipv4-edns-size: 4096
  refuse-any: no
remote-control:
  control-enable: no
"""
        for name in self.names:
            config += f"zone:\n  name: {name}\n  zonefile: {name}zone\n"
        (self.folder / "nsd.conf").write_text(config)
        return [self.path(), "-d", "-c", self.folder / "nsd.conf"]


class Knot(Server):
    name = "Knot"
    binary = "knotd"

    def command(self):
        config = f"""server:
    listen: 127.0.0.1@{self.port}
    rundir: {self.folder}
    udp-max-payload: 4096
    udp-workers: 1
    tcp-workers: 1
database:
    storage: {self.folder}/db
template:
  - id: default
    storage: {self.zones}
    file: "%s.zone"
    zonefile-load: whole
    journal-content: none
    semantic-checks: off
log:
  - target: stdout
    any: warning
zone:
"""
        for name in self.names:
            config += f"  - domain: {name}\n"
        (self.folder / "knot.conf").write_text(config)
        return [self.path(), "-c", self.folder / "knot.conf"]


class Bind(Server):
    name = "BIND"
    binary = "named"

    def command(self):
        config = f"""options {{
  directory "{self.folder}";
  listen-on port {self.port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  pid-file none;
  session-keyfile "{self.folder}/key";
  recursion no;
  allow-query {{ any; }};
  dnssec-validation no;
  minimal-responses no-auth;
  minimal-any no;
  notify no;
  edns-udp-size 4096;
  max-udp-size 4096;
  nocookie-udp-size 4096;
  answer-cookie no;
  check-names primary ignore;
  check-integrity no;
  check-wildcard no;
  empty-zones-enable no;
}};
controls {{ }};
"""
        for name in self.names:
            config += (f'zone "{name}" {{ type primary; '
                       f'file "{self.zones}/{name}zone"; }};\n')
        (self.folder / "named.conf").write_text(config)
        return [self.path(), "-g", "-n", "1", "-c",
                self.folder / "named.conf"]


OTHERS = (Nsd, Knot, Bind)
