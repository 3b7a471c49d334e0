# SPDX-License-Identifier: BSD-2-Clause
"""registrar backup and restore: with programs that run and with none, over
what is older, damaged, of others; never an older state without a word."""

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import stat
import subprocess
import time

import pytest
from rollcall import BUILD, TREE, always, until

WEB = ("service: web\nport: 80\ninstances:\n"
       "  - {name: a, address: 192.0.2.1}\n")


@pytest.fixture
def saved(site):
    """A registry with service old, its backup, and then service new."""
    site.create_registry()
    site.put("old", ("a", "192.0.2.1"))
    site.copy = site.folder / "backup.db"
    site.run("backup", site.copy, "--registry", site.registry)
    site.put("new", ("a", "192.0.2.2"))
    return site


def services(path):
    with contextlib.closing(sqlite3.connect(path)) as db:
        return [name for name, in db.execute(
            "SELECT name FROM service ORDER BY name")]


def is_whole(path):
    with contextlib.closing(sqlite3.connect(path)) as db:
        return db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def damage_rows(path):
    with contextlib.closing(sqlite3.connect(path)) as db:
        (page,), = db.execute("SELECT rootpage FROM sqlite_schema "
                              "WHERE type = 'table' AND name = 'instance'")
    with path.open("r+b") as f:
        f.seek((page - 1) * 4096 + 4000)
        f.write(b"\xff" * 96)


def restore(site, *more):
    return site.command("restore", site.copy, "--registry", site.registry,
                        *more)


def leftovers(site):
    return sorted(p.name for p in site.registry.parent.iterdir()
                  if ".tmp" in p.name)


# -- backup

def test_a_backup_is_one_checked_file(saved):
    assert services(saved.copy) == ["old"]
    assert is_whole(saved.copy)
    assert not [p for p in saved.folder.iterdir()
                if p.name.startswith("backup.db-")]
    assert leftovers(saved) == []
    shown = saved.command("status", "--registry", saved.copy)
    assert "old.svc.internal" in shown.stdout


def test_a_backup_has_the_mode_of_the_registry(saved):
    saved.registry.chmod(0o660)
    done = saved.run("backup", saved.copy, "--registry", saved.registry)
    assert "2 services, 2 instances" in done
    assert stat.S_IMODE(saved.copy.stat().st_mode) == 0o660
    assert services(saved.copy) == ["new", "old"]


def test_a_backup_while_rows_are_written(site):
    site.create_registry()
    site.start_registrar()
    site.put("web", *[(f"i{n}", "192.0.2.1") for n in range(50)])
    copy = site.folder / "backup.db"
    with contextlib.closing(site.connect()) as db:
        db.execute("BEGIN IMMEDIATE")
        db.execute("UPDATE instance SET weight = 7")
        site.run("backup", copy, "--registry", site.registry)
        db.execute("COMMIT")
    with contextlib.closing(sqlite3.connect(copy)) as db:
        assert db.execute("SELECT DISTINCT weight FROM instance"
                          ).fetchall() == [(100,)]


@pytest.mark.parametrize("what", ["directory", "link", "device", "itself",
                                  "in use"])
def test_a_backup_overwrites_no_odd_thing(saved, what):
    place = saved.folder / "place"
    if what == "directory":
        place.mkdir()
    elif what == "link":
        place.symlink_to(saved.registry)
    elif what == "device":
        place = "/dev/null"
    elif what == "itself":
        place = saved.registry
    else:
        shutil.copy(saved.copy, place)
        (saved.folder / "place-wal").write_bytes(b"x" * 100)
    done = saved.command("backup", place, "--registry", saved.registry)
    assert (done.returncode, done.stdout) == (2, ""), done
    assert services(saved.registry) == ["new", "old"]
    assert leftovers(saved) == []


def test_no_backup_of_what_is_damaged(saved):
    saved.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    damage_rows(saved.registry)
    before = saved.copy.read_bytes()
    done = saved.command("backup", saved.copy, "--registry", saved.registry)
    assert done.returncode == 1, done
    assert "nothing was written" in done.stderr
    assert saved.copy.read_bytes() == before
    assert leftovers(saved) == []


# -- never an older state without a word

def test_an_older_state_takes_force(saved):
    done = restore(saved)
    assert (done.returncode, done.stdout) == (2, ""), done
    assert "older" in done.stderr and "'new.svc.internal'" in done.stderr
    assert services(saved.registry) == ["new", "old"]
    done = restore(saved, "--force")
    assert done.returncode == 0, done
    assert "older" in done.stderr
    assert services(saved.registry) == ["old"]
    assert leftovers(saved) == []


def test_the_same_and_a_newer_state_take_none(saved):
    past = saved.folder / "past.db"
    shutil.copy(saved.copy, past)
    saved.run("backup", saved.copy, "--registry", saved.registry)
    assert restore(saved).returncode == 0
    for companion in saved.folder.glob("registry.db-*"):
        companion.unlink()
    shutil.copy(past, saved.registry)
    assert restore(saved).returncode == 0
    assert services(saved.registry) == ["new", "old"]


def test_what_is_told_of_a_damaged_registry_is_text(saved):
    saved.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    octets = saved.registry.read_bytes()
    assert b"internalnew" in octets
    # of what was changed since
    saved.registry.write_bytes(octets.replace(b"internalnew", b"internal\xcf\x1bw"))
    for end in ("-wal", "-shm"):
        (saved.folder / f"registry.db{end}").unlink(missing_ok=True)
    done = restore(saved)
    assert done.returncode == 2, done
    assert "\x1b" not in done.stderr
    assert restore(saved, "--force").returncode == 0
    assert services(saved.registry) == ["old"]


def test_another_past_and_another_registry_take_force(saved):
    fork = saved.folder / "fork.db"
    shutil.copy(saved.copy, fork)
    with contextlib.closing(sqlite3.connect(fork)) as db:
        db.execute("INSERT INTO service (name) VALUES ('fork')")
        db.commit()
    saved.copy = fork
    done = restore(saved)
    assert done.returncode == 2 and "another past" in done.stderr, done
    other = saved.folder / "other.db"
    saved.run("register", "x/y", "--registry", other)
    saved.copy = other
    done = restore(saved)
    assert done.returncode == 2 and "another registry" in done.stderr, done
    assert services(saved.registry) == ["new", "old"]
    assert restore(saved, "--force").returncode == 0
    assert services(saved.registry) == ["x"]


# -- programs that run

def test_dnsd_and_the_registrar_take_it_up(site):
    site.define("web.yaml", WEB)
    registrar = site.start_registrar()
    dnsd = site.start_dnsd()
    dnsd.wait_addresses("web", ["192.0.2.1"])
    site.put("old", ("a", "192.0.2.9"))
    site.copy = site.folder / "backup.db"
    site.run("backup", site.copy, "--registry", site.registry)
    # since then: a service by hand, and another address in the definition
    site.put("new", ("a", "192.0.2.8"))
    site.define("web.yaml", WEB.replace("2.1}", "2.7}"))
    dnsd.wait_addresses("web", ["192.0.2.7"])
    dnsd.wait_addresses("new", ["192.0.2.8"])
    inode = site.registry.stat().st_ino
    assert restore(site, "--force").returncode == 0
    dnsd.wait_addresses("old", ["192.0.2.9"], 5)
    until("new is gone", lambda: dnsd.ask("new").rcode == "NXDOMAIN", 5)
    dnsd.wait_addresses("web", ["192.0.2.7"], 5)
    assert site.registry.stat().st_ino == inode
    assert registrar.running()


@pytest.mark.parametrize("damage", ["garbage", "short", "missing", "empty"])
def test_in_the_place_of_what_is_damaged(site, damage):
    site.create_registry()
    site.put("web", *[(f"i{n}", "192.0.2.1") for n in range(300)])
    site.copy = site.folder / "backup.db"
    site.run("backup", site.copy, "--registry", site.registry)
    dnsd = site.start_dnsd()
    until("it answers", lambda: len(dnsd.instances("web")) == 300)
    site.sql("UPDATE instance SET weight = 3")
    if damage == "garbage":
        with site.registry.open("r+b") as f:
            f.write(os.urandom(8192))
    elif damage == "short":
        os.truncate(site.registry, 5000)
    elif damage == "empty":
        os.truncate(site.registry, 0)
    else:
        site.registry.unlink()
    done = restore(site)
    if damage in ("garbage", "short"):
        assert done.returncode == 2 and "cannot be read" in done.stderr, done
        done = restore(site, "--force")
    assert done.returncode == 0, done
    assert is_whole(site.registry)
    assert site.sql("SELECT DISTINCT weight FROM instance") == [(100,)]
    # the log of the old one is not applied to it
    assert len(dnsd.instances("web")) == 300
    site.put("more", ("a", "192.0.2.5"))
    dnsd.wait_addresses("more", ["192.0.2.5"], 5)


def test_no_program_of_others_loses_its_database(saved):
    saved.registry = saved.folder / "others.db"
    saved.script("CREATE TABLE t (x); INSERT INTO t VALUES (1);")
    done = restore(saved, "--force")
    assert done.returncode == 2 and "another program" in done.stderr, done
    assert saved.sql("SELECT x FROM t") == [(1,)]


# -- what is no backup

def test_garbage_is_refused(saved):
    before = services(saved.registry)
    saved.copy.write_bytes(os.urandom(20000))
    done = restore(saved, "--force")
    assert done.returncode == 1 and "not a database" in done.stderr, done
    saved.copy.write_bytes(b"")
    assert restore(saved, "--force").returncode == 1
    saved.copy.unlink()
    assert restore(saved, "--force").returncode == 1
    assert services(saved.registry) == before
    assert leftovers(saved) == []


def test_a_flipped_page_is_refused(saved):
    damage_rows(saved.copy)
    done = restore(saved, "--force")
    assert done.returncode == 1, done
    assert services(saved.registry) == ["new", "old"]


def test_a_newer_schema_is_refused(saved):
    with contextlib.closing(sqlite3.connect(saved.copy)) as db:
        (version,), = db.execute("PRAGMA user_version")
        db.execute(f"PRAGMA user_version = {version + 1}")
    done = restore(saved, "--force")
    assert done.returncode == 1 and "newer Rollcall" in done.stderr, done
    assert services(saved.registry) == ["new", "old"]


def test_an_older_schema_is_migrated(saved):
    (now,), = saved.sql("PRAGMA user_version")
    saved.copy.unlink()
    with contextlib.closing(sqlite3.connect(saved.copy)) as db:
        for n, step in enumerate(
                sorted((TREE / "schema/migrations").glob("*.sql"))[:5]):
            db.executescript(step.read_text())
            db.execute(f"PRAGMA user_version = {n + 1}")
        db.execute("INSERT INTO service (name) VALUES ('ancient')")
        db.execute("INSERT INTO instance (service, name, address) "
                   "VALUES ('ancient', 'a', '192.0.2.4')")
        db.commit()
    dnsd = saved.start_dnsd()
    done = restore(saved, "--force")
    assert done.returncode == 0, done
    assert saved.sql("PRAGMA user_version") == [(now,)]
    dnsd.wait_addresses("ancient", ["192.0.2.4"], 5)
    # and what is of an older schema can be saved before it is migrated
    old = saved.folder / "old.db"
    with contextlib.closing(sqlite3.connect(old)) as db:
        step = TREE / "schema/migrations/0001-registry.sql"
        db.executescript(step.read_text())
        db.execute("PRAGMA user_version = 1")
    saved.run("backup", saved.copy, "--registry", old)
    with contextlib.closing(sqlite3.connect(saved.copy)) as db:
        assert db.execute("PRAGMA user_version").fetchall() == [(1,)]


# -- rights, disks, kills

NOBODY = 65534


def owners(site):
    return {(p.stat().st_uid, p.stat().st_gid)
            for p in site.registry.parent.glob("registry.db*")
            if not p.name.endswith((".damaged", ".damaged-wal"))}


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to be two people")
@pytest.mark.parametrize("state", ["whole", "roots", "garbage", "missing"])
def test_root_restores_what_is_not_roots(saved, state):
    place = saved.folder / "var"
    place.mkdir()
    for file in saved.folder.glob("registry.db*"):
        file.rename(place / file.name)
    saved.registry = place / "registry.db"
    for path in [place, *place.iterdir()]:
        os.chown(path, NOBODY, NOBODY)
    saved.registry.chmod(0o640)
    if state == "roots":  # somebody copied a file there
        for file in place.iterdir():
            os.chown(file, 0, 0)
    elif state == "garbage":
        saved.registry.write_bytes(os.urandom(9000))
    elif state == "missing":
        saved.registry.unlink()
    done = restore(saved, "--force")
    assert done.returncode == 0, done
    assert owners(saved) == {(NOBODY, NOBODY)}
    assert stat.S_IMODE(saved.registry.stat().st_mode) == 0o640
    assert services(saved.registry) == ["old"]


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to be two people")
def test_somebody_else_restores_nothing(saved):
    folder = saved.folder
    while folder.parent != folder and str(folder) != "/tmp":
        folder.chmod(folder.stat().st_mode | 0o055)
        folder = folder.parent
    saved.folder.chmod(0o777)
    saved.copy.chmod(0o644)
    for file in saved.folder.glob("registry.db*"):
        file.chmod(0o644)
    run = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}",
           "--clear-groups", BUILD / "registrar/registrar", "restore",
           saved.copy, "--registry", saved.registry, "--force"]
    done = subprocess.run(run, text=True, capture_output=True, check=False,
                          timeout=60)
    if done.returncode == 126:
        pytest.skip("nobody else may run what was built here")
    assert done.returncode == 1, done
    saved.registry.write_bytes(os.urandom(9000))
    done = subprocess.run(run, text=True, capture_output=True, check=False,
                          timeout=60)
    assert done.returncode == 1 and "belongs to user 0" in done.stderr, done
    assert saved.registry.stat().st_size == 9000


@pytest.fixture
def small_disk(site):
    mount = site.folder / "disk"
    mount.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", mount],
        capture_output=True, check=False)
    if done.returncode:
        pytest.skip("may not mount here")
    yield mount
    subprocess.run(["umount", "-l", mount], check=True)


def test_a_full_disk(site, small_disk):
    site.registry = small_disk / "registry.db"
    site.create_registry()
    site.put("web", *[(f"i{n}", "192.0.2.1") for n in range(500)])
    site.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    dnsd = site.start_dnsd()
    until("it answers", lambda: len(dnsd.instances("web")) == 500)
    site.copy = site.folder / "backup.db"
    site.run("backup", site.copy, "--registry", site.registry)
    site.sql("UPDATE instance SET weight = 3")
    filler = small_disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", 0) as f:
        while True:
            f.write(b"x" * 512)
    done = site.command("backup", small_disk / "b.db", "--registry",
                        site.registry)
    assert done.returncode == 1 and "full" in done.stderr, done
    done = restore(site, "--force")
    assert done.returncode == 1 and "full" in done.stderr, done
    assert leftovers(site) == [] and not (small_disk / "b.db").exists()
    assert site.sql("SELECT DISTINCT weight FROM instance") == [(3,)]
    always("it answers", lambda: len(dnsd.instances("web")) == 500, 0.5)


@pytest.mark.parametrize("damage", [False, True])
def test_killed_in_the_middle(site, damage):
    """The old state or the new one, and never none that dnsd can read."""
    rng = random.Random(7)
    site.create_registry()
    site.put("web", *[(f"i{n}", "192.0.2.1") for n in range(3000)])
    site.copy = site.folder / "backup.db"
    site.run("backup", site.copy, "--registry", site.registry)
    site.sql("UPDATE instance SET weight = 3")
    dnsd = site.start_dnsd()
    until("it answers", lambda: len(dnsd.instances("web")) > 1000)
    argv = [BUILD / "registrar/registrar", "restore", site.copy,
            "--registry", site.registry, "--force"]
    start = time.monotonic()
    subprocess.run(argv, check=True, capture_output=True, timeout=60)
    took = time.monotonic() - start
    for _ in range(15):
        if damage:
            with site.registry.open("r+b") as f:
                f.write(b"\0" * 4096)
        else:
            site.sql("UPDATE instance SET weight = 3")
        process = subprocess.Popen(argv, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(0.2, 1.1) * took)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert len(dnsd.instances("web")) > 1000
        if damage:
            continue
        assert is_whole(site.registry)
        assert site.sql("SELECT DISTINCT weight FROM instance") in (
            [(3,)], [(100,)])
    done = restore(site, "--force")
    assert done.returncode == 0, done
    assert leftovers(site) == []
    assert is_whole(site.registry)
    assert site.sql("SELECT DISTINCT weight FROM instance") == [(100,)]
    site.put("more", ("a", "192.0.2.5"))
    dnsd.wait_addresses("more", ["192.0.2.5"], 5)
