"""What a new installation needs."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from app.core.config import Settings
from app.core.exceptions import (
    EmailTakenError,
    PasswordTooShortError,
    StartupError,
)
from app.database import Database
from app.migrations import head_revision
from app.models import Permission, Role, User
from app.repositories import UserRepository
from app.repositories.pages import PageRequest
from app.services.container import Services, open_services
from tests.conftest import MakeSettings
from tests.support.apps import run_app
from tests.support.clock import FakeClock
from tests.support.people import API, PASSWORD, Person, register, sign_in
from tests.support.rows import new_role

ROOT = "root@example.com"
FIRST = {"first_admin_email": ROOT, "first_admin_password": PASSWORD}
DEVELOPMENT = {"environment": "development"}


@pytest.fixture
async def fresh(settings: Settings, clock: FakeClock) -> AsyncIterator[Services]:
    """Services on a database that nobody has used."""
    async with open_services(settings, head_revision(), clock) as services:
        yield services


async def roles(database: Database) -> dict[str, Role]:
    """Return all roles by name."""
    async with database.reading() as session:
        return {role.name: role for role in await session.scalars(select(Role))}


async def admins(database: Database) -> list[str]:
    """Return the addresses of all admins."""
    async with database.reading() as session:
        found = await UserRepository(session).page(PageRequest(), role="admin")
    return sorted(user.email for user in found.items)


class TestEnsureRoles:
    """`Setup.ensure_roles()`."""

    async def test_makes_the_builtin_ones(
        self, fresh: Services, database: Database
    ) -> None:
        """`admin` holds every permission of the service, `user` none."""
        await fresh.setup.ensure_roles()
        made = await roles(database)
        assert made.keys() == {"admin", "user"}
        assert made["admin"].permissions == sorted(Permission)
        assert made["user"].permissions == []
        assert all(role.builtin for role in made.values())

    async def test_admin_gets_other_programs_permissions(
        self, fresh: Services, database: Database
    ) -> None:
        """`admin` also holds what the roles of other programs allow, and nothing that
        is gone."""
        await fresh.setup.ensure_roles()
        async with database.writing() as session:
            session.add(new_role("editor", ["posts:write"]))
            admin = await session.get(Role, "admin")
            assert admin is not None
            admin.permissions = ["gone:long-ago"]
        await fresh.setup.ensure_roles()
        expected = sorted([*Permission, "posts:write"])
        assert (await roles(database))["admin"].permissions == expected

    async def test_keeps_what_is_there(
        self, fresh: Services, database: Database
    ) -> None:
        """Roles that are there already stay."""
        async with database.writing() as session:
            session.add(new_role("user"))
        await fresh.setup.ensure_roles()
        assert (await roles(database)).keys() == {"admin", "user"}

    async def test_at_once(self, fresh: Services, database: Database) -> None:
        """Processes that start at the same moment do not trip over each other."""
        await asyncio.gather(*(fresh.setup.ensure_roles() for _ in range(5)))
        assert len(await roles(database)) == 2


class TestFirstAdmin:
    """`Setup.ensure_admin()` with FIRST_ADMIN_EMAIL and FIRST_ADMIN_PASSWORD."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """Settings that name a first admin."""
        return make(**FIRST)

    async def test_is_made(
        self, settings: Settings, clock: FakeClock, database: Database
    ) -> None:
        """The account is made at start, verified, and may do everything."""
        async with run_app(settings, clock) as app:
            root = await sign_in(app.client, Person(ROOT))
            users = await app.client.get(f"{API}/users", headers=root.headers)
            assert [user["email"] for user in users.json()["items"]] == [ROOT]
            assert users.json()["items"][0]["email_verified"] is True
        assert await admins(database) == [ROOT]

    async def test_is_made_once(
        self, settings: Settings, clock: FakeClock, database: Database
    ) -> None:
        """Later starts leave a changed password and a second admin alone."""
        async with run_app(settings, clock) as app:
            await app.services.setup.create_admin("ada@example.com", PASSWORD)
        changed = settings.model_copy(update={"first_admin_email": "eve@example.com"})
        async with run_app(changed, clock):
            pass
        assert await admins(database) == ["ada@example.com", ROOT]

    async def test_ordinary_account_is_not_promoted(
        self, make: MakeSettings, settings: Settings, clock: FakeClock
    ) -> None:
        """Who signs up with the address before the first admin is made gets nothing;
        the server says so and does not start."""
        plain = settings.model_copy(update={"first_admin_email": ""})
        async with run_app(plain, clock) as app:
            await register(app.client, ROOT.upper())
        with pytest.raises(StartupError, match="--promote") as refused:
            async with run_app(settings, clock):
                raise AssertionError("it started")
        assert "\n" not in str(refused.value)
        async with run_app(plain, clock) as app:
            person = await sign_in(app.client, Person(ROOT))
            assert person.tokens["user"]["roles"] == ["user"]

    @pytest.mark.parametrize(
        ("change", "named"),
        [
            ({"first_admin_email": "nobody"}, "FIRST_ADMIN_EMAIL"),
            ({"first_admin_password": "short"}, "password"),
        ],
        ids=["address", "password"],
    )
    async def test_bad_settings_are_named(
        self, make: MakeSettings, clock: FakeClock, change: dict[str, str], named: str
    ) -> None:
        """A wrong address or a weak password stops the start in one line, which does
        not repeat the password."""
        settings = make(**{**FIRST, **change})
        with pytest.raises(StartupError, match=f"(?i){named}") as refused:
            async with run_app(settings, clock):
                raise AssertionError("it started")
        assert "short" not in str(refused.value).replace("too short", "")
        assert "\n" not in str(refused.value)

    async def test_at_once(self, fresh: Services, database: Database) -> None:
        """Processes that find no admin at the same moment make one and all go on."""
        await fresh.setup.ensure_roles()
        await asyncio.gather(*(fresh.setup.ensure_admin() for _ in range(4)))
        assert await admins(database) == [ROOT]


class TestDevelopmentAdmin:
    """The admin with a random password that development starts with."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """Settings for development."""
        return make(**DEVELOPMENT)

    async def test_is_shown_once_and_not_logged(
        self,
        settings: Settings,
        clock: FakeClock,
        capsys: pytest.CaptureFixture[str],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """The password is on the console at the first start, works, and is nowhere
        else."""
        with caplog.at_level("DEBUG"):
            async with run_app(settings, clock) as app:
                shown = capsys.readouterr().err
                password = shown.partition("password  ")[2].split()[0]
                assert len(password) >= 20
                person = Person("admin@example.com", password)
                root = await sign_in(app.client, person)
                assert root.tokens["user"]["roles"] == ["admin"]
            async with run_app(settings, clock):
                assert password not in "".join(capsys.readouterr())
        logged = "".join(str(vars(record)) for record in caplog.records)
        assert password not in logged

    async def test_differs_each_time(
        self, make: MakeSettings, clock: FakeClock, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """No two installations share a password."""
        for _ in range(2):
            async with run_app(make(**DEVELOPMENT), clock):
                pass
        shown = capsys.readouterr().err.split("password  ")[1:]
        assert len({text.split()[0] for text in shown}) == 2

    async def test_address_taken(
        self,
        make: MakeSettings,
        settings: Settings,
        clock: FakeClock,
        database: Database,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """An ordinary account with the address is not promoted; the log says how to
        make an admin."""
        test = settings.model_copy(update={"environment": "test"})
        async with run_app(test, clock) as app:
            await register(app.client, "admin@example.com")
        caplog.clear()
        async with run_app(settings, clock):
            assert "setup.no_admin" in caplog.messages
        assert await admins(database) == []

    async def test_at_once(
        self, fresh: Services, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Of processes that start at once one makes it, and none complains."""
        await fresh.setup.ensure_roles()
        made = await asyncio.gather(*(fresh.setup.ensure_admin() for _ in range(4)))
        assert len([admin for admin in made if admin is not None]) == 1
        assert "setup.no_admin" not in caplog.messages


class TestNoAdmin:
    """A service without any admin."""

    async def test_start_says_how_to_make_one(
        self, fresh: Services, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The log names the command; nobody is made."""
        await fresh.setup.ensure_roles()
        assert await fresh.setup.ensure_admin() is None
        [record] = [r for r in caplog.records if r.getMessage() == "setup.no_admin"]
        assert vars(record)["make_one"] == "python -m app create-admin"


class TestCreateAdmin:
    """`Setup.create_admin()`."""

    @pytest.mark.parametrize(
        ("email", "password", "error"),
        [
            ("nobody", PASSWORD, ValueError),
            ("a@example.com, b@example.com", PASSWORD, ValueError),
            ("ada@example.com", "short", PasswordTooShortError),
            (ROOT.upper(), PASSWORD, EmailTakenError),
        ],
        ids=["no address", "two addresses", "weak password", "taken"],
    )
    async def test_refused(
        self,
        services: Services,
        admin: Person,
        database: Database,
        email: str,
        password: str,
        error: type[Exception],
    ) -> None:
        """What no sign-up would take makes no admin either."""
        with pytest.raises(error):
            await services.setup.create_admin(email, password)
        assert await admins(database) == [ROOT]

    async def test_can_sign_in(self, services: Services, admin: Person) -> None:
        """The admin signs in with what was given."""
        assert admin.tokens["user"]["roles"] == ["admin"]
        assert admin.tokens["user"]["email_verified"] is True


class TestPromote:
    """`Setup.promote()`."""

    async def test_keeps_password_and_roles(
        self, services: Services, ada: Person, database: Database
    ) -> None:
        """The account becomes an admin, and stays what it was otherwise."""
        for _ in range(2):
            user = await services.setup.promote("ADA@example.com")
            assert user is not None and user.role_names == ("admin", "user")
        assert await admins(database) == ["ada@example.com"]

    async def test_unknown_address(
        self, services: Services, database: Database
    ) -> None:
        """An address without an account makes none."""
        assert await services.setup.promote("eve@example.com") is None
        async with database.reading() as session:
            assert (await session.scalars(select(User))).all() == []
