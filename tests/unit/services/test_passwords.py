"""Which passwords `app.services.passwords` takes, without anything around it."""

from collections.abc import Iterator

import pytest

from app.core.exceptions import (
    PasswordContainsPersonalDataError,
    PasswordRefusedError,
    PasswordTooCommonError,
    PasswordTooLongError,
    PasswordTooShortError,
)
from app.core.security import HashingPool
from app.services.passwords import Passwords
from tests.support.letters import mail_settings
from tests.support.services import no_breaches


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    """The rules of a service of the usual settings."""
    pool = HashingPool(10)
    yield Passwords(mail_settings(), pool, no_breaches())
    pool.close()


class TestHashNew:
    """Passwords.hash_new()."""

    @pytest.mark.parametrize(
        ("password", "refusal"),
        [
            ("nine char", PasswordTooShortError),
            ("x" * 129, PasswordTooLongError),
            ("qwertyuiop123", PasswordTooCommonError),
            ("by lovelace's own hand", PasswordContainsPersonalDataError),
            ("Lovelace@Example.com", PasswordContainsPersonalDataError),
            ("through cardea's door", PasswordContainsPersonalDataError),
        ],
        ids=["short", "long", "common", "name", "address", "service"],
    )
    async def test_refused(
        self, passwords: Passwords, password: str, refusal: type[PasswordRefusedError]
    ) -> None:
        """What breaks a rule is refused by its own error."""
        with pytest.raises(refusal):
            await passwords.hash_new(password, "lovelace@example.com")

    @pytest.mark.parametrize(
        "password", ["x" * 10, "x" * 128], ids=["shortest", "longest"]
    )
    async def test_taken(self, passwords: Passwords, password: str) -> None:
        """The shortest and the longest are taken, and verify."""
        stored = await passwords.hash_new(password, "lovelace@example.com")
        assert await passwords.verify(password, stored)
