# SPDX-License-Identifier: BSD-2-Clause
"""Commands of an operator at three in the morning: names that are not quite
right, registries that are not there, locked, or not ours to write."""

import contextlib
import json
import os
import shutil
import subprocess

import pytest

from rollcall import BUILD

# What is typed, the exit status, and what is to be read.
CASES = [
    ("drain wbe", 2, "did you mean 'web'?"),
    ("drain web/i-7", 2, "did you mean 'i-1'?"),
    ("drain mail", 2, "'mail.lan' is in another"),
    ("drain database/main", 2, "it has 'primary' alone"),
    ("maintenance web/i-1 databse/primary", 2, "did you mean 'database'?"),
    ("resume nothing-like-it", 2, "no service 'nothing-like-it' in zone"),
    ("explain databse", 2, "did you mean 'database'?"),
    ("explain web/i_1", 2, "did you mean 'i-1'?"),
    ("explain web MX", 2, "expected SRV, A or AAAA"),
    ("history wbe", 2, "did you mean 'web'?"),
    ("history web/i-9", 2, "did you mean 'i-1'?"),
    ("status wbe", 2, "did you mean 'web'?"),
    ("status web/i-1", 2, "`registrar explain web/i-1` tells of one"),
    ("export wbe", 2, "did you mean 'web'?"),
    ("deregister web/1-1", 2, "did you mean 'i-1'?"),
    ("weight web/i-1", 2, "expected SERVICE[/INSTANCE] ... N"),
    ("weight web 70000", 2, "a number from 0 to 65535"),
    ("weight 5 web", 2, "found weight 'web'"),
    ("drain web --dedline 5s", 2, "expected '--deadline'"),
    ("drian web", 2, "expected 'drain'"),
    ("register web/i_5", 2, "registrar: instance.name must be 1..63"),
    ("pass web", 2, "expected SERVICE/INSTANCE"),
    ("top web/ --onec", 2, "expected '--once'"),
]
WRITING = ["drain web", "drain web --wait", "resume web", "maintenance web",
           "weight web 5", "deregister web", "register web/i-9 --port 80"]
READING = ["status", "explain web", "history", "export", "top --once"]


@pytest.fixture
def night(site):
    site.create_registry()
    site.put("web", ("i-1", "192.0.2.1"), ("i-2", "192.0.2.2"))
    site.put("database", ("primary", "192.0.2.3"))
    site.sql("INSERT INTO service (zone, name) VALUES ('lan', 'mail')")
    return site


def rows(site):
    return site.sql("SELECT * FROM instance")


@pytest.mark.parametrize("line, status, text", CASES)
def test_a_slip_of_the_keys(night, line, status, text):
    before = rows(night)
    done = night.command(*line.split(), "--registry", night.registry)
    assert (done.returncode, done.stdout) == (status, ""), done
    assert text in done.stderr
    assert "--help" in done.stderr or len(done.stderr.splitlines()) == 1
    assert rows(night) == before


def test_all_or_nothing_of_many(night):
    done = night.run("maintenance", "web", "database/primary", "web/i-1",
                     "--json", "--reason", "rack 7", "--force",
                     "--registry", night.registry)
    assert [(o["service"], o["instance"], o["now"]) for o in
            json.loads(done)] == [("web", "i-1", "maintenance"),
                                  ("web", "i-2", "maintenance"),
                                  ("database", "primary", "maintenance")]
    # who set it, though something else happened since
    night.run("weight", "web", "database", "7", "--registry", night.registry)
    said = night.command("explain", "web/i-2", "--registry", night.registry)
    assert ": rack 7\n" in said.stdout
    assert "weight 100 to 7" not in said.stdout


def test_no_registry(night):
    for line in WRITING + READING:
        if line.startswith("register"):
            continue  # that one makes it
        done = night.command(*line.split(), "--registry",
                             night.folder / "nix.db")
        assert (done.returncode, done.stdout) == (1, ""), line
        assert "nix.db" in done.stderr and "No such file" in done.stderr, line
    assert not (night.folder / "nix.db").exists()


def test_a_registry_that_is_locked(night):
    before = rows(night)
    with contextlib.closing(night.connect()) as db:
        db.execute("BEGIN IMMEDIATE")
        for line in READING:
            done = night.command(*line.split(), "--registry", night.registry)
            assert done.returncode in (0, 3), (line, done)
        done = night.command("drain", "web", "--registry", night.registry)
        assert (done.returncode, done.stdout) == (1, "")
        assert "is locked: another program" in done.stderr
        assert "nothing was changed" in done.stderr
    assert rows(night) == before


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("setpriv"),
                    reason="needs root, to be somebody else")
def test_a_registry_that_may_only_be_read(night):
    # where nobody else may go, nobody else can read either
    folder = night.folder
    while folder.parent != folder and str(folder) != "/tmp":
        folder.chmod(folder.stat().st_mode | 0o055)
        folder = folder.parent
    # ours is for its group alone
    for file in night.folder.glob("registry.db*"):
        file.chmod(0o644)
    before = rows(night)

    def command(line):
        return subprocess.run(
            ["setpriv", "--reuid", "65534", "--regid", "65534",
             "--clear-groups", BUILD / "registrar/registrar", *line.split(),
             "--registry", night.registry], text=True, capture_output=True,
            check=False, timeout=60, stdin=subprocess.DEVNULL)

    if command("--version").returncode == 126:
        pytest.skip("nobody else may run what was built here")
    for line in READING:
        assert command(line).returncode in (0, 3), line
    for line in WRITING:
        done = command(line)
        assert (done.returncode, done.stdout) == (1, ""), line
        assert "no permission to write" in done.stderr, line
    assert rows(night) == before


def test_each_command_says_what_it_takes(night):
    for name in ("drain", "resume", "maintenance", "weight", "register",
                 "deregister", "explain", "history", "status", "import",
                 "export", "top"):
        out = night.run(name, "--help")
        assert out.startswith(f"usage: registrar {name}"), name
        assert "--registry" in out, name
        assert all(len(x) <= 80 for x in out.splitlines()), name
