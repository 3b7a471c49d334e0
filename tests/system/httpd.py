# SPDX-License-Identifier: BSD-2-Clause
"""registrar serve, and clients of it that say what octets they send."""

import http.client
import json
import os
import socket

import rollcall


class Reply:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.text = body.decode()

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def revision(self):
        return int(self.headers["X-Rollcall-Revision"])


class Serve(rollcall.Daemon):
    def __init__(self, site, *args):
        self.host, self.port = rollcall.HOST, rollcall.free_port()
        super().__init__("registrar", [
            "serve", "--registry", site.registry,
            "--http", f"{self.host}:{self.port}", *args], site.log("serve"))

    def ask(self, method, path, body=None, timeout=rollcall.PATIENCE_S,
            **headers):
        client = http.client.HTTPConnection(self.host, self.port, timeout)
        headers = {k.replace("_", "-"): v for k, v in headers.items()}
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        try:
            client.request(method, path, body, headers)
            got = client.getresponse()
            return Reply(got.status, got.headers, got.read())
        finally:
            client.close()

    def get(self, path, **more):
        return self.ask("GET", path, **more)

    def connect(self, timeout=rollcall.PATIENCE_S):
        return socket.create_connection((self.host, self.port), timeout)

    def files(self):
        """Descriptors that it has open."""

        return len(os.listdir(f"/proc/{self.pid}/fd"))


def request(path, method="GET", host=None, more=""):
    host = host or rollcall.HOST
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n".encode()


def start(site, *args):
    site.create_registry()
    daemon = Serve(site, *args)
    site.daemons.append(daemon)
    return daemon.start()
