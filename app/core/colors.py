"""Colours as `#rrggbb`, and how well they can be told apart (WCAG 2.2)."""

BLACK, WHITE = "#000000", "#ffffff"

_STEPS = 100


def readable_on(color: str) -> str:
    """Return black or white, whichever can be read better on a colour.

    The contrast is at least 4.58 for one of the two.
    """
    of_black, of_white = _contrast(BLACK, color), _contrast(WHITE, color)
    return BLACK if of_black > of_white else WHITE


def lightened(color: str, against: str, ratio: float) -> str:
    """Return the colour with as little white as it needs to stand out.

    Args:
        color: What is too dark, perhaps.
        against: The dark colour that it stands on.
        ratio: The contrast that the two have at least; if even white has less, white
            is what they get.
    """
    mixed = (_with_white(color, step / _STEPS) for step in range(_STEPS))
    return next((one for one in mixed if _contrast(one, against) >= ratio), WHITE)


def _with_white(color: str, share: float) -> str:
    channels = [round(one + (255 - one) * share) for one in _channels(color)]
    return "#" + "".join(f"{one:02x}" for one in channels)


def _contrast(one: str, other: str) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    red, green, blue = (_linear(one / 255) for one in _channels(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    """Return how much light a channel gives, which sRGB stores by a curve."""
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def _channels(color: str) -> bytes:
    return bytes.fromhex(color.removeprefix("#"))
