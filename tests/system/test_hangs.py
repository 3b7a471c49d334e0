# SPDX-License-Identifier: BSD-2-Clause
"""A file system that does not answer any more: whatever is on it, everything
else goes on, what was in force stays, and it is said."""

import shutil
import signal
import subprocess

import pytest
from backend import Backend
from rollcall import HOST, free_port, until


def define(folder, service, **more):
    text = f"service: {service}\nport: 80\n"
    text += "".join(f"{key}: {value}\n" for key, value in more.items())
    (folder / f"{service}.yaml").write_text(
        text + "instances: [{name: a, address: 192.0.2.1}]\n")


@pytest.fixture
def good(site):
    """A service that has nothing to do with it."""
    backend = Backend(HOST, free_port())
    site.define("good.yaml", f"""
service: good
port: {backend.port}
checks: [{{tcp: "{{address}}:{{port}}", interval: 100ms, rise: 1, fall: 1}}]
instances: [{{name: a, address: {HOST}}}]
""")
    yield backend
    backend.close()


def goes_on(site, good):
    for _ in range(2):
        good.close()
        site.wait_health("good", {"a": "critical"})
        good.open()
        site.wait_health("good", {"a": "passing"})


def refused(site):
    return " ".join(row["message"] for row in
                    site.status()["refused_definitions"])


def test_a_definition_that_leads_there(site, good, hanging):
    define(hanging.backing, "far")
    (site.watch / "far.yaml").symlink_to(hanging.folder / "far.yaml")
    registrar = site.start_registrar()
    site.wait_health("far", {"a": "passing"})
    site.wait_health("good", {"a": "passing"})
    hanging.stop()
    registrar.signal(signal.SIGHUP)
    registrar.wait_log("far.yaml': no answer")
    goes_on(site, good)
    define(site.watch, "new")
    site.wait_health("new", {"a": "passing"})
    assert site.health("far") == {"a": "passing"}
    until("it is said", lambda: "no answer" in refused(site))
    hanging.go_on()
    define(hanging.backing, "far", tags="[seen]")
    until("it is seen again", lambda: site.sql(
        "SELECT tags FROM service WHERE name = 'far'") != [("",)], 15)
    until("nothing is said", lambda: not refused(site))
    goes_on(site, good)


@pytest.mark.parametrize("restart", [False, True])
def test_the_watched_directory_itself(site, good, hanging, restart):
    for file in site.watch.iterdir():
        file.rename(hanging.backing / file.name)
    define(hanging.backing, "far")
    site.watch.rmdir()
    site.watch.symlink_to(hanging.folder)
    registrar = site.start_registrar()
    site.wait_health("far", {"a": "passing"})
    site.wait_health("good", {"a": "passing"})
    hanging.stop()
    if restart:
        registrar.kill()
        registrar.start()
    registrar.wait_log("cannot look at '.*': no answer")
    goes_on(site, good)
    assert site.health("far") == {"a": "passing"}
    until("it is said", lambda: "no answer" in refused(site))
    hanging.go_on()
    until("nothing is said", lambda: not refused(site), 15)
    define(hanging.backing, "new")
    registrar.signal(signal.SIGHUP)
    site.wait_health("new", {"a": "passing"})
    goes_on(site, good)


@pytest.fixture
def far(site, hanging):
    """A process with a pidfile there, and one whose executable is there."""
    shutil.copy("/bin/sleep", hanging.backing / "far-sleep")
    with subprocess.Popen(["/bin/sleep", "300"]) as process:
        (hanging.backing / "far.pid").write_text(f"{process.pid}\n")
        yield process
        process.kill()


def watch(site, service, process):
    site.define(f"{service}.yaml", f"""
service: {service}
port: 80
process: {{{process}}}
instances: [{{name: a, address: 192.0.2.1}}]
""")


def test_a_pidfile(site, good, hanging, far):
    watch(site, "far", f"pidfile: {hanging.folder}/far.pid")
    registrar = site.start_registrar()
    site.wait_health("far", {"a": "passing"})
    site.wait_health("good", {"a": "passing"})
    hanging.stop()
    goes_on(site, good)
    registrar.kill()
    registrar.start()
    goes_on(site, good)
    assert site.health("far") == {"a": "passing"}
    registrar.wait_log("far.pid': no answer")
    hanging.go_on()
    until("it is held", lambda: "runs" in site.sql(
        "SELECT output FROM check_result WHERE service = 'far'")[0][0])
    hanging.stop()
    far.kill()
    site.wait_health("far", {"a": "dead"})
    goes_on(site, good)


def test_an_executable(site, good, hanging, far):
    watch(site, "far", f"exe: {hanging.folder}/far-sleep")
    with subprocess.Popen([hanging.folder / "far-sleep", "300"]) as process:
        registrar = site.start_registrar()
        site.wait_health("far", {"a": "passing"})
        site.wait_health("good", {"a": "passing"})
        hanging.stop()
        goes_on(site, good)
        registrar.kill()
        registrar.start()
        registrar.wait_log("cannot watch exe .*: no answer")
        goes_on(site, good)
        assert site.health("far") == {"a": "passing"}
        hanging.go_on()
        goes_on(site, good)
        assert site.health("far") == {"a": "passing"}
        process.kill()
        site.wait_health("far", {"a": "dead"})


CHECKS = {
    "secret": "http: 'http://{address}:{port}/', "
              "headers: {X: '{file:FAR/word}'}",
    "password": "redis: '{address}:{port}', password_file: FAR/word",
    "ca": "http: 'https://{address}:{port}/', tls: {ca_file: FAR/ca.pem}",
    "state": "file: FAR/word",
}


@pytest.mark.parametrize("kind", CHECKS)
def test_what_a_check_reads(site, good, hanging, kind):
    (hanging.backing / "word").write_text("passing\n")
    (hanging.backing / "ca.pem").write_text("none\n")
    check = CHECKS[kind].replace("FAR", str(hanging.folder))
    site.define("far.yaml", f"""
service: far
port: {good.port}
checks: [{{{check}, interval: 100ms, timeout: 1s}}]
instances: [{{name: a, address: {HOST}}}]
""")
    registrar = site.start_registrar()
    site.wait_health("good", {"a": "passing"})
    for _ in range(5):  # at some other moment of a run
        hanging.stop()
        start = len(registrar.log_text())
        goes_on(site, good)
        hanging.go_on()
        assert not registrar.logged("took_ms=[0-9]{4}", start)
