"""Every flow, by the mail that has arrived: what it does, and that it does it once."""

import asyncio

from app.models import Purpose
from tests.mail.flows.flow import DOORS, Flow, Way
from tests.mail.flows.scene import Scene
from tests.mail.flows.table import EACH, EACH_WAY, FLOWS
from tests.mail.sending import SENDER
from tests.support.problems import problem

ADA = "ada@example.com"
AT_ONCE = 50


class TestMail:
    """What the reader gets."""

    @EACH
    async def test_arrives(self, scene: Scene, flow: Flow) -> None:
        """It comes from MAIL_FROM to its reader alone; text and HTML have its link, to
        the page that it is for, and a code if there is one."""
        mail = await flow.begin(scene, ADA)
        _, received = await scene.received(flow.reader(ADA))
        assert received.sender == SENDER
        assert received.email["To"] == flow.reader(ADA)
        html = received.email.get_body(["html"])
        assert html is not None
        link = f"http://localhost:8000/links/{flow.door.page}?token={mail.token}"
        for text in (received.text, str(html.get_content())):
            assert link in text
            assert not flow.has_code or mail.code in text


class TestUsed:
    """Who has read the mail does what it is for."""

    @EACH_WAY
    async def test_does_it(self, scene: Scene, flow: Flow, way: Way) -> None:
        """The link does it, and the code if there is one; asking alone does not."""
        mail = await flow.begin(scene, ADA)
        assert not await flow.is_done(scene, ADA)
        answer = await flow.prove(scene, flow.proofs(mail)[way])
        assert answer.status_code == flow.door.success, answer.text
        assert await flow.is_done(scene, ADA)

    @EACH
    async def test_button(self, scene: Scene, flow: Flow) -> None:
        """To look at the link does nothing; to press the button on its page does."""
        mail = await flow.begin(scene, ADA)
        path = f"/links/{flow.door.page}"
        page = await scene.client.get(path, params=mail.by_link)
        assert page.status_code == 200
        assert not await flow.is_done(scene, ADA)
        sent = await scene.client.post(path, data=flow.door.body(mail.by_link))
        assert sent.status_code == 200, sent.text
        assert await flow.is_done(scene, ADA)

    @EACH_WAY
    async def test_once(self, scene: Scene, flow: Flow, way: Way) -> None:
        """Whichever was used, neither works again."""
        proofs = flow.proofs(await flow.begin(scene, ADA))
        await flow.prove(scene, proofs[way])
        for again in proofs.values():
            problem(await flow.prove(scene, again), 410, "challenge_used")

    @EACH_WAY
    async def test_fifty_at_once(self, scene: Scene, flow: Flow, way: Way) -> None:
        """Of fifty who come with it at once, one has success, and the others learn
        that it was used."""
        proof = flow.proofs(await flow.begin(scene, ADA))[way]
        answers = await asyncio.gather(
            *(flow.prove(scene, proof) for _ in range(AT_ONCE))
        )
        others = [one for one in answers if one.status_code != flow.door.success]
        assert len(others) == AT_ONCE - 1
        for other in others:
            problem(other, 410, "challenge_used")
        assert await flow.is_done(scene, ADA)


class TestTable:
    """The table of flows."""

    def test_has_every_purpose(self) -> None:
        """Whatever a mail can lead to is among them."""
        assert {flow.purpose for flow in FLOWS} == set(Purpose) == set(DOORS)
