# SPDX-License-Identifier: BSD-2-Clause
"""A file system that does not answer any more: whatever is on it, everything
else goes on, what was in force stays, and it is said."""

import signal

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
