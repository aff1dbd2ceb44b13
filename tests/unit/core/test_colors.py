"""Tests of `app.core.colors`."""

import pytest

from app.core.colors import lightened, readable_on

CARD = "#1c2029"


def luminance(color: str) -> float:
    """Return the relative luminance as the formula of WCAG 2.2 has it."""
    values = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [
        one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4
        for one in values
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(lighter: str, darker: str) -> float:
    """Return the contrast ratio of WCAG 2.2."""
    return (luminance(lighter) + 0.05) / (luminance(darker) + 0.05)


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


class TestLightened:
    """lightened()."""

    @pytest.mark.parametrize("ratio", [3, 4.5])
    @pytest.mark.parametrize(
        "color", ["#000000", "#14182b", "#7a4b12", "#0000ff", CARD]
    )
    def test_enough(self, color: str, ratio: float) -> None:
        """A colour that is too dark gets as much white as it needs, and no more."""
        lighter = lightened(color, CARD, ratio)
        assert ratio <= contrast(lighter, CARD) < ratio + 0.25

    def test_keeps_its_hue(self) -> None:
        """It stays the colour that it was: blue is blue."""
        red, green, blue = bytes.fromhex(lightened("#0000ff", CARD, 3)[1:])
        assert red == green < blue == 255

    @pytest.mark.parametrize("color", ["#ffd000", "#ffffff"])
    def test_is_light(self, color: str) -> None:
        """A colour that stands out is left as it is."""
        assert lightened(color, CARD, 3) == color

    def test_never_enough(self) -> None:
        """White is as light as it gets."""
        assert lightened("#808080", "#cccccc", 3) == "#ffffff"

    def test_capitals(self) -> None:
        """Colours may be written in capitals."""
        assert lightened("#FFD000", "#1C2029", 3) == "#ffd000"
