# SPDX-License-Identifier: BSD-2-Clause
"""Whatever becomes of registrar serve, checks and answers go on."""

import os
import pathlib
import signal
import sqlite3
import threading
import time

import httpd
import pytest
import rollcall

pytestmark = pytest.mark.slow


@pytest.fixture
def beside(site):
    """A registrar with a server beside it, and an instance that is up."""
    port = rollcall.free_port()
    registrar = site.start_registrar("--http", f"{rollcall.HOST}:{port}",
                                     "--anonymous-local", "all")
    serve = httpd.Serve(site)
    serve.port = port
    serve.registrar = registrar
    rollcall.until("it answers", lambda: answers(serve))
    yield serve


def answers(serve):
    try:
        return serve.get("/api/v1/version", timeout=1).status == 200
    except OSError:
        return False


def pid_of(site):
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[1:2] == [b"serve"] and str(site.registry).encode() in words:
            return int(path.parent.name)
    return None


def flips(site, dnsd, backend):
    """A process ends, and another takes its place."""
    backend(False)
    dnsd.wait_addresses("web", [], seconds=5)
    backend(True)
    dnsd.wait_addresses("web", ["10.0.0.1"], seconds=5)


@pytest.fixture
def backend(site):
    """A check that fails or not: a file that is there or not."""
    file = site.folder / "state"

    def switch(up):
        if up:
            file.write_text("up")
        else:
            file.unlink()  # 2, where another text would be a warning
    switch(True)
    site.define("web.yaml", f"""
service: web
port: 80
instances: [{{address: 10.0.0.1, name: i1}}]
checks: [{{exec: [/bin/grep, -q, up, "{file}"], interval: 100ms, fall: 1, rise: 1}}]
""")
    return switch


def is_locked(site):
    db = sqlite3.connect(site.registry, timeout=0, isolation_level=None)
    try:
        db.execute("BEGIN IMMEDIATE")
        db.execute("ROLLBACK")
        return False
    except sqlite3.OperationalError:
        return True
    finally:
        db.close()


def flood(serve, ended):
    n = 0
    while not ended.is_set():
        n += 1
        try:
            serve.ask("PUT", "/api/v1/instances/flood/i1",
                      {"address": "10.1.1.1", "weight": n % 1000}, timeout=2)
        except OSError:
            time.sleep(0.01)


def test_killed(site, backend, beside):
    dnsd = site.start_dnsd()
    dnsd.wait_addresses("web", ["10.0.0.1"])
    for _ in range(2):
        pid = rollcall.until("it runs", lambda: pid_of(site))
        os.kill(pid, signal.SIGKILL)
        flips(site, dnsd, backend)
        rollcall.until("another answers", lambda: answers(beside))


def test_stopped_while_it_writes(site, backend, beside):
    """It has the lock of the registry, and does not move."""
    dnsd = site.start_dnsd()
    dnsd.wait_addresses("web", ["10.0.0.1"])
    ended = threading.Event()
    threads = [threading.Thread(target=flood, args=(beside, ended))
               for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        pid = rollcall.until("it runs", lambda: pid_of(site))

        def stop():
            os.kill(pid, signal.SIGSTOP)
            # not the registrar's own, which is short
            if all(is_locked(site) for _ in range(20)):
                return True
            os.kill(pid, signal.SIGCONT)
            time.sleep(0.005)
            return False
        rollcall.until("it is stopped in a transaction", stop, 60)
        flips(site, dnsd, backend)
        assert pid_of(site) != pid
        rollcall.until("another answers", lambda: answers(beside))
        flips(site, dnsd, backend)  # beside the flood
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def test_without_a_registrar(site, beside):
    """kill -9 of it: registering and asking go on, until another is there."""
    dnsd = site.start_dnsd()
    pid = pid_of(site)
    beside.registrar.kill()
    got = beside.ask("PUT", "/api/v1/instances/api/i1",
                     {"address": "10.0.0.3", "lease": "1s"})
    assert got.status == 201
    dnsd.wait_addresses("api", ["10.0.0.3"])
    dnsd.wait_addresses("api", [])  # its lease is over
    assert pid_of(site) == pid
    beside.registrar.start()
    rollcall.until("the new one has its own",
                   lambda: pid_of(site) not in (pid, None), 20)
    rollcall.until("it answers", lambda: answers(beside))
