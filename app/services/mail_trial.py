"""Sends one message now, to see whether mail goes out; for the command line."""

from email.headerregistry import Address
from email.utils import make_msgid
from html import escape

from app.core.clock import utc_now
from app.core.config import Settings
from app.core.emails import email_key, mail_address
from app.core.smtp_url import SmtpServer
from app.services.circuit_breaker import BreakerRegistry, DependencyUnavailableError
from app.services.letters import Letter
from app.services.smtp import POLICY, MailRefusedError, Smtp, Tell
from app.services.smtp_causes import cause_of, without_secrets


class TrialFailedError(Exception):
    """The message was not sent; the text is one sentence that says why."""


async def send_trial(settings: Settings, recipient: str, tell: Tell) -> None:
    """Send a message past the outbox, and tell each step.

    Raises:
        TrialFailedError: If the server can't be worked with, or does not take it.
    """
    server = settings.smtp_server
    if server is None:
        raise TrialFailedError("SMTP_URL is not set, so there is no server to try.")
    letter = _letter(settings, recipient)
    try:
        await _send(settings.host, server, letter, tell)
    except MailRefusedError as error:
        said = without_secrets(str(error), server)
        raise TrialFailedError(f"The server refuses the message: {said}") from None
    except DependencyUnavailableError as error:
        where, why = f"{server.host}:{server.port}", cause_of(error, server)
        raise TrialFailedError(f"{where} can't be used: {why}") from None


async def _send(
    local_name: str, server: SmtpServer, letter: Letter, tell: Tell
) -> None:
    """Send as the service does; with a breaker of its own, which is closed."""

    def tell_safely(step: str) -> None:
        tell(without_secrets(step, server))

    smtp = Smtp(server, local_name, BreakerRegistry(), POLICY)
    async with smtp.connection(tell_safely) as connection:
        tell_safely(f"Sending a message from {letter.sender.addr_spec}.")
        reply = await connection.send(letter.as_email())
        tell_safely(f"The server has taken it: {reply}")


def _letter(settings: Settings, recipient: str) -> Letter:
    local, _, _ = settings.mail_from.rpartition("@")
    domain = email_key(settings.mail_from).rpartition("@")[2]
    text = f"Mail from {settings.service_name} ({settings.public_url}) goes out."
    return Letter(
        message_id=make_msgid(domain=settings.host),
        sender=Address(settings.service_name, local, domain),
        recipient=mail_address(recipient),
        written_at=utc_now(),
        language="en",
        subject=f"A test of {settings.service_name}",
        text=f"{text}\n",
        html=f"<p>{escape(text)}</p>\n",
        link=None,
        code=None,
    )
