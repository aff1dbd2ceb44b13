"""What the administrator does with people's accounts."""

from tests.faults.flows import check, try_ended
from tests.faults.scene import Scene
from tests.faults.steps.administration import (
    ChangeRole,
    Delete,
    DeleteRole,
    MakeRole,
    SetRoles,
    SetStatus,
    SignOutUser,
)
from tests.faults.steps.signing_in import SignIn
from tests.faults.worlds import USER, Status

PERMISSIONS = ("articles:read", "articles:write", "comments:write", "reports:read")


async def disable_for_a_while(scene: Scene) -> None:
    """Disable an account, see that it is shut, and enable it again."""
    account = scene.account
    await disable(scene)
    if scene.may_go_on and account.must_be(Status.DISABLED) and account.passwords:
        await try_ended(scene)
        await scene.do(SignIn(account, account.passwords[0]))
    await enable(scene)


async def disable(scene: Scene) -> None:
    """Disable the account."""
    by = await scene.administrator()
    await scene.do(SetStatus(scene.account, by, Status.DISABLED))


async def enable(scene: Scene) -> None:
    """Enable the account."""
    if scene.may_go_on and scene.account.may_be(Status.DISABLED):
        by = await scene.administrator()
        await scene.do(SetStatus(scene.account, by, Status.ACTIVE))


async def sign_user_out(scene: Scene) -> None:
    """End all sessions of the account."""
    await scene.do(SignOutUser(scene.account, await scene.administrator()))
    await try_ended(scene)


async def change_roles(scene: Scene) -> None:
    """Make a role, give it, change it, take it, delete it: one of these at a time."""
    account, rng = scene.account, scene.rng
    by = await scene.administrator()
    made = account.roles_made
    if not made or (len(made) < 2 and rng.random() < 0.3):
        name = f"{account.name}_{rng.getrandbits(24):06x}"
        await scene.do(MakeRole(account, by, name, _permissions(scene)))
        return
    name = rng.choice(made)
    steps = [
        SetRoles(account, by, frozenset({USER, name})),
        SetRoles(account, by, frozenset({USER})),
        ChangeRole(account, by, name, _permissions(scene)),
        DeleteRole(account, by, name),
    ]
    await scene.do(rng.choice(steps))
    if scene.may_go_on:
        await check(scene)


async def drop_role(scene: Scene) -> None:
    """Take a role away and delete it: they are not to pile up."""
    account = scene.account
    by = await scene.administrator()
    if not account.roles_made:
        return  # It was in doubt, and has been looked for meanwhile.
    name = account.roles_made[0]
    if any(name in world.roles and world.exists for world in account.worlds):
        await scene.do(SetRoles(account, by, frozenset({USER})))
    else:
        await scene.do(DeleteRole(account, by, name))


async def delete(scene: Scene) -> None:
    """Delete the account."""
    await scene.do(Delete(scene.account, await scene.administrator()))


def _permissions(scene: Scene) -> tuple[str, ...]:
    chosen = scene.rng.sample(PERMISSIONS, scene.rng.randint(1, 3))
    return tuple(sorted(chosen))
