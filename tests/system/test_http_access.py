# SPDX-License-Identifier: BSD-2-Clause
"""Who may do what over HTTP."""

import json
import re
import socket

import httpd
import pytest
import rollcall

BODY = {"address": "10.0.0.1", "port": 80}


@pytest.fixture
def serve(site):
    return httpd.start(site)


def make(site, *args):
    text = site.run("token", "create", "--registry", site.registry, *args)
    assert re.fullmatch(r"rct-[0-9a-f]{12}-[0-9a-f]{48}\n", text)
    return text.strip()


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def put(serve, name, token=None, **headers):
    if token:
        headers |= bearer(token)
    return serve.ask("PUT", f"/api/v1/instances/{name}", BODY, **headers)


def test_without_a_token(site, serve):
    """From here: read, and register what nobody else has described."""
    site.put("web", ("i1", "10.0.0.1"))
    assert serve.get("/api/v1/services/web").status == 200
    assert put(serve, "api/i1").status == 201
    got = put(serve, "web/i2")
    assert got.status == 403 and "sql" in got.json["detail"]
    got = serve.ask("POST", "/api/v1/instances/web/i1/drain")
    assert got.status == 401
    assert got.headers["WWW-Authenticate"] == "Bearer"


def test_nothing_without_a_token(site):
    serve = httpd.start(site, "--anonymous-local", "none")
    for path in ("version", "status", "services", "services/web", "watch"):
        assert serve.get(f"/api/v1/{path}").status == 401
    assert put(serve, "api/i1").status == 401
    token = make(site)
    assert serve.get("/api/v1/status", **bearer(token)).status == 200


def test_rules(site):
    serve = httpd.start(site, "--anonymous-local", "none")
    for name in ("web", "web-secret", "db"):
        site.put(name, ("i1", "10.0.0.1"))
    token = make(site, "--rule", "web=read,write", "--rule",
                 "web-secret=none", "--rule", "api=write,operate")

    def seen(path):
        return [s["name"] for s in
                serve.get(path, **bearer(token)).json["services"]]
    assert seen("/api/v1/services") == ["web"]
    assert seen("/api/v1/status") == ["web"]
    get = lambda name: serve.get(
        f"/api/v1/services/{name}", **bearer(token)).status
    assert (get("web"), get("web-secret"), get("db")) == (200, 403, 403)
    assert put(serve, "web/i2", token).status == 201
    assert put(serve, "api/i1", token).status == 201
    assert put(serve, "db/i2", token).status == 403

    def operate(name):
        return serve.ask("POST", f"/api/v1/instances/{name}/maintenance",
                         {"force": True}, **bearer(token)).status
    assert (operate("api/i1"), operate("web/i2")) == (200, 403)
    # with Consul's header, and who wrote what
    assert serve.get("/api/v1/services/web",
                     X_Consul_Token=token).status == 200
    source = f"api/{token.split('-')[1]}"
    assert site.sql("SELECT source FROM instance WHERE service = 'api'") == \
        [(source,)]
    assert (f"{source} at 127.0.0.1",) in site.sql(
        "SELECT source FROM history")
    # another token does not take it
    other = make(site, "--rule", "=all")
    assert put(serve, "api/i1", other).status == 409
    assert serve.ask("DELETE", "/api/v1/instances/api/i1",
                     **bearer(other)).status == 403


def test_tokens_end(site, serve):
    token = make(site, "--note", "for tests", "--rule", "=all")
    short = make(site, "--lifetime", "1s")
    listed = json.loads(site.run("token", "list", "--json", "--registry",
                                 site.registry))
    assert {t["id"] for t in listed} == \
        {t.split("-")[1] for t in (token, short)}
    get = lambda t: serve.get("/api/v1/version", **bearer(t)).status
    assert get(token) == 200
    rollcall.until("its time is over", lambda: get(short) == 401)
    site.run("token", "revoke", token.split("-")[1], "--registry",
             site.registry)
    rollcall.until("it is revoked", lambda: get(token) == 401, 5)
    done = site.command("token", "revoke", "nope", "--registry",
                        site.registry)
    assert done.returncode == 2


def test_a_token_is_nowhere(site, serve):
    """Neither in the log nor in what is kept."""
    token = make(site, "--rule", "=all")
    put(serve, "api/i1", token)
    serve.ask("POST", "/api/v1/instances/api/i1/drain", {"force": True},
              **bearer(token))
    assert serve.get("/nowhere", **bearer(token)).status == 404
    assert serve.get("/api/v1/services/nope", **bearer(token)).status == 404
    assert serve.get("/api/v1/version",
                     **bearer(token[:-1] + "x")).status == 401
    serve.stop()
    secret = token.split("-")[2].encode()
    for file in site.folder.iterdir():
        if file.is_file():
            assert secret not in file.read_bytes(), file


def test_wrong_tokens_are_counted(serve):
    wrong = "rct-" + "0" * 12 + "-" + "0" * 48
    for text in ("x", wrong, "rct-", "a" * 500):
        assert serve.get("/api/v1/version", **bearer(text)).status == 401
    got = [serve.get("/api/v1/version", **bearer(wrong)).status
           for _ in range(20)]
    assert got[-1] == 429
    assert serve.get("/api/v1/version").status == 200


def test_the_owner_needs_no_token(site):
    path = site.folder / "api.sock"
    httpd.start(site, "--http", f"unix:{path}", "--anonymous-local", "none")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(5)
        sock.connect(str(path))
        sock.sendall(httpd.request("/api/v1/version", host="x"))
        assert sock.recv(65536).startswith(b"HTTP/1.1 200 ")
