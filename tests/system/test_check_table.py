# SPDX-License-Identifier: BSD-2-Clause
"""Each kind of check against servers that are well, sick and hostile.

All rows run at the same time under one registrar, each as a service of its
own; then each must have the state, and the words, that its row says.
"""

import contextlib
import http.server
import shutil
import socketserver
import ssl
import subprocess
import threading

import pytest
import rollcall
from certificates import Authority
from misbehave import (ANSWERS, CLOSES, DRIBBLES, FLOODS, GARBAGE, HALF, HANGS,
                       Tcp, Udp)
from rollcall import until

HTTP = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"
TIMED_OUT = "timed out after 900 ms"
SLOW = "timeout: 900ms"    # for those that never answer in time
PATIENT = "timeout: 10s"   # for those that do, on a busy machine


class Web(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Python's web server: it says /well, /sick and, /moved, elsewhere."""
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, context=None):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                code = {"/well": 200, "/sick": 503, "/moved": 302}[self.path]
                body = b"all is " + self.path[1:].encode()
                self.send_response(code, "as asked")
                self.send_header("Content-Length", str(len(body)))
                if code == 302:
                    self.send_header("Location", "/well")
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                size = int(self.headers["Content-Length"])
                body = self.rfile.read(size)
                token = self.headers["Authorization"]
                code = 200 if (body, token) == (b"ping", "Bearer t0k3n") \
                    else 400
                self.send_response(code, f"{body} {token}")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.port = rollcall.free_port()
        super().__init__((rollcall.HOST, self.port), Handler)
        if context:
            self.socket = context.wrap_socket(
                self.socket, server_side=True,
                do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, args=(0.05,),
                         daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # clients that do not like our certificate

    def close(self):
        self.shutdown()
        self.server_close()


class Table:
    """Rows: a check, the state it must lead to, words of its output."""

    def __init__(self, site, stack):
        self.site, self.stack = site, stack
        self.rows = {}

    def server(self, made):
        self.stack.enter_context(contextlib.closing(made))
        return made

    def tcp(self, *args, **more):
        return f"{rollcall.HOST}:{self.server(Tcp(*args, **more)).port}"

    def udp(self, *args):
        return f"{rollcall.HOST}:{self.server(Udp(*args)).port}"

    def row(self, name, check, state, words):
        assert name not in self.rows
        if "timeout:" not in check and "file:" not in check:
            check += f", {PATIENT if TIMED_OUT not in words else SLOW}"
        if "file: " not in check:
            check += ", rise: 1, fall: 1"
        self.site.define(f"{name}.yaml", "\n".join([
            f"service: {name}", "port: 80",
            f"instances: [{{name: i-1, address: {rollcall.HOST}}}]",
            f"checks: [{{{check}, interval: 1s, jitter: 0%}}]"
            if "file: " not in check else f"checks: [{{{check}}}]", ""]))
        self.rows[name] = (state, words)

    def run(self):
        self.site.start_registrar()
        wrong = {}

        def check():
            got = {service: (state, output) for service, state, output
                   in self.site.sql(
                       "SELECT i.service, i.state, c.output FROM instance i "
                       "JOIN check_result c ON c.service = i.service")}
            wrong.clear()
            for name, (state, words) in self.rows.items():
                is_state, output = got.get(name, ("missing", ""))
                if is_state != state or words not in (output or ""):
                    wrong[name] = (is_state, output)
            return not wrong
        try:
            until("every row as it should be", check, 60)
        except AssertionError as e:
            raise AssertionError(f"{e}; wrong: {wrong}") from None


@pytest.fixture
def table(site):
    with contextlib.ExitStack() as stack:
        yield Table(site, stack)


@pytest.fixture
def authority(site):
    made = Authority(site.folder / "ca")
    here = f"DNS:api.example,IP:{rollcall.HOST}"
    made.issue("good", here)
    made.issue("expired", here, days=-1)
    made.issue("wrong", "DNS:other.example,IP:192.0.2.1")
    made.issue("client", "DNS:client")
    other = Authority(site.folder / "other")
    other.issue("good", here)
    other.issue("client", "DNS:client")
    made.other = other
    return made


def server_context(authority, name="good", clients=False):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.folder / f"{name}.pem",
                            authority.folder / f"{name}.key")
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(authority.ca)
    return context


def test_tcp(table):
    silent = table.tcp(HANGS)
    closed = f"{rollcall.HOST}:{rollcall.free_port()}"
    expect = "send: 'PING\\r\\n', expect: 'PONG$'"
    table.row("connects", f"tcp: '{silent}'", "passing", "connected")
    table.row("refused", f"tcp: '{closed}'", "critical", "refused")
    for name, manner, answer, state, words in (
            ("answers", ANSWERS, b"PONG", "passing", "4 octets: PONG"),
            ("fails", ANSWERS, b"-ERR", "critical", "do not match"),
            ("hangs", HANGS, b"", "critical", f"{TIMED_OUT}, no answer"),
            ("dribbles", DRIBBLES, b"PONG", "critical",
             f"{TIMED_OUT}, what came does not match"),
            ("closes", CLOSES, b"", "critical", ""),
            ("half", HALF, b"PONG", "critical", "closed after 2 octets"),
            ("garbage", GARBAGE, b"", "critical", "do not match"),
            ("floods", FLOODS, b"", "critical", "16384 octets that do not")):
        table.row(name, f"tcp: '{table.tcp(manner, answer)}', {expect}",
                  state, words)
    table.row("refused-talk", f"tcp: '{closed}', {expect}", "critical",
              "cannot connect: Connection refused")
    table.run()


def test_http(table, tmp_path):
    web = table.server(Web())
    url = f"http://{rollcall.HOST}:{web.port}"
    token = tmp_path / "token"
    token.write_text("t0k3n\n")
    bad_token = tmp_path / "bad-token"
    bad_token.write_text("t0k3n\r\nX-Admin: yes\n")
    table.row("passes", f"http: '{url}/well', body: '^all is well$'",
              "passing", "200 as asked")
    table.row("fails", f"http: '{url}/sick'", "critical",
              "503 as asked: all is sick")
    table.row("moved", f"http: '{url}/moved'", "critical", "302 as asked")
    table.row("body", f"http: '{url}/well', body: sick", "critical",
              "do not match")
    for name, file, state, words in (
            ("secret", token, "passing", "200 b'ping' Bearer *****"),
            ("injects", bad_token, "critical", "found a line end"),
            ("no-secret", tmp_path / "none", "critical", "No such file")):
        table.row(name, f"http: '{url}/', method: POST, send: ping, headers: "
                  f"{{Authorization: 'Bearer {{file:{file}}}'}}", state,
                  words)
    rows = (
        ("hangs", HANGS, b"", "critical", f"{TIMED_OUT}, no answer"),
        ("dribbles", DRIBBLES, HTTP, "critical", TIMED_OUT),
        ("closes", CLOSES, b"", "critical", ""),
        ("half", HALF, HTTP, "critical", "closed before the answer"),
        ("garbage", GARBAGE, b"", "critical", "is not HTTP"),
        ("floods", FLOODS, b"HTTP/1.0 200 OK\r\n\r\n", "passing", "200 OK"))
    for name, manner, answer, state, words in rows:
        table.row(name, f"http: 'http://{table.tcp(manner, answer)}/'",
                  state, words)
        path = tmp_path / f"{name}.sock"
        table.server(Tcp(manner, answer, path=path))
        table.row(f"unix-{name}", f"http: 'http://app/', socket: '{path}'",
                  state, words)
    table.server(Tcp(ANSWERS, HTTP, path=tmp_path / "well.sock"))
    table.row("unix", f"http: 'http://app/', socket: '{tmp_path}/well.sock'",
              "passing", "200 OK")
    table.row("unix-none", f"http: 'http://app/', socket: '{tmp_path}/none'",
              "critical", "cannot connect: No such file")
    table.run()
    site = table.site
    shown = [site.status(), site.command(
        "export", "--registry", site.registry).stdout, site.command(
            "history", "--registry", site.registry).stdout,
             site.daemons[0].log_text(), site.script(".dump").stdout]
    assert all("t0k3n" not in str(text) for text in shown)


def tls_rows(authority):
    """What is the same for all checks over TLS."""
    ca = f"ca: {authority.ca}"
    own = "cert: {0}/client.pem, key: {0}/client.key"
    good, stranger = own.format(authority.folder), own.format(
        authority.other.folder)

    def context(name="good", **more):
        return server_context(authority, name, **more)
    other = server_context(authority.other)
    clients = context(clients=True)
    for name, server, tls, state, words in (
            ("good", context(), ca, "passing", ""),
            ("name", context(), f"{ca}, name: api.example", "passing", ""),
            ("expired", context("expired"), ca, "critical",
             "TLS handshake: certificate has expired"),
            ("not-verified", context("expired"), "verify: false", "passing",
             ""),
            ("wrong-name", context("wrong"), f"{ca}, name: api.example",
             "critical", "TLS handshake: hostname mismatch"),
            ("wrong-address", context("wrong"), ca, "critical",
             "TLS handshake: IP address mismatch"),
            ("unknown", other, ca, "critical", "TLS handshake: unable to get "
             "local issuer certificate"),
            ("client", clients, f"{ca}, {good}", "passing", ""),
            ("no-client", clients, ca, "critical", "certificate required"),
            ("stranger", clients, f"{ca}, {stranger}", "critical",
             "alert unknown ca"),
            ("no-ca", context(), f"ca: {authority.folder}/none", "critical",
             "cannot use the file of CAs"),
            ("plain", None, ca, "critical", "TLS handshake: wrong version")):
        yield name, server, f"tls: {{{tls}}}", state, words


def test_tls(table, authority):
    """tcp and http checks, and a tcp check of the handshake alone."""
    ca = f"tls: {{ca: {authority.ca}}}"
    for name, context, tls, state, words in tls_rows(authority):
        talk = table.tcp(ANSWERS, b"PONG, as you asked", context)
        table.row(f"talk-{name}", f"tcp: '{talk}', send: x, expect: PONG, "
                  f"{tls}", state, words)
        table.row(f"shake-{name}", f"tcp: '{talk}', {tls}", state, words)
        web = table.server(Web(context))
        table.row(f"http-{name}",
                  f"http: 'https://{rollcall.HOST}:{web.port}/well', {tls}",
                  state, words)
    context = server_context(authority)
    for name, manner, answer, state, words in (
            ("hangs", HANGS, b"", "critical", f"{TIMED_OUT}, no answer"),
            ("dribbles", DRIBBLES, HTTP, "critical", TIMED_OUT),
            ("closes", CLOSES, b"", "critical", "TLS handshake: "),
            ("half", HALF, HTTP, "critical", "closed before the answer"),
            ("garbage", GARBAGE, b"", "critical", "is not HTTP"),
            ("floods", FLOODS, b"HTTP/1.0 200 OK\r\n\r\n", "passing",
             "200 OK")):
        where = table.tcp(manner, answer, context)
        table.row(f"http-{name}", f"http: 'https://{where}/', {ca}", state,
                  words)
    for name, manner in (("hangs", HANGS), ("dribbles", DRIBBLES)):
        # no TLS there: the handshake gets no answer in time
        where = table.tcp(manner, b"\x16\x03\x03\x00\x7a\x02")
        table.row(f"shake-{name}", f"tcp: '{where}', {ca}", "critical",
                  f"{TIMED_OUT}, TLS handshake")
    table.run()


def test_certificates_are_replaced(site, authority):
    """By one that has expired, and back; nobody is restarted."""
    context = server_context(authority)
    folder = authority.folder
    with contextlib.closing(Web(context)) as web:
        site.define("web.yaml", "\n".join([
            "service: web", "port: 80",
            f"instances: [{{name: i-1, address: {rollcall.HOST}}}]",
            f"checks: [{{http: 'https://{rollcall.HOST}:{web.port}/well', "
            f"tls: {{ca: {authority.folder}/trust.pem}}, interval: 100ms, "
            "timeout: 10s, rise: 1, fall: 1}]", ""]))
        site.start_registrar()
        site.wait_health("web", {"i-1": "critical"})  # no trust.pem yet
        shutil.copy(folder / "ca.pem", folder / "trust.pem")
        site.wait_health("web", {"i-1": "passing"})
        context.load_cert_chain(folder / "expired.pem",
                                folder / "expired.key")
        site.wait_health("web", {"i-1": "critical"})
        context.load_cert_chain(folder / "good.pem", folder / "good.key")
        site.wait_health("web", {"i-1": "passing"})
        shutil.copy(authority.other.ca, folder / "trust.new")
        (folder / "trust.new").rename(folder / "trust.pem")
        site.wait_health("web", {"i-1": "critical"})


def test_udp_and_dns(table):
    silent = table.udp(HANGS)
    expect = "send: x, expect: '^fine'"
    for name, manner, answer, state, words in (
            ("answers", ANSWERS, b"fine", "passing", "4 octets: fine"),
            ("fails", ANSWERS, b"sick", "critical", "do not match"),
            ("hangs", HANGS, b"", "critical", f"{TIMED_OUT}, no answer"),
            ("late", DRIBBLES, b"fine", "critical", TIMED_OUT),
            ("garbage", GARBAGE, b"", "critical", "1024 octets that do not"),
            ("floods", FLOODS, b"fine", "passing", "60004 octets: finexx")):
        table.row(name, f"udp: '{table.udp(manner, answer)}', {expect}",
                  state, words)
    table.row("silent", f"udp: '{silent}', silence: passing, timeout: 200ms",
              "passing", "nobody objected")
    table.row("refused", f"udp: '{rollcall.HOST}:{rollcall.free_port()}'",
              "critical", "refused")
    for name, manner, words in (
            ("dns-hangs", HANGS, f"{TIMED_OUT}, no answer"),
            ("dns-garbage", GARBAGE, TIMED_OUT)):  # is no answer to ours
        table.row(name, f"dns: '{table.udp(manner)}', query: a.test",
                  "critical", words)
    table.run()


def test_exec(table):
    def shell(text):
        return f"exec: [/bin/sh, -c, '{text}']"
    for name, text, state, words in (
            ("passes", "echo fine", "passing", "fine"),
            ("warns", "echo so so; exit 1", "warning", "so so"),
            ("fails", "echo sick; exit 2", "critical", "sick"),
            ("killed", "kill -9 $$", "critical", "killed"),
            ("hangs", "sleep 60", "critical", TIMED_OUT),
            ("dribbles", "while :; do echo x; sleep 1; done", "critical",
             TIMED_OUT),
            ("closes", "exec >/dev/null 2>&1; sleep 60", "critical",
             TIMED_OUT),
            ("floods", "head -c 10000000 /dev/zero | tr \"\\0\" x",
             "passing", "xxxxxxxx"),
            ("garbage", "printf \"a\\033[31mb\"", "passing", "a?[31mb")):
        table.row(name, shell(text.replace("'", "''")), state, words)
    # ThreadSanitizer has no memory to say why once limits are set
    sanitized = b"__tsan_init" in (
        rollcall.BUILD / "registrar/registrar").read_bytes()
    table.row("missing", "exec: [/none/such]", "critical",
              "" if sanitized else "/none/such")
    table.run()


def test_file(table, tmp_path):
    for name, text, state, words in (
            ("passes", "passing all is well\n", "passing", "all is well"),
            ("warns", "1 so so", "warning", "so so"),
            ("fails", "critical sick", "critical", "sick"),
            ("garbage", "\x00\xff\x1b[31m", "critical", ""),
            ("empty", "", "critical", ""),
            ("floods", "passing " + "x" * 10000000, "passing", "xxxxxxxx")):
        path = tmp_path / f"{name}.state"
        path.write_text(text, encoding="latin-1")
        table.row(name, f"file: {path}", state, words)
    table.row("missing", f"file: {tmp_path}/none", "critical", "No such file")
    fifo = tmp_path / "fifo"
    subprocess.run(["mkfifo", fifo], check=True)
    table.row("hangs", f"file: {fifo}", "critical", "")
    table.run()


def test_databases(table):
    """test_kinds.py asks real ones; these are none."""
    for kind, pong, words in (
            ("redis", b"+PONG\r\n", "closed before"),
            ("postgres", b"NR\x00\x00\x00\x08\x00\x00\x00\x00", "")):
        for name, manner, state, said in (
                ("hangs", HANGS, "critical", TIMED_OUT),
                ("dribbles", DRIBBLES, "critical", TIMED_OUT),
                ("closes", CLOSES, "critical", ""),
                ("half", HALF, "critical", words),
                ("garbage", GARBAGE, "critical", ""),
                ("floods", FLOODS, "critical" if kind == "postgres"
                 else "passing", "")):
            where = table.tcp(manner, pong)
            table.row(f"{kind}-{name}", f"{kind}: '{where}'", state, said)
        port = rollcall.free_port()
        table.row(f"{kind}-refused", f"{kind}: '{rollcall.HOST}:{port}'",
                  "critical", "refused")
    table.run()
