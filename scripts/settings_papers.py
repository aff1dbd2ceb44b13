"""The papers that are made from the settings: docs/configuration.md, .env.example."""

import textwrap
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo

from app.core.config import Settings, explain
from app.core.setting_rules import SAMPLE_SECRET_KEY

_CONFIGURATION = """\
# Configuration

<!-- Made by `python -m scripts.write_docs` from app/core/settings. -->

Settings come from environment variables, or from a file `.env` in the working
directory; the environment wins. An empty variable counts as not set, except
BREACHED_PASSWORDS_URL, where it means off. A wrong value stops the start with one line
per setting, which names it and says what is allowed, and exit status 2. What only the
start can find out, such as a database that can't be reached, is one line in the log and
exit status 3; the other commands of `cardea` print it and end with status 1.
[.env.example](../.env.example) has them all to copy from.

| setting | default | allowed |
|---|---|---|
{rows}

{sections}

## What production refuses

With `ENVIRONMENT=production`, which is the default, the service does not start with:

{refusals}

Nor does it start where mail is needed and could not be sent:

{mail_refusals}

Wherever it runs, `CORS_ORIGINS` takes no wildcard: pages of these origins act with the
user's cookies.
"""

_EXAMPLE_HEAD = """\
# Every setting there is, with its default. Copy this file to `.env` in the folder the
# service runs in (not over the clone's `.env`, which git tracks), take the `#` away in
# front of what you change, and set SECRET_KEY; or set the same names in the
# environment, which wins. docs/configuration.md says the same at more length.
# Made by `python -m scripts.write_docs` from app/core/settings.
"""

_TEXT = "text"
_LIST = "list, separated by commas"
_DURATIONS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


def configuration() -> str:
    """Return docs/configuration.md."""
    fields = Settings.model_fields
    return _CONFIGURATION.format(
        rows="\n".join(_row(name, field) for name, field in fields.items()),
        sections="\n\n".join(_section(name, field) for name, field in fields.items()),
        refusals="\n".join(f"- {_as_code(line)}" for line in production_refusals()),
        mail_refusals="\n".join(f"- {_as_code(line)}" for line in mail_refusals()),
    )


def env_example() -> str:
    """Return .env.example."""
    settings = (_example(name, field) for name, field in Settings.model_fields.items())
    return _EXAMPLE_HEAD + "".join(settings)


def default_settings(**changes: Any) -> Settings:
    """Return settings that do not depend on where this runs."""
    values: dict[str, Any] = {
        name: field.default
        for name, field in Settings.model_fields.items()
        if not field.is_required()
    }
    values["secret_key"] = SecretStr("only-papers-are-made-with-this-secret-key")
    return Settings(_env_file=None, **(values | changes))  # type: ignore[call-arg]


def production_refusals() -> list[str]:
    """Return what production says to a start in which everything is unsafe."""
    sample = SecretStr(SAMPLE_SECRET_KEY)
    return _refusals(
        secret_key=sample,
        previous_secret_keys=(sample,),
        bcrypt_rounds=4,
        rate_limits=False,
        clock_offset_seconds=1,
        public_url="http://auth.example.com",
        smtp_url=SecretStr("smtp://user:password@mail.example.com"),
        mail_from="no-reply@example.com",
    )


def mail_refusals() -> list[str]:
    """Return what production says where mail is needed and can't be sent."""
    needing = _refusals(
        email_verification="required", mail_sign_in=True, deletion_days=1
    )
    return needing + _refusals(smtp_url=SecretStr("smtps://mail.example.com"))


def _refusals(**changes: Any) -> list[str]:
    try:
        # An address that production takes, unless that is what is to be refused.
        default_settings(**{"public_url": "https://auth.example.com", **changes})
    except ValidationError as error:
        return explain(error)
    raise AssertionError("production refuses nothing")


def plain_default(field: FieldInfo) -> str:
    """Return the default as it is written in the environment."""
    if field.is_required():
        return ""
    if isinstance(field.default, bool):
        return "on" if field.default else "off"
    if isinstance(field.default, SecretStr):
        return field.default.get_secret_value()
    return "" if field.default == () else str(field.default)


def wrapped(text: str, width: int = 88) -> str:
    """Return text in lines; what is set as code stays on one line."""
    parts = text.split("`")
    parts[1::2] = [code.replace(" ", "\x00") for code in parts[1::2]]
    lines = textwrap.fill(
        "`".join(parts), width, break_long_words=False, break_on_hyphens=False
    )
    return lines.replace("\x00", " ")


def _row(name: str, field: FieldInfo) -> str:
    default = plain_default(field)
    empty = "must be set" if field.is_required() else "empty"
    shown = f"`{default}`" if default else empty
    return f"| [{name.upper()}](#{name}) | {shown} | {_allowed(field)} |"


def _section(name: str, field: FieldInfo) -> str:
    text = wrapped(_meaning(field))
    return f"## {name.upper()}\n\n{text}\n\n{_facts(name, field)}"


def _facts(name: str, field: FieldInfo) -> str:
    if field.is_required():
        return "It has no default: the service does not start without it."
    default = plain_default(field)
    if not default:
        return "Default: empty."
    return f"Default: `{default}`{_spoken(name, field.default)}."


def _example(name: str, field: FieldInfo) -> str:
    words = _meaning(field)
    if _allowed(field) not in (_TEXT, _LIST):
        words = f"{words} Allowed: {_allowed(field)}."
    comment = textwrap.indent(wrapped(words, 86).replace("`", ""), "# ")
    return f"\n{comment}\n#{name.upper()}={plain_default(field)}\n"


def _meaning(field: FieldInfo) -> str:
    assert field.description, "each setting has a docstring"
    return " ".join(field.description.split())


def _allowed(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(field.annotation))
    if field.annotation is bool:
        return "`on`, `off`"
    if field.annotation in (int, float):
        return " to ".join(str(bound) for bound in _bounds(field, "ge", "le"))
    if field.annotation in (str, SecretStr):
        lengths = [str(bound) for bound in _bounds(field, "min_length", "max_length")]
        return f"{_TEXT}, {' to '.join(lengths)} characters" if lengths else _TEXT
    return _LIST


def _bounds(field: FieldInfo, *kinds: str) -> Iterator[float]:
    """Yield the numbers of these constraints, in this order."""
    for kind in kinds:
        for constraint in field.metadata:
            if hasattr(constraint, kind):
                yield getattr(constraint, kind)


def _spoken(name: str, default: object) -> str:
    """Return a number of seconds in words, where that says more."""
    if not name.endswith("_seconds") or not isinstance(default, int):
        return ""
    for seconds, unit in _DURATIONS:
        if default >= seconds and default % seconds == 0:
            count = default // seconds
            return f" ({count} {unit}{'s' if count > 1 else ''})"
    return ""


def _as_code(line: str) -> str:
    name, _, rest = line.partition(":")
    return f"`{name}`:{rest}"
