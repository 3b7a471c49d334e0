# SPDX-License-Identifier: BSD-2-Clause
"""Who asks again and again sees what changed, and nothing else."""

import collections
import contextlib
import random
import shutil
import subprocess
import time

import dns.exception
import dns.query
import pytest
from rollcall import (HOST, ZONE, Answer, free_port, query, until,
                      within_a_minute)

pytestmark = pytest.mark.threads

MANY = 150  # more than fit, however they are asked for


@pytest.fixture
def many(site, dnsd):
    with site.connect() as db:
        db.execute("BEGIN IMMEDIATE")
        db.execute("INSERT INTO service (name, port) VALUES ('many', 80)")
        db.executemany(
            "INSERT INTO instance (service, name, address, address6, weight) "
            "VALUES ('many', ?, ?, ?, ?)",
            [(f"i{n}", f"10.0.0.{n}", f"2001:db8::{n:x}", 256 * (1 + n % 3))
             for n in range(1, MANY + 1)])
        db.execute("COMMIT")
    until("all are served",
          lambda: len(dnsd.ask("many", "SRV", tcp=True).srv()) == MANY)
    return dnsd


def set_of(answer):
    return frozenset(answer.addresses()) or frozenset(answer.srv())


# How they ask: type, EDNS size (None: none), transport
POLLERS = [
    ("HAProxy, SRV", "_many._tcp", "SRV", 1232),
    ("HAProxy, SRV as it is without a configured size", "_many._tcp", "SRV",
     512),
    ("HAProxy, A", "many", "A", 1232),
    ("Prometheus, type A", "many", "A", 4096),
    ("gRPC (c-ares)", "many", "A", None),
    ("gRPC, AAAA", "many", "AAAA", None),
    ("nginx", "many", "A", None),
]


def poll(daemon, name, rdtype, size):
    asked = query(name, rdtype, use_edns=None if size is None else 0,
                  payload=size)
    return daemon.exchange(asked)


def test_pollers_see_no_swaps(site, many):
    """The same set each time, in another order; after a restart as well."""
    first = {}
    orders = collections.defaultdict(set)
    for again in range(25):
        if again == 15:  # a daemon that knows nothing of the former
            many.stop()
            many.start()
            until("all are served", lambda: len(
                many.ask("many", "SRV", tcp=True).srv()) == MANY)
        for who, name, rdtype, size in POLLERS:
            slot, answer = within_a_minute(lambda: (
                time.time() // 60, poll(many, name, rdtype, size)))
            got = set_of(answer)
            assert 8 < len(got) < MANY, who
            assert first.setdefault((who, slot), got) == got, \
                f"{who}: swapped"
            orders[who].add(tuple(answer.addresses() or answer.srv()))
    for who, seen in orders.items():
        assert len(seen) > 20, f"{who}: the order is drawn"


def test_all_workers_and_servers_agree(site, many):
    """Sockets of other workers, and a second dnsd on the registry."""
    other = site.start_dnsd("--workers", "3")
    until("all are served",
          lambda: len(other.ask("many", "SRV", tcp=True).srv()) == MANY)
    assert within_a_minute(lambda: len({
        set_of(daemon.exchange(query("many", "A")))
        for daemon in (many, other) for _ in range(20)})) == 1


def test_a_change_shows_at_once(site, many):
    gone = sorted(set_of(many.ask("many")))[0]
    site.sql("UPDATE instance SET health = 'critical' WHERE address = ?", gone)
    until("it is out", lambda: gone not in set_of(many.ask("many")))


def test_a_set_that_fits_is_whole(site, dnsd):
    """Up to 28 addresses, by whatever size there is."""
    site.put("web", *[(f"i{n}", f"192.0.2.{n}") for n in range(1, 29)])
    until("28", lambda: len(dnsd.addresses("web")) == 28)
    for size in (None, 512, 1232, 4096):
        answer = poll(dnsd, "web", "A", size)
        assert len(answer.addresses()) == 28 and not answer.flag("TC")


def ask_from(daemon, address, rdtype="A", name="many"):
    asked = query(name, rdtype)
    return Answer(dns.query.udp(asked, daemon.host, port=daemon.port,
                                timeout=5, source=address))


def test_networks_get_parts_by_weight(many):
    """A /24 gets one part; over many each instance is in its share."""
    seen = collections.Counter()
    networks = 400
    for k in range(networks):
        net = f"127.{random.Random(k).randrange(1, 60)}.{k % 250}"
        answers = within_a_minute(lambda net=net: [
            set_of(ask_from(many, f"{net}.{host}")) for host in (1, 200)])
        assert answers[0] == answers[1], "neighbours get the same"
        seen.update(answers[0])
    mean = collections.defaultdict(list)
    for n in range(1, MANY + 1):
        mean[1 + n % 3].append(seen[f"10.0.0.{n}"] / networks)
    light, middle, heavy = (sum(mean[k]) / len(mean[k]) for k in (1, 2, 3))
    assert min(seen.values()) > 0 and len(seen) == MANY
    assert light < middle < heavy
    # drawing 73 of 150 without replacement: less than threefold
    assert 1.5 < heavy / light < 3


def unbound_conf(folder, dnsd, port, sources):
    out = "\n".join(f"  outgoing-interface: {s}" for s in sources)
    conf = folder / f"unbound-{port}.conf"
    conf.write_text(f"""
server:
  interface: {HOST}@{port}
  port: {port}
  access-control: 127.0.0.0/8 allow
  do-daemonize: no
  use-syslog: no
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: "{folder}/unbound-{port}.pid"
  do-not-query-localhost: no
  module-config: "iterator"
  domain-insecure: "{ZONE}"
  rrset-roundrobin: no
  do-ip6: no
  cache-max-ttl: 0
  local-zone: "internal." nodefault
{out}
stub-zone:
  name: "{ZONE}"
  stub-addr: {dnsd.host}@{dnsd.port}
""")
    return conf


def test_behind_unbound(site, many):
    """The resolver's network counts: one part behind it, another behind one
    elsewhere."""
    program = shutil.which("unbound", path="/usr/sbin:/usr/bin")
    if not program:
        pytest.skip("unbound is not installed")
    ask = []
    for k in range(3):
        port = free_port()
        conf = unbound_conf(site.folder, many, port, [f"127.{k + 1}.7.9"])
        with (site.folder / f"unbound-{k}.log").open("w") as log:
            site.processes.append(subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", program, "-d", "-c", conf],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log))

        def ask_one(port=port):
            with contextlib.suppress(OSError, dns.exception.Timeout):
                return set_of(Answer(dns.query.udp(
                    query("many", "A"), HOST, port=port, timeout=1)))
            return frozenset()

        until("unbound answers", lambda ask_one=ask_one: len(ask_one()) > 40)
        ask.append(ask_one)
    parts = within_a_minute(lambda: [
        {one() for _ in range(15)} for one in ask])
    for seen in parts:
        assert len(seen) == 1, "no swaps behind a resolver"
    assert len(set().union(*parts)) == 3
