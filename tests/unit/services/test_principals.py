"""Who is calling, and what is remembered of them."""

from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx2
import pytest

from app.core.config import Settings
from app.core.exceptions import PermissionDeniedError, SessionEndedError
from app.core.security import AccessTokens
from app.database import Database
from app.models import (
    ADMIN,
    Method,
    Session,
    SessionState,
    User,
    new_id,
)
from app.services.container import Services
from app.services.invalidation import ALL, Lease
from app.services.principals import Principal, PrincipalCache, Principals
from tests.conftest import MakeSettings
from tests.support.apps import caught_up, run_app
from tests.support.clock import FakeClock
from tests.support.outsiders import execute
from tests.support.people import API, PASSWORD, Person, register, sign_in
from tests.support.refreshing import refreshed
from tests.support.rows import NOW, make_account, new_role
from tests.support.services import held_lease, nothing_by_itself
from tests.support.statements import statements


@pytest.fixture
def tokens(settings: Settings, services: Services) -> AccessTokens:
    """What signs and reads the app's access tokens."""
    return AccessTokens(
        settings.public_url,
        settings.token_audience,
        services.clock,
        lambda: services.keys.ring,
    )


@pytest.fixture
async def cache(services: Services) -> PrincipalCache:
    """A cache that is told of the app's own changes and of no others."""
    await nothing_by_itself(services)
    cache = PrincipalCache(True, held_lease())
    services.database.on_change(cache.drop)
    return cache


@pytest.fixture
def principals(
    services: Services, tokens: AccessTokens, cache: PrincipalCache
) -> Principals:
    """Principals that are remembered."""
    return Principals(services.database, services.keys, tokens, cache, services.clock)


async def asked(principals: Principals, person: Person) -> int:
    """Return how many statements it takes to know this person, or to refuse them."""
    with statements() as seen, suppress(SessionEndedError):
        await principals.authenticate(person.tokens["access_token"])
    return len(seen)


async def get_known(principals: Principals, person: Person) -> Principal:
    """Have a person remembered and their session confirmed."""
    for _ in range(2):
        principal = await principals.authenticate(person.tokens["access_token"])
    assert await asked(principals, person) == 0
    return principal


def make_principal(*roles: str, permissions: tuple[str, ...] = ()) -> Principal:
    """Return a principal that no database knows."""
    account = make_account(roles=roles, permissions=frozenset(permissions))
    session = SessionState(
        id=new_id(),
        user_id=account.id,
        generation=0,
        confirmed=True,
        created_at=NOW,
        expires_at=NOW,
        max_expires_at=NOW,
        end_reason=None,
        method=Method.PASSWORD,
    )
    return Principal(account, session)


def remember(cache: PrincipalCache, known: Principal, **session: Any) -> None:
    """Have a principal remembered with something else about its session."""
    changed = replace(known, session=replace(known.session, **session))
    cache.keep(changed, cache.begin_load())


CHANGES = {
    "name": ("PATCH", "/users/me", {"display_name": "Ada"}),
    "password": (
        "POST",
        "/users/me/password",
        {"current_password": PASSWORD, "new_password": "another good password"},
    ),
    "signed out": ("POST", "/auth/logout", None),
    "signed out everywhere": ("POST", "/auth/logout-all", None),
    "signed in again": (
        "POST",
        "/auth/login",
        {"email": "ada@example.com", "password": PASSWORD},
    ),
    "deleted": ("DELETE", "/users/me", {"password": PASSWORD}),
}
ADMIN_CHANGES = {
    "disabled": ("PATCH", "/users/{id}", {"status": "disabled"}),
    "verified": ("PATCH", "/users/{id}", {"email_verified": True}),
    "roles": ("PUT", "/users/{id}/roles", {"roles": ["admin"]}),
    "session ended": ("POST", "/users/{id}/logout", None),
    "deleted by an admin": ("DELETE", "/users/{id}", None),
}
ROLE_CHANGES = {
    "made": ("POST", "/roles", {"name": "new", "description": "", "permissions": []}),
    "changed": ("PUT", "/roles/old", {"description": "x", "permissions": ["a:b"]}),
    "deleted": ("DELETE", "/roles/old", None),
}
Call = tuple[str, str, dict[str, object] | None]


async def call(
    client: httpx2.AsyncClient, by: Person, change: Call, about: Person
) -> None:
    """Make a change over HTTP."""
    method, path, body = change
    path = API + path.format(id=about.id)
    response = await client.request(method, path, json=body, headers=by.headers)
    assert response.is_success, response.text


class TestRemembered:
    """A caller who has been seen before."""

    async def test_without_asking_the_database(
        self, principals: Principals, ada: Person
    ) -> None:
        """The first call reads and confirms, and later ones take no statement."""
        assert await asked(principals, ada) > 0
        await principals.authenticate(ada.tokens["access_token"])
        assert await asked(principals, ada) == 0

    async def test_knows_user_session_and_permissions(
        self, principals: Principals, admin: Person
    ) -> None:
        """What is remembered is all that a request needs."""
        principal = await get_known(principals, admin)
        assert str(principal.user.id) == admin.id
        assert str(principal.session.id) == admin.session_id
        assert "users:write" in principal.user.permissions
        assert principal.user.role_names == (ADMIN,)

    async def test_each_session_for_itself(
        self, principals: Principals, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """Two sessions of one user are two principals."""
        other = await sign_in(client, ada)
        for person in (ada, other):
            await principals.authenticate(person.tokens["access_token"])
        for person in (ada, other):
            found = await principals.authenticate(person.tokens["access_token"])
            assert str(found.session.id) == person.session_id

    async def test_session_ends_by_time(
        self,
        services: Services,
        principals: Principals,
        cache: PrincipalCache,
        ada: Person,
        clock: FakeClock,
    ) -> None:
        """What is remembered does not outlive the session."""
        principal = await get_known(principals, ada)
        async with services.database.writing() as session:
            row = await session.get_one(Session, principal.session.id)
            row.expires_at = clock()
        remember(cache, principal, expires_at=clock())
        with pytest.raises(SessionEndedError) as refused:
            await principals.authenticate(ada.tokens["access_token"])
        assert refused.value.extra["reason"] == "idle_timeout"

    async def test_lease_ends(
        self, services: Services, tokens: AccessTokens, ada: Person
    ) -> None:
        """Without a lease every call asks the database; with a new one, none does."""
        await nothing_by_itself(services)
        lease = Lease()
        kept = PrincipalCache(True, lease)
        principals = Principals(
            services.database, services.keys, tokens, kept, services.clock
        )
        await principals.authenticate(ada.tokens["access_token"])
        for _ in range(2):
            assert await asked(principals, ada) > 0
        lease.renew(float("inf"))
        assert await asked(principals, ada) == 0
        lease.end()
        assert await asked(principals, ada) > 0

    async def test_off(
        self, services: Services, tokens: AccessTokens, ada: Person
    ) -> None:
        """With PRINCIPAL_CACHE=off every call asks the database."""
        off = PrincipalCache(False, held_lease())
        principals = Principals(
            services.database, services.keys, tokens, off, services.clock
        )
        for _ in range(3):
            assert await asked(principals, ada) > 0

    @pytest.mark.one_process
    @pytest.mark.parametrize("kept", [True, False], ids=["on", "off"])
    async def test_the_setting(
        self, make: MakeSettings, clock: FakeClock, kept: bool
    ) -> None:
        """PRINCIPAL_CACHE decides."""
        settings = make(principal_cache=kept)
        async with run_app(settings, clock) as app:
            ada = await sign_in(app.client, await register(app.client, "a@example.com"))
            await app.client.get(f"{API}/users/me", headers=ada.headers)
            await caught_up(app.services)
            await app.client.get(f"{API}/users/me", headers=ada.headers)
            with statements() as seen:
                await app.client.get(f"{API}/users/me", headers=ada.headers)
        assert (seen == []) is kept


class TestRefreshed:
    """A session that has been refreshed since it was remembered, perhaps elsewhere."""

    async def test_newer_token_is_looked_up(
        self, principals: Principals, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """A refresh drops nobody; its new token has the session read and confirmed."""
        await get_known(principals, ada)
        newer = await refreshed(client, ada)
        assert await asked(principals, ada) == 0
        principal = await principals.authenticate(newer.tokens["access_token"])
        assert (principal.session.generation, principal.session.confirmed) == (1, False)
        principal = await principals.authenticate(newer.tokens["access_token"])
        assert principal.session.confirmed
        for token in (newer, ada):
            assert await asked(principals, token) == 0

    async def test_prolonged_session_goes_on(
        self,
        principals: Principals,
        cache: PrincipalCache,
        ada: Person,
        clock: FakeClock,
    ) -> None:
        """What is remembered as over is read again before it is refused."""
        known = await get_known(principals, ada)
        remember(cache, known, expires_at=clock())
        principal = await principals.authenticate(ada.tokens["access_token"])
        assert principal.session.expires_at == known.session.expires_at


@pytest.mark.one_process
class TestForgotten:
    """What makes the cache drop a caller."""

    @pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
    async def test_own_change(
        self,
        principals: Principals,
        client: httpx2.AsyncClient,
        ada: Person,
        bob: Person,
        change: Call,
    ) -> None:
        """A user's own change is seen at the next call; others stay remembered."""
        await get_known(principals, bob)
        await get_known(principals, ada)
        await call(client, ada, change, ada)
        assert await asked(principals, ada) > 0
        assert await asked(principals, bob) == 0

    @pytest.mark.parametrize("change", ADMIN_CHANGES.values(), ids=ADMIN_CHANGES.keys())
    async def test_change_by_an_admin(
        self,
        principals: Principals,
        client: httpx2.AsyncClient,
        ada: Person,
        bob: Person,
        admin: Person,
        change: Call,
    ) -> None:
        """An admin's change is seen at the next call; others stay remembered."""
        await get_known(principals, bob)
        await get_known(principals, ada)
        await call(client, admin, change, ada)
        assert await asked(principals, ada) > 0
        assert await asked(principals, bob) == 0

    @pytest.mark.parametrize("change", ROLE_CHANGES.values(), ids=ROLE_CHANGES.keys())
    async def test_change_of_a_role(
        self,
        services: Services,
        principals: Principals,
        client: httpx2.AsyncClient,
        ada: Person,
        admin: Person,
        change: Call,
    ) -> None:
        """A change of any role drops everybody."""
        async with services.database.writing() as session:
            session.add(new_role("old"))
        await get_known(principals, ada)
        await get_known(principals, admin)
        await call(client, admin, change, ada)
        assert await asked(principals, ada) > 0
        assert await asked(principals, admin) > 0

    async def test_promotion(
        self, services: Services, principals: Principals, ada: Person
    ) -> None:
        """Who is promoted may do everything from the next call on."""
        await get_known(principals, ada)
        await services.setup.promote(ada.email)
        principal = await principals.authenticate(ada.tokens["access_token"])
        assert principal.holds("users:write")

    async def test_rotated_keys_drop_nobody(
        self, services: Services, principals: Principals, ada: Person
    ) -> None:
        """Keys say nothing about callers."""
        await get_known(principals, ada)
        await services.keys.rotate()
        assert await asked(principals, ada) == 0

    async def test_drop_all(
        self, principals: Principals, cache: PrincipalCache, ada: Person
    ) -> None:
        """When another process may have changed anything, everybody is forgotten."""
        await get_known(principals, ada)
        cache.drop(ALL)
        assert await asked(principals, ada) > 0


class TestOverlappingLoad:
    """A change that is saved while its user is being read."""

    @pytest.mark.parametrize("what", ["user", "roles", "everything"])
    def test_is_not_kept(self, what: str) -> None:
        """What may have been read before the change is not remembered."""
        cache, principal = PrincipalCache(True, held_lease()), make_principal()
        load = cache.begin_load()
        if what == "everything":
            cache.drop(ALL)
        else:
            cache.drop(frozenset({str(principal.user.id) if what == "user" else what}))
        cache.keep(principal, load)
        assert cache.get(principal.user.id, principal.session.id) is None

    def test_of_somebody_else_is_kept(self) -> None:
        """Another user's change spoils nothing."""
        cache, principal = PrincipalCache(True, held_lease()), make_principal()
        earlier = cache.begin_load()
        cache.drop(frozenset({str(principal.user.id)}))
        load = cache.begin_load()
        cache.drop(frozenset({str(new_id())}))
        cache.keep(principal, load)
        assert cache.get(principal.user.id, principal.session.id) is principal
        assert earlier.changed > load.changed


class TestRefused:
    """Tokens that are genuine and do not help."""

    async def refusal(
        self, principals: Principals, tokens: AccessTokens, ada: Person, **claims: UUID
    ) -> str:
        """Return why a token of Ada's with other claims is refused."""
        genuine = tokens.read(ada.tokens["access_token"])
        forged = tokens.sign(genuine.model_copy(update=claims))
        with pytest.raises(SessionEndedError) as refused:
            await principals.authenticate(forged)
        return str(refused.value.extra["reason"])

    async def test_of_another_users_session(
        self, principals: Principals, tokens: AccessTokens, ada: Person, bob: Person
    ) -> None:
        """A session counts only for its own user."""
        of_bob = UUID(bob.session_id)
        assert await self.refusal(principals, tokens, ada, sid=of_bob) == "user_deleted"

    @pytest.mark.parametrize("claim", ["sid", "sub"])
    async def test_of_nothing_that_exists(
        self, principals: Principals, tokens: AccessTokens, ada: Person, claim: str
    ) -> None:
        """A session or user that is gone can only have been deleted."""
        gone = {claim: new_id()}
        assert await self.refusal(principals, tokens, ada, **gone) == "user_deleted"

    async def test_of_a_disabled_user(
        self, settings: Settings, principals: Principals, ada: Person
    ) -> None:
        """A disabled user is refused although the session was left alive."""
        await execute(settings, "UPDATE users SET status = 'disabled'")
        with pytest.raises(SessionEndedError) as refused:
            await principals.authenticate(ada.tokens["access_token"])
        assert refused.value.extra["reason"] == "user_disabled"


class TestPermissions:
    """`Principal.holds()` and `Principal.must_hold()`."""

    def test_of_roles(self) -> None:
        """A principal holds what its roles give, and nothing else."""
        editor = make_principal("editor", permissions=("posts:write",))
        assert editor.holds("posts:write")
        assert not editor.holds("posts:delete")
        editor.must_hold()
        editor.must_hold("posts:write")
        with pytest.raises(PermissionDeniedError):
            editor.must_hold("posts:write", "posts:delete")

    def test_of_an_admin(self) -> None:
        """An admin holds every permission, also one that no role has yet."""
        make_principal(ADMIN).must_hold("anything:at-all")


async def test_confirming_is_saved(
    principals: Principals, ada: Person, database: Database
) -> None:
    """A token that comes back confirms its generation, once."""
    await principals.authenticate(ada.tokens["access_token"])
    async with database.reading() as session:
        assert isinstance(await session.get(User, UUID(ada.id)), User)
    with statements() as seen:
        await principals.authenticate(ada.tokens["access_token"])
    assert not any(statement.startswith("UPDATE") for statement in seen)
