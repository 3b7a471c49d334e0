# SPDX-License-Identifier: BSD-2-Clause
"""Services that register themselves with checks, which a registrar runs."""

import http.server
import threading
import time

import httpd
import pytest
import rollcall


class Backend(http.server.ThreadingHTTPServer):
    """Answers 200 or what it is told."""
    daemon_threads = True

    def __init__(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(self.server.status)
                self.end_headers()

            def log_message(self, *_):
                pass
        self.status = 200
        super().__init__((rollcall.HOST, 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self):
        return self.server_address[1]


@pytest.fixture
def backend():
    made = Backend()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def serve(site):
    return httpd.start(site)


def checks(**more):
    return [{"http": "http://{address}:{port}/", "interval": "200ms",
             "timeout": "1s", "fall": 1, **more}]


def put(serve, port, name="api/i1", **more):
    got = serve.ask("PUT", f"/api/v1/instances/{name}", {
        "address": rollcall.HOST, "port": port, "checks": checks(), **more})
    assert got.status in (200, 201), got.text
    return got


def health(serve, name="api/i1"):
    return serve.get(f"/api/v1/instances/{name}").json["health"]


def test_a_registrar_runs_them(site, serve, backend):
    dnsd = site.start_dnsd()
    assert put(serve, backend.port).json["health"] == "starting"
    assert dnsd.addresses("api") == []
    registrar = site.start_registrar()
    dnsd.wait_addresses("api", [rollcall.HOST])
    backend.status = 500
    dnsd.wait_addresses("api", [])
    backend.status = 200
    dnsd.wait_addresses("api", [rollcall.HOST])
    # the row is of who registered, and nobody says otherwise
    assert site.sql("SELECT source FROM instance") == [("api/anonymous",)]
    assert site.sql("SELECT * FROM disagreement") == []
    # everything is restarted
    registrar.stop()
    serve.stop()
    assert dnsd.addresses("api") == [rollcall.HOST]
    registrar.start()
    serve.start()
    assert health(serve) == "passing"
    backend.status = 500
    dnsd.wait_addresses("api", [])
    backend.status = 200
    dnsd.wait_addresses("api", [rollcall.HOST])
    assert serve.ask("DELETE", "/api/v1/instances/api/i1").status == 204
    dnsd.wait_addresses("api", [])
    rollcall.until("all of it is gone", lambda: site.sql(
        "SELECT 1 FROM instance UNION ALL SELECT 1 FROM service "
        "UNION ALL SELECT 1 FROM service_claim") == [])
    time.sleep(0.5)  # nobody brings it back
    assert site.sql("SELECT * FROM instance") == []


def test_edits_are_taken_up(site, serve, backend):
    site.start_registrar()
    put(serve, backend.port)
    rollcall.until("passing", lambda: health(serve) == "passing")
    put(serve, backend.port, checks=checks(status="201"))
    rollcall.until("critical", lambda: health(serve) == "critical")
    put(serve, backend.port)
    rollcall.until("passing", lambda: health(serve) == "passing")
    # gone and there again before anybody looks
    for _ in range(3):
        serve.ask("DELETE", "/api/v1/instances/api/i1")
        put(serve, backend.port)
        rollcall.until("passing", lambda: health(serve) == "passing")
    # without checks it is not looked at any more
    put(serve, backend.port, checks=[])
    backend.status = 500
    time.sleep(1)
    assert health(serve) == "passing"


def test_many(site, serve, backend):
    for k in range(120):
        put(serve, backend.port, f"many/i{k}", checks=[
            {"tcp": "{address}:{port}", "interval": "1s"}])
    site.start_registrar()
    rollcall.until("all are passing", lambda: site.sql(
        "SELECT count(*) FROM instance WHERE health = 'passing'")
        == [(120,)])


def test_ttl(site, serve):
    site.start_registrar()
    put(serve, 80, checks=[{"ttl": "60s", "name": "beat"}])
    rollcall.until("its check is there", lambda: serve.get(
        "/api/v1/instances/api/i1").json["checks"])
    assert serve.ask("PUT", "/api/v1/checks/api/i1/beat",
                     {"status": "passing"}).status == 204
    rollcall.until("passing", lambda: health(serve) == "passing")


FORBIDDEN = {
    "exec": ({"exec": ["/bin/true"]}, 403),
    "file": ({"file": "/etc/passwd"}, 403),
    "socket": ({"http": "http://{address}/", "socket": "/run/x"}, 403),
    "headers": ({"http": "http://{address}/",
                 "headers": {"A": "{file:/etc/shadow}"}}, 403),
    "secret": ({"tcp": "{address}:80", "send": "{file:/etc/shadow}"}, 403),
    "tls": ({"tcp": "{address}:80", "tls": {"ca": "/etc/shadow"}}, 403),
    "elsewhere": ({"tcp": "192.0.2.1:80"}, 403),
    "longer": ({"tcp": "{address}.example:80"}, 403),
    "user": ({"http": "http://{address}@192.0.2.1/"}, 403),
    "user with port": ({"http": "http://{address}:80@192.0.2.1/"}, 403),
    "alias": ({"alias": "web"}, 403),
    "nonsense": ({"tcp": "{address}:80", "interval": "x"}, 422),
}


@pytest.mark.parametrize("check, status", FORBIDDEN.values(), ids=FORBIDDEN)
def test_what_strangers_may_not_have_checked(site, serve, check, status):
    got = serve.ask("PUT", "/api/v1/instances/api/i1",
                    {"address": "127.0.0.1", "port": 80, "checks": [check]})
    assert got.status == status, got.text
    assert got.json["field"].startswith("checks")
    assert site.sql("SELECT 1 FROM instance UNION ALL "
                    "SELECT 1 FROM registration") == []


def test_with_the_right_to_exec(site, serve):
    token = site.run("token", "create", "--rule", "=all", "--registry",
                     site.registry).strip()
    site.start_registrar()
    got = serve.ask("PUT", "/api/v1/instances/api/i1", {
        "address": "127.0.0.1", "port": 80,
        "checks": [{"exec": ["/bin/true"], "interval": "1s"}]},
        Authorization=f"Bearer {token}")
    assert got.status == 201, got.text
    rollcall.until("passing", lambda: health(serve) == "passing")
