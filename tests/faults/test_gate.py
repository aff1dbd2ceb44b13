"""The gate: nobody is inside while it is shut."""

import asyncio

from tests.faults.gate import Gate


class Passing:
    """Somebody who passes a gate, and stays until told to go."""

    def __init__(self, gate: Gate) -> None:
        self._is_inside = False
        self.may_go = asyncio.Event()
        self.task = asyncio.create_task(self._pass(gate))

    def is_inside(self) -> bool:
        """Tell whether they are inside now."""
        return self._is_inside

    async def _pass(self, gate: Gate) -> None:
        async with gate.pass_through():
            self._is_inside = True
            await self.may_go.wait()
        self._is_inside = False


async def turns() -> None:
    """Let everybody come to pass who may."""
    for _ in range(10):
        await asyncio.sleep(0)


class TestGate:
    """Whoever passes, and whoever shuts it."""

    async def test_opened_and_shut_at_once(self) -> None:
        """Who had waited does not slip in behind whoever has shut it."""
        gate = Gate()
        passing = Passing(gate)
        await turns()
        gate.open()
        await gate.shut()
        await turns()
        assert not passing.is_inside()
        gate.open()
        await turns()
        assert passing.is_inside()
        passing.may_go.set()
        await passing.task

    async def test_waits_for_who_is_inside(self) -> None:
        """It is shut when the last one is out."""
        gate = Gate()
        gate.open()
        passing = Passing(gate)
        await turns()
        shutting = asyncio.create_task(gate.shut())
        await turns()
        assert not shutting.done()
        passing.may_go.set()
        await shutting
        assert not passing.is_inside()
        await passing.task
