# SPDX-License-Identifier: BSD-2-Clause
"""The mesh, in the seven steps of one call: two hosts and a control plane in
network namespaces, HAProxy and nftables as Debian has them."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from rollcall import BUILD, until

REGISTRAR = BUILD / "registrar/registrar"
APP = """
import http.server, sys, threading
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        text = b"stock of %d\\n" % self.server.server_port
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    def log_message(self, *args):
        pass
for port in map(int, sys.argv[1:]):
    threading.Thread(target=http.server.ThreadingHTTPServer(
        ("0.0.0.0", port), Handler).serve_forever).start()
"""
CAPTURE = """
import socket, sys, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind((sys.argv[1], 0))
print("ready", flush=True)
with open(sys.argv[2], "wb") as f:
    while True:
        f.write(s.recv(65536))
        f.flush()
"""
DEFINITIONS = """
services:
- service: frontend
  port: 9000
  instances: [{name: f1, address: 10.99.0.1}]
  mesh: {user: games, proxy_user: proxy, calls: [inventory]}
- service: stranger
  port: 9001
  instances: [{name: s1, address: 10.99.0.1}]
  mesh: {user: news, proxy_user: proxy, calls: [inventory], base_port: 15100}
- service: inventory
  port: 8080
  instances:
  - {name: i1, address: 10.99.0.2}
  - {name: i2, address: 10.99.0.2, port: 8081}
  mesh: {user: www-data, proxy_user: proxy, allow: [frontend],
         base_port: 15200}
"""


def why_not():
    if os.geteuid() != 0:
        return "needs root for namespaces"
    for tool in ("haproxy", "nft", "ip", "curl", "setpriv"):
        if not shutil.which(tool):
            return f"needs {tool}"
    return None


class Mesh:
    """Hosts a and b, a control plane c; all files in one directory."""

    def __init__(self):
        self.dir = Path(tempfile.mkdtemp(prefix="rollcall-mesh-"))
        self.dir.chmod(0o755)
        self.registry = self.dir / "r.db"
        self.sidecars = self.dir / "m"
        self.processes = []
        self.hosts = {h: f"rollcall-{os.getpid()}-{h}" for h in "abc"}
        for folder in ("m", "ca", "d"):
            (self.dir / folder).mkdir()
        (self.dir / "ca").chmod(0o700)
        for name in self.hosts.values():
            self.ip("netns", "add", name)
            self.ip("-n", name, "link", "set", "lo", "up")
        a, b = self.hosts["a"], self.hosts["b"]
        self.ip("-n", a, "link", "add", "eth0", "type", "veth", "peer",
                "name", "eth0", "netns", b)
        for name, address in ((a, "10.99.0.1/24"), (b, "10.99.0.2/24")):
            self.ip("-n", name, "address", "add", address, "dev", "eth0")
            self.ip("-n", name, "link", "set", "eth0", "up")

    @staticmethod
    def ip(*args):
        subprocess.run(["ip", *args], check=True, capture_output=True)

    def inside(self, host, *command, user=None):
        prefix = ["ip", "netns", "exec", self.hosts[host]]
        if user:
            prefix += ["setpriv", "--reuid", user, "--regid", user,
                       "--clear-groups"]
        return [*prefix, *map(str, command)]

    def run(self, host, *command, user=None):
        return subprocess.run(self.inside(host, *command, user=user),
                              text=True, capture_output=True, check=False,
                              timeout=30, stdin=subprocess.DEVNULL)

    def start(self, host, name, *command, user=None):
        with open(self.dir / f"{name}.log", "ab") as log:
            process = subprocess.Popen(
                self.inside(host, *command, user=user), stdout=log,
                stderr=log, stdin=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def log(self, name):
        return (self.dir / f"{name}.log").read_text()

    def common(self):
        return ["--registry", self.registry, "--mesh-dir", self.sidecars,
                "--ca-dir", self.dir / "ca", "--ca-socket",
                self.dir / "ca.sock"]

    def command(self, host, *words, user=None):
        return self.run(host, REGISTRAR, "mesh", *words, *self.common(),
                        user=user)

    def start_control(self):
        return self.start("c", "control", REGISTRAR, "mesh", *self.common())

    def start_sidecar(self, host, service):
        until(f"files of {service}", lambda: all(
            (self.sidecars / f"{service}.{x}").exists()
            for x in ("cfg", "pem", "roots", "destinations", "callers")))
        return self.start(
            host, service, "haproxy", "-W", "-db", "-S",
            f"unix@{self.sidecars}/{service}.master,mode,600", "-f",
            self.sidecars / f"{service}.cfg")

    def start_all(self):
        (self.dir / "d/mesh.yaml").write_text(DEFINITIONS)
        writer = self.start("c", "writer", REGISTRAR, "run", "--registry",
                            self.registry, "--watch", self.dir / "d")
        until("the registry", lambda: self.registry.exists() and
              self.sql("SELECT count(*) FROM instance WHERE health = "
                       "'passing'") == [(4,)])
        writer.terminate()
        writer.wait(10)
        self.start("c", "ca", REGISTRAR, "mesh", "ca", *self.common())
        until("the CA", (self.dir / "ca.sock").exists)
        self.start_control()
        self.start("b", "app", sys.executable, "-c", APP, 8080, 8081,
                   user="www-data")
        for host, service in (("a", "frontend"), ("a", "stranger"),
                              ("b", "inventory")):
            self.start_sidecar(host, service)
            until(f"{service} is known",
                  lambda s=service: f"'{s}' is there" in self.log("control"))
            done = self.command(host, "intercept", service)
            assert done.returncode == 0, done.stderr

    def sql(self, text, *params):
        with sqlite3.connect(self.registry, timeout=10) as db:
            try:
                return db.execute(text, params).fetchall()
            except sqlite3.OperationalError:
                return []

    def call(self, port=8080, user="games", address="10.99.0.2"):
        done = self.run("a", "curl", "-sS", "-m", "5", "-w", "%{http_code}",
                        f"http://{address}:{port}/secret-path", user=user)
        return done.stdout.strip() or done.stderr

    def callees(self):
        """Who answers 24 calls."""
        said = {self.call() for _ in range(24)}
        assert all(s.endswith("200") for s in said), said
        return {int(re.search(r"stock of (\d+)", s).group(1)) for s in said}

    def close(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for name in self.hosts.values():
            self.ip("netns", "del", name)
        shutil.rmtree(self.dir)


@pytest.fixture
def mesh():
    reason = why_not()
    if reason:
        pytest.skip(reason)
    made = Mesh()
    try:
        made.start_all()
        yield made
    except AssertionError:
        for log in sorted(made.dir.glob("*.log")):
            print(f"--- {log.name}\n{log.read_text()[-4000:]}")
        raise
    finally:
        made.close()


def test_seven_steps(mesh):
    wire = mesh.dir / "wire"
    mesh.start("b", "capture", sys.executable, "-c", CAPTURE, "eth0", wire)
    until("the capture", lambda: "ready" in mesh.log("capture"))
    # 1, 2: plain HTTP to an address that DNS gives; any instance may answer
    until("calls pass", lambda: mesh.call().endswith("200"))
    assert mesh.callees() == {8080, 8081}
    assert "backend=http_inventory.svc.internal instance=i" in \
        mesh.log("frontend")
    # 3, 4: nothing but TLS between the hosts
    time.sleep(0.3)
    octets = wire.read_bytes()
    assert b"\x17\x03\x03" in octets
    assert b"secret-path" not in octets and b"stock of" not in octets
    # 5, 6: who is not listed is refused, and by which rule; 7: who is, is not
    assert mesh.call(user="news").endswith("403")
    assert "caller=s1 from=10.99.0.1 rule=caller-not-in-allow" in \
        mesh.log("inventory")
    assert re.search(r"caller=f1 from=10.99.0.1 rule=- .* status=200",
                     mesh.log("inventory"))
    # not an instance of anybody that it calls
    assert mesh.call(port=8099).endswith("403")
    # root's traffic is not intercepted: it has no certificate
    for port in (8080, 15206):
        assert "200" not in mesh.call(port=port, user="root")
    # and on b only the sidecar reaches the application
    done = mesh.run("b", "curl", "-sS", "-m", "2", "http://127.0.0.1:8080/",
                    user="games")
    assert done.returncode != 0 and "stock" not in done.stdout
    # nobody but root reads keys or speaks with the admin socket
    assert mesh.run("a", "cat", mesh.sidecars / "frontend.pem",
                    user="games").returncode != 0
    assert mesh.run("a", sys.executable, "-c",
                    "import socket, sys; socket.socket(socket.AF_UNIX)"
                    ".connect(sys.argv[1])", mesh.sidecars / "frontend.sock",
                    user="games").returncode != 0
    # the authority tells who asks by the kernel
    ask = ("import socket, sys; s = socket.socket(socket.AF_UNIX); "
           "s.connect(sys.argv[1]); "
           "s.sendall(b'issue svc.internal inventory i1\\nx'); "
           "s.shutdown(1); print(s.recv(999).decode())")
    said = mesh.run("a", sys.executable, "-c", ask, mesh.dir / "ca.sock",
                    user="games").stdout
    assert "error it runs as user 'www-data', who asks is another" in said
    assert "mesh ca: refused: service='inventory.svc.internal'" in \
        mesh.log("ca")
    issued = mesh.command("c", "certificates").stdout
    assert len(issued.splitlines()) == 3
    assert "inventory/i1.svc.internal" in issued


def test_changes_are_pushed(mesh):
    until("calls pass", lambda: mesh.call().endswith("200"))
    frontend = mesh.processes[-3]
    # a flip: within one look no call goes there
    mesh.sql("UPDATE instance SET health = 'critical' WHERE name = 'i1'")
    time.sleep(0.5)
    assert mesh.callees() == {8081}
    # one that comes is known without a reload, one that goes is not
    mesh.sql("INSERT INTO instance (service, name, address, port) "
             "VALUES ('inventory', 'i3', '10.99.0.2', 8082)")
    until("i3 in the file", lambda: "server i3 10.99.0.2:8082" in
          (mesh.sidecars / "frontend.cfg").read_text())
    mesh.sql("DELETE FROM instance WHERE name = 'i3'")
    mesh.sql("UPDATE instance SET health = 'passing' WHERE name = 'i1'")
    until("both", lambda: mesh.callees() == {8080, 8081})
    assert frontend.poll() is None and "reload" not in mesh.log("control")
    # killed, and right when it is back; the control plane killed: the same
    frontend.kill()
    frontend.wait()
    mesh.sql("UPDATE instance SET health = 'critical' WHERE name = 'i2'")
    mesh.start_sidecar("a", "frontend")
    until("calls pass again", lambda: mesh.call().endswith("200"))
    until("to i1 alone", lambda: mesh.callees() == {8080})
    # revoked: at once, on whatever connection
    assert mesh.command("c", "revoke", "frontend").returncode == 0
    until("refused", lambda: mesh.call().endswith("403"))
    assert mesh.command("c", "revoke", "frontend", "--undo").returncode == 0
    until("let in", lambda: mesh.call().endswith("200"))
    # undone cleanly
    for host, service in (("a", "frontend"), ("a", "stranger"),
                          ("b", "inventory")):
        done = mesh.command(host, "intercept", service, "--undo")
        assert done.returncode == 0, done.stderr
    assert not mesh.run("b", "nft", "list", "ruleset").stdout
    assert mesh.call() == "stock of 8080\n200"
