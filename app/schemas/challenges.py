"""Links and codes that were sent by mail: requests and responses."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, SecretStr, model_validator
from pydantic.config import JsonDict

from app.core.challenge_tokens import CODE_DIGITS, Proof
from app.schemas.auth import Transport
from app.schemas.base import (
    DisplayName,
    Email,
    NewPassword,
    Password,
    RequestBody,
    ResponseBody,
)

LinkToken = Annotated[SecretStr, Field(max_length=200)]
Code = Annotated[str, Field(pattern=rf"^[0-9]{{{CODE_DIGITS}}}$", examples=["123456"])]


class MailRequest(RequestBody):
    """Whom to send a mail."""

    email: Email


class MailSent(ResponseBody):
    """The answer to every request for a mail, whether or not there is an account."""

    status: Literal["mail_sent"] = "mail_sent"


def _only(*given: str) -> JsonDict:
    """Describe a proof that consists of these members, and of no other."""
    members = ("token", "challenge_id", "code")
    kinds = {name: "string" if name in given else "null" for name in members}
    return {
        "required": list(given),
        "properties": {name: {"type": kind} for name, kind in kinds.items()},
    }


class GivenProof(RequestBody):
    """What a mail brought: `token` from its link, or its code with `challenge_id`."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [_only("token"), _only("challenge_id", "code")]}
    )

    token: LinkToken | None = None
    """What stands in the link behind `token=`."""

    challenge_id: UUID | None = None
    """The `Cardea-Challenge` header of the answer to the request for the mail."""

    code: Code | None = None
    """The six digits in the mail."""

    @model_validator(mode="after")
    def _either_or(self) -> Self:
        by_code = self.challenge_id is not None and self.code is not None
        neither = self.challenge_id is None and self.code is None
        if (self.token is None) == neither or by_code == (self.token is not None):
            raise ValueError("must have either token, or challenge_id and code")
        return self

    def proof(self) -> Proof:
        """Return it as the rules want it."""
        token = self.token.get_secret_value() if self.token else None
        return Proof(token, self.challenge_id, self.code)


class VerificationRequest(MailRequest):
    """Whom to send the mail again that proves an address."""

    challenge_id: UUID | None = None
    """The `Cardea-Challenge` header of the answer to the sign-up, where an account is
    made when its address is proven."""


class EmailProof(GivenProof):
    """The proof of reading an address."""

    password: Password | None = None
    """With the link of a sign-up whose account is made now: the sign-up's password."""


class MailSignIn(GivenProof):
    """The proof of reading an address, to sign in with."""

    transport: Transport = "bearer"
    """`bearer` puts the tokens into the answer; `cookie` into HttpOnly cookies."""


class EmailChangeRequest(MailRequest):
    """The address that somebody wants for their account."""

    current_password: Password


class EmailChangeProof(GivenProof):
    """The proof of reading the new address."""

    password: Password | None = None
    """With the link: the password of the account."""


class LinkProof(RequestBody):
    """What the link of a mail carries."""

    token: LinkToken
    """What stands in the link behind `token=`."""

    def proof(self) -> Proof:
        """Return it as the rules want it."""
        return Proof(self.token.get_secret_value())


class Acceptance(LinkProof):
    """The link of an invitation, and what its reader chooses."""

    new_password: NewPassword
    display_name: DisplayName | None = None
    """In place of the name that the invitation gave, if any."""


class PasswordReset(GivenProof):
    """A new password, and the proof of reading the account's mail."""

    new_password: NewPassword
