# SPDX-License-Identifier: BSD-2-Clause
"""Zone files beside a registry, while both change. Which file's zone is
served is in tests/unit/dnsd_core/test_zonedir.c, what an answer has in
tests/unit/dnsd_message/test_lookup.c."""

import datetime
import re
import threading
import time

import pytest
from rollcall import until

pytestmark = pytest.mark.threads


class Zones:
    """A directory of zone files."""

    def __init__(self, folder):
        self.path = folder / "zones"
        self.path.mkdir()
        self.aside = folder / "aside"

    def put(self, file, text):
        """As careful programs do: aside, then over."""
        self.aside.write_text(text)
        self.aside.rename(self.path / file)

    def put_zone(self, name, serial=1, more=""):
        self.put(f"{name}.zone", zone_text(serial, more))


def zone_text(serial=1, more=""):
    return (f"$TTL 60\n@ SOA ns1 h {serial} 3600 600 86400 60\n@ NS ns1\n"
            f"ns1 A 192.0.2.1\n{more}")


def hosts(n):
    return "\n".join(f"h{i} A 10.{i >> 16}.{i >> 8 & 255}.{i & 255}"
                     for i in range(n)) + "\n"


@pytest.fixture
def zones(tmp_path):
    return Zones(tmp_path)


def serial(dnsd, name):
    got = dnsd.ask(name, "SOA").rdata(rdtype="SOA")
    return got[0].serial if got else None


def wait_serial(dnsd, name, expected):
    until(f"{name} has serial {expected}",
          lambda: serial(dnsd, name) == expected)


def test_services_change_while_a_large_zone_is_read(site, zones):
    """The thread that publishes does not read files."""
    site.create_registry()
    zones.put_zone("big.test", 1)
    dnsd = site.start_dnsd("--zones", zones.path)
    site.put("web", ("i1", "10.0.0.1"))
    dnsd.wait_addresses("web", ["10.0.0.1"])
    start = len(dnsd.log_text())
    zones.put_zone("big.test", 2, hosts(150_000))
    loaded = re.compile(r"^(\S+) .*'big.test.' loaded .*serial=2 .* ms=(\d+)",
                        re.MULTILINE)
    answered = []
    while not (line := loaded.search(dnsd.log_text()[start:])):
        n = len(answered)
        address = f"10.0.{n >> 8}.{n & 255}"
        site.sql("UPDATE instance SET address = ?", address)
        dnsd.wait_addresses("web", [address])
        answered.append(time.time())
        assert serial(dnsd, "big.test.") in (1, 2)
    wait_serial(dnsd, "big.test.", 2)
    end = datetime.datetime.fromisoformat(
        line.group(1).replace("Z", "+00:00")).timestamp()
    took = int(line.group(2)) / 1000
    meanwhile = sum(end - took < t < end for t in answered)
    print(f"{meanwhile} changes in the {took} s that 150,000 records took")
    # were they read by the thread that publishes, there would be none
    assert meanwhile > 3
    assert dnsd.ask("h149999.big.test.").addresses() == ["10.2.73.239"]


def test_one_name_space(site, zones):
    """A zone file and services in one zone: serial, conflicts, no false
    NXDOMAIN."""
    site.create_registry()
    dnsd = site.start_dnsd("--zones", zones.path)
    site.put("web", ("i1", "10.0.0.1"))
    dnsd.wait_addresses("web", ["10.0.0.1"])
    before = serial(dnsd, "")
    zones.put_zone("svc.internal", 1000, "www CNAME web\n*.wild A 192.0.2.9\n")
    until("the file's SOA", lambda: serial(dnsd, "") == 1000 > before)
    assert dnsd.addresses("web") == ["10.0.0.1"]
    assert dnsd.addresses("www") == ["10.0.0.1"]
    assert dnsd.addresses("x.wild") == ["192.0.2.9"]
    assert dnsd.ask("wild").rcode == "NOERROR"
    # a change of a service moves the serial, and so does an edit
    site.sql("UPDATE instance SET address = '10.0.0.2'")
    dnsd.wait_addresses("www", ["10.0.0.2"])
    until("a step", lambda: serial(dnsd, "") == 1001)
    zones.put_zone("svc.internal", 2000, "web TXT static\n")
    until("the edit", lambda: serial(dnsd, "") == 2000)
    assert dnsd.ask("www").rcode == "NXDOMAIN"
    assert dnsd.addresses("web") == ["10.0.0.2"]
    # without the file the zone is what it was
    (zones.path / "svc.internal.zone").unlink()
    until("SOA of the options", lambda: dnsd.ask("", "SOA").rdata()[0]
          .rname.to_text() == "hostmaster.svc.internal.")
    until("a step", lambda: serial(dnsd, "") == 2001)
    assert dnsd.addresses("web") == ["10.0.0.2"]


def test_mailbox_of_the_soa(site):
    site.create_registry()
    dnsd = site.start_dnsd("--hostmaster", "first.last@example.com")
    assert dnsd.ask("", "SOA").rdata()[0].rname.to_text() == \
        r"first\.last.example.com."


def test_a_serial_that_goes_back_is_told(site, zones):
    """It is served all the same; who compares serials would keep the old."""
    zones.put_zone("a.test", 4_000_000_000)
    dnsd = site.start_dnsd("--zones", zones.path)
    wait_serial(dnsd, "a.test.", 4_000_000_000)
    zones.put_zone("a.test", 5)  # later, by RFC 1982
    wait_serial(dnsd, "a.test.", 5)
    assert not dnsd.logged("went back")
    zones.put_zone("a.test", 4)
    dnsd.wait_log("zone 'a.test.': serial 4 went back from 5")
    assert serial(dnsd, "a.test.") == 4


def test_conflicts_are_named(site, zones):
    """Once for each change, with names, however many there are."""
    pattern = r"static records go before services .*names=(\d+), first: (.*)"
    zones.put_zone("svc.internal", 1, "".join(
        f"s{i} A 192.0.2.2\n" for i in range(100)))
    site.create_registry()
    for i in range(50):
        site.put(f"s{i}", ("i1", "10.0.0.1"))
    dnsd = site.start_dnsd("--zones", zones.path)
    found = dnsd.wait_log(pattern)
    assert found.group(1) == "50"
    assert "s0.svc.internal. A, " in found.group(2)
    assert len(found.group(2)) < 400
    # a service that comes later
    start = len(dnsd.log_text())
    site.put("s99", ("i1", "10.0.0.1"))
    found = dnsd.wait_log(pattern, start)
    assert found.groups() == ("1", "s99.svc.internal. A")
    # an edit: what is hidden now, in whichever way
    start = len(dnsd.log_text())
    zones.put_zone("svc.internal", 2, "s1 CNAME ns1\n_s2._tcp TXT t\n"
                   "_s3._tcp SRV 0 0 1 ns1\ni1.s4 A 192.0.2.4\n"
                   "s5 NS ns.example.\ns6 DNAME s5\ns7 MX 1 ns1\n")
    found = dnsd.wait_log(pattern, start)
    assert found.group(1) == "5"
    assert sorted(found.group(2).split(", ")) == [
        "_s3._tcp.svc.internal. SRV", "i1.s4.svc.internal. A",
        "i1.s6.svc.internal. DNAME", "s1.svc.internal. CNAME",
        "s5.svc.internal. NS"]
    # a change of a service that is hidden already is no news
    start = len(dnsd.log_text())
    site.sql("UPDATE instance SET address = '10.0.0.9'")
    dnsd.wait_addresses("s10", ["10.0.0.9"])
    assert not dnsd.logged(pattern, start)


def test_files_that_are_not_written_in_one_go(site, zones):
    """Halves, garbage and what is no file never take the place of what is
    served; what comes last does."""
    zones.put_zone("a.test", 1, hosts(500))
    dnsd = site.start_dnsd("--zones", zones.path)
    file = zones.path / "a.test.zone"
    whole = zone_text(2, hosts(5000))
    for n in range(20):
        with file.open("w") as f:
            f.write(whole[:n * len(whole) // 20])
        assert dnsd.addresses("h499.a.test.") == ["10.0.1.243"]
    for garbage in (b"\x7fELF\0\0\xff" * 10000, b"a" * (1 << 22), b"(" * 9999,
                    b"\n" * 99999, b"\"" + b"x" * 70000, b"x A 1.2.3.4\n"):
        start = len(dnsd.log_text())
        file.write_bytes(garbage)
        dnsd.wait_log(r"zone file a\.test\.zone:\d+: .*last good version",
                      start)
        assert dnsd.addresses("h499.a.test.") == ["10.0.1.243"]
    assert len(dnsd.log_text()) < 60_000
    file.write_text(whole)
    wait_serial(dnsd, "a.test.", 2)
    assert dnsd.addresses("h4999.a.test.") == ["10.0.19.135"]


def test_reloads_under_questions(site, zones):
    """Zones change, come and go while they are asked for."""
    zones.put_zone("a.test", 1, hosts(300))
    zones.put_zone("b.test", 1)
    dnsd = site.start_dnsd("--zones", zones.path, "--workers", "2")
    ending = threading.Event()
    wrong = []

    def ask():
        while not ending.is_set():
            for name in ("h7.a.test.", "ns1.b.test.", "no.a.test."):
                got = dnsd.ask(name)
                if name == "h7.a.test." and got.addresses() != ["10.0.0.7"]:
                    wrong.append(got)

    asking = [threading.Thread(target=ask) for _ in range(3)]
    for thread in asking:
        thread.start()
    try:
        for n in range(2, 22):
            zones.put_zone("a.test", n, hosts(300 + n))
            if n % 2:
                zones.put_zone("b.test", n)
            else:
                (zones.path / "b.test.zone").unlink(missing_ok=True)
            wait_serial(dnsd, "a.test.", n)
    finally:
        ending.set()
        for thread in asking:
            thread.join()
    assert not wrong


def test_many_zones(site, zones):
    """A thousand files: all are served, and the reload of one is one."""
    n = 1000
    for i in range(n):
        (zones.path / f"z{i}.test.zone").write_text(zone_text())
    dnsd = site.start_dnsd("--zones", zones.path)
    for i in (0, n // 2, n - 1):
        assert serial(dnsd, f"z{i}.test.") == 1
    start = len(dnsd.log_text())
    zones.put_zone("z500.test", 2)
    wait_serial(dnsd, "z500.test.", 2)
    assert len(re.findall("loaded", dnsd.log_text()[start:])) == 1
    for i in range(n - 1):
        (zones.path / f"z{i}.test.zone").unlink()
    until("they are gone",
          lambda: dnsd.ask("z0.test.", "SOA").rcode == "REFUSED" and
          dnsd.ask(f"z{n - 2}.test.", "SOA").rcode == "REFUSED")
    assert serial(dnsd, f"z{n - 1}.test.") == 1


def test_check_reads_the_zones(site, zones):
    zones.put_zone("a.test")
    good = site.command("--check", "--zones", zones.path, program="dnsd")
    assert good.returncode == 0, good.stderr
    zones.put("b.test.zone", zone_text() + "x A 1.2.3\n")
    wrong = site.command("--check", "--zones", zones.path, program="dnsd")
    assert wrong.returncode == 2
    assert "b.test.zone:5: found '1.2.3', expected an IPv4" in wrong.stderr
