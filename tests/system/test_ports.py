# SPDX-License-Identifier: BSD-2-Clause
"""A service with several ports: from each place that can say so to dig."""

import json
import shutil
import subprocess

import pytest

from rollcall import until

KERBEROS = """
service: kerberos
ports:
  - {port: 88, protocol: udp}
  - {port: 88, protocol: tcp}
instances:
  - {name: kdc1, address: 192.0.2.1, weight: 10}
  - {name: kdc2, address: 192.0.2.2, ports: [{port: 750, protocol: tcp}]}
"""

WEB = """
service: web
ports: {http: 8080, grpc: 9090}
instances:
  - {name: a, address: 192.0.2.3}
  - {name: b, address: 192.0.2.4, ports: {grpc: 9191}}
"""


def dig(dnsd, name, rdtype="SRV", *more):
    done = subprocess.run(
        ["dig", f"@{dnsd.host}", "-p", str(dnsd.port), "+short", *more,
         f"{name}.svc.internal", rdtype],
        text=True, capture_output=True, check=True, timeout=20)
    return sorted(done.stdout.split("\n")[:-1])


def srv(*records):
    return sorted(f"{weight} {port} {target}.svc.internal."
                  for weight, port, target in records)


@pytest.mark.skipif(not shutil.which("dig"), reason="no dig")
def test_definitions(site, dnsd, registrar):
    del registrar
    site.define("kerberos.yaml", KERBEROS)
    site.define("web.yaml", WEB)
    udp = srv(("0 10", 88, "kdc1.kerberos"), ("0 100", 88, "kdc2.kerberos"))
    tcp = srv(("0 10", 88, "kdc1.kerberos"), ("0 100", 750, "kdc2.kerberos"))
    grpc = srv(("0 100", 9090, "a.web"), ("0 100", 9191, "b.web"))
    http = srv(("0 100", 8080, "a.web"), ("0 100", 8080, "b.web"))
    until("both protocols", lambda: dig(dnsd, "_kerberos._udp") == udp)
    until("all names", lambda: dig(dnsd, "_grpc._tcp.web") == grpc)
    assert dig(dnsd, "_kerberos._tcp") == tcp
    assert dig(dnsd, "_Kerberos._TCP", "SRV", "+tcp") == tcp
    assert dig(dnsd, "_http._tcp.web") == http
    assert dig(dnsd, "_web._tcp") == http
    assert dig(dnsd, "web") == http
    assert dnsd.ask("_grpc._udp.web", "SRV").rcode == "NXDOMAIN"
    assert dnsd.ask("_udp.web", "A").rcode == "NXDOMAIN"
    assert dnsd.ask("_tcp.web", "A").rcode == "NOERROR"
    assert dig(dnsd, "_services._dns-sd._udp", "PTR") == [
        f"{name}.svc.internal." for name in
        ("_kerberos._tcp", "_kerberos._udp", "_web._tcp")]
    assert dig(dnsd, "_kerberos._tcp", "PTR") == [
        f"{name}._kerberos._tcp.svc.internal." for name in ("kdc1", "kdc2")]
    assert dig(dnsd, "kdc2._kerberos._tcp") == srv(
        ("0 100", 750, "kdc2.kerberos"))
    # an edit of the numbers alone
    site.define("web.yaml", WEB.replace("9090", "9999"))
    until("the new number", lambda: dig(dnsd, "_grpc._tcp.web") == srv(
        ("0 100", 9999, "a.web"), ("0 100", 9191, "b.web")))
    # and back to a single port
    site.define("web.yaml", "service: web\nport: 80\n"
                "instances: [{name: a, address: 192.0.2.3}]\n")
    until("no name any more",
          lambda: dnsd.ask("_grpc._tcp.web", "SRV").rcode == "NXDOMAIN")
    assert dig(dnsd, "_web._tcp") == srv(("0 100", 80, "a.web"))


def test_sql(site, dnsd):
    site.put("web", ("a", "192.0.2.1"))
    until("one port", lambda: dnsd.ask("_web._tcp", "SRV").rcode == "NOERROR")
    done = site.script("""
        UPDATE service SET port_name = 'http',
            ports = '[{"name":"grpc","port":9090}]' WHERE name = 'web';
    """)
    assert done.returncode == 0, done.stdout
    until("by its name",
          lambda: dnsd.ask("_grpc._tcp.web", "SRV").rcode == "NOERROR")
    done = site.script("""UPDATE service SET
        ports = '[{"name":"http","port":9090}]' WHERE name = 'web';""")
    assert done.returncode != 0
    assert "ports must differ in name or protocol" in done.stdout
    done = site.script("""UPDATE service SET
        ports = '[{"name":"x","port":"http"}]' WHERE name = 'web';""")
    assert 'ports must be objects with "port" 1..65535' in done.stdout
    assert dnsd.ask("_grpc._tcp.web", "SRV").rcode == "NOERROR"


def test_by_hand_and_back(site):
    site.run("register", "dns/a", "--registry", site.registry, "--address",
             "192.0.2.1", "--port", "dns=53/udp", "--port", "dns=53/tcp",
             "--port", "admin=8053")
    site.run("register", "dns/b", "--registry", site.registry, "--address",
             "192.0.2.2", "--port", "5353", "--port", "dns=5354/tcp")
    service = site.status()["services"][0]
    assert service["protocol"] == "udp"
    assert service["port_name"] == "dns"
    assert [p["port"] for p in service["ports"]] == [53, 8053]
    assert service["instances"][1]["port"] == 5353
    done = site.command("register", "dns/c", "--registry", site.registry,
                        "--address", "192.0.2.3", "--port", "x=1")
    assert done.returncode == 2
    assert "expected a port of 'dns': dns udp, dns 53/tcp, admin 8053/tcp" \
        in done.stderr
    done = site.command("explain", "_dns._tcp.dns", "--registry",
                        site.registry)
    assert "_dns._tcp.dns.svc.internal SRV: 2 of 2 instances" in done.stdout
    assert "192.0.2.2:5354" in done.stdout
    out = site.run("export", "--registry", site.registry)
    assert len(out.splitlines()) == 2
    for form in ("lines", "zone"):
        out = site.run("export", "--registry", site.registry, "--format", form)
        file = site.folder / f"out.{form}"
        file.write_text(out)
        other = site.folder / f"{form}.db"
        site.run("import", file, "--registry", other, "--format", form)
        again = site.run("export", "--registry", other, "--format", "zone")
        assert records(again) == records(
            site.run("export", "--registry", site.registry, "--format",
                     "zone")), form


def records(zone):
    """But for the revision."""
    return sorted(line for line in zone.splitlines()
                  if line and line[0] not in ";@$")


def test_two_protocols_of_a_zone_file(site):
    file = site.folder / "sip.zone"
    file.write_text("$ORIGIN svc.internal.\n_sip._tcp 60 SRV 0 1 5060 a\n"
                    "_sip._udp 60 SRV 0 1 5060 a\na 60 A 10.0.0.1\n")
    site.run("import", "--registry", site.registry, file)
    assert site.sql("SELECT name, address, port FROM instance") == [
        ("a", "10.0.0.1", 5060)]
    zone = site.run("export", "--registry", site.registry, "--format", "zone")
    assert [line.split() for line in zone.splitlines() if "SRV" in line] == [
        ["_sip._tcp", "60", "SRV", "0", "1", "5060", "a.sip"],
        ["_sip._udp", "60", "SRV", "0", "1", "5060", "a.sip"]]


def test_status_in_json(site):
    site.create_registry()
    site.script("INSERT INTO service (name) VALUES ('plain');")
    service = json.loads(json.dumps(site.status()))["services"][0]
    assert service["ports"] is None and service["port_name"] is None


def test_what_is_said_of_several_ports(site):
    site.run("register", "dns/a", "--address", "192.0.2.1", "--port",
             "53/udp", "--port", "53/tcp", "--registry", site.registry)
    for protocol, status in (("udp", 0), ("tcp", 0), ("sctp", 2)):
        done = site.command("register", "dns/b", "--address", "192.0.2.2",
                            "--protocol", protocol, "--registry",
                            site.registry)
        assert done.returncode == status, done
    for form in ("consul", "skydns"):
        done = site.command("export", "--format", form, "--registry",
                            site.registry)
        assert done.returncode == 0
        assert "all but the first port of 1 service:" in done.stderr
    assert site.command("export", "--registry", site.registry).stderr == ""
    site.sql("UPDATE instance SET ports = '[{\"port\":5353,\"protocol\":"
             "\"tcp\"}]' WHERE name = 'a'")
    assert "ports of the service to [{" in site.run(
        "history", "dns/a", "--registry", site.registry)
