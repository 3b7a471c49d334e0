# SPDX-License-Identifier: BSD-2-Clause
"""Asks all the time, by real DNS, and holds the answers to the truth."""

import socket
import threading
import time

import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype
import rollcall


class Checker:
    def __init__(self, world, rng):
        self.world, self.rng = world, rng
        self.questions, self.unanswered = 0, 0
        self.violations = []
        self.doing = "nothing"  # for reports
        # dnsd has not read a registry since it started
        self.unread = set()
        self.is_ending = False
        self.patience_s = 1.0 * world.slack
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._thread.start()

    def stop(self):
        self.is_ending = True
        self._thread.join()

    def violate(self, text):
        text = f"{time.strftime('%H:%M:%S')} during {self.doing}: {text}"
        self.violations.append(text)
        print(f"VIOLATION {text}", flush=True)

    def ask(self, name, rdtype):
        """(rcode, rdata of the answer), or None"""
        message = rollcall.query(name, rdtype)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(self.patience_s)
            s.connect((rollcall.HOST, self.world.port))
            try:
                s.send(message.to_wire())
                got = dns.message.from_wire(s.recv(65535))
            except (OSError, dns.exception.DNSException):
                return None
        if got.id != message.id:
            return None
        self.questions += 1
        return (dns.rcode.to_text(got.rcode()),
                [rd for rrset in got.answer for rd in rrset])

    def _run(self):
        while not self.is_ending:
            service = self.rng.choice(list(
                self.world.truth.services.values()))
            self.look(service, "SRV" if self.rng.random() < 0.3 else "A")
            time.sleep(0.002 * self.world.slack)

    def look(self, service, rdtype):
        truth, sent = self.world.truth, time.monotonic()
        runs = self.world.dnsd.started
        name = service.name if rdtype == "A" else f"_{service.name}._tcp"
        got = self.ask(name, rdtype)
        if not got:
            self.unanswered += 1
            if not truth.is_deaf(sent, time.monotonic()):
                self.violate(f"no answer to {name} {rdtype}")
                time.sleep(0.5)
            return
        rcode, rdata = got
        if rcode == "SERVFAIL":
            # what is new there may be no memory for
            if runs in self.unread and truth.judge(service, sent, set()):
                self.violate(f"{name} {rdtype}: SERVFAIL, though a registry "
                             "was read")
                service.sure = False
            return
        if rcode not in ("NOERROR", "NXDOMAIN"):
            self.violate(f"{name} {rdtype}: {rcode}")
            return
        self.unread.add(runs)
        if rdtype == "A":
            wrong = truth.judge(service, sent, {rd.address for rd in rdata})
        else:
            wrong = truth.judge_names(service, sent, {
                rd.target.labels[0].decode() for rd in rdata})
        if wrong:
            self.violate(f"{name} {rdtype} {rcode}: {wrong}")
            service.sure = False  # said once

    def compare(self):
        """What differs from the truth now, service by service."""
        truth, differences = self.world.truth, []
        for service in list(truth.services.values()):
            got = self.ask(service.name, "A")
            with truth.lock:
                expected = service.expected()
            have = {rd.address for rd in got[1]} if got else None
            if not got or have != expected or got[0] == "SERVFAIL":
                differences.append(
                    f"{service.name}: found "
                    f"{got and (got[0], sorted(have))}, "
                    f"expected {sorted(expected)}: " + truth.tell(
                        service, expected ^ (have or set())))
        return differences
