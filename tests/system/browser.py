# SPDX-License-Identifier: BSD-2-Clause
"""A headless Chromium, and what it complains of."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest
import rollcall

AXE = "4.10.3"


class Browser:
    def __init__(self, driver):
        self.driver = driver

    def open(self, url):
        # another page in between: of one that differs by its # alone nothing
        # would be loaded anew
        self.driver.get("about:blank")
        self.driver.get(url)

    def all(self, selector):
        return self.driver.find_elements("css selector", selector)

    def one(self, selector, seconds=rollcall.PATIENCE_S):
        return rollcall.until(f"{selector} on the page",
                              lambda: self.all(selector), seconds)[0]

    def script(self, text, *args):
        return self.driver.execute_script(text, *args)

    def text(self, selector="body"):
        """"" where none is seen; at one moment, whatever is replaced."""
        return self.script(
            "const e = document.querySelector(arguments[0]);"
            "return e && e.checkVisibility() ? e.innerText : '';",
            selector)

    def shows(self, text, selector="body", seconds=rollcall.PATIENCE_S):
        try:
            rollcall.until(f"'{text}' in {selector}",
                           lambda: text in self.text(selector), seconds)
        except AssertionError as e:
            raise AssertionError(
                f"{e}; it is {self.text(selector)!r}") from None

    def click(self, selector):
        """By the page's own event: it may be replaced at any time."""
        self.one(selector)
        self.script("document.querySelector(arguments[0]).click()", selector)

    def complaints(self, but=()):
        """What the console says; but: what is expected."""
        return [e["message"] for e in self.driver.get_log("browser")
                if not any(text in e["message"] for text in but)]

    def violations(self, axe):
        """What axe-core finds; it comes by the debugger, past the policy."""
        self.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": axe})
        found = self.driver.execute_async_script(
            "const done = arguments[0]; axe.run(document).then("
            "r => done(r.violations.map(v => [v.id, v.help, "
            "v.nodes.map(n => n.html + ' ' + n.failureSummary)])),"
            "e => done([[String(e)]]));")
        return found

    def size(self, width, height=900, dark=False):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1,
            "mobile": width < 600})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme",
                          "value": "dark" if dark else "light"}]})


def axe():
    """axe-core's text, of npm. Skips, by name, where it cannot be had."""
    path = os.environ.get("ROLLCALL_AXE")
    if not path:
        if not shutil.which("npm"):
            pytest.skip("axe-core needs npm, of Node")
        folder = pathlib.Path(tempfile.gettempdir(), f"rollcall-axe-{AXE}")
        path = folder / "node_modules/axe-core/axe.min.js"
        if not path.exists():
            with contextlib.suppress(subprocess.SubprocessError):
                subprocess.run(
                    ["npm", "install", "--no-audit", "--no-fund",
                     "--ignore-scripts", "--prefix", folder,
                     f"axe-core@{AXE}"],
                    check=True, capture_output=True, timeout=60)
        if not path.exists():
            pytest.skip("npm cannot get axe-core")
    return pathlib.Path(path).read_text()


def start():
    """Skips, by name, where there is none."""
    webdriver = pytest.importorskip(
        "selenium.webdriver", reason="python3-selenium is not here")
    chromium = shutil.which("chromium")
    driver = shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("chromium and chromium-driver are not here")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu",
                 "--disable-dev-shm-usage", "--no-first-run",
                 "--disable-background-networking",
                 "--window-size=1280,900"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.chrome.service.Service(driver)
    return webdriver.Chrome(service=service, options=options)
