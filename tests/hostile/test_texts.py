"""Text that is valid JSON but nothing to keep: NUL, half characters, odd addresses."""

import json

import httpx2
import pytest

from app.core.config import Settings
from app.database import Database
from tests.conftest import MakeSettings
from tests.hostile.calls import CALLS, LOGIN, REGISTER
from tests.support.hostile import contents, refused
from tests.support.people import API, PASSWORD, Person, register, sign_in
from tests.support.problems import fields

UNSTORABLE = {
    "nul": "before\x00after",
    "only-nul": "\x00",
    "nul-at-the-end": "ada@example.com\x00",
    "high-surrogate": "half\ud800",
    "low-surrogate": "\udfffhalf",
    "swapped-surrogates": "\udc00\ud800",
}
TEXT_FIELDS = frozenset({"email", "password", "current_password", "new_password"}) | {
    *("display_name", "description", "name", "status", "transport")
}
NOT_ONE_ADDRESS = {
    "ten-thousand-characters": "a" * 9_988 + "@example.com",
    "255-characters": f"{'a' * 60}@{'b' * 60}.{'c' * 60}.{'d' * 60}.example.com",
    "two-with-comma": "ada@example.com,eve@example.com",
    "two-with-semicolon": "ada@example.com;eve@example.com",
    "two-with-space": "ada@example.com eve@example.com",
    "two-with-new-line": "ada@example.com\neve@example.com",
    "header-injection": "ada@example.com\r\nBcc: eve@example.com",
    "display-name": "Ada <ada@example.com>",
    "angle-brackets": "<ada@example.com>",
    "two-at-signs": "ada@eve@example.com",
    "percent-route": "ada%example.com@",
    "no-at-sign": "ada.example.com",
    "no-name": "@example.com",
    "no-host": "ada@",
    "no-dot": "ada@localhost",
    "address-literal": "ada@[127.0.0.1]",
    "quoted": '"ada lovelace"@example.com',
    "comment": "ada(comment)@example.com",
    "two-dots": "ada..lovelace@example.com",
    "trailing-dot": "ada.@example.com",
    "host-with-underscore": "ada@exa_mple.com",
    "host-with-space": "ada@exam ple.com",
    "leading-space": " ada@example.com",
    "trailing-space": "ada@example.com ",
    "inner-zero-width": "a\u200bda@example.com",
    "rtl-override": "ada\u202e@example.com",
    "mailto": "mailto:ada@example.com",
    "empty": "",
}
SAME_ADDRESS = {
    "capitals": "ADA@EXAMPLE.COM",
    "full-width": "ａｄａ@example.com",
    "mathematical": "𝓪𝓭𝓪@example.com",
    "circled": "ⓐⓓⓐ@example.com",
    "full-width-host": "ada@ｅｘａｍｐｌｅ.com",
    "ideographic-dot": "ada@example。com",
    "full-width-at-sign": "ada\uff20example.com",
    "small-at-sign": "ada\ufe6bexample.com",
}
LOOK_ALIKES = {
    "cyrillic": "аda@example.com",
    "accent": "àda@example.com",
    "dotless-i": "adı@example.com",
}
LONG_PASSWORDS = {
    "73-bytes": "q" * 72 + "7",
    "128-characters": "w3" * 64,
    "128-emoji": "🦔" * 128,
    "family": "👩‍👩‍👧‍👦" * 10,
    "combining": "e\u0301" * 40,
    "spaces": " " * 5 + "between" + " " * 5,
}


@pytest.fixture
def settings(make: MakeSettings) -> Settings:
    """Without limits: many wrong requests come from one place here."""
    return make(rate_limits=False)


class TestUnstorable:
    """NUL, which PostgreSQL can't keep, and halves of characters, which UTF-8 can't."""

    @pytest.mark.parametrize("text", UNSTORABLE.values(), ids=UNSTORABLE)
    async def test_is_refused_in_every_text_field(
        self, client: httpx2.AsyncClient, admin: Person, database: Database, text: str
    ) -> None:
        """The answer is 422 and names the field; nothing is changed."""
        before = await contents(database)
        for call in CALLS:
            for name in call.body.keys() & TEXT_FIELDS:
                response = await client.request(
                    call.method,
                    call.path,
                    content=json.dumps({**call.body, name: text}),
                    headers={"Content-Type": "application/json", **admin.headers},
                )
                refused(response, 422, "validation_failed", text, PASSWORD)
                assert fields(response) == [f"body.{name}"]
        assert await contents(database) == before

    @pytest.mark.parametrize("text", UNSTORABLE.values(), ids=UNSTORABLE)
    async def test_is_refused_as_refresh_token(
        self, client: httpx2.AsyncClient, text: str
    ) -> None:
        """It is a token that we did not issue."""
        response = await client.post(
            f"{API}/auth/refresh",
            content=json.dumps({"refresh_token": f"cardea_rt_{text}"}),
            headers={"Content-Type": "application/json"},
        )
        refused(response, 401, "invalid_refresh_token", text)

    @pytest.mark.parametrize("field", ["roles", "permissions"])
    async def test_is_refused_as_role_or_permission(
        self, client: httpx2.AsyncClient, admin: Person, field: str
    ) -> None:
        """Names of roles and permissions have an alphabet of their own."""
        headers = {"Content-Type": "application/json", **admin.headers}
        for call in (call for call in CALLS if field in call.body):
            for text in UNSTORABLE.values():
                content = json.dumps({**call.body, field: [text]})
                response = await client.request(
                    call.method, call.path, content=content, headers=headers
                )
                refused(response, 422, "validation_failed", text)


class TestAddresses:
    """E-mail addresses at sign-up."""

    @pytest.mark.parametrize("email", NOT_ONE_ADDRESS.values(), ids=NOT_ONE_ADDRESS)
    async def test_not_one_valid_address(
        self, client: httpx2.AsyncClient, database: Database, email: str
    ) -> None:
        """It is refused without being repeated, and makes no account."""
        before = await contents(database)
        body = {"email": email, "password": PASSWORD}
        response = await client.post(REGISTER.path, json=body)
        refused(response, 422, "validation_failed", email, "eve@example.com")
        assert fields(response) == ["body.email"]
        assert await contents(database) == before

    async def test_signs_nobody_in(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        """What is no address is no account's: never Ada's, with her own password."""
        for name, email in NOT_ONE_ADDRESS.items():
            body = {"email": email, "password": PASSWORD}
            response = await client.post(LOGIN.path, json=body)
            assert response.status_code in (401, 422), name
            code = "invalid_credentials"
            if response.status_code == 422:
                code = "validation_failed"
            refused(response, response.status_code, code, email)

    @pytest.mark.parametrize("email", SAME_ADDRESS.values(), ids=SAME_ADDRESS)
    async def test_another_spelling_makes_no_second_account(
        self, client: httpx2.AsyncClient, ada: Person, database: Database, email: str
    ) -> None:
        """What NFKC and case make Ada's address is taken, or refused as invalid."""
        before = await contents(database)
        body = {"email": email, "password": PASSWORD}
        response = await client.post(REGISTER.path, json=body)
        assert response.status_code in (409, 422)
        status, codes = response.status_code, {409: "email_taken"}
        refused(response, status, codes.get(status, "validation_failed"), email)
        assert await contents(database) == before

    @pytest.mark.parametrize("email", LOOK_ALIKES.values(), ids=LOOK_ALIKES)
    async def test_look_alike_is_somebody_else(
        self, client: httpx2.AsyncClient, ada: Person, email: str
    ) -> None:
        """A letter of another script never opens Ada's account."""
        other = await register(client, email)
        assert other.id != ada.id
        signed_in = await sign_in(client, other)
        assert signed_in.id == other.id
        assert signed_in.tokens["user"]["email"] == email


class TestLongPasswords:
    """Passwords of more bytes than bcrypt reads."""

    @pytest.mark.parametrize("password", LONG_PASSWORDS.values(), ids=LONG_PASSWORDS)
    async def test_every_character_counts(
        self, client: httpx2.AsyncClient, password: str
    ) -> None:
        """The password opens the account; without its last character it does not."""
        body = {"email": "ada@example.com", "password": password}
        assert (await client.post(REGISTER.path, json=body)).status_code == 201
        assert (await client.post(LOGIN.path, json=body)).status_code == 200
        for wrong in {password[:-1], password + "x", password[:72]} - {password}:
            response = await client.post(LOGIN.path, json={**body, "password": wrong})
            refused(response, 401, "invalid_credentials", wrong)

    async def test_normal_forms_differ(self, client: httpx2.AsyncClient) -> None:
        """A password is taken as typed: é is not e and an accent."""
        body = {"email": "ada@example.com", "password": "caf\u00e9 au lait"}
        assert (await client.post(REGISTER.path, json=body)).status_code == 201
        body["password"] = "cafe\u0301 au lait"
        response = await client.post(LOGIN.path, json=body)
        refused(response, 401, "invalid_credentials", "au lait")

    @pytest.mark.parametrize("length", [129, 10_000, 60_000])
    async def test_too_long(
        self, client: httpx2.AsyncClient, database: Database, length: int
    ) -> None:
        """More than 128 characters are refused, not cut."""
        before = await contents(database)
        body = {"email": "ada@example.com", "password": "w3rd" * (length // 4) + "x"}
        response = await client.post(REGISTER.path, json=body)
        refused(response, 422, "password_too_long", "w3rdw3rd")
        assert await contents(database) == before

    @pytest.mark.parametrize("length", [129, 10_000, 60_000])
    async def test_too_long_at_sign_in(
        self, client: httpx2.AsyncClient, ada: Person, length: int
    ) -> None:
        """At sign-in it is just wrong, even if it begins with the right one."""
        password = (PASSWORD * 3000)[:length]
        body = {"email": ada.email, "password": password}
        response = await client.post(LOGIN.path, json=body)
        refused(response, 401, "invalid_credentials", PASSWORD)
