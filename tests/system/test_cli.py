# SPDX-License-Identifier: BSD-2-Clause
"""Commands: what they print and the status they end with (0 done, 1
failed, 2 wrong usage or input, 3 found unhealthy)."""

import json
import os
import re

import pytest

from rollcall import TREE

GOOD = "service: web\nport: 80\ninstances: [{address: 192.0.2.1}]\n"


@pytest.mark.parametrize("program", ["dnsd", "registrar"])
def test_version_is_that_of_the_tree(site, program):
    project = re.search(r"project\(rollcall VERSION (\S+)",
                        (TREE / "CMakeLists.txt").read_text()).group(1)
    done = site.command("--version", program=program)
    assert done.returncode == 0
    assert project in done.stdout.split()[-1:] or project in done.stdout


@pytest.mark.parametrize("program, args", [
    ("dnsd", ["--help"]), ("registrar", ["--help"]),
    *[("registrar", [command, "--help"])
      for command in ("run", "check", "status", "import")]])
def test_help_goes_to_standard_output(site, program, args):
    done = site.command(*args, program=program)
    assert done.returncode == 0
    assert not done.stderr
    assert "usage" in done.stdout.lower()
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize("program, args, says", [
    ("dnsd", ["--nonsense"], "--nonsense"),
    ("dnsd", ["--listen", "nowhere"], "nowhere"),
    ("dnsd", ["--zone", "not..a.name"], "not..a.name"),
    ("dnsd", ["--registry"], "--registry"),
    ("registrar", ["frobnicate"], "frobnicate"),
    ("registrar", [], "usage"),
    ("registrar", ["run", "--nonsense"], "--nonsense"),
    ("registrar", ["status", "--nonsense"], "--nonsense"),
])
def test_wrong_usage_is_2(site, program, args, says):
    done = site.command(*args, program=program)
    assert done.returncode == 2
    assert says in done.stderr
    assert not done.stdout


def test_dnsd_says_when_its_port_is_taken(site, dnsd):
    done = site.command("--registry", site.registry, "--zone",
                        "svc.internal", "--listen",
                        f"{dnsd.host}:{dnsd.port}", program="dnsd",
                        seconds=5)
    assert done.returncode == 1
    assert str(dnsd.port) in done.stderr


def test_configuration_of_comments_alone(site):
    """As it is installed: every key is commented out."""
    conf = site.folder / "rollcall.yaml"
    conf.write_text("# registry: /nowhere\n")
    site.create_registry()
    done = site.command("status", "--config", conf,
                        "--registry", site.registry)
    assert (done.returncode, done.stderr) == (0, ""), done


def test_configuration_file(site):
    conf = site.folder / "rollcall.yaml"
    conf.write_text(f"registry: {site.registry}\n"
                    f"registrar:\n  watch: {site.watch}\n  nonsense: 1\n")
    done = site.command("run", "--config", conf)
    assert done.returncode == 2
    assert re.search(r"rollcall\.yaml:4:3: .*nonsense", done.stderr)


def test_whether_to_check_is_no_key(site):
    conf = site.folder / "rollcall.yaml"
    conf.write_text("dnsd:\n  check: true\n")
    done = site.command("--config", conf, program="dnsd")
    assert done.returncode == 2
    assert "found key 'check', expected the flag --check" in done.stderr


def test_help_of_a_command_either_way_round(site):
    asked = site.command("register", "--help")
    assert "usage: registrar register" in asked.stdout
    for args in (["--help", "register"], ["help", "register"]):
        assert site.command(*args).stdout == asked.stdout
    assert site.command("--help", "regster").returncode == 2


def test_a_list_of_flags_is_whole(site):
    done = site.command("--frob", program="dnsd")
    assert done.returncode == 2
    assert "those that --help lists" in done.stderr


# ---- check --------------------------------------------------------------

def test_check_of_good_files(site):
    (site.watch / "a.yaml").write_text(GOOD)
    for what in (site.watch, site.watch / "a.yaml"):
        done = site.command("check", what)
        assert done.returncode == 0, done.stderr
    assert not site.registry.exists()


def test_check_tells_every_error_with_its_place(site):
    (site.watch / "a.yaml").write_text(GOOD)
    (site.watch / "b.yaml").write_text(
        "service: web\nport: many\ninstances: [{address: here}]\n")
    done = site.command("check", site.watch)
    assert done.returncode == 2
    out = done.stdout + done.stderr
    assert re.search(r"b\.yaml:2:7: .*many.*expected", out)
    assert re.search(r"b\.yaml:3:\d+: .*here.*expected", out)
    assert site.command("check", site.folder / "nothing").returncode != 0


def test_check_refuses_what_others_may_write(site):
    file = site.watch / "a.yaml"
    file.write_text(GOOD)
    file.chmod(0o666)
    done = site.command("check", site.watch)
    assert done.returncode == 2
    assert f"{file}: found mode 0666, expected a file that only" in done.stderr
    file.chmod(0o644)
    if os.geteuid() == 0:
        os.chown(file, 12345, 12345)  # which may be right where it runs
    assert site.command("check", site.watch).returncode == 0
    site.watch.chmod(0o777)
    done = site.command("check", site.watch)
    assert done.returncode == 2
    assert "found mode 0777, expected a directory" in done.stderr
    site.watch.chmod(0o755)


# ---- status -------------------------------------------------------------

@pytest.fixture
def rows(site):
    site.create_registry()
    site.put("web", ("i-1", "192.0.2.1"), ("i-2", "192.0.2.2"))
    site.put("db", ("only", "192.0.2.9"))
    return site


def test_status_of_a_healthy_registry(rows):
    done = rows.command("status", "--registry", rows.registry)
    assert done.returncode == 0, done.stderr
    for word in ("web", "i-1", "192.0.2.2", "db", "only", "passing"):
        assert word in done.stdout
    assert "\x1b" not in done.stdout, "no colour in a pipe"


def test_status_is_3_when_something_is_unhealthy(rows):
    rows.put_health("web", "i-2", "critical")
    done = rows.command("status", "--registry", rows.registry)
    assert done.returncode == 3
    assert "critical" in done.stdout
    assert rows.command("status", "--registry", rows.registry,
                        "db").returncode == 0


def test_status_as_json(rows):
    rows.put_health("web", "i-2", "critical")
    text = json.dumps(rows.status())
    for word in ("web", "i-1", "192.0.2.2", "critical", "passing"):
        assert f'"{word}"' in text


def test_status_without_a_registry(site):
    done = site.command("status", "--registry", site.registry)
    assert done.returncode == 1
    assert str(site.registry) in done.stderr
    assert not site.registry.exists()


# ---- import -------------------------------------------------------------

def test_import(site, dnsd):
    lines = site.folder / "instances.jsonl"
    lines.write_text("".join(json.dumps({
        "service": f"s{n % 10}", "id": f"i-{n}",
        "address": f"10.0.{n // 250}.{n % 250 + 1}", "port": 8000 + n,
        "weight": n % 100, "priority": n % 3}) + "\n" for n in range(1000)))
    site.run("import", lines, "--registry", site.registry,
             "--zone", "svc.internal")
    dnsd.wait_instances("s3", [f"i-{n}" for n in range(3, 1000, 10)])
    assert sorted(dnsd.ask("_s3._tcp", "SRV", tcp=True).srv())[0][0] == 0
    before = site.sql("SELECT max(revision) FROM change")
    site.run("import", lines, "--registry", site.registry,
             "--zone", "svc.internal")
    assert site.sql("SELECT max(revision) FROM change") == before


@pytest.mark.parametrize("line, says", [
    ("{", "json"), ("[]", "object"), ('{"service": "x"}', "id"),
    ('{"service":"x","id":"i","address":"nowhere","port":1}', "nowhere"),
    ('{"service":"x","id":"i","address":"10.0.0.1","port":"1"}', "port"),
])
def test_import_refuses_a_wrong_line_by_its_number(site, line, says):
    site.create_registry()
    lines = site.folder / "instances.jsonl"
    good = '{"service":"x","id":"g","address":"10.0.0.1","port":1}'
    lines.write_text(f"{good}\n{line}\n")
    done = site.command("import", lines, "--registry", site.registry)
    assert done.returncode == 2
    assert re.search(r"instances\.jsonl:2\b", done.stderr)
    assert says in done.stderr.lower()
    assert site.sql("SELECT name FROM instance") == [("g",)], \
        "the others are taken"
