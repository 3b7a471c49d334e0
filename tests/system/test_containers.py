# SPDX-License-Identifier: BSD-2-Clause
"""Containers of a real Podman: watched, found by filters, found by labels."""

import os
import signal

import pytest

import rollcall
from podman import Podman
from rollcall import always, until


@pytest.fixture(scope="module")
def engine():
    made = Podman()
    yield made
    made.close()


@pytest.fixture
def podman(engine):
    engine.start_service()
    yield engine
    engine.remove()
    engine.stop_service()


@pytest.fixture
def run(site, podman):
    """The registrar, with that engine."""
    def start(*args):
        return site.start_registrar(
            "--container-socket", podman.socket, *args)
    return start


def watch(site, container):
    site.define("svc.yaml", f"""
service: svc
instances: [{{name: i, address: 192.0.2.1, port: 80}}]
process: {{container: {container}}}
""")


def by_label(site, more="", after="3s", options=""):
    site.define("svc.yaml", f"""
service: svc
deregister_after: {after}
instances:
  - for_each: {{container: {{label: tier=web{options}}}}}
    tags: ["{{label.version}}"]
    meta: {{image: "{{image}}"}}
    {more}
""")


def rows(site, columns="name, address, port, tags"):
    return site.sql(f"SELECT {columns} FROM instance ORDER BY name")


def test_a_container_is_followed_over_restarts(site, podman, run):
    watch(site, "web")
    run()
    dnsd = site.start_dnsd()
    site.wait_health("svc", {"i": "dead"})
    podman.container("web")
    for _ in range(2):
        dnsd.wait_instances("svc", ["i"])
        # its end is seen by its process, whoever is slow to tell
        os.kill(podman.pid("web"), signal.SIGKILL)
        dnsd.wait_instances("svc", [])
        podman.start_again("web")
    dnsd.wait_instances("svc", ["i"])
    podman.remove("web")
    dnsd.wait_instances("svc", [])
    # another one of that name
    podman.container("web")
    dnsd.wait_instances("svc", ["i"])


def test_an_end_is_seen_without_the_engine(site, podman, run):
    watch(site, "web")
    podman.container("web")
    registrar = run()
    dnsd = site.start_dnsd()
    dnsd.wait_instances("svc", ["i"])
    podman.stop_service()
    registrar.wait_log("lost the container engine")
    always("nothing is concluded", lambda: dnsd.instances("svc") == ["i"])
    os.kill(podman.pid("web"), signal.SIGKILL)
    dnsd.wait_instances("svc", [])
    podman.start_again("web")
    podman.start_service()
    registrar.wait_log("the container engine .* answers")
    dnsd.wait_instances("svc", ["i"])
    assert registrar.log_text().count("lost the container engine") == 1


def test_without_an_engine_checks_decide(site, podman):
    port = rollcall.free_port()
    site.define("svc.yaml", f"""
service: svc
instances: [{{name: i, address: {rollcall.HOST}, port: {port}}}]
process: {{container: web}}
checks: [{{file: {site.folder}/state}}]
""")
    (site.folder / "state").write_text("ok\n")
    registrar = site.start_registrar(
        "--container-socket", site.folder / "nobody.sock")
    site.wait_health("svc", {"i": "passing"})
    until("it is told", lambda: registrar.logged(
        "cannot reach the container engine"))
    assert registrar.log_text().count("cannot reach") >= 1


def test_containers_come_and_go(site, podman, run):
    podman.container("first", "-p", f"{rollcall.HOST}:{rollcall.free_port()}"
                     ":80", network="podman",
                     labels={"tier": "web", "version": "v1"})
    podman.container("other", labels={"tier": "db"})
    by_label(site)
    run()
    dnsd = site.start_dnsd()
    dnsd.wait_instances("svc", ["first"])
    port = int(podman.inspect("first")["NetworkSettings"]["Ports"]["80/tcp"]
               [0]["HostPort"])
    assert rows(site) == [("first", rollcall.HOST, port, '["v1"]')]
    # names that are no labels become some; a port on all addresses
    published = rollcall.free_port()
    podman.container("Second_1", "-p", f"{published}:80", network="podman",
                     labels={"tier": "web", "version": "v2"})
    dnsd.wait_instances("svc", ["first", "second-1"])
    assert rows(site)[1] == ("second-1", "127.0.0.1", published, '["v2"]')
    podman.run("stop", "-t", "0", "first")
    dnsd.wait_instances("svc", ["second-1"])
    assert site.health("svc")["first"] == "dead"
    # the same container comes back as the same instance
    podman.run("start", "first")
    dnsd.wait_instances("svc", ["first", "second-1"])
    podman.remove("first")
    site.wait_health("svc", {"second-1": "passing"})


def test_the_address_in_the_network(site, podman, run):
    podman.container("web", "--expose", "8080", network="podman",
                     labels={"tier": "web"})
    by_label(site, options=", address: network")
    run()
    dnsd = site.start_dnsd()
    dnsd.wait_instances("svc", ["web"])
    address = podman.inspect("web")["NetworkSettings"]["Networks"]["podman"][
        "IPAddress"]
    assert rows(site) == [("web", address, 8080, "[]")]


def test_the_network_and_nothing_exposed(site, podman, run):
    """The definition's port, at the container's own address."""
    podman.container("web", network="podman", labels={"tier": "web"})
    by_label(site, "port: 8080", options=", address: network")
    run()
    dnsd = site.start_dnsd()
    dnsd.wait_instances("svc", ["web"])
    address = podman.inspect("web")["NetworkSettings"]["Networks"]["podman"][
        "IPAddress"]
    assert rows(site) == [("web", address, 8080, "[]")]


def test_one_that_is_not_published_is_told_of(site, podman, run):
    podman.container("web", "--expose", "8080", network="podman",
                     labels={"tier": "web", "version": "v1"})
    podman.container("good", "-p", f"{rollcall.free_port()}:80",
                     network="podman",
                     labels={"tier": "web", "version": "v1"})
    by_label(site)
    registrar = run()
    site.wait_health("svc", {"good": "passing"})
    registrar.wait_log(r"svc.yaml:5:5: found 'web', but its port is not "
                       "published")


def test_made_anew_it_is_the_same_instance(site, podman, run):
    labels = {"tier": "web", "version": "v1"}
    podman.container("web", labels=labels)
    by_label(site, "port: 80", "1m")
    run()
    dnsd = site.start_dnsd()
    dnsd.wait_instances("svc", ["web"])
    podman.remove("web")
    dnsd.wait_instances("svc", [])
    podman.container("web", labels={**labels, "version": "v2"})
    dnsd.wait_instances("svc", ["web"])
    assert rows(site, "name, tags") == [("web", '["v2"]')]
    assert site.sql("SELECT count(*) FROM history WHERE now IS NULL") == \
        [(0,)]


def test_a_restart_of_the_registrar_is_no_news(site, podman, run):
    labels = {"tier": "web", "version": "v1"}
    for n in range(3):
        podman.container(f"web-{n}", labels=labels)
    podman.container("own", labels={
        "rollcall.service": "own", "rollcall.port": "80"})
    by_label(site, "port: 80")
    registrar = run("--container-labels")
    dnsd = site.start_dnsd()
    names = ["web-0", "web-1", "web-2"]
    dnsd.wait_instances("svc", names)
    dnsd.wait_instances("own", ["own"])
    history = site.sql("SELECT count(*) FROM history")
    registrar.kill()
    registrar.start()
    always("they stay", lambda: dnsd.instances("svc") == names and
           dnsd.instances("own") == ["own"])
    # nor is one while the engine is away
    registrar.kill()
    podman.stop_service()
    registrar.start()
    always("they stay", lambda: dnsd.instances("svc") == names and
           dnsd.instances("own") == ["own"])
    assert site.sql("SELECT count(*) FROM history") == history
    # what ended meanwhile is withdrawn when it can be known
    podman.run("stop", "-t", "0", "web-1", "own")
    podman.start_service()
    dnsd.wait_instances("svc", ["web-0", "web-2"])
    site.wait_health("own", {})


def test_labels_say_what_a_container_is(site, podman, run):
    port = rollcall.free_port()
    podman.container("Pay_ment", "-p", f"{rollcall.HOST}:{port}:80",
                     network="podman", labels={
                         "rollcall.service": "payment",
                         "rollcall.tags": "v2, blue",
                         "rollcall.weight": "7",
                         "rollcall.meta.version": "2.3.1",
                         "rollcall.deregister_after": "2s"})
    podman.container("plain", labels={"tier": "web"})
    podman.container("bad", labels={
        "rollcall.service": "bad", "rollcall.port": "80",
        "rollcall.weight": "heavy"})
    podman.container("lost", labels={"rollcall.service": "lost"})
    registrar = run("--container-labels")
    dnsd = site.start_dnsd()
    dnsd.wait_instances("payment", ["pay-ment"])
    assert dnsd.ask("_payment._tcp", "SRV").srv() == \
        [(0, 7, port, "pay-ment.payment")]
    assert site.sql("SELECT tags, meta, address FROM instance") == [
        ('["v2","blue"]', '{"version":"2.3.1"}', rollcall.HOST)]
    registrar.wait_log("container:bad:1:.*: found 'heavy' for 'weight'")
    registrar.wait_log("container:lost: not a service: it exposes no port")
    assert site.sql("SELECT name FROM service") == [("payment",)]
    podman.run("stop", "-t", "0", "Pay_ment")
    dnsd.wait_instances("payment", [])
    # it may be withdrawn already: stopping takes its time
    assert ("dead",) in site.sql(
        "SELECT now FROM history WHERE instance = 'pay-ment'")
    site.wait_health("payment", {})
    until("the service is gone",
          lambda: site.sql("SELECT name FROM service") == [])


def test_labels_are_not_heeded_unless_asked_for(site, podman, run):
    podman.container("web", labels={
        "rollcall.service": "own", "rollcall.port": "80", "tier": "web"})
    by_label(site, "port: 80")
    run()
    site.wait_health("svc", {"web": "passing"})
    assert site.sql("SELECT name FROM service") == [("svc",)]
