# SPDX-License-Identifier: BSD-2-Clause
"""What is true of each service, since when, and whether an answer may say so.

Time counts towards what is documented only while nothing keeps the programs
from seeing and writing it: see Truth.impeded(). Every address is given out
once, so that one in an answer says which state of which instance it is of.
"""

import contextlib
import itertools
import threading
import time


class Instance:
    """now: its address as long as it is to be in A answers, else None."""

    def __init__(self, name):
        self.name = name
        self.now = None
        self.changed = time.monotonic()
        self.past = []  # (address, until when)
        self.draining = False  # SRV may have it, with weight 0
        self.published = False  # it was seen in an answer as it is now

    def set(self, address, draining=False):
        at = time.monotonic()
        if self.now:
            self.past = self.past[-5:] + [(self.now, at)]
        if (address, draining) != (self.now, self.draining):
            self.changed = at
            self.published = False
        self.now, self.draining = address, draining


class Service:
    def __init__(self, name, delay):
        self.name, self.delay = name, delay
        # by definitions, not by rows of others
        self.is_own = name.startswith(("file", "checked"))
        self.instances = {}
        self.sure = True  # False: it may be as it was at any time

    def instance(self, name):
        return self.instances.setdefault(name, Instance(name))

    def expected(self):
        return {i.now for i in self.instances.values() if i.now}


class Truth:
    def __init__(self, slack):
        self.lock = threading.RLock()
        self.services = {}
        self.slack = slack
        self.stops = []  # [from, to or None]: nothing counts meanwhile
        self.deaf = []  # the same: nobody answers
        self.doubts = 0
        self._addresses = itertools.count(1)

    def service(self, name, delay=1.0):
        made = self.services[name] = Service(name, delay * self.slack)
        return made

    def address(self, net=10):
        """A new one; in 127.0.0.0/8 they are of this host."""
        n = next(self._addresses)
        return f"{net}.{100 + (n >> 14 & 127)}.{n >> 7 & 127}.{1 + (n & 127)}"

    # -- what holds things up

    @contextlib.contextmanager
    def impeded(self, deaf=False):
        """And for a while after: what was left is made up for."""
        stop = [time.monotonic(), None]
        lists = [self.stops] + ([self.deaf] if deaf else [])
        with self.lock:
            for each in lists:
                each.append(stop)
        try:
            yield
        finally:
            stop[1] = time.monotonic() + 1.5 * self.slack

    def counted(self, start, end):
        """Seconds between the two that nothing held up."""
        spans = sorted((max(a, start), end if b is None else min(b, end))
                       for a, b in self.stops)
        total, at = end - start, start
        for a, b in spans:
            a = max(a, at)
            if b > a:
                total -= b - a
                at = b
        return total

    def is_deaf(self, start, end):
        return any(a < end and (b is None or b > start)
                   for a, b in self.deaf)

    def doubt(self, own=True):
        """An older state may come back: nothing is sure until settled, or
        but what the registrar itself knows."""
        with self.lock:
            self.doubts += 1
            for service in self.services.values():
                if own or not service.is_own or any(
                        i.draining for i in service.instances.values()):
                    service.sure = False

    @contextlib.contextmanager
    def changing(self, service):
        """Until the function that is yielded says what it came to. If it is
        not called, both may be: who knows is the registry."""
        def done(*instances):
            with self.lock:
                for name, address, draining in instances:
                    service.instance(name).set(address, draining)
                service.sure = sure and doubts == self.doubts
        with self.lock:
            sure, doubts = service.sure, self.doubts
            service.sure = False
        yield done

    # -- answers

    def judge(self, service, sent, addresses):
        """What is wrong with the addresses in an answer to a question that
        was sent then; None: nothing."""
        with self.lock:
            if not service.sure:
                return None
            may, must = set(), set()
            for i in service.instances.values():
                settled = self.counted(i.changed, sent) > service.delay
                if i.now:
                    may.add(i.now)
                    if i.changed < sent and (settled or i.published):
                        must.add(i.now)
                    i.published |= i.now in addresses and i.changed < sent
                may |= {address for address, until in i.past
                        if until > sent or
                        self.counted(until, sent) <= service.delay}
            if addresses - may:
                return f"stale or invented: {self.tell(service, addresses - may)}"
            if must - addresses:
                return f"lost: {self.tell(service, must - addresses)}"
            return None

    def judge_names(self, service, sent, names):
        """The same of an SRV answer, by names of instances."""
        with self.lock:
            if not service.sure:
                return None
            for name in names:
                i = service.instances.get(name)
                if not i:
                    return f"invented: {name}"
                if i.now or i.draining or i.changed > sent:
                    continue
                if self.counted(i.changed, sent) > service.delay:
                    return f"stale: {self.tell_one(i)}"
            return None

    def tell(self, service, addresses):
        told = [self.tell_one(i) for i in service.instances.values()
                if i.now in addresses or
                any(a in addresses for a, _ in i.past)]
        return f"{sorted(addresses)}: {'; '.join(told) or 'never given out'}"

    @staticmethod
    def tell_one(i):
        at = time.monotonic()
        past = ", ".join(f"{a} until {at - t:.2f} s ago" for a, t in i.past)
        return (f"{i.name} is {i.now or 'out'} for {at - i.changed:.2f} s"
                f"{', draining' if i.draining else ''}"
                f"{', was seen' if i.published else ''}; {past}")
