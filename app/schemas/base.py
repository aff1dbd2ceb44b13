"""What all bodies share, and the types of their fields."""

import unicodedata
from typing import Annotated, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    SecretStr,
    StringConstraints,
)

from app.core.emails import MAXIMUM_LENGTH, check_email


class RequestBody(BaseModel):
    """A body that is sent to us: what it does not name is refused."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class ResponseBody(BaseModel):
    """A body that we answer with."""

    model_config = ConfigDict(from_attributes=True, use_attribute_docstrings=True)


def _storable(text: str) -> str:
    """Refuse NUL, which PostgreSQL can't keep, and halves of characters.

    JSON can spell a lone surrogate (`"\\ud800"`); UTF-8 has no bytes for it.
    """
    if any(
        character == "\x00" or "\ud800" <= character <= "\udfff" for character in text
    ):
        raise ValueError("must be Unicode text without NUL")
    return text


def _storable_secret(secret: SecretStr) -> SecretStr:
    _storable(secret.get_secret_value())
    return secret


def _printable(value: object) -> object:
    """Refuse control characters and line breaks, which do harm where the text is
    shown, logged or put into a mail.

    Asked before the text is trimmed: some of them count as blanks.
    """
    if isinstance(value, str) and any(map(_is_control, value)):
        raise ValueError("must not contain control characters or line breaks")
    return value


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Zl", "Zp"}


def _matching(pattern: str) -> dict[str, JsonValue]:
    """Document what a validator here refuses."""
    return {"pattern": pattern}


_NO_NUL = _matching(r"^[^\x00]*$")
_CONTROL = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
_PRINTABLE = _matching(rf"^[^{_CONTROL}]*$")
_VISIBLE = _matching(rf"^[^{_CONTROL}]*[^\s{_CONTROL}][^{_CONTROL}]*$")

Email: TypeAlias = Annotated[
    str,
    AfterValidator(check_email),
    Field(
        max_length=MAXIMUM_LENGTH,
        examples=["ada@example.com"],
        json_schema_extra={"format": "email"},
    ),
]
TypedEmail: TypeAlias = Annotated[
    str,
    AfterValidator(_storable),
    Field(
        max_length=MAXIMUM_LENGTH,
        examples=["ada@example.com"],
        json_schema_extra=_NO_NUL,
    ),
]
"""What somebody types to sign in: any text, which may be nobody's address."""

Password: TypeAlias = Annotated[
    SecretStr,
    AfterValidator(_storable_secret),
    Field(examples=["correct horse battery"], json_schema_extra=_NO_NUL),
]
NewPassword: TypeAlias = Annotated[
    Password, Field(json_schema_extra={**_NO_NUL, "minLength": 8, "maxLength": 128})
]
"""A password that somebody chooses; the service's rules judge it and name the error."""

DisplayName: TypeAlias = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    BeforeValidator(_printable),
    Field(examples=["Ada Lovelace"], json_schema_extra=_VISIBLE),
]
Locale: TypeAlias = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4}$",
        max_length=35,
        examples=["en", "de-AT"],
    ),
]
"""A language tag (RFC 5646), without its rarer parts."""

Description: TypeAlias = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=300),
    BeforeValidator(_printable),
    Field(json_schema_extra=_PRINTABLE),
]
SearchText: TypeAlias = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAXIMUM_LENGTH),
    AfterValidator(_storable),
    Field(json_schema_extra=_NO_NUL),
]
RoleName: TypeAlias = Annotated[
    str, Field(pattern=r"^[a-z][a-z0-9_-]{0,49}$", examples=["editor"])
]
PermissionName: TypeAlias = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9_.-]*:[a-z][a-z0-9_.-]*$",
        max_length=64,
        examples=["articles:write"],
    ),
]
