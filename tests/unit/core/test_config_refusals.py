"""Tests of `app.core.config`: what production refuses, and what it says then."""

from typing import Any

import pytest
from pydantic import ValidationError

from app.core.config import Settings, explain
from app.core.setting_rules import SAMPLE_SECRET_KEY

SECRET = "a-secret-key-that-only-the-tests-know-0123456789"
SAFE = {"environment": "production", "secret_key": SECRET}

REFUSALS: dict[str, dict[str, Any]] = {
    "SECRET_KEY: production refuses the sample secret": {
        "secret_key": SAMPLE_SECRET_KEY
    },
    "PREVIOUS_SECRET_KEYS: production refuses the sample secret": {
        "previous_secret_keys": f"{SECRET},{SAMPLE_SECRET_KEY}"
    },
    "BCRYPT_ROUNDS: must be at least 10 in production": {"bcrypt_rounds": 9},
    "RATE_LIMITS: must be on in production": {"rate_limits": "off"},
    "CLOCK_OFFSET_SECONDS: must be 0 in production": {"clock_offset_seconds": 900},
    "PUBLIC_URL: must be https in production, unless it is localhost": {
        "public_url": "http://auth.example.com"
    },
    "SMTP_URL: a password must not be sent unencrypted, unless to localhost": {
        "smtp_url": "smtp://user:password@mail.example.com",
        "mail_from": "no-reply@example.com",
    },
}
"""Each line, and the setting that earns it."""

EACH_REFUSAL = pytest.mark.parametrize(
    ("line", "unsafe"), REFUSALS.items(), ids=[line.split(":")[0] for line in REFUSALS]
)


def settings_of(**values: Any) -> Settings:
    """Return settings of these values alone."""
    return Settings(_env_file=None, **values)  # type: ignore[call-arg]


def lines_of(**values: Any) -> list[str]:
    """Return what is said to settings that are refused."""
    with pytest.raises(ValidationError) as caught:
        settings_of(**values)
    return explain(caught.value)


class TestProduction:
    """ENVIRONMENT=production."""

    def test_safe(self) -> None:
        """A secret of one's own is all that production needs."""
        assert settings_of(secret_key=SECRET).environment == "production"

    @EACH_REFUSAL
    def test_refused(self, line: str, unsafe: dict[str, Any]) -> None:
        """Each unsafe setting is refused by name, with what is allowed."""
        assert lines_of(**{**SAFE, **unsafe}) == [line]

    @EACH_REFUSAL
    @pytest.mark.parametrize("environment", ["development", "test"])
    def test_allowed_elsewhere(
        self, environment: str, line: str, unsafe: dict[str, Any]
    ) -> None:
        """Outside production the same setting is allowed."""
        values = {**SAFE, **unsafe, "environment": environment}
        assert settings_of(**values).environment == environment

    @EACH_REFUSAL
    def test_refused_by_default(self, line: str, unsafe: dict[str, Any]) -> None:
        """Where nothing says what it is, it is production."""
        assert lines_of(**{"secret_key": SECRET, **unsafe}) == [line]

    @pytest.mark.parametrize(
        "public_url",
        ["http://localhost:8000", "http://127.0.0.1", "http://[::1]:8000"],
    )
    def test_this_machine(self, public_url: str) -> None:
        """http is allowed on the machine itself."""
        assert settings_of(**SAFE, public_url=public_url).https is False

    @pytest.mark.parametrize(
        "public_url",
        [
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "http://10.0.0.1",
        ],
    )
    def test_nearly_this_machine(self, public_url: str) -> None:
        """But not on a machine that is only named like it, or near."""
        (line,) = lines_of(**SAFE, public_url=public_url)
        assert line.startswith("PUBLIC_URL: must be https")

    def test_lowest_cost(self) -> None:
        """A cost of 10 is the lowest that production takes."""
        assert settings_of(**SAFE, bcrypt_rounds=10).bcrypt_rounds == 10

    @pytest.mark.parametrize("environment", ["development", "production"])
    def test_any_page_with_cookies(self, environment: str) -> None:
        """A wildcard for pages that send cookies is refused everywhere."""
        values = {**SAFE, "environment": environment, "cors_origins": "*"}
        (line,) = lines_of(**values)
        assert line.startswith("CORS_ORIGINS: ")

    def test_all_at_once(self) -> None:
        """Everything that is unsafe is said in one go."""
        unsafe: dict[str, Any] = {
            name: value for each in REFUSALS.values() for name, value in each.items()
        }
        assert lines_of(**{**SAFE, **unsafe}) == list(REFUSALS)


class TestTogether:
    """Settings that depend on each other."""

    @pytest.mark.parametrize(
        "half",
        [
            {"first_admin_email": "ada@example.com"},
            {"first_admin_password": "correct horse battery"},
        ],
        ids=["e-mail alone", "password alone"],
    )
    def test_half_an_admin(self, half: dict[str, Any]) -> None:
        """A first admin has both an e-mail address and a password."""
        assert lines_of(**SAFE, **half) == [
            "FIRST_ADMIN_EMAIL and FIRST_ADMIN_PASSWORD: set both or neither"
        ]

    def test_whole_admin(self) -> None:
        """Both are taken."""
        settings = settings_of(
            **SAFE,
            first_admin_email="ada@example.com",
            first_admin_password="correct horse battery",
        )
        assert (
            settings.first_admin_password.get_secret_value() == "correct horse battery"
        )

    def test_idle_longer_than_life(self) -> None:
        """A session that may idle longer than it may live is a mistake."""
        values = {"refresh_idle_seconds": 1_201, "refresh_max_seconds": 1_200}
        assert lines_of(**SAFE, **values) == [
            "REFRESH_IDLE_SECONDS: must not be more than REFRESH_MAX_SECONDS"
        ]
        values["refresh_idle_seconds"] = 1_200
        assert settings_of(**SAFE, **values).refresh_idle_seconds == 1_200

    def test_idle_shorter_than_an_access_token(self) -> None:
        """A session must not end while its access token is used to the end."""
        values = {"refresh_idle_seconds": 599, "access_token_seconds": 300}
        assert lines_of(**SAFE, **values) == [
            "REFRESH_IDLE_SECONDS: must be at least twice ACCESS_TOKEN_SECONDS"
        ]
        values["refresh_idle_seconds"] = 600
        assert settings_of(**SAFE, **values).refresh_idle_seconds == 600

    def test_mail_without_a_sender(self) -> None:
        """Mail that is sent comes from somebody."""
        values = {"smtp_url": "smtps://mail.example.com"}
        assert lines_of(**SAFE, **values) == [
            "MAIL_FROM: must be set where SMTP_URL is"
        ]
        values["mail_from"] = "no-reply@example.com"
        assert settings_of(**SAFE, **values).mail == "smtp"

    @pytest.mark.parametrize(
        ("values", "line"),
        [
            (
                {"email_verification": "required"},
                "EMAIL_VERIFICATION: `required` needs SMTP_URL",
            ),
            ({"mail_sign_in": True}, "MAIL_SIGN_IN: `on` needs SMTP_URL"),
        ],
        ids=["verification", "sign-in"],
    )
    def test_needs_mail(self, values: dict[str, Any], line: str) -> None:
        """What can't be done without mail is refused where none is sent."""
        assert lines_of(**SAFE, **values) == [line]
        elsewhere = {**SAFE, **values, "environment": "development"}
        assert settings_of(**elsewhere).mail == "mailbox"

    def test_with_unsafe_ones(self) -> None:
        """What does not go together is said beside what is unsafe."""
        values = {"first_admin_email": "ada@example.com", "rate_limits": False}
        assert [line.split(":")[0] for line in lines_of(**SAFE, **values)] == [
            "FIRST_ADMIN_EMAIL and FIRST_ADMIN_PASSWORD",
            "RATE_LIMITS",
        ]


class TestExplain:
    """explain()."""

    def test_missing(self) -> None:
        """A secret that is not set is asked for."""
        assert lines_of() == ["SECRET_KEY: must be set"]

    def test_one_line_each(self) -> None:
        """Every wrong setting has one line that begins with its name."""
        wrong = {"secret_key": "short", "log_level": "loud", "bcrypt_rounds": "x"}
        names = [line.split(": ")[0] for line in lines_of(**wrong)]
        assert sorted(names) == ["BCRYPT_ROUNDS", "LOG_LEVEL", "SECRET_KEY"]

    @pytest.mark.parametrize(
        "values",
        [
            {"secret_key": "hunter2"},
            {"secret_key": SECRET, "previous_secret_keys": "hunter2"},
            {"secret_key": SECRET, "first_admin_password": "hunter2"},
            {"secret_key": SECRET, "database_url": "mysql://ada:hunter2@db/cardea"},
            {"secret_key": SECRET, "public_url": "https://ada:hunter2@example.com"},
            {"secret_key": SECRET, "breached_passwords_url": "x://ada:hunter2@b"},
        ],
        ids=lambda values: list(values)[-1],
    )
    def test_no_secret(self, values: dict[str, Any]) -> None:
        """No line repeats a secret, wherever it was written; nor does the error."""
        with pytest.raises(ValidationError) as caught:
            settings_of(**values)
        assert "hunter2" not in "\n".join(explain(caught.value))
        assert "hunter2" not in str(caught.value)

    def test_no_secret_in_settings(self) -> None:
        """Settings that are printed show neither secrets nor passwords."""
        settings = settings_of(
            **SAFE,
            previous_secret_keys="an-older-secret-0123456789-0123456789",
            first_admin_email="ada@example.com",
            first_admin_password="hunter2-hunter2",
        )
        for secret in (SECRET, "an-older-secret", "hunter2"):
            assert secret not in repr(settings)
            assert secret not in settings.model_dump_json()
