# SPDX-License-Identifier: BSD-2-Clause
"""The API of registrar serve: what registers itself, and what operators do."""

import json
import pathlib
import random
import time

import httpd
import pytest
import rollcall


@pytest.fixture
def serve(site):
    return httpd.start(site, "--anonymous-local", "all")


@pytest.fixture
def dnsd(site, serve):
    return site.start_dnsd()


def put(serve, name, **body):
    body = {"address": "10.0.0.1", "port": 8080} | body
    got = serve.ask("PUT", f"/api/v1/instances/{name}", body)
    assert got.status in (200, 201), got.text
    return got


def test_self_registration(site, serve, dnsd):
    got = put(serve, "api/i1", weight=7, tags=["v2"], meta={"a": "b"},
              service={"ttl_s": 3})
    assert got.status == 201
    assert got.json["source"] == "api/anonymous"
    assert got.json["weight"] == 7 and got.json["tags"] == ["v2"]
    dnsd.wait_addresses("api", ["10.0.0.1"])
    assert dnsd.ask("_api._tcp", "SRV").srv() == [(0, 7, 8080, "i1.api")]
    assert site.sql("SELECT ttl_s, source FROM service") == \
        [(3, "api/anonymous")]
    # the same again is no change
    at = site.sql("SELECT max(revision) FROM change")
    assert put(serve, "api/i1", weight=7, tags=["v2"], meta={"a": "b"},
               service={"ttl_s": 3}).status == 200
    assert site.sql("SELECT max(revision) FROM change") == at
    put(serve, "api/i2", address="10.0.0.2")
    dnsd.wait_addresses("api", ["10.0.0.1", "10.0.0.2"])
    assert serve.ask("DELETE", "/api/v1/instances/api/i1").status == 204
    dnsd.wait_addresses("api", ["10.0.0.2"])
    assert serve.ask("DELETE", "/api/v1/instances/api/i1").status == 404
    assert serve.ask("DELETE", "/api/v1/instances/api/i2").status == 204
    assert site.sql("SELECT * FROM service") == []
    notes = site.sql("SELECT source, reason FROM history "
                     "WHERE reason IN ('registered', 'deregistered')")
    assert ("api/anonymous at 127.0.0.1", "registered") in notes


WRONG = {
    "address": ({"address": "10.0.0.256"}, "address"),
    "port": ({"address": "10.0.0.1", "port": 70000}, "port"),
    "text": ({"address": "10.0.0.1", "port": "80"}, "port"),
    "unknown": ({"address": "10.0.0.1", "prot": 80}, "prot"),
    "lease": ({"address": "10.0.0.1", "lease": "1ms"}, "lease"),
    "nested": ({"address": "10.0.0.1", "service": {"ttl": 1}}, "service.ttl"),
    "tags": ({"address": "10.0.0.1", "tags": [1]}, "tags"),
    "list": ([], "body"),
}


@pytest.mark.parametrize("body, field", WRONG.values(), ids=WRONG)
def test_wrong_values_name_the_field(site, serve, body, field):
    got = serve.ask("PUT", "/api/v1/instances/api/i1", body)
    assert got.status == 422 and got.json["field"] == field, got.text
    assert site.sql("SELECT * FROM instance") == []


def test_wrong_bodies(serve):
    for text in ("", "{", '{"a":1,"a":2}', "[" * 30 + "]" * 30, "\xff"):
        got = serve.ask("PUT", "/api/v1/instances/api/i1",
                        text.encode("latin1"))
        assert got.status == 400 and got.json["field"] == "body", got.text
    assert serve.ask("PUT", "/api/v1/instances/a_b/i1", {}).status == 422


def test_leases(site, serve, dnsd):
    put(serve, "api/i1", lease="2s")
    dnsd.wait_addresses("api", ["10.0.0.1"])
    revision = site.sql("SELECT max(revision) FROM change")
    end = time.monotonic() + 4
    while time.monotonic() < end:
        got = serve.ask("POST", "/api/v1/instances/api/i1/renew")
        assert got.status == 200
        assert got.json["lease_until_wall_ms"] > time.time() * 1000 + 1000
        assert dnsd.addresses("api") == ["10.0.0.1"]
        time.sleep(0.5)
    assert site.sql("SELECT max(revision) FROM change") == revision
    dnsd.wait_addresses("api", [], seconds=6)
    got = serve.ask("POST", "/api/v1/instances/api/i1/renew")
    assert got.status == 404, got.text
    put(serve, "api/i1", lease="60s")
    dnsd.wait_addresses("api", ["10.0.0.1"])
    assert serve.ask("POST", "/api/v1/instances/api/nope/renew").status == 404
    # renewed by a server that has not seen it registered
    serve.stop()
    serve.start()
    got = serve.ask("POST", "/api/v1/instances/api/i1/renew",
                    {"lease": "90s"})
    until = got.json["lease_until_wall_ms"]
    rollcall.until("it is written", lambda: site.sql(
        "SELECT lease_until_wall_ms FROM instance") == [(until,)])


def test_who_waits_hears_of_the_end_of_a_lease(site, serve):
    put(serve, "api/i1", lease="2s")
    at = serve.get("/api/v1/services/api").revision
    got = serve.get(f"/api/v1/services/api?revision={at}&wait=30")
    one, = got.json["services"][0]["instances"]
    assert one["state"] == "expired" and not one["in"]
    late = time.time() * 1000 - one["lease_until_wall_ms"]
    assert 0 <= late < 5000, late  # 50 where nothing else runs
    put(serve, "api/i1", lease="60s")
    one, = serve.get("/api/v1/services/api").json["services"][0]["instances"]
    assert one["health"] == "passing"


def test_nobody_takes_what_another_has_described(site, serve):
    site.put("web", ("i1", "10.0.0.1"))
    got = serve.ask("PUT", "/api/v1/instances/web/i2",
                    {"address": "10.0.0.9"})
    assert got.status == 403 and "'sql'" in got.json["detail"]
    got = serve.ask("DELETE", "/api/v1/instances/web/i1")
    assert got.status == 403
    assert len(site.sql("SELECT * FROM instance")) == 1


def test_operations(site, serve, dnsd):
    put(serve, "api/i1")
    put(serve, "api/i2", address="10.0.0.2")
    dnsd.wait_addresses("api", ["10.0.0.1", "10.0.0.2"])

    def do(what, **body):
        return serve.ask("POST", f"/api/v1/instances/api/i1/{what}", body)
    got = do("drain", reason="by hand")
    assert got.status == 200 and got.json[0]["now"] == "draining", got.text
    dnsd.wait_addresses("api", ["10.0.0.2"])
    got = serve.ask("POST", "/api/v1/instances/api/i2/maintenance", {})
    assert got.status == 409 and "last instance" in got.json["detail"]
    assert do("resume").json[0]["now"] == "active"
    dnsd.wait_addresses("api", ["10.0.0.1", "10.0.0.2"])
    assert do("maintenance").json[0]["now"] == "maintenance"
    dnsd.wait_addresses("api", ["10.0.0.2"])
    assert do("weight", weight=1).json[0]["now"] == "weight 1"
    assert do("weight").json[0]["now"] == "weight 100"
    got = serve.ask("POST", "/api/v1/services/api/resume")
    assert [c["now"] for c in got.json] == ["active", "active"]
    assert do("nonsense").status == 404
    assert serve.ask("POST", "/api/v1/instances/api/nope/drain").status == 404
    notes = site.sql("SELECT source FROM history WHERE reason = 'by hand'")
    assert notes == [("api/anonymous at 127.0.0.1",)]


def test_explain_and_history_say_what_the_commands_say(site, serve):
    put(serve, "api/i1")

    def command(*args):
        return json.loads(site.command(
            *args, "--json", "--registry", site.registry).stdout)

    def plain(o):
        return json.loads(json.dumps(o), object_hook=lambda d: {
            k: v for k, v in d.items() if k != "now_wall_ms"})
    for name in ("api", "api/i1", "_api._tcp"):
        got = serve.get(f"/api/v1/explain/{name}")
        assert got.status == 200, got.text
        assert plain(got.json) == plain(command("explain", name))
    assert serve.get("/api/v1/history/api").json == command("history", "api")
    assert serve.get("/api/v1/history?limit=1").json == \
        command("history", "--limit", "1")
    assert serve.get("/api/v1/history/api/i1?at=1m").status == 200
    assert serve.get("/api/v1/history?at=x").status == 404
    assert serve.get("/api/v1/explain/nope").status == 404


def test_ttl_checks(site, serve, registrar):
    site.define("hb.yaml", """
service: hb
port: 80
instances: [{address: 10.0.0.7, name: i1}]
checks: [{ttl: 60s, name: beat}]
""")
    state = lambda: serve.get("/api/v1/instances/hb/i1").json
    rollcall.until("it is there", lambda: state().get("checks"))
    got = serve.ask("PUT", "/api/v1/checks/hb/i1/beat",
                    {"status": "passing", "output": "fine"})
    assert got.status == 204, got.text
    rollcall.until("passing", lambda: state()["health"] == "passing")
    assert state()["checks"][0]["output"] == "fine"
    assert serve.ask("PUT", "/api/v1/checks/hb/i1/nope",
                     {"status": "passing"}).status == 404
    assert serve.ask("PUT", "/api/v1/checks/hb/i1/beat",
                     {"status": "dead"}).json["field"] == "status"


def test_a_registry_that_is_locked(site, serve):
    """Asking goes on; writing waits, and says so when it takes too long."""
    put(serve, "api/i1")
    db = site.connect()
    db.execute("BEGIN IMMEDIATE")
    begun = time.monotonic()
    got = serve.ask("PUT", "/api/v1/instances/api/i2", {"address": "10.1.1.1"})
    assert got.status == 503 and time.monotonic() - begun > 1
    assert serve.get("/api/v1/services/api").status == 200
    db.rollback()
    db.close()
    put(serve, "api/i2")


def counted(serve):
    """What the overview has to say, by a walk over everything."""
    walked = serve.get("/api/v1/status").json
    states = {}
    for service in walked["services"]:
        for instance in service["instances"]:
            state = instance["state"]
            states[state] = states.get(state, 0) + 1
    return (len(walked["services"]), states, walked["healthy"],
            [(s["name"], s["eligible_n"], s["instances_n"])
             for s in walked["services"]])


def overview(serve):
    told = serve.get("/api/v1/overview?limit=500").json
    return (told["services_n"], told["states"], told["healthy"],
            [(s["name"], s["eligible_n"], s["instances_n"])
             for s in told["services"]])


def test_counts_follow_whatever_changes(site, serve):
    """They are kept, not counted anew: by changes, and by time alone."""
    draw = random.Random(7)
    assert overview(serve) == counted(serve) == (0, {}, True, [])
    for k in range(130):  # more than one piece of the first walk
        site.put(f"s{k:03}", ("i1", "10.0.0.1"), ("i2", "10.0.0.2"))
    for step in range(60):
        one = f"s{draw.randrange(140):03}"
        soon = int(time.time() * 1000) + draw.randrange(100, 900)
        site.script(draw.choice([
            f"UPDATE instance SET health = 'critical' WHERE service = '{one}'"
            " AND name = 'i1';",
            f"UPDATE instance SET health = 'passing' WHERE service = '{one}';",
            f"DELETE FROM instance WHERE service = '{one}';",
            f"DELETE FROM service WHERE name = '{one}';",
            f"INSERT OR IGNORE INTO service (name) VALUES ('{one}');",
            "UPDATE instance SET mode = 'maintenance' WHERE service ="
            f" '{one}' AND name = 'i2';",
            f"UPDATE instance SET lease_until_wall_ms = {soon} WHERE service"
            f" = '{one}';",
            f"UPDATE service SET name = 'n{step:03}' WHERE name = '{one}';"]))
        rollcall.until("the same", lambda: overview(serve) == counted(serve))
    time.sleep(1)
    rollcall.until("leases ran out", lambda: overview(serve) ==
                   counted(serve) and "expired" in overview(serve)[1])
    # another registry in its place
    for behind in ("", "-wal", "-shm"):
        pathlib.Path(f"{site.registry}{behind}").unlink(missing_ok=True)
    site.create_registry()
    site.put("other", ("i1", "10.0.0.1"))
    rollcall.until("that", lambda: overview(serve) ==
                   (1, {"passing": 1}, True, [("other", 1, 1)]))
