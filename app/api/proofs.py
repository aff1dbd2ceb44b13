"""Bodies that bring what a mail brought, each shown with the link and with the code.

Made out of the schema alone, an example would have both, which is refused.
"""

from typing import Annotated, Any

from fastapi import Body

from app.schemas.challenges import (
    EmailChangeProof,
    EmailProof,
    MailSignIn,
    PasswordReset,
)

_LINK = {"token": "cardea_link_what-stands-in-the-link-behind-token"}
_CODE = {"challenge_id": "0198f3a1-0000-7000-8000-00000000abcd", "code": "123456"}
_PASSWORD = "correct horse battery"


def _shown(
    link: dict[str, str] | None = None, code: dict[str, str] | None = None
) -> Any:
    """Show both ways, with what each needs besides."""
    return Body(
        openapi_examples={
            "with the link": {"value": {**_LINK, **(link or {})}},
            "with the code": {"value": {**_CODE, **(code or {})}},
        }
    )


_NEW = {"new_password": _PASSWORD}

EmailProofBody = Annotated[EmailProof, _shown()]
EmailChangeProofBody = Annotated[EmailChangeProof, _shown({"password": _PASSWORD})]
MailSignInBody = Annotated[MailSignIn, _shown()]
PasswordResetBody = Annotated[PasswordReset, _shown(_NEW, _NEW)]
