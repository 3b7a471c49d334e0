# SPDX-License-Identifier: BSD-2-Clause
"""contrib/grafana: a real Prometheus, which has scraped both programs, has
something for each query of the dashboard."""

import contextlib
import http.client
import json
import shutil
import subprocess
import urllib.parse

import httpd
import pytest
from rollcall import HOST, TREE, free_port, until

DASHBOARD = TREE / "contrib/grafana/rollcall.json"


def test_every_query_has_an_answer(site):
    if not shutil.which("prometheus"):
        pytest.skip("no prometheus")
    serve = httpd.start(site)
    dns_http = free_port()
    dnsd = site.start_dnsd("--http", f"{HOST}:{dns_http}")
    site.start_registrar()
    site.put("web", ("i1", "10.0.0.1"), ("i2", "10.0.0.2"))
    site.put_health("web", "i2", "critical")
    site.sql("INSERT INTO check_result (service, instance, name, kind, "
             "status, output) VALUES ('web', 'i2', 'c', 'tcp', 'critical', "
             "'')")
    dnsd.wait_addresses("web", ["10.0.0.1"])
    folder, port = site.folder / "prometheus", free_port()
    folder.mkdir()
    config = folder / "prometheus.yml"
    config.write_text(f"""
scrape_configs:
  - job_name: rollcall
    scrape_interval: 1s
    static_configs:
      - targets: ["{HOST}:{dns_http}", "{HOST}:{serve.port}"]
""")
    with (site.folder / "prometheus.log").open("wb") as log:
        site.processes.append(subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "prometheus",
             f"--config.file={config}", f"--storage.tsdb.path={folder}/data",
             f"--web.listen-address={HOST}:{port}"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log))

    def found(query):
        dnsd.ask("web")  # so that what counts moves
        link = http.client.HTTPConnection(HOST, port, timeout=5)
        with contextlib.closing(link), \
                contextlib.suppress(OSError, ValueError):
            link.request("GET", "/api/v1/query?query="
                         + urllib.parse.quote(query))
            got = json.load(link.getresponse())
            assert got["status"] == "success", got
            return got["data"]["result"]
        return None
    dashboard = json.loads(DASHBOARD.read_text())
    queries = [target["expr"] for panel in dashboard["panels"]
               for target in panel["targets"]]
    assert len(queries) > 10
    for query in queries:
        # the interval is Grafana's to say
        query = query.replace("$__rate_interval", "30s")
        assert "$" not in query
        until(query, lambda query=query: found(query), 30)
