# SPDX-License-Identifier: BSD-2-Clause
"""registrar announce: a command that is registered while it runs."""

import signal
import subprocess

import httpd
import pytest
import rollcall

pytestmark = pytest.mark.slow


def announce(site, serve, *command, **more):
    return subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL",
         rollcall.BUILD / "registrar/registrar", "announce", "api/i1",
         "--http", f"{serve.host}:{serve.port}", "--port", "8080",
         "--address", "10.0.0.5", "--lease", "3s", "--", *command],
        stderr=subprocess.PIPE, text=True, **more)


@pytest.fixture
def serve(site):
    return httpd.start(site, "--anonymous-local", "all")


def test_while_it_runs(site, serve):
    dnsd = site.start_dnsd()
    running = announce(site, serve, "sh", "-c", "sleep 6; exit 7")
    dnsd.wait_addresses("api", ["10.0.0.5"])
    assert dnsd.ask("_api._tcp", "SRV").srv() == [(0, 100, 8080, "i1.api")]
    rollcall.always("it is renewed",
                    lambda: dnsd.addresses("api") == ["10.0.0.5"], 4)
    # the server is away for a while, and has forgotten it
    serve.stop()
    serve.start()
    assert running.wait(20) == 7
    dnsd.wait_addresses("api", [])
    assert site.sql("SELECT * FROM instance") == []


def test_it_is_drained_before_it_is_told(site, serve):
    dnsd = site.start_dnsd()
    running = announce(site, serve, "sleep", "600")
    dnsd.wait_addresses("api", ["10.0.0.5"])
    running.send_signal(signal.SIGTERM)
    dnsd.wait_addresses("api", [])
    assert running.poll() is None  # a cache may lead here still
    running.send_signal(signal.SIGTERM)
    assert running.wait(20) == 128 + signal.SIGTERM
    rollcall.until("it is gone",
                   lambda: site.sql("SELECT * FROM instance") == [])


def test_without_a_server(site):
    """The command runs all the same, and is registered when there is one."""
    site.create_registry()
    serve = httpd.Serve(site)
    site.daemons.append(serve)
    running = announce(site, serve, "sleep", "600")
    assert "cannot register" in running.stderr.readline()
    serve.start()
    rollcall.until("it is registered",
                   lambda: site.sql("SELECT 1 FROM instance"))
    running.terminate()  # without the right to drain it goes at once
    assert running.wait(20) == 128 + signal.SIGTERM
    assert site.sql("SELECT * FROM instance") == []


def test_no_command(site, serve):
    running = announce(site, serve, "/nonexistent")
    assert "cannot run" in running.stderr.read()
    assert running.wait(20) == 127
