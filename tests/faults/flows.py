"""What people do with their accounts, one thing after the other."""

from tests.faults.records import FindingKind
from tests.faults.scene import Scene
from tests.faults.steps.own import (
    ChangePassword,
    Check,
    DeleteOwn,
    Rename,
    SignOutAll,
    SignOutOther,
)
from tests.faults.steps.signing_in import (
    OAUTH,
    Refresh,
    Register,
    Reuse,
    SignIn,
    SignOut,
)
from tests.faults.worlds import OK, Status

TRANSPORTS = ("bearer", "bearer", "cookie", OAUTH)
TOO_MANY_SESSIONS = 6


async def enter(scene: Scene) -> None:
    """Sign up; if that was in doubt, find out by signing in."""
    account = scene.account
    if account.must_be(Status.ABSENT):
        password = scene.new_password()
        await scene.do(Register(account, password, scene.new_name()))
        if account.may_be(Status.ACTIVE) and scene.may_go_on:
            await sign_in(scene)
    elif account.passwords:
        await sign_in(scene)


async def sign_in(scene: Scene) -> None:
    """Sign in with what is, or may be, the password, and use the session."""
    account = scene.account
    password = scene.rng.choice(account.passwords)
    step = SignIn(account, password, scene.rng.choice(TRANSPORTS))
    seen = await scene.do(step)
    if seen.label == OK and step.begun:
        await scene.do(Check(account, step.begun))


async def sign_in_and_refresh(scene: Scene) -> None:
    """Begin a session and renew it a few times, as a device does all day."""
    await sign_in(scene)
    if scene.account.living() and scene.may_go_on:
        await refresh(scene)


async def refresh(scene: Scene) -> None:
    """Renew a session a few times; a lost answer is asked for again."""
    held = scene.one_living()
    for _ in range(scene.rng.randint(1, 5)):
        if not scene.may_go_on or held not in scene.account.living():
            return
        await scene.do(Refresh(scene.account, held))
        if scene.rng.random() < 0.5 and scene.may_go_on:
            await check(scene)


async def check(scene: Scene) -> None:
    """Use a token, and see what it says if everybody must have heard."""
    account = scene.account
    if not account.living():
        return
    quiet_since = account.changed_at
    step = Check(account, scene.one_living())
    began = scene.now()
    seen = await scene.do(step)
    heard = quiet_since + scene.heard_seconds
    if seen.is_ok and step.seen and began > heard and account.is_certain:
        _compare_view(scene, step.seen)


def _compare_view(scene: Scene, seen: dict[str, object]) -> None:
    (world,) = scene.account.worlds
    roles = seen["roles"]
    assert isinstance(roles, list)
    view = (seen["display_name"], frozenset(roles))
    if view != (world.display_name, world.roles):
        what = "a token shows an account as it was before"
        details = {"shown": view, "expected": (world.display_name, world.roles)}
        finding = scene.account.finding(FindingKind.BROKEN, what, **details)
        scene.caller.report(finding)


async def rename(scene: Scene) -> None:
    """Change the name that is shown."""
    await scene.do(Rename(scene.account, scene.one_living(), scene.new_name()))


async def change_password(scene: Scene) -> None:
    """Change the password, and go on with the session that is left."""
    account, held = scene.account, scene.one_living()
    current = scene.rng.choice(account.passwords)
    new = scene.new_password()
    seen = await scene.do(ChangePassword(account, held, current, new))
    if seen.is_ok:
        account.used.append(current)
        await try_ended(scene)


async def sign_out(scene: Scene) -> None:
    """Sign out, and see that nothing of the session works elsewhere."""
    await scene.do(SignOut(scene.account, scene.one_living()))
    await try_ended(scene)


async def sign_out_other(scene: Scene) -> None:
    """Sign another device out."""
    living = scene.account.living()
    held, other = scene.rng.choice(living), scene.rng.choice(living)
    await scene.do(SignOutOther(scene.account, held, other.id))
    await try_ended(scene)


async def sign_out_all(scene: Scene) -> None:
    """Sign all devices out, or all others."""
    keep = scene.rng.random() < 0.5
    await scene.do(SignOutAll(scene.account, scene.one_living(), keep))
    await try_ended(scene)


async def try_ended(scene: Scene) -> None:
    """Come back with a session that has ended; be told why."""
    dead = scene.account.dead()
    if not dead or not scene.may_go_on or scene.rng.random() < 0.6:
        return
    held = dead[-1]
    await scene.do(Refresh(scene.account, held))
    if scene.rng.random() < 0.3:
        await scene.until_heard()
        if scene.may_go_on and not scene.caller.is_stale(held):
            await scene.do(Check(scene.account, held))


async def sacrifice(scene: Scene) -> None:
    """Present a token that was rotated twice: the session must end for it.

    That it does shows too that both rotations are still there, whatever has crashed.
    """
    held = scene.one_living()
    while len(held.refresh_tokens) < 3:
        if held not in scene.account.living() or not scene.may_go_on:
            return
        if not (await scene.do(Refresh(scene.account, held))).is_answered:
            return
    if scene.may_go_on:
        await scene.do(Reuse(scene.account, held))
        await try_ended(scene)


async def try_old_password(scene: Scene) -> None:
    """Try a password that was changed."""
    if scene.account.used:
        await scene.do(SignIn(scene.account, scene.rng.choice(scene.account.used)))


async def delete_own(scene: Scene) -> None:
    """Delete the account oneself."""
    account = scene.account
    password = scene.rng.choice(account.passwords)
    await scene.do(DeleteOwn(account, scene.one_living(), password))
