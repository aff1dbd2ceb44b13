"""What has mail sent, and what the administrator sees and does about mail."""

from dataclasses import dataclass
from typing import ClassVar

from tests.faults.steps.administration import AdminStep
from tests.faults.steps.base import Step, client_of, send
from tests.faults.steps.looking import Look
from tests.faults.steps.signing_in import DEVICE_HEADER
from tests.faults.wire import Answer, Request

CHALLENGE_HEADER = "cardea-challenge"
SENT = {"status": "mail_sent"}


@dataclass(eq=False)
class AskForMail(Step):
    """Ask for a mail to an address, whether or not it has an account."""

    path: ClassVar[str]
    asks_for_mail: ClassVar[bool] = True

    def request(self) -> Request:
        """Return what is sent; from a device that is known, if there is one.

        Such a device has a limit of its own, which no sign-up has used up.
        """
        headers = client_of(self.account)
        if self.account.device_token:
            headers[DEVICE_HEADER] = self.account.device_token
        return send("POST", self.path, {"email": self.account.email}, headers)

    def learn(self, answer: Answer) -> None:
        """See that the answer is the one for everybody, and names a challenge.

        Raises:
            ValueError: If it is not.
        """
        if answer.document != SENT or not answer.header(CHALLENGE_HEADER):
            raise ValueError("not the answer to a request for mail")


@dataclass(eq=False)
class ForgotPassword(AskForMail):
    """Ask for a mail to set a new password with."""

    kind: ClassVar[str] = "forgot_password"
    path: ClassVar[str] = "/auth/password/forgot"


@dataclass(eq=False)
class ResendVerification(AskForMail):
    """Ask for a mail to prove the address with."""

    kind: ClassVar[str] = "resend_verification"
    path: ClassVar[str] = "/auth/email/resend"


@dataclass(eq=False)
class ListFailedMail(Look):
    """Look at the messages that were given up, a page at a time."""

    kind: ClassVar[str] = "list_failed_mail"

    cursor: str | None = None

    def request(self) -> Request:
        """Return what is sent."""
        path = "/outbox?status=failed&limit=200"
        if self.cursor:
            path += f"&cursor={self.cursor}"
        return send("GET", path, None, self.by.headers)


@dataclass(eq=False)
class SendAgain(AdminStep):
    """Have a message that was given up be sent again."""

    kind: ClassVar[str] = "send_mail_again"

    message: str

    def request(self) -> Request:
        """Return what is sent."""
        path = f"/outbox/{self.message}/retry"
        return send("POST", path, None, self.by.headers)
