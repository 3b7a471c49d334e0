# SPDX-License-Identifier: BSD-2-Clause
"""The watched directory: every way in which people change files."""

import re
import signal

import pytest

from rollcall import always, until


def plain(service, *names, **more):
    """A service without checks: passing from the start."""
    rows = "".join(f"  - {{name: {name}, address: 192.0.2.{n}}}\n"
                   for n, name in enumerate(names, 1))
    extra = "".join(f"{k}: {v}\n" for k, v in more.items())
    return f"service: {service}\nport: 80\n{extra}instances:\n{rows}"


@pytest.fixture
def two(site):
    """web and db, served."""
    site.define("web.yaml", plain("web", "a", "b"))
    site.define("db.yaml", plain("db", "a"))
    site.start_registrar()
    dnsd = site.start_dnsd()
    dnsd.wait_instances("web", ["a", "b"])
    dnsd.wait_instances("db", ["a"])
    return dnsd


def registrar_of(site):
    return next(d for d in site.daemons if d.program == "registrar")


def changes(site):
    return site.sql("SELECT count(*) FROM change WHERE service = 'db'")[0][0]


def test_a_file_written_in_place(site, two):
    (site.watch / "web.yaml").write_text(plain("web", "a", "c"))
    two.wait_instances("web", ["a", "c"])


def test_a_file_renamed_over(site, two):
    site.define("web.yaml", plain("web", "b"))
    two.wait_instances("web", ["b"])


@pytest.mark.parametrize("name", ["zz.yaml", "aa.yaml"])
def test_a_rename_is_no_error(site, two, name):
    registrar = registrar_of(site)
    (site.watch / "db.yaml").rename(site.watch / name)
    registrar.wait_log(f"{name}' is in force")
    log = registrar.log_text()
    assert " error: " not in log and "does not define" not in log, log
    assert two.instances("db") == ["a"]
    # a copy is one, and is told though files come and go
    site.define("copy.yaml", plain("db", "a"))
    registrar.wait_log(f"copy.yaml:.*one that '.*{name}' does not define")


def test_a_file_moved_in_and_out_and_removed(site, two):
    site.define("new.yaml", plain("new", "x"))
    two.wait_instances("new", ["x"])
    (site.watch / "new.yaml").rename(site.folder / "gone.yaml")
    until("gone", lambda: two.ask("new").rcode == "NXDOMAIN")
    (site.folder / "gone.yaml").rename(site.watch / "again.yml")
    two.wait_instances("new", ["x"])
    (site.watch / "again.yml").unlink()
    until("gone", lambda: two.ask("new").rcode == "NXDOMAIN")
    assert two.instances("web") == ["a", "b"]


def test_what_editors_leave_behind_is_no_definition(site, two):
    for name in (".web.yaml.swp", "web.yaml~", "#web.yaml#", "README",
                 "web.yaml.bak", "4913"):
        (site.watch / name).write_text(plain("junk", "a"))
    site.define("real.yaml", plain("real", "a"))
    two.wait_instances("real", ["a"])
    assert two.ask("junk").rcode == "NXDOMAIN"


def test_json_is_yaml(site, two):
    site.define("j.json", '{"service": "j", "port": 80, "instances": '
                '[{"name": "a", "address": "192.0.2.1"}]}\n')
    two.wait_instances("j", ["a"])


def test_one_file_may_hold_several_services(site, two):
    site.define("more.yaml", "services:\n" + "".join(
        f"  - service: s{n}\n    port: 80\n    instances:\n"
        f"      - {{name: a, address: 192.0.2.{n}}}\n" for n in (1, 2)))
    two.wait_instances("s1", ["a"])
    two.wait_instances("s2", ["a"])


@pytest.mark.parametrize("text, line, says", [
    ("service: web\nport: 99999\ninstances: [{address: 192.0.2.1}]\n", 2,
     "99999"),
    ("service: web\nport: 80\ninstances:\n  - {address: 192.0.2.999}\n", 4,
     "192.0.2.999"),
    ("service: web\nprot: 80\ninstances: [{address: 192.0.2.1}]\n", 2,
     "prot"),
    ("service: Web_1\nport: 80\ninstances: [{address: 192.0.2.1}]\n", 1,
     "Web_1"),
    ("service: web\n  port: 80\n", 2, "expected"),
    ("service: web\nport: [80\n", 3, "expected"),
    ("service: web\nport: 80\ninstances: [{address: 192.0.2.1}]\n"
     "checks:\n  - {tcp: \"{address}:80\", interval: soon}\n", 5, "soon"),
])
def test_a_broken_file_is_refused_with_its_place(site, two, text, line,
                                                 says):
    before = changes(site)
    site.define("web.yaml", text)
    found = registrar_of(site).wait_log(
        rf"web\.yaml:{line}:(\d+): .*{re.escape(says)}.*")
    assert "expected" in found.group(0)
    always("the last good version holds",
           lambda: two.instances("web") == ["a", "b"], 0.2)
    assert changes(site) == before, "others are not touched"
    site.define("web.yaml", plain("web", "fixed"))
    two.wait_instances("web", ["fixed"])


def test_a_broken_file_stays_in_force_over_a_restart(site, two):
    site.define("web.yaml", "service: [web\n")
    registrar = registrar_of(site)
    registrar.wait_log(r"web\.yaml:\d+:\d+: ")
    for end in (registrar.stop, registrar.kill):
        end()
        registrar.start()
        registrar.wait_log(r"web\.yaml:\d+:\d+: ")
        assert two.instances("web") == ["a", "b"]
        assert two.instances("db") == ["a"]


def test_an_edit_leaves_what_it_does_not_touch_alone(site, two):
    process, pidfile = site.process("p")
    text = (f"service: svc\nport: 80\ninstances:\n"
            f"  - {{name: p, address: 192.0.2.1, "
            f"process: {{pidfile: {pidfile}}}}}\n")
    site.define("svc.yaml", text)
    two.wait_instances("svc", ["p"])
    row = "SELECT since_wall_ms, health FROM instance WHERE name = 'p'"
    before = site.sql(row)
    history = site.sql("SELECT * FROM history WHERE service = 'svc'")
    site.define("svc.yaml", text + "  - {name: q, address: 192.0.2.2}\n")
    two.wait_instances("svc", ["p", "q"])
    assert site.sql(row) == before
    assert site.sql("SELECT * FROM history WHERE service = 'svc' "
                    "AND instance = 'p'") == history
    process.kill()
    two.wait_instances("svc", ["q"])


def test_touching_a_file_changes_nothing(site, two):
    revision = "SELECT max(revision) FROM change"
    before = site.sql(revision)
    (site.watch / "web.yaml").touch()
    site.define("db.yaml", "# a comment\n" + plain("db", "a"))
    site.define("mark.yaml", plain("mark", "a"))
    two.wait_instances("mark", ["a"])
    touched = site.sql("SELECT DISTINCT service FROM change "
                       "WHERE revision > ?", before[0][0])
    assert touched == [("mark",)]


def test_two_files_may_not_claim_one_instance(site, two):
    site.define("zweb.yaml", plain("web", "a", "mine"))
    registrar_of(site).wait_log(r"zweb\.yaml.*web\.yaml|web\.yaml.*zweb\.yaml")
    assert two.instances("web") == ["a", "b"]


def test_two_files_may_share_a_service(site, two):
    site.define("zweb.yaml", plain("web", "c"))
    two.wait_instances("web", ["a", "b", "c"])
    (site.watch / "zweb.yaml").unlink()
    two.wait_instances("web", ["a", "b"])


def test_the_directory_may_come_later_and_come_back(site):
    site.watch.rmdir()
    registrar = site.start_registrar()
    dnsd = site.start_dnsd()
    assert registrar.running()
    assert registrar.logged(f"error: cannot watch '{site.watch}': No such")
    aside = site.folder / "aside.d"
    aside.mkdir()
    (aside / "web.yaml").write_text(plain("web", "a"))
    aside.rename(site.watch)
    dnsd.wait_instances("web", ["a"])
    site.watch.rename(aside)
    always("an absent directory withdraws nothing",
           lambda: dnsd.instances("web") == ["a"], 0.5)
    (aside / "web.yaml").write_text(plain("web", "b"))
    aside.rename(site.watch)
    dnsd.wait_instances("web", ["b"])


def test_hand_written_rows_are_nobody_elses(site, two):
    """What other sources wrote stays, through edits and restarts."""
    site.put("byhand", ("x", "192.0.2.77"))
    site.sql("INSERT INTO instance (service, name, address) "
             "VALUES ('web', 'manual', '192.0.2.78')")
    two.wait_instances("web", ["a", "b", "manual"])
    site.define("web.yaml", plain("web", "a"))
    two.wait_instances("web", ["a", "manual"])
    registrar = registrar_of(site)
    registrar.stop()
    registrar.start()
    (site.watch / "db.yaml").unlink()
    until("db is withdrawn", lambda: two.ask("db").rcode == "NXDOMAIN")
    assert two.instances("byhand") == ["x"]
    assert two.instances("web") == ["a", "manual"]


def test_sighup_looks_again(site, two):
    registrar = registrar_of(site)
    for number in (signal.SIGHUP, signal.SIGHUP):
        registrar.signal(number)
    site.define("web.yaml", plain("web", "z"))
    two.wait_instances("web", ["z"])
    two.signal(signal.SIGHUP)
    always("both live", lambda: two.running() and registrar.running(), 0.3)
    assert two.instances("web") == ["z"]


def test_a_thousand_files(site, two):
    for n in range(1000):
        (site.watch / f"f{n}.yaml").write_text(plain(f"f{n}", "a"))
    for n in (0, 500, 999):
        two.wait_instances(f"f{n}", ["a"], 60)
    until("all", lambda: site.sql(
        "SELECT count(*) FROM service WHERE name GLOB 'f[0-9]*'")[0][0] ==
        1000, 60)
