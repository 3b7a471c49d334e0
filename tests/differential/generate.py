# SPDX-License-Identifier: BSD-2-Clause
"""Zones that are full of corners, and questions about them.

Everything follows from a seed. A world is a family of zones that refer to
each other: a parent, a child below it that the server has too, and a stranger.
Names are made of few labels, so that what is asked for often is an alias, an
empty non-terminal, below a cut or covered by a wildcard.
"""

import random

LABELS = ("a", "b", "c", "d", "www", "ns", "*", "_tcp", "Mixed")
# octets that need an escape, or are no text at all
ODD_LABELS = (r"e\.f", r"\000", r"\255\128", r"sp\032ce", r"q\"\;", r"\*x", "-")
OTHERS = ("NAPTR", "RP", "AFSDB", "KX", "TLSA", "URI", "HINFO", "LOC")
PLAIN = ("A", "AAAA", "TXT", "MX", "SRV", "CAA", "HTTPS", "SVCB", "PTR",
         "TYPE65300") + OTHERS
ASKED = ("A", "A", "A", "A", "AAAA", "TXT", "MX", "SRV", "HTTPS", "SVCB",
         "CAA", "PTR", "NS", "NS", "SOA", "CNAME", "DNAME", "DS", "TYPE65300",
         "ANY", "other")


class Zone:
    def __init__(self, name, rng, renamed_to=None):
        """renamed_to: of a zone that is nothing but a DNAME."""
        self.name = name
        self.rng = rng
        self.records = {}          # (owner, type): set of data
        self.cuts, self.dnames, self.cnames = set(), set(), set()
        self.served_cuts = set()   # those whose child is served too
        self.add(name, "SOA",
                 f"ns1.{name} hostmaster.{name} {rng.randrange(1, 2**32)} "
                 f"3600 600 86400 {rng.choice((0, 60, 7200))}")
        if renamed_to:
            self.add(name, "NS", "ns1.example.")
            self.add(name, "DNAME", renamed_to)
            self.dnames.add(name)
            return
        self.add(name, "NS", f"ns1.{name}")
        self.add(f"ns1.{name}", "A", "192.0.2.53")

    def add(self, owner, kind, data):
        self.records.setdefault((owner, kind), set()).add(data)

    def owners(self):
        return sorted({owner for owner, _ in self.records})

    def types(self, owner):
        return {kind for o, kind in self.records if o == owner}

    def inside(self, name):
        return name == self.name or name.endswith("." + self.name)

    def below_dname(self, name):
        return any(name.endswith("." + d) for d in self.dnames)

    def above_any(self, name):
        return any(o.endswith("." + name) for o in self.owners())

    def text(self):
        lines = ["$TTL 3600"]
        for (owner, kind), data in sorted(
                self.records.items(), key=lambda r: r[0][1] != "SOA"):
            ttl = 60 + 60 * (hash_of(owner + kind) % 3)
            for d in sorted(data):
                lines.append(f"{owner} {ttl} IN {kind} {d}")
        return "\n".join(lines) + "\n"


def hash_of(text):
    """A hash that is the same in every run."""
    h = 2166136261
    for c in text.encode():
        h = (h ^ c) * 16777619 & 0xffffffff
    return h


def make_worlds(n, seed):
    """Families that all servers load."""
    worlds = []
    attempt = 0
    while len(worlds) < n:
        world = World(len(worlds), f"{seed}/{attempt}")
        attempt += 1
        if world.is_loadable():
            worlds.append(world)
    return worlds


class World:
    """A family of zones."""

    def __init__(self, number, seed):
        self.rng = rng = random.Random(seed)
        base = f"w{number}.test."
        self.parent = Zone(base, rng)
        self.child = Zone(f"{rng.choice('abcd')}.{base}", rng)
        self.stranger = Zone(f"s{number}.test.", rng)
        self.grandchild = Zone(f"{rng.choice('abcd')}.{self.child.name}", rng)
        self.zones = [self.parent, self.child, self.stranger,
                      self.grandchild]
        self.renamed = Zone(f"d{number}.test.", rng,
                            rng.choice(self.zones).name)
        if rng.random() < 0.7:
            self.delegate(self.parent, self.child)
        if rng.random() < 0.7:
            self.delegate(self.child, self.grandchild)
        for zone in self.zones:
            for _ in range(rng.randrange(4, 22)):
                self.add_something(zone)
        if rng.random() < 0.3:
            self.add_chain(rng.choice(self.zones))
        if rng.random() < 0.3:
            self.add_endless(rng.choice(self.zones))
        self.zones.append(self.renamed)
        self.add_apex_records()

    def is_loadable(self):
        """NSD keeps the names of all zones in one tree and wants nothing
        below a DNAME, also in another zone."""
        owners = {o.lower() for z in self.zones for o in z.owners()}
        dnames = {d.lower() for z in self.zones for d in z.dnames}
        return not any(o.endswith("." + d) for o in owners for d in dnames)

    def add_apex_records(self):
        """Other data may stand beside a DNAME at the apex, RFC 6672
        section 2.3."""
        for kind in self.rng.sample(("A", "MX", "TXT"), 2):
            self.renamed.add(self.renamed.name, kind,
                             self.data(self.renamed, kind))

    # ---- names ---------------------------------------------------------

    def label(self):
        odd = self.rng.random() < 0.08
        return self.rng.choice(ODD_LABELS if odd else LABELS)

    def new_name(self, zone):
        """A name in the zone, often near what is there."""
        rng = self.rng
        base = zone.name if rng.random() < 0.6 else rng.choice(zone.owners())
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            base = f"{self.label()}.{base}"
        return base

    def target(self, zone):
        """Where an alias, MX or SRV may point to."""
        rng = self.rng
        kind = rng.random()
        if kind < 0.45:
            return rng.choice(zone.owners())
        if kind < 0.6:
            return self.new_name(zone)
        if kind < 0.8:
            other = rng.choice(self.zones)
            return rng.choice(other.owners())
        if kind < 0.9:
            return self.new_name(rng.choice(self.zones))
        return f"{self.label()}.example.".replace("*", "x")

    # ---- records -------------------------------------------------------

    def data(self, zone, kind):
        rng = self.rng
        if kind == "A":
            return f"192.0.2.{rng.randrange(1, 255)}"
        if kind == "AAAA":
            return f"2001:db8::{rng.randrange(1, 65535):x}"
        if kind == "TXT":
            return f'"t{rng.randrange(1000)}" "x"'
        if kind == "MX":
            return f"{rng.randrange(3)} {self.target(zone)}"
        if kind == "SRV":
            return f"{rng.randrange(3)} 1 80 {self.target(zone)}"
        if kind == "CAA":
            return f'0 issue "ca{rng.randrange(9)}.example"'
        if kind == "TYPE65300":
            return rf"\# 3 0102{rng.randrange(256):02x}"
        if kind in OTHERS:
            return self.other_data(zone, kind)
        if kind in ("HTTPS", "SVCB"):
            if rng.random() < 0.5:
                return "1 . alpn=h2"
            return f"{rng.randrange(1, 3)} {self.target(zone)} port=8443"
        return self.target(zone)

    def other_data(self, zone, kind):
        """Of types that are rare: names in it, or none."""
        n = self.rng.randrange(1, 200)
        if kind == "NAPTR":
            return f'{n} 10 "S" "SIP+D2U" "" {self.target(zone)}'
        if kind == "RP":
            return f"{self.target(zone)} {self.target(zone)}"
        return {
            "AFSDB": lambda: f"1 {self.target(zone)}",
            "KX": lambda: f"{n} {self.target(zone)}",
            "TLSA": lambda: f"3 1 1 {n:064x}",
            "URI": lambda: f'{n} 1 "https://example.test/{n}"',
            "HINFO": lambda: f'"CPU {n}" "OS"',
            "LOC": lambda: f"52 22 {n % 60}.000 N 4 53 32.000 E -2.00m "
                           "1m 10000m 10m",
        }[kind]()

    def delegate(self, parent, child):
        self.cut(parent, child.name)
        parent.served_cuts.add(child.name)

    def cut(self, zone, name):
        rng = self.rng
        if name == zone.name or zone.types(name) - {"NS", "DS", "A", "AAAA"}:
            return
        zone.cuts.add(name)
        for _ in range(rng.randrange(1, 4)):
            kind = rng.random()
            if kind < 0.4:      # in-domain
                ns = f"{rng.choice(('ns', 'ns2'))}.{name}"
            elif kind < 0.6 and len(zone.cuts) > 1:
                ns = f"ns.{rng.choice(sorted(zone.cuts))}"
            elif kind < 0.8:
                ns = f"ns1.{zone.name}"
            else:
                ns = rng.choice(("ns.example.", "ns.s0.test."))
            zone.add(name, "NS", ns)
            if zone.inside(ns) and not zone.below_dname(ns) and \
                    "CNAME" not in zone.types(ns) and rng.random() < 0.9:
                zone.add(ns, "A", self.data(zone, "A"))
                if rng.random() < 0.5:
                    zone.add(ns, "AAAA", self.data(zone, "AAAA"))
        if rng.random() < 0.3:
            zone.add(name, "DS", "12345 8 2 " + "ab" * 32)

    def add_something(self, zone):
        rng = self.rng
        name = self.new_name(zone)
        types = zone.types(name)
        if len(name) > 120 or zone.below_dname(name) or "CNAME" in types:
            return
        what = rng.random()
        starts_wild = name.startswith("*.")
        if what < 0.5:
            if name in zone.cuts:
                return
            for kind in rng.sample(PLAIN, rng.choice((1, 1, 2))):
                for _ in range(rng.choice((1, 1, 2))):
                    zone.add(name, kind, self.data(zone, kind))
        elif what < 0.72:
            if not types and name != zone.name:
                zone.cnames.add(name)
                zone.add(name, "CNAME", self.target(zone))
        elif what < 0.82:
            # nothing may stand below it, nor NS beside it
            if not starts_wild and name not in zone.cuts and \
                    "DNAME" not in types and \
                    not zone.above_any(name):
                zone.dnames.add(name)
                zone.add(name, "DNAME", self.target(zone))
        elif not starts_wild and "DNAME" not in types:
            self.cut(zone, name)

    def add_chain(self, zone):
        """Aliases of aliases, up to more than anybody follows."""
        rng = self.rng
        n = rng.choice((2, 4, 8, 12, 25))
        for i in range(n):
            name = f"chain{i}.{zone.name}"
            to = f"chain{i + 1}.{zone.name}"
            if i == n - 1 and rng.random() < 0.5:
                to = f"chain{rng.randrange(n)}.{zone.name}"
            zone.cnames.add(name)
            zone.add(name, "CNAME", to)
        if rng.random() < 0.7:
            zone.add(f"chain{n}.{zone.name}", "A", self.data(zone, "A"))

    def add_endless(self, zone):
        """A DNAME to a name below itself, or two that lead to each other."""
        rng = self.rng
        name = f"endless.{zone.name}"
        long = rng.choice(("x", "y" * 30, "z" * 63))
        zone.dnames.add(name)
        if rng.random() < 0.5:
            zone.add(name, "DNAME", f"{long}.{name}")
            return
        other = f"other.{zone.name}"
        zone.dnames.add(other)
        zone.add(name, "DNAME", rng.choice((other, f"{long}.{other}")))
        zone.add(other, "DNAME", name)

    # ---- questions -----------------------------------------------------

    def feature(self, zone, name):
        """What the question is likely to be about; for the table."""
        low = name.lower()
        if "chain" in low or "endless" in low or "other." in low:
            return "chains and loops"
        owners = {o.lower() for o in zone.owners()}
        below = [c for c in zone.cuts
                 if low == c.lower() or low.endswith("." + c.lower())]
        if below:
            if any(c in zone.served_cuts for c in below):
                return "nested zones"
            return "delegation"
        if zone is self.renamed:
            return "DNAME at the apex"
        if any(low.endswith("." + d.lower()) for d in zone.dnames):
            return "DNAME"
        if "\\" in low:
            return "escaped names"
        if low in owners:
            kinds = {k for o, k in zone.records if o.lower() == low}
            if "CNAME" in kinds:
                return "CNAME"
            return "apex" if low == zone.name.lower() else "exact match"
        if any(o.endswith("." + low) for o in owners):
            return "empty non-terminal"
        parts = low.split(".")
        for i in range(1, len(parts)):
            above = ".".join(parts[i:])
            if above in owners or any(o.endswith("." + above)
                                      for o in owners):
                wild = "*." + above
                kinds = {k for o, k in zone.records if o.lower() == wild}
                if "CNAME" in kinds:
                    return "wildcard CNAME"
                if kinds:
                    return "wildcard"
                if any(o.endswith("." + wild) for o in owners):
                    return "below an empty wildcard"
                break
        return "no such name"

    def ask(self):
        """(name, type, feature)"""
        rng = self.rng
        zone = rng.choice(self.zones)
        kind = rng.random()
        if kind < 0.35:
            name = rng.choice(zone.owners())
        elif kind < 0.5:
            name = rng.choice(zone.owners()).split(".", 1)[1]
        elif kind < 0.85:
            name = f"{self.label()}.{rng.choice(zone.owners())}"
            if rng.random() < 0.3:
                name = f"{self.label()}.{name}"
        else:
            name = self.new_name(zone)
        special = sorted(zone.cuts | zone.dnames | {
            o for o in zone.cnames if o.startswith("chain")})
        if special and rng.random() < 0.15:
            name = rng.choice(special)
            if rng.random() < 0.7:
                name = f"{self.label()}.{name}"
        if not zone.inside(name):
            name = zone.name
        if rng.random() < 0.2:
            name = "".join(rng.choice((c.upper(), c.lower())) for c in name)
        asked = rng.choice(ASKED)
        if asked == "other":
            asked, feature = rng.choice(OTHERS), "rare types"
        elif asked in ("DS", "ANY", "TYPE65300", "SVCB"):
            feature = asked
        else:
            feature = self.feature(zone, name)
        return name, asked, feature
