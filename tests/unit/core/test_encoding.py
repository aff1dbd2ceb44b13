"""Tests of `app.core.encoding`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.encoding import decode, encode


class TestEncode:
    """encode()."""

    @pytest.mark.parametrize(
        ("raw", "text"),
        [
            (b"", ""),
            (b"f", "Zg"),
            (b"fo", "Zm8"),
            (b"foo", "Zm9v"),
            (b"\xfb\xff", "-_8"),
        ],
    )
    def test_rfc_4648(self, raw: bytes, text: str) -> None:
        """Bytes become base64url of RFC 4648 without padding."""
        assert encode(raw) == text


class TestDecode:
    """decode()."""

    @given(st.binary(max_size=100))
    def test_round_trip(self, raw: bytes) -> None:
        """Whatever was encoded comes back."""
        assert decode(encode(raw)) == raw

    @given(st.text("ABCQZabcgwz0189-_+/= \n", max_size=12))
    def test_one_spelling(self, text: str) -> None:
        """A text is refused or is the very one that its bytes are encoded to."""
        try:
            raw = decode(text)
        except ValueError:
            return
        assert encode(raw) == text

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param("Zh", id="spare bits, 2 characters"),
            pytest.param("Zm9", id="spare bits, 3 characters"),
            pytest.param("Zg==", id="padded"),
            pytest.param("Zg=", id="half padded"),
            pytest.param("=", id="padding alone"),
            pytest.param("Z", id="impossible length"),
            pytest.param("Zm9vZ", id="impossible length, longer"),
            pytest.param("+/8", id="the other alphabet"),
            pytest.param("Zm 9v", id="blank"),
            pytest.param("Zm9v\n", id="line break"),
            pytest.param("Zm9v\x00", id="NUL"),
            pytest.param("Zm9ｖ", id="not ASCII"),
            pytest.param("\ud800", id="lone surrogate"),
        ],
    )
    def test_refused(self, text: str) -> None:
        """Anything but the one spelling is a ValueError."""
        with pytest.raises(ValueError):
            decode(text)
