"""DELETE /api/v1/users/me with DELETION_DAYS: rarer cases."""

import asyncio
from contextlib import suppress

import httpx2
import pytest

from app.core.config import Settings
from app.models import User
from app.repositories import UserRepository
from app.services.container import Services
from tests.api.test_deletion_period import DAYS, LOGIN, ME, UNDO, USERS, leave, left
from tests.api.test_recovery import NEW, RESET, forgot
from tests.conftest import MakeSettings
from tests.support.apps import RunningApp
from tests.support.clock import FakeClock
from tests.support.links import FORGED
from tests.support.mailbox import code_of, kinds_of_mail, last_mail, seed_of
from tests.support.moving import ask_by_mail
from tests.support.notices import change_password
from tests.support.people import API, PASSWORD, Person, register, sign_in
from tests.support.problems import problem, reason
from tests.support.refreshing import refresh
from tests.support.roles import give_roles
from tests.support.services import interrupted

WAIT_SECONDS = 0.5
"""How long who has looked waits for the other, who should not have come so far."""

ADA = {"email": "ada@example.com", "password": PASSWORD}


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """Ten days to think, and every way to sign in."""
    return make(deletion_days=DAYS, mail_sign_in=True, rate_limits=False)


class TestPlanned:
    """What is so until the account is gone."""

    async def test_mail_has_a_link_alone(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """There is no code, as nobody waits to enter one."""
        mail = await left(client, services, ada)
        assert f"/links/undo-deletion?token={mail.token}" in mail.text
        code = await code_of(services, mail.challenge_id)
        assert code not in mail.text

    async def test_sign_in_by_mail(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """No mail signs in: one from before is over, a new one says that there is no
        account, and even its code, which nobody was sent, begins no session."""
        path = f"{API}/auth/magic"
        await client.post(path, json={"email": ada.email})
        before = await last_mail(services, ada.email)
        await left(client, services, ada)
        refused = await client.post(f"{path}/verify", json=before.by_link)
        problem(refused, 410, "challenge_cancelled")
        await client.post(path, json={"email": ada.email})
        mail = await last_mail(services, ada.email)
        assert mail.opens_nothing
        code = await code_of(services, mail.challenge_id)
        guess = {"challenge_id": mail.challenge_id, "code": code}
        refused = await client.post(f"{path}/verify", json=guess)
        problem(refused, 403, "account_deleted")

    async def test_forgotten_password(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """Nor does any set a password: who asks is told that there is no account."""
        before = await forgot(client, services, ada.email)
        await left(client, services, ada)
        refused = await client.post(RESET, json=before.by_link | NEW)
        problem(refused, 410, "challenge_cancelled")
        mail = await forgot(client, services, ada.email)
        assert mail.subject.startswith("No account at")
        assert mail.opens_nothing
        code = await code_of(services, mail.challenge_id)
        guess = {"challenge_id": mail.challenge_id, "code": code} | NEW
        problem(await client.post(RESET, json=guess), 403, "challenge_failed")

    async def test_address_stays_taken(
        self, client: httpx2.AsyncClient, services: Services, ada: Person, bob: Person
    ) -> None:
        """Nobody else gets it for an account that they have."""
        await left(client, services, ada)
        mail = await ask_by_mail(client, services, bob, ada.email)
        assert mail.subject.startswith("This address already has an account")

    async def test_what_waited_is_over(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """A change of address that somebody has begun does not go on, even after the
        account was kept."""
        begun = await ask_by_mail(client, services, ada)
        mail = await left(client, services, ada)
        await client.post(UNDO, json=mail.by_link)
        path = f"{API}/auth/email/change"
        problem(await client.post(path, json=begun.by_code), 410, "challenge_cancelled")

    async def test_browser_forgets(
        self, client: httpx2.AsyncClient, services: Services
    ) -> None:
        """The cookies are cleared, as where the account is gone at once."""
        await register(client, ADA["email"])
        await client.post(LOGIN, json=ADA | {"transport": "cookie"})
        proof = {"password": PASSWORD}
        assert (await client.request("DELETE", ME, json=proof)).status_code == 204
        assert set(client.cookies) == {"cardea_device"}


class TestRefused:
    """Deletions that are not planned."""

    async def test_password_changed_meanwhile(
        self, running: RunningApp, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """A password that is replaced while it is checked deletes nothing."""
        passwords = interrupted(running)
        passwords.after_verify = lambda: change_password(
            client, ada, "another horse battery"
        )
        problem(await leave(client, ada), 403, "wrong_password")
        assert (await client.get(ME, headers=ada.headers)).status_code == 200

    async def test_last_admin(
        self, client: httpx2.AsyncClient, services: Services, admin: Person, ada: Person
    ) -> None:
        """The last administrator can't go, nor the last but one who is going."""
        problem(await leave(client, admin), 409, "last_admin")
        assert (await client.get(ME, headers=admin.headers)).status_code == 200
        assert await kinds_of_mail(services, admin.email) == []
        await give_roles(client, admin, ada, "admin")
        await left(client, services, ada)
        problem(await leave(client, admin), 409, "last_admin")

    async def test_two_admins_at_once(
        self,
        client: httpx2.AsyncClient,
        admin: Person,
        ada: Person,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Of two administrators who go at the same moment one stays: who looks for
        another waits for who has looked before."""
        await give_roles(client, admin, ada, "admin")
        both, look = asyncio.Barrier(2), UserRepository.has_other_active_admin

        async def together(users: UserRepository, user: User) -> bool:
            found = await look(users, user)
            with suppress(TimeoutError):
                async with asyncio.timeout(WAIT_SECONDS):
                    await both.wait()
            return found

        monkeypatch.setattr(UserRepository, "has_other_active_admin", together)
        answers = await asyncio.gather(*(leave(client, one) for one in (admin, ada)))
        assert sorted(one.status_code for one in answers) == [204, 409]


class TestUndo:
    """Keeping an account that one has deleted."""

    async def test_signs_nobody_in(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """Everybody stays signed out: it may not have been the owner who was there."""
        mail = await left(client, services, ada)
        done = await client.post(UNDO, json=mail.by_link)
        assert "set-cookie" not in done.headers
        assert reason(await client.get(ME, headers=ada.headers)) == "user_deleted"
        ended = await refresh(client, ada.refresh_token)
        assert reason(ended) == "user_deleted"

    async def test_once(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """The link works once, also when the account is deleted once more."""
        first = await left(client, services, ada)
        await client.post(UNDO, json=first.by_link)
        problem(await client.post(UNDO, json=first.by_link), 410, "challenge_used")
        again = await sign_in(client, ada)
        second = await left(client, services, again)
        problem(await client.post(UNDO, json=first.by_link), 410, "challenge_used")
        assert (await client.post(UNDO, json=second.by_link)).status_code == 204

    @pytest.mark.parametrize("token", ["", "x", "cardea_link_", FORGED])
    async def test_forged(self, client: httpx2.AsyncClient, token: str) -> None:
        """What we have not written is refused."""
        refused = await client.post(UNDO, json={"token": token})
        problem(refused, 403, "challenge_failed")

    async def test_for_something_else(
        self, client: httpx2.AsyncClient, services: Services, ada: Person
    ) -> None:
        """Neither does another link keep it, nor is this one good for more."""
        mail = await left(client, services, ada)
        other = await forgot(client, services, ada.email)
        seed = await seed_of(services, other.challenge_id)
        token = services.mail.tokens.link_token("reset_password", seed)
        problem(await client.post(UNDO, json={"token": token}), 403, "challenge_failed")
        for path in ("auth/email/undo", "auth/logout-others", "auth/email/verify"):
            refused = await client.post(f"{API}/{path}", json=mail.by_link)
            problem(refused, 403, "challenge_failed")


class TestAdministrators:
    """What administrators do with an account that its owner has deleted."""

    @pytest.mark.parametrize("status", ["active", "disabled"])
    async def test_keep_it(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        admin: Person,
        clock: FakeClock,
        status: str,
    ) -> None:
        """By setting its status they keep it; the owner's link does nothing then."""
        mail = await left(client, services, ada)
        path, body = f"{USERS}/{ada.id}", {"status": status}
        done = await client.patch(path, json=body, headers=admin.headers)
        assert (done.json()["status"], done.json()["delete_at"]) == (status, None)
        problem(await client.post(UNDO, json=mail.by_link), 403, "challenge_failed")
        clock.tick(days=DAYS)
        await services.deletion.tidy()
        root = await sign_in(client, admin)
        seen = await client.get(path, headers=root.headers)
        assert seen.json()["status"] == status

    async def test_other_changes_keep_it_deleted(
        self,
        client: httpx2.AsyncClient,
        services: Services,
        ada: Person,
        admin: Person,
    ) -> None:
        """What leaves the status alone leaves the end alone too."""
        await left(client, services, ada)
        path, body = f"{USERS}/{ada.id}", {"display_name": "Ada"}
        before = (await client.get(path, headers=admin.headers)).json()
        after = (await client.patch(path, json=body, headers=admin.headers)).json()
        assert after["delete_at"] == before["delete_at"] is not None
        assert after["status"] == "deleted"
