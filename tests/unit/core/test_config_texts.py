"""Tests of `app.core.config`: settings that are lists, addresses and other text."""

from ipaddress import ip_network

import pytest

from tests.support.databases import make_settings
from tests.unit.core.conftest import Load, Refusal

ORIGIN = "https://auth.example.com"


class TestLists:
    """Settings that are lists, separated by commas."""

    @pytest.mark.parametrize(
        ("name", "value", "expected"),
        [
            ("allowed_hosts", "a.example,B.example", ("a.example", "b.example")),
            ("allowed_hosts", " a.example , [::1] ,", ("a.example", "[::1]")),
            ("allowed_hosts", ",", ()),
            ("trusted_proxies", "10.0.0.0/8,::1", ("10.0.0.0/8", "::1")),
            (
                "cors_origins",
                "https://a.example, http://localhost:3000/",
                ("https://a.example", "http://localhost:3000"),
            ),
        ],
    )
    def test_split(
        self, load: Load, name: str, value: str, expected: tuple[str, ...]
    ) -> None:
        """Blanks around entries and empty entries do not matter."""
        assert getattr(load(**{name: value}), name) == expected

    def test_secrets(self, load: Load) -> None:
        """Older secrets are kept in their order, newest first."""
        settings = load(previous_secret_keys=f"{'b' * 32}, {'a' * 32}")
        secrets = [key.get_secret_value() for key in settings.previous_secret_keys]
        assert secrets == ["b" * 32, "a" * 32]

    def test_given_as_a_tuple(self) -> None:
        """In code a tuple is taken as it is."""
        settings = make_settings("sqlite+aiosqlite:///x", allowed_hosts=("a.example",))
        assert settings.allowed_hosts == ("a.example",)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("allowed_hosts", "a.example:8000"),
            ("allowed_hosts", "[::1]:8000"),
            ("allowed_hosts", "https://a.example"),
            ("allowed_hosts", "*"),
            ("allowed_hosts", "*.example.com"),
            ("allowed_hosts", "a.example/path"),
            ("allowed_hosts", "good.example,a b"),
            ("trusted_proxies", "banana"),
            ("trusted_proxies", "10.0.0.1,10.0.0.300"),
            ("trusted_proxies", "10.0.0.0/33"),
            ("trusted_proxies", "*"),
            ("cors_origins", "*"),
            ("cors_origins", "https://*.example.com"),
            ("cors_origins", "https://a.example/path"),
            ("cors_origins", "a.example"),
            ("cors_origins", "null"),
            ("previous_secret_keys", "short"),
            ("previous_secret_keys", f"{'a' * 32},short"),
        ],
    )
    def test_refused(self, refusal: Refusal, name: str, value: str) -> None:
        """One bad entry refuses the list, in one line."""
        (line,) = refusal(**{name: value})
        assert line.startswith(f"{name.upper()}: ")


class TestNetworks:
    """TRUSTED_PROXIES, parsed."""

    def test_networks(self, load: Load) -> None:
        """Addresses are networks of one; bits behind the prefix do not matter."""
        settings = load(trusted_proxies="192.0.2.9,10.1.2.3/8,2001:db8::/32")
        assert settings.proxy_networks == (
            ip_network("192.0.2.9/32"),
            ip_network("10.0.0.0/8"),
            ip_network("2001:db8::/32"),
        )


class TestPublicUrl:
    """PUBLIC_URL."""

    @pytest.mark.parametrize(
        ("value", "public_url", "host", "https"),
        [
            (ORIGIN, ORIGIN, "auth.example.com", True),
            (f"{ORIGIN}/", ORIGIN, "auth.example.com", True),
            ("HTTPS://AUTH.Example.com", ORIGIN, "auth.example.com", True),
            (f"{ORIGIN}:8443", f"{ORIGIN}:8443", "auth.example.com", True),
            ("http://localhost:8000", "http://localhost:8000", "localhost", False),
            ("http://127.0.0.1", "http://127.0.0.1", "127.0.0.1", False),
            ("http://[::1]:8000", "http://[::1]:8000", "[::1]", False),
        ],
    )
    def test_taken(
        self, load: Load, value: str, public_url: str, host: str, https: bool
    ) -> None:
        """An origin is taken, in its one spelling."""
        settings = load(public_url=value)
        assert (settings.public_url, settings.host) == (public_url, host)
        assert settings.https is https

    @pytest.mark.parametrize(
        "value",
        [
            "auth.example.com",
            "//auth.example.com",
            "ftp://auth.example.com",
            "https://",
            "https://:8000",
            "https://[",
            f"{ORIGIN}/base",
            f"{ORIGIN}?a=b",
            f"{ORIGIN}#a",
            "https://ada@auth.example.com",
            "https://*.example.com",
            "https://auth.example.com:port",
            "https://auth.example.com:0",
            "https://auth.example.com:99999",
            "https://auth example.com",
            "https://münchen.example.com",
            "javascript:alert(1)",
        ],
    )
    def test_refused(self, refusal: Refusal, value: str) -> None:
        """Anything but scheme, host and port is refused."""
        (line,) = refusal(public_url=value)
        assert line.startswith("PUBLIC_URL: ")


class TestAppUrl:
    """APP_URL."""

    @pytest.mark.parametrize(
        "value", ["", "https://app.example.com/", "http://localhost:3000/in?from=mail"]
    )
    def test_taken(self, load: Load, value: str) -> None:
        """The address of a page is taken as it is."""
        assert load(app_url=value).app_url == value

    @pytest.mark.parametrize(
        "value",
        [
            "app.example.com",
            "//app.example.com",
            "javascript:alert(1)",
            "https://",
            "https://ada:pw@app.example.com/",
            "https://app.example.com/a b",
            "https://app.example.com/\n",
            "https://münchen.example.com/",
        ],
    )
    def test_refused(self, refusal: Refusal, value: str) -> None:
        """What browsers would not take for a page, or not for the one it looks like."""
        (line,) = refusal(app_url=value)
        assert line.startswith("APP_URL: ")


class TestOtherText:
    """The rest."""

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("service_name", "x" * 60),
            ("token_audience", "x" * 200),
            ("secret_key", "x" * 32),
            ("secret_key", "ä" * 16),
            ("database_url", "postgresql+asyncpg://ada:pw@db/cardea"),
            ("breached_passwords_url", "http://127.0.0.1:9/"),
        ],
    )
    def test_taken(self, load: Load, name: str, value: str) -> None:
        """The longest and other good values are taken as they are."""
        taken = getattr(load(**{name: value}), name)
        assert (taken.get_secret_value() if name == "secret_key" else taken) == value

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("service_name", "x" * 61),
            ("service_name", "Two\nlines"),
            ("mail_from", "nobody"),
            ("mail_from", "ada@example.com, bob@example.com"),
            ("mail_from", "Ada <ada@example.com>"),
            ("mail_templates", "/nowhere/at/all"),
            ("mail_templates", __file__),
            ("mail_color", "brown"),
            ("mail_color", "#12345"),
            ("mail_color", "#1234567"),
            ("mail_color", "#123456\n"),
            ("token_audience", "x" * 201),
            ("secret_key", "x" * 31),
            ("secret_key", "ä" * 15),
            ("database_url", "mysql://ada:pw@db/cardea"),
            ("database_url", "sqlite:///cardea.db"),
            ("database_url", "postgresql://ada:pw@db/cardea"),
            ("database_url", "sqlite+aiosqlite:///:memory:"),
            ("database_url", "sqlite+aiosqlite:///"),
            ("database_url", "sqlite+aiosqlite:///file:x.db"),
            ("database_url", "sqlite+aiosqlite:///x.db?mode=memory&uri=true"),
            ("database_url", "postgresql+asyncpg://db"),
            ("database_url", "postgresql+asyncpg://db:port/cardea"),
            ("breached_passwords_url", "ftp://example.com"),
            ("breached_passwords_url", "example.com"),
        ],
    )
    def test_refused(self, refusal: Refusal, name: str, value: str) -> None:
        """Too long, too short, or of another kind: refused by name."""
        (line,) = refusal(**{name: value})
        assert line.startswith(f"{name.upper()}: ")

    def test_color_in_capitals(self, load: Load) -> None:
        """A colour may be written in capital letters."""
        assert load(mail_color="#ABCDEF").mail_color == "#abcdef"

    def test_color_is_explained(self, refusal: Refusal) -> None:
        """How a colour is written is said in words."""
        (line,) = refusal(mail_color="brown")
        assert line == "MAIL_COLOR: must be a colour as #rrggbb, such as #7a4b12"

    def test_no_piece_of_a_password_is_said(self, refusal: Refusal) -> None:
        """A password with characters that a URL can't hold is not shown."""
        url = "postgresql+asyncpg://ada:S3cr@t:Hunter2@db.example/cardea"
        (line,) = refusal(database_url=url)
        assert "%40" in line and "S3cr" not in line and "Hunter" not in line

    @pytest.mark.parametrize(
        ("name", "default"), [("service_name", "Cardea"), ("token_audience", "cardea")]
    )
    def test_never_empty(self, name: str, default: str) -> None:
        """A name is never empty: from code, too, an empty one is as good as none."""
        settings = make_settings("sqlite+aiosqlite:///x", **{name: ""})
        assert getattr(settings, name) == default

    @pytest.mark.parametrize(
        ("url", "is_sqlite"),
        [
            ("sqlite+aiosqlite:////var/lib/cardea.db", True),
            ("postgresql+asyncpg://db/cardea", False),
        ],
    )
    def test_is_sqlite(self, load: Load, url: str, is_sqlite: bool) -> None:
        """The URL says whether the data lives in a file."""
        assert load(database_url=url).is_sqlite is is_sqlite
