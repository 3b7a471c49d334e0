# SPDX-License-Identifier: BSD-2-Clause
"""The examples for HAProxy, nginx and Prometheus, run as they stand, with few
instances and with many: all of them are found, and none comes or goes that
did not."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from backend import Backend
from rollcall import (BUILD, HOST, TREE, free_port, until,
                      within_a_minute)

pytestmark = pytest.mark.threads

RESOLVERS = TREE / "contrib/resolvers"
SIZES = [5, 50, 500]
RUNNING, MAINTENANCE = "2", 0x23  # "show servers state"


def program(name):
    found = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")
    if not found:
        pytest.skip(f"{name} is not installed")
    return found


def run(site, name, *command):
    log = site.folder / f"{name}.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    site.processes.append(process)
    return log


def address_of(k):
    return f"127.50.{k >> 8}.{k & 255}"


def put(site, n, port=80, max_answers=None):
    with site.connect() as db:
        db.execute("BEGIN IMMEDIATE")
        db.execute("INSERT INTO service (name, port, max_answers) "
                   "VALUES ('web', ?, ?)", (port, max_answers))
        db.executemany(
            "INSERT INTO instance (service, name, address, weight) "
            "VALUES ('web', ?, ?, 256)",
            [(f"i{k}", address_of(k)) for k in range(1, n + 1)])
        db.execute("COMMIT")


def get(port):
    with urllib.request.urlopen(f"http://{HOST}:{port}/", timeout=20) as r:
        return r.read().decode()


# ---- HAProxy ------------------------------------------------------------

class Haproxy:
    """The example, with our addresses in the place of its own."""

    def __init__(self, site, dnsd, *changes):
        self.port = free_port()
        self.socket = site.folder / "haproxy.sock"
        text = (RESOLVERS / "haproxy.cfg").read_text()
        for old, new in (("127.0.0.1:5300", f"{dnsd.host}:{dnsd.port}"),
                         ("127.0.0.1:8000", f"{HOST}:{self.port}"),
                         *changes):
            assert old in text
            text = text.replace(old, new)
        conf = site.folder / "haproxy.cfg"
        conf.write_text(f"global\n    stats socket {self.socket}\n{text}")
        self.log = run(site, "haproxy", program("haproxy"), "-db", "-f", conf)
        until("HAProxy listens", self.socket.exists)

    def servers(self):
        """{place: address} of those that get requests."""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(self.socket))
            s.sendall(b"show servers state web\n")
            text = b"".join(iter(lambda: s.recv(65536), b"")).decode()
        rows = [line.split() for line in text.splitlines()[2:] if line]
        return {row[3]: row[4] for row in rows
                if row[5] == RUNNING and not int(row[6]) & MAINTENANCE}


@pytest.mark.parametrize("n", SIZES)
def test_haproxy_has_all(site, dnsd, n):
    program("haproxy")
    put(site, n)
    haproxy = Haproxy(site, dnsd)
    want = {address_of(k) for k in range(1, n + 1)}
    until("all are there", lambda: set(haproxy.servers().values()) == want)
    first = haproxy.servers()
    for _ in range(20):  # it asks each second
        time.sleep(0.25)
        assert haproxy.servers() == first
    site.put_health("web", "i3", "critical")
    until("one is out", lambda: address_of(3) not in
          haproxy.servers().values())
    for place, address in haproxy.servers().items():
        assert first[place] == address, "the others stay where they are"
    assert len(haproxy.servers()) == n - 1
    dnsd.stop()
    time.sleep(2)
    assert len(haproxy.servers()) == n - 1, "and while nobody answers"
    dnsd.start()
    site.put_health("web", "i3", "passing")
    until("back", lambda: set(haproxy.servers().values()) == want)


@pytest.mark.parametrize("name, least", [
    ("_web._tcp.svc.internal", 20), ("web.svc.internal:80", 60)])
def test_haproxy_by_udp_sees_no_swaps(site, dnsd, name, least):
    """Of 150 it has those that fit, the same ones each second."""
    program("haproxy")
    put(site, 150)
    until("served", lambda: len(dnsd.instances("web")) == 150)
    haproxy = Haproxy(site, dnsd, ("tcp@", ""), ("size 65535", "size 1232"),
                      ("_web._tcp.svc.internal", name))
    until("some are there", lambda: len(haproxy.servers()) > least, 10)

    def look():
        time.sleep(2)  # what was taken up belongs to this minute
        seen = []
        for _ in range(24):
            seen.append(haproxy.servers())
            time.sleep(0.25)
        return seen

    seen = within_a_minute(look)
    assert all(servers == seen[0] for servers in seen)
    assert least < len(seen[0]) < 150


def test_haproxy_goes_on_elsewhere(site, dnsd):
    """An instance that ended, and DNS does not know it yet."""
    program("haproxy")
    site.put("web")
    with contextlib.ExitStack() as stack:
        backends = [Backend(HOST, free_port()) for _ in range(5)]
        for k, backend in enumerate(backends):
            stack.callback(backend.close)
            site.sql("INSERT INTO instance (service, name, address, port, "
                     "weight) VALUES ('web', ?, ?, ?, 256)",
                     f"i{k}", HOST, backend.port)
        haproxy = Haproxy(site, dnsd)
        until("five", lambda: len(haproxy.servers()) == 5)
        for _ in range(10):
            assert get(haproxy.port) == "fine"
        assert all(backend.hits for backend in backends)
        backends[2].close()
        begin = time.monotonic()
        for _ in range(30):
            assert get(haproxy.port) == "fine"
        # three attempts at the dead one, a second apart, make 18 seconds
        assert time.monotonic() - begin < 10


# ---- nginx --------------------------------------------------------------

class Everywhere(Backend):
    """Says at which of this host's addresses it was asked."""

    def open(self):
        super().open()
        self.port = self._server.server_address[1]
        handler = self._server.RequestHandlerClass

        def do_get(request):
            request.send_response(200)
            request.end_headers()
            request.wfile.write(request.connection.getsockname()[0].encode())

        handler.do_GET = do_get


@pytest.mark.parametrize("n, max_answers", [
    (5, None), (50, None), (50, 0), (500, 0)])
def test_nginx_has_what_the_example_says(site, dnsd, n, max_answers):
    """All of them with `max_answers: all`, 28 or so without."""
    nginx = program("nginx")
    port, backend = free_port(), Everywhere("0.0.0.0", 0)
    put(site, n, backend.port, max_answers)
    text = (RESOLVERS / "nginx.conf").read_text()
    for old, new in (("127.0.0.1:5300", f"{dnsd.host}:{dnsd.port}"),
                     ("127.0.0.1:8000", f"{HOST}:{port}"),
                     ("$web:8080", f"$web:{backend.port}")):
        assert old in text
        text = text.replace(old, new)
    conf = site.folder / "nginx.conf"
    conf.write_text(
        f"pid {site.folder}/pid;\ndaemon off;\nmaster_process off;\n"
        f"error_log stderr;\nevents {{ }}\nhttp {{ access_log off;\n"
        + "".join(f"{kind}_temp_path {site.folder}/{kind};\n" for kind in (
            "client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        + text + "}\n")
    until("served", lambda: len(dnsd.instances("web")) == n)
    run(site, "nginx", nginx, "-e", "stderr", "-c", conf)

    def listens():
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            return get(port)
        return None

    try:
        until("nginx answers", listens)
        seen = set()
        enough = n if n < 28 or max_answers == 0 else 28
        for _ in range(20 * n):
            seen.add(get(port))
            if len(seen) == n:
                break
        assert len(seen) >= enough
    finally:
        backend.close()


# ---- Prometheus ---------------------------------------------------------

@pytest.mark.parametrize("n", SIZES)
def test_prometheus_has_all(site, n):
    """It asks resolv.conf's server on port 53: in a namespace of our own."""
    prometheus = program("prometheus")
    if subprocess.run(["unshare", "-rmn", "true"], check=False,
                      capture_output=True).returncode:
        pytest.skip("no namespaces")
    site.create_registry()
    put(site, n)
    conf = site.folder / "prometheus.yml"
    conf.write_text((RESOLVERS / "prometheus.yml").read_text())
    resolv = site.folder / "resolv.conf"
    resolv.write_text("nameserver 127.0.0.1\n")
    script = f"""
        ip link set lo up
        mount --bind {resolv} /etc/resolv.conf
        {BUILD}/dnsd/dnsd --registry {site.registry} --zone svc.internal \\
            --listen 127.0.0.1:53 --listen 127.0.0.1:5300 &
        exec {prometheus} --config.file={conf} \\
            --storage.tsdb.path={site.folder}/data \\
            --web.listen-address=127.0.0.1:9090
    """
    log = site.folder / "prometheus.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "-rmn",
             "--kill-child", "--pid", "--fork", "sh", "-c", script],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    site.processes.append(process)
    inside = until("the shell inside", lambda: children(process.pid))[0]

    def targets():
        done = subprocess.run(
            ["nsenter", "-t", str(inside), "-U", "-n", "--preserve-credentials",
             "curl", "-sf", "http://127.0.0.1:9090/api/v1/targets"],
            capture_output=True, text=True, check=False)
        if done.returncode:
            return set()
        active = json.loads(done.stdout)["data"]["activeTargets"]
        return {t["discoveredLabels"]["__address__"] for t in active}

    want = {f"i{k}.web.svc.internal:80" for k in range(1, n + 1)}
    until("all are targets", lambda: targets() == want, 40)
    for _ in range(12):
        time.sleep(0.5)
        assert targets() == want


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return f.read().split()
    except FileNotFoundError:
        return []
