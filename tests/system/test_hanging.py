# SPDX-License-Identifier: BSD-2-Clause
"""Backends that take a connection and never answer: nobody else notices.

Nothing is timed. What hangs has a time-out of two minutes, so as long as
none of it has had a verdict, whatever else happened did not wait for it.
"""

import itertools
import resource
import signal
import socket

import pytest
from backend import Backend
from rollcall import HOST, Registrar, free_port, until

MANY = 10_000
SPARE = 500  # descriptors for everything else


class Silent:
    """Its kernel takes connections until its queue is full; it never does."""

    def __init__(self):
        self.socket = socket.create_server((HOST, 0), backlog=4096)
        self.port = self.socket.getsockname()[1]

    def close(self):
        """Those that were taken are reset."""
        self.socket.close()


@pytest.fixture
def silent():
    made = Silent()
    yield made
    made.close()


@pytest.fixture
def good():
    made = Backend(HOST, free_port())
    yield made
    made.close()


def define_silent(site, silent, n):
    rows = "".join(f"  - {{name: i-{i}, address: {HOST}}}\n" for i in range(n))
    site.define("silent.yaml", f"""
service: silent
port: {silent.port}
checks:
  - {{http: "http://{{address}}:{{port}}/", interval: 2m, timeout: 2m}}
instances:
{rows}""")


def define_good(site, good):
    site.define("good.yaml", f"""
service: good
port: {good.port}
checks:
  - {{http: "http://{{address}}:{{port}}/", interval: 200ms, rise: 1, fall: 1}}
  - {{tcp: "{{address}}:{{port}}", interval: 200ms, rise: 1, fall: 1}}
instances: [{{name: a, address: {HOST}}}]
""")


def running(registrar):
    """Checks in progress, as the registrar tells on SIGUSR1."""
    start = len(registrar.log_text())
    registrar.signal(signal.SIGUSR1)
    line = registrar.wait_log(r"checks: in_ms=.* running=(\d+)", start)
    return int(line[1])


def none_had_a_verdict(site):
    return site.sql("SELECT count(*) FROM instance WHERE service = 'silent' "
                    "AND health <> 'starting'") == [(0,)]


@pytest.mark.slow
def test_ten_thousand_that_hang_delay_nobody(site, silent, good):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    n = min(MANY, hard - SPARE)
    define_silent(site, silent, n)
    define_good(site, good)
    registrar = site.start_registrar()
    until("all hang", lambda: running(registrar) >= n, 90)
    site.wait_health("good", {"a": "passing"})
    for _ in range(5):
        good.close()
        site.wait_health("good", {"a": "critical"})
        good.open()
        site.wait_health("good", {"a": "passing"})
    assert running(registrar) >= n
    assert none_had_a_verdict(site), "all of that while they hung"


def test_want_of_descriptors_is_nobodys_failure(site, silent, good):
    """What cannot be looked at keeps its state; later it is looked at."""
    limit = 200
    define_good(site, good)
    registrar = Registrar(site)
    registrar.prefix = ["prlimit", f"--nofile={limit}:{limit}"]
    site.daemons.append(registrar)
    registrar.start()
    site.wait_health("good", {"a": "passing"})
    define_silent(site, silent, 2 * limit)
    registrar.wait_log("cannot run check .*: Too many open files")
    could_not = itertools.accumulate(iter(lambda: unable(registrar), None))
    until("most cannot begin", lambda: next(could_not) > limit)
    assert site.health("good") == {"a": "passing"}
    assert none_had_a_verdict(site)
    assert not registrar.logged("'good/a' was passing")
    # what is left is for other things: an edit is read
    hits = good.hits
    site.define("silent.yaml", "service: silent\nport: 1\ninstances: "
                f"[{{name: only, address: {HOST}}}]\n")
    until("checked again", lambda: good.hits > hits + 3)
    good.close()
    site.wait_health("good", {"a": "critical"})
    good.open()
    site.wait_health("good", {"a": "passing"})


def unable(registrar):
    start = len(registrar.log_text())
    registrar.signal(signal.SIGUSR1)
    return int(registrar.wait_log(r"checks: in_ms=.* unable=(\d+)", start)[1])
