# SPDX-License-Identifier: BSD-2-Clause
"""Gone or not seen: every source of a definition and of a process, crossed
with every way not to see it. Nothing that lives leaves the registry by any,
a restart in between or not, and what is uncertain is said by status."""

import errno
import os
import resource
import shutil
import signal
import subprocess
import time

import pytest
from rollcall import always, free_port, until

APP = "service: {}\nport: 80\n{}" \
    "instances: [{{name: a, address: 192.0.2.1}}]\n"


class Sources:
    """Services that depend on the file system `far`, and their processes."""

    def __init__(self, site, far):
        self.site, self.far = site, far
        self.processes, self.services, self.args = [], [], ()

    def start(self, *command):
        process = subprocess.Popen(command)
        self.processes.append(process)
        return process

    def define(self, service, process=""):
        self.services.append(service)
        self.site.define(f"{service}.yaml", APP.format(
            service, f"process: {{{process}}}\n" if process else ""))

    def end(self):
        for process in self.processes:
            process.kill()
            process.wait()

    def live(self):
        return self.site.sql(
            "SELECT service FROM instance WHERE health = 'passing' "
            "ORDER BY 1") == [(name,) for name in sorted(self.services)]

    # -- sources

    def directory(self):
        """The watched directory leads there."""
        for name in ("app", "other"):
            (self.far.backing / f"{name}.yaml").write_text(
                APP.format(name, ""))
            self.services.append(name)
        self.site.watch.rmdir()
        self.site.watch.symlink_to(self.far.folder)

    def others(self):
        for source in (self.link, self.configmap, self.pidfile, self.exe,
                       self.cmdline, self.listening, self.unit):
            source()

    def link(self):
        """A link among other files."""
        (self.far.backing / "link.yaml").write_text(APP.format("link", ""))
        (self.site.watch / "link.yaml").symlink_to(
            self.far.folder / "link.yaml")
        self.services.append("link")

    def configmap(self):
        """Links through ..data, as Kubernetes mounts them."""
        (self.far.backing / "map.yaml").write_text(APP.format("map", ""))
        (self.site.watch / "..data").symlink_to(self.far.folder)
        (self.site.watch / "map.yaml").symlink_to("..data/map.yaml")
        self.services.append("map")

    def pidfile(self):
        process = self.start("/bin/sleep", "300")
        folder = self.far.backing / "pids"
        folder.mkdir()
        (folder / "app.pid").write_text(f"{process.pid}\n")
        self.define("pidfile", f"pidfile: {self.far.folder}/pids/app.pid")

    def exe(self):
        shutil.copy("/bin/sleep", self.far.backing / "sight")
        self.start(self.far.folder / "sight", "300")
        self.define("exe", f"exe: {self.far.folder}/sight")

    def cmdline(self):
        word = f"sight-{os.getpid()}-{time.monotonic_ns()}"
        self.start("/bin/bash", "-c", f"exec -a {word} sleep 300")
        self.define("cmdline", f"cmdline: '^{word} 300$'")

    def listening(self):
        port = free_port()
        self.start("/usr/bin/python3", "-c", "import socket, time; s = socket"
                   f".create_server(('127.0.0.1', {port})); time.sleep(300)")
        self.define("listening", f"listening: {port}")

    def unit(self):
        """In a tree that looks like the one of systemd."""
        group = self.far.backing / "system.slice/app.service"
        group.mkdir(parents=True)
        (group / "cgroup.events").write_text("populated 1\n")
        self.args = ("--cgroups", self.far.folder)
        self.define("unit", "unit: app.service")


def fails(number):
    return lambda site, source: source.far.fail(number), \
        lambda site, source: source.far.fail(0)


def take_away(site, source):
    away = source.far.backing.with_name("away")
    away.mkdir()
    for item in source.far.backing.iterdir():
        item.rename(away / item.name)


def bring_back(site, source):
    """One after the other; a unit is the last to be there again."""
    away = source.far.backing.with_name("away")
    for item in sorted(away.iterdir(), key=lambda item: item.suffix):
        if item.suffix == ".slice":
            time.sleep(1.5)
        item.rename(source.far.backing / item.name)


def unmount(site, source):
    subprocess.run(["umount", "-l", source.far.folder], check=True)


def starve(site, source):
    """No descriptor is left to the registrar."""
    pid = site.daemons[0].pid
    used = max(map(int, os.listdir(f"/proc/{pid}/fd")))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (used, 4096))


def feed(site, source):
    resource.prlimit(site.daemons[0].pid, resource.RLIMIT_NOFILE,
                     (4096, 4096))


def clock(by_s):
    """As files look when the clock was set, or was wrong when they came."""
    def set_times(site, source):
        for folder in (source.far.backing, site.watch):
            for file in folder.iterdir():
                at = time.time() + by_s
                if file.is_file() and not file.is_symlink():
                    os.utime(file, (at, at))
    return set_times, lambda site, source: None


WAYS = {
    "ENOENT": fails(errno.ENOENT),
    "EACCES": fails(errno.EACCES),
    "EIO": fails(errno.EIO),
    "ESTALE": fails(errno.ESTALE),
    "EMFILE": (starve, feed),
    "empty": (take_away, bring_back),
    "unmount": (unmount, None),
    "clock+1h": clock(-3600),
    "clock-1h": clock(3600),
}


@pytest.mark.parametrize("restart", [False, True], ids=["runs", "restarts"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("sources", ["directory", "others"])
def test_what_lives_stays(site, hanging, sources, way, restart):
    if way == "EMFILE" and restart:
        pytest.skip("it could not start")
    source = Sources(site, hanging)
    begin, end = WAYS[way]
    try:
        getattr(source, sources)()
        registrar = site.start_registrar(*source.args)
        until("all live", source.live)
        if restart:
            registrar.kill()
        begin(site, source)
        if restart:
            registrar.start()
        always("all live", source.live, 2.5)
        if sources == "others" and way != "empty":
            registrar.signal(signal.SIGHUP)  # else a link is seen in 30 s
        if way not in ("EMFILE", "clock+1h", "clock-1h", "unmount"):
            until("it is said",
                  lambda: site.status()["refused_definitions"], 40)
        if sources == "others" and restart and way.startswith("E"):
            until("it is said of a process", lambda: site.sql(
                "SELECT 1 FROM check_result WHERE service = 'pidfile' AND "
                "output LIKE 'cannot %'"))
        if end:
            end(site, source)
            always("all live", source.live, 1)
    finally:
        hanging.fail(0)
        source.end()
