# SPDX-License-Identifier: BSD-2-Clause
"""Sockets that somebody else has bound, as systemd does: dnsd needs no right
to the port, and questions that come while it is away are answered."""

import contextlib
import socket

import dns.message
import dns.query
import pytest

from rollcall import Dnsd, query, until

pytestmark = pytest.mark.threads


@contextlib.contextmanager
def bound(host, port, kinds):
    with contextlib.ExitStack() as stack:
        sockets = []
        for kind in kinds:
            s = stack.enter_context(socket.socket(socket.AF_INET, kind))
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((host, port))
            if kind == socket.SOCK_STREAM:
                s.listen(64)
            sockets.append(s)
        yield sockets


def give(dnsd, sockets):
    """As sd_listen_fds(3) has it: from 3 on, for this process alone."""
    dnsd.pass_fds = [s.fileno() for s in sockets]
    moves = " ".join(f"{3 + k}<&{fd} {fd}<&-"
                     for k, fd in enumerate(dnsd.pass_fds))
    dnsd.prefix = ["bash", "-c", f'exec {moves}; LISTEN_PID=$$ '
                   f'LISTEN_FDS={len(sockets)} exec "$@"', "bash"]


def test_sockets_of_systemd(site):
    site.create_registry()
    site.put("web", ("a", "10.0.0.1"))
    dnsd = Dnsd(site, "--workers", "2")
    site.daemons.append(dnsd)
    with bound(*dnsd.where, [socket.SOCK_DGRAM, socket.SOCK_STREAM]) as given:
        give(dnsd, given)
        dnsd.start()
        for _ in range(20):
            assert dnsd.ask("web").addresses() == ["10.0.0.1"]
            assert dnsd.ask("web", tcp=True).addresses() == ["10.0.0.1"]
        dnsd.stop()
        # nobody is there, and the question waits
        asked = query("web", "A")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(15)
            client.sendto(asked.to_wire(), dnsd.where)
            dnsd.start()
            assert dns.message.from_wire(client.recv(4096)).id == asked.id
        dnsd.kill()
        dnsd.start()
        assert dnsd.ask("web", tcp=True).addresses() == ["10.0.0.1"]


def test_what_was_not_given_is_bound(site):
    site.create_registry()
    dnsd = Dnsd(site)
    site.daemons.append(dnsd)
    with bound(*dnsd.where, [socket.SOCK_DGRAM]) as given:
        give(dnsd, given)
        dnsd.start()
        assert dnsd.ask("", "SOA").rcode == "NOERROR"
        assert dnsd.ask("", "SOA", tcp=True).rcode == "NOERROR"


def test_what_was_given_to_another_process_is_not_taken(site):
    """Its number in the environment is that of the shell before."""
    site.create_registry()
    dnsd = Dnsd(site)
    site.daemons.append(dnsd)
    with bound(*dnsd.where, [socket.SOCK_DGRAM]) as given:
        give(dnsd, given)
        dnsd.prefix[2] = dnsd.prefix[2].replace("$$", "1")
        with pytest.raises(AssertionError):
            dnsd.start()
    until("it says why", lambda: "in use" in dnsd.log_text())
    site.daemons.remove(dnsd)
