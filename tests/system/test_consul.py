# SPDX-License-Identifier: BSD-2-Clause
"""Consul's service definitions in the watched directory."""

import json

from backend import Backend
from rollcall import HOST, free_port, until


def service(port, **more):
    return {"id": "web_1", "name": "Web", "address": HOST, "port": port,
            "tags": ["V2.1", "primary"], "meta": {"version": "4.0"},
            "weights": {"passing": 7, "warning": 3}, "token": "unused",
            "checks": [
                {"id": "health", "name": "HTTP on its port",
                 "http": f"http://{HOST}:{port}/health", "method": "GET",
                 "header": {"Accept": ["text/plain"]},
                 "interval": "50ms", "timeout": "5s"},
                {"tcp": f"{HOST}:{port}", "interval": "50ms"},
                {"args": ["true", "{not a variable}"], "interval": "50ms"},
            ], **more}


def test_definitions_as_they_are(site):
    backend = Backend(HOST, free_port())
    site.define("web.json", json.dumps({
        "service": service(backend.port),
        "check": {"ttl": "10s", "name": "host"}}, indent="\t"))
    registrar = site.start_registrar()
    dnsd = site.start_dnsd()
    registrar.wait_log(r"web\.json:\d+:\d+: found 'token' in a service of "
                       "Consul, ignored")
    site.run("pass", "web/web-1", "host", "--registry", site.registry)
    dnsd.wait_instances("web", ["web-1"])
    assert dnsd.ask("_web._tcp", "SRV").srv() == [
        (0, 7, backend.port, "web-1.web")]
    row, = site.sql("SELECT tags, meta, weight_warning FROM instance")
    assert row == ('["V2.1","primary"]', '{"version":"4.0"}', 3)
    assert site.sql("SELECT name, kind FROM check_result ORDER BY name") == [
        ("exec-1", "exec"), ("health", "http"), ("host", "ttl"),
        ("tcp-1", "tcp")]
    backend.status = 429  # as Consul has it: a warning, and its weight
    site.wait_health("web", {"web-1": "warning"})
    until("its weight as a warning", lambda:
          [srv[1] for srv in dnsd.ask("_web._tcp", "SRV").srv()] == [3])
    backend.status = 500  # one failure is enough
    site.wait_health("web", {"web-1": "critical"})
    backend.close()


def test_hcl_is_refused_with_a_word(site):
    site.define("web.hcl", 'service {\n  name = "web"\n}\n')
    site.define("ok.json", json.dumps({"service": {"name": "ok",
                                                   "id": "ok-1"}}))
    registrar = site.start_registrar()
    registrar.wait_log(r"web\.hcl:1:1: found HCL, expected YAML or JSON")
    site.wait_health("ok", {"ok-1": "passing"})
    done = site.command("check", site.watch)
    assert done.returncode == 2
    assert "web.hcl:1:1: found HCL" in done.stderr


def test_a_key_that_was_mistyped(site):
    """Consul takes it for nothing; here at least it is said."""
    file = site.folder / "typo.json"
    file.write_text('{"service": {"name": "a", "port": 80, "cheks": [], '
                    '"Adress": "192.0.2.1", "zzz": 1}}')
    done = site.command("check", file)
    assert done.returncode == 0
    said = done.stdout + done.stderr
    assert "found 'cheks' in a service of Consul, ignored: expected " \
        "'checks', it seems" in said
    assert "expected 'address', it seems" in said
    assert "found 'zzz' in a service of Consul, ignored: Rollcall has none" \
        in said
