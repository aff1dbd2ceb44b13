"""Tests of `app.core.access_tokens`: what a token may say, even under our signature.

Every token here is well signed by our own key, so that nothing but the check of its
header or claims can refuse it.
"""

import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.core.access_tokens import AccessTokens
from app.core.encoding import encode
from tests.support.access_tokens import (
    AUDIENCE,
    CLAIMS,
    CLOCK,
    HEADER,
    ISSUER,
    KEY,
    NOW,
    RING,
    TOKEN,
    TOKENS,
    is_refused,
)
from tests.support.forging import forge

DEEP = "[" * 1_000 + "]" * 1_000
DEEPER = "[" * 2_900
"""As deep as 4 KiB allow once the rest of the token is there."""

WRONG_TYPES: dict[str, list[Any]] = {
    "iss": [1, None, True, [ISSUER], {"iss": ISSUER}],
    "sub": [1, None, True, [CLAIMS["sub"]], "", "ada", CLAIMS["sub"][:-1]],
    "aud": [1, None, True, [AUDIENCE], [AUDIENCE, "another"], {}],
    "client_id": [1, None, ["cardea"]],
    "exp": [str(NOW + 600), None, True, [NOW + 600], NOW + 600.5, 1e300, "never"],
    "iat": [str(NOW), None, True, False, [NOW], NOW + 0.5, -0.5],
    "jti": [2, None, True, [CLAIMS["jti"]], "two"],
    "sid": [3, None, True, [CLAIMS["sid"]], "three", {}],
    "gen": ["0", None, True, False, [0], 0.5],
    "auth_time": [str(NOW), None, True, [NOW]],
    "amr": ["pwd", None, 1, True, [1], [None], [["pwd"]], {"pwd": 1}],
    "roles": ["user", None, 1, True, [1], [True], [["admin"]], {"admin": True}],
    "scope": [["users:read"], None, 1, True, {}],
}


def with_claims(**changes: Any) -> str:
    """Return a token with other claims, signed by our key."""
    return forge(KEY, HEADER, {**CLAIMS, **changes})


def with_header(**changes: Any) -> str:
    """Return a token with another header, signed by our key."""
    return forge(KEY, {**HEADER, **changes}, CLAIMS)


def without(document: dict[str, Any], name: str) -> dict[str, Any]:
    """Return all members but one."""
    return {key: value for key, value in document.items() if key != name}


def extended(document: dict[str, Any], more: str) -> str:
    """Return a JSON object with more text before its closing brace."""
    return f"{json.dumps(document)[:-1]},{more}}}"


class TestHeader:
    """The protected header has `alg`, `typ` and `kid`, and nothing else."""

    @pytest.mark.parametrize("name", ["alg", "typ", "kid"])
    def test_missing(self, name: str) -> None:
        """None of the three may be missing."""
        assert is_refused(forge(KEY, without(HEADER, name), CLAIMS))

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("crit", []),
            ("crit", ["exp"]),
            ("crit", ["b64"]),
            ("b64", False),
            ("jwk", KEY.public_jwk),
            ("jku", "https://evil.example.com/jwks.json"),
            ("x5c", ["MIIB"]),
            ("x5u", "https://evil.example.com/cert.pem"),
            ("cty", "JWT"),
            ("zip", "DEF"),
            ("iss", ISSUER),
            ("Alg", "none"),
            ("", ""),
        ],
    )
    def test_more(self, name: str, value: Any) -> None:
        """No other member is taken, critical or not."""
        assert is_refused(with_header(**{name: value}))

    @pytest.mark.parametrize(
        "kind",
        [
            "JWT",
            "jwt",
            "AT+JWT",
            "at+JWT",
            "application/at+jwt",
            "at+jwt ",
            "id+jwt",
            "",
        ],
    )
    def test_other_type(self, kind: str) -> None:
        """A token of another type is no access token, whoever signed it."""
        assert is_refused(with_header(typ=kind))

    @pytest.mark.parametrize("value", [None, 1, True, ["ES256"], {"a": 1}], ids=repr)
    @pytest.mark.parametrize("name", ["alg", "typ", "kid"])
    def test_wrong_type(self, name: str, value: Any) -> None:
        """All three are text."""
        assert is_refused(with_header(**{name: value}))

    @pytest.mark.parametrize("name", ["alg", "typ", "kid"])
    def test_twice(self, name: str) -> None:
        """A member that occurs twice is refused, even with the same value."""
        again = f'"{name}": {json.dumps(HEADER[name])}'
        assert is_refused(forge(KEY, extended(HEADER, again), CLAIMS))

    def test_twice_in_another_spelling(self) -> None:
        """An escape in its name does not hide that a member occurs twice."""
        again = f'"\\u006bid": {json.dumps(KEY.kid)}'
        assert is_refused(forge(KEY, extended(HEADER, again), CLAIMS))

    @pytest.mark.parametrize(
        "header",
        [
            pytest.param([HEADER], id="array"),
            pytest.param(json.dumps(json.dumps(HEADER)), id="text"),
            pytest.param("null", id="null"),
            pytest.param("", id="nothing"),
            pytest.param("{", id="broken"),
            pytest.param(json.dumps(HEADER) + "{}", id="two objects"),
            pytest.param(b"\xef\xbb\xbf" + json.dumps(HEADER).encode(), id="BOM"),
            pytest.param(json.dumps(HEADER).encode("utf-16"), id="UTF-16"),
            pytest.param(b"\xff" + json.dumps(HEADER).encode(), id="not UTF-8"),
            pytest.param(DEEP, id="1,000 deep"),
            pytest.param("[" * 2_500, id="2,500 deep"),
            pytest.param('{"alg":' * 400 + "1" + "}" * 400, id="400 objects deep"),
            pytest.param(f'{{"kid":{DEEP}}}', id="1,000 deep inside"),
        ],
    )
    def test_not_an_object(self, header: Any) -> None:
        """A header that is no JSON object is refused, however it is not."""
        assert is_refused(forge(KEY, header, CLAIMS))

    @pytest.mark.parametrize("opening", ["[", '{"a":'])
    def test_three_thousand_deep(self, opening: str) -> None:
        """A header nested 3,000 deep is refused like any other."""
        token = f"{encode(opening.encode() * 3_000)}.{TOKEN.partition('.')[2]}"
        assert is_refused(token)


class TestClaims:
    """The payload has all our claims, of the right types, and nothing else."""

    @pytest.mark.parametrize("name", CLAIMS)
    def test_missing(self, name: str) -> None:
        """A token without any one claim is refused: no `exp` is not for ever."""
        assert is_refused(forge(KEY, HEADER, without(CLAIMS, name)))

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            pytest.param(name, value, id=f"{name}={value!r}")
            for name, values in WRONG_TYPES.items()
            for value in values
        ],
    )
    def test_wrong_type(self, name: str, value: Any) -> None:
        """A claim of another type is refused: a bool or text is no number."""
        assert is_refused(with_claims(**{name: value}))

    def test_every_claim_has_wrong_types(self) -> None:
        """No claim is left out above."""
        assert WRONG_TYPES.keys() == CLAIMS.keys()

    @pytest.mark.parametrize(
        ("name", "value"),
        [("nbf", NOW), ("nbf", NOW + 60), ("admin", True), ("SCOPE", "x"), ("", 1)],
    )
    def test_more(self, name: str, value: Any) -> None:
        """No other claim is taken."""
        assert is_refused(with_claims(**{name: value}))

    @pytest.mark.parametrize("name", CLAIMS)
    def test_twice(self, name: str) -> None:
        """A claim that occurs twice is refused, even with the same value."""
        again = f'"{name}": {json.dumps(CLAIMS[name])}'
        assert is_refused(forge(KEY, HEADER, extended(CLAIMS, again)))

    @pytest.mark.parametrize(
        "payload",
        [
            pytest.param([CLAIMS], id="array"),
            pytest.param(json.dumps(json.dumps(CLAIMS)), id="text"),
            pytest.param("null", id="null"),
            pytest.param("", id="nothing"),
            pytest.param("{}", id="empty object"),
            pytest.param("{", id="broken"),
            pytest.param(json.dumps(CLAIMS) + "{}", id="two objects"),
            pytest.param(b"\xef\xbb\xbf" + json.dumps(CLAIMS).encode(), id="BOM"),
            pytest.param(json.dumps(CLAIMS).encode("utf-16"), id="UTF-16"),
            pytest.param(json.dumps(CLAIMS).encode("utf-32-be"), id="UTF-32"),
            pytest.param(DEEP, id="1,000 deep"),
            pytest.param(DEEPER, id="2,900 deep"),
            pytest.param(extended(CLAIMS, '"exp":NaN'), id="NaN"),
            pytest.param(
                json.dumps(CLAIMS).replace(str(NOW + 600), "NaN"), id="exp is NaN"
            ),
            pytest.param(
                json.dumps(CLAIMS).replace(str(NOW + 600), "Infinity"), id="infinite"
            ),
            pytest.param(
                json.dumps(CLAIMS).replace(str(NOW + 600), "1e400"), id="overflow"
            ),
            pytest.param(
                json.dumps(CLAIMS).replace("users:read", "\\ud800"), id="surrogate"
            ),
        ],
    )
    def test_not_an_object(self, payload: Any) -> None:
        """A payload that is no JSON object of ours is refused, however it is not."""
        assert is_refused(forge(KEY, HEADER, payload))


class TestWhoseToken:
    """A token is for one service, by one issuer."""

    @pytest.mark.parametrize(
        "audience", ["", "Cardea", "cardea ", "another", "cardea,another"]
    )
    def test_other_audience(self, audience: str) -> None:
        """A token for another service is refused, close as its name may be."""
        assert is_refused(with_claims(aud=audience))

    @pytest.mark.parametrize(
        "issuer",
        ["", f"{ISSUER}/", ISSUER.upper(), "http://auth.example.com", f"{ISSUER}.evil"],
    )
    def test_other_issuer(self, issuer: str) -> None:
        """A token by another issuer is refused, even under our key."""
        assert is_refused(with_claims(iss=issuer))

    @pytest.mark.parametrize(
        ("issuer", "audience"), [("https://b.example.com", AUDIENCE), (ISSUER, "b")]
    )
    def test_at_another_service(self, issuer: str, audience: str) -> None:
        """What is good here is refused by a service with the same keys."""
        other = AccessTokens(issuer, audience, CLOCK, lambda: RING)
        TOKENS.read(TOKEN)
        assert is_refused(TOKEN, other)


class TestAnyValue:
    """Any claim with any value."""

    @settings(max_examples=300)
    @given(
        st.sampled_from([*CLAIMS, "nbf", "other"]),
        st.recursive(
            st.none()
            | st.booleans()
            | st.floats(allow_nan=False)
            | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=3),
            max_leaves=5,
        ),
    )
    def test_never_another_error(self, name: str, value: Any) -> None:
        """It is read with exactly that value, or refused as every other."""
        token = with_claims(**{name: value})
        assume(not (name in CLAIMS and type(value) is type(CLAIMS[name])))
        assert is_refused(token)
