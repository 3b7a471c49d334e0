# SPDX-License-Identifier: BSD-2-Clause
"""What an operator does, seen in DNS: drain, maintenance, resume, weight."""

import json
import os
import re
import signal
import socket
import subprocess

import rollcall
from rollcall import until

WEB = """service: web
port: 80
ttl: 60s
instances:
  - {name: a, address: 192.0.2.1, weight: 30}
  - {name: b, address: 192.0.2.2, weight: 70}
"""


def operate(site, *args):
    return site.run(*args, "--registry", site.registry)


def weights(dnsd):
    return {target.split(".")[0]: weight for _, weight, _, target
            in dnsd.ask("_web._tcp", "SRV").srv()}


def wait_weights(dnsd, expected):
    until(f"weights {expected}", lambda: weights(dnsd) == expected)


def start(site):
    site.define("web.yaml", WEB)
    dnsd = site.start_dnsd()
    registrar = site.start_registrar()
    wait_weights(dnsd, {"a": 30, "b": 70})
    return dnsd, registrar


def test_drain_maintenance_resume(site):
    dnsd, registrar = start(site)
    assert operate(site, "drain", "web/a") == \
        "web/a: active -> draining: in no answer in 61.2 s\n"
    wait_weights(dnsd, {"a": 0, "b": 70})
    assert dnsd.ask("web").addresses() == ["192.0.2.2"]
    assert dnsd.ask("a.web").addresses() == ["192.0.2.1"]
    operate(site, "maintenance", "web/a", "--reason", "new disk")
    wait_weights(dnsd, {"b": 70})
    # neither an edit nor a restart undoes what the operator said
    site.define("web.yaml", WEB.replace("weight: 70", "weight: 71"))
    wait_weights(dnsd, {"b": 71})
    registrar.kill()
    registrar = site.start_registrar()
    site.define("web.yaml", WEB)
    wait_weights(dnsd, {"b": 70})
    operate(site, "resume", "web/a")
    wait_weights(dnsd, {"a": 30, "b": 70})


def test_weight_is_the_operators(site):
    dnsd, registrar = start(site)
    operate(site, "weight", "web/a", "5", "--reason", "canary")
    wait_weights(dnsd, {"a": 5, "b": 70})
    # b's edit is not a's, and a's is not the operator's
    site.define("web.yaml", WEB.replace("weight: 70", "weight: 71"))
    wait_weights(dnsd, {"a": 5, "b": 71})
    site.define("web.yaml", WEB.replace("weight: 30", "weight: 31"))
    wait_weights(dnsd, {"a": 5, "b": 70})
    assert "definition says weight 31" in site.run(
        "status", "web", "--registry", site.registry)
    registrar.kill()
    site.start_registrar()
    assert weights(dnsd) == {"a": 5, "b": 70}
    site.define("web.yaml", WEB.replace("weight: 70", "weight: 72"))
    wait_weights(dnsd, {"a": 5, "b": 72})
    operate(site, "weight", "web/a", "default")
    wait_weights(dnsd, {"a": 30, "b": 72})
    told = site.run("history", "web/a", "--registry", site.registry)
    assert "weight 30 to 5: canary" in told
    assert "weight 5 to 30, as it is described" in told
    assert "weight 30 to 31" in told


def test_no_daemon_is_needed(site):
    site.create_registry()
    site.put("web", ("a", "192.0.2.1"))
    refused = site.command("drain", "web", "--registry", site.registry)
    assert refused.returncode == 2
    assert "without this last instance of 'web' nothing of it is left" in \
        refused.stderr
    assert site.health("web") == {"a": "passing"}
    operate(site, "drain", "web", "--force")
    assert site.health("web") == {"a": "draining"}
    done = site.command("drain", "nix", "--registry", site.registry)
    assert done.returncode == 2
    assert "no service 'nix'" in done.stderr


def test_a_registered_instance_is_in_dns_until_its_lease_ends(site, dnsd):
    operate(site, "register", "job/one", "--address", "192.0.2.9",
            "--port", "99", "--weight", "7", "--lease", "4s")
    dnsd.wait_instances("job", ["one"])
    assert dnsd.ask("_job._tcp", "SRV").srv() == [(0, 7, 99, "one.job")]
    dnsd.wait_instances("job", [])
    done = site.command("explain", "job", "--registry", site.registry)
    assert done.returncode == 3
    assert "its lease ran out" in done.stdout
    operate(site, "register", "job/one", "--address", "192.0.2.9",
            "--port", "99")
    dnsd.wait_instances("job", ["one"])
    operate(site, "deregister", "job/one")
    dnsd.wait_instances("job", [])


def test_whoever_takes_over_an_address_is_told_what_checks_it(site):
    start(site)
    done = site.command("register", "web/a", "--force", "--address",
                        "192.0.2.99", "--registry", site.registry)
    assert done.returncode == 0, done.stderr
    assert "its checks look at 192.0.2.1" in done.stderr
    assert "web.yaml'" in done.stderr
    done = site.command("register", "web/a", "--force", "--address",
                        "192.0.2.99", "--registry", site.registry)
    assert "its checks" not in done.stderr


def test_what_a_definition_names_is_not_deregistered(site):
    dnsd, _ = start(site)
    done = site.command("deregister", "web/a", "--registry", site.registry)
    assert done.returncode == 2
    assert "web.yaml" in done.stderr
    assert weights(dnsd) == {"a": 30, "b": 70}


def explained(site, *args):
    done = site.command("explain", *args, "--json", "--registry",
                        site.registry)
    assert done.returncode in (0, 3), done.stderr
    return json.loads(done.stdout)


def test_explain_and_dnsd_agree(site, dnsd):
    """Every health, mode, lease and policy: the two are asked the same."""
    n = 0
    for policy in ("nodata", "nxdomain", "all"):
        for health in ("passing", "warning", "critical", "dead", "starting"):
            for mode, step, end in (("active", "none", 0),
                                    ("draining", "waiting", 4102444800000),
                                    ("draining", "waiting", 1700000000000),
                                    ("maintenance", "none", 0)):
                for lease in (0, 1700000000000):
                    n += 1
                    site.sql("INSERT INTO service (name, port, on_empty) "
                             "VALUES (?, 80, ?)", f"s{n}", policy)
                    site.sql("INSERT INTO instance (service, name, address, "
                             "health, mode, drain_step, "
                             "drain_until_wall_ms, lease_until_wall_ms) "
                             "VALUES (?, 'i', '192.0.2.1', ?, ?, ?, ?, ?)",
                             f"s{n}", health, mode, step, end, lease)
                    if n % 2:
                        site.sql("INSERT INTO instance (service, name, "
                                 "address, health) VALUES (?, 'j', "
                                 "'2001:db8::1', 'starting')", f"s{n}")
    site.put("last", ("i", "192.0.2.1"))
    dnsd.wait_instances("last", ["i"])
    for k in range(1, n + 1):
        got = explained(site, f"s{k}")
        answer = dnsd.ask(f"_s{k}._tcp", "SRV")
        assert answer.instances() == \
            [i["name"] for i in got["instances"] if "SRV" in i["in"]], got
        empty = got["answers"]["SRV"]["empty"]
        assert (answer.rcode == "NXDOMAIN") == \
            bool(empty and empty.startswith("NXDOMAIN")), got
        for rdtype in ("A", "AAAA"):
            assert len(dnsd.ask(f"s{k}", rdtype).addresses()) == \
                sum(rdtype in i["in"] for i in got["instances"]), got
        own = explained(site, f"i.s{k}.{rollcall.ZONE}")["answers"]
        for rdtype in ("A", "AAAA", "SRV"):
            assert len(dnsd.ask(f"i.s{k}", rdtype).rdata()) == \
                own[rdtype]["instances_n"], own


def test_explain_says_what_the_check_said(site):
    port = rollcall.free_port()  # nobody listens
    site.define("web.yaml", f"service: web\nport: {port}\n"
                f"instances: [{{name: a, address: {rollcall.HOST}}}]\n"
                "checks: [{tcp: '{address}:{port}', interval: 100ms}]\n")
    site.create_registry()
    site.start_registrar()
    site.wait_health("web", {"a": "critical"})
    out = site.command("explain", "_web._tcp.svc.internal",
                       "--registry", site.registry)
    assert out.returncode == 3
    assert "OUT a" in out.stdout
    assert "refused" in out.stdout


def test_a_registry_that_is_not_there_is_no_wrong_usage(site):
    site.create_registry()
    for command in ("status", "explain", "history", "drain", "export"):
        for registry, status in ((site.folder / "nix.db", 1),
                                 (site.registry, 2)):
            done = site.command(command, "web", "--registry", registry)
            assert (done.returncode, done.stdout) == (status, ""), command
            assert done.stderr


def test_json_logs_are_json_whatever_a_file_is_called(site):
    name = site.watch.joinpath("x").as_posix().encode()[:-1] + b"caf\xe9.yaml"
    with open(name, "wb") as f:
        f.write(b"service: web\nport: 1\n")
    registrar = site.start_registrar("--log-format", "json")
    registrar.wait_log("caf")
    for line in registrar.log.read_bytes().splitlines():
        json.loads(line)


def journal_lines(site, awaited, *args):
    """What a registrar writes where journald reads."""
    journal, theirs = socket.socketpair()
    with journal, theirs:
        st = os.fstat(theirs.fileno())
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL",
             rollcall.BUILD / "registrar/registrar", "run", "--registry",
             site.registry, "--watch", site.watch, "--zone", rollcall.ZONE,
             *args], stdin=subprocess.DEVNULL, stderr=theirs,
            env=os.environ | {"JOURNAL_STREAM": f"{st.st_dev}:{st.st_ino}"})
        site.processes.append(process)
        theirs.close()
        journal.settimeout(rollcall.PATIENCE_S)
        text = b""
        while awaited not in text:
            text += journal.recv(65536)
        process.terminate()
        process.wait(rollcall.PATIENCE_S)
    return text.decode().splitlines()


def test_lines_for_journald(site):
    _, pidfile = site.process("web")
    site.define("web.yaml", "service: web\nport: 80\ninstances:\n"
                "- {name: a, address: 192.0.2.1}\n"
                f"process: {{pidfile: {pidfile}}}\n")
    site.define("bad.yaml", "service: 7\n")
    lines = journal_lines(site, b"is passing")
    assert any(re.match("<3>registrar error: .*bad.yaml", x) for x in lines)
    assert any(x.startswith("<4>registrar warn: ") for x in lines)
    assert any(re.match("<6>registrar info: 'web/a' was starting, is passing",
                        x) for x in lines)
    assert all(re.match("<[3467]>registrar ", x) for x in lines)
    lines = journal_lines(site, b"bad.yaml", "--log-format", "json")
    assert all(re.match("<[3467]>{.*}$", x) for x in lines)


def test_json_lines_of_transitions_have_members(site):
    process, pidfile = site.process("web")
    site.define("web.yaml", "service: web\nport: 80\ninstances:\n"
                "- {name: a, address: 192.0.2.1}\n"
                f"process: {{pidfile: {pidfile}}}\n")
    # inherited, but not where this standard error goes
    registrar = site.start_registrar("--log-format", "json")
    site.wait_health("web", {"a": "passing"})
    process.kill()
    registrar.wait_log("is dead")
    lines = [json.loads(x) for x in registrar.log_text().splitlines()]
    told = [x for x in lines if "from" in x]
    assert [(x["service"], x["instance"], x["zone"], x["from"], x["to"])
            for x in told] == [
                ("web", "a", rollcall.ZONE, "starting", "passing"),
                ("web", "a", rollcall.ZONE, "passing", "dead")]
    assert told[1]["reason"] == f"process: pid {process.pid} ended"
    assert told[1]["message"].startswith("'web/a' was passing, is dead: ")
