# SPDX-License-Identifier: BSD-2-Clause
"""What registrar serve says is what its description says."""

import json

import httpd
import pytest
import rollcall

pytestmark = pytest.mark.slow
jsonschema = pytest.importorskip("jsonschema")
yaml = pytest.importorskip("yaml")

API = yaml.safe_load(
    (rollcall.TREE / "registrar/http/api/openapi.yaml").read_text())
ROUTES = (rollcall.TREE / "registrar/http/api/api.c").read_text()


def check(schema, value):
    jsonschema.Draft202012Validator(
        {**schema, "components": API["components"]}).validate(value)


def described(path, method, got):
    """The answer of a request is among those that the path may have."""
    answers = API["paths"][path][method]["responses"]
    answer = answers.get(str(got.status), answers["default"])
    if "content" not in answer:
        assert got.text == ""
        return
    kind, = answer["content"]
    assert got.headers["Content-Type"] == kind
    check(answer["content"][kind]["schema"], got.json)


@pytest.fixture
def ask(site):
    serve = httpd.start(site, "--anonymous-local", "all")

    def send(method, path, body=None, query="", **names):
        if body is not None:
            content = API["paths"][path][method]["requestBody"]["content"]
            check(content["application/json"]["schema"], body)
        got = serve.ask(method.upper(),
                        "/api/v1" + path.format(**names) + query, body)
        described(path, method, got)
        return got
    return send


def test_every_route_is_described():
    routes = {line.split('"')[1] for line in ROUTES.splitlines()
              if '"/api/v1' in line}
    bare = {"/api/v1" + "/".join(
        "{}" if part.startswith("{") else part for part in path.split("/"))
        for path in API["paths"]}
    bare = {p.replace("/explain/{}", "/explain/{*}") for p in bare
            if not p.startswith("/api/v1/history/")}
    assert routes - {"/api/v1/history/{*}"} == bare


def test_answers_are_as_described(site, ask):
    site.start_dnsd()
    site.start_registrar()
    site.define("web.yaml", """
service: web
port: 80
instances: [{address: 10.0.0.7, name: i1}]
checks: [{ttl: 60s, name: beat}]
""")
    one = {"service": "web", "instance": "i1"}
    rollcall.until("it is there", lambda: ask(
        "get", "/instances/{service}/{instance}", **one).status == 200)
    rollcall.until("its check is there", lambda: ask(
        "get", "/instances/{service}/{instance}", **one).json["checks"])
    report = "/checks/{service}/{instance}/{check}"
    assert ask("put", report, {"status": "passing", "output": "x"},
               check="beat", **one).status == 204
    assert ask("put", report, {"status": "passing"}, check="no",
               **one).status == 404
    new = {"service": "api", "instance": "i1"}
    path = "/instances/{service}/{instance}"
    body = {"address": "10.0.0.1", "port": 80, "lease": "60s", "weight": 5,
            "tags": ["a"], "meta": {"a": "b"}, "service": {"ttl_s": 1},
            "checks": [{"tcp": "{address}:{port}", "interval": "1s"}]}
    assert ask("put", path, body, **new).status == 201
    assert ask("put", path, body, **new).status == 200
    assert ask("put", path, body, **one).status == 403
    assert ask("post", path + "/renew", {"lease": 90}, **new).status == 200
    for name in ("drain", "resume", "maintenance", "weight"):
        assert ask("post", path + "/{operation}", {"force": True},
                   operation=name, **new).status == 200
    assert ask("post", "/services/{service}/{operation}", service="api",
               operation="resume").status == 200
    assert ask("get", "/version").status == 200
    assert ask("get", "/status").json["registrars"]
    assert ask("get", "/overview", query="?q=web").json["matches_n"] == 1
    assert ask("get", "/overview", query="?limit=0").status == 400
    assert ask("get", "/programs").json["may"]
    assert ask("get", "/programs", query="?service=web").json["dnsd"]
    assert ask("get", "/services").status == 200
    assert ask("get", "/services", query="?limit=0").status == 400
    assert ask("get", "/services/{service}", service="web").json["dnsd"]
    assert ask("get", "/services/{service}", service="no").status == 404
    assert ask("get", "/explain/{name}", name="web").status == 200
    assert ask("get", "/history").json
    assert ask("get", "/history/{service}", service="api").json
    assert ask("get", "/history/{service}/{instance}", **new).json
    assert ask("delete", path, **new).status == 204
    assert ask("delete", path, **new).status == 404


def test_a_wrong_answer_would_be_seen():
    with pytest.raises(jsonschema.ValidationError):
        check({"$ref": "#/components/schemas/Version"},
              json.loads('{"version": 1}'))
