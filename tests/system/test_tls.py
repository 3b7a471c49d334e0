# SPDX-License-Identifier: BSD-2-Clause
"""DNS over TLS as clients meet it: kdig, openssl, Python's ssl."""

import contextlib
import os
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess

import dns.edns
import dns.message
import pytest

from rollcall import HOST, PATIENCE_S, free_port, query, until

pytestmark = pytest.mark.threads


def make_certificate(folder, name, days=30):
    """A new key and certificate over cert.pem and key.pem, as certbot does:
    aside, then renamed over; the certificate first."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", str(days),
         "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
         "-keyout", folder / "key.new", "-out", folder / "cert.new"],
        check=True, capture_output=True)
    (folder / "cert.new").rename(folder / "cert.pem")
    (folder / "key.new").rename(folder / "key.pem")


class Tls:
    """A dnsd with TLS, and its clients."""

    def __init__(self, site):
        self.folder = site.folder
        make_certificate(self.folder, "one.test")
        self.port = free_port()
        site.create_registry()
        self.dnsd = site.start_dnsd(
            "--listen-tls", f"{HOST}:{self.port}",
            "--tls-cert", self.folder / "cert.pem",
            "--tls-key", self.folder / "key.pem")

    def context(self, verify=None):
        context = ssl.create_default_context(cafile=verify)
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    @contextlib.contextmanager
    def connect(self, context=None, name="one.test", session=None):
        with socket.create_connection((HOST, self.port), PATIENCE_S) as plain:
            context = context or self.context()
            with context.wrap_socket(plain, server_hostname=name,
                                     session=session) as s:
                yield s

    def certificate(self):
        """Text of the one that a newcomer sees."""
        with self.connect() as s:
            der = s.getpeercert(binary_form=True)
        done = subprocess.run(
            ["openssl", "x509", "-inform", "DER", "-noout", "-subject"],
            input=der, capture_output=True, check=True)
        return done.stdout.decode().strip()


@pytest.fixture
def tls(site):
    made = Tls(site)
    site.put("web", ("i-1", "192.0.2.1"))
    made.dnsd.wait_addresses("web", ["192.0.2.1"])
    return made


def send(s, *messages):
    octets = b"".join(struct.pack("!H", len(m.to_wire())) + m.to_wire()
                      for m in messages)
    s.sendall(octets)


def receive_octets(s):
    def exactly(n):
        got = b""
        while len(got) < n:
            more = s.recv(n - len(got))
            if not more:
                raise EOFError
            got += more
        return got
    return exactly(struct.unpack("!H", exactly(2))[0])


def receive(s):
    return dns.message.from_wire(receive_octets(s))


def test_certificate_is_verified(tls):
    context = tls.context(verify=tls.folder / "cert.pem")
    with tls.connect(context) as s:
        send(s, query("web", "A"))
        assert receive(s).answer
    with pytest.raises(ssl.SSLCertVerificationError):
        with tls.connect(context, name="other.test"):
            pass


def test_pipelined(tls):
    asked = [query("web" if n % 2 else "nobody", "A") for n in range(200)]
    for n, message in enumerate(asked):
        message.id = n
    with tls.connect() as s:
        send(s, *asked)
        got = [receive(s) for _ in asked]
    assert [m.id for m in got] == list(range(200))
    assert all(bool(m.answer) == bool(m.id % 2) for m in got)


def test_session_is_resumed(tls):
    context = tls.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with tls.connect(context) as s:
        session = s.session
        assert not s.session_reused
    with tls.connect(context, session=session) as s:
        assert s.session_reused
        send(s, query("web", "A"))
        assert receive(s).answer


def test_padding_and_keepalive(tls):
    padding = dns.edns.GenericOption(12, b"")
    keepalive = dns.edns.GenericOption(11, b"")
    with tls.connect() as s:
        send(s, query("web", "A", options=[padding, keepalive]))
        octets = receive_octets(s)
    assert len(octets) % 468 == 0
    options = {o.otype: o.to_wire()
               for o in dns.message.from_wire(octets).options}
    assert options[11] == struct.pack("!H", 100)  # 10 s
    assert not options[12].strip(b"\0")


@pytest.mark.skipif(not shutil.which("kdig"), reason="needs knot-dnsutils")
def test_kdig(tls):
    done = subprocess.run(
        ["kdig", f"@{HOST}", "-p", str(tls.port),
         f"+tls-ca={tls.folder}/cert.pem", "+tls-hostname=one.test",
         "+padding", "+keepopen", "web.svc.internal", "A",
         "_web._tcp.svc.internal", "SRV"],
        text=True, capture_output=True, check=True)
    assert re.search(r"web\.svc\.internal\.\s+5\s+IN\s+A\s+192\.0\.2\.1",
                     done.stdout)
    assert "i-1.web.svc.internal." in done.stdout
    assert done.stdout.count("TLS session") == 2


def test_openssl_sees_dot(tls):
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"{HOST}:{tls.port}", "-alpn",
         "dot", "-CAfile", tls.folder / "cert.pem", "-verify_return_error"],
        input="", text=True, capture_output=True, check=True)
    assert "ALPN protocol: dot" in done.stdout
    assert "Verify return code: 0 (ok)" in done.stdout


def test_changed_certificate_is_taken_up(tls):
    assert "one.test" in tls.certificate()
    with tls.connect() as before:
        make_certificate(tls.folder, "two.test")
        until("the new certificate", lambda: "two.test" in tls.certificate())
        send(before, query("web", "A"))
        assert receive(before).answer, "open connections go on"


def test_certificate_behind_a_link(tls):
    """What Kubernetes and certbot do: a link is turned to another folder."""
    for name in ("a.test", "b.test"):
        folder = tls.folder / name
        folder.mkdir()
        make_certificate(folder, name)
    for name in ("a.test", "b.test"):
        for file in ("cert.pem", "key.pem"):
            link = tls.folder / "link"
            link.symlink_to(tls.folder / name / file)
            os.replace(link, tls.folder / file)
        until(name, lambda name=name: name in tls.certificate())


def test_sighup_loads_at_once(tls):
    make_certificate(tls.folder, "two.test")
    start = len(tls.dnsd.log_text())
    tls.dnsd.signal(signal.SIGHUP)
    tls.dnsd.wait_log(r"certificate loaded", start)
    assert "two.test" in tls.certificate()


@pytest.mark.parametrize("damage, logged", [
    (lambda f: (f / "cert.pem").write_text("nonsense"),
     r"cannot use the certificate '.*cert\.pem': no start line; "
     r"the last good one stays in force"),
    (lambda f: (f / "key.pem").unlink(),
     r"cannot use the key '.*key\.pem': No such file or directory; "),
    (lambda f: subprocess.run(
        ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-out", f / "key.pem"], check=True,
        capture_output=True),
     r"cannot use the key '.*key\.pem': key values mismatch; "),
])
def test_bad_files_change_nothing(tls, damage, logged):
    damage(tls.folder)
    tls.dnsd.wait_log(logged)
    assert "one.test" in tls.certificate()
    assert len(re.findall(logged, tls.dnsd.log_text())) == 1, "said once"
    make_certificate(tls.folder, "two.test")
    until("the good one", lambda: "two.test" in tls.certificate())


@pytest.mark.parametrize("args, said", [
    (["--listen-tls", "127.0.0.1:8853"], r"found 'listen-tls' alone"),
    (["--listen-tls", "127.0.0.1:8853", "--tls-cert", "/nowhere/c.pem",
      "--tls-key", "/nowhere/k.pem"], r"'/nowhere/c\.pem': No such file"),
    (["--listen-tls", "dns.test", "--tls-cert", "C", "--tls-key", "K"],
     r"--listen-tls: found 'dns\.test', expected a numeric address"),
])
def test_wrong_options(site, args, said):
    done = site.command("--check", *args, program="dnsd")
    assert done.returncode == 2
    assert re.search(said, done.stderr)


def test_sigterm_sends_what_is_owed(tls, site):
    site.put("many", *[(f"i-{n}", f"198.51.100.{n % 250 + 1}")
                       for n in range(400)])
    until("400", lambda: len(tls.dnsd.instances("many")) == 400)
    asked = [query("_many._tcp", "SRV") for _ in range(200)]
    with tls.connect() as s:
        send(s, *asked)
        assert receive(s).answer
        tls.dnsd.signal(signal.SIGTERM)
        got = [receive_octets(s) for _ in asked[1:]]
    assert all(struct.unpack_from("!H", m, 6) == (400,) for m in got)
    assert tls.dnsd.process.wait(PATIENCE_S) == 0
    site.daemons.remove(tls.dnsd)
