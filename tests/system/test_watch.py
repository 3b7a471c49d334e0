# SPDX-License-Identifier: BSD-2-Clause
"""registrar watch: programs and files that follow what DNS says."""

import json
import shutil
import signal
import socket
import subprocess
import time

import pytest

from rollcall import HOST, Daemon, always, free_port, until

TEMPLATE = """upstream web {
    {{range web}}
    server {{endpoint}} weight={{weight}}; # {{name}} {{meta.v}}
    {{end}}
}
"""


@pytest.fixture
def web(site):
    site.create_registry()
    site.put("web", ("one", "192.0.2.1"), ("two", "192.0.2.2", 300))
    return site


class Watch(Daemon):
    def __init__(self, site, *args):
        super().__init__("registrar", [
            "watch", "--registry", site.registry, *args], site.log("watch"))
        site.daemons.append(self)


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def test_a_program_is_run_at_each_change(web):
    """At once, then once for what changes together; of others it hears
    nothing."""
    out = web.folder / "out"
    Watch(web, "web", "--exec", f"cat >>{out}; echo >>{out}").start()

    def names():
        return [[i["name"] for i in json.loads(line)["instances"]]
                for line in lines(out)]
    assert names() == [["one", "two"]]
    one = json.loads(lines(out)[0])["instances"][1]
    assert one == {"name": "two", "address": "192.0.2.2", "port": 8080,
                   "weight": 300, "priority": 0, "locality": "", "tags": [],
                   "meta": {}, "state": "passing"}
    web.put_health("web", "one", "critical")
    until("it was told", lambda: names()[1:] == [["two"]])
    web.put("other", ("one", "192.0.2.9"))
    for health in ("passing", "critical") * 5:
        web.put_health("web", "one", health)
    always("it hears of nothing", lambda: len(names()) == 2, 0.6)
    for health in ("passing", "critical", "passing"):
        web.put_health("web", "one", health)
    until("of the end alone", lambda: names()[2:] == [["one", "two"]])


def test_a_lease_ends(web):
    out = web.folder / "out"
    Watch(web, "web", "--exec", f"cat >>{out}; echo >>{out}").start()
    web.sql("UPDATE instance SET lease_until_wall_ms = ? WHERE name = 'one'",
            int(time.time() * 1000) + 700)
    until("it was told", lambda: len(lines(out)) == 2)
    assert [i["name"] for i in json.loads(lines(out)[1])["instances"]] == \
        ["two"]


def test_a_file_follows(web):
    source, out = web.folder / "in.tmpl", web.folder / "web.conf"
    reloads = web.folder / "reloads"
    source.write_text(TEMPLATE)
    out.write_text("old")
    out.chmod(0o604)
    web.sql("UPDATE instance SET meta = '{\"v\":\"1.2\"}' "
            "WHERE name = 'one'")
    watch = Watch(web, "web", "--template", f"{source}:{out}", "--reload",
                  f"cat {out} >>{reloads}").start()
    both = ("upstream web {\n"
            "    server 192.0.2.1:8080 weight=100; # one 1.2\n"
            "    server 192.0.2.2:8080 weight=300; # two \n"
            "}\n")
    assert out.read_text() == reloads.read_text() == both
    assert out.stat().st_mode & 0o777 == 0o604
    web.put_health("web", "two", "dead")
    until("it is written", lambda: "two" not in out.read_text())
    # nobody, and no word of what to write then: the last good one stays
    web.put_health("web", "one", "dead")
    watch.wait_log("web.conf stays as it is: nobody is in answers")
    assert "one" in out.read_text()
    # and so it does for what would be configuration
    web.put_health("web", "two", "passing")
    web.put_health("web", "one", "passing")
    until("both are back", lambda: out.read_text() == both)
    web.sql("UPDATE instance SET meta = '{\"v\":\"1; } evil {\"}' "
            "WHERE name = 'one'")
    watch.wait_log("instance 'one' is left out: its meta.v has other")
    until("it is gone", lambda: "one" not in out.read_text())
    assert "evil" not in out.read_text()


def test_a_file_that_does_not_please_is_put_back(web):
    source, out = web.folder / "in.tmpl", web.folder / "web.conf"
    source.write_text(TEMPLATE)
    watch = Watch(web, "web", "--template", f"{source}:{out}", "--reload",
                  f"grep -q one {out}").start()
    good = out.read_text()
    web.put_health("web", "one", "critical")
    watch.wait_log("web.conf is again what it was")
    assert out.read_text() == good
    watch.signal(signal.SIGTERM)


def test_the_registry_goes(web):
    source, out = web.folder / "in.tmpl", web.folder / "web.conf"
    source.write_text(TEMPLATE)
    watch = Watch(web, "web", "--template", f"{source}:{out}").start()
    good = out.read_text()
    away = web.folder / "away.db"
    for suffix in "", "-wal", "-shm":
        file = web.registry.with_name(web.registry.name + suffix)
        if file.exists():
            file.rename(away.with_name(away.name + suffix))
    watch.wait_log("what was done last stays")
    assert out.read_text() == good
    web.create_registry()
    web.put("web", ("three", "192.0.2.3"))
    until("it follows again", lambda: "192.0.2.3" in out.read_text())


def test_once_and_wrong_ways(web):
    source, out = web.folder / "in.tmpl", web.folder / "out"

    def watch(*args):
        return web.command("watch", "--registry", web.registry, *args)
    source.write_text("{{range web}}{{name}} {{else}}-{{end}}"
                      "{{range none}}{{name}}{{else}}-{{end}}\n")
    done = watch("web", "--once", "--template", f"{source}:{out}")
    assert (done.returncode, out.read_text()) == (0, "one two -\n")
    assert watch("web", "--once", "--exec", "exit 7").returncode == 1
    source.write_text("\n{{range}}{{nmae}}{{end}}")
    done = watch("web", "--once", "--template", f"{source}:{out}")
    assert done.returncode == 2
    assert "in.tmpl': line 2: found a word that is not known" in done.stderr
    assert watch("web").returncode == 2
    assert watch("web/one", "--exec", "true").returncode == 2
    assert watch("web", "--template", "no-colon").returncode == 2


def test_nginx_follows(web):
    """The real one, with a list of servers that it reloads."""
    if not shutil.which("nginx"):
        pytest.skip("no nginx")
    folder, port = web.folder, free_port()
    backends = {name: free_port() for name in ("one", "two")}
    for name, number in backends.items():
        web.sql("UPDATE instance SET address = ?, port = ? WHERE name = ?",
                HOST, number, name)
    (folder / "in.tmpl").write_text(TEMPLATE)
    conf = folder / "nginx.conf"
    conf.write_text(f"""daemon off; pid {folder}/nginx.pid;
        error_log {folder}/nginx.log; events {{}} http {{
        access_log off; client_body_temp_path {folder}/b;
        proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
        uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
        include {folder}/web.conf;
        server {{ listen {HOST}:{port};
                  location / {{ proxy_pass http://web; }} }}
        """ + "".join(f"server {{ listen {HOST}:{number}; return 200 {name}; "
                      "}\n" for name, number in backends.items()) + "}\n")
    args = ["web", "--template", f"{folder}/in.tmpl:{folder}/web.conf"]
    web.run("watch", "--registry", web.registry, "--once", *args)
    web.processes.append(subprocess.Popen(
        ["setpriv", "--pdeathsig", "TERM", "nginx", "-c", conf],
        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    def ask():
        try:
            with socket.create_connection((HOST, port), 5) as link:
                link.sendall(b"GET / HTTP/1.0\r\n\r\n")
                got = b""
                while part := link.recv(4096):
                    got += part
                return got.rpartition(b"\r\n\r\n")[2].decode()
        except OSError:
            return None

    def asked():
        return {ask() for _ in range(8)}
    until("nginx answers", lambda: asked() == {"one", "two"})
    Watch(web, *args, "--reload",
          f"nginx -t -q -c {conf} && nginx -s reload -c {conf}").start()
    web.put_health("web", "one", "critical")
    until("it asks the other alone", lambda: asked() == {"two"})
    web.put_health("web", "one", "passing")
    until("and both again", lambda: asked() == {"one", "two"})
    web.processes[-1].send_signal(signal.SIGQUIT)
