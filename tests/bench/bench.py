# SPDX-License-Identifier: BSD-2-Clause
"""What the measurements share: building, data, servers, tables."""

import argparse
import contextlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import sqlite3
import statistics
import struct
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
ZONE = "svc.test"
TTL_S = 5
TOOLS = ("flood", "flow", "floor", "lag", "flips", "crowd", "knock")


def say(*words):
    print(*words, file=sys.stderr, flush=True)


# ---- options and building --------------------------------------------------

def options(text):
    parser = argparse.ArgumentParser(
        description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=str(SOURCE / "build/release"),
                        help="build tree, made if it is not there")
    parser.add_argument("--work", help="folder for data, kept; else a "
                        "temporary one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--nice", type=int, default=0,
                        help="of all that is measured; below 0 (root) keeps "
                        "other work on the machine out of the figures")
    parser.add_argument("--fifo", action="store_true",
                        help="the same by SCHED_FIFO (root): keeps it out "
                        "altogether; not where the generator spins")
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--client-core", type=int,
                        default=1 if os.cpu_count() > 1 else 0)
    return parser


def build(tree, *targets):
    """Path of each program by name."""
    tree = pathlib.Path(tree).resolve()
    if not (tree / "CMakeCache.txt").exists():
        subprocess.run(["cmake", "-S", SOURCE, "-B", tree, "-G", "Ninja",
                        "-DCMAKE_BUILD_TYPE=Release"],
                       check=True, stdout=sys.stderr)
    names = [f"bench.{t}" if t in TOOLS else t for t in targets]
    subprocess.run(["cmake", "--build", tree, "-j", "2", "--target", *names],
                   check=True, stdout=sys.stderr)
    where = {t: tree / "tests/bench" / f"bench.{t}" for t in TOOLS}
    where |= {t: tree / t / t for t in ("dnsd", "registrar")}
    return {t: str(where[t]) for t in targets}


def favour(args):
    """This process and those it starts; a session, too, may be scheduled as
    a group."""
    if args.fifo:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    if args.nice:
        os.setpriority(os.PRIO_PROCESS, 0, args.nice)
        with contextlib.suppress(OSError):
            pathlib.Path("/proc/self/autogroup").write_text(str(args.nice))


@contextlib.contextmanager
def workplace(args):
    favour(args)
    # a signal must not leave servers behind
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if args.work:
        path = pathlib.Path(args.work).resolve()
        path.mkdir(parents=True, exist_ok=True)
        yield path
        return
    path = pathlib.Path(tempfile.mkdtemp(prefix="rollcall-bench."))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


# ---- data ------------------------------------------------------------------

def services(n, low, high, seed):
    """(name, [(instance, address, port, weight, priority)...]); the names
    have one width, so that questions of a kind have one length."""
    draw = random.Random(seed)
    address = 10 << 24
    for i in range(n):
        rows = []
        for k in range(draw.randint(low, high)):
            address += 1
            rows.append((f"i-{k + 1}", socket.inet_ntoa(
                struct.pack(">I", address)), draw.randint(1024, 65535),
                draw.randint(1, 100), 1 if k and draw.random() < 0.1 else 0))
        yield f"s{i:07d}", rows


class Data:
    """One set of services, in the format of every server, made on demand."""

    def __init__(self, work, n, low=3, high=10, seed=1, txt=False):
        self.path = work / f"data-{n}-{low}-{high}-{seed}{'-txt' * txt}"
        self.path.mkdir(exist_ok=True)
        self.n, self.seed, self.txt = n, seed, txt
        self.shape = (n, low, high, seed)
        self.sizes = [len(rows) for _, rows in services(*self.shape)]
        self.instances = sum(self.sizes)
        self.last = f"s{n - 1:07d}"

    def _made(self, name, make):
        path = self.path / name
        if not path.exists():
            part = self.path / (name + ".part")
            make(part)
            part.rename(path)
        return path

    def rows(self):
        return services(*self.shape)

    def jsonl(self):
        def make(path):
            with open(path, "w") as f:
                for service, rows in self.rows():
                    for i, address, port, weight, priority in rows:
                        row = {"service": service, "id": i,
                               "address": address, "port": port,
                               "weight": weight, "priority": priority}
                        if self.txt:
                            row["meta"] = meta(service, i)
                        f.write(json.dumps(row) + "\n")
        return self._made("instances.jsonl", make)

    def registry(self):
        """Written by SQL; no WAL is left, so the file alone may be copied."""
        return self._made("registry.db", self._write_registry)

    def _write_registry(self, path):
        with contextlib.closing(new_registry(path)) as db:
            db.execute("PRAGMA synchronous = OFF")
            db.execute("PRAGMA cache_size = -200000")
            db.execute("BEGIN")
            db.executemany("INSERT INTO service (zone, name) VALUES (?, ?)",
                           ((ZONE, s) for s, _ in self.rows()))
            db.executemany(
                "INSERT INTO instance (zone, service, name, address, port, "
                "weight, priority, meta) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                ((ZONE, s, *row, json.dumps(meta(s, row[0]))
                  if self.txt else "{}")
                 for s, rows in self.rows() for row in rows))
            db.execute("COMMIT")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def zone_file(self):
        def make(path):
            with open(path, "w") as f:
                f.write(f"$ORIGIN {ZONE}.\n$TTL {TTL_S}\n"
                        "@ SOA ns1 hostmaster 1 3600 600 86400 2\n"
                        "@ NS ns1\nns1 A 127.0.0.1\n")
                for s, rows in self.rows():
                    for i, address, port, weight, priority in rows:
                        f.write(f"_{s}._tcp SRV {priority} {weight} {port} "
                                f"{i}.{s}\n{s} A {address}\n"
                                f"{i}.{s} A {address}\n")
        return self._made("zone", make)

    def questions(self, kind, spread, n=100000):
        """mix: 50 % SRV, 35 % A (10 of them of an instance), 10 % AAAA that
        does not exist, 5 % names that do not."""
        def make(path):
            draw = random.Random(f"{self.seed} {kind} {spread}")
            pick = spread_picker(spread, self.n, draw)
            with open(path, "w") as f:
                for _ in range(n):
                    f.write(self._question(kind, pick(), draw) + "\n")
        return self._made(f"q-{kind}-{spread}", make)

    def _question(self, kind, at, draw):
        s, share = f"s{at:07d}", draw.random()
        if kind == "srv" or kind == "mix" and share < 0.5:
            return f"_{s}._tcp.{ZONE} SRV"
        if kind == "a" or share < 0.75:
            return f"{s}.{ZONE} A"
        if share < 0.85:
            return f"i-{draw.randint(1, self.sizes[at])}.{s}.{ZONE} A"
        if share < 0.95:
            return f"{s}.{ZONE} AAAA"
        if share < 0.975:
            return f"_x{at:07d}._tcp.{ZONE} SRV"
        return f"x{at:07d}.{ZONE} A"


def meta(service, instance):
    return {"version": "2.3.1", "host": f"{service}-{instance}"}


def spread_picker(spread, n, draw):
    if spread == "uniform":
        return lambda: draw.randrange(n)
    total, sums = 0.0, []
    for rank in range(n):
        total += 1 / (rank + 1)
        sums.append(total)
    order = list(range(n))
    draw.shuffle(order)
    picks = draw.choices(order, cum_weights=sums, k=100000)
    return lambda: picks[draw.randrange(len(picks))]


def run_import(registrar, jsonl, path):
    subprocess.run([registrar, "import", str(jsonl), "--registry", str(path),
                    "--zone", ZONE], check=True, stdout=subprocess.DEVNULL)


def new_registry(path):
    """What the first program to open a registry does."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    steps = sorted((SOURCE / "schema/migrations").glob("*.sql"))
    for step in steps:
        db.executescript(step.read_text())
    db.execute(f"PRAGMA user_version = {len(steps)}")
    return db


# ---- questions by hand -----------------------------------------------------

TYPES = {"A": 1, "SOA": 6, "TXT": 16, "AAAA": 28, "SRV": 33}


def question(name, kind, number=1):
    labels = b"".join(bytes([len(x)]) + x.encode() for x in name.split("."))
    return struct.pack(">6H", number, 0, 1, 0, 0, 0) + labels + \
        b"\0" + struct.pack(">2H", TYPES[kind], 1)


def ask(address, name, kind, timeout_s=0.02):
    """(rcode, answers) or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(timeout_s)
        s.connect(address)
        try:
            s.send(question(name, kind))
            reply = s.recv(4096)
        except OSError:
            return None
    return reply[3] & 15, struct.unpack(">H", reply[6:8])[0]


# ---- servers ---------------------------------------------------------------

def free_port():
    while True:
        port = random.randint(20000, 32000)
        try:
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                with socket.socket(socket.AF_INET, kind) as s:
                    s.bind(("127.0.0.1", port))
            return port
        except OSError:
            pass


def session_pids(leader):
    """A server and its children: all that share its session."""
    found = []
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            with open(f"/proc/{entry.name}/stat") as f:
                fields = f.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[3]) == leader and fields[0] != "Z":
            found.append(int(entry.name))
    return found


def memory_mib(pids, what="Pss"):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup") as f:
            total += int(re.search(rf"^{what}:\s+(\d+)", f.read(),
                                   re.M).group(1))
    return total / 1024


class Process:
    """A program in a session of its own that ends with this object."""

    def __init__(self, command, log, core=None):
        pin = [] if core is None else ["taskset", "-c", str(core)]
        self.log = log
        with open(log, "wb") as out:
            self.start_s = time.monotonic()
            self.process = subprocess.Popen(
                pin + [str(c) for c in command], stdin=subprocess.DEVNULL,
                stdout=out, stderr=out, start_new_session=True)
            nice = os.getpriority(os.PRIO_PROCESS, 0)
            if nice:
                with contextlib.suppress(OSError):
                    pathlib.Path(f"/proc/{self.process.pid}/autogroup"
                                 ).write_text(str(nice))

    def pids(self):
        return session_pids(self.process.pid)

    def alive(self):
        return self.process.poll() is None

    def log_end(self):
        return self.log.read_text(errors="replace")[-500:]

    def stop(self):
        for signum in (signal.SIGTERM, signal.SIGKILL):
            for pid in self.pids():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signum)
            for _ in range(250):
                if not self.alive() and not self.pids():
                    break
                time.sleep(0.02)
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Server(Process):
    """A DNS server; `ready_s` after its start it gave the right answer for
    the last service of the data."""

    def __init__(self, command, log, port, data, core=None, limit_s=120):
        super().__init__(command, log, core)
        self.address = ("127.0.0.1", port)
        want = (0, data.sizes[-1]) if data else None
        while True:
            got = ask(self.address, f"_{data.last if data else 'x'}"
                      f"._tcp.{ZONE}", "SRV")
            if got is not None and want in (None, got):
                break
            took = time.monotonic() - self.start_s
            if not self.alive() or took > limit_s:
                self.stop()
                raise RuntimeError(f"{command[0]}: no answer after "
                                   f"{took:.1f} s, last {got}: "
                                   + self.log_end())
            time.sleep(0.002)
        self.ready_s = time.monotonic() - self.start_s

    @property
    def endpoint(self):
        return "%s:%d" % self.address

    def pid_list(self):
        return ",".join(map(str, self.pids()))


def tool(command, core=None, timeout_s=600, **more):
    """Runs one of the measuring programs; what it prints."""
    pin = [] if core is None else ["taskset", "-c", str(core)]
    out = subprocess.run(pin + [str(c) for c in command], check=True,
                         capture_output=True, text=True, timeout=timeout_s,
                         **more)
    return json.loads(out.stdout)


# ---- tables ----------------------------------------------------------------

def middle(values):
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


def show(value, form):
    return "-" if value is None else format(value, form)


def table(head, rows):
    print("| " + " | ".join(head) + " |")
    print("|" + " --- |" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print(flush=True)


def machine():
    model = re.search(r"model name\s*: (.*)",
                      pathlib.Path("/proc/cpuinfo").read_text())
    return f"{os.cpu_count()} cores, " \
        f"{model.group(1) if model else os.uname().machine}, " \
        f"Linux {os.uname().release}"
