# SPDX-License-Identifier: BSD-2-Clause
"""A real etcd for tests, and hosts beside each other on one machine."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import time
import urllib.request

import pytest
import rollcall

# By a reader that is not ours: gRPC, not the JSON gateway.
etcd3 = pytest.importorskip("etcd3", reason="no python3-etcd3")


class Etcd:
    def __init__(self, folder, host=None):
        if not shutil.which("etcd"):
            pytest.skip("no etcd (etcd-server)")
        self.folder = folder
        self.host = host or rollcall.HOST
        self.port = rollcall.free_port()
        self.peer = rollcall.free_port()
        self.where = f"{self.host}:{self.port}"
        self.process = None

    def start(self):
        url, peer = f"http://{self.where}", f"http://{self.host}:{self.peer}"
        with (self.folder / "etcd.log").open("ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "etcd", "--data-dir",
                 self.folder / "etcd", "--unsafe-no-fsync",
                 "--listen-client-urls", url, "--advertise-client-urls", url,
                 "--listen-peer-urls", peer, "--initial-advertise-peer-urls",
                 peer, "--initial-cluster", f"default={peer}"],
                stdout=log, stderr=log)
        rollcall.until("etcd is healthy", self.healthy, 30)
        return self

    def healthy(self):
        assert self.process.poll() is None, "etcd has ended"
        try:
            with urllib.request.urlopen(f"http://{self.where}/health",
                                        timeout=1) as got:
                return json.load(got)["health"] == "true"
        except OSError:
            return False

    def stop(self, empty=False):
        self.process.kill()
        self.process.wait()
        if empty:
            shutil.rmtree(self.folder / "etcd")

    def client(self):
        return etcd3.client(host=self.host, port=self.port)

    def keys(self, prefix):
        return {meta.key.decode(): value.decode()
                for value, meta in self.client().get_prefix(prefix)}


class Host:
    """A registrar with what it starts, a dnsd, a registry."""

    def __init__(self, folder, name, etcd):
        self.name = name
        folder.mkdir()
        self.site = rollcall.Site(folder)
        self.etcd = etcd
        self.registrar = self.dnsd = None

    def start(self, *args, name=None):
        name = name or self.name
        self.site.create_registry()
        self.registrar = self.site.start_registrar(
            "--host", name, "--name", name, "--cluster", self.etcd.where,
            "--cluster-lease", "3s", *args)
        if not self.dnsd:
            self.dnsd = self.site.start_dnsd()
        return self

    def add(self, service, *instances):
        self.sql("INSERT OR IGNORE INTO service (name, port) "
                 f"VALUES ('{service}', 80)")
        for name, address in instances:
            self.sql("INSERT INTO instance (service, name, address) VALUES "
                     f"('{service}', '{name}', '{address}')")

    def sql(self, text):
        self.site.sql(text)

    def run(self, *args, status=0):
        done = subprocess.run(
            [rollcall.BUILD / "registrar/registrar", *args, "--registry",
             self.site.registry], text=True, capture_output=True, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def members(self):
        out = subprocess.run(
            [rollcall.BUILD / "registrar/registrar", "cluster", "status",
             "--json", "--registry", self.site.registry],
            text=True, capture_output=True, check=False).stdout
        return {m["host"]: m for m in json.loads(out or "[]")}

    def state(self, host=""):
        return self.members().get(host, {}).get("state")

    def wait_state(self, state, host=""):
        rollcall.until(f"{self.name} says {host or 'itself'} is {state}",
                       lambda: self.state(host) == state, 30)

    def cluster_pid(self):
        """Of the process that the keeper has started; None: none."""
        for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = entry.read_bytes().split(b"\0")
            except OSError:
                continue
            if words[1:2] == [b"cluster"] and \
                    str(self.site.registry).encode() in words:
                return int(entry.parent.name)
        return None

    def die(self):
        """As if its power went: nothing of it can say anything any more."""
        self.registrar.process.kill()
        self.registrar.process.wait()
        self.registrar.process = None
        while pid := self.cluster_pid():
            os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)
