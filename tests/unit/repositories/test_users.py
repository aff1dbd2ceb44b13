"""`UserRepository`: accounts found, filtered, unique."""

import pytest

from app.core.exceptions import EmailTakenError
from app.database import Changes, Database
from app.models import User, UserStatus, new_id
from app.repositories import UserRepository
from app.repositories.pages import PageRequest
from tests.support.rows import new_role, new_session, new_user

PEOPLE = {
    "ada@example.com": "Ada Lovelace",
    "bob@example.com": None,
    "50%@example.com": "Half Price",
    "500@example.com": "Five Hundred",
    "a_b@example.com": "Under Score",
    "axb@example.com": "No Score",
    "slash@example.com": r"Back\slash / Slash",
}


STATUS = {"ada": UserStatus.ACTIVE, "bob": UserStatus.DISABLED}


@pytest.fixture
async def people(database: Database) -> dict[str, User]:
    """Accounts with awkward names, by the part before the @."""
    users = {}
    async with database.writing() as session:
        for email, name in PEOPLE.items():
            user = new_user(email, display_name=name)
            session.add(user)
            await session.flush()
            users[email.partition("@")[0]] = user
    return users


async def search(database: Database, **filters: object) -> set[str]:
    """Return the part before the @ of every account that matches."""
    async with database.reading() as session:
        found = await UserRepository(session).page(
            PageRequest(), **filters  # type: ignore[arg-type]
        )
    return {user.email.partition("@")[0] for user in found.items}


@pytest.mark.usefixtures("people")
class TestSearch:
    """`UserRepository.page(text=...)`."""

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("ada", {"ada"}),
            ("ADA", {"ada"}),
            ("lovelace", {"ada"}),
            ("LoveLace", {"ada"}),
            ("50%", {"50%"}),
            ("%", {"50%"}),
            ("a_b", {"a_b"}),
            ("_", {"a_b"}),
            ("/", {"slash"}),
            ("\\", {"slash"}),
            ("' OR 1=1 --", set()),
            ("nobody", set()),
        ],
        ids=[
            "email",
            "email in capitals",
            "name",
            "name in another case",
            "percent with text",
            "percent alone",
            "underscore with text",
            "underscore alone",
            "slash",
            "backslash",
            "SQL",
            "nobody",
        ],
    )
    async def test_by_text(
        self, database: Database, text: str, expected: set[str]
    ) -> None:
        """Text is found in address and name, whatever its case; no sign is special."""
        assert await search(database, text=text) == expected

    async def test_without_text(self, database: Database) -> None:
        """An empty text is no filter."""
        everybody = {email.partition("@")[0] for email in PEOPLE}
        assert await search(database, text="") == everybody
        assert await search(database) == everybody


class TestFilters:
    """`UserRepository.page(role=..., status=...)`."""

    @pytest.fixture(autouse=True)
    async def editors(self, database: Database, people: dict[str, User]) -> None:
        """Ada and Bob are editors; Bob is disabled."""
        async with database.writing() as session:
            role = new_role("editor")
            session.add(role)
            for name in ("ada", "bob"):
                user = await UserRepository(session).get(people[name].id)
                assert user is not None
                user.roles = [role]
                user.status = STATUS[name]

    async def test_by_role(self, database: Database) -> None:
        """Only who has the role is listed; a role that nobody has lists nobody."""
        assert await search(database, role="editor") == {"ada", "bob"}
        assert await search(database, role="edit") == set()

    async def test_by_status(self, database: Database) -> None:
        """Only accounts of this status are listed."""
        assert await search(database, status=UserStatus.DISABLED) == {"bob"}
        assert "bob" not in await search(database, status=UserStatus.ACTIVE)

    async def test_together(self, database: Database) -> None:
        """Every filter must match."""
        active = UserStatus.ACTIVE
        assert await search(database, role="editor", status=active) == {"ada"}
        assert await search(database, role="editor", text="bob") == {"bob"}
        assert await search(database, role="editor", text="axb") == set()

    async def test_roles_come_with_the_account(
        self, database: Database, people: dict[str, User]
    ) -> None:
        """What is read can be used without the database."""
        async with database.reading() as session:
            ada = await UserRepository(session).get(people["ada"].id)
        assert ada is not None and ada.role_names == ("editor",)


class TestRead:
    """read() and read_with_session()."""

    async def test_same_as_the_row(
        self, database: Database, people: dict[str, User]
    ) -> None:
        """An account that is read is the row, with its roles and what they allow."""
        row = people["ada"]
        async with database.writing() as session:
            user = await UserRepository(session).get(row.id)
            assert user is not None
            user.roles = [new_role("b", ["x:y", "x:z"]), new_role("a", ["x:y"])]
        async with database.reading() as session:
            ada = await UserRepository(session).read(row.id)
        assert ada is not None
        assert ada.role_names == ("a", "b")
        assert ada.permissions == {"x:y", "x:z"}
        for name in ("id", "email", "display_name", "password_hash", "created_at"):
            assert getattr(ada, name) == getattr(row, name)

    async def test_without_roles(
        self, database: Database, people: dict[str, User]
    ) -> None:
        """Who has no role may do nothing."""
        async with database.reading() as session:
            ada = await UserRepository(session).read(people["ada"].id)
        assert ada is not None
        assert (ada.role_names, ada.permissions) == ((), frozenset())

    async def test_with_a_session(
        self, database: Database, people: dict[str, User]
    ) -> None:
        """A session comes with its own user, and with nobody else."""
        row = new_session(people["ada"])
        async with database.writing() as session:
            session.add(row)
        async with database.reading() as session:
            users = UserRepository(session)
            found = await users.read_with_session(people["ada"].id, row.id)
            assert await users.read_with_session(people["bob"].id, row.id) is None
        assert found is not None and found[0].id == people["ada"].id
        for name in ("id", "user_id", "generation", "confirmed", "expires_at"):
            assert getattr(found[1], name) == getattr(row, name)


class TestUniqueAddress:
    """One account per address."""

    @pytest.mark.parametrize(
        "again",
        ["ada@example.com", "ADA@EXAMPLE.COM", "ａｄａ@example.com"],
        ids=["same", "capitals", "wide letters"],
    )
    async def test_is_taken(
        self, database: Database, people: dict[str, User], again: str
    ) -> None:
        """However it is spelt, the second account is refused and the first stays."""
        with pytest.raises(EmailTakenError):
            async with database.writing() as session:
                await UserRepository(session).add(new_user(again))
        async with database.reading() as session:
            found = await UserRepository(session).find_by_email(again)
        assert found is not None and found.id == people["ada"].id

    async def test_of_nobody(self, database: Database) -> None:
        """An unknown address or id belongs to nobody."""
        async with database.reading() as session:
            repository = UserRepository(session)
            assert await repository.find_by_email("eve@example.com") is None
            assert await repository.get(new_id()) is None
        async with database.writing() as session:
            assert await UserRepository(session).lock(new_id()) is None


class TestDelete:
    """`UserRepository.delete()`."""

    async def test_is_told(self, database: Database, people: dict[str, User]) -> None:
        """Who keeps copies of a deleted account learns of it."""
        heard = list[Changes]()
        database.on_change(heard.append)
        ada = people["ada"]
        async with database.writing() as session:
            user = await UserRepository(session).get(ada.id)
            assert user is not None
            await UserRepository(session).delete(user)
        assert heard == [frozenset({str(ada.id)})]
        assert await search(database, text="ada") == set()
