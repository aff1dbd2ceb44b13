"""Pre-hijacking: what somebody prepares on an account before its owner comes.

Avinash Sudhodanan and Andrew Paverd, "Pre-hijacked accounts" (USENIX Security 2022),
have five recipes. Two of them do not apply as they stand, as nobody signs in by another
service here. Instead of "classic-federated merge", the owner signs in by mail to an
account that a stranger has made with a password. Instead of "non-verifying identity
provider", it is a sign-up that nobody has proven yet, in either mode.

The owner comes in each way that gives them the account. Who only confirms the address
of an account that is there already takes nobody's password away, as docs/mail.md says;
where that would let them be signed in beside the stranger, a click does not confirm it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2
import pytest

from app.core.config import Settings
from app.services.container import Services
from tests.conftest import MakeSettings
from tests.security.hijacking import (
    CHANGE,
    MAGIC,
    OWNER,
    OWNERS_PASSWORD,
    RESET,
    STRANGER,
    VERIFY,
    Hijacker,
    Owner,
)
from tests.support.apps import RunningApp, browse
from tests.support.mailbox import last_mail, prove
from tests.support.people import API, PASSWORD, Person, sign_in
from tests.support.problems import problem

Arrive = Callable[[Owner, str], Awaitable[Person]]

ARRIVALS = pytest.mark.parametrize(
    ("arrive", "way"),
    [
        (Owner.reset, "link"),
        (Owner.reset, "code"),
        (Owner.sign_in_by_mail, "link"),
        (Owner.sign_in_by_mail, "code"),
    ],
    ids=["reset by link", "reset by code", "sign-in by link", "sign-in by code"],
)
WAYS = pytest.mark.parametrize("way", ["link", "code"])


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """All that has to do with mail, several of them in one minute."""
    return make(rate_limits=False, mail_sign_in=True, deletion_days=14)


@pytest.fixture
async def stranger(running: RunningApp, services: Services) -> AsyncIterator[Hijacker]:
    """Who comes first."""
    async with browse(running.app, "198.51.100.7") as client:
        yield Hijacker(client, services)


@pytest.fixture
def owner(client: httpx2.AsyncClient, services: Services) -> Owner:
    """Who reads the address."""
    return Owner(client, services)


class TestClassicMerge:
    """A stranger has signed up with the owner's address and a password."""

    @ARRIVALS
    async def test_nothing_opens(
        self, stranger: Hijacker, owner: Owner, arrive: Arrive, way: str
    ) -> None:
        """Once the owner comes, the account is theirs, and the password opens it
        no more."""
        await stranger.register(OWNER)
        ada = await arrive(owner, way)
        assert await stranger.what_opens() == []
        assert await owner.has_it_alone(ada)

    async def test_everything_opened_before(self, stranger: Hijacker) -> None:
        """Until then it does, as do all the sessions: these tests can fail."""
        await stranger.register(OWNER)
        assert set(await stranger.what_opens()) == {
            "access token",
            "refresh token",
            "access cookie",
            "refresh cookie",
            f"password at {OWNER}",
        }


class TestUnexpiredSession:
    """A stranger keeps sessions alive, and mail that was asked for."""

    @ARRIVALS
    async def test_nothing_opens(
        self, stranger: Hijacker, owner: Owner, arrive: Arrive, way: str
    ) -> None:
        """None outlives the owner's arrival, refreshed or not."""
        mallory = await stranger.register(OWNER)
        body = {"refresh_token": mallory.refresh_token}
        later = await stranger.client.post(f"{API}/auth/refresh", json=body)
        stranger.people.append(Person(OWNER, PASSWORD, mallory.id, later.json()))
        ada = await arrive(owner, way)
        assert await stranger.what_opens() == []
        assert await owner.has_it_alone(ada)

    @ARRIVALS
    async def test_mail_from_before(
        self, stranger: Hijacker, owner: Owner, arrive: Arrive, way: str
    ) -> None:
        """Nor does any mail from before, even if its code could be guessed."""
        await stranger.register(OWNER)
        await stranger.ask("email/resend", VERIFY, email=OWNER)
        await stranger.ask("password/forgot", RESET, email=OWNER)
        await stranger.ask("magic", MAGIC, email=OWNER)
        ada = await arrive(owner, way)
        assert await stranger.what_opens() == []
        assert await owner.has_it_alone(ada)


class TestPressedButton:
    """The owner presses the button in the mail that a stranger's sign-up sent."""

    @pytest.mark.parametrize("password", [None, OWNERS_PASSWORD])
    async def test_is_not_enough(
        self, stranger: Hijacker, owner: Owner, password: str | None
    ) -> None:
        """The address stays unproven, so that the account is the owner's alone once
        they sign in by mail."""
        await stranger.register(OWNER)
        body = await owner.proof("link") | ({"password": password} if password else {})
        refused = await owner.client.post(f"{API}/auth/{VERIFY}", json=body)
        problem(refused, 403, "sign_up_password_needed")
        ada = await owner.sign_in_by_mail("link")
        assert await stranger.what_opens() == []
        assert await owner.has_it_alone(ada)

    async def test_with_the_password(self, stranger: Hijacker, owner: Owner) -> None:
        """With the password of the sign-up it is."""
        await stranger.register(OWNER)
        body = await owner.proof("link") | {"password": PASSWORD}
        await owner.post(VERIFY, **body)


class TestTrojanIdentifier:
    """A stranger ties the owner's address and one of their own to one account."""

    @WAYS
    async def test_own_account_towards_the_owners(
        self, stranger: Hijacker, owner: Owner, way: str
    ) -> None:
        """An account of their own does not get the address that the owner has come
        with, even if the code could be guessed."""
        mallory = await stranger.register(STRANGER)
        await stranger.ask_to_move(mallory, OWNER)
        ada = await owner.sign_in_by_mail(way)
        assert ada.id != mallory.id
        for door, proof in stranger.proofs:
            body = stranger.body(door, proof)
            answer = await stranger.client.post(f"{API}/auth/{door}", json=body)
            problem(answer, 409, "email_taken")
        assert await owner.has_it_alone(ada)

    @pytest.mark.parametrize("password", [None, OWNERS_PASSWORD])
    async def test_owner_is_not_led_into_it(
        self, stranger: Hijacker, owner: Owner, password: str | None
    ) -> None:
        """Nor does the owner give it to them by the link in the mail: the address stays
        free for an account of the owner's own."""
        mallory = await stranger.register(STRANGER)
        await stranger.ask_to_move(mallory, OWNER)
        body = await owner.proof("link") | ({"password": password} if password else {})
        refused = await owner.client.post(f"{API}/auth/{CHANGE}", json=body)
        problem(refused, 403, "account_password_needed")
        ada = await owner.sign_in_by_mail("code")
        assert ada.id != mallory.id
        assert await owner.has_it_alone(ada)

    @WAYS
    async def test_moved_away(self, stranger: Hijacker, owner: Owner, way: str) -> None:
        """An account that they made with the owner's address, and moved to their own
        and on, keeps nothing of it: the owner gets one of their own."""
        mallory = await stranger.register(OWNER)
        await stranger.move(mallory, STRANGER)
        await stranger.move(mallory, "mallory@example.net")
        assert len(stranger.proofs) == 1
        ada = await owner.sign_in_by_mail(way)
        assert ada.id != mallory.id
        assert await owner.has_it_alone(ada)
        door, undo = stranger.proofs[0]
        await stranger.client.post(f"{API}/auth/{door}", json=undo)
        assert await owner.has_it_alone(ada)

    async def test_taken_over(self, stranger: Hijacker, owner: Owner) -> None:
        """An account that the owner has proven, and they have moved to their own
        address and on, is the owner's once it is undone: they can't undo that."""
        mallory = await prove(owner.services, await stranger.register(OWNER))
        await stranger.move(mallory, STRANGER)
        took = await owner.proof("link")
        await stranger.move(mallory, "mallory@example.net")
        assert len(stranger.proofs) == 1
        await owner.post("email/undo", **took)
        assert await stranger.what_opens() == []
        body = {**await owner.proof("link"), "new_password": OWNERS_PASSWORD}
        await owner.post(RESET, **body)
        ada = await sign_in(owner.client, Person(OWNER, OWNERS_PASSWORD))
        assert ada.id == mallory.id
        assert await stranger.what_opens() == []
        assert await owner.has_it_alone(ada)

    async def test_notice_to_the_stranger(
        self, running: RunningApp, stranger: Hijacker, owner: Owner
    ) -> None:
        """What the account's notices told the stranger's address signs nobody out once
        the owner has it back."""
        mallory = await prove(owner.services, await stranger.register(OWNER))
        await stranger.move(mallory, STRANGER)
        took = await owner.proof("link")
        async with browse(running.app, "203.0.113.99") as elsewhere:
            await sign_in(elsewhere, mallory)
        told = await last_mail(owner.services, STRANGER)
        assert told.kind == "new_device"
        await owner.post("email/undo", **took)
        body = {**await owner.proof("link"), "new_password": OWNERS_PASSWORD}
        await owner.post(RESET, **body)
        ada = await sign_in(owner.client, Person(OWNER, OWNERS_PASSWORD))
        path = f"{API}/auth/logout-others"
        problem(
            await stranger.client.post(path, json=told.by_link),
            410,
            "challenge_cancelled",
        )
        assert await owner.has_it_alone(ada)


class TestUnexpiredChange:
    """A stranger has begun to change the address of an account to their own."""

    @ARRIVALS
    async def test_nothing_opens(
        self, stranger: Hijacker, owner: Owner, arrive: Arrive, way: str
    ) -> None:
        """Once the owner has come, neither link nor code of that change works."""
        mallory = await stranger.register(OWNER)
        await stranger.ask_to_move(mallory, STRANGER)
        ada = await arrive(owner, way)
        assert ada.id == mallory.id
        for door, proof in stranger.proofs:
            body = stranger.body(door, proof)
            answer = await stranger.client.post(f"{API}/auth/{door}", json=body)
            problem(answer, 410, "challenge_cancelled")
        assert await stranger.what_opens() == []
        assert await owner.has_it_alone(ada)

    @ARRIVALS
    async def test_none_begins_later(
        self, stranger: Hijacker, owner: Owner, arrive: Arrive, way: str
    ) -> None:
        """Nor does one begin any more."""
        mallory = await stranger.register(OWNER)
        await arrive(owner, way)
        body = {"email": STRANGER, "current_password": PASSWORD}
        path = f"{API}/users/me/email"
        late = await stranger.client.post(path, json=body, headers=mallory.headers)
        problem(late, 401, "session_ended")

    async def test_deletion(self, stranger: Hijacker, owner: Owner) -> None:
        """An account that they delete does not wait: the owner signs up at once, and
        what they had opens nothing then either."""
        mallory = await stranger.register(OWNER)
        await stranger.ask_to_move(mallory, STRANGER)
        body, path = {"password": PASSWORD}, f"{API}/users/me"
        await stranger.client.request(
            "DELETE", path, json=body, headers=mallory.headers
        )
        await owner.post("register", email=OWNER, password=OWNERS_PASSWORD)
        await owner.post(VERIFY, **await owner.proof("code"))
        ada = await sign_in(owner.client, Person(OWNER, OWNERS_PASSWORD))
        assert await stranger.what_opens() == []
        assert await owner.has_it_alone(ada)


class TestNobodyHasProven:
    """A stranger's sign-up waits for the owner's address to be proven."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """An account is made when its address is proven."""
        return make(email_verification="required", rate_limits=False, mail_sign_in=True)

    @WAYS
    async def test_owner_signs_up_too(
        self, stranger: Hijacker, owner: Owner, way: str
    ) -> None:
        """The owner's sign-up becomes the account, and the stranger's nothing, even
        if its code could be guessed."""
        await stranger.ask("register", VERIFY, email=OWNER, password=PASSWORD)
        await owner.post("register", email=OWNER, password=OWNERS_PASSWORD)
        along = {"password": OWNERS_PASSWORD} if way == "link" else {}
        await owner.post(VERIFY, **await owner.proof(way), **along)
        ada = await sign_in(owner.client, Person(OWNER, OWNERS_PASSWORD))
        assert await stranger.what_opens() == []
        assert await owner.has_it_alone(ada)

    @WAYS
    async def test_owner_signs_in_by_mail(
        self, stranger: Hijacker, owner: Owner, way: str
    ) -> None:
        """So is the account of who signs in by mail without having signed up."""
        await stranger.ask("register", VERIFY, email=OWNER, password=PASSWORD)
        ada = await owner.sign_in_by_mail(way)
        assert await stranger.what_opens() == []
        assert await owner.has_it_alone(ada)

    @pytest.mark.parametrize("password", [None, OWNERS_PASSWORD])
    async def test_owner_presses_the_button(
        self, stranger: Hijacker, owner: Owner, password: str | None
    ) -> None:
        """By the link in the stranger's mail the owner makes no account of it."""
        await stranger.ask("register", VERIFY, email=OWNER, password=PASSWORD)
        body = await owner.proof("link") | ({"password": password} if password else {})
        refused = await owner.client.post(f"{API}/auth/{VERIFY}", json=body)
        problem(refused, 403, "sign_up_password_needed")
        body = {"email": OWNER, "password": PASSWORD}
        waiting = await stranger.client.post(f"{API}/auth/login", json=body)
        problem(waiting, 403, "email_not_verified")


class TestOwnersCode:
    """A stranger has an account with the owner's address, where people sign in by
    mail; the owner has the mail that proves it sent again, and enters its code."""

    @pytest.fixture
    def settings(self, make: MakeSettings) -> Settings:
        """Reading an address is enough to be signed in to what is there."""
        return make(rate_limits=False, mail_sign_in=True)

    async def test_proves_nobody_elses_account(
        self, stranger: Hijacker, owner: Owner
    ) -> None:
        """It shows who asked for that mail, not who signed up: without the password of
        the sign-up it proves nothing, and the account becomes the owner's alone."""
        await stranger.register(OWNER)
        await owner.post("email/resend", email=OWNER)
        proof = await owner.proof("code")
        refused = await owner.client.post(f"{API}/auth/{VERIFY}", json=proof)
        problem(refused, 403, "sign_up_password_needed")
        ada = await owner.sign_in_by_mail("code")
        assert await stranger.what_opens() == []
        assert await owner.has_it_alone(ada)

    async def test_proves_ones_own(self, owner: Owner) -> None:
        """Who asks with what the sign-up's answer said need not say the password."""
        signed_up = await owner.post("register", email=OWNER, password=PASSWORD)
        named = signed_up.headers["cardea-challenge"]
        await owner.post("email/resend", email=OWNER, challenge_id=named)
        proven = await owner.post(VERIFY, **await owner.proof("code"))
        assert proven.json()["email_verified"] is True
