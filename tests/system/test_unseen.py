# SPDX-License-Identifier: BSD-2-Clause
"""Nothing that lives leaves DNS because it could not be seen."""

import os
import shutil
import signal
import subprocess
import time

import pytest
from rollcall import HOST, Registrar, always, free_port, until

ROW = "SELECT service || ':' || health FROM instance ORDER BY 1"


def states(site):
    return [row[0] for row in site.sql(ROW)]


def define(folder, service):
    (folder / f"{service}.yaml").write_text(
        f"service: {service}\nport: 80\n"
        "instances: [{name: a, address: 192.0.2.1}]\n")


@pytest.fixture
def away(site):
    """What is watched is filled from beside it, and can be taken away."""
    other = site.folder / "shared"
    other.mkdir()
    for service in ("api", "web"):
        define(other, service)
    return other


def both(site):
    return states(site) == ["api:passing", "web:passing"]


def links(site, other):
    for file in other.iterdir():
        (site.watch / file.name).symlink_to(file)
    return lambda: other.rename(f"{other}.away"), \
        lambda: os.rename(f"{other}.away", other)


def rename(site, other):
    site.watch.rmdir()
    other.rename(site.watch)
    return lambda: site.watch.rename(f"{other}.away"), \
        lambda: os.rename(f"{other}.away", site.watch)


def empty(site, other):
    site.watch.rmdir()
    other.rename(site.watch)

    def take():
        site.watch.rename(f"{other}.away")
        site.watch.mkdir()

    def bring():
        site.watch.rmdir()
        os.rename(f"{other}.away", site.watch)
    return take, bring


def redeploy(site, other):
    for file in other.iterdir():
        shutil.copy(file, site.watch)

    def take():
        for file in site.watch.iterdir():
            file.unlink()

    def bring():
        for file in other.iterdir():
            shutil.copy(file, site.watch)
    return take, bring


def mount(site, other):
    if os.geteuid() or subprocess.run(
            ["mount", "--bind", other, site.watch], check=False).returncode:
        pytest.skip("cannot mount here")
    return lambda: subprocess.run(["umount", "-l", site.watch], check=True), \
        lambda: subprocess.run(["mount", "--bind", other, site.watch],
                               check=True)


@pytest.mark.parametrize("way", [links, rename, empty, redeploy, mount])
@pytest.mark.parametrize("restart", [False, True])
def test_definitions_that_are_away(site, away, way, restart):
    take, bring = way(site, away)
    try:
        registrar = site.start_registrar()
        until("both", lambda: both(site))
        take()
        if restart:
            registrar.kill()
            registrar.start()
        always("nothing is withdrawn", lambda: both(site), 2.5)
        bring()
        define(site.watch, "new")
        until("it is watched again", lambda: "new:passing" in states(site))
        always("nothing is withdrawn", lambda: len(states(site)) == 3, 1)
    finally:
        subprocess.run(["umount", "-l", site.watch], check=False,
                       stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("how", ["renamed", "written"])
def test_an_edit_of_what_a_link_leads_to(site, away, how):
    """No event tells of it, so links are looked at every other second."""
    links(site, away)
    site.start_registrar()
    until("both", lambda: both(site))
    target = away / "web.yaml"
    text = target.read_text().replace("port: 80", "port: 8443")
    if how == "written":
        target.write_text(text)
    else:
        (away / "aside").write_text(text)
        (away / "aside").rename(target)
    until("the other port", lambda: site.sql(
        "SELECT port FROM service WHERE name = 'web'") == [(8443,)], 12)


def test_sighup_is_somebodys_word(site):
    for service in ("api", "web"):
        define(site.watch, service)
    registrar = site.start_registrar()
    until("both", lambda: both(site))
    for file in site.watch.iterdir():
        file.unlink()
    registrar.wait_log("holds no definition")
    assert both(site)
    registrar.signal(signal.SIGHUP)
    until("withdrawn", lambda: not states(site))


def test_a_pidfile_that_is_younger_than_its_process(site):
    """As it seems after the clock was set forward, and a new start."""
    with subprocess.Popen(["sleep", "100"]) as process:
        pidfile = site.folder / "app.pid"
        pidfile.write_text(f"{process.pid}\n")
        site.define("app.yaml", f"""
service: app
port: 80
process: {{pidfile: {pidfile}}}
instances: [{{name: a, address: 192.0.2.1}}]
""")
        registrar = site.start_registrar()
        until("it lives", lambda: states(site) == ["app:passing"])
        registrar.kill()
        old = time.time() - 120
        os.utime(pidfile, (old, old))
        registrar.start()
        registrar.wait_log("is younger than")
        always("it lives", lambda: states(site) == ["app:passing"], 1)
        process.kill()


def test_a_file_system_that_hangs_delays_nobody(site, hanging):
    folder = hanging.folder
    (hanging.backing / "state").write_text("passing\n")
    port = free_port()
    rows = "".join(f"  - {{name: i-{i}, address: {HOST}}}\n"
                   for i in range(20))
    site.define("stuck.yaml", f"""
service: stuck
port: {port}
checks:
  - {{file: {folder}/state, interval: 500ms}}
instances:
{rows}""")
    state = site.folder / "state"
    state.write_text("passing\n")
    site.define("good.yaml", f"""
service: good
port: {port}
checks: [{{file: {state}, interval: 100ms}}]
instances: [{{name: a, address: {HOST}}}]
""")
    registrar = site.start_registrar()
    until("all pass", lambda: states(site) == ["good:passing"] +
          20 * ["stuck:passing"])
    hanging.stop()
    time.sleep(1)
    for word in ("critical", "passing", "critical"):
        state.write_text(f"{word}\n")
        until(word, lambda w=word: f"good:{w}" in states(site), 5)
    until("theirs are out of time",
          lambda: states(site).count("stuck:critical") == 20)
    registrar.wait_log("timed out after 500 ms, reading")
    hanging.go_on()
    registrar.signal(signal.SIGUSR1)
    registrar.wait_log("longest_turn_ms=")


NO_INOTIFY = ["unshare", "--user", "--map-root-user", "sh", "-c",
              "echo 0 > /proc/sys/user/max_inotify_instances && exec \"$@\"",
              "sh"]


def test_without_inotify(site):
    """Nobody tells of anything, so it looks by itself, and says so."""
    if subprocess.run([*NO_INOTIFY, "true"], check=False,
                      capture_output=True).returncode:
        pytest.skip("cannot make a user namespace without inotify here")
    pidfile = site.folder / "app.pid"
    site.define("app.yaml", f"""
service: app
port: 80
process: {{pidfile: {pidfile}}}
instances: [{{name: a, address: 192.0.2.1}}]
""")
    registrar = Registrar(site)
    registrar.prefix = NO_INOTIFY
    site.daemons.append(registrar)
    registrar.start()
    registrar.wait_log("inotify tells nothing of .*: looking every 2000 ms")
    until("no process", lambda: states(site) == ["app:dead"])
    for _ in range(2):
        with subprocess.Popen(["sleep", "100"]) as process:
            pidfile.write_text(f"{process.pid}\n")
            until("it lives", lambda: states(site) == ["app:passing"])
            process.kill()
        until("it ended", lambda: states(site) == ["app:dead"])
    define(site.watch, "new")
    until("a new file", lambda: "new:passing" in states(site), 15)
    (site.watch / "new.yaml").unlink()
    until("it went", lambda: "new:passing" not in states(site), 15)
