"""Colours that can be read, by the contrast ratio of WCAG 2.2."""

from colorsys import hls_to_rgb, rgb_to_hls

READABLE = 4.5
"""The contrast that text of the usual size needs (WCAG 2.2, 1.4.3)."""

_BLACK, _WHITE = "#000000", "#ffffff"
_STEP = 0.005


def readable_on(color: str) -> str:
    """Return black or white, whichever can be read better on a colour.

    The contrast is at least 4.58 for one of the two.
    """
    return max(_WHITE, _BLACK, key=lambda text: contrast(text, color))


def readable_variant(color: str, ground: str, ratio: float = READABLE) -> str:
    """Return a colour, made as much lighter or darker as it takes on a ground.

    Args:
        color: What may be too much like the ground.
        ground: What it stands on.
        ratio: The contrast that it has at least; up to 4.5 there is always one.
    """
    hue, lightness, saturation = rgb_to_hls(*_channels(color))
    step = _STEP if readable_on(ground) == _WHITE else -_STEP
    while contrast(color, ground) < ratio:
        lightness = min(max(lightness + step, 0.0), 1.0)
        color = _written(hls_to_rgb(hue, lightness, saturation))
    return color


def contrast(one: str, other: str) -> float:
    """Return how well one colour is told from another: 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    red, green, blue = (
        one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4
        for one in _channels(color)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _channels(color: str) -> tuple[float, float, float]:
    red, green, blue = (int(color[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return red, green, blue


def _written(channels: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(one * 255):02x}" for one in channels)
