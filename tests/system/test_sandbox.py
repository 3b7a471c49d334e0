# SPDX-License-Identifier: BSD-2-Clause
"""What both programs may still do once they are ready, seen from outside;
and what goes on working all the same."""

import contextlib
import os
import pathlib
import re
import signal
import stat
import subprocess
import sys

import pytest

import rollcall
from rollcall import always, until

pytestmark = pytest.mark.threads

WEB = """
service: web
port: 80
instances: [{name: a, address: 192.0.2.1}]
"""


def status_of(task):
    text = pathlib.Path(task, "status").read_text(encoding="ascii")
    return dict(line.split(":\t", 1) for line in text.splitlines()
                if ":\t" in line)


def tasks(pid):
    """{name: [status of each thread]} of a process."""
    return [status_of(task)
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir()]


def children(pid):
    """{name: pid}"""
    text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(
        encoding="ascii")
    return {pathlib.Path(f"/proc/{child}/comm").read_text().strip():
            int(child) for child in text.split()}


def restricted(one):
    return one["NoNewPrivs"] == "1" and one["Seccomp"] == "2"


def has_landlock(daemon):
    """The line that says what is in force."""
    line = daemon.wait_log(r"info: sandbox: .*").group(0)
    assert "no new privileges; seccomp;" in line
    return "Landlock (ABI " in line


# ---- from outside -------------------------------------------------------

def test_dnsd_is_restricted(site):
    site.create_registry()
    (site.folder / "zones").mkdir()
    dnsd = site.start_dnsd("--workers", "3", "--zones", site.folder / "zones",
                           "--sandbox", "auto")
    has_landlock(dnsd)
    found = tasks(dnsd.pid)
    assert len(found) >= 1 + 3 * 2 + 1
    assert all(restricted(one) for one in found)
    assert not children(dnsd.pid)


def test_the_registrar_is_restricted_and_its_helpers_are_not_all(site):
    site.define("web.yaml", WEB)
    registrar = site.start_registrar()
    landlock = has_landlock(registrar)
    assert all(restricted(one) for one in tasks(registrar.pid))
    helpers = children(registrar.pid)
    runs = status_of(f"/proc/{helpers.pop('registrar-run')}")
    assert runs["Seccomp"] == "0" and runs["NoNewPrivs"] == "0"
    if landlock:
        assert restricted(status_of(
            f"/proc/{helpers.pop('registrar-look')}"))
    assert not helpers


@pytest.mark.parametrize("program", ["dnsd", "registrar"])
def test_off(site, program):
    start = getattr(site, f"start_{program}")
    daemon = start("--sandbox", "off")
    daemon.wait_log(r"info: sandbox: off$")
    assert not any(restricted(one) for one in tasks(daemon.pid))
    assert "registrar-look" not in children(daemon.pid)


def test_one_key_for_both(site):
    config = site.folder / "rollcall.yaml"
    config.write_text("sandbox: off\n")
    for start in site.start_dnsd, site.start_registrar:
        start("--config", config).wait_log(r"info: sandbox: off$")
    done = site.command("run", "--sandbox", "maybe")
    assert done.returncode == 2
    assert "expected auto, on or off" in done.stderr or \
        "auto" in done.stderr and "off" in done.stderr


@pytest.mark.parametrize("program", ["dnsd", "registrar"])
def test_on_starts_here(site, program):
    """Where one of them is missing, it says so and does not start."""
    daemon = getattr(site, f"start_{program}")("--sandbox", "auto")
    complete = has_landlock(daemon)
    daemon.stop()
    site.daemons.clear()
    if complete:
        assert has_landlock(getattr(site, f"start_{program}")(
            "--sandbox", "on"))


# A kernel without Landlock and without seccomp, as an old container engine
# makes it: a filter that knows neither call, around the program.
OUTER = """
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
def jump(code, k, yes, no): return struct.pack("HBBI", code, yes, no, k)
calls = [int(n) for n in sys.argv[1].split(",")]
code = jump(0x20, 0, 0, 0)
for n, call in enumerate(calls):
    code += jump(0x15, call, len(calls) - n, 0)
code += jump(0x06, 0x7fff0000, 0, 0) + jump(0x06, 0x00050000 | 38, 0, 0)
buf = ctypes.create_string_buffer(code)
class Program(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
prog = Program(len(code) // 8, ctypes.addressof(buf))
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.byref(prog)) == 0, ctypes.get_errno()
os.execv(sys.argv[2], sys.argv[2:])
"""
LANDLOCK, SECCOMP = "444,445,446", "317"


@pytest.mark.skipif(os.uname().machine != "x86_64",
                    reason="numbers of calls are of x86-64")
@pytest.mark.parametrize("missing, word", [
    (LANDLOCK, "Landlock"), (SECCOMP, "seccomp")])
@pytest.mark.parametrize("program", ["dnsd", "registrar"])
def test_on_does_not_start_without(site, missing, word, program):
    name = rollcall.BUILD / program / program
    more = ["run", "--watch", site.watch] if program == "registrar" else \
        ["--listen", f"{rollcall.HOST}:{rollcall.free_port()}"]
    done = subprocess.run(
        [sys.executable, "-c", OUTER, missing, name, *more,
         "--registry", site.registry, "--sandbox", "on"],
        text=True, capture_output=True, check=False, timeout=60)
    assert done.returncode == 1, done.stderr
    assert f"found no {word} (" in done.stderr
    assert "'sandbox: on'" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts /proc")
def test_hidepid_and_landlock_do_not_go_together(site):
    """Under Landlock every process would be hidden, and taken for dead."""
    _, pidfile = site.process("p")
    site.define("svc.yaml", f"service: svc\nport: 80\ninstances:\n"
                f"  - {{name: p, address: 192.0.2.1, "
                f"process: {{pidfile: {pidfile}}}}}\n")
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c",
         "mount -t proc -o hidepid=2 none /proc || exit 77; "
         'exec timeout -s TERM 3 "$@"', "sh",
         rollcall.BUILD / "registrar/registrar", "run", "--registry",
         site.registry, "--watch", site.watch],
        text=True, capture_output=True, check=False, timeout=60)
    if done.returncode == 77:
        pytest.skip("may not mount here")
    assert re.search(r"sandbox: no new privileges; seccomp; no Landlock: "
                     r"/proc is mounted with hidepid", done.stderr)
    assert site.health("svc") == {"p": "passing"}


# ---- from inside: what the programs are made to try ---------------------

def replace_directory(site):
    """The folder of the registry moves away, another one takes its place."""
    folder = site.registry.parent
    folder.rename(site.folder / "old")
    folder.mkdir()


def test_a_registry_that_leads_elsewhere_is_not_written(site):
    """A link where the registry was: SQLite would follow it and write."""
    site.define("web.yaml", WEB)
    own, other = site.folder / "own", site.folder / "other"
    own.mkdir()
    other.mkdir()
    site.registry = own / "registry.db"
    registrar = site.start_registrar()
    if not has_landlock(registrar):
        pytest.skip("no Landlock")
    until("web", lambda: site.health("web") == {"a": "passing"})
    aside = own / "aside"
    aside.symlink_to(other / "registry.db")
    aside.rename(site.registry)
    registrar.wait_log(r"cannot write to the registry")
    always("nothing is made there", lambda: not list(other.iterdir()))
    assert registrar.running()
    site.registry.unlink()
    registrar.wait_log(r"is written again")
    assert site.registry.is_file() and not list(other.iterdir())
    site.wait_health("web", {"a": "passing"})


def test_a_directory_that_was_replaced_ends_the_registrar(site):
    """Nothing can be written there: only a new start helps. dnsd goes on."""
    site.define("web.yaml", WEB)
    folder = site.folder / "state"
    folder.mkdir()
    site.registry = folder / "registry.db"
    registrar = site.start_registrar()
    if not has_landlock(registrar):
        pytest.skip("no Landlock")
    dnsd = site.start_dnsd()
    dnsd.wait_instances("web", ["a"])
    replace_directory(site)
    until("it ends", lambda: not registrar.running())
    assert registrar.process.returncode == 1
    assert registrar.logged(r"ending: the registry's directory is another")
    assert dnsd.instances("web") == ["a"]
    registrar.process = None
    site.define("web.yaml", WEB.replace("name: a", "name: b"))
    registrar.start()
    dnsd.wait_instances("web", ["b"])


def test_a_directory_of_the_registry_that_comes_later(site):
    site.define("web.yaml", WEB)
    site.registry = site.folder / "later/registry.db"
    registrar = site.start_registrar()
    dnsd = site.start_dnsd()
    site.registry.parent.mkdir()
    dnsd.wait_instances("web", ["a"])
    assert registrar.running()


# ---- what goes on working -----------------------------------------------

def test_definitions_from_a_directory_that_comes_later(site):
    site.watch.rmdir()
    registrar = site.start_registrar()
    site.watch.mkdir()
    site.define("web.yaml", WEB)
    until("web", lambda: site.health("web") == {"a": "passing"})
    site.define("web.yaml", WEB.replace("name: a", "name: b"))
    registrar.signal(signal.SIGHUP)
    until("b", lambda: site.health("web") == {"b": "passing"})


def test_everything_is_read_again_on_sighup(site):
    site.define("web.yaml", WEB)
    secrets, zones = site.folder / "secrets", site.folder / "zones"
    secrets.write_text("00" * 16 + "\n")
    zones.mkdir()
    config = site.folder / "rollcall.yaml"
    config.write_text("dnsd: {cookies: on}\n")
    site.start_registrar()
    dnsd = site.start_dnsd("--config", config, "--zones", zones,
                           "--cookie-secrets", secrets)
    dnsd.wait_instances("web", ["a"])
    (zones / "static.test.zone").write_text(
        "$TTL 5\n@ SOA ns hostmaster 1 1 1 1 1\n@ NS ns\nns A 192.0.2.53\n")
    secrets.write_text("zz\n")
    dnsd.signal(signal.SIGHUP)
    dnsd.wait_log(r"warn: .*secrets.*; the last good ones stay in force")
    secrets.write_text("11" * 16 + "\n")
    config.write_text("dnsd: {allow_query: ['!127.0.0.0/8']}\n")
    dnsd.signal(signal.SIGHUP)
    until("others only", lambda: dnsd.ask("web").rcode == "REFUSED")
    config.write_text("dnsd: {}\n")
    dnsd.signal(signal.SIGHUP)
    until("the zone", lambda: "192.0.2.53" in dnsd.ask(
        "ns.static.test.").addresses())


# ---- helpers ------------------------------------------------------------

@pytest.mark.parametrize("helper", ["registrar-run", "registrar-look"])
def test_a_helper_is_killed(site, helper):
    """The registrar ends, to be started anew; nothing is lost or flips."""
    process, _ = site.process("p")
    link = pathlib.Path(f"/proc/{process.pid}/exe")
    exe = until("it is what it will be", lambda: "sleep" in link.readlink()
                .name and link.readlink())
    site.define("web.yaml", f"""
service: web
port: 80
instances:
  - {{name: e, address: 192.0.2.1, process: {{exe: {exe}}}}}
  - {{name: x, address: 192.0.2.2,
     checks: [{{exec: [/bin/true], interval: 50ms}}]}}
""")
    registrar = site.start_registrar()
    site.wait_health("web", {"e": "passing", "x": "passing"})
    helpers = children(registrar.pid)
    if helper not in helpers:
        pytest.skip("no Landlock, so nobody is needed to look")
    rows = site.sql("SELECT * FROM history")
    os.kill(helpers[helper], signal.SIGKILL)
    until("it ends", lambda: not registrar.running())
    assert registrar.process.returncode == 1
    assert registrar.logged(r"ending: the process that .* is gone")
    for pid in helpers.values():
        until("the others go with it",
              lambda pid=pid: not os.path.exists(f"/proc/{pid}"))
    registrar.process = None
    assert site.sql("SELECT * FROM history") == rows
    registrar.start()
    site.wait_health("web", {"e": "passing", "x": "passing"})
    always("no flip", lambda: site.sql("SELECT * FROM history") == rows)


# ---- files that both make -----------------------------------------------

@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_modes_of_files(site, umask):
    """The registry is for its owner, and to be read by its group."""
    site.define("web.yaml", WEB)
    state = site.folder / "state"
    state.mkdir()
    site.registry = state / "registry.db"
    before = os.umask(umask)
    try:
        registrar = site.start_registrar()
        dnsd = site.start_dnsd()
    finally:
        os.umask(before)
    dnsd.wait_instances("web", ["a"])
    dnsd.stop()
    registrar.stop()
    site.daemons.clear()
    wanted = 0o640 & ~umask
    for file in state.iterdir():
        mode = stat.S_IMODE(file.stat().st_mode)
        assert mode & ~wanted == 0, f"{file.name} has mode {mode:o}"
        assert not file.is_socket()
    names = {file.name for file in state.iterdir()
             if not re.fullmatch(r"registry\.db\.(dnsd-.*\.status"
                                 r"|registrar-.*\.lock)", file.name)}
    assert "registry.db" in names
    assert names <= {"registry.db", "registry.db-wal", "registry.db-shm",
                     "dnsd-serials"}


def test_no_socket_of_the_file_system_and_none_abstract(site):
    """Between a program and its helpers are pairs without names."""
    site.define("web.yaml", WEB)
    registrar, dnsd = site.start_registrar(), site.start_dnsd()
    inodes = {}
    for daemon in registrar, dnsd:
        for fd in pathlib.Path(f"/proc/{daemon.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                inodes[os.readlink(fd)] = daemon.program
    with open("/proc/net/unix", encoding="ascii", errors="replace") as table:
        for line in table.readlines()[1:]:
            words = line.split()
            if f"socket:[{words[6]}]" in inodes:
                assert len(words) == 7, line
