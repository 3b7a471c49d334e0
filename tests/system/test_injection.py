# SPDX-License-Identifier: BSD-2-Clause
"""Texts of definitions and of servers that try to be more than texts: what
goes out on the wire, to programs, into the registry and to a terminal."""

import json
import re
import socket
import threading

import pytest

import rollcall
from rollcall import HOST, until


class Recorder:
    """A server that keeps what it is sent and says one thing."""

    def __init__(self, answer, end=b""):
        self.answer, self.end = answer, end
        self.requests = []
        self.listener = socket.create_server((HOST, 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            with conn:
                conn.settimeout(5)
                got = b""
                try:
                    while not got.endswith(self.end):
                        part = conn.recv(65536)
                        if not part:
                            break
                        got += part
                    # is more said than there is to say?
                    conn.sendall(self.answer)
                    conn.shutdown(socket.SHUT_WR)
                    while part := conn.recv(65536):
                        got += part
                except OSError:
                    pass
            if got:
                self.requests.append(got)

    def first(self):
        return until("a request", lambda: self.requests)[0]

    def close(self):
        self.listener.close()


@pytest.fixture
def recorder():
    made = []

    def make(*args):
        made.append(Recorder(*args))
        return made[-1]
    yield make
    for one in made:
        one.close()


def define(site, check, **more):
    """JSON, so that any character can be said; it is YAML too."""
    site.define("web.json", json.dumps({
        "service": "web", "port": 80,
        "instances": [{"name": "i-1", "address": HOST}],
        "checks": [{"interval": "50ms", "timeout": "5s", "rise": 1,
                    "fall": 1, **check}], **more}))


# ---- what is refused ----------------------------------------------------

BREAKS = ["\r\nX: 1", "\nX: 1", "\rX", "\0X", "\x7f", "\x1b[2J"]
C1 = "\x9b31m"  # CSI in one character
REFUSED = [
    *[({"http": f"http://{HOST}:80/{text}"}, "http") for text in BREAKS],
    *[({"http": f"http://{HOST}:80/{text}x"}, "http")
      for text in (" HTTP/1.1\r\n\r\nGET /", " ", "é", C1, "\\", "a b", "#x")],
    *[({"http": f"http://{HOST}{text}/"}, "http")
      for text in ("\r\nHost: x", "@other", ":80:90", ":0", ":65536", ": 80",
                   ":+80", ":80\0", "%00", ".example", " ")],
    *[({"http": f"http://{HOST}/", "headers": {"X": text}}, "headers")
      for text in BREAKS],
    *[({"http": f"http://{HOST}/", "headers": {key: "1"}}, "headers")
      for key in ("", "X: 1\r\nY", "X Y", "X:", "X\n", "é", "X\0", "(")],
    ({"http": f"http://{HOST}/", "method": "GET / HTTP/1.1\r\n\r\nPUT"},
     "method"),
    *[({"redis": f"{HOST}{text}"}, "redis")
      for text in (":6379\r\nFLUSHALL", "\r\nFLUSHALL", " FLUSHALL", ":x")],
    *[({"redis": HOST, "user": text, "password_file": "/x"}, "user")
      for text in BREAKS],
    *[({"postgres": f"{HOST}{text}"}, "postgres")
      for text in (" user=x", ":5432 dbname=x", ",::1", "\0", "/x")],
    *[({"postgres": HOST, key: text}, key) for text in BREAKS
      for key in ("user", "database", "server_name")],
    *[({"dns": HOST, "query": text}, "query")
      for text in ("a..b", "." * 3, "a" * 64 + ".b", "x." * 128 + "x",
                   "a\0b", "")],
    ({"dns": f"{HOST} x", "query": "a"}, "dns"),
    ({"exec": ["/bin/true"], "env": {"A=B": "1"}}, "env"),
    ({"exec": ["/bin/true"], "env": {"": "1"}}, "env"),
    ({"exec": ["/bin/true", "a\0b"]}, "exec"),
    ({"exec": ["true"]}, "exec"),
    ({"file": "/tmp/a\0b"}, "file"),
]


def short(text):
    return re.sub(r"[^a-zA-Z0-9{}:=]+", "_", repr(text))[:60]


def test_what_is_refused(site):
    """All of them with a place, none with a control character in the text
    that tells."""
    bad = []
    for check, key in REFUSED:
        define(site, check)
        done = site.command("check", site.watch)
        told = re.search(r"web\.json:\d+:\d+: ", done.stderr + done.stdout)
        text = (done.stdout + done.stderr).replace("\n", "")
        if done.returncode != 2 or not told or not text.isprintable():
            bad.append((key, check, done.returncode,
                        done.stdout + done.stderr))
    assert not bad, bad


@pytest.mark.parametrize("name", [
    "a\r\nb", "a b", "../a", "a/b", "a.b", "-a", "a-", "$(id)", "a;b", "é",
    "a\0b", "", "{name}", "a" * 64, "'a'"], ids=short)
@pytest.mark.parametrize("what", ["service", "instance"])
def test_names_are_labels(site, name, what):
    """What is put into requests, arguments and paths by {name}."""
    define(site, {"file": "/tmp/{service}/{name}"}, **(
        {"service": name} if what == "service" else
        {"instances": [{"name": name, "address": HOST}]}))
    done = site.command("check", site.watch)
    assert done.returncode == 2, done.stdout
    assert re.search(r"web\.json:\d+:\d+: ", done.stdout + done.stderr)


@pytest.mark.parametrize("header, url", [
    ({"X": ["1\r\nY: 2"]}, "/"), ({"X\r\nY": ["1"]}, "/"),
    ({}, "/\r\nX: 1"), ({}, "/ HTTP/1.0\r\n\r\nGET /")])
def test_consul_has_no_other_door(site, header, url):
    site.define("web.json", json.dumps({"service": {
        "name": "web", "port": 80, "address": HOST, "checks": [
            {"http": f"http://{HOST}:80{url}", "header": header,
             "interval": "1s"}]}}))
    done = site.command("check", site.watch)
    assert done.returncode == 2, done.stdout


# ---- what goes out ------------------------------------------------------

def test_one_http_request_and_its_headers(site, recorder):
    """Braces of headers are no variables; %0d%0a stays as it is."""
    server = recorder(b"HTTP/1.1 204 fine\r\n\r\n", b"\r\n\r\n")
    path = "/{service}/{name}?a=%0d%0aX:%201&b='`;$(id)".replace("`", "")
    define(site, {"http": f"http://{{address}}:{server.port}{path}",
                  "headers": {"X-One": "{name}: \\r\\n \"é\" %0d%0aX: 1",
                              "host": "virtual.example"}})
    site.start_registrar()
    site.wait_health("web", {"i-1": "passing"})
    lines = server.first().decode().split("\r\n")
    assert lines[0] == ("GET /web/i-1?a=%0d%0aX:%201&b=';$(id) HTTP/1.1")
    assert lines[-2:] == ["", ""] and "" not in lines[:-2]
    headers = sorted(line.lower() for line in lines[1:-2])
    assert headers == ["connection: close", "host: virtual.example",
                       "user-agent: rollcall",
                       'x-one: {name}: \\r\\n "é" %0d%0ax: 1']


def test_redis_takes_words_whatever_they_are(site, recorder):
    server = recorder(b"+OK\r\n+PONG\r\n", b"PING\r\n")
    secret = site.folder / "secret"
    secret.write_bytes(b'p "$4 *1 \xc3\xa9\r\nFLUSHALL\r\n')
    secret.chmod(0o600)
    define(site, {"redis": f"{{address}}:{server.port}",
                  "user": 'u "x" $9 *2', "password_file": str(secret)})
    site.start_registrar()
    site.wait_health("web", {"i-1": "passing"})
    assert server.first() == (
        b'*3\r\n$4\r\nAUTH\r\n$11\r\nu "x" $9 *2\r\n'
        b'$11\r\np "$4 *1 \xc3\xa9\r\n*1\r\n$4\r\nPING\r\n'
    )


def test_postgres_takes_names_as_names(site, recorder):
    """libpq would read a database that looks like a connection string."""
    server = recorder(b"E\0\0\0\x0eSFATAL\0Mno\0\0", b"\0\0")
    name = f"postgresql://evil@{HOST}:1/x?sslmode=disable"
    user = "user' dbname='x host=/tmp"
    define(site, {"postgres": f"{{address}}:{server.port}", "user": user,
                  "database": name, "sslmode": "disable"})
    site.start_registrar()
    words = server.first()[8:].split(b"\0")
    pairs = dict(zip(words[::2], words[1::2]))
    assert pairs[b"user"] == user.encode()
    assert pairs[b"database"] == name.encode()
    assert set(pairs) <= {b"user", b"database", b"application_name",
                          b"client_encoding", b""}
    site.wait_health("web", {"i-1": "critical"})


def test_dns_asks_one_question_of_that_name(site):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((HOST, 0))
        server.settimeout(rollcall.PATIENCE_S)
        define(site, {"dns": f"{HOST}:{server.getsockname()[1]}",
                      "query": "{name}.a\\.b\\000\\013.{service}"})
        site.start_registrar()
        packet, _ = server.recvfrom(4096)
    assert packet[4:6] == b"\0\1" and packet[6:10] == b"\0\0\0\0"
    question = b"\3i-1\5a.b\0\x0d\3web\0\0\1\0\1"
    assert packet[12:12 + len(question)] == question


def test_arguments_are_no_commands(site):
    words = ["$(touch x)", "`touch x`", "; touch x", "a\nb", "-rf", "*", "é"]
    out = site.folder / "out"
    program = site.folder / "check"
    program.write_text("#!/bin/sh\nprintf '%s\\0' \"$@\" \"$SAID\" "
                       f">{out}.new\nmv {out}.new {out}\n")
    program.chmod(0o755)
    define(site, {"exec": [str(program), *words, "{name}"],
                  "env": {"SAID": "() { :; }; touch {name} $(id)"}})
    site.start_registrar()
    until("it ran", out.exists)
    assert out.read_text().split("\0")[:-1] == [
        *words, "i-1", "() { :; }; touch i-1 $(id)"]


# ---- what comes back ----------------------------------------------------

EVIL = (b"\x1b]0;owned\x07\x1b[2J\x9b31m\xc2\x9b31m\x7f"
        b"' OR 1=1; DROP TABLE instance;--")
ANSWERS = {
    "http": b"HTTP/1.1 500 " + EVIL + b"\r\n\r\n" + EVIL,
    "redis": b"-ERR " + EVIL + b"\r\n",
    "postgres": b"E" + (len(EVIL) + 15).to_bytes(4, "big") +
                b"SFATAL\0M" + EVIL + b"\0\0\0",
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_what_a_server_says_is_text(site, recorder, kind):
    server = recorder(ANSWERS[kind], b"")
    where = f"{HOST}:{server.port}"
    define(site, {
        "http": {"http": f"http://{where}/"},
        "redis": {"redis": where},
        "postgres": {"postgres": where, "sslmode": "disable"}}[kind])
    registrar = site.start_registrar()
    site.wait_health("web", {"i-1": "critical"})
    told = [value for row in site.sql(
        "SELECT output FROM check_result UNION SELECT reason FROM instance "
        "UNION SELECT reason FROM history") for value in row if value]
    for command in ("status", "history", "explain web"):
        told += site.command(
            *command.split(), "--registry", site.registry).stdout.splitlines()
    told += registrar.log_text().splitlines()
    assert sum("DROP TABLE" in text for text in told) >= 3, told
    for text in told:
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text), text
    assert site.sql("SELECT count(*) FROM instance") == [(1,)]
