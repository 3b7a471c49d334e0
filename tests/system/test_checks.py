# SPDX-License-Identifier: BSD-2-Clause
"""From a definition file, through watches and checks, to the answer."""

import contextlib
import os
import pathlib

import pytest
from backend import Backend

import rollcall
from rollcall import ZONE, always, until

pytestmark = pytest.mark.release


@pytest.fixture
def backends():
    """Two web servers on loopback."""
    with contextlib.ExitStack() as stack:
        made = [Backend(rollcall.HOST, rollcall.free_port())
                for _ in range(2)]
        for one in made:
            stack.callback(one.close)
        yield made


def definition(backends, *checks, more=""):
    lines = ["service: web", *more.splitlines(), "instances:"]
    lines += [f"  - {{name: i-{n}, address: {b.host}, port: {b.port}}}"
              for n, b in enumerate(backends, 1)]
    lines += ["checks:", *[f"  - {check}" for check in checks]]
    return "\n".join(lines) + "\n"


FAST = "interval: 50ms, timeout: 2s, rise: 1, fall: 2"
HTTP = f'{{http: "http://{{address}}:{{port}}/healthz", {FAST}}}'
TCP = f'{{tcp: "{{address}}:{{port}}", {FAST}}}'


def test_definition_to_answers(site, backends):
    """The whole way, asked by dnspython and by dig."""
    site.define("web.yaml", definition(backends, HTTP))
    site.start_registrar()
    dnsd = site.start_dnsd()
    dnsd.wait_instances("web", ["i-1", "i-2"])
    assert {row[2:] for row in dnsd.ask("_web._tcp", "SRV").srv()} == \
        {(b.port, f"i-{n}.web") for n, b in enumerate(backends, 1)}
    assert set(dnsd.addresses("web")) == {rollcall.HOST}
    lines = dnsd.dig("+short", "SRV", f"_web._tcp.{ZONE}").splitlines()
    assert sorted(line.split()[2:] for line in lines) == sorted(
        [str(b.port), f"i-{n}.web.{ZONE}."]
        for n, b in enumerate(backends, 1))
    assert rollcall.HOST in dnsd.dig("+short", "A", f"web.{ZONE}")


@pytest.mark.parametrize("check", [HTTP, TCP], ids=["http", "tcp"])
def test_a_closed_port_is_critical_and_comes_back(site, backends, check):
    site.define("web.yaml", definition(backends, check))
    dnsd = site.start_dnsd()
    site.start_registrar()
    dnsd.wait_instances("web", ["i-1", "i-2"])
    backends[0].close()
    dnsd.wait_instances("web", ["i-2"])
    assert site.health("web")["i-1"] == "critical"
    reason, = site.sql("SELECT reason FROM instance WHERE name = 'i-1'")[0]
    assert "refused" in reason
    backends[0].open()
    dnsd.wait_instances("web", ["i-1", "i-2"])


@pytest.mark.parametrize("change, health", [
    (dict(status=500), "critical"),
    (dict(status=404), "critical"),
    (dict(status=429), "warning"),
    (dict(status=204, body=""), "passing"),
])
def test_http_status(site, backends, change, health):
    site.define("web.yaml", definition(backends, HTTP))
    site.start_registrar()
    site.wait_health("web", {"i-1": "passing", "i-2": "passing"})
    hits = backends[0].hits
    vars(backends[0]).update(change)
    until("checked again", lambda: backends[0].hits > hits + 4)
    site.wait_health("web", {"i-1": health, "i-2": "passing"})


def test_http_body(site, backends):
    site.define("web.yaml", definition(
        backends,
        f'{{http: "http://{{address}}:{{port}}/", body: "^fi.e", {FAST}}}'))
    site.start_registrar()
    site.wait_health("web", {"i-1": "passing", "i-2": "passing"})
    backends[1].body = "not so fine"
    site.wait_health("web", {"i-1": "passing", "i-2": "critical"})


def test_a_hanging_check_delays_nobody(site, backends):
    slow = ('{http: "http://{address}:{port}/", interval: 50ms, '
            "timeout: 1500ms, rise: 1, fall: 1}")
    site.define("web.yaml", definition(backends, slow))
    site.start_registrar()
    site.wait_health("web", {"i-1": "passing", "i-2": "passing"})
    backends[0].delay_s = 5
    before = backends[1].hits
    site.wait_health("web", {"i-1": "critical", "i-2": "passing"})
    reason, = site.sql("SELECT reason FROM instance WHERE name = 'i-1'")[0]
    assert "time" in reason, "the reason says that it timed out"
    # 1.5 s at 50 ms; half of it, for slow machines
    assert backends[1].hits - before > 10


def test_exec_checks(site, tmp_path):
    """Exit 0 passing, 1 warning, anything else critical; no shell."""
    code = tmp_path / "code"
    code.write_text("0")
    script = tmp_path / "check"
    script.write_text(f"#!/bin/sh\necho \"$1 says $(cat {code})\"\n"
                      f"exit $(cat {code})\n")
    script.chmod(0o755)
    site.define("web.yaml", f"""
service: web
port: 80
instances: [{{name: i-1, address: 192.0.2.1}}]
checks:
  - {{exec: [{script}, "$HOME; it"], {FAST}}}
""")
    site.start_registrar()
    for number, health in (("0", "passing"), ("1", "warning"),
                           ("2", "critical"), ("0", "passing")):
        aside = tmp_path / "code.new"
        aside.write_text(number)
        aside.rename(code)
        site.wait_health("web", {"i-1": health})
    until("the output", lambda: site.sql(
        "SELECT output FROM check_result WHERE output LIKE ?",
        "$HOME; it says 0%"))


def test_an_exec_check_that_hangs_is_killed_with_its_children(
        site, tmp_path):
    script = tmp_path / "check"
    script.write_text(f"#!/bin/sh\nsleep 1000 &\necho $! >{tmp_path}/child\n"
                      "wait\n")
    script.chmod(0o755)
    site.define("web.yaml", f"""
service: web
port: 80
instances: [{{name: i-1, address: 192.0.2.1}}]
checks: [{{exec: [{script}], interval: 100ms, timeout: 200ms, fall: 1}}]
""")
    registrar = site.start_registrar()
    site.wait_health("web", {"i-1": "critical"})
    registrar.stop()

    def children():
        out = rollcall.subprocess.run(
            ["pgrep", "-f", f"^/bin/sh {script}$"], text=True,
            capture_output=True, check=False).stdout.split()
        try:
            stat = open(f"/proc/{(tmp_path / 'child').read_text().strip()}"
                        "/stat", encoding="ascii").read()
            if stat.split()[2] != "Z":
                out.append(stat.split()[0])
        except (FileNotFoundError, ProcessLookupError):
            pass
        return out
    until("nothing is left", lambda: not children())


def test_first_verdict_gate(site, backends):
    """Nothing is eligible before it was checked."""
    backends[0].delay_s = backends[1].delay_s = 1.0
    site.define("web.yaml", definition(
        backends, '{http: "http://{address}:{port}/", interval: 1s, '
        "timeout: 5s, rise: 1}"))
    dnsd = site.start_dnsd()
    site.start_registrar()
    until("known", lambda: site.health("web"))
    assert set(site.health("web").values()) == {"starting"}
    until("dnsd knows", lambda: dnsd.ask("i-1.web").addresses())
    answer = dnsd.ask("web")
    assert answer.rcode == "NOERROR" and not answer.addresses()
    dnsd.wait_instances("web", ["i-1", "i-2"])


def test_rise_and_fall(site, backends):
    """Thresholds are counted, not timed: one bad answer is no outage."""
    site.define("web.yaml", definition(
        backends[:1], '{http: "http://{address}:{port}/", interval: 100ms, '
        "timeout: 2s, rise: 3, fall: 1000}"))
    site.start_registrar()
    site.wait_health("web", {"i-1": "passing"})
    backends[0].status = 500
    hits = backends[0].hits
    until("ten failures", lambda: backends[0].hits > hits + 10)
    assert site.health("web") == {"i-1": "passing"}


# ---- processes ----------------------------------------------------------

def watch(site, name, **more):
    process, pidfile = site.process(name)
    extra = "".join(f"\n    {k}: {v}" for k, v in more.items())
    return process, f"""
  - name: {name}
    address: 192.0.2.{len(site.processes)}
    process: {{pidfile: {pidfile}}}{extra}"""


@pytest.fixture
def watched(site):
    """(processes, dnsd, registrar) of a service of two."""
    rows = [watch(site, f"p-{n}") for n in (1, 2)]
    site.define("svc.yaml", "service: svc\nport: 80\ninstances:"
                + "".join(text for _, text in rows) + "\n")
    registrar = site.start_registrar()
    dnsd = site.start_dnsd()
    dnsd.wait_instances("svc", ["p-1", "p-2"])
    return [process for process, _ in rows], dnsd, registrar


def test_kill_9_of_a_process_takes_it_out(site, watched):
    processes, dnsd, _ = watched
    processes[0].kill()
    dnsd.wait_instances("svc", ["p-2"])
    assert site.health("svc") == {"p-1": "dead", "p-2": "passing"}
    assert dnsd.addresses("p-1.svc"), "its name still resolves"


def test_the_next_process_is_found(site, watched):
    processes, dnsd, _ = watched
    processes[1].kill()
    dnsd.wait_instances("svc", ["p-1"])
    site.process("p-2")
    dnsd.wait_instances("svc", ["p-1", "p-2"])


def test_a_missing_pidfile_is_no_process(site, watched):
    processes, dnsd, _ = watched
    (site.folder / "p-1.pid").unlink()
    always("a running process needs no pidfile",
           lambda: dnsd.instances("svc") == ["p-1", "p-2"], 0.3)
    processes[0].kill()
    dnsd.wait_instances("svc", ["p-2"])


def test_exe_and_cmdline(site, tmp_path):
    marker = f"1000.{rollcall.free_port()}"
    own = tmp_path / "my-sleep"
    own.write_bytes(open("/bin/sleep", "rb").read())
    own.chmod(0o755)
    site.define("svc.yaml", f"""
service: svc
port: 80
instances:
  - {{name: exe, address: 192.0.2.1, process: {{exe: {own}}}}}
  - {{name: cmd, address: 192.0.2.2,
     process: {{cmdline: "sleep {marker.replace('.', '[.]')}$"}}}}
""")
    site.start_registrar()
    dnsd = site.start_dnsd()
    until("both are known", lambda: len(site.health("svc")) == 2)
    assert dnsd.instances("svc") == []
    started = [rollcall.subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", *args])
        for args in ([own, "1000"], ["sleep", marker])]
    site.processes += started
    dnsd.wait_instances("svc", ["cmd", "exe"])
    for process, left in zip(started, (["cmd"], [])):
        process.kill()
        process.wait()
        dnsd.wait_instances("svc", left)


def test_ttl_check_is_reported_by_command(site):
    """Critical when nobody reports in time; anybody may report."""
    site.define("batch.yaml", """
service: batch
port: 80
instances: [{name: i-1, address: 192.0.2.1}]
checks: [{ttl: 1s}]
""")
    site.start_registrar()

    def report(word):
        site.run(word, "batch/i-1", "--note", f"said {word}",
                 "--registry", site.registry)
    for word, health in (("pass", "passing"), ("warn", "warning"),
                         ("fail", "critical"), ("pass", "passing")):
        report(word)
        site.wait_health("batch", {"i-1": health})
    site.wait_health("batch", {"i-1": "critical"})


def test_programs_go_with_a_killed_registrar(site):
    site.define("web.yaml", f"""
service: web
port: 80
instances: [{{name: a}}]
checks: [{{exec: [/bin/sh, -c, 'echo $$ >{site.folder}/pid.new;
  mv {site.folder}/pid.new {site.folder}/pid; exec sleep 1000'],
  timeout: 60s, interval: 60s}}]
""")
    registrar = site.start_registrar()
    file = site.folder / "pid"
    until("the program runs", file.exists)
    pid = int(file.read_text())
    registrar.kill()
    until("the program is gone", lambda: not os.path.exists(f"/proc/{pid}")
          or "\nState:\tZ" in pathlib.Path(f"/proc/{pid}/status").read_text())
