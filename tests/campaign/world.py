# SPDX-License-Identifier: BSD-2-Clause
"""The programs, as systemd would keep them, and what changes all the time:
processes, ports, definitions, rows by SQL and by command."""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import time

import rollcall
from truth import Truth

FAKETIME = next((p for p in (
    pathlib.Path("/usr/lib") / machine / "faketime/libfaketimeMT.so.1"
    for machine in ("x86_64-linux-gnu", "aarch64-linux-gnu"))
    if p.exists()), None)


class Program:
    """Started anew whenever it ends; `excused`: by these it may end."""

    def __init__(self, world, name, args):
        self.world, self.name = world, name
        self.argv = [str(rollcall.BUILD / name / name), *map(str, args)]
        self.log = world.folder / f"{name}.log"
        self.process = None
        self.excused = set()
        self.is_down = False  # it is kept down
        self.started = 0
        self.ended_at = 0.0

    def start(self):
        env = dict(os.environ)
        if self.world.clock:
            env |= {"LD_PRELOAD": str(FAKETIME),
                    "FAKETIME_TIMESTAMP_FILE": str(self.world.clock),
                    "FAKETIME_CACHE_DURATION": "1",
                    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                    "NO_FAKE_STAT": "1"}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self.argv],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)
        self.started += 1

    def keep(self):
        """Called again and again; what is wrong, or None."""
        if self.is_down:
            return None
        wrong = None
        if self.process and self.process.poll() is not None:
            status, self.process = self.process.returncode, None
            self.ended_at = time.monotonic()
            if status not in self.excused | {-9}:
                wrong = f"{self.name} ended with {status}"
        if not self.process and time.monotonic() > self.ended_at + 0.1:
            self.start()
        return wrong

    @property
    def pid(self):
        """None: it does not run."""
        process = self.process
        return process.pid if process and process.poll() is None else None

    def signal(self, number):
        pid = self.pid
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def helpers(self):
        pid = self.pid
        with contextlib.suppress(OSError):
            return [int(p) for p in pathlib.Path(
                f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return []

    def complaint(self):
        found = rollcall.SANITIZER.search(
            self.log.read_text(errors="replace")) \
            if self.log.exists() else None
        return found and found.group(0)


class Port:
    """A port of one address that can be open or not."""

    def __init__(self, address, port):
        self.where, self.socket = (address, port), None

    def open(self):
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(self.where)
        made.listen(4096)
        made.setblocking(False)
        self.socket = made

    def close(self):
        self.socket.close()
        self.socket = None

    def drain(self):
        while self.socket:
            try:
                self.socket.accept()[0].close()
            except OSError:
                return


class World:
    FILES, CHECKED, ROWS, COMMANDS = 4, 2, 3, 3

    def __init__(self, folder, rng, slack, has_clock):
        self.folder, self.rng = folder, rng
        self.truth = Truth(slack)
        self.slack = slack
        self.disk, self.watch = folder / "disk", folder / "services.d"
        for each in (self.disk, self.watch):
            each.mkdir()
        self.is_mounted = os.getuid() == 0 and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=32m,mode=755", "none",
             self.disk], capture_output=True, check=False).returncode == 0
        self.registry = self.disk / "registry.db"
        self.clock = None
        if has_clock and FAKETIME:
            self.clock = folder / "clock"
            self.set_clock(0)
        self.port = rollcall.free_port()
        self.dnsd = Program(self, "dnsd", [
            "--registry", self.registry, "--zone", rollcall.ZONE,
            "--listen", f"{rollcall.HOST}:{self.port}"])
        self.registrar = Program(self, "registrar", [
            "run", "--registry", self.registry, "--watch", self.watch,
            "--name", "campaign"])
        self.processes, self.ports = {}, {}
        self.done = {}  # changes by kind
        self.pending = None  # a backup to be restored
        self.is_editable = True  # the directory is the one

    def set_clock(self, seconds):
        # in place: a reader has it open
        self.clock.write_text(f"{seconds:+d}\n")

    def command(self, *args, seconds=30):
        return subprocess.run(
            [rollcall.BUILD / "registrar/registrar", *map(str, args),
             "--registry", self.registry], text=True, errors="replace",
            stdin=subprocess.DEVNULL, capture_output=True, check=False,
            timeout=seconds)

    def shell(self, text):
        """Rows, or None: refused. In a process of its own, for SQLite may
        die of what happens to its files."""
        done = subprocess.run(
            ["sqlite3", "-bail", "-batch", "-cmd", ".timeout 2000",
             self.registry, text], text=True, errors="replace",
            stdin=subprocess.DEVNULL,
            capture_output=True, check=False, timeout=30)
        if done.returncode or done.stderr:
            return None
        return [tuple(line.split("|")) for line in done.stdout.splitlines()]

    # -- the beginning

    def create(self):
        empty = self.folder / "empty.jsonl"
        empty.write_text("")
        assert self.command("import", empty).returncode == 0
        for n in range(self.FILES):
            service = self.truth.service(f"file{n}")
            for k in range(3):
                self.start_process(service, f"i{k}")
            self.write_file(service)
        for n in range(self.CHECKED):
            # two runs of 100 ms that may take 500 ms
            service = self.truth.service(f"checked{n}", 2.0)
            for k in range(3):
                address = self.truth.address(127)
                port = self.ports[service.name, f"i{k}"] = \
                    Port(address, 7000)
                port.open()
                service.instance(f"i{k}").set(address)
            self.write_checked(service)
        for n in range(self.ROWS):
            service = self.truth.service(f"rows{n}")
            self.shell("INSERT INTO service (name, port, ttl_s) "
                       f"VALUES ('{service.name}', 80, 1)")
            for k in range(2):
                self.insert(service, f"i{k}")
        for n in range(self.COMMANDS):
            service = self.truth.service(f"command{n}")
            for k in range(2):
                self.register(service, f"i{k}")

    # -- definitions

    def write(self, name, text):
        aside = self.watch / f".{name}.new"
        try:
            aside.write_text(text)
            aside.rename(self.watch / name)
        except OSError:  # the directory is away
            return False
        return True

    def write_file(self, service):
        """As the truth has it; self.processes says who lives."""
        text = (f"service: {service.name}\nport: 80\nttl: 1s\n"
                "instances:\n")
        for (of, name), (_, address) in self.processes.items():
            if of == service.name:
                pidfile = self.folder / f"{of}-{name}.pid"
                text += (f"  - {{name: {name}, address: {address}, "
                         f"process: {{pidfile: {pidfile}}}}}\n")
        return self.write(f"{service.name}.yaml", text)

    def write_checked(self, service):
        text = (f"service: {service.name}\nport: 7000\nttl: 1s\n"
                "instances:\n")
        for (of, name), port in self.ports.items():
            if of == service.name:
                text += f"  - {{name: {name}, address: {port.where[0]}}}\n"
        text += ("checks: [{tcp: \"{address}:{port}\", interval: 100ms, "
                 "timeout: 500ms, rise: 1, fall: 2}]\n")
        return self.write(f"{service.name}.yaml", text)

    # -- processes

    def start_process(self, service, name):
        old = self.processes.get((service.name, name))
        address = old[1] if old else self.truth.address()
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "sleep", "100000"],
            stdin=subprocess.DEVNULL)
        pidfile = self.folder / f"{service.name}-{name}.pid"
        aside = pidfile.with_suffix(".new")
        aside.write_text(f"{process.pid}\n")
        self.processes[service.name, name] = (process, address)
        with self.truth.lock:
            i = service.instance(name)
            aside.rename(pidfile)
            i.set(None if i.draining else address, i.draining)

    def kill_process(self, service, name):
        process, _ = self.processes[service.name, name]
        with self.truth.lock:
            i = service.instance(name)
            process.kill()
            process.wait()
            i.set(None, i.draining)

    # -- rows

    def sql(self, service, name, statement, address):
        """Committed, or it is not; then the truth is in the registry."""
        with self.truth.changing(service) as done:
            if self.shell(statement) is None:
                return False
            done((name, address, False))
        return True

    def insert(self, service, name):
        address = self.truth.address()
        return self.sql(
            service, name, "INSERT INTO instance (service, name, address) "
            f"VALUES ('{service.name}', '{name}', '{address}')", address)

    def register(self, service, name):
        address = self.truth.address()
        return self.by_command(service, name, address, "register",
                               "--address", address, "--port", "80",
                               "--lease", "24h")

    def by_command(self, service, name, address, verb, *more,
                   draining=False):
        with self.truth.changing(service) as said:
            try:
                done = self.command(verb, f"{service.name}/{name}", *more)
            except subprocess.TimeoutExpired:
                return False
            if done.returncode:
                return False
            said((name, address, draining))
        return True

    # -- what changes

    def turn(self):
        """One change of something."""
        kind = self.rng.choice(
            ["process"] * 4 + ["port"] * 3 + ["rows"] * 3 +
            ["edit", "command", "drain"])
        names = {"process": "file", "edit": "file", "drain": "file",
                 "port": "checked", "rows": "rows", "command": "command"}
        service = self.rng.choice(
            [s for s in self.truth.services.values()
             if s.name.startswith(names[kind])])
        for port in self.ports.values():
            port.drain()
        if getattr(self, f"turn_{kind}")(service):
            self.done[kind] = self.done.get(kind, 0) + 1

    def turn_process(self, service):
        of, name = self.rng.choice(
            [key for key in self.processes if key[0] == service.name])
        if self.processes[of, name][0].poll() is None:
            self.kill_process(service, name)
        else:
            self.start_process(service, name)
        return True

    def turn_port(self, service):
        of, name = self.rng.choice(
            [key for key in self.ports if key[0] == service.name])
        port = self.ports[of, name]
        with self.truth.lock:
            if port.socket:
                port.close()
                service.instance(name).set(None)
            else:
                port.open()
                service.instance(name).set(port.where[0])
        return True

    def turn_edit(self, service):
        """Another address, or one more, or one less."""
        of = [name for name_of, name in self.processes
              if name_of == service.name]
        spare = sorted({f"i{k}" for k in range(5)} - set(of))
        name = self.rng.choice(of)
        i = service.instance(name)
        if i.draining or not self.is_editable:
            return False
        what = self.rng.randrange(3)
        before = dict(self.processes)
        if what == 0 or (what == 1 and len(of) < 2):
            process, _ = self.processes[service.name, name]
            address = self.truth.address()
            self.processes[service.name, name] = (process, address)
            now = address if process.poll() is None else None
        elif what == 1:
            del self.processes[service.name, name]
            now = None
        elif spare:
            name = self.rng.choice(spare)
            self.start_process(service, name)
            i = service.instance(name)
            now = i.now
        else:
            return False
        with self.truth.lock:
            done = self.is_editable and self.write_file(service)
            if done:
                i.set(now)
        gone = set(before) - set(self.processes) if done else \
            set(self.processes) - set(before)
        for key in gone:
            (before if done else self.processes)[key][0].kill()
        if not done:  # the directory is away
            if gone:
                i.set(None)
            self.processes = before
        return done

    def turn_rows(self, service):
        name = f"i{self.rng.randrange(4)}"
        i = service.instance(name)
        if not i.now:
            return self.insert(service, name)
        this = f"WHERE service = '{service.name}' AND name = '{name}'"
        if self.rng.randrange(2):
            return self.sql(service, name, f"DELETE FROM instance {this}",
                            None)
        address = self.truth.address()
        return self.sql(service, name, "UPDATE instance SET address = "
                        f"'{address}' {this}", address)

    def turn_command(self, service):
        name = f"i{self.rng.randrange(4)}"
        if not service.instance(name).now:
            return self.register(service, name)
        return self.by_command(service, name, None, "deregister")

    def turn_drain(self, service):
        name = self.rng.choice(
            [name for of, name in self.processes if of == service.name])
        i = service.instance(name)
        process, address = self.processes[service.name, name]
        if i.draining:
            alive = process.poll() is None
            return self.by_command(service, name, address if alive else None,
                                   "resume")
        return self.by_command(service, name, None, "drain", "--force",
                               draining=True)

    # -- after what may have set something back

    def settle(self):
        """The registry says what rows of others there are, and what modes;
        what processes and ports do is known."""
        with self.truth.lock:
            rows, got = {}, self.shell(
                "SELECT service, name, address, mode FROM instance")
            if got is None:
                return False
            for service, name, *row in got:
                rows.setdefault(service, {})[name] = row
            for s in self.truth.services.values():
                self.settle_one(s, rows.get(s.name, {}))
                s.sure = True
            have = self.shell("SELECT name FROM service")
            for s in self.truth.services.values():
                if s.name.startswith("rows") and (s.name,) not in have:
                    self.shell("INSERT INTO service (name, port, ttl_s) "
                               f"VALUES ('{s.name}', 80, 1)")
        return True

    def settle_one(self, s, rows):
        for name, i in s.instances.items():
            address, mode = rows.get(name, (None, "active"))
            if (s.name, name) in self.processes:
                process, address = self.processes[s.name, name]
                if process.poll() is not None:
                    address = None
            elif (s.name, name) in self.ports:
                port = self.ports[s.name, name]
                address = port.where[0] if port.socket else None
            elif s.is_own:
                address, mode = None, "active"
            if mode != "active":
                address = None
            i.set(address, mode == "draining")

    def close(self):
        for program in (self.registrar, self.dnsd):
            program.is_down = True
            if program.process:
                program.process.kill()
                program.process.wait()
        for process, _ in self.processes.values():
            process.kill()
            process.wait()
        if self.is_mounted:
            subprocess.run(["umount", "-l", self.disk], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)
