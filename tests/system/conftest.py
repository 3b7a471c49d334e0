# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures: a folder with daemons for each test, and their logs when one
fails."""

import signal

import hanging as hanging_files
import pytest
import rollcall

TEST_LIMIT_S = 150


def pytest_sessionstart(session):
    if not rollcall.tree_is_built() and not session.config.option.collectonly:
        pytest.exit(f"no dnsd and registrar below {rollcall.BUILD}: build "
                    "first, or set ROLLCALL_BUILD", 2)


@pytest.fixture
def site(tmp_path, request):
    """An empty site; what it started is stopped, and judged, at the end."""
    made = rollcall.Site(tmp_path)
    request.node.site = made
    yield made
    made.close()


@pytest.fixture
def hanging(site):
    """A file system that can be stopped."""
    yield from hanging_files.mounted(site.folder)


@pytest.fixture
def dnsd(site):
    """dnsd on an empty registry. Its site is `site`."""
    site.create_registry()
    return site.start_dnsd()


@pytest.fixture
def registrar(site):
    return site.start_registrar()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    if not report.failed or not hasattr(item, "site"):
        return
    for log in sorted(item.site.folder.glob("*.log")):
        text = log.read_text(errors="replace")
        report.sections.append((log.name, text[-8000:] or "(empty)"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    """No test hangs: a stuck one fails where it is stuck."""
    def stuck(*_):
        raise AssertionError(f"still running after {TEST_LIMIT_S} s")
    signal.signal(signal.SIGALRM, stuck)
    signal.alarm(TEST_LIMIT_S)
    yield
    signal.alarm(0)
