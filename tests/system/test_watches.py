# SPDX-License-Identifier: BSD-2-Clause
"""Processes found by port, by unit and by title: real ones, restarted."""

import signal
import subprocess
import sys

import pytest

import rollcall
from rollcall import always

pytestmark = pytest.mark.release

LISTEN = """
import socket, sys, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[1], int(sys.argv[2])))
s.listen()
time.sleep(1000)
"""


@pytest.fixture
def start(site):
    """Start a process that dies with the test; it is no child of ours."""
    def run(*args):
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *map(str, args)],
            stdin=subprocess.DEVNULL)
        site.processes.append(process)
        return process
    return run


def end(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


def define(site, process, service="svc"):
    site.define(f"{service}.yaml", f"""
service: {service}
instances: [{{name: i, address: 192.0.2.1, port: 80}}]
process: {process}
""")


def test_a_port_is_followed_over_restarts(site, start):
    port = rollcall.free_port()
    define(site, f"{{listening: '{rollcall.HOST}:{port}'}}")
    site.start_registrar()
    dnsd = site.start_dnsd()
    for _ in range(3):
        process = start(sys.executable, "-c", LISTEN, rollcall.HOST, port)
        dnsd.wait_instances("svc", ["i"])
        end(process)
        dnsd.wait_instances("svc", [])


def test_a_title_is_followed_over_restarts(site, start):
    define(site, f"{{cmdline: '^rollcall-{site.folder.name} 1000$'}}")
    site.start_registrar()
    dnsd = site.start_dnsd()
    for _ in range(3):
        process = start("bash", "-c", "exec -a \"$0\" sleep 1000",
                        f"rollcall-{site.folder.name}")
        dnsd.wait_instances("svc", ["i"])
        end(process)
        dnsd.wait_instances("svc", [])


def populate(folder, populated):
    (folder / "cgroup.events").write_text(f"populated {populated}\n")


def test_a_unit_is_followed_over_restarts(site):
    """In a tree that looks like the one of systemd: see --cgroups."""
    slices = site.folder / "cgroups" / "system.slice"
    slices.mkdir(parents=True)
    define(site, "{unit: web}")
    site.start_registrar("--cgroups", slices.parent)
    dnsd = site.start_dnsd()
    unit = slices / "web.service"
    for _ in range(2):
        unit.mkdir()
        populate(unit, 0)
        populate(unit, 1)
        dnsd.wait_instances("svc", ["i"])
        populate(unit, 0)
        dnsd.wait_instances("svc", [])
        (unit / "cgroup.events").unlink()
        unit.rmdir()


def test_a_restart_of_the_registrar_is_no_news(site, start):
    port = rollcall.free_port()
    define(site, f"{{listening: {port}}}")
    start(sys.executable, "-c", LISTEN, rollcall.HOST, port)
    registrar = site.start_registrar()
    dnsd = site.start_dnsd()
    dnsd.wait_instances("svc", ["i"])
    history = site.sql("SELECT count(*) FROM history")
    registrar.kill()
    registrar.start()
    always("it stays", lambda: dnsd.instances("svc") == ["i"])
    assert site.sql("SELECT count(*) FROM history") == history


def test_the_programs_of_checks_are_no_services(site):
    """Nor is what those start, whatever its title."""
    title = f"1000.{rollcall.free_port()}"
    define(site, f"{{cmdline: 'sleep {title}$'}}")
    site.define("found.yaml", f"""
service: found
instances: [{{for_each: {{process: {{cmdline: 'sleep {title}$'}}}}, port: 7}}]
""")
    site.define("mon.yaml", f"""
service: mon
port: 2
checks: [{{exec: [/bin/sh, -c, "sleep {title} & touch {site.folder}/ran; wait"],
  interval: 1s, timeout: 900ms}}]
""")
    site.start_registrar()
    rollcall.until("the check runs", (site.folder / "ran").exists)
    always("nobody is found", lambda: site.sql(
        "SELECT service, name FROM instance WHERE health = 'passing'") == [],
        1.5)


def test_a_socket_for_ipv6_alone_is_none_for_ipv4(site, start):
    port = rollcall.free_port()
    there = site.folder / "there"
    define(site, f"{{listening: '127.0.0.1:{port}'}}")
    start(sys.executable, "-c", """
import pathlib, socket, sys, time
s = socket.socket(socket.AF_INET6)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
s.bind(("::", int(sys.argv[1])))
s.listen()
pathlib.Path(sys.argv[2]).touch()
time.sleep(1000)
""", port, there)
    rollcall.until("it listens", there.exists)
    site.start_registrar()
    site.wait_health("svc", {"i": "dead"})
    always("it is not taken for that", lambda: site.health("svc")
           == {"i": "dead"}, 0.5)


def test_a_thread_in_a_pidfile_is_called_one(site, start):
    process = start(sys.executable, "-c", """
import threading, sys, time
t = threading.Thread(target=time.sleep, args=(1000,), daemon=True)
t.start()
open(sys.argv[1] + ".new", "w").write(f"{t.native_id}\\n")
import os
os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(1000)
""", site.folder / "pid")
    define(site, f"{{pidfile: {site.folder}/pid}}")
    site.start_registrar()
    rollcall.until("it is said", lambda: site.sql(
        "SELECT count(*) FROM check_result WHERE output LIKE ?",
        f"%is a thread of pid {process.pid}, not a process") == [(1,)])
