# SPDX-License-Identifier: BSD-2-Clause
"""What registrars and dnsd tell of themselves, and what views begin with."""

import json
import re
import time

import rollcall
from rollcall import until

WEB = """service: web
port: 80
instances: [{name: a, address: 192.0.2.1}]
"""


def look(site, command, *args):
    done = site.command(command, *args, "--registry", site.registry)
    return done.returncode, done.stdout + done.stderr


def doubts(site):
    done = site.command("status", "--json", "--registry", site.registry)
    return [d["code"] for d in json.loads(done.stdout)["doubts"]]


def give(site, source):
    """Every row to another owner, which the database wants to be told of."""
    site.sql("INSERT OR REPLACE INTO taken_over"
             " (zone, service, instance, source, who)"
             f" SELECT zone, service, name, {source}, 'a test' FROM instance")
    site.sql(f"UPDATE instance SET source = {source}")


def age_heartbeat(site, ms):
    """As if it had been silent for so long."""
    site.sql("UPDATE registrar SET heartbeat_wall_ms = ?",
             int(time.time() * 1000) - ms)


def test_all_is_well_where_both_are_heard(site):
    site.define("web.yaml", WEB)
    site.start_dnsd()
    site.start_registrar()
    site.wait_health("web", {"a": "passing"})
    until("nothing to say", lambda: doubts(site) == [])
    code, out = look(site, "status")
    assert code == 0 and "last heard" not in out and "unknown" not in out
    report = site.status()
    assert report["doubtful"] is False
    assert report["services"][0]["served"] is True
    assert report["registrars"][0]["heard"] is True
    (dnsd,) = report["dnsd"]
    assert dnsd["alive"] and dnsd["pid"] == site.daemons[0].pid
    assert [z["name"] for z in dnsd["zones"]] == [rollcall.ZONE]


def test_a_registrar_that_is_silent(site):
    site.define("web.yaml", WEB)
    site.start_dnsd()
    registrar = site.start_registrar()
    site.wait_health("web", {"a": "passing"})
    registrar.kill()
    age_heartbeat(site, 25000)
    for command, *args in (["status"], ["explain", "web"], ["top", "--once"]):
        code, out = look(site, command, *args)
        # a busy machine is a second or so later
        assert re.search(" last heard 2[5-9]s ago: states may be old",
                         out.splitlines()[0]), command
        assert code == (0 if command == "top" else 4), command
    report = site.status()
    assert report["doubtful"] and not report["registrars"][0]["heard"]
    assert "registrar-silent" in [d["code"] for d in report["doubts"]]
    # and of rows of others nothing is in doubt
    give(site, "'sql'")
    assert "registrar-silent" not in doubts(site)


def test_a_registrar_that_is_stopped(site):
    """It says so itself: nobody waits until it is silent."""
    site.define("web.yaml", WEB)
    site.start_dnsd()
    registrar = site.start_registrar()
    site.wait_health("web", {"a": "passing"})
    registrar.stop()
    for command, *args in (["status"], ["explain", "web"], ["top", "--once"]):
        code, out = look(site, command, *args)
        first = out.splitlines()[0]
        assert " ended " in first and "states may be old" in first, command
        assert code == (0 if command == "top" else 4), command
    report = site.status()
    assert report["doubtful"] and not report["registrars"][0]["heard"]
    site.start_registrar()
    until("it is back", lambda: doubts(site) == [])


def test_a_zone_that_nobody_serves(site):
    site.create_registry()
    site.start_dnsd()
    site.sql("INSERT INTO service (zone, name, port) "
             "VALUES ('corp.example', 'web', 80)")
    site.sql("INSERT INTO instance (zone, service, name, address) "
             "VALUES ('corp.example', 'web', 'a', '192.0.2.1')")
    for command, *args in (["status"], ["explain", "web.corp.example"],
                           ["top", "--once"]):
        code, out = look(site, command, *args)
        assert "no dnsd here serves zone corp.example" in out, command
        assert code == (0 if command == "top" else 4), command
    out = look(site, "explain", "web.corp.example")[1]
    assert "web.corp.example SRV: not answered here; 1 of 1" in out
    assert "\n(in) a " in out
    done = site.command("explain", "web.corp.example", "--json",
                        "--registry", site.registry)
    assert json.loads(done.stdout)["served"] is False


def test_dnsd_that_ends_and_that_is_killed(site):
    site.create_registry()
    site.put("web", ("a", "192.0.2.1"))
    code, out = look(site, "status")
    assert code == 0 and "dnsd unknown" in out
    assert site.status()["services"][0]["served"] is None
    dnsd = site.start_dnsd()
    assert look(site, "status")[0] == 0
    dnsd.stop()
    code, out = look(site, "status")
    assert code == 4 and "no dnsd here serves zone svc.internal" in out
    dnsd = dnsd.start()  # at the same address: in the same file
    assert look(site, "status")[0] == 0
    dnsd.kill()
    code, out = look(site, "status")
    assert code == 4 and "its process is gone" in out
    assert "dnsd-silent" in doubts(site)


def test_where_dnsd_may_not_write(site):
    # its name would be longer than a file system has them
    site.registry = site.folder / ("r" * 240)
    site.create_registry()
    site.put("web", ("a", "192.0.2.1"))
    dnsd = site.start_dnsd()
    dnsd.wait_log("cannot tell what is served")
    assert dnsd.ask("web").rcode == "NOERROR"
    code, out = look(site, "status")
    assert code == 0 and out.startswith("dnsd unknown: ")
    # and so without a word from anybody who might know better
    assert site.status()["services"][0]["served"] is None


def test_a_definition_that_is_refused(site):
    site.start_dnsd()
    site.define("web.yaml", WEB)
    site.start_registrar()
    site.wait_health("web", {"a": "passing"})
    site.define("more.yaml", "service: app7\nport: many\n")
    until("it is told", lambda: "definition-refused" in doubts(site))
    code, out = look(site, "status")
    assert code == 4
    assert "definition refused by registrar " in out.splitlines()[0]
    assert "more.yaml:2:7: found 'many'" in out.splitlines()[0]
    code, out = look(site, "status", "app7")
    assert code == 2
    assert "no service 'app7' in zone 'svc.internal': its definition is " \
        "refused: " in out and "more.yaml:2:7" in out
    # of web nothing is refused
    assert look(site, "status", "web")[0] == 0
    # an edit of what is in force
    site.define("web.yaml", WEB + "prots: 1\n")
    until("web, too", lambda: look(site, "status", "web")[0] == 4)
    (row,) = [r for r in site.status()["refused_definitions"]
              if r["services"] == ["web"]]
    assert "web.yaml:4:1: " in row["message"]
    site.define("web.yaml", WEB)
    until("mended", lambda: look(site, "status", "web")[0] == 0)
    (site.watch / "more.yaml").unlink()
    until("removed", lambda: doubts(site) == [])


def test_what_was_refused_while_no_registrar_ran(site):
    site.start_dnsd()
    site.define("web.yaml", WEB)
    site.define("more.yaml", "service: app7\nport: many\n")
    registrar = site.start_registrar()
    until("it is told", lambda: "definition-refused" in doubts(site))
    registrar.stop()
    (site.watch / "more.yaml").unlink()
    site.start_registrar()
    until("it is gone", lambda: doubts(site) == [])


def test_waiting_for_a_service(site):
    late = site.command("wait", "web", "--timeout", "1s", "--registry",
                        site.registry)
    assert late.returncode == 3 and "registry" in late.stderr
    site.create_registry()
    late = site.command("wait", "web", "--timeout", "0s", "--registry",
                        site.registry)
    assert late.returncode == 3 and "no service 'web'" in late.stderr
    site.put("web", ("a", "192.0.2.1"), ("b", "192.0.2.2"))
    site.put_health("web", "a", "critical")
    assert look(site, "wait", "web")[0] == 0
    assert look(site, "wait", "web/b")[0] == 0
    code, out = look(site, "wait", "web/a", "--timeout", "200ms")
    assert code == 3 and "web/a is critical" in out and "web/b" not in out
    # what a dead registrar wrote last is no answer
    give(site, "'registrar/gone'")
    code, out = look(site, "wait", "web", "--timeout", "200ms")
    assert code == 3 and "registrar gone was never heard of" in out


def test_one_line_for_nagios(site):
    done = site.command("status", "--nagios", "--registry", site.registry)
    assert done.returncode == 3
    assert done.stdout.startswith("ROLLCALL UNKNOWN - ")
    site.create_registry()
    site.put("web", ("a", "192.0.2.1"), ("b", "192.0.2.2"))

    def line():
        code, out = look(site, "status", "--nagios")
        assert out.count("\n") == 1 and out.count("|") == 1
        return code, out

    assert line() == (0, "ROLLCALL OK - 1 service, 2 instances | services=1 "
                      "unanswered=0;;0 instances=2 passing=2 warning=0 "
                      "critical=0 dead=0 starting=0 draining=0 drained=0 "
                      "maintenance=0 expired=0\n")
    site.put_health("web", "a", "critical")
    site.sql("UPDATE instance SET reason = 'a|b' WHERE name = 'a'")
    code, out = line()
    assert code == 1 and out.startswith(
        "ROLLCALL WARNING - web/a is critical: a/b; 1 service, ")
    site.put_health("web", "b", "dead")
    code, out = line()
    assert code == 2 and out.startswith(
        "ROLLCALL CRITICAL - web.svc.internal has no answer; ")
    site.sql("UPDATE instance SET health = 'passing'")
    give(site, "'registrar/gone'")
    code, out = line()
    assert code == 3 and "registrar gone was never heard of" in out


def test_what_is_unhealthy_and_what_is_on_a_node(site):
    site.create_registry()
    for k in range(5):
        site.put(f"s{k}", ("a", "192.0.2.1"), ("b", "192.0.2.2"))
    site.put_health("s1", "a", "critical")
    give(site, "'registrar/' || name")
    now_ms = int(time.time() * 1000)
    for name in "ab":
        site.sql("INSERT INTO registrar (name, pid, version, "
                 "started_wall_ms, heartbeat_wall_ms) "
                 "VALUES (?, 1, '1', 1, ?)", name, now_ms + 3600000)
    code, out = look(site, "status", "--unhealthy")
    assert code == 3
    assert "s1.svc.internal (tcp)  1 of 2 in answers" in out
    assert "s0" not in out and "192.0.2.2" not in out
    code, out = look(site, "status", "--node", "b")
    assert code == 0 and "192.0.2.1" not in out
    assert out.count("192.0.2.2") == 5
    # for a host: nothing of s1 would be left without b
    code, out = look(site, "maintenance", "--node", "b")
    assert code == 2 and "without this last instance of 's1'" in out
    assert site.health("s0") == {"a": "passing", "b": "passing"}
    code, out = look(site, "maintenance", "--node", "b", "--force")
    assert code == 0 and out.count("active -> maintenance") == 5
    assert site.health("s1") == {"a": "critical", "b": "maintenance"}
    assert look(site, "resume", "--node", "b")[0] == 0
    assert look(site, "drain", "s0", "s2", "--node", "a")[0] == 0
    assert site.health("s0") == {"a": "draining", "b": "passing"}
    assert site.health("s3") == {"a": "passing", "b": "passing"}
    # rows of another host are its own, whoever they are from
    site.sql("INSERT INTO instance (service, name, address, node, source) "
             "VALUES ('s4', 'c', '192.0.2.3', 'far', 'registrar/b')")
    code, out = look(site, "status", "--node", "far")
    assert "192.0.2.3" in out and "192.0.2.2" not in out
    code, out = look(site, "status", "--node", "b")
    assert "192.0.2.3" not in out and out.count("192.0.2.2") == 5
    code, out = look(site, "drain", "--node", "nix")
    assert code == 2 and "no instance on node 'nix'" in out
    code, out = look(site, "drain")
    assert code == 2 and "expected SERVICE/INSTANCE or --node" in out


def test_leases_that_ran_out_do_not_stay(site):
    site.create_registry()
    site.put("web", ("a", "192.0.2.1"))
    now_ms = int(time.time() * 1000)
    for name, ago_ms in (("old", 7200000), ("fresh", 60000)):
        site.sql("INSERT INTO service (name, source) VALUES (?, 'command')",
                 name)
        site.sql("INSERT INTO instance (service, name, address, source, "
                 "lease_until_wall_ms) VALUES (?, 'i', '192.0.2.9', "
                 "'command', ?)", name, now_ms - ago_ms)
    assert look(site, "status", "old")[0] == 0
    assert look(site, "status", "fresh")[0] == 3
    code, out = look(site, "deregister", "fresh/i")
    assert code == 0 and "expired -> gone" in out
    site.start_registrar()
    until("it is taken away", lambda: not site.sql(
        "SELECT 1 FROM service WHERE name = 'old'"), 40)
    assert site.health("web") == {"a": "passing"}
    assert ("passing", None) in site.sql(
        "SELECT was, now FROM history WHERE service = 'old'")


def test_a_service_of_one_family_has_no_line_of_the_other(site):
    site.create_registry()
    site.put("web", ("a", "192.0.2.1"))
    site.put("six", ("a", "2001:db8::1"))
    out = look(site, "explain", "web")[1]
    assert "web.svc.internal A: 1 of 1" in out and "AAAA" not in out
    out = look(site, "explain", "six")[1]
    assert "six.svc.internal AAAA: 1 of 1" in out and " A:" not in out
    out = look(site, "explain", "web", "AAAA")[1]
    assert "web.svc.internal AAAA: 0 of 1" in out


def test_shares_of_weights(site):
    """In percent, of those that are asked first, where weights differ."""
    site.create_registry()
    site.put("web", ("a", "192.0.2.1", 300), ("b", "192.0.2.2", 100),
             ("c", "192.0.2.3", 500), ("d", "192.0.2.4", 7))
    site.sql("UPDATE instance SET priority = 9 WHERE name = 'd'")
    site.put_health("web", "c", "critical")
    site.put("even", ("e", "192.0.2.5", 300), ("f", "192.0.2.6", 300))

    def weights(*args):
        lines = site.command("status", "--registry", site.registry,
                             *args).stdout.splitlines()
        return {words[0]: words[2:words.index(state)]
                for words in map(str.split, lines)
                for state in ("passing", "critical") if state in words[2:]
                and words[0] in set("abcdef")}

    assert weights() == {"a": ["300", "75%"], "b": ["100", "25%"],
                         "c": ["500"], "d": ["7", "p9"], "e": ["300"],
                         "f": ["300"]}
    assert weights("--unhealthy") == {"c": ["500"]}
