# SPDX-License-Identifier: BSD-2-Clause
"""grpc and h2ping checks against gRPC's own server."""

import contextlib
import importlib.util
import json
import pathlib
import subprocess
import sys

import pytest
from backend import Backend
from rollcall import HOST, free_port, until

FAST = "interval: 50ms, timeout: 10s, rise: 1, fall: 1"
SERVER = pathlib.Path(__file__).with_name("grpc_server.py")

if not importlib.util.find_spec("grpc"):
    pytest.skip("no python3-grpcio here", allow_module_level=True)


class Server:
    """One process, and the file that says what it answers."""

    def __init__(self, folder, name="grpc", address=None, tls=()):
        self.address = address or f"{HOST}:{free_port()}"
        self.state = folder / f"{name}.json"
        self.tls = tls
        self.process = None
        self.says()
        self.start()

    def says(self, **services):
        """As careful programs write: aside, then over."""
        aside = self.state.with_suffix(".new")
        aside.write_text(json.dumps(
            {name.strip("_"): what for name, what in services.items()}))
        aside.rename(self.state)

    def start(self):
        # setpriv: it dies with us, however we die
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", sys.executable, SERVER,
             self.address, self.state, *self.tls],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL)
        assert self.process.stdout.readline() == b"ready\n"

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def start(tmp_path):
    with contextlib.ExitStack() as stack:
        def one(**more):
            server = Server(tmp_path, **more)
            stack.callback(server.close)
            return server
        yield one


def define(site, name, *checks):
    site.define(f"{name}.yaml", "\n".join([
        f"service: {name}", "port: 80",
        "instances: [{name: i-1, address: 127.0.0.1}]",
        "checks:", *[f"  - {check}" for check in checks], ""]))


def wait_says(site, service, health, text):
    """The state of the service, and how its check says why."""
    got = None

    def check():
        nonlocal got
        got = site.sql(
            "SELECT status, output FROM check_result WHERE service = ? AND "
            "name LIKE 'grpc%'", service)
        return len(got) == 1 and got[0][0] == health and \
            got[0][1].startswith(text)
    try:
        until(f"{service} is {health}: {text}", check)
    except AssertionError as e:
        raise AssertionError(f"{e}; it is {got}") from None


ANSWERS = [
    # what __ and the service say, what becomes of it
    ("SERVING", "passing", "SERVING"),
    ("NOT_SERVING", "critical", "NOT_SERVING"),
    ("SERVICE_UNKNOWN", "critical", "SERVICE_UNKNOWN"),
    ("UNKNOWN", "critical", "UNKNOWN"),
    (None, "critical", "NOT_FOUND: unknown service"),
    ({"code": 14, "details": "gone fishing, 100 % \u00fc\x1b[2J"}, "critical",
     "UNAVAILABLE: gone fishing, 100 % \u00fc?[2J"),
    ({"code": 16, "details": ""}, "critical", "UNAUTHENTICATED"),
    ("big", "critical", "the answer is longer than 1024 octets"),
    ("junk", "critical", "the answer cannot be read: its message is no"),
]


def test_answers(site, start):
    server = start()
    define(site, "web", f"{{grpc: '{server.address}', {FAST}}}")
    define(site, "one", f"{{grpc: '{server.address}', service: my.pkg.Svc, "
                        f"{FAST}}}")
    site.start_registrar()
    for answer, health, text in ANSWERS:
        # each from the other side, so that it is this answer that is seen
        other = "NOT_SERVING" if health == "passing" else "SERVING"
        server.says(__=other, **{"my.pkg.Svc": other})
        for service in "web", "one":
            site.wait_health(service, {
                "i-1": "critical" if health == "passing" else "passing"})
        server.says(__=answer, **{"my.pkg.Svc": "SERVING"})
        wait_says(site, "web", health, text)
        site.wait_health("web", {"i-1": health})
        wait_says(site, "one", "passing", "SERVING")


def test_no_answer(site, start):
    server = start()
    server.says(__="hang")
    define(site, "web", f"{{grpc: '{server.address}', interval: 50ms, "
                        "timeout: 300ms, rise: 1, fall: 1}")
    site.start_registrar()
    # the server has been told how long we wait, and may come first
    wait_says(site, "web", "critical",
              ("timed out after 300 ms", "DEADLINE_EXCEEDED"))


def test_no_health_service(site, start):
    server = start()
    server.says(health=False)
    define(site, "web", f"{{grpc: '{server.address}', {FAST}}}")
    define(site, "ping", f"{{h2ping: '{server.address}', {FAST}}}")
    site.start_registrar()
    wait_says(site, "web", "critical",
              "UNIMPLEMENTED: the server has no health service: ")
    site.wait_health("ping", {"i-1": "passing"})
    server.close()
    site.wait_health("ping", {"i-1": "critical"})
    server.start()
    server.says(__="SERVING")
    site.wait_health("web", {"i-1": "passing"})
    site.wait_health("ping", {"i-1": "passing"})


def test_another_server(site):
    """Python's, of HTTP/1, which answers to what it does not know in HTTP/0.9."""
    with contextlib.closing(Backend(HOST, free_port())) as backend:
        to = f"{HOST}:{backend.port}"
        define(site, "web", f"{{grpc: '{to}', {FAST}}}")
        define(site, "ping", f"{{h2ping: '{to}', {FAST}}}")
        site.start_registrar()
        wait_says(site, "web", "critical",
                  "the answer is not HTTP/2: '<!DOCTYPE HTML>'")
        site.wait_health("ping", {"i-1": "critical"})


def test_unix_socket(site, start, tmp_path):
    server = start(address=f"unix:{tmp_path}/grpc.sock")
    server.says(__="SERVING")
    define(site, "web", f"{{grpc: 'unix:{tmp_path}/{{name}}.sock', {FAST}}}")
    define(site, "grpc", f"{{grpc: 'unix:{tmp_path}/{{service}}.sock', "
                         f"{FAST}}}")
    site.start_registrar()
    site.wait_health("grpc", {"i-1": "passing"})
    wait_says(site, "web", "critical", "cannot connect: No such file")


# ---- TLS ----------------------------------------------------------------

CA = """
[ca]
default_ca = test
[test]
dir = {folder}
database = $dir/index
new_certs_dir = $dir
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
"""
KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


class Authority:
    """Issues what is asked for, with the times that are asked for."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        (folder / "index").touch()
        (folder / "ca.cnf").write_text(CA.format(folder=folder))
        self.run("req", "-x509", *KEY, "-days", "30", "-subj", "/CN=Test CA",
                 "-keyout", self.file("ca.key"), "-out", self.file("ca.pem"))

    def file(self, name):
        return str(self.folder / name)

    def run(self, *args):
        subprocess.run(["openssl", *args], check=True, capture_output=True,
                       stdin=subprocess.DEVNULL)

    def issue(self, name, names, until="20491231235959Z"):
        """Certificate and key."""
        self.run("req", "-new", *KEY, "-subj", f"/CN={name}", "-addext",
                 f"subjectAltName={names}", "-keyout",
                 self.file(f"{name}.key"), "-out", self.file(f"{name}.csr"))
        self.run("ca", "-batch", "-config", self.file("ca.cnf"), "-cert",
                 self.file("ca.pem"), "-keyfile", self.file("ca.key"),
                 "-startdate", "20200101000000Z", "-enddate", until,
                 "-in", self.file(f"{name}.csr"), "-out",
                 self.file(f"{name}.pem"), "-notext")
        return self.file(f"{name}.pem"), self.file(f"{name}.key")


def test_certificates(site, start, tmp_path):
    ours = Authority(tmp_path / "ours")
    theirs = Authority(tmp_path / "theirs")
    names = f"DNS:grpc.example,IP:{HOST}"
    servers = {
        "good": ours.issue("good", names),
        "expired": ours.issue("expired", names, "20210101000000Z"),
        "wrong": ours.issue("wrong", "DNS:other.example,IP:192.0.2.1"),
        "unknown": theirs.issue("unknown", names),
    }
    ca = ours.file("ca.pem")
    for name, files in servers.items():
        server = start(name=name, tls=files)
        server.says(__="SERVING")
        define(site, name, f"{{grpc: '{server.address}', tls: {{ca: {ca}}}, "
                           f"{FAST}}}")
        if name == "good":
            define(site, "named", f"{{grpc: '{server.address}', "
                   f"tls: {{ca: {ca}, name: grpc.example}}, {FAST}}}")
            define(site, "plain", f"{{grpc: '{server.address}', {FAST}}}")
            define(site, "ping", f"{{h2ping: '{server.address}', "
                   f"tls: {{ca: {ca}}}, {FAST}}}")
        if name == "wrong":
            define(site, "trusting", f"{{grpc: '{server.address}', "
                   f"tls: {{verify: false}}, {FAST}}}")
    site.start_registrar()
    for name in "good", "named", "ping", "trusting":
        site.wait_health(name, {"i-1": "passing"})
    wait_says(site, "expired", "critical",
              "TLS handshake: certificate has expired")
    wait_says(site, "wrong", "critical", "TLS handshake: IP address mismatch")
    wait_says(site, "unknown", "critical", "TLS handshake: unable to get")
    wait_says(site, "plain", "critical", "")


def test_consul(site, start):
    """Consul's own way to write it: host:port/service."""
    server = start()
    server.says(**{"my.pkg.Svc": "SERVING"})
    site.define("web.json", json.dumps({"service": {
        "id": "i-1", "name": "web", "checks": [
            {"grpc": f"{server.address}/my.pkg.Svc", "interval": "50ms"},
            {"h2ping": server.address, "h2ping_use_tls": False,
             "interval": "50ms"}]}}))
    site.define("other.json", json.dumps({"service": {
        "id": "o-1", "name": "other", "check": {"alias_service": "web"}}}))
    registrar = site.start_registrar()
    site.wait_health("web", {"i-1": "passing"})
    site.wait_health("other", {"o-1": "passing"})
    registrar.wait_log("taken as the service 'web'")
    server.says(**{"my.pkg.Svc": "NOT_SERVING"})
    site.wait_health("web", {"i-1": "critical"})
    site.wait_health("other", {"o-1": "critical"})
