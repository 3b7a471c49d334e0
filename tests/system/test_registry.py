# SPDX-License-Identifier: BSD-2-Clause
"""The registry is the interface: SQL by hand, and a file in trouble."""

import contextlib
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import threading
import time

import dns.edns
import dns.flags
import pytest

from rollcall import ZONE, Dnsd, Site, always, until

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

def assert_not_ready(dnsd):
    """What was never read is not known; what the zone has itself is."""
    for name, rdtype in (("web", "A"), ("_web._tcp", "SRV"),
                         ("_tcp", "PTR"), ("_services._dns-sd._udp", "PTR")):
        answer = dnsd.ask(name, rdtype, payload=1232)
        assert answer.rcode == "SERVFAIL" and not answer.authority_types
        assert [o.code for o in answer.message.options
                if o.otype == dns.edns.OptionType.EDE] == [14]
        assert not answer.message.flags & dns.flags.AA
    assert dnsd.ask("", "SOA").rdata() and dnsd.ask("", "NS").rdata()
    assert dnsd.ask("", "A").rcode == "NOERROR"


def test_dnsd_before_the_registry_exists(site):
    dnsd = site.start_dnsd()
    assert_not_ready(dnsd)
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
    assert_not_ready(dnsd)
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


@pytest.mark.parametrize("ends", [["-wal"], ["-shm"], ["-wal", "-shm"]])
def test_a_part_of_the_log_is_removed(site, web, ends):
    """With one index that we have and another that others made there would be
    two ideas of what is in the log: what one writes the other would undo."""
    site.start_registrar()
    site.define("def.yaml", "service: def\nport: 80\ninstances:\n"
                "  - {name: a, address: 192.0.2.60}\n")
    web.wait_addresses("def", ["192.0.2.60"])
    site.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    for n in range(10):
        for end in ends:
            os.unlink(f"{site.registry}{end}")
        until("it is made anew", lambda: all(
            os.path.exists(f"{site.registry}{end}") for end in ends))
        site.put(f"after{n}", ("i-1", f"192.0.2.{100 + n}"))
        site.define("def.yaml", "service: def\nport: 80\ninstances:\n"
                    f"  - {{name: a, address: 192.0.2.{61 + n}}}\n")
        web.wait_addresses(f"after{n}", [f"192.0.2.{100 + n}"])
        web.wait_addresses("def", [f"192.0.2.{61 + n}"])
        assert site.sql("SELECT count(*) FROM service WHERE name GLOB "
                        "'after*'") == [(n + 1,)]
        assert site.sql("SELECT address FROM instance WHERE service = 'def'"
                        ) == [(f"192.0.2.{61 + n}",)]
        site.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    assert site.sql("PRAGMA integrity_check") == [("ok",)]


def test_a_blank_registry_takes_its_place(site, web, other):
    """A registrar makes one, and then writes to it."""
    blank = site.folder / "blank.db"
    site.run("import", site.folder / "empty.jsonl", "--registry", blank)
    for end in ("-wal", "-shm"):
        (site.folder / f"blank.db{end}").unlink()
        os.unlink(f"{site.registry}{end}")
    os.rename(blank, site.registry)
    always("it goes on", lambda: len(web.addresses("web")) == 2, 2)
    site.put("new", ("a", "192.0.2.70"))
    web.wait_addresses("new", ["192.0.2.70"])
    until("web is gone", lambda: web.ask("web").rcode == "NXDOMAIN")


def test_a_blank_registry_that_stays_so(site, web, other):
    blank = site.folder / "blank.db"
    site.run("import", site.folder / "empty.jsonl", "--registry", blank)
    for end in ("-wal", "-shm"):
        (site.folder / f"blank.db{end}").unlink()
        os.unlink(f"{site.registry}{end}")
    os.rename(blank, site.registry)
    until("web is gone", lambda: web.ask("web").rcode == "NXDOMAIN")


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


def test_dnsd_started_on_garbage_is_not_ready(site):
    site.registry.write_bytes(os.urandom(8192))
    dnsd = site.start_dnsd()
    assert_not_ready(dnsd)
    dnsd.wait_log(r" (warn|error): .*registry")
    remove_registry(site)
    site.create_registry()
    site.put("web", ("i-1", "192.0.2.1"))
    dnsd.wait_addresses("web", ["192.0.2.1"])
    assert dnsd.ask("other").rcode == "NXDOMAIN"


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


def test_a_registry_replaced_under_a_flood_of_connections(site, other):
    """Files are kept for it, though clients take all they can get."""
    site.create_registry()
    site.put("web", ("i-1", "192.0.2.1"))
    dnsd = Dnsd(site, "--workers", "2")
    dnsd.prefix = ["prlimit", "--nofile=64:64"]
    site.daemons.append(dnsd)
    dnsd.start()
    dnsd.wait_addresses("web", ["192.0.2.1"])
    end = threading.Event()

    def flood():
        held = []
        while not end.is_set():
            s = socket.socket()
            s.settimeout(0.2)
            with contextlib.suppress(OSError):
                s.connect(dnsd.where)
            held.append(s)
            if len(held) > 200:
                held.pop(0).close()
        for s in held:
            s.close()
    threads = [threading.Thread(target=flood) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        time.sleep(0.5)
        remove_registry(site)
        os.rename(other, site.registry)
        dnsd.wait_addresses("new", ["192.0.2.50"])
    finally:
        end.set()
        for thread in threads:
            thread.join()


def test_a_newer_registry_is_read_where_it_allows_that(site, web):
    """The registrar was upgraded first, and this dnsd is the old one."""
    (version,), = site.sql("PRAGMA user_version")
    site.script(f"PRAGMA user_version = {version + 1};")
    site.put("after", ("i-1", "192.0.2.9"))
    web.wait_addresses("after", ["192.0.2.9"])
    web.wait_log(r" warn: registry .* newer")
    assert site.run("status", "--registry", site.registry, "--json")
    # what is older never writes
    done = site.command("maintenance", "after/i-1", "--registry",
                        site.registry)
    assert done.returncode == 1
    assert "a newer Rollcall has migrated it" in done.stderr
    # now it says that this one would be wrong
    site.script(f"UPDATE registry SET reads_from = {version + 1};")
    site.put("later", ("i-1", "192.0.2.10"))
    web.stop()
    again = site.start_dnsd()
    again.wait_log(r"may not read it")
    assert_not_ready(again)
    site.script(f"UPDATE registry SET reads_from = {version};")
    again.wait_addresses("later", ["192.0.2.10"])


def test_a_registrar_stops_writing_to_a_newer_registry(site):
    site.define("web.yaml", "service: web\nport: 80\ninstances:\n"
                "  - {name: a, address: 192.0.2.1}\n")
    registrar = site.start_registrar()
    site.wait_health("web", {"a": "passing"})
    (version,), = site.sql("PRAGMA user_version")
    site.script(f"PRAGMA user_version = {version + 1};")
    site.define("b.yaml", "service: b\nport: 80\ninstances:\n"
                "  - {name: a, address: 192.0.2.2}\n")
    registrar.wait_log(r"changes wait: .*schema is of version")
    assert site.sql("SELECT name FROM service") == [("web",)]
    site.script(f"PRAGMA user_version = {version};")
    site.wait_health("b", {"a": "passing"})


def break_rules(site, text):
    """As somebody does who turns the rules off, or a bit that flips."""
    done = site.script("PRAGMA ignore_check_constraints = ON;\n" + text)
    assert done.returncode == 0, done.stdout


def test_a_row_with_an_unknown_word_is_left_out_alone(site, web):
    site.put("api", ("a-1", "192.0.2.11"))
    web.wait_addresses("api", ["192.0.2.11"])
    break_rules(site, "UPDATE instance SET health = 'odd' WHERE name = 'i-1'")
    web.wait_addresses("web", ["192.0.2.2"])
    web.wait_log(r" warn: instance 'i-1' of service 'web' .* is left out")
    # all others, and the rest of its own service, go on
    site.sql("UPDATE instance SET address = '192.0.2.12' WHERE name = 'a-1'")
    web.wait_addresses("api", ["192.0.2.12"])
    site.sql("UPDATE instance SET address = '192.0.2.3' WHERE name = 'i-2'")
    web.wait_addresses("web", ["192.0.2.3"])
    assert web.log_text().count("is left out") == 1
    # nobody is left who can be read: the last good data
    break_rules(site, "UPDATE instance SET mode = 'odd' WHERE name = 'i-2'")
    web.wait_log(r"instance 'i-2' of service 'web'")
    always("it stays", lambda: web.addresses("web") == ["192.0.2.3"], 0.3)
    shown = site.command("status", "--registry", site.registry)
    assert shown.returncode == 3
    assert "a-1" in shown.stdout
    assert "instance 'web/i-2' in zone 'svc.test' cannot be read" \
        in shown.stdout or "'web/i-2'" in shown.stdout
    # first seen so: it is there, and not more is known
    web.stop()
    again = site.start_dnsd()
    again.wait_addresses("api", ["192.0.2.12"])
    assert again.ask("web").rcode == "SERVFAIL"
    assert again.ask("nix").rcode == "NXDOMAIN"
    site.sql("UPDATE instance SET health = 'passing', mode = 'active'")
    again.wait_addresses("web", ["192.0.2.1", "192.0.2.3"])
    assert again.logged(r" info: service 'web' .* can be read again")


def test_a_service_that_cannot_be_read_wholly_is_not_empty(site, dnsd):
    """Whoever withdraws its last instance that can be takes it not away."""
    for name in ("a", "b"):
        site.run("register", f"web/{name}", "--address", "192.0.2.1",
                 "--port", "80", "--registry", site.registry)
    break_rules(site, "UPDATE instance SET health = 'odd' WHERE name = 'a'")
    site.command("deregister", "web/b", "--registry", site.registry)
    assert ("web", "a") in site.sql("SELECT service, name FROM instance")


def test_a_service_with_an_unknown_word_stays_as_it_was(site, web):
    break_rules(site, "UPDATE service SET on_empty = 'odd'; UPDATE instance "
                "SET address = '192.0.2.4' WHERE name = 'i-1';")
    web.wait_log(r" warn: service 'web' .* cannot be read")
    always("it stays", lambda: web.addresses("web") ==
           ["192.0.2.1", "192.0.2.2"], 0.3)
    site.put("api", ("a-1", "192.0.2.11"))
    web.wait_addresses("api", ["192.0.2.11"])
    web.stop()
    again = site.start_dnsd()
    again.wait_addresses("api", ["192.0.2.11"])
    assert again.ask("web").rcode == "SERVFAIL"


@pytest.mark.parametrize("flipped", [b"w", b"c", b"r", b"3"],
                         ids=["up", "down", "near", "odd"])
def test_a_flipped_bit_in_a_key_takes_no_service_away(site, dnsd, flipped):
    """The key of one instance: what is read in order came to an end there."""
    names = [f"s{n:02}" for n in range(30)]
    for n, name in enumerate(names):
        site.put(name, ("a", f"192.0.2.{n}"), ("b", f"198.51.100.{n}"))
    for n, name in enumerate(names):
        dnsd.wait_addresses(name, [f"192.0.2.{n}", f"198.51.100.{n}"])
    site.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    octets = site.registry.read_bytes()
    good = ZONE.encode() + b"s15a192.0.2.15"
    assert octets.count(good) == 1
    at = octets.index(good) + len(good) - len(b"s15a192.0.2.15")
    broken = octets[:at] + flipped + octets[at + 1:]
    # as a file that takes its place: all of it is read again
    remove_registry(site)
    fresh = site.folder / "fresh.db"
    fresh.write_bytes(broken)
    os.rename(fresh, site.registry)
    dnsd.wait_log(r" warn: service 's15' .* cannot be read")
    for n, name in enumerate(names):
        assert dnsd.addresses(name) == [f"192.0.2.{n}", f"198.51.100.{n}"]
    # seen first like this: what is in doubt is not known, the rest is
    dnsd.stop()
    again = site.start_dnsd()
    again.wait_addresses("s29", ["192.0.2.29", "198.51.100.29"])
    unknown = [name for name in names if again.ask(name).rcode == "SERVFAIL"]
    assert "s15" in unknown and len(unknown) <= 3
    for n, name in enumerate(names):
        if name not in unknown:
            assert again.addresses(name) == [f"192.0.2.{n}",
                                             f"198.51.100.{n}"]


def test_the_index_of_the_log_is_cut_short(site):
    site.define("web.yaml", "service: web\nport: 80\ninstances:\n"
                "  - {name: a, address: 192.0.2.1}\n")
    registrar = site.start_registrar()
    dnsd = site.start_dnsd()
    dnsd.wait_addresses("web", ["192.0.2.1"])
    for n in range(5):
        os.truncate(f"{site.registry}-shm", 0)
        always("both live", lambda: registrar.running() and
               dnsd.addresses("web") == ["192.0.2.1"], 0.2)
        site.put(f"after-{n}", ("i-1", "192.0.2.9"))
        dnsd.wait_addresses(f"after-{n}", ["192.0.2.9"])


def test_a_backup_copied_over_the_live_files(site):
    """`cp -a backup/. live/`, log and index and all: nobody dies of it, nor
    serves anything else. `registrar restore` is what is sure to win."""
    live = site.folder / "live"
    live.mkdir()
    site.registry = live / "registry.db"
    site.define("web.yaml", "service: web\nport: 80\ninstances:\n"
                "  - {name: a, address: 192.0.2.1}\n")
    registrar = site.start_registrar()
    dnsd = site.start_dnsd()
    site.put("old", ("i-1", "192.0.2.50"))
    dnsd.wait_addresses("old", ["192.0.2.50"])
    backup = site.folder / "backup"
    backup.mkdir()
    site.sql(f"VACUUM INTO '{backup / 'registry.db'}'")
    with contextlib.closing(sqlite3.connect(backup / "registry.db")) as db:
        db.execute("PRAGMA journal_mode = WAL")
    for end in ("-wal", "-shm"):
        (backup / f"registry.db{end}").touch()
    for n in range(20):
        site.sql("UPDATE instance SET address = ? WHERE service = 'old'",
                 f"192.0.2.{100 + n}")
        dnsd.wait_addresses("old", [f"192.0.2.{100 + n}"])
        subprocess.run(["cp", "-a", f"{backup}/.", live], check=True)
        # SQLite may have put the log of before into the new file between two
        # copies: either state, whole, and what the registry says is served
        until("what is there is served", lambda: dnsd.addresses("old") == [
            row[0] for row in site.sql(
                "SELECT address FROM instance WHERE service = 'old'")])
        assert dnsd.addresses("old") in (
            ["192.0.2.50"], [f"192.0.2.{100 + n}"])
        assert registrar.running() and dnsd.running()
        dnsd.wait_addresses("web", ["192.0.2.1"])
    assert site.sql("PRAGMA integrity_check") == [("ok",)]


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



@pytest.mark.parametrize("size", [0, 3, 96, 4096, 12000, 20000, 32768])
@pytest.mark.parametrize("rows", [10, 2500])
def test_an_index_that_was_cut_short_is_made_anew(site, size, rows):
    """Its log has all, and so do those who open the file then."""
    site.define("web.yaml", "service: web\nport: 80\ninstances:\n"
                "  - {name: a, address: 192.0.2.1}\n")
    site.start_registrar()
    dnsd = site.start_dnsd()
    dnsd.wait_instances("web", ["a"])
    (before,), = site.sql("SELECT id FROM registry")
    with contextlib.closing(site.connect()) as db:
        db.execute("BEGIN IMMEDIATE")
        db.execute("INSERT INTO service (name, port) VALUES ('mine', 80)")
        for n in range(rows):
            db.execute("INSERT INTO instance (service, name, address, meta)"
                       " VALUES ('mine', ?, '192.0.2.7', ?)",
                       (f"i{n}", json.dumps({"k": "x" * 200})))
        db.execute("COMMIT")
    until("all is answered", lambda: len(dnsd.instances("mine")) >= 10)
    os.truncate(f"{site.registry}-shm", size)
    done = site.command("register", "late/a", "--port", "80", "--address",
                        "192.0.2.8", "--registry", site.registry)
    assert done.returncode == 0, done
    dnsd.wait_instances("late", ["a"])
    site.define("web.yaml", "service: web\nport: 80\ninstances:\n"
                "  - {name: b, address: 192.0.2.2}\n")
    dnsd.wait_instances("web", ["b"])
    assert site.sql("SELECT id FROM registry") == [(before,)]
    assert site.sql("SELECT count(*) FROM instance WHERE service = 'mine'"
                    ) == [(rows,)]
    assert site.sql("PRAGMA integrity_check") == [("ok",)]
    assert len(dnsd.instances("mine")) >= 10


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
