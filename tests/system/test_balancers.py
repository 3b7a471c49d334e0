# SPDX-License-Identifier: BSD-2-Clause
"""The examples for HAProxy, nginx and Prometheus, run as they stand, with few
instances and with many: all of them are found, and none comes or goes that
did not."""

import contextlib
import json
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from backend import Backend
from balanced import (CONTRIB, WEIGHTS, Balanced, Haproxy, Nginx, find)
from rollcall import BUILD, HOST, free_port, until, within_a_minute

pytestmark = pytest.mark.threads

SIZES = [5, 50, 500]


def program(name):
    found = find(name)
    if not found:
        pytest.skip(f"{name} is not installed")
    return found


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
    program("nginx")
    backend = Everywhere("0.0.0.0", 0)
    put(site, n, backend.port, max_answers)
    until("served", lambda: len(dnsd.instances("web")) == n)
    port = Nginx(site, dnsd, backend.port).port

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


# ---- whole: instances come and go under load -------------------------------

@pytest.mark.slow
def test_no_request_is_lost_by_drains_and_few_by_kills(site):
    """As tests/bench/balancers does for long."""
    balancers = [name for name in ("haproxy", "nginx") if find(name)]
    if not balancers:
        pytest.skip("haproxy and nginx are not installed")
    whole = Balanced(site, balancers, rate=50)
    try:
        for _ in range(2):
            whole.drain_and_rejoin()
        for name, load in whole.loads.items():
            assert len(load.requests) > 100
            assert not load.failed(), f"{name}, while instances were drained"
        for name, (_, last_ms) in whole.kill().items():
            assert last_ms < 3000, f"{name}, which asks each second"
        if "haproxy" in balancers:
            addresses = {name: i.address
                         for name, i in whole.instances.items()}
            want = {addresses[name]: w for name, w in WEIGHTS.items()}
            until("HAProxy has the weights", lambda:
                  whole.balancers["haproxy"].weights() == want)
            begin = time.monotonic()
            time.sleep(2)
            shares = whole.loads["haproxy"].shares(begin)
            assert 0.4 < shares["big"] < 0.6, "half of the weight is its"
    finally:
        whole.stop()


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
    conf.write_text((CONTRIB / "resolvers/prometheus.yml").read_text())
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
