# SPDX-License-Identifier: BSD-2-Clause
"""Names in none of our zones, from clients that may have them and others."""

import dns.flags
import pytest

from rollcall import HOST


def test_outside_is_refused_by_default(dnsd):
    got = dnsd.ask("www.example.")
    assert got.rcode == "REFUSED" and not got.flag("RA")
    assert not dnsd.ask("", "SOA").flag("RA")


@pytest.mark.parametrize("tcp", [False, True])
def test_there_is_nothing_outside(site, tcp):
    site.create_registry()
    site.put("web", ("i1", "192.0.2.1"))
    dnsd = site.start_dnsd("--outside", "nxdomain")
    dnsd.wait_addresses("web", ["192.0.2.1"])
    got = dnsd.ask("www.example.", tcp=tcp)
    assert got.rcode == "NXDOMAIN" and got.flag("RA") and got.flag("AA")
    assert got.authority_types == ["SOA"]
    assert dnsd.ask("web", tcp=tcp).flag("RA")


def test_others_are_refused(site):
    site.create_registry()
    dnsd = site.start_dnsd("--outside", "nxdomain", "--allow-recursion",
                           "192.0.2.0/24", "--allow-recursion", f"!{HOST}")
    got = dnsd.ask("www.example.")
    assert got.rcode == "REFUSED" and not got.flag("RA")
    assert not got.message.flags & dns.flags.AD


def test_what_is_wrong_is_told(site):
    done = site.command("--outside", "nowhere", program="dnsd")
    assert done.returncode == 2
    assert "--outside: found 'nowhere'" in done.stderr
    done = site.command("--allow-recursion", "10.0.0.1/8", program="dnsd")
    assert done.returncode == 2 and "without bits beyond" in done.stderr
