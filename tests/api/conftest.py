"""Every answer in these tests must be one that the OpenAPI document tells of."""

import httpx2
import pytest

from app.services.container import Services
from tests.support.apps import RunningApp
from tests.support.documented import Documented
from tests.support.links import BROWSER, LinkMails
from tests.support.people import Person

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


@pytest.fixture
def browser(client: httpx2.AsyncClient) -> httpx2.AsyncClient:
    """A client that asks for pages, as browsers do."""
    client.headers.update(BROWSER)
    return client


@pytest.fixture
def mails(client: httpx2.AsyncClient, services: Services, admin: Person) -> LinkMails:
    """Mails whose links lead to pages."""
    return LinkMails(client, services, admin)
