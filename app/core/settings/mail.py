"""Mail: how it goes out, and what it looks like."""

from pathlib import Path

from pydantic import SecretStr, field_validator

from app.core.emails import check_email
from app.core.setting_rules import COLOR
from app.core.settings.base import SettingGroup
from app.core.smtp_url import SmtpServer


class MailSettings(SettingGroup):
    """Mail: how it goes out, and what it looks like."""

    smtp_url: SecretStr = SecretStr("")
    """Where mail is handed in: `smtps://USER:PASSWORD@HOST` (TLS, port 465),
    `smtp+starttls://USER:PASSWORD@HOST` (port 587) or `smtp://HOST` (port 25, not
    encrypted). Empty: development shows its mail at `/dev/mail`, production sends none.
    See docs/mail.md."""

    mail_from: str = ""
    """The address that mail comes from; people see SERVICE_NAME beside it. Needed with
    SMTP_URL."""

    mail_color: str = "#7a4b12"
    """The colour of buttons in mail and on pages, as `#rrggbb`. Where links
    could not be read in it, pages use a lighter or darker shade."""

    mail_templates: str = ""
    """A folder with templates of your own, each in place of ours of the same name. See
    docs/mail.md."""

    @field_validator("smtp_url")
    @classmethod
    def _smtp_or_empty(cls, value: SecretStr) -> SecretStr:
        try:
            if url := value.get_secret_value():
                SmtpServer.parse(url)
        except ValueError:
            raise ValueError(
                "must be smtps://USER:PASSWORD@HOST:PORT, smtp+starttls://... or "
                "smtp://..., with nothing behind the port; in user name and password, "
                "`@`, `:`, `/`, `?`, `#` and `%` are written as %40, %3A, %2F, %3F, "
                "%23 and %25"
            ) from None
        return value

    @field_validator("mail_from")
    @classmethod
    def _address_or_empty(cls, value: str) -> str:
        return check_email(value) if value else value

    @field_validator("mail_color")
    @classmethod
    def _six_hexadecimal_digits(cls, value: str) -> str:
        if not COLOR.fullmatch(value):
            raise ValueError("must be a colour as #rrggbb, such as #7a4b12")
        return value.lower()

    @field_validator("mail_templates")
    @classmethod
    def _folder_or_empty(cls, value: str) -> str:
        if value and not Path(value).is_dir():
            raise ValueError("must be a folder")
        return value

    @property
    def smtp_server(self) -> SmtpServer | None:
        """SMTP_URL, parsed; None if it is empty."""
        url = self.smtp_url.get_secret_value()
        return SmtpServer.parse(url) if url else None
