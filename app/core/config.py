"""Settings: every knob, typed, bounded and documented.

Values come from the environment or from a `.env` file in the working directory;
the environment wins. docs/configuration.md is generated from the groups of
`app/core/settings/`.
"""

import sys
from typing import Any, Literal, Self

from pydantic import ValidationError, model_validator

from app.core.setting_rules import contradictions, production_refusals
from app.core.settings.accounts import AccountSettings
from app.core.settings.mail import MailSettings
from app.core.settings.service import ServiceSettings
from app.core.settings.serving import ServingSettings
from app.core.settings.storage import StorageSettings


# Pydantic puts the fields of the last one first.
class Settings(
    ServingSettings, MailSettings, AccountSettings, StorageSettings, ServiceSettings
):
    """Everything an operator can choose."""

    @model_validator(mode="after")
    def _agree_with_each_other(self) -> Self:
        refusals = contradictions(self)
        if self.environment == "production":
            refusals += production_refusals(self)
        if refusals:
            raise ValueError("\n".join(refusals))
        return self

    @property
    def mail(self) -> Literal["smtp", "mailbox", "off"]:
        """What becomes of mail: sent, shown to developers, or never written."""
        if self.smtp_url.get_secret_value():
            return "smtp"
        return "off" if self.environment == "production" else "mailbox"


def load_settings(**chosen: object) -> Settings:
    """Read the settings, or say what is wrong with each and exit with status 2.

    Args:
        chosen: What the command line says instead; None is nothing.
    """
    given: dict[str, Any] = {k: v for k, v in chosen.items() if v is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        for line in explain(error):
            print(line, file=sys.stderr)
        raise SystemExit(2) from None
    except UnicodeDecodeError:
        print(".env: must be UTF-8 text", file=sys.stderr)
        raise SystemExit(2) from None


def explain(error: ValidationError) -> list[str]:
    """Return one line per wrong setting: its name, and what is allowed."""
    lines: list[str] = []
    for problem in error.errors(include_input=False, include_url=False):
        reason = problem["msg"].removeprefix("Value error, ")
        if not problem["loc"]:
            lines.extend(reason.split("\n"))
        elif problem["type"] == "missing":
            lines.append(f"{str(problem['loc'][0]).upper()}: must be set")
        elif problem["type"] == "bool_parsing":
            lines.append(f"{str(problem['loc'][0]).upper()}: must be on or off")
        else:
            lines.append(f"{str(problem['loc'][0]).upper()}: {reason}")
    return lines
