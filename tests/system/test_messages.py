# SPDX-License-Identifier: BSD-2-Clause
"""What is said of wrong or doubtful input: where it stands, what was found
and what is expected. Texts of single keys are in tests/unit/conf and
tests/unit/registrar_core/test_definition_errors.c."""

import re

import pytest
from rollcall import until


@pytest.mark.parametrize("program, args, says", [
    ("registrar", ["register", "--lease", "5", "w", "i", "192.0.2.1"],
     "--lease: found '5', expected a duration from 1s to 365d such as '2s' "
     "or '1m'"),
    ("registrar", ["wait", "--timeout", "2", "w"],
     "--timeout: found '2', expected a duration from 0s to 1d such as "
     "'500ms' or '2s'"),
    ("registrar", ["drain", "--ttl", "500ms", "w"],
     "--ttl: found '500ms', expected whole seconds from 0s to 1d such as "
     "'5s'"),
    ("dnsd", ["--ttl", "500ms"],
     "--ttl: found '500ms', expected whole seconds from 0s to 1d such as "
     "'5s'"),
    ("dnsd", ["--negative-ttl", "1500ms"],
     "--negative-ttl: found '1500ms', expected whole seconds"),
    ("dnsd", ["--serve-stale", "900ms"],
     "--serve-stale: found '900ms', expected whole seconds"),
    ("dnsd", ["--zone", "a" * 62 + "." + "b" * 60],
     "expected a domain name of at most 120 octets"),
])
def test_of_flags(site, program, args, says):
    done = site.command(*args, program=program)
    assert (done.returncode, says in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize("key, value", [
    ("listen", "['127.0.0.1:5300', 'localhost:53']"),
    ("listen_tls", "'dns.example:853'"),
    ("ns_address", "192.0.2.256"),
    ("zone", "."),
    ("ttl", "500ms"),
])
def test_of_the_file(site, key, value):
    """Nothing that the file says is judged where its place is forgotten."""
    conf = site.folder / "rollcall.yaml"
    conf.write_text(f"registry: {site.registry}\ndnsd:\n  {key}: {value}\n")
    done = site.command("--config", conf, "--check", program="dnsd")
    assert done.returncode == 2
    assert re.search(rf"^.*{conf}:3:\d+: found .* for '{key}', expected",
                     done.stderr, re.MULTILINE), done.stderr


# ---- registrar check: what is well written and yet doubtful -------------

DOUBTS = [
    ("tags: 'v1, v2'", "found one tag 'v1, v2' for 'tags', expected [A, B]"),
    ("tags: ['v1, v2']", None),
    ("checks: [{tcp: '{address}:{port}', timeout: 20s}]",
     "found '20s' for 'timeout' above the interval of the check"),
    ("checks: [{tcp: '{address}:{port}', interval: 1s, timeout: 1s}]", None),
    ("checks: [{exec: [/nonexistent/check, x]}]",
     "found '/nonexistent/check' for 'exec', which does not exist"),
    ("checks: [{exec: [/etc/passwd]}]",
     "found '/etc/passwd' for 'exec', which is not executable"),
    ("checks: [{exec: [/etc]}]", "found '/etc' for 'exec', which is no file"),
    ("checks: [{any: [{exec: [/bin/nowhere]}, {exec: [/bin/true]}]}]",
     "found '/bin/nowhere' for 'exec', which does not exist"),
    ("checks: [{exec: [/bin/true], user: nobody-at-all}]",
     "found user 'nobody-at-all' of '/bin/true'"),
    ("checks: [{exec: [/bin/true], dir: /nonexistent}]",
     "found directory '/nonexistent' of '/bin/true'"),
    ("checks: [{exec: [/bin/true], user: '12345', dir: /tmp}]", None),
    ("on_drained: {exec: [/nonexistent]}", "'/nonexistent' for 'exec'"),
    ("requires: [other, nowhere]",
     "found service 'nowhere.svc.internal' for 'requires', which no file"),
    ("requires: other", None),
    ("checks: [{alias: nowhere}]",
     "found service 'nowhere.svc.internal' for 'alias', which no file"),
]


@pytest.mark.parametrize("line, says", DOUBTS)
def test_of_doubts(site, line, says):
    """Warnings: the files are right all the same."""
    (site.watch / "a.yaml").write_text(f"service: web\nport: 80\n{line}\n")
    (site.watch / "b.yaml").write_text("service: other\nport: 81\n")
    done = site.command("check", site.watch)
    assert done.returncode == 0, done.stderr
    assert "2 files right" in done.stdout
    if says is None:
        assert not done.stderr
    else:
        assert done.stderr.startswith(f"{site.watch}/a.yaml:3:")
        assert says in done.stderr, done.stderr
        assert done.stderr.count("\n") == 1


def test_of_consul_no_doubt_about_its_defaults(site):
    """A timeout of 30 s for scripts is Consul's, whatever the interval."""
    (site.watch / "a.json").write_text(
        '{"service": {"name": "web", "port": 80, "check": {"args": '
        '["/bin/true"], "interval": "10s"}}}')
    done = site.command("check", site.watch)
    assert (done.returncode, done.stderr) == (0, "")


# ---- zone files ---------------------------------------------------------

def test_of_a_broken_file_of_a_zone_of_services(site):
    """What is answered instead is said, and is so."""
    site.create_registry()
    zones = site.folder / "zones"
    zones.mkdir()
    (zones / "svc.internal.zone").write_text("@ SOA ns h 1 2 3 4\n")
    (zones / "other.example.zone").write_text("@ SOA ns h 1 2 3 4\n")
    dnsd = site.start_dnsd("--zones", zones)
    said = dnsd.log_text()
    assert re.search(r"zone file svc\.internal\.zone:1.*; the zone has "
                     r"services, and SOA and NS of the options, without it",
                     said), said
    assert re.search(r"zone file other\.example\.zone:1.*; nothing of it is "
                     r"served", said), said
    assert dnsd.ask("svc.internal.", "SOA").rdata(rdtype="SOA")


def test_of_the_negative_ttl_of_a_file(site):
    site.create_registry()
    zones = site.folder / "zones"
    zones.mkdir()
    file = zones / "svc.internal.zone"
    file.write_text("$TTL 600\n@ SOA ns h 1 2 3 4 555\n@ NS ns\n"
                    "ns A 192.0.2.1\n")
    dnsd = site.start_dnsd("--zones", zones, "--negative-ttl", "7s")
    says = ("zone 'svc.internal.': NXDOMAIN and NODATA have the TTL of the "
            "file's SOA, 555 s, and not that of --negative-ttl, 7 s")
    assert dnsd.log_text().count(says) == 1


# ---- Consul -------------------------------------------------------------

@pytest.mark.parametrize("text, says", [
    ('{"service": {"name": "a", "port": 1, "address": "localhost"}}', None),
    ('{"services": []}', None),
    ("services: []\n", None),
    ('{"service": {"name": "a", "port": 1, "address": "db.example"}}',
     "found 'db.example' for 'address', expected the IPv4 or IPv6 address of "
     "a host, not its name"),
    ('{"service": {"name": "a", "port": 1, "Port": 2}}',
     "1:38: found key 'Port' beside 'port', expected it once"),
    ('{"service": {"name": "a", "port": 1, "check": {"tcp": "127.0.0.1:1",'
     ' "Interval": "1s", "interval": "2s"}}}',
     "found key 'interval' beside 'Interval', expected it once"),
    ("service: a\nport: 1\ninstances: [{address: localhost}]\n",
     "found 'localhost' for 'address', expected the IPv4 or IPv6 address"),
])
def test_of_addresses_keys_and_nothing(site, text, says):
    (site.watch / "a.yaml").write_text(text)
    done = site.command("check", site.watch)
    if says is None:
        assert (done.returncode, done.stderr) == (0, "")
    else:
        assert done.returncode == 2
        assert says in done.stderr


def test_of_localhost_and_no_services_in_force(site):
    site.define("a.json", '{"service": {"name": "a", "port": 1, '
                          '"address": "localhost"}}')
    site.start_registrar("--address", "192.0.2.7")

    def addresses():
        return site.sql("SELECT address FROM instance")

    until("it is there", lambda: addresses() == [("127.0.0.1",)])
    site.define("a.json", '{"services": []}')
    until("nothing is", lambda: addresses() == [])


def test_of_a_dump_of_an_older_etcd(site):
    dump = site.folder / "dump.json"
    for text in ('{"action":"get","node":{"key":"/skydns","dir":true}}',
                 '{"node":{"key":"/skydns","dir":true}}'):
        dump.write_text(text)
        done = site.command("import", dump, "--registry", site.registry)
        assert done.returncode == 2
        assert "version 2 of etcd says, expected that of version 3: " \
               "etcdctl get --prefix /skydns -w json" in done.stderr


# ---- the registry -------------------------------------------------------

def test_of_an_older_registry_in_its_place(site, dnsd):
    site.put("web", ("a", "192.0.2.1"))
    dnsd.wait_instances("web", ["a"])
    old = site.folder / "old.db"
    site.sql("VACUUM INTO ?", str(old))
    site.put("web", ("b", "192.0.2.2"))
    dnsd.wait_instances("web", ["a", "b"])
    for end in ("-wal", "-shm"):
        site.registry.with_name(site.registry.name + end).unlink(
            missing_ok=True)
    old.rename(site.registry)
    dnsd.wait_instances("web", ["a"])
    assert dnsd.wait_log(r"went back from revision \d+ to \d+: an older copy")


# ---- mended before, held by nothing -------------------------------------

def test_of_zones_that_are_not_there(site):
    site.create_registry()
    dnsd = site.start_dnsd("--zones", "/nonexistent")
    assert dnsd.logged("cannot read zones '/nonexistent': .*; no zone file is "
                       "served")
    assert "last good" not in dnsd.log_text()


def test_of_signatures_and_records_outside(site):
    site.create_registry()
    zones = site.folder / "zones"
    zones.mkdir()
    (zones / "a.test.zone").write_text(
        "$TTL 60\n@ SOA ns h 1 2 3 3000000000 4294967295\n@ NS ns\n"
        "ns A 192.0.2.1\nwww.other.test. A 192.0.2.3\n"
        "al CNAME ns\nal NSEC ns CNAME RRSIG NSEC\n"
        "al RRSIG CNAME 8 3 60 20300101000000 20200101000000 1 a.test. AQ==\n"
        "x.other.test. A 192.0.2.4\n")
    dnsd = site.start_dnsd("--zones", zones)
    assert dnsd.logged(r"zone file a\.test\.zone:5: .*; records outside the "
                       r"zone are left out: 2")
    assert dnsd.logged("zone file a.test.zone: found signatures, which no "
                       "answer is sent with: DNSSEC is not supported")
    got = dnsd.ask("a.test.", "SOA").rdata(rdtype="SOA")[0]
    assert (got.expire, got.minimum) == (3000000000, 4294967295)
    assert dnsd.ask("al.a.test.", "A").rdata(rdtype="A")


def test_of_edits_in_the_history(site):
    def define(address, port, priority):
        site.define("a.yaml", f"service: a\nport: 1\ninstances: [{{name: i, "
                              f"address: {address}, port: {port}, "
                              f"priority: {priority}}}]\n")

    define("192.0.2.1", 80, 1)
    site.start_registrar()
    until("it is there", lambda: site.sql("SELECT 1 FROM instance"))
    define("192.0.2.2", 81, 2)
    until("it is another", lambda: site.sql(
        "SELECT 1 FROM instance WHERE priority = 2"))
    out = site.run("history", "a", "--registry", site.registry)
    for said in ("address 192.0.2.1 to 192.0.2.2", "port 80 to 81",
                 "priority 1 to 2"):
        assert said in " ".join(out.split()), out
