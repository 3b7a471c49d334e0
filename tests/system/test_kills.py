# SPDX-License-Identifier: BSD-2-Clause
"""kill -9 of the registrar at random moments, while everything changes.

ROLLCALL_KILLS=200 is the long form; ROLLCALL_SEED plays one again.
"""

import os
import random
import socket
import time

import pytest
import rollcall
from rollcall import until

pytestmark = pytest.mark.threads

KILLS = int(os.environ.get("ROLLCALL_KILLS", "20"))
SEED = int(os.environ.get("ROLLCALL_SEED", "0")) or time.time_ns() % 10**9
CHURN = 12  # services that come and go

CHECKED = """
service: {name}
instances: [{{name: i, address: {host}, port: {port}}}]
checks: [{{tcp: "{{address}}:{{port}}", interval: 20ms, timeout: 10s,
          rise: 1, fall: 2}}]
"""


class Listener:
    """A port that can be opened and closed; the kernel accepts."""

    def __init__(self):
        self.port = rollcall.free_port()
        self.socket = None
        self.closed = 0
        self.open()

    def open(self):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((rollcall.HOST, self.port))
        self.socket.listen(1024)
        # what was accepted is thrown away by drain()
        self.socket.setblocking(False)

    def drain(self):
        while self.socket:
            try:
                self.socket.accept()[0].close()
            except BlockingIOError:
                return

    def flip(self):
        if self.socket:
            self.socket.close()
            self.socket = None
            self.closed += 1
        else:
            self.open()


class Churn:
    def __init__(self, site, rng):
        self.site, self.rng = site, rng
        self.steady, self.flapping = Listener(), Listener()
        self.there = set()
        for name, at in (("steady", self.steady), ("flap", self.flapping)):
            site.define(f"{name}.yaml", CHECKED.format(
                name=name, host=rollcall.HOST, port=at.port))

    def turn(self):
        """One change of something."""
        self.steady.drain()
        self.flapping.drain()
        what = self.rng.randrange(4)
        if what == 0:
            self.flapping.flip()
            return
        name = f"c{self.rng.randrange(CHURN)}"
        if name in self.there:
            self.there.remove(name)
            (self.site.watch / f"{name}.yaml").unlink()
        else:
            self.there.add(name)
            self.site.define(f"{name}.yaml", f"service: {name}\nport: 80\n")

    def services(self):
        return self.there | {"steady", "flap"}


def transitions(site, service):
    return [row[0] for row in site.sql(
        "SELECT now FROM history WHERE service = ? ORDER BY id", service)]


def test_no_kill_loses_or_flips_anything(site):
    rng = random.Random(SEED)
    print(f"ROLLCALL_SEED={SEED} ROLLCALL_KILLS={KILLS}")
    churn = Churn(site, rng)
    registrar = site.start_registrar()
    until("both are in", lambda: site.health("steady") == {"i": "passing"}
          and site.health("flap") == {"i": "passing"})
    for _ in range(KILLS):
        for _ in range(rng.randrange(4)):
            churn.turn()
            time.sleep(rng.random() * 0.03)
        registrar.kill()
        if rng.randrange(2):
            churn.turn()
        registrar.start()
    if not churn.flapping.socket:
        churn.flapping.flip()

    def settled():
        churn.steady.drain()
        churn.flapping.drain()
        rows = dict(site.sql("SELECT service, health FROM instance"))
        return rows == {name: "passing" for name in churn.services()}

    until("what is defined is there, and nothing else", settled)
    assert transitions(site, "steady") == ["starting", "passing"]
    flips = transitions(site, "flap")
    assert flips[:2] == ["starting", "passing"]
    assert flips.count("critical") <= churn.flapping.closed
    assert all(a != b for a, b in zip(flips, flips[1:]))
    assert set(flips) <= {"starting", "passing", "critical"}
    assert flips.count("starting") == 1
