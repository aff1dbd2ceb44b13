"""Tests of `app.core.languages`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.languages import LANGUAGES, best_language


class TestBestLanguage:
    """best_language()."""

    @pytest.mark.parametrize(
        ("accepted", "language"),
        [
            ("", "en"),
            ("de", "de"),
            ("de-AT", "de"),
            ("DE", "de"),
            ("fr, de;q=0.5", "de"),
            ("en;q=0.3, de;q=0.9", "de"),
            ("de;q=0.3, en;q=0.9", "en"),
            ("de, en", "de"),
            ("en, de", "en"),
            ("fr", "en"),
            ("*", "en"),
            ("de;q=0", "en"),
            ("de;q=x", "en"),
            ("de;level=1", "en"),
            ("de;q=nan", "en"),
            ("deutsch", "en"),
            (" de ; q=1 ", "de"),
            ("x" * 200 + ",de", "en"),
        ],
    )
    def test_picks(self, accepted: str, language: str) -> None:
        """The language with the highest weight that there is a catalogue for."""
        assert best_language(accepted) == language

    @given(st.text(max_size=300))
    def test_anything(self, accepted: str) -> None:
        """Whatever a header says, one of ours comes out."""
        assert best_language(accepted) in LANGUAGES
