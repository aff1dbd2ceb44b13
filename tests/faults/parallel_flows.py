"""What happens at the same moment, through several processes, on purpose."""

from tests.faults.flows import try_ended
from tests.faults.records import FindingKind
from tests.faults.scene import Scene
from tests.faults.steps.administration import SetStatus
from tests.faults.steps.own import ChangePassword, SignOutOther
from tests.faults.steps.signing_in import Refresh, SignIn, SignOut
from tests.faults.worlds import Status

TABS = 10


async def refresh_in_many_tabs(scene: Scene) -> None:
    """Ten tabs refresh with one token: one rotation, ten good answers."""
    account, held = scene.account, scene.one_living()
    steps = [Refresh(account, held) for _ in range(TABS)]
    await scene.do_together(*steps)
    if len({step.brought for step in steps} - {None}) > 1:
        what = "parallel refreshes with one token brought different successors"
        scene.caller.report(account.finding(FindingKind.BROKEN, what))


async def change_password_twice(scene: Scene) -> None:
    """Two devices change the password at once: one of them is too late."""
    account = scene.account
    (current,) = account.passwords
    first, second = scene.one_living(), scene.one_living()
    seen = await scene.do_together(
        ChangePassword(account, first, current, scene.new_password()),
        ChangePassword(account, second, current, scene.new_password()),
    )
    if any(one.is_ok for one in seen):
        account.used.append(current)


async def sign_out_while_refreshing(scene: Scene) -> None:
    """One tab signs out while another refreshes: the session is over."""
    held = scene.one_living()
    await scene.do_together(SignOut(scene.account, held), Refresh(scene.account, held))
    await try_ended(scene)


async def sign_out_each_other(scene: Scene) -> None:
    """Two devices sign the same third one out."""
    living = scene.account.living()
    if len(living) > 1:
        held, other = scene.rng.sample(living, 2)
        await scene.do_together(
            SignOutOther(scene.account, held, other.id), SignOut(scene.account, other)
        )


async def disable_while_signing_in(scene: Scene) -> None:
    """An account is disabled while its people sign in and refresh."""
    account = scene.account
    by = await scene.administrator()
    await scene.do_together(
        SetStatus(account, by, Status.DISABLED),
        SignIn(account, account.passwords[0]),
        Refresh(account, scene.one_living()),
    )
