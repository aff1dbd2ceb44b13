"""What a flow is: who asks for a mail, what its link and its code are good for."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

import httpx2

from app.models import Purpose
from app.services.mailing import CODE_LIFE, LASTING_LIFE, LINK_LIFE
from tests.mail.flows.scene import Scene
from tests.mail.flows.steps import NEW_PASSWORD, nothing
from tests.support.mailbox import Mail
from tests.support.people import API, PASSWORD

Step = Callable[[Scene, str], Awaitable[httpx2.Response | None]]
Way = Literal["link", "code"]
Proof = dict[str, str]


@dataclass(frozen=True)
class Door:
    """Where a proof is shown.

    Attributes:
        path: Where it is sent to.
        page: Where its link leads to.
        success: What is answered if it is right.
        along: What is sent with it.
        with_link: What is sent with it, if it is a link.
        takes_code: Whether it may be a code at all.
    """

    path: str
    page: str
    success: int = 204
    along: Proof = field(default_factory=dict)
    with_link: Proof = field(default_factory=dict)
    takes_code: bool = True

    def body(self, proof: Proof) -> Proof:
        """Return what is sent."""
        return proof | self.along | (self.with_link if "token" in proof else {})

    async def try_with(self, scene: Scene, proof: Proof) -> httpx2.Response:
        """Show a proof, right or wrong."""
        return await scene.client.post(f"{API}/auth/{self.path}", json=self.body(proof))


_CHOICE, _ASKED_BY = {"new_password": NEW_PASSWORD}, {"password": PASSWORD}

DOORS: Mapping[Purpose, Door] = {
    Purpose.VERIFY_EMAIL: Door(
        "email/verify", "verify-email", 200, with_link=_ASKED_BY
    ),
    Purpose.RESET_PASSWORD: Door("password/reset", "reset-password", along=_CHOICE),
    Purpose.SIGN_IN: Door("magic/verify", "sign-in", 200),
    Purpose.CHANGE_EMAIL: Door(
        "email/change", "change-email", 200, with_link=_ASKED_BY
    ),
    Purpose.UNDO_EMAIL_CHANGE: Door(
        "email/undo", "undo-email-change", takes_code=False
    ),
    Purpose.ACCEPT_INVITE: Door(
        "invite/accept", "accept-invite", 200, _CHOICE, takes_code=False
    ),
    Purpose.SIGN_OUT_OTHERS: Door("logout-others", "sign-out-others", takes_code=False),
    Purpose.UNDO_DELETION: Door("deletion/undo", "undo-deletion", takes_code=False),
}


def itself(email: str) -> str:
    """Return the address that a flow is about."""
    return email


@dataclass(frozen=True)
class Flow:
    """One thing that people do with a mail, described once.

    Attributes:
        name: What the tests call it.
        purpose: What the mail leads to, and so where it is proven.
        ask: What has the mail be sent.
        is_done: Whether what it leads to has happened.
        before: What there must be before.
        reader: Which address the mail goes to.
        lives: How long each way works.
        cancel: What ends it; None if asking once more does.
        survives: What does not end it, though it ends others.
        settings: What the service needs.
    """

    name: str
    purpose: Purpose
    ask: Step
    is_done: Callable[[Scene, str], Awaitable[bool]]
    before: Step = nothing
    reader: Callable[[str], str] = itself
    lives: Mapping[Way, timedelta] = field(
        default_factory=lambda: {"link": LINK_LIFE, "code": CODE_LIFE}
    )
    cancel: Step | None = None
    survives: Step | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def door(self) -> Door:
        """Where its mail is proven."""
        return DOORS[self.purpose]

    async def begin(self, scene: Scene, email: str) -> Mail:
        """Do all that comes before, and return the mail that has arrived."""
        await self.before(scene, email)
        return await self.have_sent(scene, email)

    async def have_sent(self, scene: Scene, email: str) -> Mail:
        """Ask for the mail, and return it once it has arrived."""
        answer = await self.ask(scene, email)
        challenge_id = "" if answer is None else answer.headers["cardea-challenge"]
        return await scene.mail(self.reader(email), challenge_id)

    async def prove(self, scene: Scene, proof: Proof) -> httpx2.Response:
        """Show a proof where it belongs."""
        return await self.door.try_with(scene, proof)

    def proofs(self, mail: Mail) -> dict[Way, Proof]:
        """Return what the mail proves with: its link, and its code if it has one."""
        by_code: dict[Way, Proof] = {"code": mail.by_code} if self.has_code else {}
        return {"link": mail.by_link, **by_code}

    @property
    def has_code(self) -> bool:
        """Whether the mail has a code."""
        return "code" in self.lives


LASTING: Mapping[Way, timedelta] = {"link": LASTING_LIFE}
"""Of a mail that nobody has asked for, which has no code."""
