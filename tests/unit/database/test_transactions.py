"""`Database.reading()` and `Database.writing()`."""

import asyncio

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from app.core.config import Settings
from app.core.exceptions import (
    DatabaseUnavailableError,
    EmailTakenError,
    TooManyRequestsError,
)
from app.database import Changes, Database, note_change
from app.models import Role, User, new_id
from tests.support.outages import commits_fail
from tests.support.outsiders import execute, no_transaction_is_open
from tests.support.rows import names_of_roles, new_role, new_session

CALLERS = 40


async def saved(settings: Settings) -> set[str]:
    """Return the names of the roles that another program sees."""
    return {str(row[0]) for row in await execute(settings, "SELECT name FROM roles")}


async def add_role(database: Database, name: str) -> None:
    """Save a role."""
    async with database.writing() as session:
        session.add(new_role(name))


async def count_up(database: Database, name: str) -> None:
    """Read a number, and write it back one higher."""
    async with database.writing() as session:
        role = await session.get(Role, name, with_for_update=True)
        assert role is not None
        before = int(role.description or 0)
        await asyncio.sleep(0)
        role.description = str(before + 1)


class TestWriting:
    """`Database.writing()`."""

    async def test_commits_before_the_caller_goes_on(
        self, settings: Settings, database: Database
    ) -> None:
        """What the block wrote is saved when the block has ended."""
        async with database.writing() as session:
            session.add(new_role("editor"))
            await session.flush()
            assert "editor" not in await saved(settings)
        assert "editor" in await saved(settings)

    @pytest.mark.parametrize(
        "error",
        [RuntimeError(), EmailTakenError(), KeyboardInterrupt()],
        ids=["crash", "refusal", "interrupt"],
    )
    async def test_rolls_back_on_error(
        self, settings: Settings, database: Database, error: BaseException
    ) -> None:
        """An error goes on to the caller, and nothing of the block is saved."""
        with pytest.raises(type(error)) as raised:
            async with database.writing() as session:
                session.add(new_role("editor"))
                await session.flush()
                raise error
        assert raised.value is error
        assert await saved(settings) == set()
        assert await no_transaction_is_open(settings)

    async def test_keeps_writes_of_an_error_that_says_so(
        self, settings: Settings, database: Database
    ) -> None:
        """An error with `keeps_writes` goes on to the caller after the commit."""
        assert TooManyRequestsError.keeps_writes
        error = TooManyRequestsError()
        with pytest.raises(TooManyRequestsError) as raised:
            async with database.writing() as session:
                session.add(new_role("editor"))
                raise error
        assert raised.value is error
        assert await saved(settings) == {"editor"}

    async def test_rows_stay_usable_after_the_block(self, database: Database) -> None:
        """What was written can be read from the object without the database."""
        role = new_role("editor")
        async with database.writing() as session:
            session.add(role)
        assert role.name == "editor"

    async def test_savepoint_falls_with_the_transaction(
        self, settings: Settings, database: Database
    ) -> None:
        """A row written inside a SAVEPOINT does not survive the outer rollback."""
        with pytest.raises(RuntimeError):
            async with database.writing() as session:
                async with session.begin_nested():
                    session.add(new_role("editor"))
                raise RuntimeError
        assert await saved(settings) == set()

    async def test_savepoint_rolls_back_alone(
        self, settings: Settings, database: Database
    ) -> None:
        """What fails inside a SAVEPOINT leaves the rest of the transaction alone."""
        await add_role(database, "editor")
        async with database.writing() as session:
            session.add(new_role("author"))
            with pytest.raises(IntegrityError):
                async with session.begin_nested():
                    session.add(new_role("editor"))
        assert await saved(settings) == {"editor", "author"}

    async def test_foreign_keys_hold(
        self, settings: Settings, database: Database
    ) -> None:
        """A row that refers to nothing is refused, on both databases."""
        with pytest.raises(IntegrityError):
            async with database.writing() as session:
                session.add(new_session(User(id=new_id())))
        assert await execute(settings, "SELECT * FROM sessions") == []

    async def test_constraint_violation_passes(
        self, settings: Settings, database: Database
    ) -> None:
        """A broken constraint is no outage: repositories name it."""
        await add_role(database, "editor")
        with pytest.raises(IntegrityError):
            await add_role(database, "editor")
        assert await saved(settings) == {"editor"}

    async def test_errors_show_no_parameters(self, database: Database) -> None:
        """What is written may be secret, and errors stand in the log."""
        await add_role(database, "editor")
        with pytest.raises(IntegrityError, match="parameters hidden"):
            await add_role(database, "editor")


class TestConcurrentWriting:
    """Many `writing()` blocks at once."""

    async def test_no_update_is_lost(
        self, settings: Settings, database: Database
    ) -> None:
        """40 concurrent read-then-update transactions all hold."""
        await add_role(database, "counter")
        beside = Database(settings, is_owner=False)
        await asyncio.gather(
            *(count_up((database, beside)[n % 2], "counter") for n in range(CALLERS))
        )
        await beside.close()
        [(count,)] = await execute(settings, "SELECT description FROM roles")
        assert int(count) == CALLERS

    async def test_readers_do_not_wait(self, database: Database) -> None:
        """Readers answer while one writer waits for another."""
        await add_role(database, "counter")
        async with database.writing() as writer:
            await writer.get_one(Role, "counter", with_for_update=True)
            waiting = asyncio.create_task(count_up(database, "counter"))
            async with database.reading() as reader:
                role = await reader.get_one(Role, "counter")
            assert role.description == ""
            assert not waiting.done()
        await waiting


class TestFailingCommit:
    """A commit that the database does not carry out."""

    async def test_answers_503_and_leaves_nothing(
        self, settings: Settings, database: Database
    ) -> None:
        """The error is ours, and nothing is saved or left open; the change is told all
        the same, for whether it was saved is not always known."""
        heard = list[Changes]()
        database.on_change(heard.append)
        await add_role(database, "before")
        async with commits_fail(settings, "roles"):
            with pytest.raises(DatabaseUnavailableError):
                async with database.writing() as session:
                    session.add(new_role("lost"))
                    note_change(session, "lost")
        assert heard == [frozenset({"lost"})]
        assert await saved(settings) == {"before"}
        assert await no_transaction_is_open(settings)

    async def test_recovers_by_itself(
        self, settings: Settings, database: Database
    ) -> None:
        """The next write works."""
        await add_role(database, "before")
        async with commits_fail(settings, "roles"):
            with pytest.raises(DatabaseUnavailableError):
                await add_role(database, "editor")
        await add_role(database, "editor")
        assert await saved(settings) == {"before", "editor"}


class TestReading:
    """`Database.reading()`."""

    async def test_sees_one_consistent_state(self, database: Database) -> None:
        """What others commit meanwhile does not show half way through a block."""
        async with database.reading() as session:
            before = await names_of_roles(session)
            await add_role(database, "editor")
            assert await names_of_roles(session) == before
        async with database.reading() as session:
            assert await names_of_roles(session) == {"editor"}

    async def test_changes_nothing(
        self, settings: Settings, database: Database
    ) -> None:
        """A write is refused: it would never be committed."""
        with pytest.raises((DatabaseUnavailableError, SQLAlchemyError)):
            async with database.reading() as session:
                session.add(new_role("editor"))
                await session.flush()
        assert await saved(settings) == set()
        await add_role(database, "editor")
        assert await saved(settings) == {"editor"}

    async def test_rows_stay_usable_after_the_block(self, database: Database) -> None:
        """What was read can be used without the database."""
        await add_role(database, "editor")
        async with database.reading() as session:
            role = (await session.scalars(select(Role))).one()
        assert (role.name, role.permissions) == ("editor", [])


class TestNoteChange:
    """`note_change()` and `Database.on_change()`."""

    async def test_told_after_the_commit(
        self, settings: Settings, database: Database
    ) -> None:
        """Listeners hear every name once, when others can see the change."""
        heard = list[Changes]()
        seen = list[asyncio.Task[set[str]]]()
        database.on_change(heard.append)
        database.on_change(lambda _: seen.append(asyncio.create_task(saved(settings))))
        async with database.writing() as session:
            session.add(new_role("editor"))
            note_change(session, "editor", 7)
            note_change(session, "editor")
            assert heard == []
        assert heard == [frozenset({"editor", "7"})]
        assert [await task for task in seen] == [{"editor"}]

    async def test_not_told_after_a_rollback(self, database: Database) -> None:
        """What did not happen is not told."""
        heard = list[Changes]()
        database.on_change(heard.append)
        with pytest.raises(RuntimeError):
            async with database.writing() as session:
                note_change(session, "editor")
                raise RuntimeError
        assert heard == []

    async def test_told_when_an_error_keeps_its_writes(
        self, database: Database
    ) -> None:
        """A change that is saved together with a refusal is told."""
        heard = list[Changes]()
        database.on_change(heard.append)
        with pytest.raises(TooManyRequestsError):
            async with database.writing() as session:
                note_change(session, "editor")
                raise TooManyRequestsError
        assert heard == [frozenset({"editor"})]

    async def test_not_told_when_nothing_was_noted(self, database: Database) -> None:
        """A transaction that names nothing bothers nobody."""
        heard = list[Changes]()
        database.on_change(heard.append)
        await add_role(database, "editor")
        assert heard == []
