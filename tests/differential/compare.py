# SPDX-License-Identifier: BSD-2-Clause
"""Answers in a form that can be compared, and what differences are allowed.

Each rule names the text that allows what we do; it is tried only when our
answer is not that of the majority.
"""

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

ADDRESSES = ("A", "AAAA")


class Answer:
    """Sections as sets of (owner, TTL, type, data), case folded."""

    def __init__(self, wire):
        m = dns.message.from_wire(wire, one_rr_per_rrset=True)
        self.rcode = dns.rcode.to_text(m.rcode())
        self.aa = bool(m.flags & dns.flags.AA)
        self.tc = bool(m.flags & dns.flags.TC)
        self.question = str(m.question[0].name) if m.question else ""
        self.lists = [self.records(s) for s in
                      (m.answer, m.authority, m.additional)]
        self.answer, self.authority, self.additional = map(
            frozenset, self.lists)

    @staticmethod
    def records(section):
        return [(str(r.name).lower(), r.ttl, dns.rdatatype.to_text(r.rdtype),
                 r[0].to_text().lower()) for r in section]

    def repeated(self):
        """A record that is there twice, in one section."""
        for records in self.lists:
            if len(records) != len(set(records)):
                return True
        return False

    def referral(self):
        """To servers of others: there is glue. NS of a zone that has
        answered is none."""
        return any(r[2] == "NS" for r in self.authority) and (
            not self.answer or self.dangling())

    def strict(self):
        """Everything that a client acts upon."""
        authority = self.authority
        if self.answer and not self.dangling():
            # NS of the zone beside an answer is a courtesy
            authority = frozenset(r for r in authority if r[2] != "NS")
        return (self.rcode, self.aa, self.answer, authority,
                self.additional if self.referral() else frozenset())

    def dangling(self):
        """The last record of the answer is an alias that leads nowhere in
        the answer."""
        owners = {r[0] for r in self.answer}
        targets = {r[3] for r in self.answer if r[2] == "CNAME"}
        kinds = {r[2] for r in self.answer}
        return kinds <= {"CNAME", "DNAME"} and bool(targets - owners)

    def last_target(self):
        """Where the aliases lead to; None without aliases or in a loop."""
        to = {r[0]: r[3] for r in self.answer if r[2] == "CNAME"}
        name = self.question.lower()
        seen = set()
        while name in to and name not in seen:
            seen.add(name)
            name = to[name]
        return None if name in seen or not seen else name


def majority(answers):
    """The form that most have, who has it first, and how many have it."""
    forms = [a.strict() if a else None for a in answers]
    best = max(forms, key=forms.count)
    return best, answers[forms.index(best)], forms.count(best)


RESTART = ("RFC 1034 section 4.3.2, steps 3a and 2: at an alias the search "
           "goes on in whichever zone is nearest to the target, also where "
           "that is another zone of the server (as NSD does; Knot and BIND "
           "stay in the first zone). The rest of the answer is what the "
           "majority says when it is asked for the target itself")
DS_RESTART = ("RFC 4035 section 3.1.4.1 after RFC 1034 section 4.3.2 step "
              "3a: DS of the target comes from the parent zone, as the "
              "majority says when it is asked for the target itself")


ALIASES = 16
LIMIT = (f"RFC 1034 section 7.1: the work for one question is bounded. We "
         f"follow {ALIASES} aliases; NSD more, Knot 5, BIND 12 and then "
         f"SERVFAIL. What we have is the beginning of what others have")


ANY = ("RFC 8482 section 4.2 and RFC 1034 section 4.3.2 step 3a: ANY gets a "
       "synthesised HINFO where the majority has records that are no alias, "
       "and aliases are not followed for it")


def is_any(ours, others):
    """HINFO in place of the records at the name, or the first alias."""
    hinfo = {r for r in ours.answer if r[2] == "HINFO"}
    if not hinfo:
        return {r[2] for r in ours.answer} <= {"CNAME", "DNAME"} and any(
            a and a.aa == ours.aa and a.answer >= ours.answer
            for a in others)
    owner, _, _, data = next(iter(hinfo))
    rest = ours.answer - hinfo
    return data == '"rfc8482" ""' and any(
        a and a.rcode == ours.rcode and a.aa == ours.aa and
        a.answer > rest and {r[0] for r in a.answer - rest} == {owner}
        for a in others)


WILD_GLUE = ("RFC 1034 section 4.3.2 step 3: part b, the cut, ends the walk "
             "before part c, where alone a wildcard makes records (RFC 4592 "
             "section 3.3); glue are the address records of the server's own "
             "name (RFC 9471 section 2). NSD and Knot make glue of a wildcard "
             "below the cut, BIND does not")


def canonical(name):
    return dns.name.from_text(name).to_text().lower()


class Written:
    """The records of the zone files, by owner and type."""

    def __init__(self, zones):
        self.records = {(canonical(owner), kind)
                        for zone in zones for owner, kind in zone.records}

    def is_made_below(self, cut, owner, kind):
        """By a wildcard below the cut, since no such record is written."""
        name, top = dns.name.from_text(owner), dns.name.from_text(cut)
        if not name.is_subdomain(top) or (owner, kind) in self.records:
            return False
        return any((canonical(f"*.{above}"), kind) in self.records
                   for above in ancestors(name, top))


def ancestors(name, top):
    while name != top:
        name = name.parent()
        yield name.to_text()


def lacks_wild_glue(ours, theirs, written):
    """Nothing, or addresses below the cut that no file has; theirs is the
    additional section of the same referral."""
    cuts = {r[0] for r in ours.authority if r[2] == "NS"}
    return ours.additional == theirs or (
        len(cuts) == 1 and ours.referral() and ours.additional <= theirs and
        all(written.is_made_below(*cuts, owner, kind)
            for owner, _, kind, _ in theirs - ours.additional))


def is_wild_glue(ours, others, written):
    """The majority has all of ours and such addresses; nobody has more."""
    if not ours.referral() or any(
            not a or a.strict()[:4] != ours.strict()[:4] for a in others):
        return False
    whole = [a for a in others if ours.additional <= a.additional]
    extra = frozenset().union(*(a.additional for a in others))
    return 2 * len(whole) > len(others) and lacks_wild_glue(
        ours, extra | ours.additional, written)


def explain(kind, ours, others, ask, written):
    """The text that allows our answer, or None. ask(name, kind): what the
    others answer to another question."""
    if ours and is_wild_glue(ours, others, written):
        return WILD_GLUE
    if not ours or not ours.answer:
        return None
    if kind == "ANY" and is_any(ours, others):
        return ANY
    if sum(r[2] == "CNAME" for r in ours.answer) == ALIASES and all(
            a and (a.answer <= ours.answer or ours.answer <= a.answer)
            for a in others):
        return LIMIT
    _, theirs, _ = majority(others)
    for first in [theirs, *others]:
        if first and continued(kind, first, ask, ours, written):
            return DS_RESTART if kind == "DS" else RESTART
    return None


def continued(kind, first, ask, ours, written, depth=20):
    """Is ours what comes of asking for each last target in turn?"""
    tried = set()

    def go(answer, last, left):
        target = last.last_target()
        if target is None or not left or target in tried:
            return False
        tried.add(target)
        candidates = ask(target, kind)
        _, best, votes = majority(candidates)
        for a in [best] if votes > 1 else candidates:
            if a is None or a.rcode == "REFUSED":
                continue
            both = answer | a.answer
            *rest, additional = a.strict()[3:]
            if (a.rcode, first.aa, both, *rest) == ours.strict()[:4] and (
                    additional == ours.strict()[4] or
                    lacks_wild_glue(ours, additional, written)):
                return True
            if go(both, a, left - 1):
                return True
        return False

    return go(first.answer, first, depth)


def additional_is_wrong(ours, others, ask):
    """What goes along is free (RFC 1034 section 4.3.2 step 6, RFC 2181
    section 5.4.1), but must be true, and not less than what all add."""
    if not ours.answer or ours.referral():
        return None
    added = set(ours.additional)
    for a in others:
        added -= a.additional if a else frozenset()
    for owner, ttl, kind, data in added:
        _, truth, _ = majority(ask(owner, kind))
        if not truth or (owner, ttl, kind, data) not in truth.answer:
            return f"an additional record that is not true: {owner} {kind}"
    same = [a for a in others if a and a.answer == ours.answer]
    if len(same) == len(others) and not ours.tc:
        missing = frozenset.intersection(
            *(a.additional for a in same)) - ours.additional - ours.answer
        if missing:
            return f"additional records that all others have: {missing}"
    return None


def show(a):
    out = [f"{a.rcode}{' aa' if a.aa else ''}{' tc' if a.tc else ''}"]
    for mark, section in (("an", a.answer), ("ns", a.authority),
                          ("ar", a.additional)):
        out += [f"  {mark} {' '.join(map(str, r))}" for r in sorted(section)]
    return "\n".join(out)
