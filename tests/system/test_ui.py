# SPDX-License-Identifier: BSD-2-Clause
"""The page at /ui, in a real browser."""

import contextlib
import http.client
import http.server
import re
import signal
import threading
import time

import browser as browsers
import httpd
import pytest
import rollcall

HOSTILE = "<img src=x onerror=alert(1)><b>bold</b>"
LOST = ("net::ERR_", "Failed to load resource")  # of a server that is away

DEFINITION = """
service: api
port: 80
instances: [{{address: 127.0.0.1, name: a1}}]
checks: [{{name: beat, ttl: 60s}}, {{name: up, tcp: "{host}:{port}"}}]
"""


@pytest.fixture(scope="module")
def driver():
    started = browsers.start()
    yield started
    started.quit()


@pytest.fixture
def page(driver):
    made = browsers.Browser(driver)
    made.complaints()
    yield made
    driver.get("about:blank")


@pytest.fixture
def serve(site):
    return httpd.start(site, "--anonymous-local", "all")


def at(serve, more=""):
    return f"http://{serve.host}:{serve.port}/ui/{more}"


def test_files(serve):
    """What it is made of: little, and nothing but its own."""
    got = serve.get("/ui")
    assert got.status == 308 and got.headers["Location"] == "ui/"
    total = 0
    for name in ("", "index.html", "ui.css", "ui.js", "icon.svg"):
        got = serve.get(f"/ui/{name}")
        assert got.status == 200
        policy = got.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert "http:" not in policy and "*" not in policy
        tag = got.headers["ETag"]
        assert serve.get(f"/ui/{name}", If_None_Match=tag).status == 304
        total += len(got.text) if name else 0
    assert total < 100_000
    assert serve.get("/ui/../api").status == 404
    assert serve.get("/ui/none.js").status == 404
    code = serve.get("/ui/ui.js").text
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write"
                         r"|\beval\b|new Function|\.style\b", code)


def test_overview(site, serve, page):
    page.open(at(serve))
    page.shows("Nobody is here yet", "#verdict")
    site.start_dnsd()
    site.start_registrar()
    site.put("web", ("i1", "10.0.0.1"), ("i2", "10.0.0.2"))
    page.shows("All well", "#verdict")
    page.shows("2 of 2", "#services")
    page.shows("answers", "#programs")
    site.put_health("web", "i2", "critical")
    page.shows("1 service in trouble", "#verdict")
    page.shows("web/i2", "#problems")
    page.shows("1 critical", "#services")
    site.define("bad.yaml", "service: bad\nprot: 3\n")
    page.shows("found key 'prot'", "#refused")
    site.put_health("web", "i2", "passing")
    page.shows("Look here", "#verdict")
    (site.watch / "bad.yaml").unlink()
    page.shows("All well", "#verdict")
    assert not page.all("#problems")
    assert page.text("#live") == "live"
    assert page.complaints() == []


def test_service(site, serve, page):
    site.start_dnsd()
    site.start_registrar()
    site.define("api.yaml", DEFINITION.format(
        host=rollcall.HOST, port=serve.port))
    rollcall.until("it is there", lambda: serve.get(
        "/api/v1/services/api").status == 200)
    page.open(at(serve))
    page.click("#services a")
    rollcall.until("the link leads there",
                   lambda: "/service/api" in page.driver.current_url)
    page.shows("beat ttl", "#instances")
    # why it is absent: explain's words
    why = serve.get("/api/v1/explain/api").json["instances"][0]["reasons"]
    for words in ("its checks have not passed yet",
                  "check beat: starting: no output"):
        assert any(words in reason["text"] for reason in why)
        page.shows(words, ".why")
    for word, seen in (("passing", "1 of 1"), ("critical", "0 of 1")):
        got = serve.ask("PUT", "/api/v1/checks/api/a1/beat",
                        {"status": word, "output": f"it is {word}"})
        assert got.status == 204
        page.shows(f"it is {word}", ".output")
        page.shows(seen, "#verdict")
    page.shows("registrar/", "#instances")
    page.shows("critical", "#history")
    assert len(page.all("svg.strip rect.critical")) >= 1
    got = serve.ask("PUT", "/api/v1/checks/api/a1/beat",
                    {"status": "passing"})
    page.shows("127.0.0.1", "#answers")
    page.shows("a1.api.svc.internal", "#answers")
    assert page.complaints() == []


def test_what_is_hostile_is_text(site, serve, page):
    site.put("web", ("i1", "10.0.0.1"))
    site.sql("UPDATE instance SET health = 'critical', reason = ?", HOSTILE)
    site.sql("INSERT INTO check_result (service, instance, name, kind, "
             "status, output) VALUES ('web', 'i1', 'c', 'tcp', 'critical', "
             "?)", HOSTILE)
    page.open(at(serve))
    page.shows(HOSTILE, "#problems")
    page.open(at(serve, "#/service/web"))
    page.shows(HOSTILE, ".output")
    page.open(at(serve, "#/service/" + "%3Cb%3Ex%3C%2Fb%3E"))
    page.shows("<b>x</b>", "#verdict")
    page.open(at(serve, "#/?q=%3Cb%3E"))
    page.shows("<b>", "#services h2")
    assert not page.all("main img, main b")
    assert page.complaints(but=["status of 4"]) == []


def test_search_and_pages(site, serve, page):
    for k in range(120):
        site.put(f"s{k:03}", ("i1", "10.0.0.1"))
    page.open(at(serve))
    page.shows("120 services", "#services h2")
    assert len(page.all("#services tbody tr")) == 100
    page.click("#next")
    rollcall.until("the rest", lambda: len(page.all(
        "#services tbody tr")) == 20)
    page.shows("s119", "#services")
    url = page.driver.current_url
    page.open(url)  # a link that can be shared
    page.shows("s119", "#services")
    body = page.one("body")
    body.send_keys("/")
    page.driver.switch_to.active_element.send_keys("s01")
    page.shows("10 services with “s01”", "#services h2")
    page.driver.switch_to.active_element.send_keys("\ue015")  # down
    assert page.driver.switch_to.active_element.text == "s010"
    page.driver.switch_to.active_element.send_keys("\ue007")  # enter
    page.shows("10.0.0.1", "#answers")
    page.driver.back()
    page.shows("10 services with “s01”", "#services h2")
    assert page.complaints() == []


def test_it_says_when_it_is_not_live(site, serve, page):
    site.put("web", ("i1", "10.0.0.1"))
    page.open(at(serve))
    page.shows("web", "#services")
    page.shows("live", "#live")
    for name, stop, go in (
            ("it hangs", lambda: serve.signal(signal.SIGSTOP),
             lambda: serve.signal(signal.SIGCONT)),
            ("it is gone", serve.kill, serve.start)):
        stop()
        page.shows("Not live: the server does not answer", "#dead", 5)
        assert page.text("#live") == "not live", name
        assert page.all("body.stale"), name
        assert page.driver.title.startswith("(not live)")
        site.put("web", (f"new-{len(name)}", "10.0.0.2"))
        go()
        rollcall.until(f"live again after {name}",
                       lambda: page.text("#live") == "live")
        # nothing of what changed meanwhile is missed
        n = len(site.sql("SELECT * FROM instance"))
        page.shows(f"{n} of {n}", "#services")
        assert page.all("#dead[hidden]") and not page.all("body.stale")
    site.registry.rename(site.folder / "away.db")
    page.shows("Not live: the registry cannot be read", "#dead", 5)
    (site.folder / "away.db").rename(site.registry)
    rollcall.until("live again", lambda: page.text("#live") == "live")
    assert page.complaints(but=LOST) == []


def test_it_says_within_two_seconds_who_is_gone(site, serve, page):
    """Killed, stopped, and a registry that others keep locked."""
    site.define("web.yaml", "service: web\nport: 80\n"
                "instances: [{name: a, address: 192.0.2.1}]\n")
    dnsd = site.start_dnsd()
    registrar = site.start_registrar()
    page.open(at(serve))

    def well():
        page.shows("All well", "#verdict")
        page.shows("heard", "#programs")
    well()
    late = []

    def seen(text, before):
        page.shows(text, "#programs", 5)
        late.append(time.monotonic() - before)
        page.shows("Look here", "#verdict")
    for daemon, row in ((registrar, "registrar"), (dnsd, "dnsd")):
        before = time.monotonic()
        daemon.signal(signal.SIGSTOP)
        seen("hangs", before)
        page.shows(row, "#doubts")
        daemon.signal(signal.SIGCONT)
        well()
        before = time.monotonic()
        daemon.kill()
        seen("its process is gone", before)
        page.shows("its process is gone", "#doubts")
        daemon.start()
        well()
    with contextlib.closing(site.connect()) as db:
        db.execute("BEGIN IMMEDIATE")
        site.define("more.yaml", "service: more\nport: 80\n"
                    "instances: [{name: a, address: 192.0.2.2}]\n")
        seen("cannot write", time.monotonic())
        page.shows("cannot write the registry", "#doubts")
        db.execute("ROLLBACK")
    well()
    before = time.monotonic()
    registrar.stop()
    site.daemons.remove(registrar)
    seen("ended", before)
    # 2 s, and what a busy machine takes
    assert sorted(late)[len(late) // 2] < 2
    assert page.complaints() == []


def test_tables_without_javascript(site, serve, page):
    """As a text browser reads them: no script, and every text escaped."""
    for k in range(101):
        site.put(f"s{k:03}", ("i1", "10.0.0.1"))
    site.put("web", ("i1", "10.0.0.1"), ("i2", "10.0.0.2"))
    site.sql("UPDATE instance SET health = 'critical', reason = ? WHERE "
             "service = 'web' AND name = 'i2'", HOSTILE)
    assert 'href="plain"' in serve.get("/ui/").text
    got = serve.get("/ui/plain")
    assert got.status == 200
    assert got.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in got.headers["Content-Security-Policy"]
    assert "<script" not in got.text
    page.open(at(serve, "plain"))

    def rows():
        return page.script(
            "return [...document.querySelectorAll('section')].map(s => ["
            "s.querySelector('h2').innerText, [...s.querySelectorAll("
            "'tbody tr')].map(r => [...r.cells].map(c => c.innerText))])")

    def table(title):
        return dict(rows())[title]
    assert page.text("h1") == "1 of 102 services in trouble"
    (wrong,) = table("What is wrong")
    assert wrong[:2] == ["web/i2", "critical"] and wrong[3] == HOSTILE
    assert len(table("Services")) == 100
    # each link leads somewhere, from where it stands
    page.driver.find_element("link text", "next page").click()
    page.shows("s100", "main")
    assert len(table("Services")) == 2
    page.one("input").send_keys("s01\"\n")
    rollcall.until("found", lambda: "q=s01%22" in page.driver.current_url)
    assert page.one("input").get_attribute("value") == 's01"'
    page.open(at(serve, "plain"))
    page.driver.find_element("link text", "web/i2").click()
    page.shows("1 of 2 instances can be in answers")
    (_, bad) = table("Instances")
    assert bad[:2] == ["i2", "critical"] and bad[3] == "no"
    assert bad[5].startswith("10.0.0.2") and bad[6] == HOSTILE
    assert not page.all("td img, td b, script")
    assert page.complaints() == []
    assert serve.get("/ui/plain/nobody").status == 404
    closed = httpd.start(site, "--anonymous-local", "none")
    assert closed.get("/ui/plain").status == 401
    assert closed.get("/ui/plain/web").status == 401


def test_tokens(site, page):
    serve = httpd.start(site, "--anonymous-local", "none")
    site.put("web", ("i1", "10.0.0.1"), ("i2", "10.0.0.2"))
    made = site.run("token", "create", "--registry",
                    site.registry, "--rule", "web=read")
    token = re.search(r"rct-\S+", made).group()
    page.open(at(serve))
    page.shows("Not live", "#dead")
    page.shows("token", "#dead")
    page.one("#token").send_keys(token + "\n")
    page.shows("All well", "#verdict")
    page.open(at(serve, "#/service/web"))
    page.shows("10.0.0.2", "#answers")
    assert not page.all("[data-op]")
    page.script("sessionStorage.clear()")
    assert page.complaints(but=["status of 401"]) == []


def test_another_time(site, serve, page):
    site.put("web", ("i1", "10.0.0.1"))
    time.sleep(1.1)  # the page's times are of seconds
    then = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    time.sleep(1.1)
    site.put_health("web", "i1", "critical")
    page.open(at(serve, "#/service/web"))
    page.shows("critical", "#instances")
    page.one("#at").send_keys(then + "\n")
    page.shows("passing", "#then tbody")
    assert "critical" not in page.text("#then")
    url = page.driver.current_url
    assert "?at=" in url
    page.open(url)
    page.shows("passing", "#then tbody")
    page.open(at(serve, "#/service/web?at=never"))
    page.shows("never", "#then .danger")
    page.shows("critical", "#instances")
    assert page.complaints(but=["status of 4"]) == []


def test_pages_that_nobody_looks_at_hold_no_stream(site, serve, page):
    """A browser has six connections to a server, and more tabs."""
    site.put("web", ("i1", "10.0.0.1"))
    first = page.driver.current_window_handle
    for _ in range(8):
        page.driver.switch_to.new_window("tab")
        page.driver.get(at(serve))
        page.shows("All well", "#verdict")
        page.shows("live", "#live")
    site.put_health("web", "i1", "critical")
    page.shows("1 service in trouble", "#verdict")
    for handle in page.driver.window_handles:
        if handle != first:
            page.driver.switch_to.window(handle)
            page.driver.close()
    page.driver.switch_to.window(first)


class Proxy(http.server.BaseHTTPRequestHandler):
    """A reverse proxy that puts /some/where before all paths."""

    protocol_version = "HTTP/1.0"

    def do_GET(self):
        if not self.path.startswith("/some/where/"):
            self.send_error(404)
            return
        there = http.client.HTTPConnection(*self.server.there)
        there.request("GET", self.path.removeprefix("/some/where"))
        got = there.getresponse()
        self.send_response(got.status)
        for name, value in got.getheaders():
            if name.lower() not in ("transfer-encoding", "connection"):
                self.send_header(name, value)
        self.end_headers()
        try:
            while piece := got.read1(65536):
                self.wfile.write(piece)
        except OSError:
            pass
        there.close()

    def log_message(self, *_):
        pass


def test_behind_a_prefix(site, serve, page):
    site.put("web", ("i1", "10.0.0.1"))
    with http.server.ThreadingHTTPServer(
            (rollcall.HOST, rollcall.free_port()), Proxy) as proxy:
        proxy.daemon_threads = True
        proxy.there = serve.host, serve.port
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        host, port = proxy.server_address
        page.open(f"http://{host}:{port}/some/where/ui")
        page.shows("All well", "#verdict")
        page.open(f"http://{host}:{port}/some/where/ui/#/service/web")
        page.shows("10.0.0.1", "#answers")
        assert page.complaints() == []
        page.open("about:blank")
        proxy.shutdown()


def test_operations(site, serve, page):
    site.start_dnsd()
    site.put("web", ("i1", "10.0.0.1"), ("i2", "10.0.0.2"))
    page.open(at(serve, "#/service/web"))

    def begin(what, name):
        page.click(f"[aria-label='{what} {name}']")
        return page.text("#effect")
    assert "1 instance of web stays" in begin("maintenance", "i1")
    page.one("#reason").send_keys("new disk")
    page.click("#go")
    page.shows("1 of 2 instances", "#verdict")
    page.shows("new disk", "#history")
    page.shows("maintenance", "[data-instance=i1]")
    effect = begin("drain", "i2")
    assert "last eligible instance" in effect and "NODATA" in effect
    page.click("#go")
    page.shows("last instance", "dialog [role=alert]")
    page.click("#leave")
    page.shows("1 of 2 instances", "#verdict")
    begin("resume", "i1")
    page.click("#go")
    page.shows("2 of 2 instances", "#verdict")
    begin("weight", "i1")
    page.script("document.querySelector('#weight').value = '7'")
    page.click("#go")
    page.shows("7; the definition says 100", "[data-instance=i1]")
    assert page.complaints(but=["status of 409"]) == []


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_screen(site, serve, page, width):
    site.put("web-with-a-name-that-is-long-" + "x" * 30,
             ("i" * 60, "10.0.0.1"))
    site.sql("UPDATE instance SET health = 'critical', reason = ?",
             "y" * 300)
    page.size(width)
    page.open(at(serve))
    for more in ("", "#/service/web-with-a-name-that-is-long-" + "x" * 30):
        page.open(at(serve, more))
        page.shows("x" * 30, "main")
        page.shows("live", "#live")
        wide = page.script("return document.documentElement.scrollWidth")
        assert wide <= width, more
    page.size(1280)


def test_accessibility(site, serve, page):
    """axe-core finds nothing: each view, light and dark, wide and narrow."""
    axe = browsers.axe()
    site.start_dnsd()
    site.start_registrar()
    site.define("api.yaml", DEFINITION.format(
        host=rollcall.HOST, port=serve.port))
    site.define("bad.yaml", "service: bad\nprot: 3\n")
    site.put("web", ("i1", "10.0.0.1"), ("i2", "10.0.0.2"), ("i3", "10.0.0.3"))
    site.put_health("web", "i2", "critical")
    site.sql("UPDATE instance SET mode = 'maintenance' WHERE name = 'i3'")
    rollcall.until("api is there", lambda: serve.get(
        "/api/v1/services/api").status == 200)
    views = [("", "#refused", None), ("#/service/web", "#history", None),
             ("#/service/api", "#history", None),
             ("#/service/none", "#verdict", None), ("#/?q=zzz", "#verdict", None),
             ("#/service/web", "#history", "[aria-label='drain i1']"),
             ("plain", "h1", None), ("plain/web", "h1", None)]

    def check(what):
        for width, dark in ((1280, False), (1280, True), (390, True),
                            (390, False)):
            page.size(width, dark=dark)
            assert page.violations(axe) == [], (what, width, dark)
    try:
        for more, there, click in views:
            page.open(at(serve, more))
            page.one(there)
            if not more.startswith("plain"):
                page.shows("live", "#live")
            if click:
                page.click(click)
                page.one("dialog[open] #effect")
            check(more)
        # and when it is not live
        page.open(at(serve))
        page.shows("web/i2", "#problems")
        serve.signal(signal.SIGSTOP)
        page.shows("Not live", "#dead", 5)
        check("not live")
    finally:
        serve.signal(signal.SIGCONT)
        page.size(1280)
