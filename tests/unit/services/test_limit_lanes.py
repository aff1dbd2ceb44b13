"""What counts against whom in the limits."""

import asyncio
from contextlib import suppress
from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.client import Client
from app.core.emails import email_key
from app.core.exceptions import (
    AppError,
    BusyError,
    ChallengeExpiredError,
    ChallengeFailedError,
    EmailTakenError,
    InvalidCredentialsError,
    PasswordTooShortError,
    TooManyRequestsError,
)
from app.models import new_id
from app.services.limits import CODE_NETWORK, DEVICES, NETWORK, Limits
from tests.support.guesses import (
    BUSY,
    CANCELLED,
    PATIENT,
    PER_FIVE_MINUTES,
    RIGHT,
    STRANGER,
    WRONG,
    Guard,
    guarded,
    run,
)


async def guess_code(limits: Limits, client: Client) -> None:
    """Show a code that is wrong."""
    with suppress(ChallengeFailedError):
        async with limits.code_check(client):
            raise ChallengeFailedError


class TestTakenBack:
    """What does not count as a failure."""

    @pytest.mark.parametrize("outcome", [RIGHT, BUSY])
    def test_success_and_busy_cost_nothing(self, outcome: str) -> None:
        """However often they happen, all ten failures are still left."""

        async def try_on() -> None:
            for _ in range(3 * NETWORK[0].amount):
                assert await guard.attempt(outcome) is None
            for _ in range(PER_FIVE_MINUTES):
                assert await guard.attempt() is None
            assert await guard.attempt(outcome) is not None

        with guarded() as guard:
            run(try_on())

    def test_hanging_up_counts(self) -> None:
        """A caller that hangs up while its guess is checked has guessed."""

        async def hang_up() -> None:
            for _ in range(PER_FIVE_MINUTES):
                assert await guard.attempt(CANCELLED) is None
            assert await guard.attempt() is not None

        with guarded() as guard:
            run(hang_up())

    def test_attempts_under_way_count(self) -> None:
        """The eleventh of eleven at once is refused before any has ended."""

        async def at_once() -> None:
            end = asyncio.Event()
            tasks = [
                asyncio.create_task(guard.attempt(RIGHT, meanwhile=end.wait))
                for _ in range(PER_FIVE_MINUTES)
            ]
            await asyncio.sleep(0)
            assert await guard.attempt(RIGHT) is not None
            end.set()
            await asyncio.gather(*tasks)
            assert await guard.attempt(RIGHT) is None

        with guarded() as guard:
            run(at_once())

    def test_refused_attempts_cost_nothing(self) -> None:
        """Who comes too early too often waits no longer for it."""

        async def at_once() -> None:
            end = asyncio.Event()
            tasks = [
                asyncio.create_task(guard.attempt(RIGHT, meanwhile=end.wait))
                for _ in range(40)
            ]
            await asyncio.sleep(0)
            end.set()
            waits = await asyncio.gather(*tasks)
            assert waits.count(None) == PER_FIVE_MINUTES
            assert await guard.attempt(RIGHT) is None

        with guarded() as guard:
            run(at_once())

    def test_refused_attempts_cost_nobody_else(self) -> None:
        """A program that keeps trying an old password leaves its network alone."""

        async def keep_trying() -> None:
            for _ in range(NETWORK[0].amount + 1):
                await guard.attempt(account="old@example.com")
            assert await guard.attempt(account="other@example.com") is None

        with guarded() as guard:
            run(keep_trying())


class TestLanes:
    """Whose attempts count against whom."""

    def test_strangers_do_not_lock_the_owners_device_out(self) -> None:
        """With every other limit used up, a known device still gets its ten."""

        async def attack() -> None:
            for number in range(600):
                client = Client(f"203.0.113.{number % 250}")
                await guard.attempt(client=client)
            for _ in range(PER_FIVE_MINUTES):
                assert await guard.attempt(device="laptop") is None
            assert await guard.attempt(device="laptop") is not None
            assert await guard.attempt(device="phone") is None

        with guarded() as guard:
            run(attack())

    def test_devices_of_one_account_have_a_limit_together(self) -> None:
        """Whoever has collected many devices does not guess the more."""

        async def guess() -> None:
            for number in range(DEVICES[0].amount):
                assert await guard.attempt(device=f"device {number}") is None
            assert await guard.attempt(device="one more") is not None
            assert await guard.attempt(account="other@x.org", device="its") is None

        with guarded() as guard:
            run(guess())

    def test_devices_do_not_lock_strangers_out(self) -> None:
        """Failures on a known device leave the other lane as it is."""

        async def fail() -> None:
            for _ in range(20):
                await guard.attempt(device="laptop")
            assert await guard.attempt() is None

        with guarded() as guard:
            run(fail())

    @PATIENT
    @given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
    def test_one_ipv6_network_is_one_caller(self, low: int, high: int) -> None:
        """All 2^64 addresses of a /64 share a counter; its neighbour does not."""
        prefix = high << 64
        neighbour = (prefix ^ (1 << 64)) + low

        async def move_about() -> None:
            for number in range(NETWORK[0].amount):
                address = prefix + (low + number * 7919) % 2**64
                await guess(number, address)
            assert await guess(98, prefix + low) is not None
            assert await guess(99, neighbour) is None

        async def guess(number: int, address: int) -> int | None:
            client = Client(str(IPv6Address(address)))
            return await guard.attempt(account=f"u{number}@x.org", client=client)

        with guarded() as guard:
            run(move_about())

    @PATIENT
    @given(st.lists(st.sampled_from("aAａＡᴬ"), min_size=11, max_size=11))
    def test_spellings_of_one_address_share_a_counter(self, letters: list[str]) -> None:
        """Letter case and compatible letters make no new account to guess at."""

        async def spell() -> list[int | None]:
            spelt = [f"{letter}d{letter}@EXAMPLE.com" for letter in letters]
            return [await guard.attempt(account=email_key(one)) for one in spelt]

        with guarded() as guard:
            waits = run(spell())
            assert [wait is None for wait in waits] == [True] * 10 + [False]

    @PATIENT
    @given(st.text(max_size=30), st.text(max_size=30))
    def test_no_two_accounts_share_a_counter(self, one: str, other: str) -> None:
        """Whatever stands in an address, slashes too, it is counted by itself."""

        async def guess() -> None:
            for _ in range(PER_FIVE_MINUTES):
                await guard.attempt(account=one)
            refused = await guard.attempt(account=other) is not None
            assert refused == (one == other)

        with guarded() as guard:
            run(guess())


class TestOtherCounts:
    """The other things that are counted."""

    async def test_password_checks_by_session(self) -> None:
        """The holder of one session cannot use up another one's checks."""
        limits, mine, other = Limits(True), new_id(), new_id()
        for _ in range(PER_FIVE_MINUTES):
            with pytest.raises(InvalidCredentialsError):
                async with limits.password_check(mine):
                    raise InvalidCredentialsError
        with pytest.raises(TooManyRequestsError):
            async with limits.password_check(mine):
                pass
        async with limits.password_check(other):
            pass

    @pytest.mark.parametrize(
        "error",
        [
            BusyError(),
            ChallengeExpiredError(),
            PasswordTooShortError(10),
            EmailTakenError(),
        ],
        ids=lambda error: error.code,
    )
    async def test_right_codes(self, error: AppError) -> None:
        """A code that is right counts for nothing, whatever else is wrong."""
        limits = Limits(True)
        for _ in range(2 * CODE_NETWORK[0].amount):
            with pytest.raises(type(error)):
                async with limits.code_check(STRANGER):
                    raise error
            async with limits.code_check(STRANGER):
                pass

    async def test_wrong_codes_from_one_network(self) -> None:
        """Twenty in five minutes, whomever they were sent to; others have theirs."""
        limits = Limits(True)
        for _ in range(20):
            await guess_code(limits, STRANGER)
        with pytest.raises(TooManyRequestsError):
            await guess_code(limits, STRANGER)
        await guess_code(limits, Client("192.0.2.77"))

    async def test_wrong_codes_overall(self) -> None:
        """Three hundred an hour from everywhere."""
        limits = Limits(True)
        for number in range(300):
            await guess_code(limits, Client(f"192.0.{number // 10}.1"))
        with pytest.raises(TooManyRequestsError):
            await guess_code(limits, STRANGER)

    @pytest.mark.parametrize("device", [None, "known"])
    def test_mail_to_one_address(self, device: str | None) -> None:
        """One a minute and ten a day, whoever asks; the others are withheld."""

        async def ask() -> list[bool]:
            sent = []
            for number in range(12):
                client = Client(f"192.0.2.{number}")
                sent.append(await guard.limits.count_mail("ada@x.org", device, client))
                assert not await guard.limits.count_mail("ada@x.org", device, client)
                guard.now += 60
            return sent

        with guarded() as guard:
            assert asyncio.run(ask()) == [True] * 10 + [False] * 2

    def test_mail_for_one_network(self) -> None:
        """Thirty an hour and a hundred a day, whomever it is for."""

        async def ask() -> int:
            for number in range(200):
                try:
                    await guard.limits.count_mail(f"{number}@x.org", None, STRANGER)
                except TooManyRequestsError:
                    return number
                # 25 in each hour.
                guard.now += 144
            return 200

        with guarded() as guard:
            assert asyncio.run(ask()) == 100

    def test_mail_altogether(self) -> None:
        """Two hundred a minute, from everywhere to everybody."""

        async def ask() -> None:
            for number in range(200):
                client = Client(f"192.{number}.2.1")
                assert await guard.limits.count_mail(f"{number}@x.org", None, client)
            with pytest.raises(TooManyRequestsError):
                await guard.limits.count_mail("ada@x.org", None, STRANGER)

        with guarded() as guard:
            asyncio.run(ask())

    def test_mail_by_administrators(self) -> None:
        """A mail a minute and ten a day to each address, and they are told."""

        async def send() -> list[bool]:
            return [await sends() for _ in range(12)]

        async def sends() -> bool:
            guard.now += 60
            try:
                async with guard.limits.mail_by_admin("ada@x.org"):
                    return True
            except TooManyRequestsError:
                return False

        with guarded() as guard:
            assert asyncio.run(send()) == [True] * 10 + [False] * 2

    async def test_codes_given_up(self) -> None:
        """Whoever hangs up while a code is looked at has guessed."""
        limits = Limits(True)
        for _ in range(20):
            with pytest.raises(asyncio.CancelledError):
                async with limits.code_check(STRANGER):
                    raise asyncio.CancelledError
        with pytest.raises(TooManyRequestsError):
            await guess_code(limits, STRANGER)

    async def test_sign_ups(self) -> None:
        """Twenty an hour from one network; another one has its own."""
        limits = Limits(True)
        for _ in range(20):
            await limits.count_sign_up(STRANGER)
        with pytest.raises(TooManyRequestsError):
            await limits.count_sign_up(STRANGER)
        await limits.count_sign_up(Client("192.0.2.77"))

    async def test_sign_ups_overall(self) -> None:
        """A hundred a minute from everywhere."""
        limits = Limits(True)
        for number in range(100):
            await limits.count_sign_up(Client(f"192.0.2.{number}"))
        with pytest.raises(TooManyRequestsError):
            await limits.count_sign_up(STRANGER)

    async def test_refreshes_of_one_session(self) -> None:
        """Fifty tabs may ask twice in a minute, and no storm."""
        limits, session_id = Limits(True), new_id()
        for _ in range(120):
            await limits.count_refresh(session_id)
        with pytest.raises(TooManyRequestsError):
            await limits.count_refresh(session_id)
        await limits.count_refresh(new_id())

    async def test_refreshes_from_one_network(self) -> None:
        """Forged tokens too are counted, by where they come from."""
        limits = Limits(True)
        for _ in range(3000):
            await limits.count_refresh_attempt(STRANGER)
        with pytest.raises(TooManyRequestsError):
            await limits.count_refresh_attempt(STRANGER)
        await limits.count_refresh_attempt(Client("192.0.2.77"))


class TestOff:
    """RATE_LIMITS=off."""

    async def test_nobody_waits(self) -> None:
        """Nothing is counted, and nothing taken back."""
        guard = Guard(limits=Limits(False))
        for outcome in [WRONG, RIGHT, BUSY] * 200:
            assert await guard.attempt(outcome) is None
        for _ in range(200):
            await guard.limits.count_sign_up(STRANGER)
