# SPDX-License-Identifier: BSD-2-Clause
"""Three hosts on one machine: network namespaces behind a switch of their
own, each with a member of etcd, a registrar and a dnsd. Needs root, iproute2
and etcd; nothing outside of the namespaces and one folder is touched."""

import contextlib
import ctypes
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

TREE = pathlib.Path(__file__).resolve().parents[2]
CLONE_NEWNET = 0x40000000
ZONE = "svc.internal"
libc = ctypes.CDLL(None, use_errno=True)


def run(*command):
    subprocess.run([str(c) for c in command], check=True,
                   stdout=subprocess.DEVNULL)


def why_not():
    """What is missing for it; None: nothing."""
    if os.geteuid() != 0:
        return "it takes root to make network namespaces"
    for program in ("ip", "tc", "iptables", "etcd", "etcdctl", "setpriv"):
        if not shutil.which(program):
            return f"there is no {program}"
    done = subprocess.run(["unshare", "-n", "true"], check=False,
                          capture_output=True)
    return "network namespaces cannot be made" if done.returncode else None


def until(what, check, seconds=20):
    end = time.monotonic() + seconds
    while True:
        got = check()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError(f"in {seconds} s not seen: {what}")
        time.sleep(0.005)


@contextlib.contextmanager
def inside(namespace):
    """Sockets that are made here are of that namespace."""
    with open("/proc/thread-self/ns/net", encoding="ascii") as back, \
            open(f"/run/netns/{namespace}", encoding="ascii") as there:
        if libc.setns(there.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        try:
            yield
        finally:
            libc.setns(back.fileno(), CLONE_NEWNET)


def question(name, rdtype, number):
    labels = b"".join(bytes([len(part)]) + part.encode()
                      for part in name.split("."))
    return (number.to_bytes(2, "big") + b"\0\0\0\1\0\0\0\0\0\0" + labels
            + b"\0" + rdtype.to_bytes(2, "big") + b"\0\1")


class Host:
    def __init__(self, bed, number):
        self.bed = bed
        self.number = number
        self.name = f"host{number}"
        self.namespace = f"{bed.name}-{number}"
        self.address = f"10.77.0.{number}"
        self.folder = bed.folder / self.name
        self.watch = self.folder / "services.d"
        self.registry = self.folder / "registry.db"
        self.processes = {}
        self.asked = 0
        self.socket = None

    # -- programs

    def start(self, name, *command):
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "ip", "netns", "exec",
                 self.namespace, *[str(c) for c in command]],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self.processes[name]

    def start_etcd(self):
        members = ",".join(f"host{n}=http://10.77.0.{n}:2380"
                           for n in range(1, len(self.bed.hosts) + 1))
        self.start("etcd", "etcd", "--name", self.name,
                   "--data-dir", self.folder / "etcd", "--unsafe-no-fsync",
                   "--listen-client-urls", f"http://{self.address}:2379",
                   "--advertise-client-urls", f"http://{self.address}:2379",
                   "--listen-peer-urls", f"http://{self.address}:2380",
                   "--initial-advertise-peer-urls",
                   f"http://{self.address}:2380",
                   "--initial-cluster", members)

    def start_registrar(self):
        # its own member first
        order = [self.number, *(h.number for h in self.bed.hosts
                                if h is not self)]
        flags = [f"--cluster=10.77.0.{n}:2379" for n in order]
        self.start("registrar", self.bed.program("registrar"), "run",
                   "--registry", self.registry, "--watch", self.watch,
                   "--host", self.name, "--name", self.name,
                   "--cluster-address", self.address,
                   "--cluster-lease", self.bed.lease, *flags)

    def start_dnsd(self):
        self.start("dnsd", self.bed.program("dnsd"), "--registry",
                   self.registry, "--zone", ZONE, "--listen",
                   f"{self.address}:53", "--ttl", "1s")

    def kill(self, name, number=signal.SIGKILL):
        process = self.processes[name]
        process.send_signal(number)
        if number == signal.SIGKILL:
            process.wait()

    def command(self, *args):
        return subprocess.run(
            [self.bed.program("registrar"), *args, "--registry",
             self.registry], text=True, capture_output=True, check=False)

    def members(self):
        out = self.command("cluster", "status", "--json").stdout
        return {m["host"]: m for m in json.loads(out or "[]")}

    def die(self):
        """All of it at once, as if its power went."""
        for process in self.processes.values():
            process.send_signal(signal.SIGKILL)
        pids = subprocess.run(["ip", "netns", "pids", self.namespace],
                              text=True, capture_output=True, check=True)
        for pid in pids.stdout.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        for process in self.processes.values():
            process.wait()

    # -- definitions and instances that are processes

    def define(self, file, text):
        new = self.folder / "new"
        new.write_text(text)
        new.rename(self.watch / file)

    def run_instance(self, name):
        """A process with a pidfile, for a definition."""
        process = self.start(name, "sleep", "1000000")
        pidfile = self.folder / f"{name}.pid"
        (self.folder / "pid").write_text(f"{process.pid}\n")
        (self.folder / "pid").rename(pidfile)
        return pidfile

    # -- the network

    def cut(self, inwards=True, outwards=True):
        """Off the switch; in one direction alone, too."""
        for on, chain in ((inwards, "INPUT"), (outwards, "OUTPUT")):
            if on:
                run("ip", "netns", "exec", self.namespace, "iptables", "-A",
                    chain, "-i" if chain == "INPUT" else "-o", "eth0", "-j",
                    "DROP")

    def heal(self):
        run("ip", "netns", "exec", self.namespace, "iptables", "-F")

    # -- questions

    def ask(self, name, rdtype=1, timeout=1.0):
        """(RCODE, addresses) as its dnsd answers it; None: it does not."""
        if not self.socket:
            with inside(self.namespace):
                self.socket = socket.socket(socket.AF_INET,
                                            socket.SOCK_DGRAM)
            self.socket.connect((self.address, 53))
        self.asked = self.asked % 65535 + 1
        self.socket.settimeout(timeout)
        with contextlib.suppress(OSError):
            self.socket.send(question(f"{name}.{ZONE}", rdtype, self.asked))
            while True:
                got = self.socket.recv(4096)
                if int.from_bytes(got[:2], "big") == self.asked:
                    return self.read(got, len(name) + len(ZONE) + 19)
        return None

    @staticmethod
    def read(got, at):
        addresses = []
        for _ in range(int.from_bytes(got[6:8], "big")):
            # owners are pointers to the question
            length = int.from_bytes(got[at + 10:at + 12], "big")
            if got[at + 2:at + 4] == b"\0\1":
                addresses.append(socket.inet_ntoa(got[at + 12:at + 16]))
            at += 12 + length
        return got[3] & 15, sorted(addresses)

    def addresses(self, name):
        return (self.ask(name) or (None, None))[1]


class Bed:
    def __init__(self, folder, hosts=3, lease="4s", delay_ms=1):
        self.folder = pathlib.Path(folder)
        self.build = pathlib.Path(os.environ.get("ROLLCALL_BUILD",
                                                 TREE / "build/release"))
        self.name = f"rollcall{os.getpid()}"
        self.lease = lease
        self.delay_ms = delay_ms
        self.hosts = []
        self.hosts += [Host(self, n) for n in range(1, hosts + 1)]

    def program(self, name):
        return self.build / name / name

    def delay(self, host):
        """Half of it on each end's way out, where the kernel has netem."""
        subprocess.run(
            ["ip", "netns", "exec", host.namespace, "tc", "qdisc", "replace",
             "dev", "eth0", "root", "netem", "delay",
             f"{self.delay_ms / 2}ms"], check=False,
            stderr=subprocess.DEVNULL)

    def make_network(self):
        switch = f"{self.name}-sw"
        run("ip", "netns", "add", switch)
        run("ip", "-n", switch, "link", "add", "br0", "type", "bridge")
        run("ip", "-n", switch, "link", "set", "br0", "up")
        for h in self.hosts:
            run("ip", "netns", "add", h.namespace)
            run("ip", "-n", switch, "link", "add", f"v{h.number}", "type",
                "veth", "peer", "name", "eth0", "netns", h.namespace)
            run("ip", "-n", switch, "link", "set", f"v{h.number}", "master",
                "br0", "up")
            run("ip", "-n", h.namespace, "link", "set", "lo", "up")
            run("ip", "-n", h.namespace, "addr", "add", f"{h.address}/24",
                "dev", "eth0")
            run("ip", "-n", h.namespace, "link", "set", "eth0", "up")
            if self.delay_ms:
                self.delay(h)

    def etcdctl(self, *args):
        return subprocess.run(
            ["ip", "netns", "exec", self.hosts[0].namespace, "etcdctl",
             "--endpoints", ",".join(f"{h.address}:2379"
                                     for h in self.hosts), *args],
            text=True, capture_output=True, check=False, timeout=20,
            env={**os.environ, "ETCDCTL_API": "3"})

    def start(self):
        self.make_network()
        for h in self.hosts:
            h.watch.mkdir(parents=True)
            h.start_etcd()
        until("etcd is healthy", lambda: self.etcdctl(
            "endpoint", "health").returncode == 0, 30)
        for h in self.hosts:
            h.start_registrar()
            until(f"{h.name} has a registry", h.registry.exists)
            h.start_dnsd()
        for h in self.hosts:
            until(f"{h.name} is a member", lambda host=h: host.members().get(
                "", {}).get("state") == "member", 30)
        return self

    def close(self):
        for h in self.hosts:
            if h.processes:
                h.die()
        for namespace in [*(h.namespace for h in self.hosts),
                          f"{self.name}-sw"]:
            subprocess.run(["ip", "netns", "del", namespace], check=False,
                           stderr=subprocess.DEVNULL)
