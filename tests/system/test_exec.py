# SPDX-License-Identifier: BSD-2-Clause
"""Programs of exec checks that do not behave: nothing of them is left, the
registrar lives, and other checks go on as if they were not there."""

import pathlib
import re

import pytest

import rollcall
from rollcall import until

# Each runs `$NAP`, which nobody else runs, and would run for long.
BAD = {
    # 127 processes in one group
    "forks": "f() { [ $1 -gt 0 ] && { f $(($1 - 1)) & f $(($1 - 1)) & }; "
             "$NAP; }; f 6",
    # parents go first, so that the rest are nobody's children
    "forks and leaves": "f() { [ $1 -gt 0 ] && { f $(($1 - 1)) & "
                        "f $(($1 - 1)) & }; [ $1 -gt 0 ] || $NAP; }; f 5; "
                        "$NAP",
    "ignores signals": "trap '' TERM INT HUP QUIT XCPU; while :; do "
                       "$NAP; done",
    "stops itself": "$NAP & kill -STOP $$",
    "leaves its session": "setsid $NAP & setsid sh -c \"$NAP & wait\" & "
                          "$NAP",
    "closes its outputs": "exec >&- 2>&-; $NAP",
    "writes for ever": "$NAP & cat /dev/urandom",
    "writes lines for ever": "$NAP & yes '\"}\n'",
}
# These end by themselves, and leave something behind.
GONE = {
    "a child": "$NAP & exit 0",
    "a daemon": "setsid sh -c \"$NAP </dev/null >/dev/null 2>&1 &\" & "
                "sleep 0.1; exit 0",
    "a daemon's daemon": "(setsid sh -c \"setsid $NAP &\" &); "
                         "sleep 0.1; exit 0",
    "one that stands still": "sh -c 'kill -STOP $$; '\"$NAP\" & "
                             "sleep 0.1; exit 0",
}


def running(nap):
    """Processes of that title, zombies aside: they have none."""
    found = []
    for path in pathlib.Path("/proc").iterdir():
        try:
            title = (path / "cmdline").read_bytes() if path.name.isdigit() \
                else b""
        except (FileNotFoundError, ProcessLookupError):
            continue
        if nap.encode().replace(b" ", b"\0") in title:
            found.append(path.name)
    return found


def define(site, script):
    nap = f"sleep 1000.{rollcall.free_port()}"
    program = site.folder / "check"
    program.write_text(f"#!/bin/sh\nNAP='{nap}'\ntouch {site.folder}/ran\n"
                       f"{script}\n")
    program.chmod(0o755)
    site.define("web.yaml", f"""
service: web
port: 80
instances:
  - {{name: bad, address: 192.0.2.1,
     checks: [{{exec: [{program}], interval: 60s, timeout: 1s, fall: 1}}]}}
  - {{name: good, address: 192.0.2.2, checks: [{{exec: [/bin/true],
     interval: 50ms, timeout: 10s, fall: 1}}]}}
""")
    return nap


def judged(site, health):
    site.wait_health("web", {"bad": health, "good": "passing"})
    flips = site.sql("SELECT now FROM history WHERE instance = 'good' "
                     "ORDER BY id")
    assert flips == [("starting",), ("passing",)]


@pytest.mark.parametrize("script", BAD.values(), ids=BAD.keys())
def test_one_that_goes_on_for_ever(site, script):
    nap = define(site, script)
    registrar = site.start_registrar()
    until("it runs", (site.folder / "ran").exists)
    until("and is seen", lambda: running(nap)
          or site.health("web").get("bad") == "critical")
    judged(site, "critical")
    until("nothing is left", lambda: not running(nap))
    assert registrar.running()
    output, = site.sql("SELECT output FROM check_result "
                       "WHERE instance = 'bad'")[0]
    assert "timed out" in output
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", output), output
    # what reads it must not break on it
    assert site.status()["services"]


@pytest.mark.parametrize("script", GONE.values(), ids=GONE.keys())
def test_one_that_leaves_something_behind(site, script):
    nap = define(site, script)
    registrar = site.start_registrar()
    judged(site, "passing")
    until("nothing is left", lambda: not running(nap))
    assert registrar.running()


def test_octets_of_all_kinds_are_made_printable(site):
    define(site, "for i in $(seq 1 255); do printf \"\\\\$(printf %o $i)\"; "
                 "done; printf '\\000end\\n'; exit 1")
    site.start_registrar()
    judged(site, "warning")
    output, = site.sql("SELECT output FROM check_result "
                       "WHERE instance = 'bad'")[0]
    assert "ABC" in output and "\x1b" not in output and "\r" not in output
    assert "\x7f" not in output
    output.encode()  # as UTF-8: no lone halves
