"""Tests of `app.core.config`: defaults, numbers, words and switches.

Lists and addresses are in `test_config_texts.py`, refusals in
`test_config_refusals.py`.
"""

from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from app.core.config import Settings
from tests.unit.core.conftest import Load, Refusal

DEFAULTS: dict[str, Any] = {
    "environment": "production",
    "previous_secret_keys": (),
    "service_name": "Cardea",
    "public_url": "http://localhost:8000",
    "app_url": "",
    "allowed_hosts": (),
    "trusted_proxies": (),
    "cors_origins": (),
    "database_url": "sqlite+aiosqlite:///./cardea.db",
    "database_timeout_seconds": 5,
    "database_pool_size": 10,
    "database_replica_url": "",
    "migrate_on_start": True,
    "redis_url": "",
    "token_audience": "cardea",
    "access_token_seconds": 600,
    "refresh_idle_seconds": 2_592_000,
    "refresh_max_seconds": 7_776_000,
    "refresh_grace_seconds": 30,
    "principal_cache": True,
    "bcrypt_rounds": 12,
    "password_min_length": 10,
    "password_queue_size": 100,
    "breached_passwords_url": "https://api.pwnedpasswords.com",
    "sign_up": "open",
    "email_verification": "optional",
    "deletion_days": 0,
    "mail_sign_in": False,
    "smtp_url": SecretStr(""),
    "mail_from": "",
    "mail_color": "#7a4b12",
    "mail_templates": "",
    "rate_limits": True,
    "first_admin_email": "",
    "first_admin_password": SecretStr(""),
    "serve_host": "127.0.0.1",
    "serve_port": 8000,
    "serve_workers": 1,
    "serve_max_connections": 4096,
    "serve_head_seconds": 10,
    "serve_body_seconds": 20,
    "serve_write_seconds": 20,
    "serve_keep_alive_seconds": 30,
    "serve_drain_seconds": 2,
    "serve_graceful_seconds": 10,
    "serve_worker_hang_seconds": 30,
    "metrics_token": SecretStr(""),
    "clock_offset_seconds": 0,
    "log_level": "info",
    "log_format": "json",
}
BOUNDS = {
    "deletion_days": (0, 90),
    "database_timeout_seconds": (1, 60),
    "database_pool_size": (1, 200),
    "access_token_seconds": (60, 3_600),
    "refresh_idle_seconds": (300, 31_536_000),
    "refresh_max_seconds": (300, 63_072_000),
    "refresh_grace_seconds": (0, 300),
    "bcrypt_rounds": (4, 16),
    "password_min_length": (8, 64),
    "password_queue_size": (1, 10_000),
    "clock_offset_seconds": (-31_536_000, 31_536_000),
    "serve_port": (0, 65_535),
    "serve_workers": (1, 64),
    "serve_max_connections": (1, 1_000_000),
}
FRACTIONS = {
    "serve_head_seconds": (0.1, 300),
    "serve_body_seconds": (0.1, 300),
    "serve_write_seconds": (0.1, 300),
    "serve_keep_alive_seconds": (0.1, 3_600),
    "serve_drain_seconds": (0, 300),
    "serve_graceful_seconds": (0, 300),
    "serve_worker_hang_seconds": (0.5, 600),
}
WORDS = {
    "environment": ["development", "test", "production"],
    "sign_up": ["open", "invite", "closed"],
    "email_verification": ["optional", "required"],
    "log_level": ["debug", "info", "warning", "error"],
    "log_format": ["json", "console"],
}
EMPTY_MEANS_OFF = ["breached_passwords_url"]
SWITCHES = ["migrate_on_start", "principal_cache", "rate_limits", "mail_sign_in"]


class TestDefaults:
    """Without a word."""

    @pytest.mark.parametrize("name", DEFAULTS)
    def test_default(self, load: Load, name: str) -> None:
        """Each setting is what the contract says."""
        assert getattr(load(), name) == DEFAULTS[name]

    def test_all(self) -> None:
        """No setting is missing above, and the secret has no default."""
        assert DEFAULTS.keys() | {"secret_key"} == Settings.model_fields.keys()
        assert Settings.model_fields["secret_key"].is_required()

    @pytest.mark.parametrize("name", [n for n in DEFAULTS if n not in EMPTY_MEANS_OFF])
    def test_empty(self, load: Load, name: str) -> None:
        """An empty variable is as good as none."""
        assert getattr(load(**{name: ""}), name) == DEFAULTS[name]

    def test_empty_means_off(self, load: Load) -> None:
        """An empty BREACHED_PASSWORDS_URL turns the check off."""
        assert load(breached_passwords_url="").breached_passwords_url == ""

    def test_unknown_variables(self, load: Load) -> None:
        """Whatever else is in the environment does not matter."""
        assert load(something_else="x").service_name == "Cardea"

    @pytest.mark.parametrize("name", Settings.model_fields)
    def test_documented(self, name: str) -> None:
        """Each setting has a description for its page."""
        assert (Settings.model_fields[name].description or "").endswith(".")

    def test_frozen(self, load: Load) -> None:
        """Settings do not change while the service runs."""
        with pytest.raises(ValidationError):
            load().environment = "test"


class TestNumbers:
    """Settings that are numbers."""

    @pytest.mark.parametrize("name", BOUNDS)
    def test_within(self, load: Load, name: str) -> None:
        """The lowest and the highest value are taken."""
        # The longest session must outlast the longest idle time, and the shortest idle
        # time two access tokens.
        rest = {"environment": "test", "refresh_max_seconds": 63_072_000}
        if name != "access_token_seconds":
            rest["access_token_seconds"] = 150
        if name == "refresh_max_seconds":
            rest["refresh_idle_seconds"] = 300
        for bound in BOUNDS[name]:
            assert getattr(load(**{**rest, name: bound}), name) == bound

    @pytest.mark.parametrize("name", BOUNDS)
    def test_beyond(self, refusal: Refusal, name: str) -> None:
        """One less or one more is refused, with the bound that counts."""
        lowest, highest = BOUNDS[name]
        (low,) = refusal(**{name: lowest - 1})
        assert low == (
            f"{name.upper()}: Input should be greater than or equal to {lowest}"
        )
        (high,) = refusal(**{name: highest + 1})
        assert high == (
            f"{name.upper()}: Input should be less than or equal to {highest}"
        )

    @pytest.mark.parametrize("value", ["many", "1.5", "0x10", "1e3", "60 s", "NaN"])
    @pytest.mark.parametrize("name", BOUNDS)
    def test_no_number(self, refusal: Refusal, name: str, value: str) -> None:
        """What is no whole number is refused."""
        (line,) = refusal(**{name: value})
        assert line.startswith(f"{name.upper()}: Input should be a valid integer")

    def test_all(self) -> None:
        """No number is missing above."""
        fields = Settings.model_fields.items()
        assert BOUNDS.keys() == {name for name, f in fields if f.annotation is int}


class TestFractions:
    """Settings that are numbers with fractions."""

    @pytest.mark.parametrize("name", FRACTIONS)
    def test_within(self, load: Load, name: str) -> None:
        """The lowest and the highest value are taken, and what is between them."""
        lowest, highest = FRACTIONS[name]
        for value in (lowest, highest, 1.25):
            assert getattr(load(**{name: value}), name) == value

    @pytest.mark.parametrize("name", FRACTIONS)
    @pytest.mark.parametrize("value", ["NaN", "inf", "many", "-0.1", "3600.1"])
    def test_refused(self, refusal: Refusal, name: str, value: str) -> None:
        """What is beyond the bounds or no number is refused."""
        (line,) = refusal(**{name: value})
        assert line.startswith(f"{name.upper()}: Input should be ")

    def test_all(self) -> None:
        """No such number is missing above."""
        fields = Settings.model_fields.items()
        assert FRACTIONS.keys() == {n for n, f in fields if f.annotation is float}


class TestWords:
    """Settings that are one of a few words."""

    @pytest.mark.parametrize(
        ("name", "word"), [(name, word) for name in WORDS for word in WORDS[name]]
    )
    def test_taken(self, load: Load, name: str, word: str) -> None:
        """Each word is taken."""
        mail = {"smtp_url": "smtp://localhost", "mail_from": "no-reply@example.com"}
        assert getattr(load(**{**mail, name: word}), name) == word

    @pytest.mark.parametrize("name", WORDS)
    def test_other(self, refusal: Refusal, name: str) -> None:
        """Any other word is refused, and all that are allowed are named."""
        (line,) = refusal(**{name: "banana"})
        assert line.startswith(f"{name.upper()}: ")
        assert all(repr(word) in line for word in WORDS[name])


class TestSwitches:
    """Settings that are on or off."""

    @pytest.mark.parametrize(
        ("value", "expected"),
        [("on", True), ("off", False), ("true", True), ("false", False), ("0", False)],
    )
    @pytest.mark.parametrize("name", SWITCHES)
    def test_taken(self, load: Load, name: str, value: str, expected: bool) -> None:
        """On and off are taken, true and false too."""
        settings = load(**{"environment": "test", name: value})
        assert getattr(settings, name) is expected

    @pytest.mark.parametrize("name", SWITCHES)
    def test_other(self, refusal: Refusal, name: str) -> None:
        """Anything else is refused, never taken for off."""
        assert refusal(**{name: "nope"}) == [f"{name.upper()}: must be on or off"]

    def test_all(self) -> None:
        """No switch is missing above."""
        fields = Settings.model_fields.items()
        assert set(SWITCHES) == {name for name, f in fields if f.annotation is bool}
