# SPDX-License-Identifier: BSD-2-Clause
"""dnsd has no memory for what the registry wants to have: it goes on with
what it has, says so, and takes the rest up once it can."""

import contextlib
import json
import os
import pathlib
import re
import resource
import time

import pytest
from rollcall import until

MB = 1 << 20
META = json.dumps({f"k{n}": "x" * 240 for n in range(8)})


def fill(site, first, n, instances=1):
    with contextlib.closing(site.connect()) as db:
        db.execute("BEGIN IMMEDIATE")
        db.execute(
            "WITH RECURSIVE n (i) AS (VALUES (?1) UNION ALL SELECT i + 1 "
            "FROM n WHERE i + 1 < ?2) INSERT INTO service (name, port, meta) "
            "SELECT 's' || i, 80, ?3 FROM n", (first, first + n, META))
        db.execute(
            "WITH RECURSIVE n (i) AS (VALUES (?1) UNION ALL SELECT i + 1 "
            "FROM n WHERE i + 1 < ?2), k (j) AS (VALUES (0) UNION ALL SELECT "
            "j + 1 FROM k WHERE j + 1 < ?3) INSERT INTO instance (service, "
            "name, address) SELECT 's' || i, 'i' || j, '192.0.2.1' "
            "FROM n, k", (first, first + n, instances))
        db.execute("COMMIT")


def mapped(pid):
    pages = pathlib.Path(f"/proc/{pid}/statm").read_text().split()[0]
    return int(pages) * resource.getpagesize()


def limit(dnsd, octets):
    resource.prlimit(dnsd.pid, resource.RLIMIT_AS,
                     (octets, resource.RLIM_INFINITY))
    time.sleep(0.2)  # it looks at limits ten times a second


def is_short(site):
    status = next(site.folder.glob("registry.db.dnsd-*.status"))
    # what the last error was it tells even then
    return re.search("^trouble .*no memory", status.read_text(), re.M)


def test_no_growth_without_memory(site, dnsd):
    """Whatever is asked for, and however large what we are built with is."""
    site.put("web", ("a", "192.0.2.1"))
    fill(site, 0, 100, 3)
    dnsd.wait_instances("s99", ["i0", "i1", "i2"])
    limit(dnsd, mapped(dnsd.pid) + MB)
    # more of what is there, and what is new
    site.put("new", ("a", "192.0.2.9"))
    site.sql("INSERT INTO instance (service, name, address) SELECT 's1', "
             "'j' || value, '192.0.2.2' FROM json_each('[1,2,3,4,5]')")
    dnsd.wait_log("no memory for .* of its services")
    until("it tells", lambda: is_short(site))
    assert dnsd.ask("new").rcode == "SERVFAIL"
    assert dnsd.instances("s1") == ["i0", "i1", "i2"]
    # what takes no more than before goes on
    site.sql("UPDATE instance SET address = '192.0.2.3' "
             "WHERE service = 'web'")
    dnsd.wait_addresses("web", ["192.0.2.3"])
    site.put_health("s2", "i1", "critical")
    dnsd.wait_instances("s2", ["i0", "i2"])
    site.sql("DELETE FROM service WHERE name = 's3'")
    until("s3 is gone", lambda: not dnsd.instances("s3"))
    shown = site.command("status", "web", "--registry", site.registry)
    assert "no memory" in shown.stdout and shown.returncode == 4, shown
    limit(dnsd, resource.RLIM_INFINITY)
    dnsd.wait_addresses("new", ["192.0.2.9"])
    assert len(dnsd.instances("s1")) == 8
    until("it tells", lambda: not is_short(site))
    assert dnsd.ask("none").rcode == "NXDOMAIN"


def test_it_recovers_when_the_registry_shrinks(site, dnsd):
    site.put("web", ("a", "192.0.2.1"))
    dnsd.wait_instances("web", ["a"])
    limit(dnsd, mapped(dnsd.pid) + MB)
    site.put("large", *[(f"i{n}", "192.0.2.9") for n in range(2000)])
    dnsd.wait_log("no memory for .* of its services")
    assert dnsd.ask("large").rcode == "SERVFAIL"
    site.sql("DELETE FROM service WHERE name = 'large'")
    until("it tells", lambda: not is_short(site))
    assert dnsd.ask("large").rcode == "NXDOMAIN"
    dnsd.wait_instances("web", ["a"])


@pytest.mark.release
def test_a_growing_registry_under_a_limit(site):
    """Where the memory really ends."""
    site.create_registry()
    site.put("web", ("a", "192.0.2.1"))
    dnsd = site.start_dnsd()
    if mapped(dnsd.pid) > 4096 * MB:
        pytest.skip("sanitizers map terabytes")
    limit(dnsd, mapped(dnsd.pid) * 8 // 7 + 36 * MB)
    first = 0
    while not dnsd.logged("no memory for .* of its services"):
        fill(site, first, 2000, 2)
        until("it is read", lambda: dnsd.instances(f"s{first}") or
              dnsd.ask(f"s{first}").rcode == "SERVFAIL")
        first += 2000
        assert first < 30000
    assert first > 2000
    fill(site, first, 10000, 2)
    for _ in range(3):  # it is tried again, and goes on
        address = f"192.0.2.{os.urandom(1)[0]}"
        site.sql("UPDATE instance SET address = ? WHERE service = 'web'",
                 address)
        dnsd.wait_addresses("web", [address])
        assert dnsd.instances("s1") == ["i0", "i1"]
        assert dnsd.ask(f"s{first + 9999}").rcode == "SERVFAIL"
    with contextlib.closing(site.connect()) as db:
        db.execute("DELETE FROM service WHERE name GLOB 's*' AND "
                   "CAST(substr(name, 2) AS INTEGER) > 1999")
    until("it tells", lambda: not is_short(site), 60)
    site.put("after", ("a", "192.0.2.1"))
    dnsd.wait_addresses("after", ["192.0.2.1"])
    assert dnsd.ask(f"s{first + 9999}").rcode == "NXDOMAIN"
    assert dnsd.instances("s1999") == ["i0", "i1"]
