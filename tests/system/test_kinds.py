# SPDX-License-Identifier: BSD-2-Clause
"""Kinds of checks, each against a real server of its kind."""

import os
import time

from rollcall import ZONE, until

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
