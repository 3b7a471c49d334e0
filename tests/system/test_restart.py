# SPDX-License-Identifier: BSD-2-Clause
"""Crashes and restarts: what was known stays known."""

import signal

import pytest
from backend import Backend

import rollcall
from rollcall import always, until

pytestmark = pytest.mark.threads


@pytest.fixture
def running(site):
    """One watched process, one web server, and both daemons."""
    process, pidfile = site.process("p")
    backend = Backend(rollcall.HOST, rollcall.free_port())
    site.define("svc.yaml", f"""
services:
  - service: proc
    port: 80
    instances:
      - {{name: p, address: 192.0.2.1, process: {{pidfile: {pidfile}}}}}
      - {{name: q, address: 192.0.2.2,
         process: {{pidfile: {site.folder}/never.pid}}}}
  - service: http
    instances:
      - {{name: h, address: {backend.host}, port: {backend.port}}}
    checks:
      - {{http: "http://{{address}}:{{port}}/", interval: 100ms,
         timeout: 2s}}
""")
    registrar = site.start_registrar()
    dnsd = site.start_dnsd()
    dnsd.wait_instances("proc", ["p"])
    dnsd.wait_instances("http", ["h"])
    yield registrar, dnsd, process, backend
    backend.close()


def state(site):
    return site.sql("SELECT service, name, health, mode, since_wall_ms "
                    "FROM instance ORDER BY 1, 2")


def test_dnsd_killed_comes_back_with_everything(site, running):
    _, dnsd, _, _ = running
    for _ in range(3):
        dnsd.kill()
        dnsd.start()
        # Before its first answer it has read the registry.
        assert dnsd.instances("proc") == ["p"]
        assert dnsd.instances("http") == ["h"]


def test_dnsd_does_not_need_the_registrar(site, running):
    registrar, dnsd, _, _ = running
    registrar.kill()
    dnsd.kill()
    dnsd.start()
    assert dnsd.instances("proc") == ["p"]
    site.put_health("http", "h", "critical")
    dnsd.wait_instances("http", [])


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_the_registrar_restarts_without_a_flip(site, running, how):
    registrar, dnsd, _, _ = running
    before = state(site)
    history = site.sql("SELECT * FROM history")
    changes = site.sql("SELECT max(revision) FROM change")
    for _ in range(3):
        getattr(registrar, how)()
        assert dnsd.instances("proc") == ["p"], "it outlives the registrar"
        registrar.start()
        always("nothing flips", lambda: dnsd.instances("proc") == ["p"] and
               dnsd.instances("http") == ["h"], 0.4)
    assert state(site) == before
    assert site.sql("SELECT * FROM history") == history
    assert site.sql("SELECT max(revision) FROM change") == changes


def test_what_happened_meanwhile_is_found_out(site, running):
    registrar, dnsd, process, backend = running
    registrar.kill()
    process.kill()
    process.wait()
    backend.close()
    registrar.start()
    dnsd.wait_instances("proc", [])
    dnsd.wait_instances("http", [])
    site.process("p")
    backend.open()
    dnsd.wait_instances("proc", ["p"])
    dnsd.wait_instances("http", ["h"])


def test_a_definition_removed_meanwhile_is_withdrawn(site, running):
    registrar, dnsd, _, _ = running
    registrar.kill()
    (site.watch / "svc.yaml").unlink()
    # a directory without any might be one that is not mounted
    site.define("last.yaml", "service: last\nport: 80\n")
    site.put("other", ("i-1", "192.0.2.77"))
    registrar.start()
    until("withdrawn", lambda: dnsd.ask("proc").rcode == "NXDOMAIN" and
          dnsd.ask("http").rcode == "NXDOMAIN")
    assert dnsd.addresses("other") == ["192.0.2.77"]


def test_maintenance_survives(site, running):
    """Mode is the operator's; no restart and no check takes it back."""
    registrar, dnsd, _, _ = running
    site.sql("UPDATE instance SET mode = 'maintenance' WHERE name = 'h'")
    dnsd.wait_instances("http", [])
    registrar.kill()
    registrar.start()
    always("maintenance", lambda: dnsd.instances("http") == [], 0.5)


def test_two_registrars_are_told_apart(site, running):
    """The second one on another host's name leaves the first's rows."""
    _, dnsd, _, _ = running
    second = site.folder / "second.d"
    second.mkdir()
    (second / "x.yaml").write_text(
        "service: x\nport: 80\ninstances: [{name: a, "
        "address: 192.0.2.88}]\n")
    other = rollcall.Registrar(site, "--name", "elsewhere")
    other.args[other.args.index(str(site.watch))] = str(second)
    site.daemons.append(other.start())
    dnsd.wait_instances("x", ["a"])
    other.stop()
    assert dnsd.instances("proc") == ["p"]
    names = {row[0] for row in site.sql("SELECT name FROM registrar")}
    assert "elsewhere" in names and len(names) == 2


def test_a_restarted_process_is_back_at_once(site):
    """It listens some time after it is there; the interval is far longer."""
    backend = Backend(rollcall.HOST, rollcall.free_port())
    process, pidfile = site.process("s")
    site.define("slow.yaml", f"""service: slow
port: {backend.port}
instances:
  - {{name: s, address: {backend.host}, process: {{pidfile: {pidfile}}}}}
checks:
  - {{tcp: "{{address}}:{{port}}", interval: 1m}}
""")
    registrar = site.start_registrar()
    dnsd = site.start_dnsd()
    dnsd.wait_instances("slow", ["s"])
    for _ in range(3):
        process.kill()
        process.wait()
        backend.close()
        dnsd.wait_instances("slow", [])
        begun = len(registrar.log_text())
        process, _ = site.process("s")
        registrar.wait_log("is starting", begun)
        until("status tells what it waits for",
              lambda: "refused" in str(site.status("slow")), 5)
        assert "have not passed yet" in site.command(
            "explain", "slow", "--registry", site.registry).stdout
        backend.open()
        dnsd.wait_instances("slow", ["s"], 20)
    backend.close()


def test_zones_take_a_restart_and_it_is_said(site):
    site.create_registry()
    config = site.folder / "rollcall.yaml"
    config.write_text("dnsd: {zone: [one.test]}\n")
    dnsd = rollcall.Dnsd(site, "--config", config)
    dnsd.args = [a for a in dnsd.args if a not in ("--zone", rollcall.ZONE)]
    site.daemons.append(dnsd)
    dnsd.start()
    assert dnsd.ask("one.test.", "SOA").flag("AA")
    config.write_text("dnsd: {zone: [one.test, two.test]}\n")
    dnsd.signal(signal.SIGHUP)
    dnsd.wait_log("zones of the configuration are others .* after a restart")
    config.write_text("dnsd: {zone: [one.test]}\n")
    start = len(dnsd.log_text())
    dnsd.signal(signal.SIGHUP)
    dnsd.wait_log("looking at everything", start)
    always("nothing to say", lambda: not dnsd.logged("restart", start))
