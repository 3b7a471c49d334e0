# SPDX-License-Identifier: BSD-2-Clause
"""A drain from its beginning to what follows it, with real daemons, real
processes and whoever is killed in the middle."""

import json
import os
import random
import signal
import subprocess
import time

import pytest
from backend import Backend

import rollcall
from rollcall import until

pytestmark = pytest.mark.release

WEB = """service: web
port: 80
ttl: {ttl}
instances:
  - {{name: a, address: 192.0.2.1}}
  - {{name: b, address: 192.0.2.2, on_drained: none}}
{more}
"""


def operate(site, *args):
    return site.run(*args, "--registry", site.registry)


def weights(dnsd):
    return {target.split(".")[0]: weight for _, weight, _, target
            in dnsd.ask("_web._tcp", "SRV").srv()}


def wait_weights(dnsd, expected):
    until(f"weights {expected}", lambda: weights(dnsd) == expected)


def step(site, name="a"):
    return site.sql("SELECT drain_step FROM instance WHERE name = ?",
                    name)[0][0]


def wait_step(site, expected):
    until(f"the drain is {expected}", lambda: step(site) == expected)


def hook(site, text):
    """A program that says in a file that it was begun."""
    path = site.folder / "hook"
    path.write_text("#!/bin/sh\n"
                    f"echo \"$ROLLCALL_DRAIN\" >>{site.folder}/begun\n{text}\n")
    path.chmod(0o755)
    return f"on_drained: {{exec: [{path}, '{{name}}'], timeout: 20s}}"


def begun(site):
    path = site.folder / "begun"
    return path.read_text().splitlines() if path.exists() else []


def notes(site):
    return [reason for (reason,) in site.sql(
        "SELECT reason FROM history WHERE instance = 'a' AND was = now "
        "AND source LIKE 'registrar/%' ORDER BY id")]


def start(site, more, ttl="1s"):
    site.define("web.yaml", WEB.format(more=more, ttl=ttl))
    dnsd = site.start_dnsd()
    registrar = site.start_registrar()
    wait_weights(dnsd, {"a": 100, "b": 100})
    return dnsd, registrar


def test_the_whole_sequence(site):
    dnsd, _ = start(site, hook(site, "echo stopped \"$1\""), ttl="5s")
    operate(site, "drain", "web", "--reason", "new kernel", "--force")
    wait_weights(dnsd, {"a": 0, "b": 0})
    assert dnsd.ask("web").addresses() == []
    assert not begun(site)
    out = operate(site, "drain", "web", "--wait")
    assert "web/a: draining -> drained: " in out, out
    assert "web/b: draining -> drained\n" in out, out
    wait_weights(dnsd, {})
    assert dnsd.ask("a.web").addresses() == ["192.0.2.1"]
    assert (step(site), step(site, "b")) == ("done", "done")
    ((until_ms,),) = site.sql(
        "SELECT drain_until_wall_ms FROM instance WHERE name = 'a'")
    assert begun(site) == [str(until_ms)]
    assert notes(site)[0] == "drained, on_drained begins"
    assert notes(site)[1].endswith("exit status 0: stopped a"), notes(site)
    shown = site.status("web")["services"][0]["instances"]
    assert [i["state"] for i in shown] == ["drained", "drained"]
    assert shown[0]["drain_text"].endswith("stopped a")
    said = site.command("explain", "web/a", "--registry", site.registry)
    assert said.returncode == 3
    assert "on_drained ended well" in said.stdout
    assert "new kernel" in said.stdout
    operate(site, "resume", "web")
    wait_weights(dnsd, {"a": 100, "b": 100})
    assert len(begun(site)) == 1


def test_dnsd_ends_it_though_no_registrar_runs(site, dnsd):
    site.put("web", ("a", "192.0.2.1"), ("b", "192.0.2.2"))
    site.sql("UPDATE service SET ttl_s = 5")
    wait_weights(dnsd, {"a": 100, "b": 100})
    # even begun by hand
    site.sql("UPDATE instance SET mode = 'draining' WHERE name = 'a'")
    wait_weights(dnsd, {"a": 0, "b": 100})
    began = time.monotonic()
    wait_weights(dnsd, {"b": 100})
    assert time.monotonic() - began > 0.8
    assert step(site) == "waiting"
    out = operate(site, "drain", "web/a", "--wait")
    assert out == "web/a: drained already\n"


def test_the_last_that_drains_is_in_srv_with_weight_0(site):
    site.create_registry()
    site.put("web", ("a", "192.0.2.1"))
    operate(site, "drain", "web", "--ttl", "1h", "--force")
    out = site.command("status", "--registry", site.registry).stdout
    assert "NONE of 1 in answers but SRV, which has 1 with weight 0" in out
    (instance,) = site.status("web")["services"][0]["instances"]
    assert (instance["weight"], instance["weight_now"]) == (100, 0)


def test_a_hook_that_was_killed_with_its_registrar_runs_again(site):
    more = hook(site, f"while [ ! -e {site.folder}/go ]; do sleep 0.05; done")
    dnsd, registrar = start(site, more)
    operate(site, "drain", "web/a")
    wait_step(site, "hook")
    until("the program runs", lambda: begun(site))
    registrar.kill()
    site.daemons.remove(registrar)
    assert weights(dnsd) == {"b": 100}
    time.sleep(0.3)  # what was begun has ended with the registrar
    (site.folder / "go").touch()
    assert step(site) == "hook"
    site.start_registrar()
    wait_step(site, "done")
    assert len(begun(site)) == 2 and len(set(begun(site))) == 1
    assert notes(site)[1] == "drained, on_drained begins again"
    # what has ended is not begun again, however often it restarts
    again = site.daemons[-1]
    again.kill()
    site.daemons.remove(again)
    site.start_registrar()
    rollcall.always("it is over", lambda: len(begun(site)) == 2)
    assert step(site) == "done"


def test_a_registrar_that_comes_late_does_it_then(site):
    dnsd, registrar = start(site, hook(site, ""))
    registrar.kill()
    site.daemons.remove(registrar)
    operate(site, "drain", "web/a")
    wait_weights(dnsd, {"b": 100})
    assert not begun(site) and step(site) == "waiting"
    site.start_registrar()
    wait_step(site, "done")
    assert len(begun(site)) == 1


def test_resume_while_the_hook_runs(site):
    more = hook(site, f"sleep 1000; touch {site.folder}/ended")
    dnsd, _ = start(site, more)
    operate(site, "drain", "web/a")
    until("the program runs", lambda: begun(site))
    operate(site, "resume", "web/a")
    wait_weights(dnsd, {"a": 100, "b": 100})
    until("it is killed", lambda: "is given up" in
          site.daemons[-1].log_text())
    assert not (site.folder / "ended").exists()
    waiting = site.command("drain", "web/a", "--wait", "--deadline", "3s",
                           "--registry", site.registry)
    # killed by the deadline, a failure
    assert waiting.returncode == 1, waiting
    assert "still ran when its time was out" in waiting.stdout
    assert step(site) == "failed"


def test_a_signal_for_the_process(site):
    process, pidfile = site.process("web")
    site.define("web.yaml", WEB.format(
        ttl="1s", more=f"process: {{pidfile: {pidfile}}}\non_drained: {{signal: TERM}}"))
    site.create_registry()
    site.start_registrar()
    site.wait_health("web", {"a": "passing", "b": "passing"})
    out = operate(site, "drain", "web/a", "--wait")
    assert "SIGTERM: sent" in out
    assert process.wait(rollcall.PATIENCE_S) == -signal.SIGTERM


def named_by(site, user, pidfile):
    """A process of a user, or of ours, that a pidfile names."""
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL",
         *(["--reuid", str(user), "--regid", str(user), "--clear-groups"]
           if user else []), "sleep", "1000"], stdin=subprocess.DEVNULL)
    site.processes.append(process)
    pidfile.write_text(f"{process.pid}\n")
    return process


def others_file(site):
    pidfile = site.folder / "web.pid"
    pidfile.touch()
    os.chown(pidfile, 12345, 12345)
    return pidfile


def open_file(site):
    pidfile = site.folder / "web.pid"
    pidfile.touch()
    pidfile.chmod(0o666)
    return pidfile


def others_directory(site):
    (site.folder / "run").mkdir()
    os.chown(site.folder / "run", 12345, 12345)
    return site.folder / "run" / "web.pid"


def open_directory(site):
    (site.folder / "run").mkdir()
    (site.folder / "run").chmod(0o777)
    return site.folder / "run" / "web.pid"


def groups_directory(site):
    (site.folder / "run").mkdir()
    os.chown(site.folder / "run", 0, 12345)
    (site.folder / "run").chmod(0o775)
    return site.folder / "run" / "web.pid"


def others_link(site):
    folder = site.folder / "run"
    folder.mkdir()
    folder.chmod(0o1777)
    (site.folder / "real.pid").touch()
    (folder / "far.pid").symlink_to("../real.pid")
    os.lchown(folder / "far.pid", 12345, 12345)
    # not even behind a link of root's
    (site.folder / "web.pid").symlink_to("run/far.pid")
    return site.folder / "web.pid"


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files away")
@pytest.mark.parametrize("named", [
    others_file, open_file, others_directory, open_directory,
    groups_directory, others_link])
@pytest.mark.parametrize("user", [0, 12345, 54321])
def test_a_pidfile_may_name_what_its_writers_may_signal(site, named, user):
    path = named(site)
    process = named_by(site, user, path)
    site.define("web.yaml", WEB.format(
        ttl="1s", more=f"process: {{pidfile: {path}}}\n"
        "on_drained: {signal: TERM}"))
    site.create_registry()
    site.start_registrar()
    site.wait_health("web", {"a": "passing", "b": "passing"})
    done = site.command("drain", "web/a", "--wait", "--registry",
                        site.registry)
    if user == 12345 and named not in (open_file, open_directory):
        assert done.returncode == 0 and "SIGTERM: sent" in done.stdout, done
        assert process.wait(rollcall.PATIENCE_S) == -signal.SIGTERM
        return
    assert done.returncode == 1, done
    assert f"SIGTERM: refused: pid {process.pid} belongs to" in done.stdout
    assert step(site) == "failed"
    assert process.poll() is None


def test_what_fails_is_told(site):
    start(site, hook(site, "echo no such unit; exit 3"))
    done = site.command("drain", "web/a", "--wait", "--registry",
                        site.registry)
    assert done.returncode == 1
    assert "exit status 3: no such unit" in done.stdout
    assert notes(site)[-1].startswith("on_drained failed: ")


def test_many_at_a_time(site):
    n = 300
    site.define("many.yaml", "service: many\nport: 80\nttl: 1s\n"
                "on_drained: {exec: [/bin/true]}\ninstances:\n" + "".join(
                    f"- {{name: i{k}, address: 192.0.2.{k % 250 + 1}}}\n"
                    for k in range(n)))
    site.create_registry()
    site.start_registrar("--exec-limit", "8")
    until("all are there", lambda: len(site.health("many")) == n)
    got = json.loads(operate(site, "drain", "many", "--wait", "--json",
                             "--force"))
    assert len(got) == n
    assert {(o["was"], o["now"]) for o in got} == {("draining", "drained")}
    assert site.sql("SELECT DISTINCT drain_step FROM instance") == [("done",)]


def test_one_default_ttl_for_both_programs(site):
    conf = site.folder / "rollcall.yaml"
    conf.write_text(f"registry: {site.registry}\nttl: 1s\n"
                    f"dnsd: {{zone: [{rollcall.ZONE}]}}\n")
    site.create_registry()
    site.put("web", ("a", "192.0.2.1"))
    dnsd = site.start_dnsd("--config", conf)
    wait_weights(dnsd, {"a": 100})
    assert dnsd.ask("web").message.answer[0].ttl == 1
    out = site.run("drain", "web/a", "--force", "--config", conf)
    assert out == "web/a: active -> draining: in no answer in 2.2 s\n"
    wait_weights(dnsd, {})


def test_deregister_in_the_end(site, dnsd):
    operate(site, "register", "job/one", "--address", "192.0.2.9",
            "--port", "99")
    dnsd.wait_instances("job", ["one"])
    out = operate(site, "drain", "job/one", "--deregister", "--ttl", "1s",
                  "--force",
                  "--reason", "done")
    assert out.splitlines()[-1] == "job/one: draining -> gone"
    dnsd.wait_instances("job", [])
    assert site.sql("SELECT * FROM service WHERE name = 'job'") == []


def test_no_kill_loses_a_drain(site):
    """kill -9 of the registrar at random moments, while hooks begin and
    end: each drain is over at last, and what was seen to end is not begun
    again."""
    seed = int(os.environ.get("ROLLCALL_SEED", "0")) or time.time_ns() % 10**9
    print(f"ROLLCALL_SEED={seed}")
    rng, names = random.Random(seed), [f"i{k:02}" for k in range(24)]
    log = site.folder / "log"
    program = site.folder / "hook"
    program.write_text("#!/bin/sh\n"
                       f"echo $ROLLCALL_INSTANCE begin >>{log}\nsleep 0.1\n"
                       f"echo $ROLLCALL_INSTANCE end >>{log}\n")
    program.chmod(0o755)
    site.define("web.yaml", "service: web\nport: 80\nttl: 0s\n"
                f"on_drained: {{exec: [{program}]}}\ninstances:\n" + "".join(
                    f"- {{name: {n}, address: 192.0.2.1}}\n" for n in names))
    site.create_registry()
    registrar = site.start_registrar("--exec-limit", "4")
    until("all are there", lambda: len(site.health("web")) == len(names))
    waiting, kills = list(names), 12
    for _ in range(kills):
        for _ in range(min(rng.randrange(5), len(waiting))):
            operate(site, "drain", f"web/{waiting.pop()}", "--force")
        time.sleep(rng.random() * 0.4)
        registrar.kill()
        # what is done in the registry is done
        over = {n for (n,) in site.sql("SELECT name FROM instance WHERE "
                                       "drain_step = 'done'")}
        lines = log.read_text().splitlines() if log.exists() else []
        before = {n: lines.count(f"{n} begin") for n in over}
        registrar.start()
        for n, times in before.items():
            now = log.read_text().splitlines().count(f"{n} begin")
            assert now == times, f"{n} was begun again"
    for name in waiting:
        operate(site, "drain", f"web/{name}", "--force")
    until("all are over", lambda: site.sql(
        "SELECT DISTINCT drain_step FROM instance") == [("done",)])
    lines = log.read_text().splitlines()
    for n in names:
        begun_n, ended_n = (lines.count(f"{n} {w}") for w in ("begin", "end"))
        assert 1 <= ended_n <= begun_n <= kills + 1, n
        # a second end only if it was killed before it could be written
        assert ended_n <= 3, n
    done = [i for (i,) in site.sql("SELECT instance FROM history WHERE "
                                   "reason LIKE 'on_drained ended well%'")]
    assert sorted(done) == names


def printed_loop():
    """The rolling restart of registrar(8), as somebody would type it."""
    page = (rollcall.TREE / "registrar/registrar.8").read_text()
    at = page.index("$ for i in web/a web/b")
    lines = page[at:page.index(".Ed", at)].splitlines()
    return "\n".join(line[2:] for line in lines) + "\n"


def test_the_rolling_restart_of_the_manual_never_leaves_nobody(site):
    """Default checks: an interval of 10 s, and what restarts is slow."""
    backends = {n: Backend(rollcall.HOST, rollcall.free_port()) for n in "ab"}
    processes = {n: site.process(n) for n in "ab"}
    site.define("web.yaml", "service: web\nttl: 1s\ninstances:\n" + "".join(
        f"  - {{name: {n}, address: {rollcall.HOST}, "
        f"port: {backends[n].port}, process: {{pidfile: {processes[n][1]}}}}}\n"
        for n in "ab") + 'checks: [{tcp: "{address}:{port}"}]\n')
    dnsd = site.start_dnsd()
    site.start_registrar()
    wait_weights(dnsd, {"a": 100, "b": 100})
    bin = site.folder / "bin"
    bin.mkdir()
    (bin / "registrar").write_text(
        f"#!/bin/sh\nexec {rollcall.BUILD}/registrar/registrar \"$@\" "
        f"--registry {site.registry}\n")
    (bin / "systemctl").write_text(
        f"#!/bin/sh\necho \"$2\" >{site.folder}/ask.new\n"
        f"mv {site.folder}/ask.new {site.folder}/ask\n"
        f"while [ -e {site.folder}/ask ]; do sleep 0.02; done\n")
    for program in bin.iterdir():
        program.chmod(0o755)
    asked, restarted, empty = site.folder / "ask", [], 0
    shell = subprocess.Popen(
        ["bash", "-c", printed_loop()], text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PATH": f"{bin}:{os.environ['PATH']}"})
    opens = {}
    end = time.monotonic() + 60
    while shell.poll() is None and time.monotonic() < end:
        empty += not dnsd.ask("web").addresses()
        if asked.exists():
            name = asked.read_text().strip()[len("web-"):-len(".service")]
            backends[name].close()
            processes[name][0].kill()
            processes[name][0].wait()
            processes[name] = site.process(name)
            restarted.append(name)
            opens[name] = time.monotonic() + 0.5
            asked.unlink()
        for name in [n for n, at in opens.items() if time.monotonic() > at]:
            del opens[name]
            backends[name].open()
        time.sleep(0.01)
    shell.kill()
    out, _ = shell.communicate()
    for backend in backends.values():
        backend.close()
    assert shell.returncode == 0, out
    assert restarted == ["a", "b"], out
    assert "web/b: active -> passing" in out
    assert empty == 0, out
    wait_weights(dnsd, {"a": 100, "b": 100})


def test_resume_waits_no_longer_than_it_may(site):
    site.create_registry()
    site.put("web", ("a", "192.0.2.1"), ("b", "192.0.2.2"))
    operate(site, "drain", "web/a")
    site.put_health("web", "a", "critical")
    done = site.command("resume", "web/a", "--wait", "--timeout", "1500ms",
                        "--registry", site.registry)
    assert done.returncode == 1, done
    assert "web/a: active -> critical" in done.stdout
    site.put_health("web", "a", "passing")
    out = operate(site, "resume", "web/a", "--wait")
    assert "web/a: active -> passing" in out
