# SPDX-License-Identifier: BSD-2-Clause
"""What policies of the mesh say: of files, of rows, and both together."""

import sqlite3

FILES = """
services:
- service: frontend
  port: 9000
  instances: [{name: f1, address: 192.0.2.1}]
  mesh: {user: app, calls: [inventory, nothere]}
- service: inventory
  port: 8080
  instances:
  - {name: i1, address: 192.0.2.2}
  - {name: i2, address: "2001:db8::2"}
  mesh:
    {user: inv, calls: frontend, base_port: 15100,
     allow: [frontend, {service: ops, methods: [GET], paths: [/metrics]}]}
- {service: other, port: 8081, mesh: {user: oth, calls: [inventory]}}
- {service: ops, port: 8082, mesh: {user: ops, base_port: 15200}}
"""
FOUND = """\
error: frontend.svc.internal: 'calls' names nothere.svc.internal, which is not there
warning: a loop of calls: frontend > inventory > frontend
error: other.svc.internal: 'calls' names inventory.svc.internal, which does not let \
it in: its 'allow' does not name the caller
"""




def mesh(site, *words, code):
    done = site.command("mesh", *words, "--registry", site.registry)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def test_check_and_explain(site):
    site.define("mesh.yaml", FILES)
    registrar = site.start_registrar()
    site.wait_health("inventory", {"i1": "passing", "i2": "passing"})
    found = mesh(site, "check", code=3)
    for line in FOUND.splitlines():
        assert line in found.splitlines(), found
    assert "'base_port' 15000 is also that of" in found
    assert mesh(site, "explain", "frontend", "inventory", code=0) == """\
frontend.svc.internal may call inventory.svc.internal: its 'allow' names the \
caller
  i1 192.0.2.2:8080: gets calls, passing, weight 100
  i2 [2001:db8::2]:8080: gets calls, passing, weight 100
"""
    assert "GET; paths /metrics\nops.svc.internal does not list it" in \
        mesh(site, "explain", "ops", "inventory", code=3)
    assert mesh(site, "explain", "other", "inventory", code=3).startswith(
        "other.svc.internal may not call inventory.svc.internal: its 'allow' "
        "does not name the caller\n")
    registrar.stop()  # it would put its rows right
    # by SQL: one instance out of service, one caller revoked, nonsense
    with sqlite3.connect(site.registry) as db:
        db.execute("UPDATE instance SET mode = 'maintenance' "
                   "WHERE name = 'i1'")
        db.execute("INSERT INTO mesh_revoked (service) VALUES ('frontend')")
    said = mesh(site, "explain", "frontend", "inventory", code=3)
    assert "the caller is revoked" in said
    assert "i1 192.0.2.2:8080: gets none, maintenance" in said
    with sqlite3.connect(site.registry) as db:
        db.execute("DELETE FROM mesh_revoked")
        db.execute("UPDATE service SET mesh = '{\"allow\": 3}' "
                   "WHERE name = 'ops'")
    assert "nobody may call it" in mesh(site, "check", code=3)
    assert "its 'mesh' cannot be understood" in \
        mesh(site, "explain", "frontend", "ops", code=3)
