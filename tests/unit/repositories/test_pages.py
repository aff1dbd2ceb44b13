"""Pages of a listing, through the repositories that give them."""

from uuid import UUID

import pytest

from app.database import Database
from app.models import Profile, UserStatus, new_id
from app.repositories import SessionRepository, UserRepository
from app.repositories.pages import Page, PageRequest
from tests.support.rows import NOW, new_session, new_user


async def add_users(database: Database, *names: str) -> None:
    """Save accounts in this order."""
    async with database.writing() as session:
        for name in names:
            session.add(new_user(f"{name}@example.com"))
            await session.flush()


async def page(
    database: Database, limit: int, before: UUID | None = None
) -> Page[Profile]:
    """Return a page of all accounts."""
    async with database.reading() as session:
        return await UserRepository(session).page(PageRequest(limit, before))


def names(found: Page[Profile]) -> str:
    """Return the first letters of a page's addresses."""
    return "".join(user.email[0] for user in found.items)


async def walk(database: Database, limit: int) -> list[str]:
    """Return every page from the first to the last."""
    found = await page(database, limit)
    pages = [names(found)]
    while found.next_before is not None:
        found = await page(database, limit, found.next_before)
        pages.append(names(found))
    return pages


class TestFetchPage:
    """`fetch_page()`."""

    @pytest.mark.parametrize(
        ("limit", "pages"),
        [
            (1, ["f", "e", "d", "c", "b", "a"]),
            (3, ["fed", "cba"]),
            (4, ["fedc", "ba"]),
            (5, ["fedcb", "a"]),
            (6, ["fedcba"]),
            (7, ["fedcba"]),
        ],
        ids=lambda value: f"limit {value}" if isinstance(value, int) else "",
    )
    async def test_newest_first_each_once(
        self, database: Database, limit: int, pages: list[str]
    ) -> None:
        """Every row is on one page, every page but the last is full, and none empty."""
        await add_users(database, *"abcdef")
        assert await walk(database, limit) == pages

    async def test_nothing_there(self, database: Database) -> None:
        """A listing without rows is one empty page."""
        found = await page(database, 5)
        assert (found.items, found.next_before) == ([], None)

    async def test_stable_while_rows_come_in(self, database: Database) -> None:
        """What is added while somebody turns pages shifts nothing."""
        await add_users(database, *"abcd")
        first = await page(database, 2)
        await add_users(database, *"ef")
        second = await page(database, 2, first.next_before)
        assert (names(first), names(second)) == ("dc", "ba")
        assert second.next_before is None

    async def test_stable_when_the_cursors_row_goes(self, database: Database) -> None:
        """A cursor stays good although the row it was made from is deleted."""
        await add_users(database, *"abcd")
        first = await page(database, 2)
        async with database.writing() as session:
            user = await UserRepository(session).get(first.items[-1].id)
            assert user is not None
            await UserRepository(session).delete(user)
        assert names(await page(database, 2, first.next_before)) == "ba"

    async def test_with_a_filter(self, database: Database) -> None:
        """Rows that do not match take no place on a page."""
        async with database.writing() as session:
            for name in "abcdef":
                status = (UserStatus.ACTIVE, UserStatus.DISABLED)[name in "bdf"]
                session.add(new_user(f"{name}@example.com", status=status))
                await session.flush()
        async with database.reading() as session:
            repository = UserRepository(session)
            first = await repository.page(PageRequest(2), status=UserStatus.DISABLED)
            second = await repository.page(
                PageRequest(2, first.next_before), status=UserStatus.DISABLED
            )
        assert (names(first), names(second)) == ("fd", "b")
        assert second.next_before is None

    async def test_of_sessions(self, database: Database) -> None:
        """A user's sessions come in pages, without anybody else's."""
        users = [new_user(f"{name}@example.com") for name in "ab"]
        async with database.writing() as session:
            session.add_all(users)
            await session.flush()
            session.add_all(new_session(user) for user in users * 3)
        async with database.reading() as session:
            repository = SessionRepository(session)
            first = await repository.page_of_user(
                users[0].id, PageRequest(2), NOW, ended=False
            )
            rest = await repository.page_of_user(
                users[0].id, PageRequest(2, first.next_before), NOW, ended=False
            )
        rows = [*first.items, *rest.items]
        assert (len(first.items), len(rest.items)) == (2, 1)
        assert {row.user_id for row in rows} == {users[0].id}
        assert rows == sorted(rows, key=lambda row: row.id, reverse=True)


def test_ids_sort_by_age() -> None:
    """Ids made one after the other sort in that order, even within a millisecond."""
    ids = [new_id() for _ in range(5000)]
    assert ids == sorted(ids)
    assert {made.version for made in ids} == {7}
