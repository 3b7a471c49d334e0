# SPDX-License-Identifier: BSD-2-Clause
"""Real daemons on loopback, for tests that ask them over the wire.

Every run of pytest has an address of its own in 127.0.0.0/8, made from its
process id, so that two runs at a time share no port. Waiting is polling with
a deadline: see until().
"""

import contextlib
import itertools
import json
import os
import pathlib
import re
import socket
import sqlite3
import subprocess
import time

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

TREE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ROLLCALL_BUILD", TREE / "build/dev"))
ZONE = "svc.internal"
PATIENCE_S = 15.0  # until a wait fails; sanitizers and busy hosts are slow

_pid = os.getpid()
HOST = f"127.{64 + (_pid >> 16 & 63)}.{_pid >> 8 & 255}.{_pid & 255 or 1}"
_ports = itertools.count(5300)  # below the ephemeral ones

SANITIZER = re.compile(
    r"(ERROR: (Address|Leak|Thread|Memory)Sanitizer|"
    r"WARNING: ThreadSanitizer|runtime error:|Assertion .* failed)")


def free_port():
    """A port of HOST that nobody has, for UDP and TCP alike."""
    for port in _ports:
        if port > 32000:
            break
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp, \
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                tcp.bind((HOST, port))
                udp.bind((HOST, port))
                return port
    raise RuntimeError("no free port")


def until(what, check, seconds=PATIENCE_S):
    """Call check until it returns something true; that is the result."""
    end = time.monotonic() + seconds
    pause = 0.002
    while True:
        got = check()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError(f"in {seconds} s not seen: {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


def always(what, check, seconds=0.5):
    """Fail if check returns something false within the time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert check(), f"did not last: {what}"
        time.sleep(0.02)


def within_a_minute(look):
    """What look() returns, of a time in which parts of answers stay as they
    are: until the next full minute."""
    for _ in range(3):
        slot = time.time() // 60
        got = look()
        if time.time() // 60 == slot:
            return got
        time.sleep(0.1)
    raise AssertionError("it takes more than a minute")


class Daemon:
    """One program of ours, its log, and how it has to end."""

    def __init__(self, program, args, log):
        self.program = program
        self.args = [str(a) for a in args]
        self.prefix = []  # of the command
        self.pass_fds = []
        self.log = log
        self.process = None

    @property
    def pid(self):
        return self.process.pid

    def start(self):
        """Returns when it says that it is ready, as to systemd."""
        name = f"rollcall-test-{os.getpid()}-{next(_ports)}"
        with self.log.open("ab") as log, \
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(f"\0{name}")
            notify.settimeout(0.05)
            # setpriv: it dies with us, however we die
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self.prefix,
                 BUILD / self.program / self.program, *self.args],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=self.pass_fds,
                env={**os.environ, "NOTIFY_SOCKET": f"@{name}"})
            until(f"{self.program} is ready", lambda: self.ready(notify))
        return self

    def ready(self, notify):
        assert self.running(), \
            f"{self.program} ended with {self.process.returncode}"
        with contextlib.suppress(TimeoutError):
            return b"READY=1" in notify.recv(4096).splitlines()
        return False

    def running(self):
        return self.process is not None and self.process.poll() is None

    def log_text(self):
        if not self.log.exists():
            return ""
        return self.log.read_text(errors="replace")

    def logged(self, pattern, start=0):
        return re.search(pattern, self.log_text()[start:], re.MULTILINE)

    def wait_log(self, pattern, start=0):
        def check():
            assert self.running(), \
                f"{self.program} ended: {self.process.returncode}"
            return self.logged(pattern, start)
        return until(f"{self.program} logs /{pattern}/", check)

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """kill -9, as a crash would."""
        self.process.kill()
        self.process.wait(PATIENCE_S)
        self.process = None
        self.check_log()

    def stop(self):
        """SIGTERM: it must end by itself, with status 0."""
        if self.process is None:
            return
        status = self.process.poll()
        if status is not None:
            self.check_log()
            raise AssertionError(
                f"{self.program} ended by itself with {status}")
        self.process.terminate()
        try:
            status = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            self.check_log()
            raise AssertionError(
                f"{self.program} still ran {PATIENCE_S} s after SIGTERM"
            ) from None
        finally:
            self.process = None
        self.check_log()
        assert status == 0, f"{self.program} ended with {status}"

    def check_log(self):
        found = SANITIZER.search(self.log_text())
        assert not found, f"{self.program}: {found.group(0)}"


def type_of(thing):
    return dns.rdatatype.to_text(thing.rdtype)


class Answer:
    """A response in the words that tests are written in."""

    def __init__(self, message):
        self.message = message
        self.rcode = dns.rcode.to_text(message.rcode())
        self.authority_types = [type_of(r) for r in message.authority]

    def flag(self, name):
        return bool(self.message.flags & dns.flags.from_text(name))

    def rdata(self, section="answer", rdtype=None):
        return [rd for rrset in getattr(self.message, section)
                for rd in rrset
                if rdtype in (None, type_of(rrset))]

    def addresses(self):
        return [rd.address for rd in self.rdata()
                if type_of(rd) in ("A", "AAAA")]

    def srv(self):
        """(priority, weight, port, target without the zone) in order."""
        return [(rd.priority, rd.weight, rd.port,
                 rd.target.to_text().removesuffix(f".{ZONE}."))
                for rd in self.rdata(rdtype="SRV")]

    def instances(self):
        """Names of the instances in an SRV answer, sorted."""
        return sorted(target.split(".")[0] for *_, target in self.srv())

    def __repr__(self):
        return str(self.message)


def qualified(name):
    if name.endswith("."):
        return name
    return f"{name}.{ZONE}." if name else f"{ZONE}."


def query(name, rdtype, **more):
    more.setdefault("use_edns", 0)
    more.setdefault("payload", 1232)
    return dns.message.make_query(qualified(name), rdtype, **more)


class Dnsd(Daemon):
    def __init__(self, site, *args, zone=ZONE):
        self.host, self.port = HOST, free_port()
        self.where = (self.host, self.port)
        super().__init__("dnsd", [
            "--registry", site.registry, "--zone", zone,
            "--listen", f"{self.host}:{self.port}", *args],
            site.log("dnsd"))

    def alive(self):
        assert self.running(), f"dnsd ended with {self.process.returncode}"
        with contextlib.suppress(dns.exception.Timeout, OSError):
            return self.exchange(query("", "SOA"), timeout=0.3)
        return None

    def exchange(self, message, tcp=False, timeout=PATIENCE_S):
        if tcp:
            got = dns.query.tcp(message, self.host, timeout, self.port)
        else:
            got = dns.query.udp(message, self.host, timeout, self.port)
        return Answer(got)

    def ask(self, name, rdtype="A", tcp=False, **more):
        return self.exchange(query(name, rdtype, **more), tcp)

    def dig(self, *args):
        out = subprocess.run(
            ["dig", f"@{self.host}", "-p", str(self.port), "+tries=2",
             "+time=5", *args], text=True, capture_output=True, check=True)
        return out.stdout

    def addresses(self, name, rdtype="A"):
        return sorted(self.ask(name, rdtype).addresses())

    def instances(self, name):
        """Those in the SRV answer of _NAME._tcp."""
        return self.ask(f"_{name}._tcp", "SRV", tcp=True).instances()

    def wait_addresses(self, name, expected, seconds=PATIENCE_S):
        got = None

        def check():
            nonlocal got
            got = self.addresses(name)
            return got == sorted(expected)
        try:
            until(f"{name} A {expected}", check, seconds)
        except AssertionError as e:
            raise AssertionError(f"{e}; the answer is {got}") from None

    def wait_instances(self, name, expected, seconds=PATIENCE_S):
        got = None

        def check():
            nonlocal got
            got = self.instances(name)
            return got == sorted(expected)
        try:
            until(f"_{name}._tcp SRV {expected}", check, seconds)
        except AssertionError as e:
            raise AssertionError(f"{e}; the answer is {got}") from None


class Registrar(Daemon):
    def __init__(self, site, *args):
        super().__init__("registrar", [
            "run", "--registry", site.registry, "--watch", site.watch,
            *args], site.log("registrar"))


class Site:
    """A folder with a registry, definitions and the daemons on them."""

    def __init__(self, folder):
        self.folder = folder
        self.registry = folder / "registry.db"
        self.watch = folder / "services.d"
        self.watch.mkdir()
        self.daemons = []
        self.processes = []
        self._logs = itertools.count(1)

    def log(self, program):
        return self.folder / f"{program}-{next(self._logs)}.log"

    def start_dnsd(self, *args, **more):
        daemon = Dnsd(self, *args, **more)
        self.daemons.append(daemon)
        return daemon.start()

    def start_registrar(self, *args):
        daemon = Registrar(self, *args)
        self.daemons.append(daemon)
        return daemon.start()

    # -- definitions

    def define(self, file, text):
        """Write a definition as careful programs do: aside, then over."""
        aside = self.folder / f"{file}.new"
        aside.write_text(text)
        aside.rename(self.watch / file)

    def process(self, name):
        """A process to watch, with its pidfile; kill() it at will."""
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "sleep", "1000"],
            stdin=subprocess.DEVNULL)
        self.processes.append(process)
        pidfile = self.folder / f"{name}.pid"
        aside = self.folder / f"{name}.pid.new"
        aside.write_text(f"{process.pid}\n")
        aside.rename(pidfile)
        return process, pidfile

    # -- the registry

    def connect(self):
        db = sqlite3.connect(self.registry, timeout=10, isolation_level=None)
        db.row_factory = sqlite3.Row
        return db

    def sql(self, text, *params):
        with contextlib.closing(self.connect()) as db:
            return [tuple(row) for row in db.execute(text, params)]

    def script(self, text):
        """Through the sqlite3 shell, as an operator would."""
        return subprocess.run(
            ["sqlite3", "-bail", str(self.registry)], input=text, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)

    def create_registry(self):
        """An empty one, made by the program that owns the schema."""
        empty = self.folder / "empty.jsonl"
        empty.write_text("")
        self.run("import", empty, "--registry", self.registry)

    def put(self, service, *instances, port=8080):
        """A service by SQL; instances are (name, address[, weight])."""
        with contextlib.closing(self.connect()) as db:
            db.execute("BEGIN IMMEDIATE")
            db.execute("INSERT OR IGNORE INTO service (name, port) "
                       "VALUES (?, ?)", (service, port))
            for name, address, *weight in instances:
                db.execute(
                    "INSERT INTO instance (service, name, address, weight) "
                    "VALUES (?, ?, ?, ?)",
                    (service, name, address, *(weight or [100])))
            db.execute("COMMIT")

    def put_health(self, service, name, health):
        self.sql("UPDATE instance SET health = ? WHERE service = ? "
                 "AND name = ?", health, service, name)

    def health(self, service):
        """{instance: its state}"""
        return dict(self.sql("SELECT name, state FROM instance "
                             "WHERE service = ?", service))

    def wait_health(self, service, expected):
        until(f"{service} is {expected}",
              lambda: self.health(service) == expected)

    # -- commands

    def command(self, *args, program="registrar", seconds=60):
        return subprocess.run(
            [BUILD / program / program, *map(str, args)], text=True,
            stdin=subprocess.DEVNULL, capture_output=True, check=False,
            timeout=seconds)

    def run(self, *args):
        done = self.command(*args)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def status(self, *args):
        done = self.command("status", "--registry", self.registry, "--json",
                            *args)
        assert done.returncode in (0, 3, 4), done.stderr
        return json.loads(done.stdout)

    def close(self):
        errors = []
        for process in self.processes:
            process.kill()
            process.wait()
        for daemon in reversed(self.daemons):
            try:
                daemon.stop()
            except AssertionError as e:
                errors.append(str(e))
        assert not errors, "; ".join(errors)


def tree_is_built():
    return (BUILD / "dnsd/dnsd").exists() and \
        (BUILD / "registrar/registrar").exists()
