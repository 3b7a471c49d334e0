# SPDX-License-Identifier: BSD-2-Clause
"""What dnsd tells over HTTP: counted right, bounded, and of no weight."""

import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import time

import httpd
import pytest

from rollcall import HOST, TREE, ZONE, free_port, until

SAMPLE = re.compile(r'(\w+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="([^"]*)"')
PROMETHEUS = TREE / "contrib/prometheus"


class Told:
    """dnsd with metrics, and what it tells."""

    def __init__(self, site, *args):
        self.port = free_port()
        self.dnsd = site.start_dnsd(
            "--http", f"{HOST}:{self.port}", *args)

    def get(self, path, method="GET"):
        """(status, text)"""
        link = http.client.HTTPConnection(HOST, self.port, timeout=15)
        with contextlib.closing(link):
            link.request(method, path)
            reply = link.getresponse()
            return reply.status, reply.read().decode()

    def text(self):
        status, text = self.get("/metrics")
        assert status == 200
        return text

    def sum(self, name, **labels):
        """Of the samples with those labels; None if there is none."""
        found = []
        for line in self.text().splitlines():
            if match := SAMPLE.match(line):
                given = dict(LABEL.findall(match.group(2) or ""))
                if match.group(1) == name and \
                        labels.items() <= given.items():
                    found.append(float(match.group(3)))
        return sum(found) if found else None

    def wait(self, value, name, **labels):
        until(f"{name} {labels} is {value}",
              lambda: self.sum(name, **labels) == value)


def promtool(*args, **more):
    if not shutil.which("promtool"):
        pytest.skip("no promtool (Debian's package prometheus)")
    done = subprocess.run(["promtool", *args], text=True, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, **more)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture
def told(site):
    site.create_registry()
    return Told(site)


def test_questions_are_counted(site, told):
    site.put("web", ("one", "192.0.2.1"), ("two", "192.0.2.2"))
    site.put("none", ("one", "192.0.2.3"))
    site.put_health("none", "one", "dead")
    dnsd = told.dnsd
    dnsd.wait_addresses("web", ["192.0.2.1", "192.0.2.2"])
    told.wait(1, "rollcall_service_instances", service="none", state="dead")
    before = told.sum("rollcall_service_queries_total", service="web")
    for _ in range(3):
        dnsd.ask("_web._tcp", "SRV", tcp=True)
    dnsd.ask("web", "AAAA", want_dnssec=True)
    dnsd.ask("none")
    dnsd.ask("made.up.example.")
    dnsd.ask("nobody")
    told.wait(before + 4, "rollcall_service_queries_total", service="web")
    told.wait(before + 3, "rollcall_service_answers_total", service="web")
    told.wait(0, "rollcall_service_empty_answers_total", service="web")
    told.wait(1, "rollcall_service_empty_answers_total", service="none")
    told.wait(3, "rollcall_dns_requests_total", zone=ZONE, type="SRV",
              transport="tcp")
    told.wait(1, "rollcall_dns_requests_total", type="AAAA")
    told.wait(1, "rollcall_dns_requests_total", zone="(outside)")
    told.wait(1, "rollcall_dns_responses_total", zone="(outside)",
              rcode="REFUSED")
    told.wait(1, "rollcall_dns_responses_total", zone=ZONE, rcode="NXDOMAIN")
    told.wait(2, "rollcall_dns_nodata_total", zone=ZONE)
    told.wait(1, "rollcall_dns_request_features_total", feature="dnssec_ok")
    assert told.sum("rollcall_dns_request_duration_seconds_count") > 0


def test_a_flip_is_seen(site, told):
    site.put("web", ("one", "192.0.2.1"), ("two", "192.0.2.2"))
    told.wait(2, "rollcall_service_instances", service="web", state="passing")
    changes = told.sum("rollcall_service_changes_total", service="web")
    start = time.time()
    site.put_health("web", "two", "critical")
    told.wait(1, "rollcall_service_instances", service="web", state="critical")
    told.wait(changes + 1, "rollcall_service_changes_total", service="web")
    at = told.sum("rollcall_service_last_change_timestamp_seconds",
                  service="web")
    assert start - 0.01 <= at <= time.time()
    (revision,), = site.sql("SELECT max(revision) FROM change")
    told.wait(revision, "rollcall_registry_revision")


def test_no_more_than_so_many(site):
    """Services beyond the limit are counted together, and who takes the place
    of one that went begins at 0."""
    site.create_registry()
    told = Told(site, "--metric-services", 2)
    for name in "a", "b":
        site.put(name, ("one", "192.0.2.1"))
        told.dnsd.wait_addresses(name, ["192.0.2.1"])
    site.put("c", ("one", "192.0.2.1"))
    told.dnsd.wait_addresses("c", ["192.0.2.1"])
    told.wait(1, "rollcall_services_without_metrics")
    assert told.sum("rollcall_service_queries_total", service="c") is None
    before = told.sum("rollcall_other_service_queries_total")
    told.dnsd.ask("c")
    told.wait(before + 1, "rollcall_other_service_queries_total")
    for _ in range(5):
        told.dnsd.ask("a")
    site.sql("DELETE FROM service WHERE name = 'a'")
    told.wait(None, "rollcall_service_queries_total", service="a")
    site.put("d", ("one", "192.0.2.4"))
    told.wait(0, "rollcall_service_queries_total", service="d")
    told.dnsd.ask("d")
    told.wait(1, "rollcall_service_queries_total", service="d")


def test_it_is_ready_once_a_registry_was_read(site):
    told = Told(site)
    assert told.get("/ready")[0] == 503
    assert told.get("/health") == (200, "ok\n")
    until("it lags", lambda: told.sum("rollcall_follow_lag_seconds") > 0.2)
    assert told.sum("rollcall_follow_trouble") == 1
    site.create_registry()
    until("it is ready", lambda: told.get("/ready") == (200, "ok\n"))
    until("it follows", lambda: told.sum("rollcall_follow_lag_seconds") < 0.2
          and told.sum("rollcall_follow_trouble") == 0)
    # what is lost afterwards is no reason to take it away
    site.registry.rename(site.folder / "away.db")
    told.wait(1, "rollcall_follow_trouble")
    assert told.get("/ready")[0] == 200


def test_what_else_is_asked(told):
    for method, path, status in (
            ("GET", "/", 404), ("GET", "/metrics/", 404),
            ("POST", "/metrics", 405), ("HEAD", "/metrics", 200),
            ("GET", "/metrics?x=y", 200)):
        assert told.get(path, method)[0] == status


def test_nobody_is_told_by_default(dnsd):
    assert "metrics" not in dnsd.log_text()


def test_prometheus_likes_it(site, told):
    site.put("web", ("one", "192.0.2.1"))
    told.dnsd.wait_addresses("web", ["192.0.2.1"])
    assert promtool("check", "metrics", input=told.text()) == ""


def test_alerts():
    promtool("check", "rules", "rollcall.rules.yml", cwd=PROMETHEUS)
    promtool("test", "rules", "rollcall.rules.test.yml", cwd=PROMETHEUS)
    promtool("check", "config", "prometheus.yml", cwd=PROMETHEUS)


@pytest.mark.slow
def test_prometheus_scrapes_it(site, told):
    """The real one, with our configuration and rules."""
    if not shutil.which("prometheus"):
        pytest.skip("no prometheus")
    site.put("web", ("one", "192.0.2.1"))
    told.dnsd.wait_addresses("web", ["192.0.2.1"])
    folder = site.folder / "prometheus"
    shutil.copytree(PROMETHEUS, folder)
    config = folder / "prometheus.yml"
    config.write_text(config.read_text()
                      .replace("127.0.0.1:5380", f"{HOST}:{told.port}")
                      .replace("scrape_interval: 15s",
                               "scrape_interval: 1s\n    scrape_timeout: 1s"))
    port = free_port()
    with (site.folder / "prometheus.log").open("wb") as log:
        site.processes.append(subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "prometheus",
             f"--config.file={config}", f"--storage.tsdb.path={folder}/data",
             f"--web.listen-address={HOST}:{port}"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log))

    def value(query):
        link = http.client.HTTPConnection(HOST, port, timeout=5)
        with contextlib.closing(link), \
                contextlib.suppress(OSError, ValueError):
            link.request("GET", f"/api/v1/query?query={query}")
            found = json.load(link.getresponse())["data"]["result"]
            return float(found[0]["value"][1]) if found else None
    until("it was scraped",
          lambda: value('up{job="rollcall-dnsd"}') == 1, 30)
    until("the service is there",
          lambda: value('rollcall_service_instances{service="web",'
                        'state="passing"}') == 1, 30)


def connect(port):
    link = socket.socket()
    link.settimeout(5)
    link.connect((HOST, port))
    return link


def test_hostile_clients_delay_nobody(site, told):
    """Silent, slow, oversized and deaf ones: questions are answered, whoever
    asks for metrics is told, and what is open stays bounded."""
    site.put("web", ("one", "192.0.2.1"))
    told.dnsd.wait_addresses("web", ["192.0.2.1"])
    text = told.text()
    with contextlib.ExitStack() as stack:
        links = [stack.enter_context(connect(told.port)) for _ in range(200)]
        for i, link in enumerate(links):
            with contextlib.suppress(OSError):
                link.sendall((b"", b"GET /met", b"x" * 5000,
                              b"GET /metrics HTTP/1.1\r\n\r\n")[i % 4])
        start = time.monotonic()
        for _ in range(50):
            assert told.dnsd.addresses("web") == ["192.0.2.1"]
        assert time.monotonic() - start < 5
        until("somebody else is told", lambda: told.get("/health")[0] == 200)
        until("and scrapes", lambda: told.text() and True)
        assert len(os.listdir(f"/proc/{told.dnsd.pid}/fd")) < 100
        # the slow ones are closed, with and without an answer
        for link in links:
            with contextlib.suppress(OSError):
                while link.recv(65536):
                    pass
    assert len(told.text()) > len(text) / 2


# -- registrar serve


def test_the_registry_is_told(site):
    """Through the API's listener: checks, instances, sizes, registrars."""
    site.start_registrar()
    site.define("web.yaml", f"""
service: web
port: 80
instances: [{{name: one, address: {HOST}}}]
checks: [{{tcp: "{HOST}:1", interval: 1s}}]
""")
    site.put("sql", ("one", "192.0.2.1"), ("two", "192.0.2.2"))
    serve = httpd.start(site)

    def told(line):
        return line in serve.get("/metrics").text.splitlines()
    until("the check is told",
          lambda: told('rollcall_checks{kind="tcp",status="critical"} 1'))
    assert told('rollcall_registry_services 2')
    assert told('rollcall_registry_instances{state="passing"} 2')
    text = serve.get("/metrics").text
    assert re.search(r"^rollcall_registrar_heartbeat_timestamp_seconds\{"
                     r'registrar="[^"]+"\} \d+', text, re.M)
    assert int(re.search(r"^rollcall_registry_size_bytes (\d+)", text,
                         re.M).group(1)) > 4096
    assert promtool("check", "metrics", input=text) == ""
    assert serve.get("/health").text == "ok\n"
    assert serve.get("/ready").text == "ok\n"


@pytest.mark.slow
def test_prometheus_finds_targets_by_http(site):
    """Debian's Prometheus with http_sd."""
    if not shutil.which("prometheus"):
        pytest.skip("no prometheus")
    serve = httpd.start(site)
    site.put("web", ("one", "192.0.2.1"), ("six", "2001:db8::1"))
    site.put("db", ("one", "192.0.2.9"))
    site.sql("""UPDATE instance SET tags = '["v1","eu"]', locality = 'eu-1',
                meta = '{"a.b":"c"}' WHERE name = 'one' AND service = 'web'""")
    site.put_health("web", "six", "critical")

    def targets(query):
        return sorted(t["targets"][0] for t in
                      serve.get(f"/api/v1/prometheus{query}").json)
    until("all are there", lambda: len(targets("")) == 3)
    assert targets("?service=web") == ["192.0.2.1:8080", "[2001:db8::1]:8080"]
    assert targets("?service=web&passing") == ["192.0.2.1:8080"]
    assert targets("?service=db&service=none") == ["192.0.2.9:8080"]
    port = free_port()
    config = site.folder / "prometheus.yml"
    config.write_text(f"""
scrape_configs:
  - job_name: web
    http_sd_configs:
      - url: http://{HOST}:{serve.port}/api/v1/prometheus?service=web
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
    until("it has found them", lambda: len(found()) == 2, 30)
    labels = found()["192.0.2.1:8080"]
    assert labels["__meta_rollcall_tags"] == ",v1,eu,"
    assert labels["__meta_rollcall_meta_a_b"] == "c"
    assert labels["__meta_rollcall_locality"] == "eu-1"
    assert labels["__meta_rollcall_health"] == "passing"
    site.sql("DELETE FROM instance WHERE name = 'six'")
    until("one is gone", lambda: list(found()) == ["192.0.2.1:8080"], 30)
