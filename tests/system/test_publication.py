# SPDX-License-Identifier: BSD-2-Clause
"""The number of what a zone answers, as its SOA serial says it: by zone, over
restarts, kills and replaced registries, under churn, and by time alone."""

import contextlib
import os
import pathlib
import re
import shutil
import time

import pytest
from rollcall import always, until

STEP_S = 0.05
STATE = "dnsd-serials"


def serial(dnsd, zone=""):
    return int(dnsd.dig(zone or "svc.internal", "SOA", "+short").split()[2])


def is_ahead(a, b):
    """b comes after a, RFC 1982 section 3.2."""
    return 0 < (b - a) % 2**32 < 2**31


def settled(dnsd, zone=""):
    """The serial when no step is to come."""
    time.sleep(3 * STEP_S)
    return serial(dnsd, zone)


def calm(dnsd, zone="", seconds=0.5):
    before = serial(dnsd, zone)
    always("no step", lambda: serial(dnsd, zone) == before, seconds)
    return before


def replace(site, other):
    """Another database takes the registry's place, without its old log."""
    for companion in ("-wal", "-shm"):
        pathlib.Path(f"{site.registry}{companion}").unlink(missing_ok=True)
    other.rename(site.registry)


def make_other(site, address):
    path, site.registry = site.registry, site.folder / "other.db"
    site.create_registry()
    site.put("web", ("i1", address))
    other, site.registry = site.registry, path
    return other


def put_zone(site, zone, service, address):
    site.sql("INSERT INTO service (zone, name, port) VALUES (?, ?, 80)",
             zone, service)
    site.sql("INSERT INTO instance (zone, service, name, address) "
             "VALUES (?, ?, 'i1', ?)", zone, service, address)


@pytest.fixture
def web(site):
    site.create_registry()
    site.put("web", ("i1", "192.0.2.1"), ("i2", "192.0.2.2"))
    return site.start_dnsd()


def test_begins_at_the_revision(site, web):
    """Without anything kept: the file's serial, 0 here, and the revision."""
    revision = site.sql("SELECT max(revision) FROM change")[0][0]
    assert serial(web) == revision > 0


def test_by_zone(site):
    """A change in one zone is no step of another, static ones least of all."""
    zones = site.folder / "zones"
    zones.mkdir()
    soa = "$TTL 60\n@ SOA ns1 h {} 3600 600 86400 60\n@ NS ns1\n"
    (zones / "own.test.zone").write_text(soa.format(77))
    site.create_registry()
    dnsd = site.start_dnsd("--zone", "b.test", "--zones", zones)
    put_zone(site, "svc.internal", "web", "192.0.2.1")
    put_zone(site, "b.test", "db", "192.0.2.2")
    until("both are there", lambda: dnsd.addresses("web")
          and dnsd.addresses("db.b.test."))
    first, other = settled(dnsd), settled(dnsd, "b.test")
    for i in range(1, 6):
        site.sql("UPDATE instance SET address = ? WHERE zone = 'b.test'",
                 f"192.0.2.{10 + i}")
        dnsd.wait_addresses("db.b.test.", [f"192.0.2.{10 + i}"])
        now = settled(dnsd, "b.test")
        assert now == other + 1
        other = now
    assert serial(dnsd) == first
    assert serial(dnsd, "own.test") == 77
    (zones / "own.test.zone").write_text(soa.format(78))
    until("the file's serial", lambda: serial(dnsd, "own.test") == 78)
    assert (serial(dnsd), serial(dnsd, "b.test")) == (first, other)


def test_equal_answers_are_no_step(site, web):
    before = settled(web)
    for statement in (
            "UPDATE instance SET address = '192.0.2.1' WHERE name = 'i1'",
            "UPDATE instance SET weight = 100",
            "UPDATE service SET on_empty = 'nxdomain'",
            "UPDATE instance SET health = 'warning' WHERE name = 'i2'"):
        site.sql(statement)
    assert calm(web) == before
    site.sql("UPDATE instance SET health = 'critical' WHERE name = 'i2'")
    web.wait_addresses("web", ["192.0.2.1"])
    assert settled(web) == before + 1


def test_time_alone_moves_it(site, web):
    """A lease ends and nobody writes a row."""
    now_ms = time.time_ns() // 1_000_000
    site.sql("UPDATE instance SET lease_until_wall_ms = ? WHERE name = 'i2'",
             now_ms + 1500)
    before = settled(web)
    assert sorted(web.addresses("web")) == ["192.0.2.1", "192.0.2.2"]
    web.wait_addresses("web", ["192.0.2.1"])
    assert settled(web) == before + 1
    assert calm(web) == before + 1


def test_replaced_registries(site, web):
    """Seven becomes two: secondaries would wait for the eighth."""
    for i in range(5):
        site.sql("UPDATE instance SET address = ? WHERE name = 'i2'",
                 f"192.0.2.{20 + i}")
        time.sleep(STEP_S)
    before = settled(web)
    replace(site, make_other(site, "192.0.2.99"))
    web.wait_addresses("web", ["192.0.2.99"])
    after = settled(web)
    assert after == before + 1
    # a copy of the same rows answers the same
    copy = site.folder / "copy.db"
    site.sql("VACUUM INTO ?", str(copy))
    start = len(web.log_text())
    replace(site, copy)
    web.wait_log(r"registry '.*' loaded", start)
    assert settled(web) == after
    # and again over a restart
    web.stop()
    replace(site, make_other(site, "192.0.2.100"))
    web.start()
    assert web.addresses("web") == ["192.0.2.100"]
    assert settled(web) == after + 1


def test_restarts(site, web):
    before = settled(web)
    web.stop()
    web.start()
    assert serial(web) == before, "nothing has changed"
    web.stop()
    site.sql("UPDATE instance SET address = '192.0.2.3' WHERE name = 'i2'")
    web.start()
    assert serial(web) == before + 1, "it has while nobody looked"
    # a kill: beyond all that may have been published
    site.sql("UPDATE instance SET address = '192.0.2.4' WHERE name = 'i2'")
    last = settled(web)
    for _ in range(3):
        web.kill()
        web.start()
        now = serial(web)
        assert is_ahead(last, now) and now - last < 2100
        last = now
    assert calm(web) == last
    web.stop()
    web.start()
    assert serial(web) == last


def test_a_state_directory_of_its_own(site, tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    site.create_registry()
    site.put("web", ("i1", "192.0.2.1"))
    dnsd = site.start_dnsd("--state", state, "--sandbox", "auto")
    first = serial(dnsd)
    assert os.listdir(state) == [STATE]
    assert not (site.folder / STATE).exists()
    dnsd.stop()
    text = (state / STATE).read_text()
    assert re.fullmatch(
        rf"rollcall serials 1\nsvc\.internal\. {first} exact [0-9a-f]{{16}}\n"
        r"sum [0-9a-f]{16}\n", text)
    # the registry and what was beside it are lost, the number is not
    for file in site.folder.glob("registry.db*"):
        file.unlink()
    dnsd.start()
    assert not is_ahead(serial(dnsd), first)


def test_state_that_cannot_be_written(site, tmp_path):
    """Told once; serials go on, and are kept as soon as they can be."""
    state = tmp_path / "later"
    site.create_registry()
    site.put("web", ("i1", "192.0.2.1"))
    dnsd = site.start_dnsd("--state", state, "--sandbox", "off")
    dnsd.wait_log(r"cannot write '.*later/dnsd-serials'.*not kept")
    before = serial(dnsd)
    site.sql("UPDATE instance SET address = '192.0.2.9'")
    dnsd.wait_addresses("web", ["192.0.2.9"])
    assert settled(dnsd) == before + 1
    state.mkdir()
    until("it is there", lambda: dnsd.logged("serials are kept again"), 30)
    assert len(re.findall("cannot write", dnsd.log_text())) == 1
    dnsd.kill()
    dnsd.start()
    assert is_ahead(before + 1, serial(dnsd))


def test_a_damaged_state_is_named_and_replaced(site, web):
    before = settled(web)
    web.stop()
    state = site.folder / STATE
    whole = state.read_bytes()
    state.write_bytes(whole.replace(b"exact", b"exakt"))
    web.start()
    assert len(re.findall("dnsd-serials' damaged", web.log_text())) == 1
    # what is known without it: the revision
    revision = site.sql("SELECT max(revision) FROM change")[0][0]
    assert serial(web) == revision == before
    # while a process lives, no file makes it go back
    site.sql("UPDATE instance SET address = '192.0.2.9' WHERE name = 'i2'")
    now = settled(web)
    state.write_bytes(whole)
    web.signal(1)
    assert calm(web) == now
    state.unlink()
    web.stop()
    web.start()
    assert serial(web) == now


def test_two_on_one_directory(site, web):
    """Each goes on from where it or another was: no number comes twice."""
    second = site.start_dnsd()
    for i in range(6):
        site.sql("UPDATE instance SET address = ? WHERE name = 'i2'",
                 f"192.0.2.{40 + i}")
        time.sleep(STEP_S)
    seen = [settled(web), settled(second)]
    for dnsd in (web, second, web):
        before = serial(dnsd)
        dnsd.kill()
        dnsd.start()
        assert is_ahead(before, serial(dnsd))
    for dnsd, before in ((web, seen[0]), (second, seen[1])):
        now = serial(dnsd)
        dnsd.stop()
        dnsd.start()
        assert now == serial(dnsd) or is_ahead(now, serial(dnsd))
        assert is_ahead(before, serial(dnsd))


def test_churn(site, web):
    """2,000 commits: at most a step each 50 ms, never back, the last one
    numbered; and the number never runs ahead of the answers."""
    seen = []
    start = time.monotonic()
    first = serial(web)
    with contextlib.closing(site.connect()) as db:
        for i in range(2000):
            db.execute("UPDATE instance SET address = ? WHERE name = 'i2'",
                       (f"10.0.{i // 250}.{i % 250 + 1}",))
            if i % 20 == 0:
                seen.append(web.ask("", "SOA").rdata()[0].serial)
    web.wait_addresses("web", ["192.0.2.1", "10.0.7.250"])
    until("the last is numbered", lambda: serial(web) > seen[-1])
    last = calm(web)
    took = time.monotonic() - start
    steps = last - first
    print(f"2000 commits, {steps} steps in {took:.1f} s")
    assert all(a <= b for a, b in zip(seen, seen[1:]))
    assert 1 <= steps <= took / STEP_S + 1
    site.sql("UPDATE instance SET weight = 7 WHERE name = 'i2'")
    until("and so is the next", lambda: serial(web) == last + 1)


def test_a_full_disk(site, tmp_path):
    """A file that fits nowhere is told once, and nothing else suffers."""
    full = tmp_path / "full"
    full.mkdir()
    if os.geteuid() or shutil.which("mount") is None:
        pytest.skip("needs root, to mount a small tmpfs")
    done = os.system(f"mount -t tmpfs -o size=4k none {full} 2>/dev/null")
    if done:
        pytest.skip("a tmpfs cannot be mounted here")
    try:
        (full / "filler").write_bytes(b"x" * 4096)
        site.create_registry()
        site.put("web", ("i1", "192.0.2.1"))
        dnsd = site.start_dnsd("--state", full, "--sandbox", "off")
        dnsd.wait_log("No space left on device.*not kept")
        site.sql("UPDATE instance SET address = '192.0.2.9'")
        dnsd.wait_addresses("web", ["192.0.2.9"])
        dnsd.stop()
        assert len(re.findall("not kept", dnsd.log_text())) == 1
        assert os.listdir(full) == ["filler"]
    finally:
        os.system(f"umount {full}")
