"""Giving an account to who has proven to read its address."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import EndReason, User
from app.repositories import ChallengeRepository, SessionRepository, UserRepository


async def hand_over(
    session: AsyncSession,
    user: User,
    password_hash: str,
    now: datetime,
    reason: EndReason = EndReason.PASSWORD_RESET,
) -> None:
    """Leave nothing on an account that anybody else may have prepared there.

    Whoever was signed in is signed out, the old password opens nothing, and neither
    does any link or code that was sent before (Sudhodanan and Paverd, "Pre-hijacked
    accounts", USENIX Security 2022). No device is known any more.

    Args:
        session: The transaction.
        user: The account, locked.
        password_hash: What its password is checked by from now on.
        now: The time.
        reason: Why its sessions end.
    """
    user.password_hash = password_hash
    user.email_verified = True
    user.invited_at = None
    user.devices_since = now
    user.updated_at = now
    UserRepository(session).changed(user)
    await SessionRepository(session).end_all_of_user(user.id, reason, now)
    await ChallengeRepository(session).cancel_all(user, now)
