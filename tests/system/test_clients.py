# SPDX-License-Identifier: BSD-2-Clause
"""Programs that people have, on a host whose resolv.conf names dnsd alone, with
a search list whose first domain is another's and has nothing: each finds a
service by its short name, and none waits out a time-out on the way."""

import os
import shutil
import subprocess
import sys
import time

import pytest
from test_network import NetworkDnsd
from test_resolv import Host

from rollcall import until

# Stubs wait for two seconds and more; a busy machine's start of a JVM is not
# counted where the program says itself how long the look-up took.
LIMIT_S = 1.9
CONF = "nameserver 127.0.0.1\nsearch dead.example svc.internal\n"
UPSTREAM = """
import time, dns.message, upstream
def none(q):
    r = dns.message.make_response(q, recursion_available=True)
    r.set_rcode(3)
    return r
u = upstream.Upstream(none, host="127.0.0.9", port=53)
time.sleep(1000)
"""
JAVA = """
public class Look {
    public static void main(String[] a) throws Exception {
        java.net.InetAddress.getByName("127.0.0.1");
        long t = System.nanoTime();
        String got = java.net.InetAddress.getByName("web").getHostAddress();
        System.out.println(got + " " + (System.nanoTime() - t) / 1e9);
    }
}
"""
NODE = """
const dns = require('dns'), begin = process.hrtime.bigint();
dns.lookup('web', (e, a) => console.log(e ? e : a,
    Number(process.hrtime.bigint() - begin) / 1e9));
"""
PYTHON = """
import socket, time
t = time.monotonic()
print(socket.gethostbyname('web'), time.monotonic() - t)
"""
PERL = """
use Socket; use Time::HiRes 'time';
my $t = time; my $a = gethostbyname('web');
print inet_ntoa($a), ' ', time - $t;
"""
RUBY = """
require 'socket'
t = Process.clock_gettime(Process::CLOCK_MONOTONIC)
print IPSocket.getaddress('web'), ' ',
  Process.clock_gettime(Process::CLOCK_MONOTONIC) - t
"""
PHP = """
$t = microtime(true); $a = gethostbyname('web');
echo $a, ' ', microtime(true) - $t;
"""
GO = """package main

import ("fmt"; "net"; "time")

func main() {
	t := time.Now()
	got, err := net.LookupHost("web")
	fmt.Println(got, err, time.Since(t).Seconds())
}
"""

# each prints the address and, last, the seconds; or it is timed as a whole
CLIENTS = {
    "glibc": (["getent", "hosts", "web"], None),
    "curl": (["curl", "-s", "-o", "/dev/null", "-w",
              "%{remote_ip} %{time_namelookup}", "http://web:8080/"], None),
    "busybox": (["busybox", "wget", "-q", "-O", "-", "http://web:8080/"],
                None),
    "python3": ([sys.executable, "-c", PYTHON], None),
    "node": (["node", "-e", NODE], None),
    "java": (["java", "Look.java"], ("Look.java", JAVA)),
    "go": (["go", "run", "look.go"], ("look.go", GO)),
    "perl": (["perl", "-e", PERL], None),
    "ruby": (["ruby", "-e", RUBY], None),
    "php": (["php", "-r", PHP], None),
}
OWN_TIME = set(CLIENTS) - {"glibc", "busybox"}


@pytest.fixture(name="host", scope="module")
def a_host_that_asks_dnsd_alone(tmp_path_factory):
    import rollcall
    if os.geteuid() != 0:
        pytest.skip("not root")
    site = rollcall.Site(tmp_path_factory.mktemp("clients"))
    host = Host(site.folder)
    if host.said != "up\n":
        host.close()
        pytest.skip(f"no namespaces of one's own: {host.said.strip()}")
    # IPv4 and IPv6 that are not loopback, as stubs want before they ask
    host.run("sh", "-c", "ip link add d0 type veth peer name d1 && "
             "ip link set d1 up && ip link set d0 up && "
             "ip address add 192.0.2.1/24 dev d0", status=None)
    host.run("umount", "/etc/resolv.conf", status=None)
    host.run("rm", "-f", "/etc/resolv.conf")
    host.put("/etc/resolv.conf", CONF)
    host.put("/etc/nsswitch.conf", "hosts: files dns\n")
    tests = str(rollcall.TREE / "tests/system")
    host.start(sys.executable, "-c", UPSTREAM,
               env={**os.environ, "PYTHONPATH": tests})
    host.start(sys.executable, "-m", "http.server", "--bind", "127.0.0.1",
               "8080", cwd=site.watch, stdout=subprocess.DEVNULL,
               stderr=subprocess.DEVNULL)
    site.create_registry()
    site.put("web", ("a", "127.0.0.1"))
    dnsd = NetworkDnsd(host, site, "--listen", "127.0.0.1:53", "--outside",
                       "forward", "--upstream", "127.0.0.9")
    site.daemons.append(dnsd)
    dnsd.start()
    until("services are there", lambda: "127.0.0.1" in host.run(
        "dig", "+short", "+tries=1", "web.svc.internal", status=None))
    until("names outside are not there", lambda: "NXDOMAIN" in host.run(
        "dig", "+tries=1", "web.dead.example", status=None))
    until("the web server answers", lambda: host.run(
        "curl", "-sf", "http://127.0.0.1:8080/", status=None))
    yield host
    site.close()
    host.close()


@pytest.mark.parametrize("name", CLIENTS)
def test_a_short_name_is_found_at_once(host, name):
    command, file = CLIENTS[name]
    program = shutil.which(command[0])
    if not program:
        pytest.skip(f"{command[0]} is not installed")
    if file:
        (host.folder / file[0]).write_text(file[1])
        command = [*command[:-1], host.folder / command[-1]]
    begin = time.monotonic()
    out = host.run(program, *command[1:], env={
        **os.environ, "GOFLAGS": "-mod=mod", "GOCACHE": str(host.folder)})
    took = time.monotonic() - begin
    if name in OWN_TIME:
        took = float(out.split()[-1])
    if name != "busybox":
        assert "127.0.0.1" in out
    print(f"{name}: {took * 1000:.0f} ms")
    assert took < LIMIT_S


@pytest.mark.parametrize("name, there", [
    ("web", True), ("web.svc.internal", True), ("none", False),
    ("www.outside.example", False)])
def test_musl(host, name, there):
    """Its stub gives up on REFUSED after five seconds only."""
    if not shutil.which("musl-gcc"):
        pytest.skip("musl-gcc is not installed")
    source = host.folder / "look.c"
    source.write_text("""#include <netdb.h>
int main(int n, char **v)
{
	struct addrinfo *a;
	return n < 2 || getaddrinfo(v[1], 0, 0, &a);
}
""")
    subprocess.run(["musl-gcc", "-static", "-o", host.folder / "look",
                    source], check=True)
    begin = time.monotonic()
    host.run(host.folder / "look", name, status=0 if there else 1)
    assert time.monotonic() - begin < LIMIT_S


@pytest.mark.parametrize("name, rcode", [
    ("1.0.0.127.in-addr.arpa PTR", "NOERROR"), ("web.svc.internal SRV",
                                               "NOERROR"),
    ("nothing.svc.internal A", "NXDOMAIN"), ("nothing.example A",
                                             "NXDOMAIN")])
def test_every_question_has_an_answer(host, name, rcode):
    out = host.run("dig", "+tries=1", "+time=2", *name.split())
    assert f"status: {rcode}" in out
