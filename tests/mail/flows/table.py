"""All flows, and how it is seen that what they are for has happened."""

from datetime import timedelta

import pytest

from app.models import Purpose
from tests.mail.flows import steps
from tests.mail.flows.flow import LASTING, Flow, Step, Way
from tests.mail.flows.scene import Scene

DELETION_DAYS = 14
REQUIRED = {"email_verification": "required"}


async def is_verified(scene: Scene, email: str) -> bool:
    """Tell whether there is an account whose address is proven."""
    return bool((await scene.account(email)).get("email_verified"))


async def has_signed_in(scene: Scene, email: str) -> bool:
    """Tell whether there is an account that somebody has signed in to."""
    return bool((await scene.account(email)).get("last_sign_in_at"))


async def has_new_password(scene: Scene, email: str) -> bool:
    """Tell whether the password is the one that was chosen with the proof."""
    return await scene.knows(email, steps.NEW_PASSWORD)


async def has_new_address(scene: Scene, email: str) -> bool:
    """Tell whether the account has moved."""
    return bool(await scene.account(steps.new(email)))


async def is_back(scene: Scene, email: str) -> bool:
    """Tell whether the account has this address again."""
    return bool(await scene.account(email))


async def is_signed_out(scene: Scene, email: str) -> bool:
    """Tell whether nobody is signed in to the account."""
    return not await scene.sessions(email)


async def is_kept(scene: Scene, email: str) -> bool:
    """Tell whether the account is not to be deleted."""
    return bool((await scene.account(email))["status"] == "active")


def _notice(name: str, ask: Step) -> Flow:
    return Flow(
        name,
        Purpose.SIGN_OUT_OTHERS,
        ask,
        is_signed_out,
        before=steps.be_proven,
        lives=LASTING,
        survives=steps.recover,
    )


FLOWS = [
    Flow(
        "verify",
        Purpose.VERIFY_EMAIL,
        steps.sign_up,
        is_verified,
        cancel=steps.resend,
    ),
    Flow(
        "verify a sign-up",
        Purpose.VERIFY_EMAIL,
        steps.sign_up,
        is_verified,
        cancel=steps.take_over,
        settings=REQUIRED,
    ),
    Flow(
        "resend",
        Purpose.VERIFY_EMAIL,
        steps.resend_own,
        is_verified,
        before=steps.have_signed_up,
    ),
    Flow(
        "resend a sign-up",
        Purpose.VERIFY_EMAIL,
        steps.resend_own,
        is_verified,
        before=steps.have_signed_up,
        cancel=steps.take_over,
        settings=REQUIRED,
    ),
    Flow(
        "forgotten password",
        Purpose.RESET_PASSWORD,
        steps.forget,
        has_new_password,
        before=steps.have_account,
    ),
    Flow(
        "sign in by mail",
        Purpose.SIGN_IN,
        steps.ask_to_sign_in,
        has_signed_in,
        before=steps.have_account,
    ),
    Flow(
        "sign up by mail",
        Purpose.SIGN_IN,
        steps.ask_to_sign_in,
        has_signed_in,
    ),
    Flow(
        "change of address",
        Purpose.CHANGE_EMAIL,
        steps.ask_to_move,
        has_new_address,
        before=steps.be_signed_in,
        reader=steps.new,
    ),
    Flow(
        "undo a change",
        Purpose.UNDO_EMAIL_CHANGE,
        steps.be_moved,
        is_back,
        before=steps.have_moved,
        lives=LASTING,
        cancel=steps.undo_first_move,
        survives=steps.flee,
    ),
    Flow(
        "invitation",
        Purpose.ACCEPT_INVITE,
        steps.invite,
        has_new_password,
        lives=LASTING,
        cancel=steps.invite_again,
    ),
    Flow(
        "reset by an admin",
        Purpose.RESET_PASSWORD,
        steps.reset_by_admin,
        has_new_password,
        before=steps.have_account,
        lives=LASTING,
    ),
    _notice("new device", steps.sign_in_elsewhere),
    _notice("password changed", steps.change_password),
    _notice("token reused", steps.copy_token),
    Flow(
        "undo a deletion",
        Purpose.UNDO_DELETION,
        steps.delete,
        is_kept,
        before=steps.have_moved,
        lives={"link": timedelta(days=DELETION_DAYS)},
        cancel=steps.undo_first_move,
    ),
]

_WAYS: list[tuple[Flow, Way]] = [(flow, way) for flow in FLOWS for way in flow.lives]

EACH = pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
EACH_WAY = pytest.mark.parametrize(
    ("flow", "way"), _WAYS, ids=[f"{flow.name} by {way}" for flow, way in _WAYS]
)


def those(*flows: Flow) -> pytest.MarkDecorator:
    """Have a test be about some flows only."""
    assert flows
    return pytest.mark.parametrize("flow", flows, ids=lambda flow: flow.name)


WITH_CODE = those(*(flow for flow in FLOWS if flow.has_code))
WITHOUT_CODE = those(*(flow for flow in FLOWS if not flow.has_code))
LASTING_ONES = those(*(flow for flow in FLOWS if flow.survives))
ENDED_BY_OTHERS = those(*(f for f in FLOWS if f.purpose is not Purpose.SIGN_OUT_OTHERS))
