# SPDX-License-Identifier: BSD-2-Clause
"""Hosts that tell each other what they have through a real etcd."""

import json
import os
import signal
import subprocess
import time

import pytest
from etcd import Etcd, Host
from rollcall import BUILD, TREE, always, until

SKYDNS = "/skydns/internal/svc"


@pytest.fixture
def etcd(tmp_path):
    made = Etcd(tmp_path).start()
    yield made
    made.process.kill()
    made.process.wait()


@pytest.fixture
def host(tmp_path, etcd, request):
    """host(NAME, ...) starts one; all are stopped, and judged, at the end."""
    made = []

    def start(name, *args, folder=None, **more):
        one = Host(tmp_path / (folder or name), name, etcd)
        made.append(one)
        request.node.site = one.site
        return one.start(*args, **more)
    yield start
    for one in made:
        one.site.close()


def coredns(etcd, name):
    """What CoreDNS's etcd plugin answers: the key of the name, or all below
    it; value by value a host, a port, a priority and a weight."""
    path = "/skydns/" + "/".join(reversed(name.split(".")))
    keys = etcd.keys(path + "/") or \
        {k: v for k, v in etcd.keys(path).items() if k == path}
    found = []
    for key, value in keys.items():
        record = json.loads(value)
        if ":" in record["host"] or record["host"][-1].isdigit():
            found.append(record["host"])
        else:
            found += coredns(etcd, record["host"])
    return sorted(found)


def test_what_one_has_the_others_answer(host):
    a, b = host("a"), host("b")
    a.add("web", ("a-1", "10.0.0.1"), ("a-2", "10.0.0.2"))
    b.add("web", ("b-1", "10.0.1.1"))
    for one in (a, b):
        one.dnsd.wait_instances("web", ["a-1", "a-2", "b-1"])
    a.sql("UPDATE instance SET health = 'critical', reason = 'refused' "
          "WHERE name = 'a-1'")
    b.dnsd.wait_instances("web", ["a-2", "b-1"])
    out = b.run("explain", "_web._tcp.svc.internal", "SRV")
    assert "it is what host a says, which was there" in out
    assert "refused" in out
    assert "host a: refused" in b.run("status", status=3)
    a.sql("UPDATE instance SET health = 'passing', weight = 7 "
          "WHERE name = 'a-1'")
    until("the weight is known", lambda: (0, 7, 80, "a-1.web") in
          b.dnsd.ask("_web._tcp", "SRV", tcp=True).srv())
    a.sql("DELETE FROM instance WHERE name = 'a-2'")
    b.dnsd.wait_instances("web", ["a-1", "b-1"])


def test_loopback_stays(host, etcd):
    a, b = host("a"), host("b", "--cluster-address", "10.0.1.9")
    a.add("web", ("a-1", "127.0.0.1"))
    b.add("web", ("b-1", "127.0.0.1"))
    a.dnsd.wait_addresses("web", ["127.0.0.1", "10.0.1.9"])
    assert b.dnsd.instances("web") == ["b-1"]
    assert "127." not in json.dumps(etcd.keys("/rollcall/v1/node/a/instance"))
    until("it is told", lambda: "without cluster_address" in
          a.members()[""]["text"])


@pytest.mark.slow
def test_leases_do_not_travel(host, etcd):
    a, b = host("a"), host("b")
    a.add("web", ("a-1", "10.0.0.1"), ("a-2", "10.0.0.2"))
    a.sql("UPDATE instance SET lease_until_wall_ms = "
          "(strftime('%s') + 3) * 1000 WHERE name = 'a-1'")
    b.dnsd.wait_instances("web", ["a-1", "a-2"])
    assert "lease" not in json.dumps(etcd.keys("/rollcall/v1/node/a/ins"))
    b.dnsd.wait_instances("web", ["a-2"])


def test_coredns_reads_what_is_eligible(host, etcd):
    a = host("a")
    a.add("web", ("a-1", "10.0.0.1"), ("a-2", "10.0.0.2"))
    a.sql("UPDATE instance SET address6 = '2001:db8::2', weight = 0 "
          "WHERE name = 'a-2'")
    until("both", lambda: coredns(etcd, "web.svc.internal") ==
          ["10.0.0.1", "10.0.0.2", "2001:db8::2"])
    until("SRV", lambda: coredns(etcd, "_web._tcp.svc.internal") ==
          ["10.0.0.1", "10.0.0.2", "2001:db8::2"])
    record = json.loads(etcd.keys(f"{SKYDNS}/web/a-1")[f"{SKYDNS}/web/a-1"])
    assert record == {"host": "10.0.0.1", "port": 80, "priority": 10,
                      "weight": 100}
    # 0 would mean 100 there
    assert all(json.loads(v)["weight"] == 1
               for v in etcd.keys(f"{SKYDNS}/web/a-2/").values())
    a.sql("UPDATE instance SET health = 'dead' WHERE name = 'a-2'")
    until("one", lambda: coredns(etcd, "web.svc.internal") == ["10.0.0.1"])
    assert "a-2" in json.dumps(etcd.keys("/rollcall/"))


@pytest.mark.slow
def test_a_host_that_dies_is_gone_with_its_lease(host):
    a, b = host("a"), host("b")
    a.add("web", *((f"a-{n}", f"10.0.0.{n}") for n in range(1, 20)))
    b.add("web", ("b-1", "10.0.1.1"))
    until("all", lambda: len(b.dnsd.instances("web")) == 20)
    a.die()
    start = time.monotonic()
    b.dnsd.wait_instances("web", ["b-1"])
    assert time.monotonic() - start < 9


@pytest.mark.slow
def test_a_restart_is_no_news(host, etcd):
    a, b = host("a"), host("b")
    a.add("web", ("a-1", "10.0.0.1"))
    b.dnsd.wait_instances("web", ["a-1"])
    a.wait_state("member")

    def lease():
        return a.site.sql("SELECT lease FROM member WHERE node = ''")[0][0]
    was = lease()
    history = len(b.site.sql("SELECT * FROM history"))
    for end in ("stop", "kill"):
        getattr(a.registrar, end)()
        a.start()
        until("it is back", lambda: b.state("a") == "alive" and
              a.state() == "member")
        always("it is answered", lambda: b.dnsd.instances("web") == ["a-1"],
               1)
    assert lease() == was
    assert len(b.site.sql("SELECT * FROM history")) == history


@pytest.mark.slow
def test_etcd_is_emptied_and_nobody_goes(host, etcd):
    a, b = host("a"), host("b")
    a.add("web", ("a-1", "10.0.0.1"))
    b.add("web", ("b-1", "10.0.1.1"))
    both = ["a-1", "b-1"]
    for one in (a, b):
        one.dnsd.wait_instances("web", both)
    etcd.stop(empty=True)
    for one in (a, b):
        one.wait_state("cut-off")
        assert one.dnsd.instances("web") == both
    assert "may be old" in b.run("status", status=4)
    etcd.start()

    def back():
        assert a.dnsd.instances("web") == both
        assert b.dnsd.instances("web") == both
        return "a-1" in str(etcd.keys("/rollcall")) and \
            "b-1" in str(etcd.keys("/skydns"))
    until("all is put again", back, 30)
    always("nobody goes", back, 3)
    b.sql("UPDATE instance SET health = 'dead' WHERE name = 'b-1'")
    a.dnsd.wait_instances("web", ["a-1"])


@pytest.mark.slow
def test_what_was_compacted_is_read_again(host, etcd):
    a, b = host("a"), host("b")
    a.add("web", ("a-1", "10.0.0.1"), ("a-2", "10.0.0.2"))
    b.dnsd.wait_instances("web", ["a-1", "a-2"])
    b.wait_state("member")
    os.kill(b.cluster_pid(), signal.SIGSTOP)  # its keeper starts another
    a.sql("DELETE FROM instance WHERE name = 'a-2'")
    until("it is gone", lambda: "a-2" not in str(etcd.keys("/rollcall")))
    client = etcd.client()
    client.compact(int(client.status().raft_index) and
                   client.get_response("/x").header.revision)
    b.dnsd.wait_instances("web", ["a-1"])


def test_one_name_is_one_host(host):
    a = host("a")
    a.add("web", ("a-1", "10.0.0.1"))
    a.wait_state("member")
    other = host("a", folder="other")
    other.add("web", ("x-1", "10.0.9.9"))
    other.wait_state("refused")
    assert "another registrar is host 'a'" in other.run("status", status=4)
    always("nothing of it is told",
           lambda: a.dnsd.instances("web") == ["a-1"], 1)


def test_leave_takes_back_at_once(host, etcd):
    a, b = host("a"), host("b")
    a.add("web", ("a-1", "10.0.0.1"))
    b.add("web", ("b-1", "10.0.1.1"))
    b.dnsd.wait_instances("web", ["a-1", "b-1"])
    a.wait_state("member")
    a.run("cluster", "leave")
    b.dnsd.wait_instances("web", ["b-1"], 2)
    assert not etcd.keys("/rollcall/v1/node/a/")
    assert a.dnsd.instances("web") == ["a-1", "b-1"]


def test_operators_anywhere(host):
    a, b = host("a"), host("b")
    a.add("web", ("a-1", "10.0.0.1"), ("a-2", "10.0.0.2"))
    b.dnsd.wait_instances("web", ["a-1", "a-2"])

    def mode(one):
        return one.site.sql("SELECT mode, weight_override FROM instance "
                            "WHERE name = 'a-1'")[0]
    b.run("maintenance", "web/a-1", "--reason", "new disk")
    a.dnsd.wait_instances("web", ["a-2"])
    until("it is acknowledged",
          lambda: not b.site.sql("SELECT * FROM wish"))
    assert mode(a) == mode(b) == ("maintenance", None)
    assert "new disk" in a.run("history", "web/a-1")
    b.run("resume", "web/a-1")
    a.dnsd.wait_instances("web", ["a-1", "a-2"])
    b.run("weight", "web/a-1", "5")
    until("its owner has it", lambda: mode(a) == ("active", 5))
    b.run("drain", "web/a-1")
    until("its owner drains it", lambda: mode(a) == ("draining", 5))
    until("all is acknowledged",
          lambda: not b.site.sql("SELECT * FROM wish"))
    assert mode(b) == ("draining", 5)


def test_two_say_the_same_name(host):
    a, b = host("a"), host("b")
    b.add("web", ("i-1", "10.0.1.1"))
    a.dnsd.wait_addresses("web", ["10.0.1.1"])
    a.sql("INSERT INTO service_claim (name, port) VALUES ('web', 80)")
    a.sql("INSERT INTO instance_claim (service, name, address) "
          "VALUES ('web', 'i-1', '10.0.0.1')")
    for one in (a, b):
        one.dnsd.wait_addresses("web", ["10.0.0.1"])
    assert "address 10.0.1.1" in b.run("status")
    a.sql("DELETE FROM instance_claim WHERE name = 'i-1' AND node = ''")
    for one in (a, b):
        one.dnsd.wait_addresses("web", ["10.0.1.1"])


@pytest.mark.slow
def test_many_ends_at_once_are_held(host, etcd):
    """Leases that all end together are more likely etcd's fault."""
    a, b, c = host("a"), host("b"), host("c")
    for n, one in enumerate((a, b, c)):
        one.add("web", (f"{one.name}-1", f"10.0.{n}.1"))
    everybody = ["a-1", "b-1", "c-1"]
    a.dnsd.wait_instances("web", everybody)
    for one in (b, c):
        one.wait_state("member")
    client = etcd.client()
    leases = [one.site.sql("SELECT lease FROM member WHERE node = ''")[0][0]
              for one in (b, c)]
    for one in (b, c):
        one.die()
    for lease in leases:
        client.revoke_lease(lease)
    until("one is held", lambda: "held" in
          {a.state("b"), a.state("c")})
    assert "its instances stay" in a.run("status", status=4)
    held = [n for n in ("b", "c") if a.state(n) == "held"]
    always("they are answered", lambda: all(
        f"{n}-1" in a.dnsd.instances("web") for n in held), 1)
    for name in held:
        a.run("cluster", "drop", name)
    a.dnsd.wait_instances("web", ["a-1"])


@pytest.mark.slow
def test_each_host_has_a_role_of_its_own(host, etcd, tmp_path):
    """As contrib/cluster/README.md has it."""
    def ctl(*args):
        done = subprocess.run(
            ["etcdctl", "--endpoints", etcd.where, *args], text=True,
            capture_output=True, check=False,
            env={**os.environ, "ETCDCTL_API": "3"})
        assert done.returncode == 0, done.stderr
    for name in ("a", "b"):
        ctl("role", "add", name)
        ctl("role", "grant-permission", name, "--prefix=true", "read",
            "/rollcall/v1/")
        for where in (f"/rollcall/v1/node/{name}/", "/rollcall/v1/wish/",
                      "/skydns/"):
            ctl("role", "grant-permission", name, "--prefix=true",
                "readwrite", where)
        ctl("user", "add", f"{name}:secret-{name}")
        ctl("user", "grant-role", name, name)
        (tmp_path / f"{name}.password").write_text(f"secret-{name}\n")
    ctl("user", "add", "root:top")
    ctl("user", "grant-role", "root", "root")
    ctl("auth", "enable")
    a, b = (host(name, "--cluster-user", name, "--cluster-password-file",
                 tmp_path / f"{name}.password") for name in ("a", "b"))
    a.add("web", ("a-1", "10.0.0.1"))
    b.dnsd.wait_instances("web", ["a-1"])
    b.run("maintenance", "web/a-1", "--force")
    a.dnsd.wait_instances("web", [])
    # with the password of b nothing can be said of a
    liar = host("a", "--cluster-user", "b", "--cluster-password-file",
                tmp_path / "b.password", folder="liar")
    liar.add("web", ("a-2", "10.0.9.9"))
    liar.registrar.wait_log("permission denied")
    assert "a-2" not in json.dumps(b.run("status", status=3))
    assert "secret" not in a.registrar.log_text()


@pytest.mark.slow
def test_three_hosts_in_namespaces(tmp_path):
    """The demo: a cut, a host without power, an operator elsewhere."""
    done = subprocess.run(
        [TREE / "contrib/cluster/demo", "--once", "--events", "3"],
        env={**os.environ, "ROLLCALL_BUILD": str(BUILD),
             "TMPDIR": str(tmp_path)},
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=120, check=False)
    if done.returncode == 77:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "maintenance, by command/" in done.stdout
    assert "it answers 10.77.0.1 10.77.0.2 10.77.0.3" in done.stdout
    assert "out of all answers after" in done.stdout
    assert not os.listdir(tmp_path)


@pytest.mark.slow
def test_a_short_campaign(tmp_path):
    """tests/campaign/cluster for some seconds."""
    def play(*args):
        return subprocess.run(
            [TREE / "tests/campaign/cluster", "15", *args],
            env={**os.environ, "ROLLCALL_BUILD": str(BUILD),
                 "TMPDIR": str(tmp_path)},
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=140, check=False)
    done = play()
    if done.returncode == 77:
        pytest.skip(done.stderr.strip())
    print(done.stdout[-8000:])
    assert done.returncode == 0, done.stderr
    assert "wrong 0" in done.stdout
