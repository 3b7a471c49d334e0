# SPDX-License-Identifier: BSD-2-Clause
"""What the registrar itself is short of is no verdict on anybody: nothing
flips, people are told, and what could not be looked at is looked at soon."""

import os
import pathlib
import signal

from rollcall import Registrar, until

MANY = 60


def define_execs(site, n, program, interval="200ms"):
    site.define("crowd.yaml", "\n".join([
        "service: crowd", "port: 80",
        f"checks: [{{exec: {program}, interval: {interval}, "
        "timeout: 5s, rise: 1, fall: 1}]", "instances:",
        *[f"  - {{name: i-{k}, address: 192.0.2.1}}" for k in range(n)], ""]))


def never_failed(site):
    assert site.sql("SELECT service, instance, now FROM history "
                    "WHERE now IN ('critical', 'dead', 'warning')") == []


def child_of(pid, name):
    """The process of that name that it has started."""
    listed = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(
        encoding="ascii")
    return next(int(child) for child in listed.split()
                if pathlib.Path(f"/proc/{child}/comm").read_text(
                    encoding="ascii").strip() == name)


def test_more_programs_than_descriptors(site):
    """Sixty healthy ones, thirty descriptors: none of them is critical."""
    define_execs(site, MANY, "[/bin/sleep, '0.3']", "1s")
    registrar = Registrar(site)
    registrar.prefix = ["prlimit", "--nofile=30:30"]
    site.daemons.append(registrar)
    registrar.start()
    registrar.wait_log("cannot run check .*: Too many open files")
    until("some say why they were not looked at", lambda: site.sql(
        "SELECT count(*) FROM check_result WHERE output LIKE "
        "'no verdict now: cannot run %Too many open files'") != [(0,)])
    until("all have had their turn", lambda: site.sql(
        "SELECT count(*) FROM instance WHERE health = 'passing'")
        == [(MANY,)], 60)
    never_failed(site)
    assert registrar.running()


def test_the_helper_is_killed(site):
    """What it ran is not critical for that: neither what was passing, nor
    what had no verdict yet."""
    slow = site.folder / "slow"
    program = site.folder / "check"
    program.write_text(f"#!/bin/sh\n[ -e {slow} ] || exit 0\n"
                       f"touch {slow}.begun; sleep 30\n")
    program.chmod(0o755)
    define_execs(site, 3, f"[{program}]")
    registrar = site.start_registrar()
    site.wait_health("crowd", {f"i-{k}": "passing" for k in range(3)})
    slow.touch()
    until("one runs", lambda: (site.folder / "slow.begun").exists())
    os.kill(child_of(registrar.pid, "registrar-run"), signal.SIGKILL)
    until("the registrar ends", lambda: not registrar.running())
    site.daemons.remove(registrar)
    assert registrar.logged("the process that runs exec checks is gone")
    never_failed(site)
    assert site.health("crowd") == {f"i-{k}": "passing" for k in range(3)}
