# SPDX-License-Identifier: BSD-2-Clause
"""registrar serve: what it says, what it takes, and what it lasts."""

import json
import re
import socket
import time

import httpd
import pytest
import rollcall


@pytest.fixture
def serve(site):
    return httpd.start(site)


def add(site, service="web", instance="i1", address="10.0.0.1"):
    site.run("register", f"{service}/{instance}", "--address", address,
             "--port", "80", "--registry", site.registry)


def received(sock):
    """All that comes until the other end closes, or says no more."""
    got = b""
    try:
        while chunk := sock.recv(65536):
            got += chunk
    except (TimeoutError, ConnectionResetError):
        pass
    return got


def test_says_what_status_says(site, serve):
    add(site)
    add(site, "db")
    said = json.loads(site.command(
        "status", "--json", "--registry", site.registry).stdout)
    got = serve.get("/api/v1/status").json
    assert got["services"] == said["services"]
    assert {*got} == {*said}
    assert serve.get("/api/v1/services/db").json["services"] == \
        said["services"][:1]
    assert serve.get("/api/v1/instances/web.svc.internal/i1").json == \
        said["services"][1]["instances"][0]
    page = serve.get("/api/v1/services?limit=1").json
    assert page["services"] == said["services"][:1]
    page = serve.get(f"/api/v1/services?limit=10&after={page['next']}").json
    assert page["services"] == said["services"][1:]
    assert page["next"] is None


def test_errors_name_the_field(serve):
    got = serve.get("/api/v1/services/nope")
    assert got.status == 404 and "nope" in got.json["detail"]
    assert got.headers["Content-Type"] == "application/problem+json"
    got = serve.get("/api/v1/services?limit=x")
    assert got.status == 400 and got.json["field"] == "query: limit"
    got = serve.ask("DELETE", "/api/v1/services")
    assert got.status == 405 and got.headers["Allow"] == "GET, HEAD"
    assert serve.get("/nowhere").status == 404
    assert serve.get("/api/v1/services/%ff").status == 400


def test_pages_of_browsers_are_refused(serve):
    """A name of another's that leads here, and a page of elsewhere."""
    port = serve.port
    ask = lambda **more: serve.get("/api/v1/version", **more).status
    assert ask() == 200
    assert ask(Host="localhost") == 200
    assert ask(Host=f"[::1]:{port}") == 200
    assert ask(Host=socket.gethostname()) == 200
    assert ask(Host="evil.example") == 403
    assert ask(Host=f"evil.example:{port}") == 403
    assert ask(Origin="http://evil.example") == 403
    assert ask(Origin="null") == 403
    assert ask(Host=f"localhost:{port}", Origin=f"http://localhost:{port}") \
        == 200


def test_names_of_the_server(site):
    serve = httpd.start(site, "--http-host", "rollcall.example")
    assert serve.get("/api/v1/version", Host="rollcall.example").status == 200


def test_a_request_waits_for_its_service(site, serve):
    add(site)
    add(site, "db")
    web = serve.get("/api/v1/services/web").revision
    begun = time.monotonic()
    path = f"/api/v1/services/web?revision={web}&wait="
    assert serve.get(path + "1").revision == web
    assert 0.9 < time.monotonic() - begun < 10
    with serve.connect() as held:
        held.sendall(httpd.request(path + "60"))
        held.settimeout(1)
        add(site, "db", "i2")
        with pytest.raises(TimeoutError):
            held.recv(1)
        held.settimeout(rollcall.PATIENCE_S)
        add(site, "web", "i2")
        assert held.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert serve.get("/api/v1/services/web").revision > web
    # a service that is not there yet, and one that goes
    nope = serve.get("/api/v1/services/nope").revision
    with serve.connect() as held:
        held.sendall(httpd.request(
            f"/api/v1/services/nope?revision={nope}&wait=60"))
        add(site, "nope")
        assert held.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_who_goes_away_is_noticed(site, serve):
    add(site)
    before = serve.files()
    at = serve.get("/api/v1/services/web").revision
    # that connection may be open for a moment longer
    rollcall.until("it is closed", lambda: serve.files() <= before)
    path = f"/api/v1/services/web?revision={at}&wait=600"
    held = [serve.connect() for _ in range(50)]
    for sock in held:
        sock.sendall(httpd.request(path))
    rollcall.until("50 are held", lambda: serve.files() >= before + 50)
    # what is sent ahead is not read, and does no harm
    held[0].sendall(httpd.request(path) * 20)
    time.sleep(0.2)
    for sock in held:
        sock.close()
    rollcall.until("they are gone", lambda: serve.files() <= before)


def test_requests_behind_each_other(site, serve):
    add(site)
    at = serve.get("/api/v1/services/web").revision
    held = httpd.request(f"/api/v1/services/web?revision={at}&wait=1")
    plain = httpd.request("/api/v1/version")
    last = httpd.request("/api/v1/version", more="Connection: close\r\n")
    with serve.connect() as sock:
        sock.sendall(plain * 3 + held + plain * 2 + last)
        assert received(sock).count(b"HTTP/1.1 200 OK") == 7


def events(sock, until):
    """Of a stream of events, up to one that until() takes."""
    text = ""
    while True:
        text += sock.recv(65536).decode()
        found = [(name, json.loads(data), int(number) if number else None)
                 for name, data, number in re.findall(
                     r"event: (\w+)\ndata: (.*)\n(?:id: (\d+)\n)?", text)]
        if any(until(*event) for event in found):
            return found


def watch(serve, query="", more=""):
    sock = serve.connect()
    sock.sendall(httpd.request(f"/api/v1/watch{query}", more=more))
    return sock


def test_watch(site, serve):
    add(site)
    add(site, "db")
    with watch(serve) as sock:
        seen = events(sock, lambda name, *_: name == "listed")
        assert [data["name"] for name, data, _ in seen if name == "service"] \
            == ["db", "web"]
        last = seen[-1][2]
        add(site, "web", "i2")
        seen = events(sock, lambda _, data, __: len(data["instances"]) == 2)
        assert seen[-1][1]["name"] == "web" and seen[-1][2] > last
        last = seen[-1][2]
    add(site, "api")
    site.run("deregister", "db", "--force", "--registry", site.registry)
    with watch(serve, more=f"Last-Event-ID: {last}\r\n") as sock:
        seen = events(sock, lambda name, *_: name == "gone")
        assert {(name, data["name"]) for name, data, _ in seen} == \
            {("service", "api"), ("gone", "db")}
    with watch(serve, "?service=web") as sock:
        events(sock, lambda _, data, __: data["name"] == "web")
    # of another past
    with watch(serve, more="Last-Event-ID: 999999\r\n") as sock:
        seen = events(sock, lambda name, *_: name == "listed")
        assert seen[0][0] == "reset"


NONSENSE = {
    "no request": b"\0\xff\r\n\r\n" * 10,
    "a long line": b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\n\r\n",
    "long headers": httpd.request("/", more="A: b\r\n" * 10000),
    "a bad chunk": httpd.request(
        "/api/v1/version", "PUT", more="Transfer-Encoding: chunked\r\n")
    + b"zz\r\nxx\r\n0\r\n\r\n",
    "a huge chunk": httpd.request(
        "/api/v1/version", "PUT", more="Transfer-Encoding: chunked\r\n")
    + b"7fffffffffffffff\r\n",
    "a huge body": httpd.request(
        "/api/v1/version", "PUT", more="Content-Length: 99999999999999\r\n"),
    "less than nothing": httpd.request(
        "/api/v1/version", "PUT", more="Content-Length: -1\r\n"),
}


@pytest.mark.parametrize("octets", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_is_refused(serve, octets):
    with serve.connect(3) as sock:
        try:
            sock.sendall(octets)
        except (BrokenPipeError, ConnectionResetError):
            pass
        got = received(sock)
    assert not got or re.match(rb"HTTP/1.1 (4\d\d|501) ", got), got
    assert serve.get("/api/v1/version").status == 200


@pytest.mark.slow
def test_a_slow_request_ends(serve):
    with serve.connect(0.5) as sock:
        begun = time.monotonic()
        line = httpd.request("/api/v1/version", more="A: " + "b" * 1000)
        with pytest.raises(OSError):
            for octet in line:
                sock.sendall(bytes([octet]))
                time.sleep(0.25)
                if time.monotonic() - begun > 40:
                    break
        assert time.monotonic() - begun < 40


def test_connections_are_bounded(site):
    serve = httpd.start(site, "--http-connections", "20")
    before = serve.files()
    idle = [serve.connect() for _ in range(60)]
    rollcall.until("no more are open", lambda: serve.files() <= before + 21)
    assert serve.get("/api/v1/version").status == 200
    for sock in idle:
        sock.close()


def test_over_a_unix_socket(site):
    path = site.folder / "api.sock"
    serve = httpd.start(site, "--http", f"unix:{path}")
    assert path.stat().st_mode & 0o777 == 0o660
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(5)
        sock.connect(str(path))
        sock.sendall(httpd.request("/api/v1/version", host="any",
                                   more="Connection: close\r\n"))
        assert received(sock).startswith(b"HTTP/1.1 200 ")
    serve.kill()
    serve.start()  # over the socket that was left
    assert serve.get("/api/v1/version").status == 200


def test_beside_a_registrar(site):
    """Started by `run`, and again when it is killed or stopped."""
    port = rollcall.free_port()
    site.start_registrar("--http", f"{rollcall.HOST}:{port}")
    serve = httpd.Serve(site)
    serve.port = port

    def answers():
        try:
            return serve.get("/api/v1/version", timeout=1).status == 200
        except OSError:
            return False
    rollcall.until("it answers", answers)


def test_another_registry_takes_its_place(site, serve):
    add(site)
    add(site, "db")
    old = site.folder / "old.db"
    site.run("backup", old, "--registry", site.registry)
    add(site, "web", "i2")
    at = serve.get("/api/v1/services/web").revision
    with serve.connect() as held:
        held.sendall(httpd.request(
            f"/api/v1/services/web?revision={at}&wait=60"))
        time.sleep(0.3)
        site.run("restore", old, "--force", "--registry", site.registry)
        assert held.recv(65536).startswith(b"HTTP/1.1 200 ")
    one = serve.get("/api/v1/services/web").json["services"][0]
    assert [i["name"] for i in one["instances"]] == ["i1"]
