# SPDX-License-Identifier: BSD-2-Clause
"""A turn of the loop that takes long is told of, and the service manager's
watchdog hears of the registrar as long as its loop turns."""

import os
import shutil
import signal
import socket
import subprocess
import time

import pytest
from rollcall import BUILD, Registrar, always, until

PERIOD_S = 2


class Watched(Registrar):
    """Started as systemd does it with WatchdogSec=."""

    def __init__(self, site, whose=None):
        super().__init__(site)
        self.whose = whose
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind("")  # the kernel finds a name
        self.notify.settimeout(0.05)

    def start(self):
        name = self.notify.getsockname()[1:].decode()
        env = {**os.environ, "NOTIFY_SOCKET": f"@{name}",
               "WATCHDOG_USEC": str(PERIOD_S * 1000000)}
        if self.whose:
            env["WATCHDOG_PID"] = str(self.whose)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self.prefix,
                 BUILD / self.program / self.program, *self.args],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)
        until("it is ready", lambda: "READY=1" in self.said())
        return self

    def said(self):
        """What it says within 50 ms."""
        try:
            return self.notify.recv(4096).decode().splitlines()
        except TimeoutError:
            return []

    def beats(self, seconds):
        end, n = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            n += self.said().count("WATCHDOG=1")
        return n


def watched(site, **more):
    registrar = Watched(site, **more)
    site.daemons.append(registrar)
    return registrar


def test_it_beats_while_the_loop_turns(site):
    registrar = watched(site).start()
    until("several in each period", lambda: registrar.beats(PERIOD_S) >= 2)
    registrar.signal(signal.SIGSTOP)
    registrar.beats(0.5)  # what it said before
    assert registrar.beats(1.5 * PERIOD_S) == 0
    registrar.signal(signal.SIGCONT)
    until("again", lambda: registrar.beats(PERIOD_S) >= 2)


def test_a_watchdog_of_another(site):
    registrar = watched(site, whose=os.getpid()).start()
    assert registrar.beats(PERIOD_S) == 0


def test_a_turn_that_takes_long_is_told(site):
    """The disk is slow: each write of the registry takes 0.3 s."""
    slow = ["strace", "-f", "-qq", "-o", "/dev/null", "-e",
            "trace=pwrite64", "-e", "inject=pwrite64:delay_enter=300000"]
    if not shutil.which("strace") or subprocess.run(
            [*slow, "true"], check=False, capture_output=True).returncode:
        pytest.skip("needs strace, and that it may trace")
    registrar = watched(site).start()
    always("no turn takes long", lambda: not registrar.logged("late: "), 1)
    with subprocess.Popen([*slow, "-p", str(registrar.pid)]):
        time.sleep(0.5)
        site.define("web.yaml", "service: web\nport: 80\n"
                    "instances: [{name: a, address: 192.0.2.1}]\n")
        line = registrar.wait_log(
            r"late: all waited for a turn of the loop: took_ms=(\d+) "
            r"most_in='(.*)' of_it_ms=(\d+)")
        assert int(line[1]) >= int(line[3]) >= 250
        assert line[2] == "writing the registry"
        registrar.kill()
