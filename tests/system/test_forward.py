# SPDX-License-Identifier: BSD-2-Clause
"""Names that are not ours are asked of others, and answered as they were
asked; what becomes of the others is nothing to names of ours."""

import concurrent.futures
import os
import signal
import socket
import time

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rrset
import pytest

from certificates import Authority
from rollcall import HOST, always, free_port, until
from upstream import Upstream, address

WITHIN_S = 2.5  # two seconds, and a busy machine


@pytest.fixture
def upstream():
    made = Upstream()
    yield made
    made.close()


@pytest.fixture
def forward(site, upstream):
    """dnsd that asks `upstream`."""
    return start(site, upstream)


def start(site, upstream, *args, service=True):
    if not site.registry.exists():
        site.create_registry()
        if service:
            site.put("web", ("i1", "192.0.2.99"))
    dnsd = site.start_dnsd("--outside", "forward", "--upstream",
                           upstream.where, *args)
    if service:
        dnsd.wait_addresses("web", ["192.0.2.99"])
    return dnsd


def errors(answer):
    """Codes of extended errors."""
    return [int(o.code) for o in answer.message.options
            if o.otype == dns.edns.EDE]


def forwarder_of(dnsd):
    """Of the process that asks others."""
    for pid in os.listdir("/proc"):
        if pid.isdigit():
            try:
                with open(f"/proc/{pid}/stat") as f:
                    text = f.read()
                with open(f"/proc/{parent(pid)}/stat") as f:
                    above = f.read()
            except OSError:
                continue
            if "(dnsd-forward)" in text and ") Z" not in text and \
                    int(above.rpartition(")")[2].split()[1]) == dnsd.pid:
                return int(pid)
    return None


def parent(pid):
    with open(f"/proc/{pid}/stat") as f:
        return int(f.read().rpartition(")")[2].split()[1])


# ---- what is answered


def test_it_is_asked_and_kept(forward, upstream):
    got = forward.ask("WwW.Example.")
    assert got.rcode == "NOERROR" and got.addresses() == ["192.0.2.1"]
    assert got.message.question[0].name.to_text() == "WwW.Example."
    assert got.message.answer[0].name.to_text() == "WwW.Example."
    assert got.flag("RA") and got.flag("RD")
    assert not got.flag("AA") and not got.flag("AD")
    assert got.message.payload == 1232
    n = len(upstream.asked)
    assert forward.ask("www.EXAMPLE.").addresses() == ["192.0.2.1"]
    assert forward.ask("www.example.", tcp=True).addresses() == ["192.0.2.1"]
    assert len(upstream.asked) == n
    assert forward.addresses("web") == ["192.0.2.99"]


def test_ttl_counts_down(forward):
    first = forward.ask("www.example.").message.answer[0].ttl
    assert 50 <= first <= 60
    until("a second has passed", lambda: forward.ask(
        "www.example.").message.answer[0].ttl < first)


def test_edns_only_for_who_has_it(forward):
    got = forward.ask("www.example.", use_edns=False)
    assert got.addresses() == ["192.0.2.1"] and got.message.edns == -1


def test_what_does_not_fit_comes_by_tcp(site, upstream):
    many = [f"192.0.2.{n}" for n in range(1, 120)]
    upstream.how = lambda q: address(q, *many)
    dnsd = start(site, upstream)
    got = dnsd.ask("big.example.", payload=512)
    assert got.flag("TC") and 20 < len(got.addresses()) < 40
    assert len(got.message.to_wire()) <= 512
    got = dnsd.ask("big.example.", tcp=True)
    assert not got.flag("TC") and sorted(got.addresses()) == sorted(many)


def test_negative_answers_have_their_soa(site, upstream):
    def nothing(q):
        r = dns.message.make_response(q, recursion_available=True)
        r.authority.append(dns.rrset.from_text(
            "example.", 30, "IN", "SOA", "ns.example. h.example. 1 2 3 4 5"))
        if q.question[0].name.to_text().lower().startswith("no"):
            r.set_rcode(3)
        return r
    upstream.how = nothing
    dnsd = start(site, upstream)
    got = dnsd.ask("no.example.")
    assert got.rcode == "NXDOMAIN" and got.authority_types == ["SOA"]
    got = dnsd.ask("is.example.")
    assert got.rcode == "NOERROR" and got.authority_types == ["SOA"]
    assert not got.rdata()


def test_signatures_for_who_wants_them(site, upstream):
    def signed(q):
        r = address(q)
        r.answer.append(dns.rrset.from_text(
            q.question[0].name, 60, "IN", "RRSIG",
            "A 13 2 60 20370101000000 20200101000000 1 example. AAAA"))
        return r
    upstream.how = signed
    dnsd = start(site, upstream)
    plain = dnsd.ask("www.example.")
    assert [r.rdtype for r in plain.message.answer] == [dns.rdatatype.A]
    assert not plain.message.ednsflags & dns.flags.DO
    full = dnsd.ask("www.example.", want_dnssec=True)
    assert {r.rdtype for r in full.message.answer} == {
        dns.rdatatype.A, dns.rdatatype.RRSIG}
    assert full.message.ednsflags & dns.flags.DO


def test_without_rd_nobody_is_asked(forward, upstream):
    got = forward.ask("www.example.", flags=0)
    assert got.rcode == "REFUSED" and errors(got) == [20]
    assert not upstream.asked
    assert forward.ask("www.example.").addresses() == ["192.0.2.1"]
    got = forward.ask("Www.example.", flags=0)
    assert got.addresses() == ["192.0.2.1"] and not got.flag("RD")
    assert forward.ask("www.example.", "AAAA", flags=0).rcode == "REFUSED"
    assert [t for _, t in upstream.asked] == ["A"]


def counted(dnsd, what):
    start_at = len(dnsd.log_text())
    dnsd.signal(signal.SIGUSR1)
    return int(dnsd.wait_log(rf"\b{what}=(\d+)", start_at).group(1))


def test_what_is_kept_is_given_at_once(forward, upstream):
    """Also while the process that asks is stopped."""
    names = [f"n{n}.example." for n in range(50)]
    for name in names:
        assert forward.ask(name).addresses() == ["192.0.2.1"]
    n = len(upstream.asked)
    pid = until("it runs", lambda: forwarder_of(forward))
    os.kill(pid, signal.SIGSTOP)
    for name in names:
        got, took = ask_timed(forward, name)
        assert got.addresses() == ["192.0.2.1"] and took < 0.5
    assert counted(forward, "outside_kept") == 50
    os.kill(pid, signal.SIGCONT)
    assert len(upstream.asked) == n


def test_nothing_need_be_kept(site, upstream):
    dnsd = start(site, upstream, "--outside-cache", "0")
    for _ in range(3):
        assert dnsd.ask("www.example.").addresses() == ["192.0.2.1"]
    assert counted(dnsd, "outside_kept") == 0
    assert len(upstream.asked) == 1  # the process has a cache of its own


def test_what_servers_of_before_said_is_forgotten(site):
    """Other servers may be those of another network."""
    site.create_registry()
    servers = [Upstream(lambda q: address(q, f"192.0.2.{n}"),
                        host=f"127.53.{os.getpid() % 250}.{n}", port=53)
               for n in (1, 2)] if os.geteuid() == 0 else []
    if not servers:
        pytest.skip("only root has port 53 here, and resolv.conf no other")
    try:
        servers[0].how = lambda q: address(q, "192.0.2.1")
        servers[1].how = lambda q: address(q, "192.0.2.2")
        resolv = site.folder / "resolv.conf"
        resolv.write_text(f"nameserver {servers[0].host}\n")
        dnsd = site.start_dnsd("--outside", "forward", "--resolv-conf",
                               resolv)
        assert dnsd.ask("www.example.").addresses() == ["192.0.2.1"]
        resolv.write_text(f"nameserver {servers[1].host}\n")
        until("the other one is asked", lambda: dnsd.ask(
            "www.example.").addresses() == ["192.0.2.2"])
    finally:
        for server in servers:
            server.close()


def test_strangers_are_refused(site, upstream):
    dnsd = start(site, upstream, "--allow-recursion", "192.0.2.0/24")
    got = dnsd.ask("www.example.")
    assert got.rcode == "REFUSED" and not got.flag("RA")
    assert not upstream.asked
    assert not dnsd.ask("web").flag("RA")


def test_special_names_stay_here(forward, upstream):
    assert forward.ask("localhost.").addresses() == ["127.0.0.1"]
    for name in ("a.test.", "a.invalid.", "a.onion.", "a.alt.",
                 "a.home.arpa.", "a.resolver.arpa.",
                 "1.1.1.10.in-addr.arpa.", "1.1.168.192.in-addr.arpa.",
                 "1.16.172.in-addr.arpa.", "1.1.254.169.in-addr.arpa.",
                 "0.0.d.f.ip6.arpa.", "8.e.f.ip6.arpa."):
        got = forward.ask(name)
        assert got.rcode in ("NXDOMAIN", "NOERROR"), name
        assert not got.rdata() and got.authority_types == ["SOA"], name
    assert not upstream.asked


def test_special_names_can_be_let_out(site, upstream):
    dnsd = start(site, upstream, "--special-names-out", "test",
                 "--special-names-out", "10.in-addr.arpa",
                 "--special-names-out", "alt")
    for name in ("a.test.", "1.1.1.10.in-addr.arpa.", "a.alt."):
        assert dnsd.ask(name).addresses() == ["192.0.2.1"]
    assert dnsd.ask("a.invalid.").rcode == "NXDOMAIN"


def test_zones_of_ours_come_first(forward, upstream):
    assert forward.ask("nope.svc.internal.").rcode == "NXDOMAIN"
    assert not upstream.asked


# ---- aliases that lead outside


@pytest.fixture
def aliases(site, upstream):
    zones = site.folder / "zones"
    zones.mkdir()
    (zones / "own.example.zone").write_text(
        "@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.9\n"
        "w 60 CNAME www.elsewhere.\nv 60 CNAME w\n"
        "d 60 DNAME elsewhere.\nlost 60 CNAME lost.elsewhere.\n")
    return start(site, upstream, "--zones", zones)


@pytest.mark.parametrize("name, chain", [
    ("w", ["www.elsewhere."]),
    ("V", ["w.own.example.", "www.elsewhere."]),
    ("a.b.d", ["a.b.elsewhere."])])
def test_an_alias_is_followed(aliases, upstream, name, chain):
    for more in ({}, {"tcp": True}, {"want_dnssec": True}):
        got = aliases.ask(f"{name}.own.example.", **more)
        assert got.rcode == "NOERROR" and got.flag("RA") and got.flag("AA")
        assert [rd.target.to_text() for rd in got.rdata(rdtype="CNAME")] \
            == chain
        assert got.message.answer[-1].name.to_text() == chain[-1]
        assert got.addresses() == ["192.0.2.1"]
    assert set(upstream.names()) == {chain[-1]}


def test_an_alias_is_not_followed_for_strangers(site, upstream, aliases):
    aliases.stop()
    dnsd = start(site, upstream, "--zones", site.folder / "zones",
                 "--allow-recursion", "192.0.2.0/24")
    got = dnsd.ask("w.own.example.")
    assert got.rcode == "NOERROR" and not got.addresses()
    assert not dnsd.ask("w.own.example.", flags=0).addresses()
    assert not upstream.asked


def test_an_alias_to_a_name_that_is_not_there(aliases, upstream):
    def nothing(q):
        r = dns.message.make_response(q, recursion_available=True)
        r.set_rcode(3)
        r.authority.append(dns.rrset.from_text(
            "elsewhere.", 30, "IN", "SOA", "ns.elsewhere. h. 1 2 3 4 5"))
        return r
    upstream.how = nothing
    got = aliases.ask("lost.own.example.")
    assert got.rcode == "NXDOMAIN" and got.authority_types == ["SOA"]
    assert len(got.rdata(rdtype="CNAME")) == 1


# ---- upstreams that do not do as they should


def ask_timed(dnsd, name, **more):
    before = time.monotonic()
    got = dnsd.ask(name, **more)
    return got, time.monotonic() - before


def test_asked_by_many_it_is_asked_once(site, upstream):
    def slow(q):
        time.sleep(0.2)
        return address(q)
    upstream.how = slow
    dnsd = start(site, upstream)
    with concurrent.futures.ThreadPoolExecutor(30) as pool:
        got = list(pool.map(lambda _: dnsd.ask("www.example."), range(30)))
    assert all(a.addresses() == ["192.0.2.1"] for a in got)
    assert len(upstream.asked) <= 2  # once, and once more for being slow


def test_a_dead_upstream(site, upstream):
    upstream.how = lambda q: None
    dnsd = start(site, upstream)
    got, took = ask_timed(dnsd, "first.example.")
    assert got.rcode == "SERVFAIL" and took < WITHIN_S
    assert errors(got) and set(errors(got)) <= {22, 23}
    # it is remembered
    def at_once():
        got, took = ask_timed(dnsd, f"n{time.monotonic_ns()}.example.")
        assert got.rcode == "SERVFAIL" and took < WITHIN_S
        return took < 0.2
    until("others at once", at_once)
    # names of ours do not notice
    for _ in range(20):
        got, took = ask_timed(dnsd, "web")
        assert got.addresses() == ["192.0.2.99"] and took < 0.5
    upstream.how = address
    before = time.monotonic()
    until("it is seen to be back", lambda: dnsd.ask(
        f"m{time.monotonic_ns()}.example.").rcode == "NOERROR")
    assert time.monotonic() - before < 10


@pytest.mark.parametrize("slow_s, pause_s", [(0.3, 0), (0.7, 0), (1.2, 8)])
def test_a_slow_upstream_is_not_a_dead_one(site, upstream, slow_s, pause_s):
    """Also when it is asked much, and was left alone for a while."""
    upstream.slow_s = slow_s
    dnsd = start(site, upstream)
    for name in ("first", "second"):
        got, took = ask_timed(dnsd, f"{name}.example.")
        assert got.addresses() == ["192.0.2.1"] and took < WITHIN_S
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        got = list(pool.map(lambda n: ask_timed(dnsd, f"n{n}.example."),
                            range(20)))
    assert all(a.addresses() == ["192.0.2.1"] and took < WITHIN_S
               for a, took in got)
    time.sleep(pause_s)
    got, took = ask_timed(dnsd, "later.example.")
    assert got.addresses() == ["192.0.2.1"] and took < WITHIN_S


def test_a_slow_upstream_that_says_much(site, upstream):
    """By UDP that there is more, and then by TCP."""
    many = [f"192.0.2.{n}" for n in range(1, 120)]
    upstream.how = lambda q: address(q, *many)
    upstream.slow_s = 0.6
    dnsd = start(site, upstream)
    for n in range(2):
        got, took = ask_timed(dnsd, f"n{n}.example.", tcp=True)
        assert len(got.addresses()) == len(many) and took < WITHIN_S


def test_a_lost_packet_is_made_up_for(site, upstream):
    """The first time, and when it is known how fast the server is."""
    lost = set()

    def lossy(q):
        name = q.question[0].name.to_text().lower()
        if name in lost:
            return address(q)
        lost.add(name)
        return None
    upstream.how = lossy
    dnsd = start(site, upstream)
    for name in ("first.example.", "second.example."):
        got, took = ask_timed(dnsd, name)
        assert got.addresses() == ["192.0.2.1"] and took < WITHIN_S


def test_one_of_two_upstreams_is_dead(site, upstream):
    """From the first question on, nobody is told SERVFAIL for it."""
    other = Upstream(lambda q: None)
    try:
        dnsd = start(site, upstream, "--upstream", other.where)
        for n in range(20):
            got, took = ask_timed(dnsd, f"n{n}.example.")
            assert got.addresses() == ["192.0.2.1"] and took < WITHIN_S
    finally:
        other.close()


def test_stale_answers_beat_none(site, upstream):
    upstream.how = lambda q: address(q, ttl=1)
    dnsd = start(site, upstream)
    assert dnsd.ask("www.example.").addresses() == ["192.0.2.1"]
    upstream.how = lambda q: None
    time.sleep(2.2)  # whole seconds count, there
    got, took = ask_timed(dnsd, "www.example.")
    assert got.addresses() == ["192.0.2.1"] and took < WITHIN_S
    assert got.message.answer[0].ttl == 30 and errors(got) == [3]
    # again, as it is not kept in front
    assert errors(dnsd.ask("www.example.")) == [3]
    assert counted(dnsd, "outside_stale") == 2
    upstream.how = address
    until("it is said anew", lambda: not errors(dnsd.ask("www.example.")))


def test_a_stale_no(site, upstream):
    def nothing(q):
        r = dns.message.make_response(q, recursion_available=True)
        r.set_rcode(3)
        r.authority.append(dns.rrset.from_text(
            "example.", 1, "IN", "SOA", "ns.example. h.example. 1 2 3 4 1"))
        return r
    upstream.how = nothing
    dnsd = start(site, upstream)
    assert dnsd.ask("no.example.").rcode == "NXDOMAIN"
    upstream.how = lambda q: None
    time.sleep(2.2)  # whole seconds count, there
    got, took = ask_timed(dnsd, "no.example.")
    assert got.rcode == "NXDOMAIN" and took < WITHIN_S
    assert errors(got) == [19]


def test_one_that_is_not_over_does_not_say_so(site, upstream):
    """Whatever TTL it has, that of those that are over included."""
    dnsd = start(site, upstream)
    for ttl in (29, 30, 2**30):
        upstream.how = lambda q, ttl=ttl: address(q, ttl=ttl)
        got = dnsd.ask(f"t{ttl}.example.")
        assert got.addresses() == ["192.0.2.1"] and not errors(got)
    assert counted(dnsd, "outside_stale") == 0


def test_what_the_process_has_at_hand_is_counted(site, upstream):
    dnsd = start(site, upstream, "--outside-cache", "0")
    for n in (0, 1, 2):
        assert dnsd.ask("www.example.").addresses() == ["192.0.2.1"]
        assert counted(dnsd, "outside_hits") == n
    assert counted(dnsd, "outside_asked") == 3


def test_without_stale_answers(site, upstream):
    upstream.how = lambda q: address(q, ttl=1)
    dnsd = start(site, upstream, "--serve-stale", "0s")
    assert dnsd.ask("www.example.").addresses() == ["192.0.2.1"]
    upstream.how = lambda q: None
    time.sleep(2.2)
    got, took = ask_timed(dnsd, "www.example.")
    assert got.rcode == "SERVFAIL" and took < WITHIN_S


def wrong_id(q):
    r = address(q, "192.0.2.66")
    r.id ^= 1
    return r


def wrong_question(q):
    other = dns.message.make_query("evil.example.", "A")
    other.id = q.id
    return address(other, "192.0.2.66")


def garbage(q):
    return q.to_wire()[:2] + b"\x81\x80" + bytes(range(60))


def half(q):
    wire = address(q).to_wire()
    return wire[:len(wire) - 3]


def loop_of_aliases(q):
    r = dns.message.make_response(q, recursion_available=True)
    r.answer.append(dns.rrset.from_text(
        q.question[0].name, 60, "IN", "CNAME", "b.example."))
    r.answer.append(dns.rrset.from_text(
        "b.example.", 60, "IN", "CNAME", q.question[0].name.to_text()))
    return r


def unasked(q):
    """The answer, and what nobody asked for beside it."""
    r = address(q)
    r.additional.append(dns.rrset.from_text(
        "evil.example.", 86400, "IN", "A", "192.0.2.66"))
    r.authority.append(dns.rrset.from_text(
        "bank.example.", 86400, "IN", "A", "192.0.2.66"))
    return r


@pytest.mark.parametrize("lie", [wrong_id, wrong_question, garbage, half])
def test_lies_are_not_believed(site, upstream, lie):
    upstream.how = lie
    dnsd = start(site, upstream)
    got, took = ask_timed(dnsd, "www.example.")
    assert got.rcode == "SERVFAIL" and took < WITHIN_S
    upstream.how = address
    until("the truth", lambda: dnsd.ask(
        "www.example.").addresses() == ["192.0.2.1"])
    assert dnsd.ask("evil.example.").addresses() == ["192.0.2.1"]
    assert dnsd.addresses("web") == ["192.0.2.99"]


def test_a_lie_beside_the_truth(site, upstream):
    upstream.how = lambda q: [wrong_id(q), wrong_id(q), address(q)]
    dnsd = start(site, upstream)
    until("the truth", lambda: dnsd.ask(
        "www.example.").addresses() == ["192.0.2.1"])


def test_what_nobody_asked_for_is_not_kept(site, upstream):
    upstream.how = unasked
    dnsd = start(site, upstream)
    got = dnsd.ask("www.example.")
    assert got.addresses() == ["192.0.2.1"]
    upstream.how = address
    for name in ("evil.example.", "bank.example."):
        assert dnsd.ask(name).addresses() == ["192.0.2.1"]


def referral(q, n):
    """To n servers of names below others, that nobody has addresses of."""
    r = dns.message.make_response(q)
    r.flags &= ~dns.flags.AA
    name = q.question[0].name.to_text().lower()
    r.authority.append(dns.rrset.from_text(
        q.question[0].name, 60, "IN", "NS",
        *(f"ns{k}.{name}" if n == 1 else f"ns{k}.victim{k}.example."
          for k in range(n))))
    return r


@pytest.mark.parametrize("n", [1, 100])
def test_referrals_to_nowhere_end(site, upstream, n):
    """To itself, and to many (NXNSAttack): few questions come of it."""
    upstream.how = lambda q: referral(q, n)
    dnsd = start(site, upstream)
    for k in range(3):
        got, took = ask_timed(dnsd, f"n{k}.attack.example.")
        assert not got.addresses() and took < WITHIN_S
    assert len(upstream.asked) < 100
    upstream.how = address
    until("the truth", lambda: dnsd.ask(
        "www.other.example.").addresses() == ["192.0.2.1"])
    assert dnsd.addresses("web") == ["192.0.2.99"]


def test_a_loop_of_aliases_ends(site, upstream):
    upstream.how = loop_of_aliases
    dnsd = start(site, upstream)
    got, took = ask_timed(dnsd, "a.example.")
    assert not got.addresses() and took < WITHIN_S
    assert dnsd.addresses("web") == ["192.0.2.99"]


@pytest.mark.parametrize("ttl, low, high", [
    (0, 0, 0), (2**31, 0, 0), (2**31 - 1, 86000, 86400)])
def test_ttl_of_others(site, upstream, ttl, low, high):
    upstream.how = lambda q: wire_with_ttl(address(q), ttl)
    dnsd = start(site, upstream)
    assert low <= dnsd.ask("www.example.").message.answer[0].ttl <= high


def wire_with_ttl(r, ttl):
    wire = bytearray(r.to_wire())
    if not r.answer:
        return bytes(wire)
    at = wire.rindex(b"\x00\x00\x00\x3c\x00\x04\xc0\x00")
    wire[at:at + 4] = ttl.to_bytes(4, "big")
    return bytes(wire)


def test_no_more_than_so_many_wait(site, upstream):
    upstream.how = lambda q: None
    dnsd = start(site, upstream, "--recursion-limit", "5")
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        got = list(pool.map(lambda n: ask_timed(dnsd, f"n{n}.example."),
                            range(40)))
    assert all(a.rcode == "SERVFAIL" and took < WITHIN_S for a, took in got)
    assert sum(errors(a) == [0] for a, _ in got) >= 20
    assert counted(dnsd, "outside_limited") >= 20


# ---- the process that asks


def keep_asking(dnsd, until_true, seconds=15):
    """Names of ours meanwhile: each at once, none lost."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got, took = ask_timed(dnsd, "web")
        assert got.addresses() == ["192.0.2.99"] and took < 0.5
        if until_true():
            return
    raise AssertionError("not in time")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT])
def test_it_is_killed_and_another_takes_its_place(forward, upstream, number):
    assert forward.ask("www.example.").addresses()
    first = until("it runs", lambda: forwarder_of(forward))
    os.kill(first, number)
    keep_asking(forward, lambda: forwarder_of(forward) not in (None, first))
    got, took = ask_timed(forward, "other.example.")
    assert got.addresses() == ["192.0.2.1"] and took < WITHIN_S
    forward.wait_log("the forwarder has ended; starting another")


def test_what_was_under_way_is_asked_again(site, upstream):
    def slow_at_first(q):
        return address(q) if len(upstream.asked) > 1 else None
    upstream.how = slow_at_first
    dnsd = start(site, upstream)
    pid = until("it runs", lambda: forwarder_of(dnsd))
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask_timed, dnsd, "www.example.")
        until("it is asked", lambda: upstream.asked)
        os.kill(pid, signal.SIGKILL)
        got, took = asking.result()
    assert got.addresses() == ["192.0.2.1"] and took < WITHIN_S


def test_it_is_stopped_and_another_takes_its_place(forward):
    first = until("it runs", lambda: forwarder_of(forward))
    os.kill(first, signal.SIGSTOP)
    got, took = ask_timed(forward, "www.example.")
    assert took < WITHIN_S
    if got.rcode == "SERVFAIL":
        assert set(errors(got)) <= {22, 23}
    keep_asking(forward, lambda: forwarder_of(forward) not in (None, first))
    until("it answers", lambda: forward.ask("www.example.").addresses())
    forward.wait_log("the forwarder is killed: it does not answer")


def test_killed_again_and_again(forward):
    """It comes back each time, with pauses; names of ours do not notice."""
    end = time.monotonic() + 4
    killed = set()

    def kill():
        pid = forwarder_of(forward)
        if pid and pid not in killed:
            killed.add(pid)
            os.kill(pid, signal.SIGKILL)
        return time.monotonic() > end
    keep_asking(forward, kill)
    assert 3 <= len(killed) <= 30
    until("it answers", lambda: forward.ask("www.example.").addresses())


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return {int(p) for p in f.read().split()}


def spare_of(warden):
    """What waits beside the forwarder for its warden's end."""
    for pid in children(warden):
        with open(f"/proc/{pid}/comm") as f:
            if f.read().strip() == "dnsd-warden":
                return pid
    return None


def test_it_ends_with_dnsd(site, upstream):
    dnsd = start(site, upstream)
    pid = until("it runs", lambda: forwarder_of(dnsd))
    warden = parent(pid)
    spare = until("there is a spare", lambda: spare_of(warden))
    dnsd.kill()
    until("all are gone", lambda: not any(
        map(alive, (pid, warden, spare))))


@pytest.mark.parametrize("ended", ["killed", "stopped cleanly"])
def test_what_starts_it_is_killed_and_its_spare_takes_its_place(
        forward, upstream, ended):
    first = until("it runs", lambda: forwarder_of(forward))
    warden = parent(first)
    for n in range(3):
        spare = until("there is a spare", lambda: spare_of(warden))
        os.kill(warden, signal.SIGKILL)
        until("it is gone", lambda: not alive(warden))
        warden = spare
        keep_asking(forward, lambda n=n: forward.ask(
            f"after{n}.example.").addresses() == ["192.0.2.1"])
    until("what it had started is gone", lambda: not alive(first))
    forward.wait_log("its spare has taken its place")
    assert not forward.logged("until dnsd is restarted")
    spare = until("there is a spare", lambda: spare_of(warden))
    rest = children(warden) | {warden, spare}
    if ended == "killed":
        forward.kill()
    else:
        forward.stop()
    until("all are gone", lambda: not any(map(alive, rest)))


def test_a_spare_that_is_killed_is_replaced(forward):
    warden = parent(until("it runs", lambda: forwarder_of(forward)))
    spare = until("there is a spare", lambda: spare_of(warden))
    os.kill(spare, signal.SIGKILL)
    until("there is another", lambda: spare_of(warden) not in (None, spare))
    assert forward.ask("www.example.").addresses() == ["192.0.2.1"]


def test_all_that_could_start_it_is_killed(forward, upstream):
    """It is said, and names of ours do not notice."""
    warden = parent(until("it runs", lambda: forwarder_of(forward)))
    spare = until("there is a spare", lambda: spare_of(warden))
    os.kill(spare, signal.SIGSTOP)
    os.kill(warden, signal.SIGKILL)
    os.kill(spare, signal.SIGKILL)
    forward.wait_log("until dnsd is restarted")
    got, took = ask_timed(forward, "www.example.")
    assert got.rcode == "SERVFAIL" and errors(got) == [23] and took < 1
    assert forward.addresses("web") == ["192.0.2.99"]


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return ") Z" not in f.read()
    except OSError:
        return False


def test_it_may_do_little(forward):
    """No file is open or can be opened, and nothing is executed."""
    pid = until("it runs", lambda: forwarder_of(forward))
    until("it answers", lambda: forward.ask("www.example.").addresses())
    with open(f"/proc/{pid}/status") as f:
        status = dict(line.split(":\t", 1) for line in f if ":\t" in line)
    assert status["NoNewPrivs"].strip() == "1"
    assert status["Seccomp"].strip() == "2"
    held = {os.readlink(f"/proc/{pid}/fd/{fd}").split(":")[0]
            for fd in os.listdir(f"/proc/{pid}/fd")}
    files = {name for name in held if name.startswith("/")}
    assert files <= {"/dev/null", os.readlink(f"/proc/{forward.pid}/fd/2")}


# ---- who is asked


def test_servers_of_the_system(site, upstream):
    other = Upstream(lambda q: address(q, "192.0.2.2"), host="127.0.0.1",
                     port=None)
    resolv = site.folder / "resolv.conf"
    resolv.write_text("search example\nnameserver 127.0.0.1\n")
    # resolv.conf(5) knows no ports, so both are zones of somebody else
    try:
        dnsd = start(site, upstream, "--resolv-conf", resolv,
                     "--upstream-zones", f"a.example={upstream.where}",
                     "--upstream-zones", f"b.example={other.where}")
        assert dnsd.ask("x.a.example.").addresses() == ["192.0.2.1"]
        assert dnsd.ask("x.b.example.").addresses() == ["192.0.2.2"]
    finally:
        other.close()


def test_nobody_is_known(site):
    site.create_registry()
    resolv = site.folder / "resolv.conf"
    resolv.write_text("# nothing\n")
    dnsd = site.start_dnsd("--outside", "forward", "--resolv-conf", resolv)
    got, took = ask_timed(dnsd, "www.example.")
    assert got.rcode == "SERVFAIL" and errors(got) == [22] and took < 1
    assert dnsd.logged("no server is known .* set 'upstream'")
    resolv.write_text("nameserver 192.0.2.53\n")
    dnsd.wait_log("names outside are asked of 192.0.2.53")
    resolv.write_text("nameserver 192.0.2.54\n")
    dnsd.wait_log("names outside are asked of 192.0.2.54")
    always("one line is enough", lambda: dnsd.log_text().count(
        "no server is known") == 1)


def test_it_never_asks_itself(site):
    site.create_registry()
    done = site.command("--registry", site.registry, "--check", "--listen",
                        f"{HOST}:5399", "--outside", "forward", "--upstream",
                        f"{HOST}:5399", program="dnsd")
    assert done.returncode == 2 and "own address" in done.stderr


def test_a_loop_through_another_server(site, upstream):
    dnsd = start(site, upstream)

    def back(q):
        """As a server does that has been told to ask dnsd."""
        again = dns.message.make_query(
            q.question[0].name, q.question[0].rdtype)
        r = dns.message.make_response(q, recursion_available=True)
        try:
            got = dns.query.udp(again, dnsd.host, 1.5, dnsd.port)
            r.set_rcode(got.rcode())
        except dns.exception.Timeout:
            r.set_rcode(2)
        return r
    upstream.how = back
    got, took = ask_timed(dnsd, "www.example.")
    assert got.rcode == "SERVFAIL" and took < WITHIN_S
    dnsd.wait_log("a question came back")
    got, took = ask_timed(dnsd, "other.example.")
    assert got.rcode == "SERVFAIL" and errors(got) == [23] and took < 0.5
    assert "other.example." not in upstream.names()
    assert dnsd.addresses("web") == ["192.0.2.99"]
    upstream.how = address
    dnsd.wait_log("no longer come back")
    until("it is asked again", lambda: dnsd.ask(
        "other.example.").addresses() == ["192.0.2.1"])


@pytest.mark.parametrize("args, said", [
    (["--upstream", "9.9.9"], "expected ADDRESS[:PORT]"),
    (["--upstream", "9.9.9.9", "--upstream", "tls://1.1.1.1#a"],
     "expected all with TLS or none"),
    (["--upstream", "system", "--upstream", "9.9.9.9"], "expected it alone"),
    (["--upstream-zones", "corp.example"], "expected NAME=ADDRESS[:PORT]"),
    (["--trust-anchor", "key"], "expected an absolute path")])
def test_what_is_wrong_is_told(site, args, said):
    done = site.command("--registry", site.registry, "--check", "--outside",
                        "forward", *args, program="dnsd")
    assert done.returncode == 2 and said in done.stderr


def test_zones_in_the_file(site, upstream):
    config = site.folder / "rollcall.yaml"
    config.write_text("dnsd:\n  upstream_zones:\n"
                      f"    corp.example: [\"{upstream.where}\"]\n"
                      f"    10.in-addr.arpa: \"{upstream.where}\"\n")
    dnsd = start(site, upstream, "--config", config)
    assert dnsd.ask("x.corp.example.").addresses() == ["192.0.2.1"]
    assert dnsd.ask("9.9.9.10.in-addr.arpa.").addresses() == ["192.0.2.1"]
    config.write_text("dnsd:\n  upstream_zones: {corp.example: [nowhere]}\n")
    done = site.command("--check", "--config", config, program="dnsd")
    assert done.returncode == 2
    assert f"{config}:2:" in done.stderr and "nowhere" in done.stderr


def test_loopback_is_not_shared(site, upstream):
    """A question from an address that is not of this host's networks."""
    dnsd = start(site, upstream, "--allow-recursion", "!127.0.0.0/8")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.sendto(dns.message.make_query("a.example.", "A").to_wire(),
                 dnsd.where)
        got = dns.message.from_wire(s.recv(4096))
    assert got.rcode() == dns.rcode.REFUSED
    assert not got.flags & dns.flags.RA


# ---- over TLS, and from this host's files


@pytest.fixture
def over_tls(site):
    """A server with a zone that answers over TLS alone, and its authority."""
    authority = Authority(site.folder / "ca")
    cert, key = authority.issue("dns.test", "DNS:dns.test")
    zones = site.folder / "tls-zones"
    zones.mkdir()
    (zones / "example.zone").write_text(
        "@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.9\n"
        "www 60 A 192.0.2.1\n")
    site.create_registry()
    port = free_port()
    site.start_dnsd("--zones", zones, "--listen-tls", f"{HOST}:{port}",
                    "--tls-cert", cert, "--tls-key", key)
    return f"tls://{HOST}:{port}", authority.ca


def test_upstream_over_tls(site, over_tls):
    where, ca = over_tls
    dnsd = site.start_dnsd("--outside", "forward", "--upstream",
                           f"{where}#dns.test", "--upstream-ca", ca)
    assert dnsd.ask("www.example.").addresses() == ["192.0.2.1"]


@pytest.mark.parametrize("name, trusted", [
    ("other.test", True), ("dns.test", False)])
def test_who_is_not_who_it_should_be_is_not_asked(
        site, over_tls, name, trusted):
    where, ca = over_tls
    if not trusted:
        ca = Authority(site.folder / "another").ca
    dnsd = site.start_dnsd("--outside", "forward", "--upstream",
                           f"{where}#{name}", "--upstream-ca", ca)
    got, took = ask_timed(dnsd, "www.example.")
    assert got.rcode == "SERVFAIL" and took < WITHIN_S


def test_a_host_that_points_here(site):
    """Then its servers are those that were kept."""
    if os.geteuid() != 0:
        pytest.skip("only root has port 53 here, and resolv.conf no other")
    site.create_registry()
    own = f"127.55.{os.getpid() >> 8 & 255}.{os.getpid() & 255 or 1}"
    resolv = site.folder / "etc-resolv.conf"
    resolv.write_text(f"nameserver {own}\nsearch svc.internal\n")
    kept = site.folder / "resolv.conf"
    kept.write_text("nameserver 192.0.2.53\nnameserver fe80::1%eth0\n")
    dnsd = site.start_dnsd("--listen", f"{own}:53", "--outside", "forward",
                           "--resolv-conf", resolv)
    dnsd.wait_log("names outside are asked of 192.0.2.53")
    assert not dnsd.logged(f"asked of {own}")
    # one beside us asks us for what we have: neither is asked
    resolv.write_text(f"nameserver 192.0.2.54\nnameserver {own}\n")
    kept.write_text("nameserver 192.0.2.55\n")
    dnsd.wait_log("names outside are asked of 192.0.2.55")
    assert not dnsd.logged("asked of 192.0.2.54")
    resolv.write_text("nameserver 192.0.2.54\n")
    dnsd.wait_log("names outside are asked of 192.0.2.54")
