# SPDX-License-Identifier: BSD-2-Clause
"""contrib/rollcall-resolv points a host at dnsd and back, and whatever it was
doing when it was killed, the host goes on resolving names. In mount and network
namespaces, with an /etc of their own."""

import os
import shutil
import subprocess
import sys
import time

import pytest
from test_network import NetworkDnsd

from rollcall import TREE, until

RESOLV = TREE / "contrib/rollcall-resolv"
STATE = "/var/lib/rollcall"
OLD = "# mine\nnameserver 127.0.0.9\nsearch example\n"
WEB = "198.51.100.7"
UPSTREAM = """
import time, upstream
u = upstream.Upstream(host="127.0.0.9", port=53)
time.sleep(1000)
"""
# kill -9 before the Kth command of what changes things
KILLED = """
killed_n=0
killed() {
	[[ " ${FUNCNAME[*]} " == *" do_"* ]] || return 0
	killed_n=$((killed_n + 1))
	[ $killed_n -ne K ] || kill -9 $$
}
set -T
trap killed DEBUG
"""


class Host:
    def __init__(self, folder):
        self.folder = folder
        up = folder / "etc"
        script = (
            f"ip link set lo up && mkdir -p {up} && mount -t tmpfs none {up} "
            f"&& mkdir {up}/u {up}/w && mount -t overlay overlay -o "
            f"lowerdir=/etc,upperdir={up}/u,workdir={up}/w /etc && "
            f"mount -t tmpfs none /run && mkdir -p {STATE} && "
            f"mount -t tmpfs none {STATE} && echo up && exec sleep 1000")
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--net",
             "--propagation", "private", "sh", "-c", script],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
        self.said = self.process.stdout.readline()
        self.prefix = ["nsenter", "--target", str(self.process.pid),
                       "--mount", "--net"]
        self.others = []

    def run(self, *command, status=0, **more):
        done = subprocess.run(
            [*self.prefix, *map(str, command)], text=True, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=60, **more)
        assert status is None or done.returncode == status, done.stdout
        return done.stdout

    def start(self, *command, **more):
        self.others.append(subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *self.prefix,
             *map(str, command)], stdin=subprocess.DEVNULL, **more))

    def put(self, path, text):
        self.run("sh", "-c", f"cat >{path} <<'END'\n{text}END\n")

    def conf(self):
        return self.run("cat", "/etc/resolv.conf")

    def resolves(self, name, address="192.0.2.1"):
        return address in self.run("getent", "hosts", name, status=None)

    def close(self):
        for process in [*self.others, self.process]:
            process.kill()
            process.wait()
        self.process.stdout.close()


@pytest.fixture(name="host")
def a_host(site):
    if os.geteuid() != 0:
        pytest.skip("not root")
    made = Host(site.folder)
    if made.said != "up\n":
        made.close()
        pytest.skip(f"no namespaces of one's own: {made.said.strip()}")
    # what this machine asks is not for the test
    made.run("umount", "/etc/resolv.conf", status=None)
    made.run("rm", "-f", "/etc/resolv.conf")
    made.put("/etc/resolv.conf", OLD)
    made.put("/etc/nsswitch.conf", "hosts: files dns\n")
    made.start(sys.executable, "-c", UPSTREAM,
               env={**os.environ, "PYTHONPATH": str(TREE / "tests/system")})
    yield made
    made.close()


@pytest.fixture(name="served")
def a_host_with_dnsd(site, host):
    site.create_registry()
    site.put("web", ("a", WEB))
    dnsd = NetworkDnsd(host, site, "--listen", "127.0.0.1:53", "--outside",
                       "forward", "--state", STATE)
    site.daemons.append(dnsd)
    dnsd.start()
    until("the old way works", lambda: host.resolves("www.example"))
    until("dnsd forwards", lambda: "192.0.2.1" in host.run(
        "dig", "@127.0.0.1", "+short", "+tries=1", "www.example",
        status=None))
    return host


def test_a_plain_file_there_and_back(served):
    assert served.run(RESOLV, "status") == "off (plain)\n"
    shown = served.run(RESOLV, "on", "--dry-run")
    assert "nameserver 127.0.0.1" in shown and STATE in shown
    assert served.conf() == OLD
    assert "--yes" in served.run(RESOLV, "on", status=1)
    assert served.conf() == OLD
    for _ in range(2):
        served.run(RESOLV, "on", "--yes")
        assert served.run(RESOLV, "status") == "on (plain)\n"
        assert [line for line in served.conf().splitlines()
                if line[0] != "#"] == ["nameserver 127.0.0.1",
                                       "search svc.internal"]
        assert served.run("cat", f"{STATE}/resolv.conf") == OLD
        assert served.resolves("web", WEB), "by the search list"
        until("of the servers of before",
              lambda: served.resolves("other.example"))
    for _ in range(2):
        served.run(RESOLV, "off", "--yes")
        assert served.conf() == OLD
        assert served.run(RESOLV, "status") == "off (plain)\n"
    assert served.run("ls", STATE).split() == ["dnsd-serials"]


def test_networkmanager_leaves_the_file_and_is_followed(served):
    """As far as its files go: it does not run here."""
    generated = f"# Generated by NetworkManager\n{OLD}"
    served.put("/etc/resolv.conf", generated)
    served.run("mkdir", "-p", "/run/NetworkManager")
    served.put("/run/NetworkManager/no-stub-resolv.conf", generated)
    assert served.run(RESOLV, "status") == "off (networkmanager)\n"
    served.run(RESOLV, "on", "--yes")
    assert served.run(RESOLV, "status") == "on (networkmanager)\n"
    assert "rc-manager=unmanaged" in served.run(
        "cat", "/etc/NetworkManager/conf.d/rollcall.conf")
    assert served.resolves("web", WEB)
    time.sleep(2)  # it looks each second
    until("of what it knows", lambda: served.resolves("late.example"))
    served.run(RESOLV, "off", "--yes")
    assert served.conf() == generated
    served.run("ls", "/etc/NetworkManager/conf.d/rollcall.conf", status=2)


def test_of_resolvconfs_sources_one_is_ours(served):
    """The others are those that dnsd asks."""
    served.run("mkdir", "-p", "/run/resolvconf/interface")
    served.put("/run/resolvconf/interface/lo.rollcall",
               "nameserver 127.0.0.1\n")
    served.put("/run/resolvconf/interface/eth0.inet", OLD)
    served.put("/etc/resolv.conf", "nameserver 127.0.0.1\n")
    time.sleep(2)  # it looks each second
    until("of the other source", lambda: served.resolves("a.example"))
    served.put("/run/resolvconf/interface/eth0.inet",
               "nameserver 127.0.0.1\nnameserver 127.0.0.9\n")
    time.sleep(2)
    assert not served.resolves("b.example"), "who names us asks us"


def test_a_link_is_a_link_again(served):
    served.run("mv", "/etc/resolv.conf", "/etc/resolv.conf.mine")
    served.run("ln", "-s", "resolv.conf.mine", "/etc/resolv.conf")
    served.run(RESOLV, "on", "--yes")
    assert served.run("cat", "/etc/resolv.conf.mine") == OLD
    until("both", lambda: served.resolves("www.example") and
          served.resolves("web", WEB))
    served.run(RESOLV, "off", "--yes")
    assert served.run("readlink", "/etc/resolv.conf") == "resolv.conf.mine\n"
    assert served.conf() == OLD


@pytest.mark.slow
@pytest.mark.parametrize("command", ["on", "off"])
def test_killed_anywhere_names_are_resolved(served, command):
    other = {"on": "off", "off": "on"}[command]
    served.run(RESOLV, "on", "--yes")
    if command == "on":
        served.run(RESOLV, "off", "--yes")
    trap = served.folder / "trap"
    killed, k = 1, 0
    while killed:
        k += 1
        trap.write_text(KILLED.replace("K ]", f"{k} ]"))
        killed = subprocess.run(
            [*served.prefix, RESOLV, command, "--yes"], check=False,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
            env={**os.environ, "BASH_ENV": str(trap)}).returncode
        assert killed in (0, -9, 137)
        # dnsd follows the file within a second
        until(f"names are resolved, killed at {k}",
              lambda: served.resolves(f"k{k}.example"))
        served.run(RESOLV, command, "--yes")
        assert served.resolves("web", WEB) == (command == "on")
        assert served.run(RESOLV, "status").startswith(command)
        served.run(RESOLV, other, "--yes")
    assert k > 10
    served.run(RESOLV, "off", "--yes")
    assert served.conf() == OLD


def test_without_dnsd_nothing_is_changed(host):
    said = host.run(RESOLV, "on", "--yes", status=1)
    assert "nothing answers" in said
    assert host.conf() == OLD
    host.run(RESOLV, "on", "--yes", "--force")
    assert "nothing answers" in host.run(RESOLV, "status", status=1)
    host.run(RESOLV, "off", "--yes")
    assert host.conf() == OLD


def test_what_does_not_forward_is_not_enough(site, host):
    site.create_registry()
    dnsd = NetworkDnsd(host, site, "--listen", "127.0.0.1:53")
    site.daemons.append(dnsd)
    dnsd.start()
    assert "outside: forward" in host.run(RESOLV, "on", "--yes", status=1)
    assert host.conf() == OLD
    said = host.run(RESOLV, "on", "--yes", "--domain", "other.internal",
                    status=1)
    assert "no zone other.internal" in said


@pytest.mark.parametrize("words", [(), ("maybe",), ("on", "--now")])
def test_wrong_usage(words):
    if not shutil.which("bash"):
        pytest.skip("bash is not installed")
    done = subprocess.run([RESOLV, *words], capture_output=True, text=True,
                          check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage" in done.stderr
