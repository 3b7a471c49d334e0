# SPDX-License-Identifier: BSD-2-Clause
"""Eureka's API of registrar serve: its clients register and find, and DNS has
what they register."""

import http.client
import json
import shutil
import subprocess
import time
import xml.etree.ElementTree

import contextlib
import httpd
import pytest
from rollcall import HOST, free_port, until
from test_consul_api import npm


@pytest.fixture
def serve(site):
    return httpd.start(site)


def instance(**more):
    return {"instance": {
        "instanceId": "host:web:8080", "hostName": "localhost", "app": "WEB",
        "ipAddr": "192.0.2.7", "vipAddress": "web", "status": "UP",
        "port": {"$": 8080, "@enabled": "true"},
        "dataCenterInfo": {"@class": "x", "name": "MyOwn"},
        "leaseInfo": {"renewalIntervalInSecs": 1, "durationInSecs": 2},
        "metadata": {"@class": "java.util.Collections$EmptyMap", "v": "1"},
        **more}}


ONE = "/eureka/apps/WEB/host%3Aweb%3A8080"


def apps(serve, path="/eureka/apps/"):
    got = serve.get(path, Accept="application/json").json["applications"]
    return got["apps__hashcode"], {
        a["name"]: [(i["instanceId"], i["status"], i["ipAddr"],
                     i["port"]["$"]) for i in a["instance"]]
        for a in got["application"]}


def test_a_life(site, serve):
    dnsd = site.start_dnsd()
    assert serve.ask("PUT", ONE).status == 404
    assert serve.ask("POST", "/eureka/apps/WEB", instance()).status == 204
    dnsd.wait_addresses("web", ["192.0.2.7"])
    assert apps(serve) == ("UP_1_", {"WEB": [
        ("host:web:8080", "UP", "192.0.2.7", 8080)]})
    assert apps(serve, "/eureka/v2/apps/delta") == apps(serve)
    assert apps(serve, "/eureka/vips/web") == apps(serve)
    one = serve.get(ONE, Accept="application/json").json["instance"]
    assert one["metadata"] == {"v": "1"}
    assert one["port"] == {"$": 8080, "@enabled": "true"}
    # renewed, it stays; late, it is gone at once
    for _ in range(6):
        assert serve.ask("PUT", f"{ONE}?status=UP").status == 200
        time.sleep(0.5)
        assert dnsd.addresses("web") == ["192.0.2.7"]
    until("it was late", lambda: dnsd.addresses("web") == [])
    assert apps(serve) == ("", {})
    assert serve.ask("PUT", ONE).status == 404
    assert serve.ask("POST", "/eureka/apps/WEB", instance(
        leaseInfo={"durationInSecs": 90})).status == 204
    dnsd.wait_addresses("web", ["192.0.2.7"])
    assert serve.ask(
        "PUT", f"{ONE}/status?value=OUT_OF_SERVICE").status == 200
    dnsd.wait_addresses("web", [])
    assert apps(serve)[0] == "OUT_OF_SERVICE_1_"
    assert serve.ask("DELETE", f"{ONE}/status?value=UP").status == 200
    dnsd.wait_addresses("web", ["192.0.2.7"])
    assert serve.ask("POST", "/eureka/apps/WEB", instance(
        status="DOWN")).status == 204
    dnsd.wait_addresses("web", [])
    assert serve.ask("DELETE", ONE).status == 200
    assert serve.ask("DELETE", ONE).status == 404
    assert serve.get("/eureka/apps/WEB").status == 404


def test_what_others_registered(site, serve):
    site.put("db", ("one", "192.0.2.1"), ("two", "192.0.2.2"))
    site.put_health("db", "two", "critical")
    until("they are there", lambda: apps(serve) == ("DOWN_1_UP_1_", {"DB": [
        ("one", "UP", "192.0.2.1", 8080),
        ("two", "DOWN", "192.0.2.2", 8080)]}))
    # without Accept it is XML
    site.sql("UPDATE instance SET meta = ? WHERE name = 'one'",
             json.dumps({"a b": '<&">'}))
    until("it is escaped", lambda: '&lt;&amp;&quot;&gt;' in
          serve.get("/eureka/apps").text)
    root = xml.etree.ElementTree.fromstring(serve.get("/eureka/apps").text)
    assert root.find("apps__hashcode").text == "DOWN_1_UP_1_"
    first = root.find("application/instance")
    assert first.find("port").attrib == {"enabled": "true"}
    assert first.find("port").text == "8080"
    assert first.find("metadata/a_b").text == '<&">'
    assert serve.ask("DELETE", "/eureka/apps/DB/one").status == 403


def test_what_is_not_taken(site, serve):
    for body, status in (
            ({}, 400), ({"instance": []}, 400), ("<instance/>", 400),
            (instance(ipAddr="example.com"), 400),
            (instance(status="FINE"), 400), (instance(port={"$": -1}), 400),
            (instance(instanceId=None, hostName=None), 400),
            (instance(leaseInfo={"durationInSecs": 0}), 400)):
        got = serve.ask("POST", "/eureka/apps/WEB", body)
        assert got.status == status, (body, got.text)
    assert serve.ask(
        "PUT", f"{ONE}/status?value=WELL").status == 400
    assert apps(serve) == ("", {})


CLIENT = """
const {Eureka} = require("eureka-js-client");
const client = new Eureka({
  instance: {app: "js", instanceId: "js-1", hostName: "localhost",
    ipAddr: "192.0.2.8", port: {"$": 3000, "@enabled": "true"},
    vipAddress: "js", statusPageUrl: "http://192.0.2.8/",
    dataCenterInfo: {"@class":
      "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo",
      name: "MyOwn"}},
  eureka: {host: "%s", port: %d, servicePath: "/eureka/apps/",
    heartbeatInterval: 300, registryFetchInterval: 300,
    useLocalMetadata: true}});
client.logger.level("error");
client.start(error => {
  if (error) { console.log(String(error)); process.exit(1); }
  const show = () => console.log(JSON.stringify(
    [client.getInstancesByAppId("DB"), client.getInstancesByAppId("JS")]
      .map(list => list.map(i => i.ipAddr))));
  setInterval(show, 300);
});
process.stdin.on("end", () => client.stop(() => process.exit(0)));
process.stdin.resume();
"""


@pytest.mark.slow
def test_eureka_js_client(site, serve, tmp_path):
    """Unmodified: it registers, is in DNS, finds others, and is gone."""
    npm(tmp_path, "eureka-js-client@4.5.0")
    site.put("db", ("one", "192.0.2.1"))
    dnsd = site.start_dnsd()
    script = tmp_path / "client.js"
    script.write_text(CLIENT % (HOST, serve.port))
    with subprocess.Popen(["node", script], text=True, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as node:
        dnsd.wait_addresses("js", ["192.0.2.8"])
        for line in node.stdout:
            if json.loads(line) == [["192.0.2.1"], ["192.0.2.8"]]:
                break
        site.put("db", ("two", "192.0.2.2"))
        for line in node.stdout:
            if json.loads(line)[0] == ["192.0.2.1", "192.0.2.2"]:
                break
        site.sql("DELETE FROM instance WHERE name = 'one'")
        for line in node.stdout:
            if json.loads(line)[0] == ["192.0.2.2"]:
                break
        node.stdin.close()
        node.wait(20)
    dnsd.wait_addresses("js", [])


@pytest.mark.slow
def test_prometheus_eureka_sd(site, serve):
    """Debian's Prometheus, which sends no Accept and reads XML."""
    if not shutil.which("prometheus"):
        pytest.skip("no prometheus")
    site.put("db", ("one", "192.0.2.1"))
    until("it is there", lambda: apps(serve)[0] == "UP_1_")
    port = free_port()
    config = site.folder / "prometheus.yml"
    config.write_text(f"""
scrape_configs:
  - job_name: all
    eureka_sd_configs:
      - server: http://{HOST}:{serve.port}/eureka
        refresh_interval: 1s
""")
    with (site.folder / "prometheus.log").open("wb") as log:
        site.processes.append(subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "prometheus",
             f"--config.file={config}",
             f"--storage.tsdb.path={site.folder}/data",
             f"--web.listen-address={HOST}:{port}"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log))

    def found():
        link = http.client.HTTPConnection(HOST, port, timeout=5)
        with contextlib.closing(link), \
                contextlib.suppress(OSError, ValueError):
            link.request("GET", "/api/v1/targets")
            active = json.load(link.getresponse())["data"]["activeTargets"]
            return {t["discoveredLabels"]["__address__"]:
                    t["discoveredLabels"] for t in active}
        return {}
    until("it has found it", lambda: "192.0.2.1:8080" in found(), 30)
    assert found()["192.0.2.1:8080"]["__meta_eureka_app_name"] == "DB"
