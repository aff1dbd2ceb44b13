"""Which language to speak to somebody."""

LANGUAGES = ("en", "de")
"""What there are catalogues for; the first is what the templates are written in."""

MAXIMUM_LENGTH = 200


def best_language(accepted: str) -> str:
    """Return the one of our languages that an Accept-Language header likes best."""
    return preferred_language(accepted) or LANGUAGES[0]


def preferred_language(accepted: str | None) -> str | None:
    """Return the same, or None if the header names none of our languages.

    A region is left out: whoever reads `de-AT` reads `de` (RFC 9110, section 12.5.4).
    So a single tag, as somebody's locale is one, says the same as the header would.
    """
    best, weight = None, 0.0
    for part in (accepted or "")[:MAXIMUM_LENGTH].split(","):
        tag, _, parameter = part.partition(";")
        language = tag.strip().partition("-")[0].lower()
        quality = _quality(parameter)
        if language in LANGUAGES and quality > weight:
            best, weight = language, quality
    return best


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if not name:
        return 1.0
    try:
        return min(float(value), 1.0) if name == "q" else 0.0
    except ValueError:
        return 0.0
