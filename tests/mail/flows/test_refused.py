"""Every flow, with mail that is no longer good, or is good for something else."""

from app.core.challenge_tokens import PREFIX
from app.core.encoding import decode, encode
from tests.mail.flows.flow import DOORS, Flow, Proof, Way
from tests.mail.flows.scene import Scene
from tests.mail.flows.table import (
    EACH,
    EACH_WAY,
    ENDED_BY_OTHERS,
    LASTING_ONES,
    WITH_CODE,
    WITHOUT_CODE,
)
from tests.support.mailbox import Mail, code_of
from tests.support.problems import fields, problem

ADA, BOB = "ada@example.com", "bob@example.com"
ID_BYTES = 16


async def is_good(scene: Scene, flow: Flow, mail: Mail, way: Way = "link") -> bool:
    """Tell whether a mail still does what it is for."""
    answer = await flow.prove(scene, flow.proofs(mail)[way])
    return answer.status_code == flow.door.success


class TestExpired:
    """Time that passes."""

    @EACH_WAY
    async def test_too_late(self, scene: Scene, flow: Flow, way: Way) -> None:
        """It works until the last moment, and not later."""
        mail = await flow.begin(scene, ADA)
        scene.clock.now += flow.lives[way]
        refused = await flow.prove(scene, flow.proofs(mail)[way])
        problem(refused, 410, "challenge_expired")
        assert not await flow.is_done(scene, ADA)
        scene.clock.tick(microseconds=-1)
        assert await is_good(scene, flow, mail, way)
        assert await flow.is_done(scene, ADA)


class TestForeign:
    """Mail of something or somebody else."""

    @EACH_WAY
    async def test_of_another_purpose(self, scene: Scene, flow: Flow, way: Way) -> None:
        """It opens nothing but what it was sent for, and is not used up by trying."""
        mail = await flow.begin(scene, ADA)
        proof = flow.proofs(mail)[way]
        for purpose, door in DOORS.items():
            if purpose != flow.purpose and (door.takes_code or way == "link"):
                refused = await door.try_with(scene, proof)
                problem(refused, 403, "challenge_failed")
        assert await is_good(scene, flow, mail, way)

    @WITH_CODE
    async def test_code_of_somebody_else(self, scene: Scene, flow: Flow) -> None:
        """A code counts only with the request that it was sent for."""
        adas, bobs = await flow.begin(scene, ADA), await flow.begin(scene, BOB)
        mixed = bobs.by_code | {"code": adas.code}
        problem(await flow.prove(scene, mixed), 403, "challenge_failed")
        assert not await flow.is_done(scene, BOB)
        assert await is_good(scene, flow, bobs, "code")

    @EACH
    async def test_link_of_somebody_else(self, scene: Scene, flow: Flow) -> None:
        """Who has got a link can't make another's out of it."""
        adas, bobs = await flow.begin(scene, ADA), await flow.begin(scene, BOB)
        problem(await flow.prove(scene, _mixed(adas, bobs)), 403, "challenge_failed")
        assert not await flow.is_done(scene, BOB)
        assert await is_good(scene, flow, bobs)

    @EACH
    async def test_does_it_for_its_reader(self, scene: Scene, flow: Flow) -> None:
        """What one does with a mail happens to nobody else's account."""
        adas, _ = await flow.begin(scene, ADA), await flow.begin(scene, BOB)
        await flow.prove(scene, adas.by_link)
        assert await flow.is_done(scene, ADA)
        assert not await flow.is_done(scene, BOB)


class TestCancelled:
    """What happens between the mail and its use."""

    @ENDED_BY_OTHERS
    async def test_ends(self, scene: Scene, flow: Flow) -> None:
        """A newer mail ends it, or that the account was given to somebody."""
        mail = await flow.begin(scene, ADA)
        await (flow.cancel or flow.ask)(scene, ADA)
        for proof in flow.proofs(mail).values():
            problem(await flow.prove(scene, proof), 410, "challenge_cancelled")

    @LASTING_ONES
    async def test_lasts(self, scene: Scene, flow: Flow) -> None:
        """What an account is taken back with is not ended by who has got into it and
        sets another password, nor by a newer mail for the same."""
        mail = await flow.begin(scene, ADA)
        assert flow.survives is not None
        await flow.survives(scene, ADA)
        assert await is_good(scene, flow, mail)
        assert await flow.is_done(scene, ADA)


class TestGuessed:
    """Codes that nobody was sent."""

    @WITH_CODE
    async def test_five_times(self, scene: Scene, flow: Flow) -> None:
        """After five wrong codes the right one is refused too; the link works on."""
        mail = await flow.begin(scene, ADA)
        wrong = mail.by_code | {"code": mail.wrong_code}
        for _ in range(5):
            problem(await flow.prove(scene, wrong), 403, "challenge_failed")
        problem(await flow.prove(scene, mail.by_code), 410, "code_exhausted")
        assert not await flow.is_done(scene, ADA)
        assert await is_good(scene, flow, mail)

    @WITHOUT_CODE
    async def test_where_there_is_none(self, scene: Scene, flow: Flow) -> None:
        """A mail without a code is not proven by one, even if it would be the right
        one."""
        mail = await flow.begin(scene, ADA)
        message, _ = await scene.received(flow.reader(ADA))
        code = await code_of(scene.running.services, message.challenge_id)
        assert code not in mail.text
        guess = {"challenge_id": str(message.challenge_id), "code": code}
        refused = await flow.prove(scene, guess)
        if flow.door.takes_code:
            problem(refused, 403, "challenge_failed")
        else:
            assert "body.code" in fields(refused)
        assert not await flow.is_done(scene, ADA)


def _mixed(one: Mail, other: Mail) -> Proof:
    """Return a link to the second mail's challenge, with what vouches for the first."""
    whole, named = (decode(mail.token.removeprefix(PREFIX)) for mail in (one, other))
    return {"token": PREFIX + encode(named[:ID_BYTES] + whole[ID_BYTES:])}
