"""Callers who lose what they need between the start of a request and its writing."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import httpx2
import pytest

from app.core.client import Client
from app.core.exceptions import (
    AppError,
    PermissionDeniedError,
    SessionEndedError,
    WrongPasswordError,
)
from app.models import NewAccount, UserStatus
from app.services.container import Services
from app.services.principals import Principal
from tests.support.outsiders import execute
from tests.support.people import API, PASSWORD, Person, sign_in
from tests.support.roles import make_role

Act = Callable[[Services, Principal, UUID], Awaitable[object]]
Lose = Callable[[httpx2.AsyncClient, Person, Person], Awaitable[httpx2.Response]]

AT_HOME = Client("192.0.2.7")

AS_ADMIN: dict[str, Act] = {
    "create": lambda on, by, _: on.users.create(
        by, NewAccount(email="new@example.com"), PASSWORD
    ),
    "invite": lambda on, by, _: on.invitations.invite(
        by, NewAccount(email="new@example.com"), AT_HOME
    ),
    "invite again": lambda on, by, ada: on.invitations.invite_again(by, ada, AT_HOME),
    "start reset": lambda on, by, ada: on.recovery.start_for(by, ada, AT_HOME),
    "update": lambda on, by, ada: on.users.update(by, ada, {"email_verified": True}),
    "disable": lambda on, by, ada: on.users.update(
        by, ada, {"status": UserStatus.DISABLED}
    ),
    "set roles": lambda on, by, ada: on.users.set_roles(by, ada, ["admin"]),
    "delete": lambda on, by, ada: on.users.delete(by, ada),
    "create role": lambda on, by, _: on.roles.create(by, "new", "", []),
    "replace role": lambda on, by, _: on.roles.replace(by, "editor", "New", []),
    "delete role": lambda on, by, _: on.roles.delete(by, "editor"),
}
AS_ONESELF: dict[str, Act] = {
    "change": lambda on, by, _: on.own_account.change(by, {"display_name": "New"}),
    "change password": lambda on, by, _: on.own_account.change_password(
        by, PASSWORD, "another horse battery", AT_HOME
    ),
    "change address": lambda on, by, _: on.email_change.ask(
        by, PASSWORD, "new@example.com", AT_HOME
    ),
    "delete own": lambda on, by, _: on.deletion.delete_own(by, PASSWORD, AT_HOME),
}
SESSION_LOST: dict[str, Lose] = {
    "signed out": lambda client, eve, root: client.post(
        f"{API}/auth/logout", headers=eve.headers
    ),
    "signed out by an admin": lambda client, eve, root: client.post(
        f"{API}/users/{eve.id}/logout", headers=root.headers
    ),
    "disabled": lambda client, eve, root: client.patch(
        f"{API}/users/{eve.id}", json={"status": "disabled"}, headers=root.headers
    ),
    "deleted": lambda client, eve, root: client.delete(
        f"{API}/users/{eve.id}", headers=root.headers
    ),
}


async def strip(
    client: httpx2.AsyncClient, eve: Person, root: Person
) -> httpx2.Response:
    """Take all rights."""
    path = f"{API}/users/{eve.id}/roles"
    return await client.put(path, json={"roles": ["user"]}, headers=root.headers)


@pytest.fixture
async def eve(services: Services, client: httpx2.AsyncClient, admin: Person) -> Person:
    """Another administrator, who has a role to change."""
    await make_role(client, admin, "editor", [])
    await services.setup.create_admin("eve@example.com", PASSWORD)
    return await sign_in(client, Person("eve@example.com"))


@pytest.fixture
async def as_she_was(services: Services, eve: Person) -> Principal:
    """Eve, as a request of hers found her at its start."""
    return await services.principals.authenticate(eve.tokens["access_token"])


async def everything(services: Services) -> list[object]:
    """Return what accounts and roles look like to another program."""
    users = "SELECT email, status, email_verified, display_name, password_hash"
    found: list[object] = []
    for statement in (
        f"{users} FROM users ORDER BY id",
        "SELECT name, description FROM roles ORDER BY name",
        "SELECT count(*) FROM outbox",
        "SELECT user_id, role_name FROM user_roles ORDER BY user_id, role_name",
    ):
        found.extend(await execute(services.settings, statement))
    return found


class TestWriting:
    """Principals.writing."""

    @pytest.mark.parametrize("lose", SESSION_LOST.values(), ids=SESSION_LOST)
    @pytest.mark.parametrize(
        "act",
        [*AS_ADMIN.values(), *AS_ONESELF.values()],
        ids=[*AS_ADMIN, *AS_ONESELF],
    )
    async def test_without_a_session(
        self,
        services: Services,
        client: httpx2.AsyncClient,
        admin: Person,
        ada: Person,
        eve: Person,
        as_she_was: Principal,
        act: Act,
        lose: Lose,
    ) -> None:
        """Whose session has ended since the request began changes nothing any more."""
        assert (await lose(client, eve, admin)).status_code in (200, 204)
        await self.refused(services, ada, as_she_was, act, SessionEndedError)

    @pytest.mark.parametrize("act", AS_ADMIN.values(), ids=AS_ADMIN)
    async def test_without_the_right(
        self,
        services: Services,
        client: httpx2.AsyncClient,
        admin: Person,
        ada: Person,
        eve: Person,
        as_she_was: Principal,
        act: Act,
    ) -> None:
        """Who has been stripped since the request began is an admin no more."""
        assert (await strip(client, eve, admin)).status_code == 200
        await self.refused(services, ada, as_she_was, act, PermissionDeniedError)

    async def test_disabled_past_us(
        self, services: Services, ada: Person, eve: Person, as_she_was: Principal
    ) -> None:
        """Who has been disabled in the database itself acts no more either."""
        await execute(
            services.settings,
            "UPDATE users SET status = 'disabled' WHERE email = 'eve@example.com'",
        )
        rename = AS_ONESELF["change"]
        await self.refused(services, ada, as_she_was, rename, SessionEndedError)

    @pytest.mark.parametrize("act", AS_ONESELF.values(), ids=AS_ONESELF)
    async def test_what_needs_no_right(
        self,
        services: Services,
        client: httpx2.AsyncClient,
        admin: Person,
        ada: Person,
        eve: Person,
        as_she_was: Principal,
        act: Act,
    ) -> None:
        """One's own account stays one's own."""
        assert (await strip(client, eve, admin)).status_code == 200
        await act(services, as_she_was, UUID(ada.id))

    @pytest.mark.parametrize("act", ["change password", "change address", "delete own"])
    async def test_with_an_old_password(
        self,
        services: Services,
        client: httpx2.AsyncClient,
        ada: Person,
        eve: Person,
        as_she_was: Principal,
        act: str,
    ) -> None:
        """A password that was right when it was checked is not enough."""
        body = {"current_password": PASSWORD, "new_password": "a third horse battery"}
        path = f"{API}/users/me/password"
        changed = await client.post(path, json=body, headers=eve.headers)
        assert changed.status_code == 204
        await self.refused(
            services, ada, as_she_was, AS_ONESELF[act], WrongPasswordError
        )

    async def refused(
        self,
        services: Services,
        ada: Person,
        by: Principal,
        act: Act,
        error: type[AppError],
    ) -> None:
        """Expect that it is refused, and that nothing is changed."""
        before = await everything(services)
        with pytest.raises(error):
            await act(services, by, UUID(ada.id))
        assert await everything(services) == before


class TestEachOther:
    """Two who act on each other at the same moment."""

    async def test_nobody_waits_for_ever(
        self, services: Services, client: httpx2.AsyncClient, admin: Person
    ) -> None:
        """Four admins who each verify the others' addresses all succeed."""
        for number in range(4):
            await services.setup.create_admin(f"a{number}@example.com", PASSWORD)
        people = [
            await sign_in(client, Person(f"a{number}@example.com"))
            for number in range(4)
        ]
        answers = await asyncio.gather(
            *[
                client.patch(
                    f"{API}/users/{other.id}",
                    json={"email_verified": True},
                    headers=one.headers,
                )
                for one in people
                for other in people
                if one is not other
            ]
        )
        assert {answer.status_code for answer in answers} == {200}
