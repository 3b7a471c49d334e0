# SPDX-License-Identifier: BSD-2-Clause
"""Caches between a client and dnsd: once `drain --wait` returns, none of
them sends anybody to the instance that left, whatever it keeps for how long
and however coarse its clock."""

import http.client
import os
import shutil
import subprocess
import threading
import time

import dns.exception
import dns.message
import dns.query
import pytest
from backend import Backend

import rollcall
from rollcall import HOST, ZONE, free_port, until

ROUNDS = 4
LEAVES, STAYS = (f"127.77.{os.getpid() >> 8 & 255}.{n}" for n in (1, 2))
DEFINITION = f"""service: web
port: {{port}}
ttl: 1s
instances:
  - {{{{name: a, address: {LEAVES}}}}}
  - {{{{name: b, address: {STAYS}}}}}
"""
NAME = f"web.{ZONE}."

UNBOUND = """server:
  interface: {host}@{port}
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  do-daemonize: no
  use-syslog: no
  chroot: ""
  username: ""
  directory: "{folder}"
  pidfile: "{folder}/unbound.pid"
  module-config: "iterator"
  local-zone: "{zone}" nodefault
remote-control:
  control-enable: no
stub-zone:
  name: "{zone}"
  stub-addr: {host}@{upstream}
"""

KRESD = """net.listen('{host}', {port}, {{ kind = 'dns' }})
cache.size = 10 * MB
cache.min_ttl(0)  -- 5 s if not said, whatever the TTL
trust_anchors.remove('.')
policy.add(policy.suffix(policy.STUB('{host}@{upstream}'),
    policy.todnames({{'{zone}.'}})))
"""

NAMED = """options {{
  directory "{folder}";
  pid-file none;
  session-keyfile none;
  listen-on port {port} {{ 127.0.0.1; }};  // addresses of interfaces alone
  listen-on-v6 {{ none; }};
  dnssec-validation no;
  recursion yes;
  allow-query {{ any; }};
}};
controls {{ }};
zone "{zone}" {{
  type forward;
  forward only;
  forwarders {{ {host} port {upstream}; }};
}};
"""

NGINX = """daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ }}
http {{
  log_format to '$upstream_addr';
  access_log {folder}/access.log to;
  client_body_temp_path {folder}; proxy_temp_path {folder};
  fastcgi_temp_path {folder}; uwsgi_temp_path {folder};
  scgi_temp_path {folder};
  resolver {host}:{upstream} ipv6=off;
  server {{
    listen {host}:{port};
    location / {{ set $web web.{zone}; proxy_pass http://$web:{web}; }}
  }}
}}
"""

CACHES = {
    "unbound": (UNBOUND, "unbound", "-d", "-c", "{conf}"),
    "kresd": (KRESD, "kresd", "-n", "-c", "{conf}", "{folder}"),
    "named": (NAMED, "named", "-g", "-c", "{conf}"),
    "dnsmasq": ("", "dnsmasq", "-k", "-C", "/dev/null", "--no-resolv",
                "--no-hosts", "--user=", "--pid-file=", "--bind-interfaces",
                "--listen-address={host}", "--port={port}",
                "--server=/{zone}/{host}#{upstream}"),
    "nginx": (NGINX, "nginx", "-e", "stderr", "-p", "{folder}", "-c",
              "{conf}"),
}


def find(program):
    return shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin")


def question(name, port):
    """The addresses that a cache answers."""
    host = "127.0.0.1" if name == "named" else HOST

    def ask():
        query = dns.message.make_query(NAME, "A")
        try:
            got = dns.query.udp(query, host, 2, port)
        except (dns.exception.DNSException, OSError):
            return []
        return [rd.address for rrset in got.answer for rd in rrset]
    return ask


def request(port):
    """Which backend nginx went to, as that says itself."""
    def ask():
        client = http.client.HTTPConnection(HOST, port, timeout=2)
        try:
            client.request("GET", "/")
            return client.getresponse().read().decode().split()
        except (http.client.HTTPException, OSError):
            return []
        finally:
            client.close()
    return ask


class Cache(threading.Thread):
    """A program that is not ours, asked without end: what was heard when."""

    def __init__(self, site, name, **values):
        super().__init__(daemon=True)
        self.name, self.heard, self.over = name, [], False
        text, program, *args = CACHES[name]
        folder = site.folder / name
        folder.mkdir()
        port = free_port()
        values = {"host": HOST, "zone": ZONE, "folder": folder, "port": port,
                  "conf": folder / "conf", **values}
        values["conf"].write_text(text.format(**values))
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", find(program),
                 *(arg.format(**values) for arg in args)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        site.processes.append(self.process)
        self.log = folder / "log"
        self.ask = request(port) if name == "nginx" else question(name, port)

    def run(self):
        while not self.over:
            began = time.monotonic()
            self.heard.append((began, set(self.ask())))
            time.sleep(0.01)

    def wait_for(self, address, since=0.0):
        def check():
            assert self.process.poll() is None, self.log.read_text()
            return any(address in got for began, got in list(self.heard)
                       if began > since)
        until(f"{self.name} sends somebody to {address}", check)


@pytest.fixture(name="drained", scope="module")
def all_caches_beside_drains(tmp_path_factory):
    """{cache: [what each question after a drain heard, ...]}"""
    site = rollcall.Site(tmp_path_factory.mktemp("caches"))
    web = free_port()
    backends = [Backend(address, web) for address in (LEAVES, STAYS)]
    for backend in backends:
        backend.body = backend.host
    site.define("web.yaml", DEFINITION.format(port=web))
    dnsd = site.start_dnsd()
    site.start_registrar()
    dnsd.wait_addresses("web", [LEAVES, STAYS])
    caches = [Cache(site, name, upstream=dnsd.port, web=web)
              for name, (_, program, *_) in CACHES.items() if find(program)]
    heard = {cache.name: [] for cache in caches}
    back = 0.0
    for cache in caches:
        cache.start()
    for turn in range(ROUNDS):
        for cache in caches:
            cache.wait_for(LEAVES, back)
        time.sleep(0.23 * turn)  # another moment of a whole-second clock
        site.run("drain", "web/a", "--wait", "--registry", site.registry)
        gone = time.monotonic()
        time.sleep(0.5)
        for cache in caches:
            heard[cache.name] += [got for began, got in list(cache.heard)
                                  if began > gone]
        site.run("resume", "web/a", "--registry", site.registry)
        back = time.monotonic()
    for cache in caches:
        cache.over = True
        cache.join(10)
    for backend in backends:
        backend.close()
    site.close()
    return heard


@pytest.mark.parametrize("name", CACHES)
def test_nobody_is_sent_to_what_was_drained(drained, name):
    if name not in drained:
        pytest.skip(f"{CACHES[name][1]} is not installed")
    heard = drained[name]
    assert len([got for got in heard if STAYS in got]) >= 2 * ROUNDS
    assert not [got for got in heard if LEAVES in got]
