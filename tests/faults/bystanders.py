"""Two who only stand there: a normal user whose tokens are misused, and a victim."""

import asyncio

from tests.faults.flows import enter
from tests.faults.forbidden import by_stranger, of_expiring, of_taken, without_token
from tests.faults.intrusions import Intrusions
from tests.faults.scene import Scene
from tests.faults.steps.signing_in import Refresh
from tests.faults.wire import NoAnswerError, NotConnectedError, Request, Sender

ROUND_SECONDS = 10.0
RETRY_SECONDS = 0.5
JWKS = Request("GET", "/.well-known/jwks.json")


class Bystanders:
    """Keeps both signed in, and the intruder in good tokens of one of them."""

    def __init__(
        self, stranger: Scene, victim: Scene, sender: Sender, intrusions: Intrusions
    ) -> None:
        self._stranger = stranger
        self._victim = victim
        self._sender = sender
        self._intrusions = intrusions
        self._key: dict[str, str] | None = None

    async def live(self) -> None:
        """Go on until cancelled."""
        self._intrusions.feed(without_token())
        while True:
            for scene in (self._stranger, self._victim):
                await self._come_by(scene)
            await self._betray()
            await asyncio.sleep(ROUND_SECONDS)

    async def _come_by(self, scene: Scene) -> None:
        account = scene.account
        while not account.given_up and not account.living():
            if scene.may_go_on:
                await enter(scene)
            await asyncio.sleep(RETRY_SECONDS)
        if scene.may_go_on:
            held = account.living()[-1]
            await scene.do(Refresh(account, held))

    async def _betray(self) -> None:
        account, victim = self._stranger.account, self._victim.account
        if account.given_up or not (account.living() and victim.living()):
            return
        held = account.living()[-1]
        attempts = [*by_stranger(account, held, victim), of_taken(victim)]
        self._intrusions.feed(attempts, replace=True)
        life = self._stranger.caller.target.access_token_seconds
        self._intrusions.feed([of_expiring(held, account, life)])
        if key := await self._public_key():
            self._intrusions.forge_from(held.access_token, key)

    async def _public_key(self) -> dict[str, str] | None:
        """Return the key that the service signs with, as everybody can see it."""
        if self._key is None:
            url = self._stranger.caller.target.urls[0]
            try:
                answer = await self._sender.ask(url, JWKS, RETRY_SECONDS * 10)
            except (NotConnectedError, NoAnswerError):
                return None
            keys = answer.document.get("keys")
            self._key = keys[0] if keys else None
        return self._key
