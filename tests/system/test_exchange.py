# SPDX-License-Identifier: BSD-2-Clause
"""import and export: what goes out comes back, and others can read it."""

import json
import shutil
import subprocess

import pytest

import rollcall

COLUMNS = ("service, name, address, address6, coalesce(i.port, s.port), "
           "priority, weight, weight_warning, i.tags, i.meta, locality, "
           "protocol, ttl_s")


def fill(site):
    """Two services with everything that an instance can say."""
    site.create_registry()
    site.script("""
INSERT INTO service (name, port, ttl_s) VALUES ('web', 80, 30);
INSERT INTO service (name, protocol, meta)
	VALUES ('dns', 'udp', '{"k":"a \\"b\\" \\\\ ä"}');
INSERT INTO instance (service, name, address, address6, port, priority,
	weight, weight_warning, tags, meta, locality) VALUES
	('web', 'a', '192.0.2.1', '2001:db8::1', NULL, 0, 300, 30,
	 '["v2","blue"]', '{"version":"2.3.1","note":"a;b"}', 'north'),
	('web', 'b', '2001:db8::2', NULL, 8080, 5, 0, NULL, '[]', '{}', NULL),
	('dns', 'a', '192.0.2.53', NULL, 53, 0, 1, NULL, '[]', '{}', NULL);
""")


def rows(site, registry=None):
    other = rollcall.Site.__new__(rollcall.Site)
    other.registry = registry or site.registry
    return other.sql(f"SELECT {COLUMNS.replace('name', 'i.name')} FROM "
                     "instance i JOIN service s ON s.zone = i.zone AND "
                     "s.name = i.service ORDER BY service, i.name")


def export(site, *args):
    return site.run("export", "--registry", site.registry, *args)


def bring_back(site, text, *args):
    """Into a registry of its own: (its rows, what was said)."""
    file = site.folder / "back"
    file.write_text(text)
    registry = site.folder / f"back-{len(list(site.folder.iterdir()))}.db"
    done = site.command("import", file, "--registry", registry, *args)
    assert done.returncode == 0, done.stderr
    return rows(site, registry), done.stdout + done.stderr


def test_lines_come_back_whole(site):
    fill(site)
    text = export(site)
    assert all(json.loads(line) for line in text.splitlines())
    got, said = bring_back(site, text)
    assert got == rows(site)
    assert "left out" not in said
    assert bring_back(site, text, "--format", "lines")[0] == got


def test_consul_comes_back(site):
    fill(site)
    text = export(site, "--format", "consul")
    ids = [s["id"] for s in json.loads(text)["services"]]
    assert ids == ["dns-a", "web-a", "b"], "IDs are unique on an agent"
    got, _ = bring_back(site, text)
    # priority, locality, protocol and ttl are nothing of Consul's
    assert sorted((r[0], r[2], r[3] or '', r[4], r[6], r[8], r[9])
                  for r in got) == \
        sorted((r[0], r[2], r[3] or '', r[4], max(r[6], 1), r[8], r[9])
               for r in rows(site))


def test_skydns_comes_back(site):
    fill(site)
    site.sql("UPDATE instance SET priority = priority + 1, address6 = NULL, "
             "weight = max(weight, 1)")
    text = export(site, "--format", "skydns")
    assert text.splitlines()[0] == "/skydns/internal/svc/dns/a"
    got, said = bring_back(site, text)
    assert [r[:3] + r[4:7] for r in got] == \
        [r[:3] + r[4:7] for r in rows(site)]
    assert "left out" not in said


def test_a_zone_file_has_what_dnsd_answers(site):
    fill(site)
    site.put("web", ("down", "192.0.2.7"), ("drained", "192.0.2.8"))
    site.put_health("web", "down", "critical")
    site.run("drain", "web/drained", "--registry", site.registry)
    text = export(site, "--format", "zone")
    zones = site.folder / "zones"
    zones.mkdir()
    (zones / "svc.internal.zone").write_text(text)
    site.run("import", "/dev/null", "--registry", site.folder / "nothing.db")
    ours = site.start_dnsd()
    other = rollcall.Dnsd(site, "--zones", zones)
    other.args[other.args.index(str(site.registry))] = \
        str(site.folder / "nothing.db")
    site.daemons.append(other)
    other.start()
    ours.wait_instances("web", ["a", "b", "drained"])
    for name, rdtype in (("_web._tcp", "SRV"), ("_dns._udp", "SRV"),
                         ("web", "A"), ("web", "AAAA"), ("dns", "A"),
                         ("a.web", "A"), ("a.web", "AAAA"), ("b.web", "AAAA"),
                         ("down.web", "A"), ("a.web", "TXT"), ("dns", "TXT"),
                         ("drained.web", "A"), ("web", "MX")):
        a, b = (sorted(str(rd) for rd in d.ask(name, rdtype, tcp=True).rdata())
                for d in (ours, other))
        assert a == b, f"{name} {rdtype}"
    got, said = bring_back(site, text)
    assert [r[1] for r in got] == ["a", "a", "b", "drained"]
    assert "left out" in said


@pytest.mark.parametrize("tool", [
    pytest.param(tool, marks=pytest.mark.skipif(
        not shutil.which(tool), reason=f"no {tool}"))
    for tool in ("nsd-checkzone", "named-checkzone")])
def test_others_load_the_zone_file(site, tool):
    fill(site)
    file = site.folder / "zone"
    # as the file says: its NS is to be edited
    file.write_text(export(site, "--format", "zone") + "ns1 A 192.0.2.99\n")
    done = subprocess.run([tool, "svc.internal", file], text=True,
                          capture_output=True, check=False, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("text", ["; shopping list\n", "$TTL 5\n",
                                  "host A 192.0.2.1\n"])
def test_a_text_without_instances_is_no_zone_file_by_chance(site, text):
    file = site.folder / "list"
    file.write_text(text)
    args = ["import", file, "--registry", site.registry]
    done = site.command(*args)
    assert done.returncode == 2
    assert "taken for a zone file" in done.stderr
    assert "see --format" in done.stderr
    assert ("left out: 1 address: " in done.stderr) == ("host" in text)
    done = site.command(*args, "--format", "zone")
    assert done.returncode == 0
    assert done.stdout.startswith("0 instances, 0 changes")


def test_an_expired_lease_is_left_out(site):
    fill(site)
    site.sql("UPDATE instance SET lease_until_wall_ms = 1700000000000 "
             "WHERE name = 'b'")
    done = site.command("export", "web", "--registry", site.registry)
    assert done.returncode == 0
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == \
        ["a"]
    assert "left out: 1 instance whose" in done.stderr


@pytest.mark.parametrize("args, status, text", [
    (["nix"], 2, "no service 'nix'"),
    (["web/a"], 2, "expected SERVICE"),
    (["--format", "bind"], 2, "expected"),
    (["--registry", "/nonexistent/r.db"], 1, "cannot open"),
    (["web", "--registry", "/nonexistent/r.db"], 1, "cannot open"),
])
def test_exports_that_fail(site, args, status, text):
    fill(site)
    if "--registry" not in args:
        args = [*args, "--registry", site.registry]
    done = site.command("export", *args)
    assert (done.returncode, done.stdout) == (status, "")
    assert text in done.stderr


def test_what_is_wrong_is_said_line_by_line(site):
    file = site.folder / "dump"
    file.write_text("/skydns/internal/svc/db/i\n{\"host\":1}\n"
                    "/skydns/internal/svc/db/j\n{\n")
    done = site.command("import", file, "--registry", site.registry)
    assert done.returncode == 2
    first, second = done.stderr.splitlines()
    assert first.startswith(f"registrar: {file}:2:1: found another host")
    assert second.startswith(f"registrar: {file}:4:1: found '{{', expected")


def test_a_wrong_entry_does_not_take_the_rest(site):
    file = site.folder / "dump"
    file.write_text('{"service":"db","id":"a","address":"192.0.2.1"}\n'
                    '{"service":"db","id":"b","address":"192.0.2"}\n'
                    '{"service":"db","id":"a","address":"192.0.2.3"}\n')
    args = ("import", file, "--registry", site.registry)
    done = site.command(*args, "--dry-run")
    assert (done.returncode, done.stdout) == (1, "")
    assert not site.registry.exists()
    site.create_registry()
    done = site.command(*args, "--dry-run")
    assert done.returncode == 2
    assert done.stdout == ("db/a: new, address 192.0.2.1, weight 100\n"
                           "would be: 1 instance, 2 changes; 2 refused\n")
    assert site.sql("SELECT count(*) FROM instance") == [(0,)]
    done = site.command(*args)
    assert done.returncode == 2
    assert done.stdout == "1 instance, 2 changes; 2 refused\n"
    assert f"{file}:2:36: found address" in done.stderr
    assert f"{file}:3:22: found 'db/a' a second time" in done.stderr
    assert site.sql("SELECT name, address FROM instance") == [
        ("a", "192.0.2.1")]


def test_what_is_no_utf8_is_exported_all_the_same(site):
    site.create_registry()
    site.script("INSERT INTO service (name) VALUES ('web');"
                "INSERT INTO instance (service, name, address, meta) VALUES "
                "('web', 'a', '192.0.2.1', CAST(x'7b226b223a22ff227d' AS TEXT"
                "));")
    line = json.loads(site.command(
        "export", "--registry", site.registry).stdout)
    assert line["meta"] == {"k": "?"}


def test_an_octet_zero_is_told(site):
    file = site.folder / "dump"
    file.write_bytes(b'/skydns/internal/svc/db/i\n{"host":"192.0.2.1"}\n'
                     b'\0\n/skydns/internal/svc/db/j\n{"host":"::1"}\n')
    done = site.command("import", file, "--registry", site.registry)
    assert done.returncode == 2
    assert "found no text" in done.stderr
