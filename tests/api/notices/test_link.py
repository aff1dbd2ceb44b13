"""POST /api/v1/auth/logout-others: the link of a notice."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx2
import pytest

from app.core.config import Settings
from app.services.container import Services
from tests.conftest import MakeSettings
from tests.support.apps import RunningApp
from tests.support.clock import FakeClock
from tests.support.devices import device, sign_in_on
from tests.support.mailbox import last_mail, number_of_mails
from tests.support.notices import change_password, ended, notice, reuse_token
from tests.support.people import API, PASSWORD, Person, sign_in
from tests.support.problems import only_good, problem, reason

OTHERS = f"{API}/auth/logout-others"
LOGIN = f"{API}/auth/login"
FORGOT = f"{API}/auth/password/forgot"
RESET = f"{API}/auth/password/reset"
ME = f"{API}/users/me"
NEW = "nine quiet herons"


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """Several mails in one minute."""
    return make(rate_limits=False)


class TestSignOutOthers:
    """What the link does."""

    @pytest.mark.parametrize("kind", ["new_device", "password_changed", "token_reused"])
    async def test_ends_all_sessions(
        self, running: RunningApp, services: Services, ada: Person, kind: str
    ) -> None:
        """Whoever is signed in is not any more, and may refresh nothing."""
        client = running.client
        if kind == "new_device":
            await sign_in_on(device(running), ada)
        if kind == "password_changed":
            await change_password(client, ada)
        if kind == "token_reused":
            await reuse_token(client, await sign_in(client, ada))
        mail = await last_mail(services, ada.email)
        assert mail.kind == kind
        other = await sign_in(client, ada)
        done = await client.post(OTHERS, json=mail.by_link)
        assert (done.status_code, done.content) == (204, b"")
        for one in (ada, other):
            assert await ended(client, one) == "signed_out_elsewhere"
            refresh = {"refresh_token": one.refresh_token}
            refused = await client.post(f"{API}/auth/refresh", json=refresh)
            assert reason(refused) == "signed_out_elsewhere"

    async def test_leaves_others_alone(
        self, client: httpx2.AsyncClient, services: Services, ada: Person, bob: Person
    ) -> None:
        """Nobody else is signed out."""
        mail = await notice(client, services, ada)
        await client.post(OTHERS, json=mail.by_link)
        assert await ended(client, bob) is None

    async def test_sends_a_way_to_a_new_password(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """The old one opens nothing any more: whoever knows it would be back before
        the mail is used that is sent along, and end that."""
        mail = await notice(client, services, ada)
        await client.post(OTHERS, json=mail.by_link)
        body = {"email": ada.email, "password": PASSWORD}
        problem(await client.post(LOGIN, json=body), 401, "invalid_credentials")
        reset = await last_mail(services, ada.email)
        assert reset.kind == "reset_password"
        assert "The old password no longer works" in reset.text
        body = reset.by_link | {"new_password": NEW}
        assert (await client.post(RESET, json=body)).status_code == 204
        await sign_in(client, Person(ada.email, NEW))

    async def test_address_is_another_by_then(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """The reader of a former address signs everybody out, and sets no password."""
        mail = await notice(client, services, ada)
        change = {"email": "new@example.com", "current_password": PASSWORD}
        await client.post(f"{ME}/email", json=change, headers=ada.headers)
        proof = (await last_mail(services, "new@example.com")).by_code
        moved = await client.post(f"{API}/auth/email/change", json=proof)
        assert moved.status_code == 200
        before = await number_of_mails(services)
        assert (await client.post(OTHERS, json=mail.by_link)).status_code == 204
        assert await ended(client, ada) == "signed_out_elsewhere"
        assert await number_of_mails(services) == before

    async def test_disabled(
        self, client: httpx2.AsyncClient, services: Services, ada: Person, admin: Person
    ) -> None:
        """Nor is a mail sent with which nobody could set one."""
        mail = await notice(client, services, ada)
        path, off = f"{API}/users/{ada.id}", {"status": "disabled"}
        await client.patch(path, json=off, headers=admin.headers)
        before = await number_of_mails(services)
        assert (await client.post(OTHERS, json=mail.by_link)).status_code == 204
        assert await number_of_mails(services) == before


class TestOwnSession:
    """The session that the request comes with."""

    async def test_bearer(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """A program stays signed in, and alone."""
        mail = await notice(client, services, ada)
        here = await sign_in(client, ada)
        await client.post(OTHERS, json=mail.by_link, headers=here.headers)
        assert await ended(client, here) is None
        assert await ended(client, ada) == "signed_out_elsewhere"

    async def test_cookie(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """So does a browser."""
        mail = await notice(client, services, ada)
        body = {"email": ada.email, "password": PASSWORD, "transport": "cookie"}
        await client.post(LOGIN, json=body)
        assert (await client.post(OTHERS, json=mail.by_link)).status_code == 204
        assert (await client.get(ME)).json()["id"] == ada.id
        assert await ended(client, ada) == "signed_out_elsewhere"

    async def test_of_another_account(
        self, client: httpx2.AsyncClient, services: Services, ada: Person, bob: Person
    ) -> None:
        """Who is signed in as somebody else keeps that, and ends all of this one's."""
        mail = await notice(client, services, ada)
        await client.post(OTHERS, json=mail.by_link, headers=bob.headers)
        assert await ended(client, ada) == "signed_out_elsewhere"
        assert await ended(client, bob) is None

    @pytest.mark.parametrize(
        ("scheme", "code"),
        [("Bearer x", "invalid_token"), ("Basic x", "invalid_token")],
        ids=["no token of ours", "no bearer"],
    )
    async def test_bad_bearer(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        scheme: str,
        code: str,
    ) -> None:
        """Who sends one means it: nothing is done, and the link can still be used."""
        mail = await notice(client, services, ada)
        headers = {"Authorization": scheme}
        refused = await client.post(OTHERS, json=mail.by_link, headers=headers)
        problem(refused, 401, code)
        assert await ended(client, ada) is None
        assert (await client.post(OTHERS, json=mail.by_link)).status_code == 204

    async def test_expired_bearer(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        clock: FakeClock,
    ) -> None:
        """A program whose token has expired renews it first, so that its session is
        not ended with the others."""
        mail = await notice(client, services, ada)
        clock.tick(minutes=10)
        refused = await client.post(OTHERS, json=mail.by_link, headers=ada.headers)
        problem(refused, 401, "token_expired")
        refresh = {"refresh_token": ada.refresh_token}
        renewed = await client.post(f"{API}/auth/refresh", json=refresh)
        ada.tokens = renewed.json()
        await client.post(OTHERS, json=mail.by_link, headers=ada.headers)
        assert await ended(client, ada) is None


class TestLink:
    """When the link works."""

    async def test_lives_for_seven_days(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        clock: FakeClock,
    ) -> None:
        """Then it is too late."""
        mail = await notice(client, services, ada)
        clock.tick(days=7)
        late = await client.post(OTHERS, json=mail.by_link)
        problem(late, 410, "challenge_expired")
        clock.tick(microseconds=-1)
        assert (await client.post(OTHERS, json=mail.by_link)).status_code == 204

    async def test_once(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """A second time it signs nobody out."""
        mail = await notice(client, services, ada)
        await client.post(OTHERS, json=mail.by_link)
        reset = await last_mail(services, ada.email)
        await client.post(RESET, json=reset.by_link | {"new_password": NEW})
        later = await sign_in(client, Person(ada.email, NEW))
        again = await client.post(OTHERS, json=mail.by_link)
        problem(again, 410, "challenge_used")
        assert await ended(client, later) is None

    async def test_fifty_at_once(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """Of fifty who come with it at once, one does it, and one mail is sent."""
        mail = await notice(client, services, ada)
        before = await number_of_mails(services)
        answers = await asyncio.gather(
            *(client.post(OTHERS, json=mail.by_link) for _ in range(50))
        )
        only_good(answers, 204)
        assert await number_of_mails(services) == before + 1

    @pytest.mark.parametrize(
        "token",
        ["", "x", "cardea_link_", "cardea_link_" + "A" * 64],
        ids=["empty", "short", "prefix", "forged"],
    )
    async def test_forged(self, client: httpx2.AsyncClient, token: str) -> None:
        """What we have not written is refused."""
        refused = await client.post(OTHERS, json={"token": token})
        problem(refused, 403, "challenge_failed")

    async def test_link_for_something_else(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """Another mail's link signs nobody out, and this one's sets no password."""
        mail = await notice(client, services, ada)
        await client.post(FORGOT, json={"email": ada.email})
        other = await last_mail(services, ada.email)
        refused = await client.post(OTHERS, json=other.by_link)
        problem(refused, 403, "challenge_failed")
        body = mail.by_link | {"new_password": NEW}
        problem(await client.post(RESET, json=body), 403, "challenge_failed")
        assert await ended(client, ada) is None


async def by_changing(
    client: httpx2.AsyncClient, services: Services, ada: Person
) -> None:
    """Change the password as who is signed in."""
    await change_password(client, ada, NEW)


async def by_resetting(
    client: httpx2.AsyncClient, services: Services, ada: Person
) -> None:
    """Set a new password by mail."""
    await client.post(FORGOT, json={"email": ada.email})
    body = (await last_mail(services, ada.email)).by_link | {"new_password": NEW}
    assert (await client.post(RESET, json=body)).status_code == 204


async def by_the_link_of_another(
    client: httpx2.AsyncClient, services: Services, ada: Person
) -> None:
    """Follow the link of another notice, and of the mail that it brings."""
    mail = await notice(client, services, ada)
    assert (await client.post(OTHERS, json=mail.by_link)).status_code == 204
    reset = (await last_mail(services, ada.email)).by_link
    done = await client.post(RESET, json=reset | {"new_password": NEW})
    assert done.status_code == 204


class TestWhatAThiefCanDo:
    """What does not end the link."""

    @pytest.mark.parametrize(
        "act",
        [by_changing, by_resetting, by_the_link_of_another],
        ids=["change", "reset", "another notice"],
    )
    async def test_survives(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        act: Callable[[httpx2.AsyncClient, Services, Person], Awaitable[None]],
    ) -> None:
        """Whoever has got into the account can't keep its owner from using it."""
        mail = await notice(client, services, ada)
        await act(client, services, ada)
        thief = await sign_in(client, Person(ada.email, NEW))
        assert (await client.post(OTHERS, json=mail.by_link)).status_code == 204
        assert await ended(client, thief) == "signed_out_elsewhere"
