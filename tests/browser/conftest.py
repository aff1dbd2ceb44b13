"""A headless Chromium, and the service for it to look at."""

from collections.abc import Iterator

import pytest

from tests.support.browser import CHROMEDRIVER, CHROMIUM, Browser, open_browser
from tests.support.databases import Databases
from tests.support.server import Server, serve


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", "browser: drives a real browser")


@pytest.fixture(scope="package")
def server(databases: Databases) -> Iterator[Server]:
    """The service, as a process."""
    with serve(databases.migrated()) as running:
        yield running


@pytest.fixture(scope="package")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium for all tests, as starting one takes a while."""
    if CHROMIUM is None or CHROMEDRIVER is None:
        pytest.skip("needs Chromium: apt-get install chromium chromium-driver")
    with open_browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def browser(chromium: Browser) -> Browser:
    """A browser that remembers nothing."""
    chromium.start_afresh()
    return chromium
