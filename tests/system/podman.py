# SPDX-License-Identifier: BSD-2-Clause
"""A Podman of our own: storage, service and containers in a folder that is
removed, the rules of the firewall that published ports take in a network
namespace that is, and the rest of the machine not touched.

Containers hold nothing but a static busybox. The limits are low ones, because
the usual ones may be more than a test machine grants; runc, because crun
refuses a machine whose cgroups are half of version 1.
"""

import json
import os
import pathlib
import shutil
import subprocess
import tarfile
import tempfile

from rollcall import until

CONF = """
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
IMAGE = "rollcall-test:1"
NEEDED = ("podman", "runc", "conmon", "ip", "nsenter")


class Podman:
    def __init__(self):
        missing = [p for p in NEEDED if not shutil.which(p)]
        assert not missing, f"{missing} not there: contrib/install-build-deps"
        # paths of sockets in it must be short
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rcp-"))
        conf = self.folder / "containers.conf"
        conf.write_text(CONF)
        self.env = {**os.environ, "CONTAINERS_CONF": str(conf)}
        self.socket = self.folder / "api.sock"
        self.service = None
        self.namespace = self.folder.name
        self.ip("netns", "add", self.namespace)
        self.ip("-n", self.namespace, "link", "set", "lo", "up")
        self.import_image()

    @staticmethod
    def ip(*args):
        subprocess.run(["ip", *args], check=True, stdin=subprocess.DEVNULL)

    def argv(self, *args):
        # not `ip netns exec`: mounts are to be seen by the next command
        return ["nsenter", f"--net=/run/netns/{self.namespace}", "podman",
                "--root", self.folder / "root", "--runroot",
                self.folder / "run", "--tmpdir", self.folder / "tmp",
                "--storage-driver", "vfs", *map(str, args)]

    def run(self, *args):
        done = subprocess.run(
            self.argv(*args), env=self.env, text=True, capture_output=True,
            stdin=subprocess.DEVNULL, check=False, timeout=60)
        assert done.returncode == 0, f"podman {args}: {done.stderr}"
        return done.stdout.strip()

    def import_image(self):
        archive = self.folder / "image.tar"
        with tarfile.open(archive, "w") as tar:
            tar.add(os.path.realpath("/bin/busybox"), "bin/busybox")
        self.run("import", archive, IMAGE)
        archive.unlink()

    def start_service(self):
        with (self.folder / "service.log").open("ab") as log:
            self.service = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self.argv(
                    "system", "service", "--time", "0",
                    f"unix://{self.socket}")],
                env=self.env, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log)
        until("podman answers", lambda: subprocess.run(
            ["curl", "-sf", "--unix-socket", self.socket,
             "http://d/_ping"], stdout=subprocess.DEVNULL,
            check=False).returncode == 0)

    def stop_service(self):
        if self.service:
            self.service.kill()
            self.service.wait()
            self.service = None
            self.socket.unlink(missing_ok=True)

    def container(self, name, *options, network="host", labels=None,
                  command=("sleep", "1000")):
        """Start one; its whole id."""
        for key, value in (labels or {}).items():
            options += ("--label", f"{key}={value}")
        return self.run("run", "-d", "--init=false", "--name", name,
                        "--network", network, *options, IMAGE,
                        "/bin/busybox", *command)

    def pid(self, name):
        return int(self.run("inspect", "-f", "{{.State.Pid}}", name))

    def inspect(self, name):
        return json.loads(self.run("inspect", name))[0]

    def start_again(self, name):
        """What was killed, once Podman has taken note: what cleans up behind
        it may otherwise take the new one for the old."""
        until(f"{name} has exited", lambda: self.inspect(name)["State"][
            "Status"] == "exited")
        self.run("start", name)

    def remove(self, *names):
        self.run("rm", "-f", "-t", "0", *(names or ("-a",)))

    def close(self):
        self.stop_service()
        try:
            self.remove()
        finally:
            self.ip("netns", "del", self.namespace)
            shutil.rmtree(self.folder, ignore_errors=True)
