# SPDX-License-Identifier: BSD-2-Clause
"""Names of addresses, and what there is to browse, by dig: while the registry
and zone files change. What an answer has is in tests/unit/dnsd_message,
test_reverse.c and test_browsing.c."""

import contextlib
import random
import re

import pytest
from rollcall import until

pytestmark = pytest.mark.threads

FOUR = ("--zone", "0.10.in-addr.arpa")
SIX = ("--zone", "0.0.0.0.0.0.d.f.ip6.arpa")


def name_of(dnsd, address):
    """What `dig -x` says, without the final dot; "" if there is none."""
    return dnsd.dig("-x", address, "+short").strip().rstrip(".")


def status_of(dnsd, *args):
    return re.search(r"status: (\w+)", dnsd.dig(*args)).group(1)


def wait_name(dnsd, address, expected):
    until(f"{address} is {expected}",
          lambda: name_of(dnsd, address) == expected)


def test_one_name_for_each_address(site):
    """It follows rows, not health; of several instances the first has it."""
    site.create_registry()
    site.put("web", ("i1", "10.0.0.1"), ("i2", "10.0.0.2"))
    site.put("api", ("z", "10.0.0.1"), ("six", "fd00::1:2"))
    dnsd = site.start_dnsd(*FOUR, *SIX)
    assert name_of(dnsd, "10.0.0.1") == "z.api.svc.internal"
    assert name_of(dnsd, "10.0.0.2") == "i2.web.svc.internal"
    assert name_of(dnsd, "fd00::1:2") == "six.api.svc.internal"
    assert status_of(dnsd, "-x", "10.0.0.3") == "NXDOMAIN"
    assert status_of(dnsd, "-x", "fd00::1:3") == "NXDOMAIN"
    assert status_of(dnsd, "-x", "10.1.0.1") == "REFUSED"
    assert status_of(dnsd, "0.0.10.in-addr.arpa", "PTR") == "NOERROR"
    assert status_of(dnsd, "1.0.10.in-addr.arpa", "PTR") == "NXDOMAIN"
    # whatever its health and mode
    site.sql("UPDATE instance SET health = 'dead'")
    site.sql("UPDATE instance SET mode = 'maintenance'")
    dnsd.wait_addresses("web", [])
    assert name_of(dnsd, "10.0.0.1") == "z.api.svc.internal"
    assert name_of(dnsd, "10.0.0.2") == "i2.web.svc.internal"
    # withdrawn: the next one
    site.sql("DELETE FROM instance WHERE service = 'api' AND name = 'z'")
    wait_name(dnsd, "10.0.0.1", "i1.web.svc.internal")
    # moved, and a whole service gone
    site.sql("UPDATE instance SET address = '10.0.9.9' WHERE name = 'i1'")
    wait_name(dnsd, "10.0.9.9", "i1.web.svc.internal")
    assert status_of(dnsd, "-x", "10.0.0.1") == "NXDOMAIN"
    site.sql("DELETE FROM service WHERE name = 'web'")
    wait_name(dnsd, "10.0.9.9", "")
    assert status_of(dnsd, "9.0.10.in-addr.arpa", "PTR") == "NXDOMAIN"
    assert name_of(dnsd, "fd00::1:2") == "six.api.svc.internal"


def test_zone_file_of_addresses(site, tmp_path):
    """Its records win, a warning says so, the serial follows both; without
    the file the zone is what it was."""
    zones = tmp_path / "zones"
    zones.mkdir()
    file = zones / "0.10.in-addr.arpa.zone"
    head = "$TTL 60\n@ SOA ns.test. h.test. {} 3600 600 86400 60\n@ NS ns.test.\n"
    file.write_text(head.format(1000) + "1.0 PTR static.test.\n"
                    "*.7 PTR wild.test.\n")
    site.create_registry()
    site.put("web", ("i1", "10.0.0.1"), ("i2", "10.0.0.2"))
    dnsd = site.start_dnsd("--zones", zones, *FOUR)
    warning = r"static records go before services .*names=(\d+), first: (.*)"
    assert dnsd.wait_log(warning).groups() == (
        "1", "1.0.0.10.in-addr.arpa. PTR")
    assert name_of(dnsd, "10.0.0.1") == "static.test"
    assert name_of(dnsd, "10.0.0.2") == "i2.web.svc.internal"
    assert name_of(dnsd, "10.0.7.7") == "wild.test"
    serial = int(dnsd.dig("0.10.in-addr.arpa", "SOA", "+short").split()[2])
    assert serial > 1000
    # a service that comes later, and one that takes the wildcard's place
    start = len(dnsd.log_text())
    site.put("late", ("i1", "10.0.0.1"), ("i2", "10.0.7.8"))
    wait_name(dnsd, "10.0.7.8", "i2.late.svc.internal")
    assert name_of(dnsd, "10.0.7.7") == "wild.test"
    assert dnsd.wait_log(warning, start).group(1) == "1"
    after = int(dnsd.dig("0.10.in-addr.arpa", "SOA", "+short").split()[2])
    assert after > serial
    # an edit
    start = len(dnsd.log_text())
    aside = tmp_path / "aside"
    aside.write_text(head.format(2000) + "2.0 CNAME other.test.\n7 NS ns.test.\n")
    aside.rename(file)
    found = dnsd.wait_log(warning, start)
    assert sorted(found.group(2).split(", ")) == [
        "2.0.0.10.in-addr.arpa. CNAME", "8.7.0.10.in-addr.arpa. NS"]
    assert name_of(dnsd, "10.0.0.1") == "i1.late.svc.internal"
    file.unlink()
    wait_name(dnsd, "10.0.0.2", "i2.web.svc.internal")
    assert "ns1.0.10.in-addr.arpa." in dnsd.dig("0.10.in-addr.arpa", "NS",
                                                "+short")
    wait_name(dnsd, "10.0.7.8", "i2.late.svc.internal")


def test_names_of_many_addresses(site):
    """After a thousand changes each address has the name of the first
    instance that has it, also in a service that is large."""
    site.create_registry()
    dnsd = site.start_dnsd(*FOUR, *SIX)
    draw = random.Random(7)
    services = [f"s{i}" for i in range(12)] + ["big"]
    addresses = [f"10.0.0.{i}" for i in range(60)] + \
        [f"fd00::{i:x}" for i in range(60)]
    with contextlib.closing(site.connect()) as db:
        for service in services:
            db.execute("INSERT INTO service (name) VALUES (?)", (service,))
        for _ in range(1000):
            service = draw.choice(services)
            name = f"i{draw.randrange(200 if service == 'big' else 8)}"
            if draw.random() < 0.3:
                db.execute("DELETE FROM instance WHERE service = ? AND "
                           "name = ?", (service, name))
            else:
                db.execute("INSERT INTO instance (service, name, address) "
                           "VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET "
                           "address = excluded.address",
                           (service, name, draw.choice(addresses)))
        db.execute("INSERT INTO instance (service, name, address) VALUES "
                   "('s0', 'end', '10.0.255.255')")
        first = {}
        for service, name, address in db.execute(
                "SELECT service, name, address FROM instance "
                "ORDER BY service, name"):
            first.setdefault(address, f"{name}.{service}.svc.internal")
    wait_name(dnsd, "10.0.255.255", "end.s0.svc.internal")
    assert len(first) > 50
    for address in addresses:
        assert name_of(dnsd, address) == first.get(address, "")


def test_browsing(site):
    """From the domain to an instance by tag, as a DNS-SD client goes."""
    site.create_registry()
    site.put("web", ("i1", "10.0.0.1"), ("i2", "10.0.0.2"))
    site.put("api", ("a1", "10.0.0.3"))
    dnsd = site.start_dnsd()

    def ptr(name):
        return sorted(dnsd.dig(name, "PTR", "+short").split())

    for which in ("b", "lb", "db"):
        assert ptr(f"{which}._dns-sd._udp.svc.internal") == ["svc.internal."]
    assert status_of(dnsd, "r._dns-sd._udp.svc.internal", "PTR") == "NXDOMAIN"
    types = "_services._dns-sd._udp.svc.internal"
    assert ptr(types) == ["_api._tcp.svc.internal.", "_web._tcp.svc.internal."]
    tag = "_v2._sub._web._tcp.svc.internal"
    assert status_of(dnsd, tag, "PTR") == "NXDOMAIN"
    site.sql("UPDATE instance SET tags = '[\"v2\",\"A b\"]' "
             "WHERE name = 'i2'")
    until("the tag", lambda: ptr(tag) == ["i2._web._tcp.svc.internal."])
    site.sql("UPDATE service SET tags = '[\"v2\"]' WHERE name = 'web'")
    until("everybody's tag", lambda: ptr(tag) == [
        "i1._web._tcp.svc.internal.", "i2._web._tcp.svc.internal."])
    site.put_health("web", "i1", "critical")
    until("the healthy one",
          lambda: ptr(tag) == ["i2._web._tcp.svc.internal."])
    more = dnsd.dig(tag, "PTR", "+noall", "+additional")
    assert re.search(r"^i2\._web\._tcp.*\sSRV\s.* 8080 i2\.web\.", more,
                     re.MULTILINE)
    assert re.search(r"^i2\._web\._tcp.*\sTXT\s", more, re.MULTILINE)
    assert re.search(r"^i2\.web.*\sA\s+10\.0\.0\.2$", more, re.MULTILINE)
    site.sql("DELETE FROM service WHERE name = 'api'")
    until("one service", lambda: ptr(types) == ["_web._tcp.svc.internal."])
    site.sql("DELETE FROM service")
    until("no service",
          lambda: status_of(dnsd, types, "PTR") == "NXDOMAIN")
