# SPDX-License-Identifier: BSD-2-Clause
"""One word for eligible: what dnsd answers, and what explain, status and top
say of the same rows, whatever they are."""

import json
import random
import re
import time

import pytest
import rollcall

SERVICES = 40
LONG_AGO_MS = 1700000000000
FAR_AWAY_MS = 4102444800000


def draw_instance(rng, number):
    address = rng.choice([(f"192.0.2.{number}", None),
                          (f"2001:db8::{number:x}", None),
                          (f"192.0.2.{number}", f"2001:db8::{number:x}")])
    mode = rng.choice(["active", "active", "draining", "maintenance"])
    draining = mode == "draining"
    return {
        "name": f"i{number}",
        "address": address[0],
        "address6": address[1],
        "priority": rng.choice([0, 0, 1]),
        "weight": rng.choice([0, 1, 100, 65535]),
        "weight_warning": rng.choice([None, 0, 7]),
        "ramp_percent": rng.choice([0, 0, 1, 50]),
        "health": rng.choice(["passing", "warning", "critical", "dead",
                              "starting"]),
        "mode": mode,
        "lease_until_wall_ms": rng.choice([0, 0, LONG_AGO_MS, FAR_AWAY_MS]),
        "drain_step": "waiting" if draining else "none",
        "drain_until_wall_ms":
            rng.choice([LONG_AGO_MS, FAR_AWAY_MS]) if draining else 0,
    }


def fill(site, rng):
    with site.connect() as db:
        db.execute("BEGIN IMMEDIATE")
        for k in range(SERVICES):
            db.execute("INSERT INTO service (name, port, max_answers, "
                       "on_empty) VALUES (?, 80, 0, ?)",
                       (f"s{k}", rng.choice(["nodata", "nxdomain", "all"])))
            for number in range(1, rng.choice([0, 1, 1, 2, 3, 6]) + 1):
                row = {"service": f"s{k}", **draw_instance(rng, number)}
                db.execute(f"INSERT INTO instance ({', '.join(row)}) VALUES "
                           f"({', '.join('?' * len(row))})",
                           tuple(row.values()))
        db.execute("INSERT INTO service (name) VALUES ('last')")
        db.execute("INSERT INTO instance (service, name, address) "
                   "VALUES ('last', 'i', '192.0.2.1')")
        db.execute("COMMIT")


def answered(dnsd, name):
    """{instance: (weight, addresses)} as dnsd has it, by three questions."""
    got = {target.split(".")[0]: (weight, set()) for _, weight, _, target
           in dnsd.ask(f"_{name}._tcp", "SRV").srv()}
    for rdtype in ("A", "AAAA"):
        for address in dnsd.ask(name, rdtype).addresses():
            number = int(re.split(r"[.:]", address)[-1],
                         16 if rdtype == "AAAA" else 10)
            got[f"i{number}"][1].add(address)
    return got


def told(instance, address_of):
    """The same of one instance in JSON of explain or status."""
    return {address_of[instance["name"]][rdtype]
            for rdtype in instance["in"] if rdtype != "SRV"}


def explained(site, name):
    done = site.command("explain", name, "--json", "--registry",
                        site.registry)
    assert done.returncode in (0, 3), done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("seed", [4, int(time.time())], ids=["4", "now"])
def test_whoever_asks_gets_the_same(site, dnsd, seed):
    fill(site, random.Random(seed))
    dnsd.wait_instances("last", ["i"])
    report = {s["name"]: s for s in site.status()["services"]}
    unanswered = 0
    for k in range(SERVICES):
        name = f"s{k}"
        service = report[name]
        address_of = {
            i["name"]: {"A": i["address"],
                        "AAAA": i["address6"] or i["address"]}
            for i in service["instances"]}
        dns = answered(dnsd, name)
        where = f"{name} of seed {seed}: {service}"
        assert dns == {
            i["name"]: (i["weight_now"], told(i, address_of))
            for i in service["instances"] if i["in"]}, where
        explain = explained(site, name)
        assert dns == {
            i["name"]: (i["weight"], told(i, address_of))
            for i in explain["instances"] if i["in"]}, where
        assert [i["why"] for i in explain["instances"]] == \
            [i["why"] for i in service["instances"]], where
        eligible = sum(bool(addresses) for _, addresses in dns.values())
        assert service["eligible_n"] == eligible, where
        assert service["eligible_n"] == \
            sum(i["eligible"] for i in service["instances"]), where
        unanswered += not eligible
    top = site.command("top", "--once", "--registry", site.registry)
    said = re.search(r"(\d+) without answer", top.stdout)
    assert int(said[1]) == unanswered, seed
    plain = site.command("status", "--registry", site.registry)
    assert plain.stdout.count("NONE of") == unanswered, seed


def test_status_says_what_is_answered_for_want_of_better(site, dnsd):
    site.sql("INSERT INTO service (name, port, on_empty) "
             "VALUES ('web', 80, 'all')")
    site.sql("INSERT INTO instance (service, name, address, health) "
             "VALUES ('web', 'a', '192.0.2.1', 'critical')")
    dnsd.wait_addresses("web", ["192.0.2.1"])
    done = site.command("status", "--registry", site.registry)
    assert "web.svc.internal (tcp)  1 of 1 in answers, though none is " \
        "healthy: all" in done.stdout
    assert done.returncode == 3
    top = site.command("top", "--once", "--registry", site.registry)
    assert "without answer" not in top.stdout
