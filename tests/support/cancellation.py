"""Cancels a piece of work at each of its awaits in turn."""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeAlias

import anyio

Work: TypeAlias = Coroutine[Any, Any, object]
Wait: TypeAlias = "asyncio.Future[object] | None"
Interruption: TypeAlias = Callable[[Wait], object]


class _Stepped:
    """Work that is interrupted when it begins its n-th wait."""

    def __init__(self, work: Work, step: int, interrupt: Interruption) -> None:
        self._work = work
        self._step = step
        self._interrupt = interrupt
        self.reached = False

    def __await__(self) -> Generator[Wait, None, None]:
        steps = self._work.__await__()
        waits = 0
        error: BaseException | None = None
        while True:
            try:
                wait = next(steps) if error is None else steps.throw(error)
            except StopIteration:
                return
            waits += 1
            if waits == self._step:
                self.reached = True
                self._interrupt(wait)
            error = None
            try:
                yield wait
            except BaseException as thrown:
                error = thrown


async def cancel_as_it_waits(work: Work, step: int) -> bool:
    """Cancel once, as the n-th wait begins; False if there are fewer."""
    return await _in_a_task(work, step, lambda task, _: task.cancel())


async def cancel_as_it_goes_on(work: Work, step: int) -> bool:
    """Cancel once, as the n-th wait ends, so that its result is lost."""

    def interrupt(task: "asyncio.Task[None]", wait: Wait) -> None:
        if wait is None:
            task.cancel()
        else:
            wait.add_done_callback(lambda _: task.cancel())

    return await _in_a_task(work, step, interrupt)


async def cancel_again_and_again(work: Work, step: int) -> bool:
    """Cancel from the n-th wait on in every turn of the event loop, as anyio does."""
    with anyio.CancelScope() as scope:
        stepped = _Stepped(work, step, lambda _: scope.cancel())
        await stepped
    return stepped.reached


async def _in_a_task(
    work: Work, step: int, interrupt: "Callable[[asyncio.Task[None], Wait], object]"
) -> bool:
    stepped = _Stepped(work, step, lambda wait: interrupt(task, wait))

    async def run() -> None:
        await stepped

    task = asyncio.create_task(run())
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()
    return stepped.reached


WAYS_TO_CANCEL = [cancel_as_it_waits, cancel_as_it_goes_on, cancel_again_and_again]
