# SPDX-License-Identifier: BSD-2-Clause
"""Server-side discovery, whole: registrar, dnsd, HAProxy and nginx as contrib
has them, instances that are programs, and clients that ask without end while
instances are drained, stopped, started and killed.

tests/bench/balancers runs it for long, test_balancers.py for a short while.
"""

import collections
import contextlib
import http.client
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

from rollcall import HOST, TREE, free_port, until

CONTRIB = TREE / "contrib"
RUNNING, MAINTENANCE = "2", 0x23  # "show servers state"
WEIGHTS = {"one": 10, "two": 10, "big": 30, "four": 10}
CLIENTS = 8  # threads of each load

Request = collections.namedtuple("Request", "began ended by")  # by: or None


def find(program):
    return shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin")


def run(site, name, *command):
    log = site.folder / f"{name}.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    site.processes.append(process)
    return process


def example(path, *changes):
    """The text of a file of contrib, with our addresses in it."""
    text = (CONTRIB / path).read_text()
    for old, new in changes:
        assert old in text, f"{path} has no {old}"
        text = text.replace(old, new)
    return text


class Haproxy:
    def __init__(self, site, dnsd, *changes):
        self.port = free_port()
        self.socket = site.folder / "haproxy.sock"
        conf = site.folder / "haproxy.cfg"
        conf.write_text(example(
            "haproxy/haproxy.cfg",
            ("127.0.0.1:53\n", f"{dnsd.host}:{dnsd.port}\n"),
            ("127.0.0.1:8000", f"{HOST}:{self.port}"),
            ("/run/haproxy-rollcall.sock", str(self.socket)), *changes))
        run(site, "haproxy", find("haproxy"), "-db", "-f", conf)
        until("HAProxy listens", self.socket.exists)

    def rows(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(self.socket))
            s.sendall(b"show servers state web\n")
            text = b"".join(iter(lambda: s.recv(65536), b"")).decode()
        rows = [line.split() for line in text.splitlines()[2:] if line]
        return [row for row in rows
                if row[5] == RUNNING and not int(row[6]) & MAINTENANCE]

    def servers(self):
        """{place: address} of those that get requests."""
        return {row[3]: row[4] for row in self.rows()}

    def weights(self):
        return {row[4]: int(row[7]) for row in self.rows()}


class Nginx:
    def __init__(self, site, dnsd, web):
        self.port = free_port()
        text = example(
            "nginx/nginx.conf",
            ("127.0.0.1:53 ", f"{dnsd.host}:{dnsd.port} "),
            ("127.0.0.1:8000", f"{HOST}:{self.port}"),
            ("$web:8080", f"$web:{web}"))
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        paths = "".join(f"{kind}_temp_path {site.folder}/{kind};\n"
                        for kind in kinds)
        conf = site.folder / "nginx.conf"
        conf.write_text(
            f"pid {site.folder}/pid;\ndaemon off;\nmaster_process off;\n"
            f"error_log stderr;\nevents {{ }}\n"
            f"http {{ access_log off;\n{paths}{text}}}\n")
        run(site, "nginx", find("nginx"), "-e", "stderr", "-c", conf)


class Instance:
    """A program with a pidfile that answers with its name. It finishes what
    it has when it is told to end, as good programs do."""

    def __init__(self, folder, name, address, port):
        self.name, self.address, self.port = name, address, port
        self.pidfile = folder / f"{name}.pid"
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", sys.executable, __file__,
             self.name, self.address, str(self.port)],
            stdin=subprocess.DEVNULL)

        def listens():
            with contextlib.suppress(OSError):
                socket.create_connection((self.address, self.port)).close()
                return True
            return False

        until(f"{self.name} listens", listens)
        aside = self.pidfile.with_suffix(".new")
        aside.write_text(f"{self.process.pid}\n")
        aside.rename(self.pidfile)

    def end(self, number):
        self.process.send_signal(number)
        self.process.wait(10)


def ask(port):
    """Who answered, or None."""
    client = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        client.request("GET", "/")
        got = client.getresponse()
        text = got.read().decode()
        return text if got.status == 200 else None
    except (http.client.HTTPException, OSError):
        return None
    finally:
        client.close()


class Load:
    """Requests at a rate, each by a connection of its own."""

    def __init__(self, port, rate):
        self.port, self.pause = port, CLIENTS / rate
        self.requests = []
        self.over = False
        self.threads = [threading.Thread(target=self.ask_on, args=(k,),
                                         daemon=True) for k in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def ask_on(self, k):
        due = time.monotonic() + self.pause * k / CLIENTS
        while not self.over:
            time.sleep(max(0, due - time.monotonic()))
            # who was held up does not make up for it
            due = max(due + self.pause, time.monotonic())
            began = time.monotonic()
            by = ask(self.port)
            self.requests.append(Request(began, time.monotonic(), by))

    def failed(self, since=0.0):
        return [r for r in list(self.requests)
                if r.by is None and r.ended >= since]

    def served(self, name, since):
        return any(r.by == name and r.began > since
                   for r in list(self.requests))

    def shares(self, since):
        seen = collections.Counter(
            r.by for r in list(self.requests) if r.began > since)
        return {name: n / seen.total() for name, n in seen.items()}

    def stop(self):
        self.over = True
        for thread in self.threads:
            thread.join(15)


class Balanced:
    """All of it; loads: {name of the load balancer: its Load}."""

    def __init__(self, site, balancers, rate):
        self.site = site
        web, net = free_port(), f"127.78.{os.getpid() >> 8 & 255}"
        self.instances = {
            name: Instance(site.folder, name, f"{net}.{k + 1}", web)
            for k, name in enumerate(WEIGHTS)}
        rows = "".join(
            f"  - {{name: {i.name}, address: {i.address}, "
            f"weight: {WEIGHTS[i.name]}, process: {{pidfile: {i.pidfile}}}}}\n"
            for i in self.instances.values())
        site.define("web.yaml", (
            f"service: web\nport: {web}\nttl: 1s\nweight_scale: 256\n"
            f"instances:\n{rows}checks:\n"
            '  - {http: "http://{address}:{port}/", interval: 200ms}\n'))
        self.dnsd = site.start_dnsd()
        site.start_registrar()
        self.dnsd.wait_instances("web", list(WEIGHTS))
        made = {"haproxy": lambda: Haproxy(site, self.dnsd),
                "nginx": lambda: Nginx(site, self.dnsd, web)}
        self.balancers = {name: made[name]() for name in balancers}
        self.wait_until_all_are_found()
        self.loads = {name: Load(balancer.port, rate)
                      for name, balancer in self.balancers.items()}
        for name in WEIGHTS:
            self.wait_for(name, 0)

    def wait_until_all_are_found(self):
        if "haproxy" in self.balancers:
            until("HAProxy has all", lambda: len(
                self.balancers["haproxy"].servers()) == len(WEIGHTS))
        for balancer in self.balancers.values():
            until("requests arrive",
                  lambda balancer=balancer: ask(balancer.port))

    def wait_for(self, name, since):
        for balancer, load in self.loads.items():
            until(f"{balancer} sends to {name}",
                  lambda load=load: load.served(name, since))

    def drain_and_rejoin(self):
        """One turn: nothing may fail."""
        name = random.choice(list(WEIGHTS))
        self.site.run("drain", f"web/{name}", "--wait", "--registry",
                      self.site.registry)
        self.instances[name].end(signal.SIGTERM)
        self.instances[name].start()
        back = time.monotonic()
        self.site.run("resume", f"web/{name}", "--registry",
                      self.site.registry)
        self.wait_for(name, back)

    def kill(self, quiet_s=1.5):
        """kill -9; {balancer: (failed, ms until the last of them ended)}.
        Nothing fails after quiet_s more seconds."""
        name = random.choice(list(WEIGHTS))
        at = time.monotonic()
        self.instances[name].end(signal.SIGKILL)
        self.dnsd.wait_instances("web", [n for n in WEIGHTS if n != name])
        time.sleep(quiet_s)
        found = {}
        for balancer, load in self.loads.items():
            failed = load.failed(at)
            last = max((r.ended for r in failed), default=at)
            found[balancer] = len(failed), (last - at) * 1000
        self.instances[name].start()
        self.dnsd.wait_instances("web", list(WEIGHTS))
        self.wait_for(name, time.monotonic())
        return found

    def stop(self):
        for load in self.loads.values():
            load.stop()
        for instance in self.instances.values():
            instance.end(signal.SIGTERM)


# ---- an instance ----------------------------------------------------------

def serve(name, address, port):
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    answer = (f"HTTP/1.1 200 OK\r\nContent-Length: {len(name)}\r\n"
              f"Connection: close\r\n\r\n{name}").encode()
    listener = socket.create_server((address, port), backlog=128)
    listener.settimeout(0.05)

    def one(client):
        with client, contextlib.suppress(OSError):
            got = b""
            while b"\r\n\r\n" not in got:
                more = client.recv(4096)
                if not more:
                    return
                got += more
            time.sleep(0.003)  # so that some are always under way
            client.sendall(answer)

    threads = []
    while not over.is_set():
        with contextlib.suppress(TimeoutError):
            client, _ = listener.accept()
            client.settimeout(10)
            thread = threading.Thread(target=one, args=(client,))
            thread.start()
            threads = [t for t in threads if t.is_alive()] + [thread]
    listener.close()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], int(sys.argv[3]))
