# SPDX-License-Identifier: BSD-2-Clause
"""Consul's API of registrar serve: unmodified clients ask it, and its answers
are those of DNS."""

import concurrent.futures
import json
import shutil
import subprocess
import time

import httpd
import pytest
from rollcall import HOST, always, free_port, until


class Consul(httpd.Serve):
    def __init__(self, site, *args):
        super().__init__(site, *args)
        self.port = free_port()
        self.args = [a for a in self.args if a != "--http"
                     and not a.startswith(f"{HOST}:")]
        self.args += ["--consul", f"{HOST}:{self.port}"]

    def index(self, path):
        return int(self.get(path).headers["X-Consul-Index"])


@pytest.fixture
def consul(site):
    site.create_registry()
    site.put("web", ("web-1", "192.0.2.1"), ("two", "192.0.2.2", 300))
    site.put("db", ("db", "192.0.2.9"))
    site.sql("""UPDATE instance SET tags = '["v1","eu"]',
                meta = '{"env":"prod"}' WHERE name = 'web-1'""")
    site.put_health("web", "two", "critical")
    daemon = Consul(site)
    site.daemons.append(daemon)
    return daemon.start()


def names(reply):
    return [e["Service"]["ID"] for e in reply.json]


def test_a_service(consul):
    got = consul.get("/v1/health/service/web")
    assert got.status == 200
    assert names(got) == ["web-two", "web-1"] or \
        names(got) == ["web-1", "web-two"]
    one = next(e for e in got.json if e["Service"]["ID"] == "web-1")
    assert one["Service"] | {"ModifyIndex": 0} == {
        "ID": "web-1", "Service": "web", "Tags": ["v1", "eu"],
        "Address": "192.0.2.1", "Port": 8080, "Meta": {"env": "prod"},
        "TaggedAddresses": {"lan_ipv4": {"Address": "192.0.2.1",
                                         "Port": 8080}},
        "Weights": {"Passing": 100, "Warning": 100},
        "EnableTagOverride": False, "CreateIndex": 1, "ModifyIndex": 0}
    assert one["Node"]["Datacenter"] == "dc1"
    assert [c["CheckID"] for c in one["Checks"]] == ["serfHealth"]
    two = next(e for e in got.json if e["Service"]["ID"] == "web-two")
    assert [(c["CheckID"], c["Status"]) for c in two["Checks"]] == [
        ("serfHealth", "passing"), ("service:web-two:state", "critical")]
    flat = consul.get("/v1/catalog/service/web?tag=v1").json
    assert [(e["ServiceID"], e["ServiceAddress"], e["ServicePort"])
            for e in flat] == [("web-1", "192.0.2.1", 8080)]
    assert consul.get("/v1/health/service/none").json == []
    assert int(got.headers["X-Consul-Index"]) > 0


ASKED = [
    ("passing", ["web-1"]), ("passing=true", ["web-1"]),
    ("passing=1", ["web-1"]), ("passing=false", ["web-1", "web-two"]),
    ("tag=eu&tag=v1", ["web-1"]), ("tag=eu&tag=v2", []),
    ("stale&near=_agent", ["web-1", "web-two"]), ("dc=dc1", ["web-1",
                                                             "web-two"]),
    ('filter=Service.Meta.env+==+"prod"', ["web-1"]),
    ('filter=Service.Meta.env+!=+prod', ["web-two"]),
    ('filter="eu"+in+Service.Tags+and+not+Service.Port+==+1', ["web-1"]),
    ('filter=Service.Tags+contains+"v1"', ["web-1"]),
    ('filter=Service.Tags+is+empty+or+(Service.ID+==+"web-1")',
     ["web-1", "web-two"]),
    ('filter=Checks.Status+!=+critical', ["web-1"]),
    ('filter=Service.Meta["env"]+is+not+empty', ["web-1"]),
]


def test_what_is_asked_for(consul):
    for query, expected in ASKED:
        got = consul.get(f"/v1/health/service/web?{query}")
        assert got.status == 200, got.text
        assert sorted(names(got)) == expected, query


def test_what_is_not_to_be_had(consul):
    for path, status in (
            ("/v1/kv/a/b", 501), ("/v1/session/create", 501),
            ("/v1/connect/ca/roots", 501),
            ("/v1/health/service/web?dc=dc9", 500),
            ("/v1/health/service/web?wait=soon", 400),
            ("/v1/health/service/web?index=x", 400),
            ("/v1/health/state/well", 400),
            ("/v1/health/service/web?filter=Service.Nope+==+1", 400),
            ("/v1/health/service/web?filter=((", 400),
            ("/v1/catalog/services?filter=((", 400)):
        got = consul.get(path)
        assert got.status == status, (path, got.text)
        assert got.text.endswith("\n") and "{" not in got.text
    assert "key/value" in consul.get("/v1/kv/a").text


def test_all_services(site, consul):
    assert consul.get("/v1/catalog/services").json == {
        "db": [], "web": ["v1", "eu"]} or consul.get(
        "/v1/catalog/services").json == {"db": [], "web": ["eu", "v1"]}
    assert consul.get("/v1/catalog/datacenters").json == ["dc1"]
    assert consul.get("/v1/status/leader").json == "127.0.0.1:8300"
    assert consul.get("/v1/agent/self").json["Config"]["Datacenter"] == "dc1"
    nodes = consul.get("/v1/catalog/nodes").json
    assert len(nodes) == 1
    node = nodes[0]["Node"]
    got = consul.get(f"/v1/catalog/node/{node}").json
    assert sorted(got["Services"]) == ["db", "web-1", "web-two"]
    assert len(consul.get(
        f"/v1/catalog/node-services/{node}").json["Services"]) == 3
    assert sorted(consul.get("/v1/agent/services").json) == [
        "db", "web-1", "web-two"]
    assert list(consul.get(
        '/v1/agent/services?filter=Service+==+"db"').json) == ["db"]
    assert list(consul.get("/v1/agent/checks").json) == [
        "service:web-two:state"]
    assert [c["ServiceID"] for c in
            consul.get("/v1/health/state/critical").json] == ["web-two"]
    assert len(consul.get("/v1/health/state/any").json) == 2
    assert len(consul.get(f"/v1/health/node/{node}").json) == 2
    assert len(consul.get("/v1/health/checks/web").json) == 1
    assert consul.get("/v1/agent/health/service/name/web?format=text").text \
        == "critical"
    assert consul.get("/v1/agent/health/service/name/db").status == 200
    # large ones come in pieces
    site.script("""
        BEGIN; CREATE TEMP TABLE t AS WITH RECURSIVE n (k) AS (VALUES (0)
            UNION ALL SELECT k + 1 FROM n WHERE k < 299) SELECT k FROM n;
        INSERT INTO service (name, port) SELECT 's' || k, 80 FROM t;
        INSERT INTO instance (service, name, address)
            SELECT 's' || k, 's' || k, '192.0.2.1' FROM t; COMMIT;""")
    until("all are there",
          lambda: len(consul.get("/v1/catalog/services").json) == 302)


def test_who_waits_is_woken_by_what_it_asked_about(site, consul):
    path = "/v1/health/service/web"
    # the first change of a service may be one of its name or tags
    site.put_health("db", "db", "warning")
    site.put("web", ("three", "192.0.2.3"))
    site.sql("DELETE FROM instance WHERE name = 'three'")
    until("it is gone", lambda: len(consul.get(path).json) == 2)
    consul.get("/v1/catalog/services")
    index = consul.index(path)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waits = pool.submit(consul.get, f"{path}?passing&index={index}")
        names_wait = pool.submit(
            consul.get, "/v1/catalog/services?index="
            f"{consul.index('/v1/catalog/services')}&wait=20s")
        for _ in range(3):
            site.put_health("db", "db", "critical")
            site.put_health("db", "db", "passing")
        always("it waits", lambda: not waits.done())
        start = time.monotonic()
        site.put_health("web", "two", "passing")
        got = waits.result(10)
        assert time.monotonic() - start < 5
        assert sorted(names(got)) == ["web-1", "web-two"]
        assert int(got.headers["X-Consul-Index"]) > index
        # a time that is over is no change
        index = int(got.headers["X-Consul-Index"])
        again = consul.get(f"{path}?index={index}&wait=300ms")
        assert int(again.headers["X-Consul-Index"]) == index
        site.put("new", ("new-1", "192.0.2.5"))
        assert "new" in names_wait.result(10).json


def test_no_flip_is_missed(site, consul):
    """Who asks again and again has the last state of each, in the end."""
    path = "/v1/health/service/web?passing"

    def watch():
        index, seen = 0, 0
        while True:
            got = consul.get(f"{path}&index={index}&wait=10s")
            new = int(got.headers["X-Consul-Index"])
            assert new >= index
            seen += new != index
            index = new
            if any(e["Service"]["Meta"].get("end") for e in got.json):
                return seen
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        watchers = [pool.submit(watch) for _ in range(10)]
        for k in range(60):
            site.put_health("web", "two", ("passing", "critical")[k % 2])
        site.sql("UPDATE instance SET meta = '{\"end\":\"1\"}' "
                 "WHERE name = 'web-1'")
        for w in watchers:
            assert w.result(60) >= 2


def test_names_are_no_news_when_health_is(site, consul):
    path = "/v1/catalog/services"
    site.put_health("web", "two", "passing")
    consul.get(path)
    index = consul.index(path)
    for health in ("critical", "passing") * 3:
        site.put_health("web", "two", health)
    assert consul.index(path) == index
    site.sql("UPDATE instance SET tags = '[\"v9\"]' WHERE name = 'two'")
    until("tags are news", lambda: consul.index(path) > index)


def put(consul, path, body=None, method="PUT"):
    got = consul.ask(method, path, body)
    assert got.status == 200, (path, got.text)
    return got


def test_a_life(site, consul):
    """Register, report, be late, come back, deregister: as DNS has it."""
    dnsd = site.start_dnsd()
    put(consul, "/v1/agent/service/register", {
        "ID": "api-1", "Name": "api", "Port": 8080, "Address": "192.0.2.7",
        "Tags": ["v2"], "Meta": {"env": "test"},
        "Weights": {"Passing": 7, "Warning": 1},
        "Check": {"TTL": "2s"}})
    assert dnsd.addresses("api") == []
    (entry,) = consul.get("/v1/health/service/api").json
    assert [(c["CheckID"], c["Status"]) for c in entry["Checks"]][1:] == [
        ("service:api-1", "critical")]
    assert entry["Service"]["Weights"] == {"Passing": 7, "Warning": 1}
    put(consul, "/v1/agent/check/pass/service%3Aapi-1?note=fine")
    dnsd.wait_addresses("api", ["192.0.2.7"])
    assert dnsd.ask("_api._tcp", "SRV").srv() == [(0, 7, 8080, "api-1.api")]
    put(consul, "/v1/agent/check/fail/service:api-1?note=bad")
    dnsd.wait_addresses("api", [])
    (entry,) = consul.get("/v1/health/service/api").json
    assert entry["Checks"][1]["Output"] == "bad"
    put(consul, "/v1/agent/check/warn/service:api-1", method="GET")
    dnsd.wait_addresses("api", ["192.0.2.7"])
    for _ in range(6):
        put(consul, "/v1/agent/check/pass/service:api-1?note=ok")
        time.sleep(0.5)
        assert dnsd.addresses("api") == ["192.0.2.7"]
    until("it was late", lambda: dnsd.addresses("api") == [])
    assert consul.get("/v1/health/service/api?passing").json == []
    put(consul, "/v1/agent/check/update/service:api-1",
        {"Status": "passing", "Output": "again"})
    dnsd.wait_addresses("api", ["192.0.2.7"])
    one = consul.get("/v1/agent/service/api-1")
    assert one.json["Service"] == "api"
    assert one.headers["X-Consul-ContentHash"] == one.json["ContentHash"]
    put(consul, "/v1/agent/service/deregister/api-1", method="GET")
    dnsd.wait_addresses("api", [])
    assert consul.get("/v1/health/service/api").json == []
    assert "api" not in consul.get("/v1/catalog/services").json
    assert consul.ask(
        "PUT", "/v1/agent/service/deregister/api-1").status == 404


def test_a_check_that_is_run(site, consul):
    """By the registrar, of the instance's own address."""
    site.start_registrar()
    dnsd = site.start_dnsd()
    port = free_port()
    put(consul, "/v1/agent/service/register", {
        "ID": "run-1", "Name": "run", "Port": port, "Address": HOST,
        "Checks": [{"HTTP": f"http://{HOST}:{port}/health",
                    "Interval": "200ms", "Timeout": "1s",
                    "DeregisterCriticalServiceAfter": "1m"}]})
    assert dnsd.addresses("run") == []

    def checks():
        (entry,) = consul.get("/v1/health/service/run").json
        return [(c["CheckID"], c["Type"], c["Status"])
                for c in entry["Checks"][1:]]
    until("it was run", lambda: checks() == [
        ("service:run-1", "http", "critical")])
    site.processes.append(subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", "python3", "-c", f"""
import http.server
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_): pass
http.server.HTTPServer(("{HOST}", {port}), H).serve_forever()"""]))
    dnsd.wait_addresses("run", [HOST])
    assert checks() == [("service:run-1", "http", "passing")]
    site.processes[-1].kill()
    dnsd.wait_addresses("run", [])
    put(consul, "/v1/agent/service/deregister/run-1")
    until("it is gone",
          lambda: consul.get("/v1/health/service/run").json == [])


def test_odd_ids(site, consul):
    """What no name can be is an ID all the same, as Registrator has them."""
    ident = "Host_A:redis-x:6379"
    put(consul, "/v1/agent/service/register",
        {"id": ident, "name": "redis", "port": 6379, "address": "192.0.2.8"})
    (entry,) = consul.get("/v1/health/service/redis?passing").json
    assert entry["Service"]["ID"] == ident
    assert entry["Service"]["Meta"] == {}
    quoted = "Host_A%3Aredis-x%3A6379"
    assert consul.get(f"/v1/agent/service/{quoted}").json["ID"] == ident
    put(consul, f"/v1/agent/service/deregister/{quoted}")
    assert consul.get("/v1/health/service/redis").json == []


def test_what_is_not_taken(site, consul):
    for body, status in (
            ({}, 400), ([], 400), ({"Name": "!"}, 400),
            ({"Name": "a", "Address": "example.com"}, 400),
            ({"Name": "a", "Port": 70000}, 400),
            ({"Name": "a", "Check": {"Args": ["true"]}}, 501),
            ({"Name": "a", "Check": {"HTTP": "http://192.0.2.1/",
                                     "Interval": "1s"}}, 403),
            ({"Name": "a", "Check": {"TCP": "127.0.0.1:1",
                                     "Interval": "soon"}}, 400),
            ({"Name": "a", "Check": {"TTL": "soon"}}, 400),
            ({"Name": "a", "Check": {"TTL": "10s", "Status": "x"}}, 400),
            ({"Name": "a", "Kind": "connect-proxy"}, 501)):
        got = consul.ask("PUT", "/v1/agent/service/register", body)
        assert got.status == status, (body, got.text)
    assert sorted(consul.get("/v1/catalog/services").json) == ["db", "web"]
    # what another has described is left alone
    for path in "service/deregister/web-1", "check/pass/service:web-1":
        assert consul.ask("PUT", f"/v1/agent/{path}").status in (403, 404)
    assert consul.ask("PUT", "/v1/agent/service/register", {
        "Name": "web", "ID": "web-1", "Address": "192.0.2.99"}).status >= 400
    assert len(site.sql("SELECT 1 FROM instance")) == 3


NPM = """
const Consul = require("consul");
(async () => {
  const c = new Consul({host: "%s", port: %d});
  const out = {};
  out.services = Object.keys(await c.catalog.service.list());
  out.nodes = (await c.catalog.service.nodes("web")).length;
  out.passing = (await c.health.service({service: "web", passing: true}))
    .map(e => e.Service.ID);
  out.dc = (await c.agent.self()).Config.Datacenter;
  out.checks = Object.keys(await c.agent.checks());
  await c.agent.service.register({name: "api", id: "api-1", port: 80,
    address: "192.0.2.7", tags: ["v1"], meta: {a: "b"},
    check: {ttl: "10s", deregistercriticalserviceafter: "1m"}});
  await c.agent.check.pass({id: "service:api-1", note: "fine"});
  out.api = (await c.health.service({service: "api", passing: true}))
    .map(e => [e.Service.ID, e.Service.Tags, e.Service.Meta]);
  await c.agent.check.fail("service:api-1");
  out.down = (await c.health.service({service: "api", passing: true})).length;
  await c.agent.service.deregister("api-1");
  out.gone = (await c.catalog.service.nodes("api")).length;
  console.log(JSON.stringify(out));
  const watch = c.watch({method: c.health.service,
    options: {service: "web", passing: true, wait: "20s"}});
  watch.on("change", d => {
    console.log(JSON.stringify(d.map(e => e.Service.ID).sort()));
    if (d.length === 2) { watch.end(); process.exit(0); }
  });
  watch.on("error", e => { console.log(String(e)); process.exit(1); });
})().catch(e => { console.log(String(e)); process.exit(1); });
"""


def npm(folder, *packages):
    """Packages of npm in a folder; the test is skipped without them."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("no node or npm")
    done = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--prefer-offline",
         *packages], cwd=folder, text=True, capture_output=True,
        timeout=120, check=False)
    if done.returncode:
        pytest.skip(f"npm has no {packages}: {done.stderr[-300:]}")


@pytest.mark.slow
def test_npm_consul(site, consul, tmp_path):
    npm(tmp_path, "consul@2.0.1")
    script = tmp_path / "ask.js"
    script.write_text(NPM % (HOST, consul.port))
    with subprocess.Popen(["node", script], text=True,
                          stdout=subprocess.PIPE) as node:
        first = json.loads(node.stdout.readline())
        assert first["services"] == ["db", "web"]
        assert first["nodes"] == 2 and first["dc"] == "dc1"
        assert first["passing"] == ["web-1"]
        assert first["checks"] == ["service:web-two:state"]
        assert first["api"] == [["api-1", ["v1"], {"a": "b"}]]
        assert (first["down"], first["gone"]) == (0, 0)
        assert json.loads(node.stdout.readline()) == ["web-1"]
        site.put_health("web", "two", "passing")
        assert json.loads(node.stdout.readline()) == ["web-1", "web-two"]
        assert node.wait(30) == 0


def test_python_consul(site, consul):
    """Debian's python3-consul."""
    client = pytest.importorskip("consul", reason="no python3-consul")
    c = client.Consul(host=HOST, port=consul.port)
    index, services = c.catalog.services()
    assert sorted(services) == ["db", "web"]
    index, entries = c.health.service("web", passing=True)
    assert [e["Service"]["ID"] for e in entries] == ["web-1"]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waits = pool.submit(c.health.service, "web", index=index, wait="20s",
                            passing=True)
        site.put_health("web", "two", "passing")
        assert len(waits.result(20)[1]) == 2
    assert c.status.leader() == "127.0.0.1:8300"
    assert sorted(c.agent.services()) == ["db", "web-1", "web-two"]
    assert c.agent.service.register(
        "api", service_id="api-1", address="192.0.2.7", port=80, tags=["v1"],
        check=client.Check.ttl("10s"))
    assert c.agent.check.ttl_pass("service:api-1")
    assert len(c.health.service("api", passing=True)[1]) == 1
    assert c.agent.service.deregister("api-1")
    assert c.health.service("api")[1] == []
