# SPDX-License-Identifier: BSD-2-Clause
"""What an operator does, seen in DNS: drain, maintenance, resume, weight."""

import json
import signal

from rollcall import until

WEB = """service: web
port: 80
ttl: 1s
instances:
  - {name: a, address: 192.0.2.1, weight: 30}
  - {name: b, address: 192.0.2.2, weight: 70}
"""


def operate(site, *args):
    return site.run(*args, "--registry", site.registry)


def weights(dnsd):
    return {target.split(".")[0]: weight for _, weight, _, target
            in dnsd.ask("_web._tcp", "SRV").srv()}


def wait_weights(dnsd, expected):
    until(f"weights {expected}", lambda: weights(dnsd) == expected)


def start(site):
    site.define("web.yaml", WEB)
    dnsd = site.start_dnsd()
    registrar = site.start_registrar()
    wait_weights(dnsd, {"a": 30, "b": 70})
    return dnsd, registrar


def test_drain_maintenance_resume(site):
    dnsd, registrar = start(site)
    assert operate(site, "drain", "web/a") == "web/a: active -> draining\n"
    wait_weights(dnsd, {"a": 0, "b": 70})
    assert dnsd.ask("web").addresses() == ["192.0.2.2"]
    assert dnsd.ask("a.web").addresses() == ["192.0.2.1"]
    operate(site, "maintenance", "web/a", "--reason", "new disk")
    wait_weights(dnsd, {"b": 70})
    # neither an edit nor a restart undoes what the operator said
    site.define("web.yaml", WEB.replace("weight: 70", "weight: 71"))
    wait_weights(dnsd, {"b": 71})
    registrar.kill()
    registrar = site.start_registrar()
    site.define("web.yaml", WEB)
    wait_weights(dnsd, {"b": 70})
    operate(site, "resume", "web/a")
    wait_weights(dnsd, {"a": 30, "b": 70})


def test_drain_waits_for_the_ttl(site):
    dnsd, _ = start(site)
    got = json.loads(operate(site, "drain", "web/b", "--wait", "--json"))
    assert [(o["instance"], o["was"], o["now"]) for o in got] == \
        [("b", "draining", "maintenance")]
    wait_weights(dnsd, {"a": 30})
    # ttl: 1s lies between the two
    (drained,), (gone,) = site.sql(
        "SELECT at_wall_ms FROM history WHERE instance = 'b' AND was <> now "
        "AND now IN ('draining', 'maintenance') ORDER BY id")
    assert 1000 <= gone - drained < 15000


def test_weight_holds_until_the_definition_speaks_again(site):
    dnsd, registrar = start(site)
    operate(site, "weight", "web/a", "5")
    wait_weights(dnsd, {"a": 5, "b": 70})
    registrar.signal(signal.SIGHUP)  # nothing new in the files
    site.define("web.yaml", WEB.replace("weight: 70", "weight: 71"))
    wait_weights(dnsd, {"a": 5, "b": 71})  # b's edit is not a's
    site.define("web.yaml", WEB.replace("weight: 30", "weight: 31"))
    wait_weights(dnsd, {"a": 31, "b": 70})
    operate(site, "weight", "web/a", "5")
    wait_weights(dnsd, {"a": 5, "b": 70})
    registrar.kill()
    site.start_registrar()
    wait_weights(dnsd, {"a": 31, "b": 70})


def test_no_daemon_is_needed(site):
    site.create_registry()
    site.put("web", ("a", "192.0.2.1"))
    operate(site, "drain", "web")
    assert site.health("web") == {"a": "draining"}
    done = site.command("drain", "nix", "--registry", site.registry)
    assert done.returncode == 2
    assert "no service 'nix'" in done.stderr
