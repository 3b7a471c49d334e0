# SPDX-License-Identifier: BSD-2-Clause
"""for_each: instances that come and go with processes and ports."""

import random
import signal
import socket
import subprocess
import sys

import pytest

import rollcall
from rollcall import always, until

LISTEN = """
import socket, sys, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[1], int(sys.argv[2])))
s.listen()
time.sleep(1000)
"""


@pytest.fixture
def start(site):
    def run(*args):
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *map(str, args)],
            stdin=subprocess.DEVNULL)
        site.processes.append(process)
        return process
    return run


def end(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


def mark(site):
    """What nobody else's arguments hold."""
    return site.folder.name.replace("_", "-") + site.folder.parent.name


def by_title(site, after="2s", more=""):
    """Workers are found by their title, which says port and weight."""
    site.define("svc.yaml", f"""
service: svc
deregister_after: {after}
instances:
  - for_each: {{process: {{cmdline: "^{mark(site)} ([0-9]+) ([0-9]+)$"}}}}
    name: "w-{{1}}"
    port: "{{1}}"
    weight: "{{2}}"
    {more}
""")


@pytest.fixture
def work(site, start):
    def run(port, weight=100):
        # sleep(1) adds its arguments up
        return start("bash", "-c", 'exec -a "$0" sleep "$1" "$2"',
                     mark(site), port, weight)
    return run


def states(site, service="svc"):
    return site.health(service)


def test_processes_come_and_go(site, work):
    first = work(9001)
    by_title(site)
    site.start_registrar()
    dnsd = site.start_dnsd()
    dnsd.wait_instances("svc", ["w-9001"])
    work(9002, 7)
    dnsd.wait_instances("svc", ["w-9001", "w-9002"])
    assert (0, 7, 9002, "w-9002.svc") in dnsd.ask(
        "_svc._tcp", "SRV").srv()
    end(first)
    dnsd.wait_instances("svc", ["w-9002"])
    assert states(site)["w-9001"] == "dead"
    site.wait_health("svc", {"w-9002": "passing"})


def test_one_that_comes_back_in_time_is_the_same(site, work):
    by_title(site, "1m")
    site.start_registrar()
    dnsd = site.start_dnsd()
    for _ in range(3):
        process = work(9001)
        dnsd.wait_instances("svc", ["w-9001"])
        end(process)
        dnsd.wait_instances("svc", [])
        assert states(site) == {"w-9001": "dead"}
    assert site.sql("SELECT count(*) FROM history WHERE now IS NULL") == \
        [(0,)]


def test_two_of_one_name_are_one_instance(site, work):
    first = work(9001, 1)
    by_title(site, "1m")
    registrar = site.start_registrar()
    dnsd = site.start_dnsd()
    dnsd.wait_instances("svc", ["w-9001"])
    work(9001, 2)
    registrar.wait_log("'svc/w-9001' is there twice")
    end(first)
    until("the other one has taken over", lambda: site.sql(
        "SELECT weight, state FROM instance") == [(2, "passing")])


def test_an_edit_changes_what_it_changes(site, work):
    work(9001)
    work(9002)
    by_title(site)
    site.start_registrar()
    dnsd = site.start_dnsd()
    dnsd.wait_instances("svc", ["w-9001", "w-9002"])
    history = site.sql("SELECT count(*) FROM history")
    by_title(site, more="tags: ['t{1}']")
    until("the tags are there", lambda: site.sql(
        "SELECT tags FROM instance ORDER BY name") ==
        [('["t9001"]',), ('["t9002"]',)])
    assert set(states(site).values()) == {"passing"}
    assert site.sql("SELECT count(*) FROM history") == history
    # the same file by another name
    (site.watch / "svc.yaml").rename(site.watch / "other.yaml")
    until("the file is known by its new name", lambda: site.sql(
        "SELECT DISTINCT definition LIKE '%other.yaml' FROM instance") ==
        [(1,)])
    assert site.sql("SELECT count(*) FROM history") == history
    (site.watch / "other.yaml").unlink()
    dnsd.wait_instances("svc", [])
    site.wait_health("svc", {})


def test_a_wrong_edit_changes_nothing(site, work):
    by_title(site)
    registrar = site.start_registrar()
    dnsd = site.start_dnsd()
    work(9001)
    dnsd.wait_instances("svc", ["w-9001"])
    by_title(site, more="weigth: 1")
    registrar.wait_log("expected 'weight'")
    work(9002)
    dnsd.wait_instances("svc", ["w-9001", "w-9002"])


def test_a_restart_of_the_registrar_is_no_news(site, work):
    for port in range(9001, 9006):
        work(port)
    by_title(site)
    registrar = site.start_registrar()
    dnsd = site.start_dnsd()
    names = [f"w-{port}" for port in range(9001, 9006)]
    dnsd.wait_instances("svc", names)
    site.run("drain", "svc/w-9003", "--registry", site.registry)
    history = site.sql("SELECT count(*) FROM history")
    for _ in range(3):
        registrar.kill()
        registrar.start()
        always("they stay", lambda: set(dnsd.instances("svc")) >=
               set(names) - {"w-9003"}, 0.3)
    assert site.sql("SELECT count(*) FROM history") == history
    assert states(site)["w-9003"] == "draining"


def test_what_ended_meanwhile_is_withdrawn(site, work):
    first = work(9001)
    work(9002)
    by_title(site, "1m")
    registrar = site.start_registrar()
    site.wait_health("svc", {"w-9001": "passing", "w-9002": "passing"})
    registrar.kill()
    end(first)
    registrar.start()
    site.wait_health("svc", {"w-9002": "passing"})


def test_children_of_one_that_matches_belong_to_it(site, start):
    site.define("svc.yaml", f"""
service: svc
instances:
  - for_each: {{process: {{cmdline: "^[^ ]*python[^ ]* .*{mark(site)}"}}}}
    process: none
""")
    parent = start(sys.executable, "-c",
                   # 1: PR_SET_PDEATHSIG, so that they end with the test
                   "import ctypes, os, signal, sys, time\n"
                   "for _ in range(3):\n"
                   "    if not os.fork():\n"
                   "        ctypes.CDLL(None).prctl(1, signal.SIGKILL)\n"
                   "        time.sleep(1000)\n"
                   "time.sleep(1000)", mark(site))
    site.start_registrar()
    until("it is there", lambda: states(site))
    always("there is one", lambda: len(states(site)) == 1, 1.5)
    name = next(iter(states(site)))
    assert name.endswith(f"-{parent.pid}")


def test_the_port_of_a_process_is_waited_for(site, start):
    port = rollcall.free_port()
    site.define("svc.yaml", f"""
service: svc
deregister_after: 1s
instances:
  - for_each: {{process: {{cmdline: "^[^ ]*python.* {mark(site)}$"}}}}
    address: {rollcall.HOST}
    port: "{{port}}"
checks: [{{tcp: "{{address}}:{{port}}", interval: 100ms}}]
""")
    site.start_registrar()
    dnsd = site.start_dnsd()
    script = f"import time; time.sleep(1.5)\n{LISTEN}"
    process = start(sys.executable, "-c", script, rollcall.HOST, port,
                    mark(site))
    always("it does not listen yet", lambda: not states(site))
    # every host has that address: the name says which
    host = socket.gethostname().split(".")[0].lower()
    name = rollcall.HOST.replace(".", "-") + f"-{port}-{host}"
    dnsd.wait_instances("svc", [name])
    end(process)
    site.wait_health("svc", {})


def test_ports_come_and_go(site, start):
    ports = sorted(rollcall.free_port() for _ in range(3))
    site.define("svc.yaml", f"""
service: svc
deregister_after: 2s
instances:
  - for_each: {{listening: {[f"{rollcall.HOST}:{p}" for p in ports]}}}
    name: "p{{port}}"
    address: {rollcall.HOST}
checks: [{{tcp: "{{address}}:{{port}}", interval: 100ms}}]
""")
    registrar = site.start_registrar()
    dnsd = site.start_dnsd()
    first, second = (start(sys.executable, "-c", LISTEN, rollcall.HOST, p)
                     for p in ports[:2])
    names = [f"p{p}" for p in ports]
    dnsd.wait_instances("svc", names[:2])
    assert {p for *_, p, _ in dnsd.ask("_svc._tcp", "SRV").srv()} == \
        set(ports[:2])
    # who holds it is what is watched
    assert f"pid {second.pid} runs" in str(site.sql(
        "SELECT output FROM check_result WHERE instance = ?", names[1]))
    end(first)
    dnsd.wait_instances("svc", names[1:2])
    assert states(site)[names[0]] == "dead"
    # back before it is withdrawn
    start(sys.executable, "-c", LISTEN, rollcall.HOST, ports[0])
    dnsd.wait_instances("svc", names[:2])
    end(second)
    site.wait_health("svc", {names[0]: "passing"})
    history = site.sql("SELECT count(*) FROM history")
    registrar.kill()
    registrar.start()
    always("it stays", lambda: dnsd.instances("svc") == names[:1])
    assert site.sql("SELECT count(*) FROM history") == history


def test_what_another_file_names_is_its_own(site, work):
    site.define("a.yaml", """
service: svc
instances: [{name: w-9001, address: 192.0.2.1, port: 1}]
""")
    by_title(site)
    registrar = site.start_registrar()
    work(9001)
    work(9002)
    registrar.wait_log("one that '.*a.yaml' does not define already")
    site.wait_health("svc", {"w-9001": "passing", "w-9002": "passing"})
    assert site.sql("SELECT address FROM instance WHERE name = 'w-9001'") == \
        [("192.0.2.1",)]
    # given up: the one that was found has it now
    (site.watch / "a.yaml").unlink()
    until("it is the other's", lambda: site.sql(
        "SELECT address, port FROM instance WHERE name = 'w-9001'") ==
        [("127.0.0.1", 9001)])


def test_kills_under_churn_lose_nothing(site, work):
    chance = random.Random(7)
    running = {port: work(port) for port in range(9000, 9020)}
    by_title(site, "1s")
    registrar = site.start_registrar()
    dnsd = site.start_dnsd()
    dnsd.wait_instances("svc", [f"w-{p}" for p in running])
    stays = [9000, 9001, 9002]
    for _ in range(8):
        for port in chance.sample(range(9003, 9020), 5):
            if port in running:
                end(running.pop(port))
            else:
                running[port] = work(port)
        registrar.kill()
        for port in chance.sample(range(9003, 9020), 3):
            if port in running:
                end(running.pop(port))
        registrar.start()
    expected = {f"w-{p}": "passing" for p in running}
    site.wait_health("svc", expected)
    dnsd.wait_instances("svc", list(expected))
    # those that ran all the time have never been anything else
    for port in stays:
        assert site.sql("SELECT count(*) FROM history WHERE instance = ?",
                        f"w-{port}") == [(2,)]
