# SPDX-License-Identifier: BSD-2-Clause
"""Cookies, limits and networks that may ask: real packets, and the servers
of others with the same secret."""

import re
import shutil
import signal
import socket
import subprocess

import dns.edns
import dns.message
import dns.query
import dns.rcode
import pytest

from rollcall import ZONE, Answer, query, until

pytestmark = pytest.mark.threads

SECRET = "e5e973e5a6b2a43f48e7dc849e37bfcf"
NEXT = "445536bcd2513298075a5d379663c962"
CLIENT = bytes.fromhex("2464c4abcf10c957")
COOKIE, EDE = 10, 15
PEER = "127.0.0.1"  # BIND wants an address that an interface has


def start(site, *args, secrets=None):
    if secrets is not None:
        write_secrets(site, *secrets)
        args = (*args, "--cookie-secrets", site.folder / "secrets")
    site.create_registry()
    site.put("web", ("i-1", "192.0.2.1"), ("i-2", "192.0.2.2"))
    # one thread, for limits are a thread's
    dnsd = site.start_dnsd("--workers", "1", *args)
    return dnsd


def write_secrets(site, *lines):
    aside = site.folder / "secrets.new"
    aside.touch(mode=0o600)
    aside.write_text("# of the test\n" + "".join(f"{s}\n" for s in lines))
    aside.rename(site.folder / "secrets")


def ask(dnsd, name="web", cookie=None, tcp=False, **more):
    if cookie is not None:
        more["options"] = [dns.edns.GenericOption(COOKIE, cookie)]
    return dnsd.exchange(query(name, "A", **more), tcp)


def option(answer, code):
    for o in answer.message.options:
        if o.otype == code:
            return o.to_wire()
    return None


def cookie_of(answer):
    return option(answer, COOKIE)


def counted(dnsd):
    """The counters, from the log."""
    start_at = len(dnsd.log_text())
    dnsd.signal(signal.SIGUSR1)
    found = dnsd.wait_log(r"counted (.*)", start_at)
    return {k: int(v) for k, v in
            re.findall(r"(\w+)=(\d+)", found.group(1))}


# ---- cookies

def test_a_client_gets_a_cookie_and_keeps_it(site):
    dnsd = start(site)
    made = cookie_of(ask(dnsd, cookie=CLIENT))
    assert len(made) == 24 and made[:8] == CLIENT and made[8:12] == b"\1\0\0\0"
    again = ask(dnsd, cookie=made)
    assert cookie_of(again) == made and again.addresses()
    assert cookie_of(ask(dnsd, cookie=made, tcp=True)) == made
    assert cookie_of(ask(dnsd)) is None
    assert counted(dnsd)["cookies"] == 2


def test_dig_finds_its_cookie_good(site):
    dnsd = start(site)
    first = dnsd.dig("+cookie", f"web.{ZONE}", "A")
    shown = re.search(r"; COOKIE: ([0-9a-f]{48}) \(good\)", first)
    assert shown, first
    # dig makes its client cookie anew: give it the old one
    second = dnsd.dig(f"+cookie={shown.group(1)}", f"web.{ZONE}", "A")
    assert f"; COOKIE: {shown.group(1)} (good)" in second


def test_required_cookies(site):
    dnsd = start(site, "--cookies", "require", secrets=[SECRET])
    refused = ask(dnsd, cookie=CLIENT)
    assert refused.rcode == "BADCOOKIE" and not refused.rdata()
    assert ask(dnsd, cookie=cookie_of(refused)).addresses()
    assert ask(dnsd, cookie=CLIENT + bytes(16)).rcode == "BADCOOKIE"
    assert ask(dnsd, cookie=CLIENT, tcp=True).addresses(), "TCP is exempt"
    assert ask(dnsd).addresses(), "a client without cookies"
    # dig asks again by itself
    assert "status: NOERROR" in dnsd.dig("+cookie", f"web.{ZONE}", "A")
    assert counted(dnsd)["badcookie"] >= 3


def test_cookies_can_be_off(site):
    dnsd = start(site, "--cookies", "off")
    assert cookie_of(ask(dnsd, cookie=CLIENT)) is None
    assert ask(dnsd, cookie=b"odd").rcode == "NOERROR"


def test_servers_with_one_secret_share_cookies(site):
    one = start(site, secrets=[SECRET])
    two = site.start_dnsd("--cookie-secrets", site.folder / "secrets",
                          "--cookies", "require")
    stranger = site.start_dnsd("--cookies", "require")
    made = cookie_of(ask(one, cookie=CLIENT))
    assert ask(two, cookie=made).rcode == "NOERROR"
    assert ask(stranger, cookie=made).rcode == "BADCOOKIE"


def test_roll_over_and_a_bad_file(site):
    """RFC 9018 section 5; what is wrong changes nothing."""
    dnsd = start(site, "--cookies", "require", secrets=[SECRET])
    old = cookie_of(ask(dnsd, cookie=CLIENT))

    def reload(*secrets):
        start_at = len(dnsd.log_text())
        write_secrets(site, *secrets)
        dnsd.signal(signal.SIGHUP)
        return start_at
    reload(NEXT, SECRET)
    until("a cookie of the new secret",
          lambda: cookie_of(ask(dnsd, cookie=old)) != old)
    assert ask(dnsd, cookie=old).rcode == "NOERROR", "the one before is good"
    new = cookie_of(ask(dnsd, cookie=old))
    assert cookie_of(ask(dnsd, cookie=new)) == new
    dnsd.wait_log(r"secrets:3:4: found 'z', expected a hexadecimal digit; "
                  "the last good", reload(NEXT, "445zz"))
    assert ask(dnsd, cookie=old).rcode == "NOERROR"
    dnsd.wait_log(r"secrets:2:1: found no secret", reload())
    assert ask(dnsd, cookie=new).rcode == "NOERROR"
    reload(NEXT)
    until("the old secret is gone",
          lambda: ask(dnsd, cookie=old).rcode == "BADCOOKIE")
    assert ask(dnsd, cookie=new).rcode == "NOERROR"
    assert NEXT not in dnsd.log_text()


def nsd_config(folder, port):
    (folder / "nsd.secrets").write_text(SECRET + "\n")
    (folder / "zone").write_text(
        f"{ZONE}. 60 SOA a. b. 1 2 3 4 5\n{ZONE}. 60 NS a.\n")
    (folder / "conf").write_text(f"""server:
  ip-address: {PEER}@{port}
  username: ""
  zonesdir: "{folder}"
  database: ""
  pidfile: ""
  zonelistfile: "{folder}/list"
  xfrdfile: "{folder}/xfrd"
  answer-cookie: yes
  cookie-secret: {SECRET}
remote-control:
  control-enable: no
zone:
  name: {ZONE}
  zonefile: zone
""")
    return ["nsd", "-d", "-c", folder / "conf"]


def knot_config(folder, port):
    (folder / "zone").write_text(
        f"{ZONE}. 60 SOA a. b. 1 2 3 4 5\n{ZONE}. 60 NS a.\n")
    (folder / "conf").write_text(f"""server:
    listen: {PEER}@{port}
    rundir: {folder}
    udp-workers: 1
    tcp-workers: 1
mod-cookies:
  - id: default
    secret: 0x{SECRET}
database:
    storage: {folder}/db
zone:
  - domain: {ZONE}
    file: {folder}/zone
    journal-content: none
    module: mod-cookies/default
""")
    return ["knotd", "-c", folder / "conf"]


def bind_config(folder, port):
    (folder / "zone").write_text(
        f"{ZONE}. 60 SOA a. b. 1 2 3 4 5\n{ZONE}. 60 NS a.\n")
    (folder / "conf").write_text(f"""options {{
  directory "{folder}";
  listen-on port {port} {{ {PEER}; }};
  listen-on-v6 {{ none; }};
  pid-file none;
  session-keyfile "{folder}/key";
  recursion no;
  answer-cookie yes;
  require-server-cookie yes;
  cookie-algorithm siphash24;
  cookie-secret "{SECRET}";
}};
controls {{ }};
zone "{ZONE}" {{ type primary; file "{folder}/zone"; }};
""")
    return ["named", "-g", "-c", folder / "conf"]


@pytest.mark.parametrize("config", [nsd_config, knot_config, bind_config])
def test_other_servers_with_that_secret_share_cookies(site, config):
    with socket.socket() as s:
        s.bind((PEER, 0))
        port = s.getsockname()[1]
    folder = site.folder / "peer"
    folder.mkdir()
    command = config(folder, port)
    program = shutil.which(command[0], path="/usr/sbin:/usr/bin:/sbin:/bin")
    if not program:
        pytest.skip(f"{command[0]} is not installed")
    dnsd = start(site, "--cookies", "require", secrets=[SECRET])
    with (site.folder / "peer.log").open("wb") as log:
        peer = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", program, *command[1:]],
            stdout=log, stderr=log, cwd=folder)
    site.processes.append(peer)

    def at_peer(cookie):
        asked = dns.message.make_query(
            f"{ZONE}.", "SOA", use_edns=0, payload=1232,
            options=[dns.edns.GenericOption(COOKIE, cookie)])
        assert peer.poll() is None, (site.folder / "peer.log").read_text()
        try:
            return Answer(dns.query.udp(asked, PEER, 0.5, port))
        except (dns.exception.Timeout, OSError):
            return None
    theirs = cookie_of(until("the peer answers", lambda: at_peer(CLIENT)))
    ours = cookie_of(ask(dnsd, cookie=CLIENT))
    assert ask(dnsd, cookie=theirs).rcode == "NOERROR", "ours takes theirs"
    got = until("the peer answers again", lambda: at_peer(ours))
    assert got.rcode == "NOERROR" and cookie_of(got) == ours, \
        "theirs takes ours, and keeps it"


# ---- networks

def configured(site, text, *args):
    (site.folder / "rollcall.yaml").write_text(text)
    return start(site, "--config", site.folder / "rollcall.yaml", *args)


def test_networks_that_may_ask_are_read_again(site):
    config = site.folder / "rollcall.yaml"
    dnsd = configured(site, "dnsd:\n  allow_query: [192.0.2.0/24]\n")
    got = ask(dnsd)
    assert got.rcode == "REFUSED"
    assert option(got, EDE) == b"\0\x12"
    assert option(ask(dnsd, use_edns=False), EDE) is None
    assert ask(dnsd, tcp=True).rcode == "REFUSED"

    config.write_text("dnsd:\n  allow_query: [127.0.0.0/8, '!127.0.0.1']\n")
    start_at = len(dnsd.log_text())
    dnsd.signal(signal.SIGHUP)
    dnsd.wait_log("looking at everything", start_at)
    assert ask(dnsd).rcode == "REFUSED"

    config.write_text("dnsd:\n  allow_query: [127.0.0.0/8]\n")
    dnsd.signal(signal.SIGHUP)
    until("it may ask", lambda: ask(dnsd).rcode == "NOERROR")

    config.write_text("dnsd:\n  allow_query:\n    - 192.0.2.7/24\n")
    start_at = len(dnsd.log_text())
    dnsd.signal(signal.SIGHUP)
    dnsd.wait_log(r"rollcall.yaml:3:7: found '192.0.2.7/24' for "
                  r"'allow_query', expected a network", start_at)
    assert ask(dnsd).rcode == "NOERROR"
    assert counted(dnsd)["denied"] >= 4


def test_others_can_be_dropped(site):
    dnsd = start(site, "--allow-query", "192.0.2.0/24", "--denied", "drop")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(dnsd.where)
        s.settimeout(0.3)
        s.send(query("web", "A").to_wire())
        with pytest.raises(TimeoutError):
            s.recv(512)
    with socket.create_connection(dnsd.where, 10) as s:
        assert s.recv(1) == b"", "closed before it says a word"


@pytest.mark.parametrize("args, expected", [
    (["--allow-query", "10.0.0.0/33"],
     "--allow-query: found '10.0.0.0/33', expected a network such as"),
    (["--allow-query", "10.0.0.1/8"], "without bits beyond its length"),
    (["--cookies", "maybe"], "expected one of 'off', 'on', 'require'"),
    (["--rrl-slip", "11"], "expected a number from 0 to 10"),
    (["--cookie-secrets", "/nowhere"], "/nowhere"),
])
def test_wrong_options_are_named(site, args, expected):
    done = site.command("--check", *args, program="dnsd")
    assert done.returncode == 2
    assert expected in done.stderr


# ---- limits

def flood(dnsd, n, **more):
    """Of n datagrams: how many were answered, and how many of those by TC."""
    wire = [query("web", "A", **more).to_wire() for _ in range(n)]
    full = truncated = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        s.connect(dnsd.where)
        for octets in wire:
            s.send(octets)
        while True:
            s.settimeout(0.5)
            try:
                got = s.recv(4096)
            except TimeoutError:
                return full, truncated
            truncated += got[2] >> 1 & 1
            full += not got[2] & 2


def test_response_rate_limiting(site):
    dnsd = start(site, "--rrl", "50")
    full, truncated = flood(dnsd, 1000)
    # 50 at once, and those earned on the way; every other one slips
    assert 50 <= full <= 300
    assert abs(truncated - (1000 - full) / 2) <= 2
    c = counted(dnsd)
    assert c["rrl_truncated"] == truncated
    assert c["rrl_dropped"] == 1000 - full - truncated
    assert ask(dnsd, tcp=True).addresses(), "TCP is not limited"
    dnsd.wait_log("clients were limited .*rrl_dropped=[1-9]")


def test_a_cookie_and_a_network_are_exempt_from_limits(site):
    dnsd = start(site, "--rrl", "10", "--query-limit", "10000",
                 secrets=[SECRET])
    flood(dnsd, 200)
    made = cookie_of(ask(dnsd, cookie=CLIENT, tcp=True))
    good = [dns.edns.GenericOption(COOKIE, made)]
    assert flood(dnsd, 200, options=good) == (200, 0)
    exempt = site.start_dnsd("--workers", "1", "--rrl", "10",
                             "--limit-exempt", "127.0.0.0/8")
    assert flood(exempt, 200) == (200, 0)


def test_queries_of_a_network_are_limited(site):
    dnsd = start(site, "--query-limit", "20", "--query-burst", "100",
                 "--rrl-slip", "0")
    full, truncated = flood(dnsd, 1000)
    assert 100 <= full <= 300 and not truncated
    assert counted(dnsd)["queries_limited"] == 1000 - full
    # TCP is counted apart, and told
    answers = {ask(dnsd, tcp=True).rcode for _ in range(150)}
    assert "NOERROR" in answers
