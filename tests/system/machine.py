# SPDX-License-Identifier: BSD-2-Clause
"""A machine of our own with a real systemd: Podman runs it from an overlay of
this root, in mount and network namespaces that end with us. Nothing of what
happens in it is seen outside.

ROLLCALL_TEST_ROOT names a tar file with another root, such as mmdebstrap makes
(contrib/package/README.md), to use in place of this one.
"""

import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile

from podman import CONF, NEEDED
from rollcall import until

SYSTEMD = "/lib/systemd/systemd"
# What of this root is not for the machine: it begins without.
EMPTY = ("tmp", "var/tmp", "run", "var/log", "root", "etc/systemd/system",
         "etc/rollcall", "var/lib/rollcall", "var/lib/containers")


def why_not():
    """What is missing for one; None: nothing."""
    if os.geteuid() != 0:
        return "not root"
    missing = [p for p in NEEDED if not shutil.which(p)]
    if not os.path.exists(SYSTEMD):
        missing.append("systemd")
    return f"{', '.join(missing)} not installed" if missing else None


class CannotStart(Exception):
    pass


class Machine:
    def __init__(self):
        # paths of sockets in it must be short
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rcm-"))
        self.root = self.folder / "root"
        self.inside = []
        self.env = {**os.environ,
                    "CONTAINERS_CONF": str(self.folder / "containers.conf")}
        (self.folder / "containers.conf").write_text(CONF)
        self.namespaces = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "-mn",
             "--propagation", "private", "sh", "-c", self.mounts()],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
        try:
            said = self.namespaces.stdout.readline()
            if said != "up\n":
                raise CannotStart(f"no namespaces or overlay: {said}")
            self.boot()
        except BaseException:
            self.close()
            raise

    def mounts(self):
        up = self.folder / "up"
        self.root.mkdir()
        up.mkdir()
        given = os.environ.get("ROLLCALL_TEST_ROOT")
        if given:
            fill = f"tar -xf {shlex.quote(given)} -C {self.root}"
            return (f"mount -t tmpfs none {self.root} && {fill} && echo up && "
                    "exec sleep 1000")
        opaque = "; ".join(
            f"mkdir -p u/{name} && python3 -c \"import os; os.setxattr("
            f"'u/{name}', 'trusted.overlay.opaque', b'y')\""
            for name in EMPTY)
        return (f"mount -t tmpfs none {up} && cd {up} && mkdir w && {opaque};"
                " chmod 1777 u/tmp u/var/tmp; "
                f"mount -t overlay overlay -o lowerdir=/,upperdir={up}/u,"
                f"workdir={up}/w {self.root} && "
                f"rm -f {self.root}/usr/sbin/policy-rc.d && "
                "echo up && exec sleep 1000")

    def outside(self, *command, check=True, seconds=60, **more):
        """On this machine, where the other one's files are seen."""
        done = subprocess.run(
            ["nsenter", f"--target={self.namespaces.pid}", "--mount", "--net",
             *map(str, command)], env=self.env, text=True, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=seconds, **more)
        assert not check or done.returncode == 0, \
            f"{command}: {done.stdout}"
        return done

    def podman(self, *command, **more):
        return self.outside(
            "podman", "--log-level", "error", "--root", self.folder / "proot",
            "--runroot", self.folder / "prun", "--tmpdir",
            self.folder / "ptmp", "--storage-driver", "vfs", *command, **more)

    def boot(self):
        done = self.podman(
            "run", "-d", "--name", "machine", "--network", "host",
            "--systemd=always", "--cgroupns=private", "--cap-add=all", "--security-opt",
            "seccomp=unconfined", "--rootfs", self.root, SYSTEMD, check=False)
        if done.returncode:
            raise CannotStart(f"podman runs no systemd here: {done.stdout}")
        # not `podman exec`, which takes twenty times as long
        pid = self.podman("inspect", "-f", "{{.State.Pid}}", "machine")
        self.inside = ["nsenter", f"--target={pid.stdout.strip()}", "--mount",
                       "--uts", "--ipc", "--net", "--pid", "--cgroup",
                       "--root", "--wd"]
        self.run("ip", "link", "set", "lo", "up")
        until("systemd is up", lambda: self.run(
            "systemctl", "is-system-running", check=False
        ).strip() in ("running", "degraded"), 60)

    def run(self, *command, **more):
        """In it; what it says."""
        return self.outside(*self.inside, *command, **more).stdout

    def put(self, path, text, mode="644"):
        aside = self.folder / "put"
        aside.write_text(text)
        self.outside("install", "-D", "-m", mode, aside,
                     f"{self.root}/{path.lstrip('/')}")

    def show(self, unit, *names):
        out = self.run("systemctl", "show", unit,
                       *(f"--property={name}" for name in names))
        got = dict(line.split("=", 1) for line in out.splitlines())
        return got[names[0]] if len(names) == 1 else got

    def pid(self, unit):
        return int(self.show(unit, "MainPID"))

    def journal(self, unit):
        return self.run("journalctl", "--no-pager", "-u", unit)

    def close(self):
        self.podman("rm", "-f", "-t", "0", "-a", check=False)
        self.namespaces.kill()
        self.namespaces.wait()
        self.namespaces.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)
