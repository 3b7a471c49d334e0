# SPDX-License-Identifier: BSD-2-Clause
"""Names of others from a root of our own, signed and not: what is checked,
and who is asked without upstreams. NSD has the zones, BIND's tools sign."""

import os
import shutil
import subprocess

import dns.flags
import pytest

from rollcall import HOST, free_port, until
from test_forward import errors, start
from upstream import Upstream

NEEDED = ("nsd", "dnssec-keygen", "dnssec-signzone")

CHILD = """$TTL 300
@ SOA ns.{0}. h.{0}. 1 3600 600 86400 60
@ NS ns.{0}.
ns A {1}
www A 192.0.2.1
other A 192.0.2.2
alias CNAME www.plain.
"""
ROOT = """$TTL 300
. SOA ns. h. 1 3600 600 86400 60
. NS ns.
ns. A {0}
"""
CONFIG = """server:
  ip-address: {host}
  port: {port}
  zonesdir: "{folder}"
  database: ""
  username: ""
  chroot: ""
  pidfile: "{folder}/nsd.pid"
  xfrdfile: "{folder}/xfrd"
  zonelistfile: "{folder}/zone.list"
  verbosity: 1
  server-count: 1
remote-control:
  control-enable: no
"""


class Root:
    """NSD with the root, good. and bad. (signed) and plain. (not)."""

    def __init__(self, folder, host, port):
        self.folder, self.host, self.port = folder, host, port
        self.where = f"{host}:{port}"
        self.asked = []
        self.process = None
        root = ROOT.format(host)
        for zone in ("good", "bad", "plain"):
            text = CHILD.format(zone, host)
            root += f"{zone}. NS ns.{zone}.\nns.{zone}. A {host}\n"
            if zone == "plain":
                (folder / "plain.signed").write_text(text)
                continue
            self.sign(zone, text)
            root += (folder / f"dsset-{zone}.").read_text()
        self.anchor = self.sign("root", root, origin=".")
        bad = folder / "bad.signed"
        bad.write_text(bad.read_text().replace("192.0.2.1", "192.0.2.66"))

    def run(self, *args):
        done = subprocess.run(args, cwd=self.folder, text=True,
                              capture_output=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def sign(self, zone, text, origin=None):
        origin = origin or f"{zone}."
        key = self.run("dnssec-keygen", "-q", "-a", "ECDSAP256SHA256",
                       "-f", "KSK", origin)
        public = (self.folder / f"{key}.key").read_text()
        (self.folder / zone).write_text(text + public)
        self.run("dnssec-signzone", "-q", "-z", "-o", origin, "-f",
                 f"{zone}.signed", zone, key)
        path = self.folder / f"{zone}.anchor"
        path.write_text(public)
        return path

    def start(self):
        config = CONFIG.format(host=self.host, port=self.port,
                               folder=self.folder)
        for zone in ("root", "good", "bad", "plain"):
            name = "." if zone == "root" else f"{zone}."
            config += f"zone:\n  name: \"{name}\"\n" \
                      f"  zonefile: {zone}.signed\n"
        path = self.folder / "nsd.conf"
        path.write_text(config)
        with (self.folder / "nsd.log").open("wb") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "nsd", "-d", "-c", path],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until("NSD answers", lambda: subprocess.run(
            ["dig", "+short", "+tries=1", "+time=1", f"@{self.host}", "-p",
             str(self.port), "www.good.", "A"], capture_output=True,
            check=False).stdout)
        return self

    def close(self):
        if self.process:
            self.process.terminate()
            self.process.wait(10)


@pytest.fixture(name="root")
def fixture_root(tmp_path):
    missing = [p for p in NEEDED if not shutil.which(p)]
    if missing:
        pytest.skip(f"not here: {', '.join(missing)}")
    folder = tmp_path / "root"
    folder.mkdir()
    made = Root(folder, HOST, free_port())
    try:
        yield made.start()
    finally:
        made.close()


def validating(site, root, *args):
    return start(site, root, "--validation", "on", "--trust-anchor",
                 root.anchor, *args)


def test_what_is_right_and_what_is_not(site, root):
    dnsd = validating(site, root)
    got = dnsd.ask("www.good.", want_dnssec=True)
    assert got.addresses() == ["192.0.2.1"] and got.flag("AD")
    assert got.rdata(rdtype="RRSIG")
    got = dnsd.ask("www.good.")
    assert got.addresses() == ["192.0.2.1"] and not got.flag("AD")
    assert not got.rdata(rdtype="RRSIG")
    got = dnsd.ask("www.good.", flags=dns.flags.RD | dns.flags.AD)
    assert got.flag("AD") and not got.rdata(rdtype="RRSIG")
    # not signed, and the root says so
    got = dnsd.ask("www.plain.", want_dnssec=True)
    assert got.addresses() == ["192.0.2.1"] and not got.flag("AD")
    # signed, and wrong
    for _ in range(2):
        got = dnsd.ask("www.bad.")
        assert got.rcode == "SERVFAIL" and errors(got) == [6]
    got = dnsd.ask("www.bad.", flags=dns.flags.RD | dns.flags.CD)
    assert got.addresses() == ["192.0.2.66"] and got.flag("CD")
    assert not got.flag("AD")
    assert dnsd.ask("www.bad.").rcode == "SERVFAIL"
    assert dnsd.ask("other.bad.").addresses() == ["192.0.2.2"]


def test_what_is_not_there(site, root):
    dnsd = validating(site, root)
    got = dnsd.ask("no.good.", want_dnssec=True)
    assert got.rcode == "NXDOMAIN" and got.flag("AD")
    assert "NSEC" in got.authority_types and "SOA" in got.authority_types
    got = dnsd.ask("no.good.")
    assert got.rcode == "NXDOMAIN" and got.authority_types == ["SOA"]
    got = dnsd.ask("www.good.", "AAAA", want_dnssec=True)
    assert got.rcode == "NOERROR" and got.flag("AD") and not got.rdata()


def test_an_alias_is_as_sure_as_where_it_leads(site, root):
    dnsd = validating(site, root)
    got = dnsd.ask("alias.good.", want_dnssec=True)
    assert got.addresses() == ["192.0.2.1"] and not got.flag("AD")


def test_zones_of_ours_are_not_checked(site, root):
    zones = site.folder / "zones"
    zones.mkdir()
    (zones / "own.good.zone").write_text(
        "@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.9\n"
        "w 60 CNAME www.good.\nv 60 CNAME www.bad.\n")
    dnsd = validating(site, root, "--zones", zones)
    assert dnsd.ask("ns.own.good.").addresses() == ["192.0.2.9"]
    got = dnsd.ask("w.own.good.")
    assert got.addresses() == ["192.0.2.1"]
    got = dnsd.ask("v.own.good.")
    assert got.rcode == "SERVFAIL" and errors(got) == [6]


def test_negative_trust_anchors(site, root):
    dnsd = validating(site, root, "--negative-trust-anchors", "bad")
    assert dnsd.ask("www.bad.").addresses() == ["192.0.2.66"]
    assert not dnsd.ask("www.bad.", want_dnssec=True).flag("AD")
    assert dnsd.ask("www.good.", want_dnssec=True).flag("AD")


def test_private_zones_are_not_checked(site, root):
    private = Upstream()
    try:
        dnsd = validating(site, root, "--upstream-zones",
                          f"corp.good={private.where}")
        assert dnsd.ask("x.corp.good.").addresses() == ["192.0.2.1"]
        assert dnsd.ask("www.good.", want_dnssec=True).flag("AD")
    finally:
        private.close()


def test_without_validation_nothing_is_checked(site, root):
    dnsd = start(site, root)
    assert dnsd.ask("www.bad.").addresses() == ["192.0.2.66"]
    assert not dnsd.ask("www.good.", want_dnssec=True).flag("AD")


def test_from_the_root(site, tmp_path):
    missing = [p for p in NEEDED if not shutil.which(p)]
    if missing or os.geteuid() != 0:
        pytest.skip("needs port 53 of an address of loopback, and "
                    + ", ".join(NEEDED))
    folder = tmp_path / "root"
    folder.mkdir()
    root = Root(folder, f"127.54.{os.getpid() >> 8 & 255}."
                        f"{os.getpid() & 255 or 1}", 53)
    hints = folder / "hints"
    hints.write_text(f". 3600 NS ns.\nns. 3600 A {root.host}\n")
    try:
        root.start()
        dnsd = start(site, root, "--recursion", "--root-hints", hints,
                     "--validation", "on", "--trust-anchor", root.anchor)
        assert dnsd.ask("www.good.", want_dnssec=True).flag("AD")
        assert dnsd.ask("www.plain.").addresses() == ["192.0.2.1"]
        assert dnsd.ask("alias.plain.").addresses() == ["192.0.2.1"]
        assert dnsd.ask("www.bad.").rcode == "SERVFAIL"
        assert dnsd.ask("no.such.").rcode == "NXDOMAIN"
    finally:
        root.close()
