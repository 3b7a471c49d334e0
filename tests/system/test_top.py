# SPDX-License-Identifier: BSD-2-Clause
"""`registrar top` in a real tmux: what stands on the screen, and how it is
left. The registry is written beside it, as registrars do."""

import os
import re
import signal
import subprocess

import pytest

import rollcall
from rollcall import BUILD
from tmux import Tmux

REGISTRAR = BUILD / "registrar/registrar"


@pytest.fixture
def place(site):
    """Forty instances; one is critical, one drains."""
    site.create_registry()
    site.put("web", ("a", "192.0.2.1"), ("b", "192.0.2.2", 300),
             ("c", "192.0.2.3"))
    site.put("database", *[(f"i-{k:02}", "192.0.2.9") for k in range(37)])
    site.put_health("web", "b", "critical")
    site.sql("INSERT INTO check_result (service, instance, name, kind, "
             "status, output) VALUES ('web', 'b', 'tcp-1', 'tcp', "
             "'critical', ?)", "refused by \x1b[2J\x9b31m日本 \u202eää")
    site.sql("UPDATE service SET ttl_s = 3600")
    site.sql("UPDATE instance SET mode = 'draining' WHERE name = 'c'")
    return site


@pytest.fixture
def top(place, request):
    made = []

    def start(*args, **more):
        made.append(Tmux(place.folder, REGISTRAR, "top", "--registry",
                         place.registry, *args, **more))
        return made[-1]
    yield start
    for t in made:
        t.close()


def rows(lines):
    """Names and states of the instances that are shown."""
    found = [re.match(r"(\S+/\S+) +([a-z]+) +\d", x) for x in lines]
    return [(m.group(1), m.group(2)) for m in found if m]


def test_a_screen_of_80_by_24(place, top):
    t = top()
    lines = t.wait_text("RECENT")
    assert lines[0].startswith(
        "2 services, 40 instances: 1 critical, 1 draining, 38 passing")
    assert re.search(r"\d\d:\d\d:\d\d UTC$", lines[0])
    assert lines[1] == "40 shown, worst first, dnsd unknown"
    assert re.match(r"INSTANCE +STATE +WEIGHT +SINCE  LAST CHECK$", lines[2])
    assert re.match(r"web/b +critical +300 +\d+[smh]\S*  tcp-1: refused by ",
                    lines[3])
    assert re.match(r"web/c +draining +0 .* in no answer", lines[4])
    assert rows(lines)[2:4] == [("database/i-00", "passing"),
                                ("database/i-01", "passing")]
    assert lines[17] == "RECENT"
    assert re.match(r"\d\d:\d\d:\d\d  web/c  passing -> draining$", lines[18])
    assert lines[23].startswith("q quit  / filter  s sort")
    assert len(rows(lines)) == 14
    assert all(len(x) <= 80 for x in lines)


def test_a_screen_of_132_by_43_and_wide_characters(place, top):
    t = top(columns=132, rows=43)
    lines = t.wait_text("RECENT")
    assert "tcp-1: refused by ?[2J?31m日本 ?ää" in lines[3]
    assert len(rows(lines)) == 43 - 3 - 9 - 1
    assert lines[33] == "RECENT"


def test_a_flip_is_seen_at_once(place, top):
    t = top()
    t.wait_text("RECENT")
    place.put_health("database", "i-30", "dead")
    lines = t.wait("the dead above all", lambda s: rows(s)[:1] == [
        ("database/i-30", "dead")])
    assert "1 dead, 1 critical" in lines[0]
    assert "database/i-30  passing -> dead" in lines[18]
    place.sql("DELETE FROM instance WHERE name = 'i-30'")
    t.wait("it is gone", lambda s: "gone, was dead" in s[18] and
           rows(s)[0] == ("web/b", "critical"))
    # time alone: it has drained, though nobody writes so
    place.sql("UPDATE instance SET drain_until_wall_ms = 1700000000000 "
              "WHERE name = 'c'")
    t.wait("drained", lambda s: ("web/c", "drained") in rows(s))
    place.sql("UPDATE instance SET health = 'critical' "
              "WHERE service = 'web'")
    t.wait_text("1 without answer")


def test_resizing(place, top):
    t = top()
    t.wait_text("RECENT")
    for columns, lines_n in ((132, 43), (80, 24), (60, 12), (24, 6),
                             (10, 2), (200, 60)):
        t.resize(columns, lines_n)
        lines = t.wait(f"{columns} by {lines_n}", lambda s: len(s) == \
                       lines_n + 1 and s[-2].startswith("q quit"))
        assert all(len(x) <= columns for x in lines)
        if lines_n > 4:
            assert rows(lines) or columns < 40
    t.send("q")
    assert t.status() == 0
    assert t.restored()


def test_filter_sort_and_scroll(place, top):
    t = top()
    t.wait_text("RECENT")
    t.send("/", "WEB/")
    t.wait("the filter as it is typed", lambda s: len(rows(s)) == 3 and
           s[23].startswith("/WEB/_"))
    t.send("Enter")
    t.wait_text("3 shown, worst first, filter: WEB/")
    t.send("/", "x")
    t.wait_text("nothing matches the filter")
    t.send("Escape")
    t.wait_text("3 shown")
    t.send("Escape")
    t.wait_text("40 shown")
    t.send("s")
    t.wait("by name", lambda s: s[1].startswith("40 shown, name") and
           rows(s)[0] == ("database/i-00", "passing"))
    t.send("G")
    t.wait("the last", lambda s: rows(s)[-1] == ("web/c", "draining"))
    t.send("g")
    t.wait("the first", lambda s: rows(s)[0] == ("database/i-00", "passing"))
    t.send("NPage")
    t.wait("a page further", lambda s: ("database/i-14", "passing")
           in rows(s))
    t.send("s", "s")
    t.wait("by weight", lambda s: s[1].startswith("40 shown, weight") and
           rows(s)[0] == ("web/b", "critical"))


def test_explain_and_history_of_what_is_selected(place, top):
    t = top()
    t.wait_text("RECENT")
    t.send("j", "Enter")
    t.wait_text("EXPLAIN web.svc.internal/c")
    t.wait_text("weight 0 in SRV")
    # it follows, too
    place.sql("UPDATE instance SET mode = 'maintenance' WHERE name = 'c'")
    t.wait_text("maintenance for ")
    t.send("h")
    t.wait_text("HISTORY web.svc.internal/c")
    t.wait_text("draining -> maintenance")
    t.send("q")
    # what is selected stays selected, wherever it goes
    lines = t.wait_text("RECENT")
    place.put_health("database", "i-03", "dead")
    t.wait_text("1 dead")
    t.send("e")
    t.wait_text("EXPLAIN web.svc.internal/c")


def test_colours_unless_they_are_not_wanted(place, top):
    t = top()
    t.wait_text("RECENT")
    assert any("\x1b[31m" in x for x in t.screen(escapes=True))
    t.close()
    t = top(env={"NO_COLOR": "1"})
    t.wait_text("RECENT")
    assert not any(re.search(r"\x1b\[3[1-7]m", x)
                   for x in t.screen(escapes=True))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT,
                                    signal.SIGHUP])
def test_signals_leave_the_terminal_in_order(top, number):
    t = top()
    t.wait_text("RECENT")
    os.kill(t.pid_of("registrar"), number)
    assert t.status() == 128 + number
    assert t.restored()


def test_the_registry_goes_and_comes_back(place, top):
    t = top()
    t.wait_text("RECENT")
    aside = place.folder / "aside"
    subprocess.run(["sqlite3", place.registry, f"VACUUM INTO '{aside}'"],
                   check=True)
    for end in ("", "-wal", "-shm"):
        (place.folder / f"registry.db{end}").unlink(missing_ok=True)
    lines = t.wait_text("NOT UP TO DATE: cannot open")
    assert ("web/b", "critical") in rows(lines)
    aside.rename(place.registry)
    t.wait_text("40 shown")
    place.put_health("web", "a", "dead")
    t.wait_text("1 dead")


def test_a_plain_table_where_there_is_no_terminal(place):
    done = place.command("top", "web", "--registry", place.registry)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines.pop(0).startswith("dnsd unknown: ")
    assert lines[0].startswith("2 services, 40 instances: 1 critical")
    assert [r[0] for r in rows(lines)] == ["web/b", "web/c", "web/a"]
    assert "refused by ?[2J?31m日本" in lines[2]
    assert "\x1b" not in done.stdout
    assert "RECENT" in lines


def test_what_is_no_terminal_for_it(place, top):
    t = top(env={"TERM": "dumb"})
    assert t.status() == 1
    t.wait_text("found terminal 'dumb', expected one")
    t.close()
    t = top(env={"TERM": "nix"})
    assert t.status() == 1
    t.wait_text("found terminal 'nix'")
    missing = place.command("top", "--once", "--registry",
                            place.folder / "nix.db")
    assert missing.returncode == 1
    assert "nix.db" in missing.stderr
    assert rollcall.SANITIZER.search(missing.stderr) is None
