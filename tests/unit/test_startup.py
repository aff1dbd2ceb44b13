"""Starting: what is refused, in one line, before anything is served."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.types import Message, Scope

from app import main
from app.core.clock import utc_now
from app.core.config import Settings
from app.core.exceptions import StartupError
from app.core.middleware import StartupGuard
from app.migrations import migrate
from tests.support.databases import make_settings
from tests.support.outsiders import execute
from tests.support.processes import (
    SERVER,
    Finished,
    environment,
    run_python,
    run_server_until_it_ends,
)
from tests.support.server import serve

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


async def _raise(error: BaseException) -> None:
    raise error


def failing(error: BaseException) -> Lifespan:
    """Return a lifespan that can't start."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await _raise(error)
        yield

    return lifespan


async def start(lifespan: Lifespan | None) -> list[Message]:
    """Run the guarded app's lifespan; return what it tells the server."""
    sent = list[Message]()
    orders = iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive() -> Message:
        return {"type": next(orders)}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    await StartupGuard(Starlette(lifespan=lifespan))(scope, receive, send)
    return sent


class TestStartupGuard:
    """`StartupGuard`."""

    async def test_good_start(self) -> None:
        """A start and a stop that go well are left alone."""
        sent = await start(None)
        assert [message["type"] for message in sent] == [
            "lifespan.startup.complete",
            "lifespan.shutdown.complete",
        ]

    async def test_refused_start(self) -> None:
        """A refusal is told in its own words, and nothing is raised."""
        sent = await start(failing(StartupError("Set SECRET_KEY.")))
        assert sent == [
            {"type": "lifespan.startup.failed", "message": "Set SECRET_KEY."}
        ]

    @pytest.mark.parametrize(
        "error", [RuntimeError("boom"), KeyboardInterrupt()], ids=["crash", "interrupt"]
    )
    async def test_crashed_start(self, error: BaseException) -> None:
        """A crash is told as a failed start and raised with its traceback."""
        sent = list[Message]()

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            return {"type": "lifespan.startup"}

        guard = StartupGuard(Starlette(lifespan=failing(error)))
        scope: Scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        with pytest.raises(type(error)):
            await guard(scope, receive, send)
        assert [message["type"] for message in sent] == ["lifespan.startup.failed"]

    async def test_silent_crash(self) -> None:
        """Where the app has not said that its start failed, nobody says it twice."""

        async def app(scope: Scope, receive: object, send: object) -> None:
            raise RuntimeError

        async def never(*_: object) -> Any:
            raise AssertionError

        with pytest.raises(RuntimeError):
            await StartupGuard(app)({"type": "lifespan"}, never, never)


class TestImport:
    """Importing `app.main`."""

    def test_reads_no_settings(self, tmp_path: Path) -> None:
        """It works without any setting, and opens nothing."""
        env = {**environment(""), "SECRET_KEY": "", "ENVIRONMENT": "nonsense"}
        done = run_python("-c", "import app.main, app.cli", cwd=tmp_path, env=env)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert list(tmp_path.iterdir()) == []

    def test_has_no_other_surprises(self) -> None:
        """Only `app` is built on demand."""
        with pytest.raises(AttributeError, match="has no attribute 'application'"):
            getattr(main, "application")


def refusal(done: Finished) -> str:
    """Expect a start that was refused without a traceback; return what was said."""
    assert done.returncode not in (0, -15), done.stderr
    assert "Traceback" not in done.stderr
    assert "running on" not in done.stderr
    return done.stderr


class TestServer:
    """`uvicorn app.main:app`, for real."""

    @pytest.fixture
    def file(self, tmp_path: Path) -> str:
        """The URL of a SQLite file that does not exist yet."""
        return f"sqlite+aiosqlite:///{tmp_path}/here.db"

    def test_second_server_is_refused(self, tmp_path: Path, file: str) -> None:
        """Two servers can't have one SQLite file; the second is told about PostgreSQL
        in one line, and the first goes on."""
        with serve(file, SERVER):
            said = refusal(run_server_until_it_ends(tmp_path, environment(file)))
        lines = [line for line in said.splitlines() if "PostgreSQL" in line]
        assert len(lines) == 1 and "here.db" in lines[0]
        with serve(file, SERVER):
            pass

    def test_wrong_settings(self, tmp_path: Path, file: str) -> None:
        """Each wrong setting is one line that names it; the exit status is 2."""
        env = environment(file, BCRYPT_ROUNDS="99", SECRET_KEY="short")
        done = run_server_until_it_ends(tmp_path, env)
        assert done.returncode == 2
        refusal(done)
        names = [line.partition(":")[0] for line in done.stderr.splitlines()]
        assert sorted(names) == ["BCRYPT_ROUNDS", "SECRET_KEY"]
        assert "short" not in done.stderr

    async def test_newer_database(self, tmp_path: Path, file: str) -> None:
        """A database that a newer version has used is refused in one line."""
        settings = make_settings(file)
        await migrate(settings)
        await execute(settings, "UPDATE alembic_version SET version_num = 'fffffe'")
        said = refusal(run_server_until_it_ends(tmp_path, environment(file)))
        assert len([line for line in said.splitlines() if "fffffe" in line]) == 1

    async def test_unexpected_failure(self, tmp_path: Path, file: str) -> None:
        """A start that crashes ends the process with an error, instead of serving an
        app that never started."""
        settings = make_settings(file)
        await migrate(settings)
        await execute(settings, "DROP TABLE user_roles")
        await execute(settings, "DROP TABLE roles")
        done = run_server_until_it_ends(tmp_path, environment(file))
        assert done.returncode not in (0, -15)
        assert "running on" not in done.stderr


class TestStop:
    """What a start has taken is given back."""

    async def test_after_a_refused_start(self, settings: Settings) -> None:
        """A start that is refused half way leaves the file to the next server."""
        refused = settings.model_copy(update={"first_admin_email": "nobody"})
        for _ in range(2):
            with pytest.raises(StartupError, match="FIRST_ADMIN_EMAIL"):
                async with main.running(refused, utc_now):
                    raise AssertionError("it started")
        async with main.running(settings, utc_now) as services:
            assert (await services.health.check()).migrated
