"""A headless Chromium that tests drive."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support import expected_conditions as conditions
from selenium.webdriver.support.wait import WebDriverWait

CHROMIUM = shutil.which("chromium")
CHROMEDRIVER = shutil.which("chromedriver")
PATIENCE_SECONDS = 20

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Browser:
    """One browser window; elements are named by CSS selectors."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver
        self._wait = WebDriverWait(driver, PATIENCE_SECONDS)

    def start_afresh(self) -> None:
        """Forget what was done before: pages, cookies, emulation, logs."""
        self.driver.get("about:blank")
        self.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
        self.resize(1280, 1000)
        self.prefer("light")
        self.complaints()
        self.hosts_asked()

    def open(self, url: str) -> None:
        """Load a page."""
        self.driver.get(url)

    def resize(self, width: int, height: int) -> None:
        """Be as large as that, in CSS pixels."""
        size = {"width": width, "height": height}
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {**size, "deviceScaleFactor": 1, "mobile": width < 600},
        )

    def prefer(self, color_scheme: str) -> None:
        """Ask pages for `light` or `dark`."""
        feature = {"name": "prefers-color-scheme", "value": color_scheme}
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [feature]}
        )

    def click(self, selector: str) -> None:
        """Click an element as soon as it can be clicked."""
        locator = (By.CSS_SELECTOR, selector)
        self._wait.until(conditions.element_to_be_clickable(locator)).click()

    def type(self, selector: str, text: str) -> None:
        """Type into a field as soon as it is there."""
        self.see(selector).send_keys(text)

    def see(self, selector: str) -> WebElement:
        """Return an element as soon as it can be seen."""
        locator = (By.CSS_SELECTOR, selector)
        return self._wait.until(conditions.visibility_of_element_located(locator))

    def run(self, expression: str) -> Any:
        """Return what a JavaScript expression gives."""
        return self.driver.execute_script(f"return {expression}")

    def complaints(self) -> list[str]:
        """Return the errors in the browser's console since it was asked last."""
        log = self._log("browser")
        return [entry["message"] for entry in log if entry["level"] == "SEVERE"]

    def hosts_asked(self) -> set[str]:
        """Return the hosts, with ports, that pages have asked for anything.

        What the page's own policy kept the browser from asking does not count.
        """
        events = [self._event(entry) for entry in self._log("performance")]
        blocked = {
            event["requestId"]
            for method, event in events
            if method == "Network.loadingFailed" and "blockedReason" in event
        }
        asked = [
            urlsplit(event["request"]["url"])
            for method, event in events
            if method == "Network.requestWillBeSent"
            and event["requestId"] not in blocked
        ]
        return {url.netloc for url in asked if url.scheme in ("http", "https", "ws")}

    def _log(self, name: str) -> list[dict[str, str]]:
        entries: list[dict[str, str]]
        entries = self.driver.get_log(name)  # type: ignore[no-untyped-call]
        return entries

    def _event(self, entry: dict[str, str]) -> tuple[str, dict[str, Any]]:
        message = json.loads(entry["message"])["message"]
        return message["method"], message["params"]


@contextmanager
def open_browser(profile: Path) -> Iterator[Browser]:
    """Start Chromium with an empty profile, and quit it at the end."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability(
        "goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"}
    )
    driver = webdriver.Chrome(options, Service(CHROMEDRIVER))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
