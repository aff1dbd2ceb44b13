"""The intruder: what it tries, when, and what it calls being let in."""

import asyncio
import json
import random
import time
from collections import Counter, deque
from datetime import UTC, datetime

import pytest

from app.core.keys import SigningKey
from tests.faults.accounts import Account, Held
from tests.faults.forbidden import (
    Attempt,
    as_line,
    by_stranger,
    feeding,
    of_ended,
    of_used_password,
)
from tests.faults.intruder import Intruder, outcome_of
from tests.faults.intrusions import Intrusions
from tests.faults.quiver import FORGED_KINDS, Quiver
from tests.faults.records import FindingKind, Target
from tests.faults.report import Recorder
from tests.faults.wire import Answer, NoAnswerError, Request
from tests.faults.worlds import Status, World
from tests.support.forging import base64url

ENOUGH = 6
TARGET = Target(("http://service",), "root@example.com", "password", 60, 30, 0)


def attempt(kind: str = "ended_access", **changes: object) -> Attempt:
    """Return something to try."""
    made = Attempt(kind, "GET", "/api/v1/users/me", {"Authorization": "Bearer x"})
    return Attempt(**{**vars(made), **changes})


def quiver_with(*attempts: Attempt) -> Quiver:
    """Return a quiver with these."""
    quiver = Quiver(random.Random(1))
    quiver.take(json.loads(feeding(list(attempts))))
    return quiver


class Door:
    """A service that answers everything in one way; a `Sender`."""

    def __init__(self, status: int | None) -> None:
        self._status = status

    async def ask(self, url: str, request: Request, deadline: float) -> Answer:
        """See `Sender.ask`."""
        await asyncio.sleep(0)
        if self._status is None:
            raise NoAnswerError("connection lost")
        return Answer(self._status, (), b'{"secret": 1}')


class TestOutcomeOf:
    """What a status means."""

    @pytest.mark.parametrize(
        ("status", "outcome"),
        [
            (200, "let_in"),
            (204, "let_in"),
            (400, "refused"),
            (401, "refused"),
            (404, "refused"),
            (429, "limited"),
            (500, "unanswered"),
            (503, "unanswered"),
        ],
    )
    def test_outcome(self, status: int, outcome: str) -> None:
        """A 503 is no refusal, and a 2xx never is."""
        assert outcome_of(status) == outcome


class TestQuiver:
    """What is tried."""

    def test_not_before_its_time(self) -> None:
        """What may still be honoured elsewhere is not tried yet."""
        assert quiver_with(attempt(after=time.monotonic() + 60)).draw() is None
        assert quiver_with(attempt(after=time.monotonic() - 1)).draw() is not None

    def test_uses(self) -> None:
        """What the service counts is not tried for ever."""
        quiver = quiver_with(attempt(uses=2))
        assert [quiver.draw() is not None for _ in range(3)] == [True, True, False]

    def test_slow_kinds(self) -> None:
        """Wrong passwords are tried now and then."""
        quiver = quiver_with(*[attempt("old_password") for _ in range(9)])
        assert [quiver.draw() is not None for _ in range(3)] == [True, False, False]

    def test_all_kinds(self) -> None:
        """Every kind has its turn, however many there are of another."""
        many = [attempt("ended_access") for _ in range(300)]
        quiver = quiver_with(*many, attempt("admin_route"))
        drawn = Counter(one.kind for _ in range(200) if (one := quiver.draw()))
        assert drawn["admin_route"] > 60

    def test_replaced(self) -> None:
        """Attempts with a token that is renewed take the place of the earlier ones."""
        quiver = quiver_with(attempt(path="/old"))
        quiver.take(json.loads(feeding([attempt(path="/new")], replace=True)))
        assert {one.path for _ in range(9) if (one := quiver.draw())} == {"/new"}

    def test_withheld(self) -> None:
        """A kind can be left out for a while."""
        quiver = quiver_with(attempt())
        quiver.take({"withhold": ["ended_access"]})
        assert quiver.draw() is None
        quiver.take({"withhold": []})
        assert quiver.draw() is not None

    def test_forgeries(self) -> None:
        """Every forgery there is, none of them the genuine token."""
        key = SigningKey.generate(datetime.now(UTC))
        head = base64url(json.dumps({"alg": "ES256", "kid": key.kid}).encode())
        claims = {"exp": 10, "iat": 5, "aud": "cardea", "sub": "x"}
        payload = base64url(json.dumps(claims).encode())
        token = f"{head}.{payload}.{base64url(bytes(range(64)))}"
        quiver = Quiver(random.Random(1))
        quiver.take({"genuine": token, "jwk": key.public_jwk})
        drawn = [one for _ in range(3000) if (one := quiver.draw())]
        assert len({str(one.headers) for one in drawn}) == 2 * len(FORGED_KINDS)
        assert f"Bearer {token}" not in [
            one.headers.get("Authorization") for one in drawn
        ]


class TestIntruder:
    """The program's work."""

    async def run(self, status: int | None, capfd: object) -> list[dict[str, object]]:
        """Run it against a door until its input ends; return what it says."""
        messages = asyncio.StreamReader()
        messages.feed_data(feeding([attempt(about="ada@example.com")]))
        intruder = Intruder(["http://service"], 1, Door(status))
        working = asyncio.create_task(intruder.run(messages))
        while intruder._counts["ended_access"].total() < ENOUGH:
            await asyncio.sleep(0.01)
        messages.feed_eof()
        await working
        written = capfd.readouterr().out  # type: ignore[attr-defined]
        return [json.loads(line) for line in written.splitlines()]

    async def test_refused(self, capfd: pytest.CaptureFixture[str]) -> None:
        """Refusals are counted."""
        *_, message = await self.run(401, capfd)
        counts = message["counts"]
        assert counts["ended_access"]["refused"] >= ENOUGH  # type: ignore[index]

    async def test_let_in(self, capfd: pytest.CaptureFixture[str]) -> None:
        """A breach is told with what is needed to follow it up."""
        breach, *_, last = await self.run(200, capfd)
        told = breach["breach"]
        assert told["about"] == "ada@example.com"  # type: ignore[index]
        assert told["server"] == "http://service"  # type: ignore[index]
        assert "let_in" in last["counts"]["ended_access"]  # type: ignore[index]

    async def test_no_answer(self, capfd: pytest.CaptureFixture[str]) -> None:
        """No answer is no refusal."""
        *_, message = await self.run(None, capfd)
        assert message["counts"]["ended_access"].keys() == {  # type: ignore[index]
            "unanswered"
        }


class TestIntrusions:
    """The load's end of it."""

    async def test_breach_is_a_finding(self) -> None:
        """What let the intruder in is found, with the account's history."""
        recorder = Recorder()
        intrusions = Intrusions(TARGET, 1, recorder)
        account = Account("ada@example.com", "10.0.0.1")
        account.history.append({"kind": "sign_out"})
        intrusions.learn(account)
        breach = {"kind": "ended_access", "method": "GET", "path": "/", "about": ADA}
        finding = intrusions._breach(breach)
        assert finding.kind is FindingKind.LET_IN
        assert finding.details["history"] == [{"kind": "sign_out"}]

    def test_only_what_has_ended_for_certain(self) -> None:
        """A session whose end is in doubt is not betrayed; one that ended is, once."""
        intrusions = Intrusions(TARGET, 1, Recorder())
        world = World(Status.ACTIVE, "password").with_session("s")
        ended = world.ended("signed_out", "s")
        account = Account(ADA, "10.0.0.1", frozenset({world, ended}))
        account.held["s"] = Held("s", "bearer", "a.b.c", 0.0, deque(["t"]))
        assert not list(intrusions._ended(account))
        account.worlds = frozenset({ended})
        assert {one.kind for one in intrusions._ended(account)} == {
            "ended_access",
            "ended_access_write",
            "ended_refresh",
        }
        assert not list(intrusions._ended(account))


ADA = "ada@example.com"


class TestForbidden:
    """What is forbidden, and since when."""

    def account(self) -> Account:
        """Return an account with a session."""
        made = Account(ADA, "10.0.0.1", id="an-id")
        made.held["s"] = Held("s", "bearer", "a.b.c", 0.0, deque(["t"]))
        return made

    def test_heard(self) -> None:
        """Other processes may honour an access token a little longer, a refresh
        token never."""
        account, now = self.account(), time.monotonic()
        attempts = list(of_ended(account, account.held["s"], heard_seconds=1.0))
        for one in attempts:
            grace = 0 if one.kind == "ended_refresh" else 1
            assert one.after >= now + grace

    def test_no_address_of_its_own(self) -> None:
        """The intruder comes from elsewhere: nobody is limited for it."""
        account = self.account()
        attempts = [
            *of_used_password(account, "old"),
            *of_ended(account, account.held["s"], 0),
            *by_stranger(account, account.held["s"], self.account()),
        ]
        assert not [one for one in attempts if "X-Forwarded-For" in one.headers]

    def test_messages_are_lines(self) -> None:
        """One message, one line."""
        assert as_line({"a": "b\nc"}).count(b"\n") == 1
