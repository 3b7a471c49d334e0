# SPDX-License-Identifier: BSD-2-Clause
"""Networks that are not as loopback is: addresses that come late, and
interfaces that take little at a time. Each in a network namespace of its
own."""

import re
import subprocess
import sys

import dns.message
import pytest

from rollcall import HOST, ZONE, Dnsd, until

BIG_N = 40


class Network:
    """A namespace, as long as a process of ours sleeps in it."""

    def __init__(self):
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--user", "--net",
             "--map-root-user", "sh", "-c",
             "ip link set lo up && echo up && exec sleep 1000"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
        self.said = self.process.stdout.readline()
        self.prefix = ["nsenter", "--target", str(self.process.pid), "--user",
                       "--net", "--preserve-credentials"]

    def run(self, *command):
        return subprocess.run([*self.prefix, *command], text=True,
                              check=True, capture_output=True).stdout

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class NetworkDnsd(Dnsd):
    """dnsd in there; its readiness cannot be told across, its log can."""

    def __init__(self, network, site, *args):
        super().__init__(site, *args)
        self.network = network
        self.prefix = network.prefix

    def ready(self, notify):
        assert self.running(), self.log_text()
        return self.logged(r"answering on .*:\d+\n")

    def dig(self, *args, server=None):
        """What it says, or nothing while there is no answer."""
        done = subprocess.run(
            [*self.prefix, "dig", f"@{server or self.host}", "-p",
             str(self.port), "+tries=1", "+time=10", *args], text=True,
            capture_output=True, check=False)
        return done.stdout if done.returncode == 0 else ""


@pytest.fixture
def network():
    made = Network()
    if made.said != "up\n":
        made.close()
        pytest.skip(f"no network namespace of one's own: {made.said.strip()}")
    yield made
    made.close()


def start(network, site, *args, listen=(HOST,)):
    site.create_registry()
    site.put("web", ("i-1", "192.0.2.1"))
    site.put("big", *((f"instance-{n}", f"198.51.100.{n}")
                      for n in range(1, BIG_N + 1)))
    daemon = NetworkDnsd(network, site, *args)
    at = daemon.args.index("--listen")
    daemon.args[at:at + 2] = [word for host in listen
                              for word in ("--listen",
                                           f"{host}:{daemon.port}")]
    site.daemons.append(daemon)
    return daemon.start()


LATE = [("192.0.2.53", "192.0.2.53/32"), ("2001:db8::53", "2001:db8::53/128")]


@pytest.mark.parametrize("address, prefix", LATE)
def test_an_address_that_comes_late(network, site, address, prefix):
    """It does not keep dnsd from answering on the others, and is answered on
    over UDP and TCP as soon as it is there; and again when it was away."""
    host = f"[{address}]" if ":" in address else address
    daemon = start(network, site, listen=(HOST, host))
    assert daemon.logged("no interface has the address of " + re.escape(host))
    assert "192.0.2.1" in daemon.dig(f"web.{ZONE}")
    for _ in range(2):
        network.run("ip", "address", "add", prefix, "dev", "lo")
        for tcp in ("+notcp", "+tcp"):
            until(f"an answer from {address} {tcp}", lambda tcp=tcp: (
                "192.0.2.1" in daemon.dig(f"web.{ZONE}", tcp,
                                          server=address)))
        network.run("ip", "address", "del", prefix, "dev", "lo")
        assert daemon.dig(f"web.{ZONE}", server=address) == ""
    assert "192.0.2.1" in daemon.dig(f"web.{ZONE}")


@pytest.mark.parametrize("mtu, size", [(600, 1232), (1400, 4096)])
@pytest.mark.parametrize("where", [HOST, "0.0.0.0"], ids=["one", "all"])
def test_an_answer_above_the_mtu(network, site, mtu, size, where):
    """Its client is told to ask by TCP, and gets all of it there; answers
    beside it in the same batch are not held up."""
    daemon = start(network, site, "--udp-size", str(size), listen=[where])
    network.run("ip", "link", "set", "lo", "mtu", str(mtu))
    ask = [f"_big._tcp.{ZONE}", "SRV", f"+bufsize={size}", "+nocookie"]
    # the question would fit, and so does the answer to a smaller client
    whole = daemon.dig(*ask, "+tcp")
    assert whole.count("instance-") >= BIG_N
    cut = daemon.dig(*ask, "+ignore")
    assert " tc" in cut.split("flags:")[1].split(";")[0], cut
    assert "ANSWER: 0, AUTHORITY: 0, ADDITIONAL: 1" in cut
    assert f"udp: {size}" in cut
    followed = daemon.dig(*ask)
    assert ";; Truncated" in followed and followed.count("SRV") >= BIG_N
    small = daemon.dig(*ask[:2], "+noedns", "+ignore")
    assert "instance-" in small
    assert "192.0.2.1" in daemon.dig(f"web.{ZONE}")


@pytest.mark.parametrize("args, address", [
    ((), None), (("--ns-address", "192.0.2.77"), "192.0.2.77")])
def test_a_wildcard_is_no_address_of_the_name_server(network, site, args,
                                                     address):
    """None is guessed; --ns-address says one."""
    daemon = start(network, site, *args, listen=["0.0.0.0"])
    servers = daemon.dig(ZONE, "NS")
    assert f"ns1.{ZONE}." in servers
    itself = daemon.dig(f"ns1.{ZONE}")
    if address:
        assert address in servers and address in itself
    else:
        assert "ADDITIONAL: 1\n" in servers, servers  # OPT
        assert "NXDOMAIN" in itself


FLOOD = """
import socket, sys
query = bytes.fromhex(sys.argv[4])
with socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET,
                   socket.SOCK_DGRAM) as s:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    s.bind((sys.argv[1], 0))
    s.connect((sys.argv[2], int(sys.argv[3])))
    for _ in range(400):
        s.send(query)
    s.settimeout(0.5)
    full = truncated = 0
    try:
        while True:
            cut = s.recv(4096)[2] >> 1 & 1
            truncated += cut
            full += not cut
    except TimeoutError:
        print(full, truncated)
"""


def flood(network, dnsd, source, server):
    """Of 400 datagrams: how many were answered, and how many with TC."""
    wire = dns.message.make_query(f"web.{ZONE}", "A").to_wire()
    return tuple(map(int, network.run(
        sys.executable, "-c", FLOOD, source, server, str(dnsd.port),
        wire.hex()).split()))


PRIVATE = ("127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.7.7",
           "100.64.0.1", "169.254.1.1", "fd00::1")
PUBLIC = ("198.51.100.1", "172.32.0.1", "100.128.0.1", "2001:db8::1")


@pytest.mark.parametrize("args, limited", [
    ((), PUBLIC), (("--rrl", "off"), ()), (("--rrl", "0"), ()),
    (("--limit-exempt", "198.51.100.0/24", "--limit-exempt", "!10.0.0.0/8"),
     ("172.32.0.1", "100.128.0.1", "2001:db8::1", "10.1.2.3"))])
def test_response_rate_limits_of_their_own_accord(network, site, args,
                                                  limited):
    for address in PRIVATE + PUBLIC:
        network.run("ip", "address", "add", address, "dev", "lo",
                    *(("nodad",) if ":" in address else ()))
    dnsd = start(network, site, "--workers", "1", *args,
                 listen=("0.0.0.0", "[::]"))
    until("it answers", lambda: "192.0.2.1" in dnsd.dig(
        f"web.{ZONE}", server="127.0.0.1"))
    for source in PRIVATE + PUBLIC:
        full, truncated = flood(network, dnsd, source, source)
        if source in limited:
            assert 20 <= full < 150, source
            assert abs(truncated - (400 - full) / 2) <= 2, source
        else:
            assert (full, truncated) == (400, 0), source
