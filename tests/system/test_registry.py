# SPDX-License-Identifier: BSD-2-Clause
"""The registry is the interface: SQL by hand, and a file in trouble."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import time

import pytest

from rollcall import Site, always, until

pytestmark = pytest.mark.threads


@pytest.fixture
def web(site, dnsd):
    site.put("web", ("i-1", "192.0.2.1"), ("i-2", "192.0.2.2"))
    dnsd.wait_addresses("web", ["192.0.2.1", "192.0.2.2"])
    return dnsd


# ---- written by hand ----------------------------------------------------

def test_the_sqlite3_shell_changes_dns(site, web):
    done = site.script("""
        INSERT INTO service (name, port) VALUES ('shell', 8080);
        INSERT INTO instance (service, name, address)
            VALUES ('shell', 'i-1', '192.0.2.77');
    """)
    assert done.returncode == 0, done.stdout
    web.wait_addresses("shell", ["192.0.2.77"])
    site.script("UPDATE instance SET address = '192.0.2.78' "
                "WHERE service = 'shell';")
    web.wait_addresses("shell", ["192.0.2.78"])
    site.script("DELETE FROM service WHERE name = 'shell';")
    until("gone", lambda: web.ask("shell").rcode == "NXDOMAIN")


@pytest.mark.parametrize("statement, rule", [
    ("INSERT INTO service (name) VALUES ('UPPER')", "service.name"),
    ("INSERT INTO service (name) VALUES ('under_score')", "service.name"),
    (f"INSERT INTO service (name) VALUES ('{'a' * 63}')", "service.name"),
    ("INSERT INTO service (name, port) VALUES ('x', 0)", "service.port"),
    ("INSERT INTO service (name, port) VALUES ('x', 'http')", "port"),
    ("INSERT INTO service (name, on_empty) VALUES ('x', 'maybe')",
     "nodata, nxdomain or all"),
    ("INSERT INTO service (name, meta) VALUES ('x', '[1]')", "service.meta"),
    ("INSERT INTO service (name, tags) VALUES ('x', '[\"a\\u0007b\"]')", "tags"),
    ("UPDATE instance SET address = '192.0.2.256'", "instance.address"),
    ("UPDATE instance SET address = 'localhost'", "instance.address"),
    ("UPDATE instance SET weight = 65536", "0..65535"),
    ("UPDATE instance SET priority = -1", "instance.priority"),
    ("UPDATE instance SET health = 'fine'",
     "starting, passing, warning, critical or dead"),
    ("UPDATE instance SET service = 'nobody'", "insert the service first"),
    ("INSERT INTO instance (service, name, address) "
     "VALUES ('nobody', 'i', '192.0.2.1')", "insert the service first"),
    ("DELETE FROM change", "append-only"),
])
def test_a_row_that_breaks_a_rule_is_told_which(site, web, statement, rule):
    done = site.script(statement + ";")
    assert done.returncode != 0
    assert rule in done.stdout
    assert web.addresses("web") == ["192.0.2.1", "192.0.2.2"]


def test_a_rolled_back_transaction_was_never_there(site, web):
    with contextlib.closing(site.connect()) as db:
        db.execute("BEGIN IMMEDIATE")
        db.execute("DELETE FROM instance")
        always("uncommitted rows stay out", lambda: len(
            web.addresses("web")) == 2, 0.2)
        db.execute("ROLLBACK")
    assert len(web.addresses("web")) == 2


def test_many_small_commits_are_all_seen(site, web):
    with contextlib.closing(site.connect()) as db:
        for n in range(200):
            db.execute("UPDATE instance SET port = ? WHERE name = 'i-1'",
                       (1000 + n,))
    until("the last port", lambda: 1199 in
          [row[2] for row in web.ask("web", "SRV").srv()])


# ---- a file in trouble --------------------------------------------------

def test_dnsd_before_the_registry_exists(site):
    dnsd = site.start_dnsd()
    answer = dnsd.ask("web")
    assert answer.rcode == "NXDOMAIN"
    assert answer.authority_types == ["SOA"]
    assert dnsd.ask("", "SOA").rdata() and dnsd.ask("", "NS").rdata()
    assert dnsd.logged(r" warn: no registry '.*' yet; answering without")
    assert not site.registry.exists(), "reading creates nothing"
    site.create_registry()
    site.put("web", ("i-1", "192.0.2.1"))
    dnsd.wait_addresses("web", ["192.0.2.1"])
    log = dnsd.log_text()
    assert "last good" not in log and "again" not in log, log
    assert "': cannot open registry" not in log, log


def test_dnsd_before_the_folder_exists(site):
    site.registry = site.folder / "later/registry.db"
    dnsd = site.start_dnsd()
    assert dnsd.ask("web").rcode == "NXDOMAIN"
    site.registry.parent.mkdir()
    site.create_registry()
    site.put("web", ("i-1", "192.0.2.1"))
    dnsd.wait_addresses("web", ["192.0.2.1"])


def remove_registry(site):
    for end in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{site.registry}{end}")


def test_a_deleted_registry_keeps_the_last_data(site, web):
    remove_registry(site)
    always("answers go on", lambda: len(web.addresses("web")) == 2, 0.5)
    web.wait_log(r" (warn|error): .*registry")
    assert len(web.log_text().splitlines()) < 10, "it is said once"
    site.create_registry()
    site.put("web", ("i-9", "192.0.2.9"))
    web.wait_addresses("web", ["192.0.2.9"])
    assert web.log_text().count("followed again") == 1


@pytest.fixture
def other(tmp_path):
    """Another valid registry, checkpointed into one file."""
    folder = tmp_path / "other"
    folder.mkdir()
    site = Site(folder)
    site.create_registry()
    site.put("new", ("i-1", "192.0.2.50"))
    site.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return site.registry


def test_a_registry_replaced_by_another(site, web, other):
    """mv over it: what a restore from a backup does."""
    remove_registry(site)
    os.rename(other, site.registry)
    web.wait_addresses("new", ["192.0.2.50"])
    until("web is gone", lambda: web.ask("web").rcode == "NXDOMAIN")
    site.put("new", ("i-2", "192.0.2.51"))
    web.wait_addresses("new", ["192.0.2.50", "192.0.2.51"])


def test_a_registry_renamed_over_its_wal(site, web, other):
    """mv first, then rm of the -wal: between the two, SQLite takes the old
    file's log for the new one's. dnsd must neither end nor write it back."""
    octets = other.read_bytes()
    os.rename(other, site.registry)
    always("it goes on", lambda: web.running() and web.ask("web"), 0.5)
    for end in ("-wal", "-shm"):
        os.unlink(f"{site.registry}{end}")
    assert site.registry.read_bytes() == octets
    web.wait_addresses("new", ["192.0.2.50"])
    until("web is gone", lambda: web.ask("web").rcode == "NXDOMAIN")


def test_the_log_removed_under_a_good_file(site, web):
    """rm registry.db-*: writers begin a new log, which is to be followed."""
    site.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    for end in ("-wal", "-shm"):
        os.unlink(f"{site.registry}{end}")
    assert len(web.addresses("web")) == 2
    site.put("after", ("i-1", "192.0.2.9"))
    web.wait_addresses("after", ["192.0.2.9"])


def test_an_older_copy_put_back(site, web, other):
    """The revision goes backwards; dnsd must not wait for it to pass."""
    site.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(site.registry, site.folder / "backup.db")
    for n in range(20):
        site.sql("UPDATE instance SET port = ?", 2000 + n)
    site.sql("UPDATE instance SET address = '192.0.2.200' "
             "WHERE name = 'i-1'")
    web.wait_addresses("web", ["192.0.2.2", "192.0.2.200"])
    remove_registry(site)
    os.rename(site.folder / "backup.db", site.registry)
    web.wait_addresses("web", ["192.0.2.1", "192.0.2.2"])


@pytest.mark.parametrize("later", [0, 3], ids=["same", "higher"])
def test_a_backup_restored_into_the_open_file(site, web, later):
    """`.restore` of a copy that went on by itself: its revision is that of
    the live file, or higher, and it is the same registry by its id."""
    backup = site.folder / "backup.db"
    site.sql(f"VACUUM INTO '{backup}'")
    with contextlib.closing(sqlite3.connect(backup)) as db:
        for n in range(4):
            db.execute("UPDATE instance SET address = ? WHERE name = 'i-1'",
                       (f"192.0.2.{100 + n}",))
        for n in range(later):
            db.execute("INSERT INTO service (name) VALUES (?)", (f"x{n}",))
        db.commit()
    for n in range(4):
        site.sql("UPDATE instance SET address = ? WHERE name = 'i-1'",
                 f"192.0.2.{200 + n}")
    web.wait_addresses("web", ["192.0.2.2", "192.0.2.203"])
    done = site.script(f".restore '{backup}'")
    assert done.returncode == 0, done.stdout
    web.wait_addresses("web", ["192.0.2.2", "192.0.2.103"])
    site.put("after", ("i-1", "192.0.2.9"))
    web.wait_addresses("after", ["192.0.2.9"])


def test_a_backup_copied_into_the_open_file(site, web):
    """cp over it, while its log is empty: no lock, no log, no other file."""
    backup = site.folder / "backup.db"
    site.sql(f"VACUUM INTO '{backup}'")
    with contextlib.closing(sqlite3.connect(backup)) as db:
        db.execute("UPDATE instance SET address = '192.0.2.77' "
                   "WHERE name = 'i-1'")
        db.commit()
        db.execute("PRAGMA journal_mode = WAL")
    site.sql("UPDATE instance SET address = '192.0.2.66' WHERE name = 'i-1'")
    web.wait_addresses("web", ["192.0.2.2", "192.0.2.66"])
    site.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    subprocess.run(["cp", backup, site.registry], check=True)
    web.wait_addresses("web", ["192.0.2.2", "192.0.2.77"])


@pytest.mark.parametrize("damage", ["garbage", "truncated", "pages"])
def test_a_corrupt_registry_keeps_the_last_data(site, web, damage):
    site.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    good = site.registry.read_bytes()
    with site.registry.open("r+b") as f:
        if damage == "garbage":
            f.write(os.urandom(len(good)))
        elif damage == "truncated":
            f.truncate(len(good) // 3)
        else:
            f.seek(4096)
            f.write(os.urandom(len(good) - 4096))
    with contextlib.suppress(FileNotFoundError):
        os.utime(f"{site.registry}-wal")
    always("answers go on", lambda: web.running() and
           len(web.addresses("web")) == 2, 1.0)
    assert len(web.log_text().splitlines()) < 10, "it is said once"
    remove_registry(site)
    site.registry.write_bytes(good)
    site.put("after", ("i-1", "192.0.2.9"))
    web.wait_addresses("after", ["192.0.2.9"])
    assert len(web.addresses("web")) == 2


def test_something_that_is_no_registry(site, web):
    """Another program's database, or a text, where the file was."""
    for make in (lambda: site.registry.write_text("hello\n" * 200),
                 lambda: sqlite3.connect(site.registry).execute(
                     "CREATE TABLE other (x)")):
        remove_registry(site)
        make()
        always("answers go on", lambda: len(web.addresses("web")) == 2, 0.4)
    remove_registry(site)
    site.create_registry()
    site.put("after", ("i-1", "192.0.2.9"))
    web.wait_addresses("after", ["192.0.2.9"])


def test_dnsd_started_on_garbage_serves_an_empty_zone(site):
    site.registry.write_bytes(os.urandom(8192))
    dnsd = site.start_dnsd()
    assert dnsd.ask("web").rcode == "NXDOMAIN"
    dnsd.wait_log(r" (warn|error): .*registry")
    remove_registry(site)
    site.create_registry()
    site.put("web", ("i-1", "192.0.2.1"))
    dnsd.wait_addresses("web", ["192.0.2.1"])


def test_a_locked_registry_keeps_answers_and_then_moves_on(site, web):
    with contextlib.closing(site.connect()) as db:
        db.execute("BEGIN EXCLUSIVE")
        db.execute("UPDATE instance SET address = '192.0.2.99' "
                   "WHERE name = 'i-1'")
        always("answers go on", lambda: web.addresses("web") ==
               ["192.0.2.1", "192.0.2.2"], 0.5)
        db.execute("COMMIT")
    web.wait_addresses("web", ["192.0.2.2", "192.0.2.99"])


def test_dnsd_started_while_locked(site):
    site.create_registry()
    site.put("web", ("i-1", "192.0.2.1"))
    db = site.connect()
    with contextlib.closing(db):
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("BEGIN EXCLUSIVE")
        dnsd = site.start_dnsd()
        assert dnsd.ask("", "SOA").rdata()
    dnsd.wait_addresses("web", ["192.0.2.1"])


def test_the_registrar_waits_for_a_lock(site, web):
    """Verdicts found while somebody holds the lock are not lost."""
    process, pidfile = site.process("p")
    site.define("svc.yaml", f"service: svc\nport: 80\ninstances:\n"
                f"  - {{name: p, address: 192.0.2.7, "
                f"process: {{pidfile: {pidfile}}}}}\n")
    registrar = site.start_registrar()
    web.wait_addresses("svc", ["192.0.2.7"])
    with contextlib.closing(site.connect()) as db:
        db.execute("BEGIN EXCLUSIVE")
        process.kill()
        time.sleep(1.0)  # longer than any patience inside one attempt
        assert registrar.running()
        db.execute("ROLLBACK")
    site.wait_health("svc", {"p": "dead"})


def test_a_registry_deleted_under_the_registrar_is_made_again(site):
    site.define("web.yaml", "service: web\nport: 80\ninstances:\n"
                "  - {name: a, address: 192.0.2.1}\n")
    registrar = site.start_registrar()
    dnsd = site.start_dnsd()
    dnsd.wait_instances("web", ["a"])
    remove_registry(site)

    def made_again():
        assert registrar.running()
        with contextlib.suppress(sqlite3.OperationalError):
            return site.registry.exists() and \
                site.health("web") == {"a": "passing"}
        return False
    until("it is there again with its rows", made_again)
    dnsd.wait_instances("web", ["a"])
    site.define("web.yaml", "service: web\nport: 80\ninstances:\n"
                "  - {name: b, address: 192.0.2.2}\n")
    dnsd.wait_instances("web", ["b"])


@pytest.fixture
def small_disk(site):
    """The registry on a disk of 1 MB."""
    mount = site.folder / "disk"
    mount.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", mount],
        capture_output=True, check=False)
    if done.returncode:
        pytest.skip("may not mount here")
    site.registry = mount / "registry.db"
    yield mount
    subprocess.run(["umount", "-l", mount], check=True)


def test_a_full_disk(site, small_disk):
    processes = []
    text = "service: svc\nport: 80\ninstances:\n"
    for n in (1, 2):
        process, pidfile = site.process(f"p-{n}")
        processes.append(process)
        text += (f"  - {{name: p-{n}, address: 192.0.2.{n}, "
                 f"process: {{pidfile: {pidfile}}}}}\n")
    site.define("svc.yaml", text)
    registrar = site.start_registrar()
    dnsd = site.start_dnsd()
    dnsd.wait_instances("svc", ["p-1", "p-2"])
    filler = small_disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", 0) as f:
        while True:
            f.write(b"x" * 512)
    processes[0].kill()
    always("both live", lambda: registrar.running() and
           len(dnsd.instances("svc")) > 0, 1.0)
    filler.unlink()
    dnsd.wait_instances("svc", ["p-2"])
