# SPDX-License-Identifier: BSD-2-Clause
"""A headless Chromium, and what it complains of."""

import shutil

import pytest
import rollcall


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

    def size(self, width, height=900, dark=False):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1,
            "mobile": width < 600})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme",
                          "value": "dark" if dark else "light"}]})


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
