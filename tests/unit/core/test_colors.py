"""Tests of `app.core.colors`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.colors import READABLE, contrast, readable_on, readable_variant

COLORS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


class TestContrast:
    """contrast()."""

    @pytest.mark.parametrize(
        ("one", "other", "ratio"),
        [
            ("#000000", "#ffffff", 21.0),
            ("#ffffff", "#000000", 21.0),
            ("#7a4b12", "#7a4b12", 1.0),
            ("#777777", "#ffffff", 4.48),
            ("#0000ff", "#ffffff", 8.59),
        ],
    )
    def test_as_wcag_counts(self, one: str, other: str, ratio: float) -> None:
        """It is the ratio that WCAG 2.2 defines, whichever colour comes first."""
        assert contrast(one, other) == pytest.approx(ratio, abs=0.005)


class TestReadableOn:
    """readable_on()."""

    @pytest.mark.parametrize(
        ("color", "text"),
        [
            ("#ffffff", "#000000"),
            ("#000000", "#ffffff"),
            ("#7a4b12", "#ffffff"),
            ("#ffd000", "#000000"),
            ("#0000ff", "#ffffff"),
            ("#00ff00", "#000000"),
            ("#ff0000", "#000000"),
            # These two are next to each other, where black and white are as good.
            ("#757575", "#ffffff"),
            ("#767676", "#000000"),
        ],
    )
    def test_better_contrast(self, color: str, text: str) -> None:
        """It is the one with more contrast, as WCAG counts it."""
        assert readable_on(color) == text

    @given(COLORS)
    def test_can_be_read(self, color: str) -> None:
        """One of the two can be read on any colour."""
        assert contrast(readable_on(color), color) > READABLE


class TestReadableVariant:
    """readable_variant()."""

    @given(COLORS, COLORS)
    def test_can_be_read(self, color: str, ground: str) -> None:
        """Whatever the operator likes can be read on any ground."""
        assert contrast(readable_variant(color, ground), ground) >= READABLE

    @given(COLORS, COLORS)
    def test_stands_out(self, color: str, ground: str) -> None:
        """Less will do for what is no text; what has that is left as it is."""
        assert contrast(variant := readable_variant(color, ground, 3), ground) >= 3
        assert variant == color or contrast(color, ground) < 3

    @pytest.mark.parametrize(
        ("color", "ground", "variant"),
        [
            ("#7a4b12", "#fbfaf7", "#7a4b12"),
            ("#7a4b12", "#1c2029", "#c1771c"),
            ("#ffd000", "#fbfaf7", "#8a7000"),
            ("#ffd000", "#1c2029", "#ffd000"),
            ("#000000", "#1c2029", "#878787"),
            ("#0000ff", "#1c2029", "#7878ff"),
        ],
    )
    def test_no_more_than_needed(self, color: str, ground: str, variant: str) -> None:
        """What can be read stays as it is; the rest keeps its hue."""
        assert readable_variant(color, ground) == variant
