# SPDX-License-Identifier: BSD-2-Clause
"""What is said of wrong or doubtful input: where it stands, what was found
and what is expected. Texts of single keys are in tests/unit/conf and
tests/unit/registrar_core/test_definition_errors.c."""

import re

import pytest


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
