"""Every answer in these tests must be one that the OpenAPI document tells of."""

import httpx2
import pytest

from tests.support.apps import RunningApp
from tests.support.documented import Documented

_JUDGES: dict[str, Documented] = {}
"""By title: the document depends on nothing else, and takes a while to make."""


@pytest.fixture
def documented(running: RunningApp) -> Documented:
    """The OpenAPI document of the app under test."""
    title = running.app.title
    if title not in _JUDGES:
        _JUDGES[title] = Documented(running.app.openapi())
    return _JUDGES[title]


@pytest.fixture
def client(running: RunningApp, documented: Documented) -> httpx2.AsyncClient:
    """A program that talks to the app and holds each answer against the document."""
    running.client.event_hooks["response"].append(documented.check)
    return running.client
