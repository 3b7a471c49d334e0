# SPDX-License-Identifier: BSD-2-Clause
"""Rows have owners: who may say what of them, and what comes of two."""
import json
import re
import signal
import sqlite3
import threading

import pytest

from rollcall import Registrar, until

WEB = """service: web
port: 80
instances:
  - {name: a, address: 192.0.2.1}
  - {name: b, address: 192.0.2.2}
"""


def owner(site, name):
    return site.sql("SELECT source FROM instance WHERE name = ?", name)[0][0]


def rows(site):
    return site.sql("SELECT service, name, address, port, source, state "
                    "FROM instance ORDER BY 1, 2")


def start(site, *args):
    site.define("web.yaml", WEB)
    registrar = site.start_registrar("--name", "vm", *args)
    site.wait_health("web", {"a": "passing", "b": "passing"})
    return registrar


@pytest.mark.parametrize("own_directory", [True, False])
def test_two_registrars_of_one_name(site, own_directory):
    first = start(site)
    before = rows(site)
    watch = site.watch
    if own_directory:
        watch = site.folder / "other.d"
        watch.mkdir()
        (watch / "c.yaml").write_text("service: c\nport: 3\n")
    second = site.command("run", "--registry", site.registry, "--watch",
                          watch, "--name", "vm")
    assert second.returncode == 1
    assert f"pid {first.pid}" in second.stderr
    assert rows(site) == before


def test_the_next_of_a_name_waits_for_its_predecessor(site):
    first = start(site)
    second = Registrar(site, "--name", "vm")
    site.daemons.append(second)
    first.signal(signal.SIGSTOP)  # it ends later than it is told to
    first.process.terminate()
    later = threading.Timer(1, lambda: first.signal(signal.SIGCONT))
    later.start()
    second.start()
    later.join()
    first.process.wait(10)
    first.process = None
    assert second.logged(r"waiting for registrar 'vm', pid \d+, to end")


def test_the_lock_goes_with_its_holder(site):
    start(site).kill()
    site.start_registrar("--name", "vm")
    # sqlite3 does not care
    assert site.script("SELECT count(*) FROM instance;").stdout == "2\n"


def test_another_name_on_one_directory_takes_nothing_silently(site):
    first = start(site)
    other = site.start_registrar("--name", "zz")
    other.wait_log(r"'web/a' is 'registrar/vm's, who comes first")
    assert owner(site, "a") == "registrar/vm"
    other.stop()
    # the lower one describes them from now on, and says so
    lower = site.start_registrar("--name", "aa")
    until("aa describes it", lambda: owner(site, "a") == "registrar/aa")
    first.wait_log(r"'web/a' is 'registrar/aa's, who comes first")
    assert ("registrar/aa", "taken over from registrar/vm, the lowest that "
            "describes it") in site.sql("SELECT source, reason FROM history")
    # and gives them back when its definitions do not name them any more
    lower.stop()
    other = site.folder / "other.d"
    other.mkdir()
    (other / "c.yaml").write_text("service: c\nport: 3\n")
    again = Registrar(site, "--name", "aa")
    again.args[again.args.index(str(site.watch))] = str(other)
    site.daemons.append(again)
    again.start()
    until("vm has it back", lambda: owner(site, "a") == "registrar/vm")
    site.wait_health("web", {"a": "passing", "b": "passing"})


def test_what_is_deleted_by_hand_comes_back(site):
    start(site)
    site.script("DELETE FROM instance WHERE name = 'a';")
    site.wait_health("web", {"a": "passing", "b": "passing"})
    site.script("DELETE FROM service;")
    site.wait_health("web", {"a": "passing", "b": "passing"})
    site.script("UPDATE instance SET health = 'critical', "
                "address = '192.0.2.77' WHERE name = 'b';")
    site.wait_health("web", {"a": "passing", "b": "passing"})
    until("its address is right", lambda: site.sql(
        "SELECT address FROM instance WHERE name = 'b'") == [("192.0.2.2",)])
    told = site.run("history", "web", "--registry", site.registry)
    assert "put again: others deleted it" in told
    assert "put right: others changed it" in told


def test_a_backup_restored_under_it(site):
    process, pidfile = site.process("p")
    site.define("p.yaml", f"service: p\nport: 1\n"
                          f"process: {{pidfile: {pidfile}}}\n"
                          f"instances: [{{name: p, address: 192.0.2.9}}]\n")
    site.start_registrar()
    site.wait_health("p", {"p": "passing"})
    backup = site.folder / "backup.db"
    assert site.script(f".backup {backup}\n").stdout == ""
    process.kill()
    process.wait()
    site.wait_health("p", {"p": "dead"})
    assert site.script(f".restore {backup}\n").stdout == ""
    assert site.health("p") in ({"p": "passing"}, {"p": "dead"})
    site.wait_health("p", {"p": "dead"})


def test_taking_over(site):
    start(site)
    at = ["--registry", site.registry]
    done = site.command("register", "web/a", "--address", "192.0.2.50", *at)
    assert done.returncode == 2 and "--take-over" in done.stderr
    assert owner(site, "a") == "registrar/vm"
    site.run("register", "web/a", "--address", "192.0.2.50", "--take-over",
             *at)
    # the registrar leaves it alone, and all who look are told
    until("what it says stands beside it", lambda: site.sql(
        "SELECT source, says FROM disagreement") ==
        [("registrar/vm", "address 192.0.2.1, port 80")])
    assert owner(site, "a") == "command"
    for command in (["status", "web"], ["explain", "web"]):
        said = site.command(*command, *at).stdout
        assert re.search(r"does not count: a: registrar/vm, .*web.yaml: "
                         r"address 192.0.2.1", said), said
    assert site.status()["services"][0]["disagreements"][0]["says"] == \
        "address 192.0.2.1, port 80"
    assert re.search(r"taken over from registrar/vm, by command/",
                     site.run("history", "web/a", *at))
    line = site.folder / "lines"
    line.write_text(json.dumps({"service": "web", "id": "b",
                                "address": "192.0.2.60"}))
    done = site.command("import", line, *at)
    assert done.returncode == 2 and "belongs to 'registrar/vm'" in done.stderr
    site.run("import", line, "--take-over", *at)
    assert owner(site, "b") == "command"
    # given back
    site.run("deregister", "web/b", *at)
    until("b is the definition's", lambda: rows(site)[1:] == [
        ("web", "b", "192.0.2.2", 80, "registrar/vm", "passing")])


def test_sql_says_whose_a_row_is(site):
    start(site)
    refused = site.script("UPDATE instance SET source = 'sql';").stdout
    assert "a row keeps its owner" in refused
    refused = site.script("INSERT OR REPLACE INTO instance (service, name, "
                          "address) VALUES ('web', 'a', '192.0.2.3');").stdout
    assert "belongs to another" in refused
    site.put("mine", ("m1", "192.0.2.4"))
    assert site.script("UPDATE service SET port = 9 WHERE name = 'mine';"
                       "DELETE FROM service WHERE name = 'mine';"
                       ).stdout == ""
    site.put("web", ("s1", "192.0.2.5"))
    refused = site.script("DELETE FROM service WHERE name = 'web';").stdout
    assert "instances of others" in refused


def test_files_that_disagree(site):
    site.define("a.yaml", "service: dns\nport: 53\nprotocol: udp\n"
                          "instances: [{name: a, address: 192.0.2.1}]\n")
    site.define("b.yaml", "service: dns\nport: 54\n"
                          "instances: [{name: b, address: 192.0.2.2}]\n")
    said = r"b.yaml: what it says of service 'dns' does not count, since " \
           r"'.*a.yaml' comes first: protocol tcp, port 54"
    checked = site.command("check", site.watch)
    assert checked.returncode == 0 and re.search(said, checked.stderr)
    registrar = site.start_registrar()
    assert registrar.wait_log(said)
    site.wait_health("dns", {"a": "passing", "b": "passing"})
    for command in ("status", "explain"):
        assert re.search(r"does not count: registrar/.*b.yaml: protocol tcp, "
                         r"port 54", site.command(
                             command, "dns", "--registry",
                             site.registry).stdout)
    # the other one is right once the first is gone
    (site.watch / "a.yaml").unlink()
    until("b.yaml describes it", lambda: site.sql(
        "SELECT protocol, port FROM service") == [("tcp", 54)])
    assert site.sql("SELECT count(*) FROM disagreement") == [(0,)]


def test_registering_with_another_protocol(site):
    site.define("dns.yaml", "service: dns\nport: 53\nprotocol: udp\n")
    site.start_registrar()
    until("dns is there", lambda: site.sql("SELECT 1 FROM service"))
    args = ["register", "dns/x", "--address", "192.0.2.3", "--registry",
            site.registry]
    done = site.command(*args, "--protocol", "tcp")
    assert done.returncode == 2
    assert "service 'dns' is udp, as 'registrar/" in done.stderr
    site.run(*args)
    assert site.sql("SELECT protocol, port FROM service") == [("udp", 53)]


def test_registering_with_words_and_ttl(site, dnsd):
    def register(*args):
        return site.command("register", "job/x", "--address", "192.0.2.3",
                            "--port", "99", "--registry", site.registry, *args)

    def ttl():
        return site.sql("SELECT ttl_s FROM service WHERE name = 'job'")[0][0]

    register("--ttl", "30s", "--meta", "version=2", "--meta", "k=a=b c",
             "--meta", "empty=")
    assert ttl() == 30
    until("its words are in TXT", lambda: dnsd.ask("x._job._tcp", "TXT").rdata(
        rdtype="TXT"))
    got = dnsd.ask("x._job._tcp", "TXT").rdata(rdtype="TXT")
    assert {text for one in got for text in one.strings} == {
        b"version=2", b"k=a=b c", b"empty="}
    register()  # what is not said of the service stays
    assert ttl() == 30
    assert site.sql("SELECT meta FROM instance") == [("{}",)]
    register("--ttl", "7s")
    assert ttl() == 7
    for bad in ("novalue", "=x", "a\nb=c", "k=a\nb", "k=" + "v" * 254):
        done = register("--meta", bad)
        assert done.returncode == 2
        assert "--meta: found" in done.stderr
    done = register("--ttl", "1500ms")
    assert "--ttl: found '1500ms', expected whole seconds" in done.stderr


def test_registering_with_another_ttl(site):
    site.define("dns.yaml", "service: dns\nport: 53\n")
    site.start_registrar()
    until("dns is there", lambda: site.sql("SELECT 1 FROM service"))
    args = ["register", "dns/x", "--address", "192.0.2.3", "--registry",
            site.registry, "--ttl", "9s"]
    done = site.command(*args)
    assert done.returncode == 2
    assert "service 'dns' has no TTL of its own, as 'registrar/" in done.stderr
    site.run(*args, "--take-over")
    assert site.sql("SELECT ttl_s FROM service") == [(9,)]


def test_hosts_do_not_share_names(site):
    site.define("web.yaml", "service: web\nport: 8080\n")
    names = []
    for host in ("vm1.example", "vm2.example"):
        site.registry = site.folder / f"{host}.db"
        registrar = site.start_registrar("--host", host)
        until("it is there", lambda: site.sql("SELECT name FROM instance"))
        names += [row[0] for row in site.sql("SELECT name FROM instance")]
        registrar.stop()
    assert names == ["127-0-0-1-8080-vm1-example",
                     "127-0-0-1-8080-vm2-example"]


def test_a_new_name_reports_and_adopts(site):
    start(site).stop()
    other = site.start_registrar("--name", "vm9")
    until("it reports", lambda: other.logged(
        r"registry has 2 instances of registrar 'vm', which does not run: "
        r"`--adopt vm`"), seconds=60)  # three heartbeats, and some
    other.stop()
    other = site.start_registrar("--name", "vm9", "--adopt", "vm")
    other.wait_log(r"adopted 2 instances of 'registrar/vm'")
    assert {row[4] for row in rows(site)} == {"registrar/vm9"}
    assert ("taken over from registrar/vm, adopted",) in site.sql(
        "SELECT reason FROM history")
    site.define("web.yaml", "service: web\nport: 80\n"
                            "instances: [{name: a, address: 192.0.2.1}]\n")
    site.wait_health("web", {"a": "passing"})


def test_adopting_from_one_that_runs(site):
    start(site)
    done = site.command("run", "--registry", site.registry, "--watch",
                        site.watch, "--name", "vm9", "--adopt", "vm")
    assert done.returncode == 1 and "--adopt" in done.stderr
    assert owner(site, "a") == "registrar/vm"


def test_an_older_registry_keeps_its_names(site):
    """What was called so before the upgrade is not withdrawn and renamed."""
    site.create_registry()
    with sqlite3.connect(site.registry) as db:
        db.execute("UPDATE host SET default_names = 'address'")
    site.define("web.yaml", "service: web\nport: 8080\n")
    site.start_registrar()
    site.wait_health("web", {"127-0-0-1-8080": "passing"})
