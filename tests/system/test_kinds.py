# SPDX-License-Identifier: BSD-2-Clause
"""Kinds of checks, each against a real server of its kind."""

import contextlib
import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

import pytest
import rollcall
from rollcall import ZONE, until

pytestmark = pytest.mark.release

FAST = "interval: 50ms, timeout: 2s, rise: 1, fall: 1"


def define(site, *checks, name="web"):
    site.define(f"{name}.yaml", "\n".join([
        f"service: {name}", "port: 80",
        "instances: [{name: i-1, address: 127.0.0.1}]",
        "checks:", *[f"  - {check}" for check in checks], ""]))


def wait_output(site, kind, text):
    until(f"{kind} says '{text}'", lambda: site.sql(
        "SELECT output FROM check_result WHERE kind = ? AND "
        "instr(output, ?)", kind, text))


def test_dns(site, dnsd):
    """dnsd itself is asked: an address, no such name, another address."""
    site.put("db", ("i-1", "192.0.2.1"), ("i-2", "192.0.2.2"))
    dnsd.wait_addresses("db", ["192.0.2.1", "192.0.2.2"])
    server = f"{dnsd.host}:{dnsd.port}"
    define(
        site,
        f"{{dns: '{server}', query: db.{ZONE}, expect: 192.0.2.2, {FAST}}}",
        f"{{dns: '{server}', query: _db._tcp.{ZONE}, type: SRV, "
        f"expect: ['0 100 8080 I-1.db.{ZONE}.'], {FAST}}}",
        f"{{dns: '{server}', query: nothing.{ZONE}, answer: nxdomain, "
        f"{FAST}}}",
        f"{{dns: '{server}', query: db.{ZONE}, type: AAAA, answer: nodata, "
        f"{FAST}}}",
        f"{{dns: '{server}', query: other.example, answer: refused, {FAST}}}")
    site.start_registrar()
    site.wait_health("web", {"i-1": "passing"})
    site.put_health("db", "i-2", "critical")
    site.wait_health("web", {"i-1": "critical"})
    wait_output(site, "dns", "without '192.0.2.2'")


def test_file(site, tmp_path):
    """The state of an instance is what somebody writes."""
    state = tmp_path / "state"

    def write(text):
        aside = tmp_path / "state.new"
        aside.write_text(text)
        aside.rename(state)
    define(site, f"{{file: {state}, max_age: 1h, interval: 20ms}}")
    site.start_registrar()
    site.wait_health("web", {"i-1": "critical"})
    for word, health in (("passing", "passing"), ("warning", "warning"),
                         ("critical", "critical"), ("0", "passing")):
        write(f"{word} as {health} as can be\n")
        site.wait_health("web", {"i-1": health})
        wait_output(site, "file", f"as {health} as can be")
    os.utime(state, (time.time() - 7200,) * 2)
    site.wait_health("web", {"i-1": "critical"})
    wait_output(site, "file", "not written for 7")


def test_icmp(site):
    """The kernel answers for loopback, nobody for an address of no host."""
    define(site, f"{{icmp: '{{address}}', {FAST}}}")
    define(site, f"{{icmp: 240.0.0.1, {FAST}}}", name="none")
    site.start_registrar()
    site.wait_health("web", {"i-1": "passing"})
    site.wait_health("none", {"i-1": "critical"})


# ---- databases ----------------------------------------------------------

POSTGRES = sorted(glob.glob("/usr/lib/postgresql/*/bin"))


class Postgres:
    """A cluster of its own; as another user when we are root."""

    def __init__(self, bin_folder):
        self.bin, self.port = bin_folder, rollcall.free_port()
        self.folder = tempfile.mkdtemp(prefix="rollcall-pg-")
        self.process = None
        self.user = None
        if os.getuid() == 0:
            self.user = "postgres"
            shutil.chown(self.folder, self.user)
        password = f"{self.folder}/password"
        with open(password, "w", encoding="ascii") as f:
            f.write("right\n")
        os.chmod(password, 0o644)
        subprocess.run(
            self.command("initdb", "-D", self.data, "-U", "probe", "-A",
                         "scram-sha-256", f"--pwfile={password}", "-N"),
            check=True, capture_output=True, cwd=self.folder)

    @property
    def data(self):
        return f"{self.folder}/data"

    def command(self, program, *args):
        run = [f"{self.bin}/{program}", *args]
        if self.user:
            ids = pwd.getpwnam(self.user)
            run = ["setpriv", f"--reuid={ids.pw_uid}",
                   f"--regid={ids.pw_gid}", "--clear-groups", *run]
        return run

    def start(self, *settings):
        self.process = subprocess.Popen(
            self.command("postgres", "-D", self.data, "-p", str(self.port),
                         "-h", rollcall.HOST, "-k", self.folder,
                         "-c", "fsync=off",
                         *[w for s in settings for w in ("-c", s)]),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, cwd=self.folder)

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(rollcall.PATIENCE_S)
            self.process = None

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture
def postgres():
    if not POSTGRES:
        pytest.skip("no PostgreSQL server here")
    with contextlib.closing(Postgres(POSTGRES[-1])) as made:
        yield made


def test_postgres(site, postgres, tmp_path):
    """Up, with a wrong password, down, and one that does not let us in."""
    password = tmp_path / "password"
    password.write_text("right\n")
    define(site, f"{{postgres: '{rollcall.HOST}:{postgres.port}', "
           f"user: probe, password_file: {password}, {FAST}}}")
    site.start_registrar()
    site.wait_health("web", {"i-1": "critical"})
    wait_output(site, "postgres", "refused")
    postgres.start()
    site.wait_health("web", {"i-1": "passing"})
    wait_output(site, "postgres", "SELECT 1 answered")
    password.write_text("wrong\n")
    site.wait_health("web", {"i-1": "critical"})
    wait_output(site, "postgres", "28P01")
    password.write_text("right\n")
    site.wait_health("web", {"i-1": "passing"})
    postgres.stop()
    site.wait_health("web", {"i-1": "critical"})
    open(f"{postgres.data}/standby.signal", "w", encoding="ascii").close()
    postgres.start("hot_standby=off")
    site.wait_health("web", {"i-1": "warning"})
    wait_output(site, "postgres", "57P03")


@pytest.fixture
def redis(tmp_path):
    """A server with a password, and how to start it."""
    program = shutil.which("redis-server")
    if not program:
        pytest.skip("no redis-server here")
    port, running = rollcall.free_port(), []

    def start():
        running.append(subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", program, "--bind",
             rollcall.HOST, "--port", str(port), "--save", "",
             "--requirepass", "right", "--dir", tmp_path],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL))

    def stop():
        for process in running:
            process.kill()
            process.wait()
        running.clear()
    yield port, start, stop
    stop()


def test_redis(site, redis, tmp_path):
    """Down, up, with a wrong password, and not allowed in."""
    port, start, stop = redis
    password = tmp_path / "password"
    password.write_text("right\n")
    define(site, f"{{redis: '{rollcall.HOST}:{port}', user: default, "
           f"password_file: {password}, {FAST}}}")
    define(site, f"{{redis: '{rollcall.HOST}:{port}', {FAST}}}", name="open")
    site.start_registrar()
    site.wait_health("web", {"i-1": "critical"})
    start()
    site.wait_health("web", {"i-1": "passing"})
    wait_output(site, "redis", "NOAUTH")
    password.write_text("wrong\n")
    site.wait_health("web", {"i-1": "critical"})
    wait_output(site, "redis", "WRONGPASS")
    password.write_text("right\n")
    site.wait_health("web", {"i-1": "passing"})
    stop()
    site.wait_health("web", {"i-1": "critical"})
    site.wait_health("open", {"i-1": "critical"})


def test_alias(site):
    """Another service, whoever wrote it, and one instance of it."""
    site.create_registry()
    site.put("db", ("i-1", "192.0.2.1"), ("i-2", "192.0.2.2"))
    site.put_health("db", "i-2", "critical")
    define(site, "{alias: db, interval: 20ms}")
    define(site, "{alias: db/i-2, interval: 20ms}", name="one")
    define(site, "{alias: web, interval: 20ms}", name="chain")
    registrar = site.start_registrar()

    def wait(**states):
        for name, health in states.items():
            site.wait_health(name, {"i-1": health})
    wait(web="passing", one="critical", chain="passing")
    wait_output(site, "alias", "1 of 2 instances of 'db' passing")
    site.put_health("db", "i-2", "warning")
    wait(web="passing", one="warning", chain="passing")
    site.put_health("db", "i-1", "dead")
    wait(web="warning", one="warning", chain="warning")
    site.run("maintenance", "db/i-2", "--force", "--registry",
             site.registry)
    wait(web="critical", one="critical", chain="critical")
    wait_output(site, "alias", "'db/i-2' is maintenance")
    site.run("resume", "db/i-2", "--registry", site.registry)
    wait(web="warning", one="warning", chain="warning")
    site.sql("DELETE FROM service WHERE name = 'db'")
    wait(web="critical", one="critical", chain="critical")
    wait_output(site, "alias", "no instances of 'db'")
    wait_output(site, "alias", "no instance 'db/i-2'")
    registrar.kill()
    site.put("db", ("i-2", "192.0.2.2"))
    site.start_registrar()
    wait(web="passing", one="passing", chain="passing")
    # a loop is refused, and what was there goes on
    define(site, "{alias: chain}")
    site.daemons[-1].wait_log(
        r"web.yaml:5:13: found a loop for 'alias', web.svc.internal > "
        r"chain.svc.internal > web.svc.internal, expected none")
    site.put_health("db", "i-2", "critical")
    wait(web="critical", chain="critical")
