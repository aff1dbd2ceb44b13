"""Accepting an invitation."""

from app.api.deps import InvitationsDep
from app.api.v1.endpoints import endpoints
from app.core.exceptions import BusyError
from app.schemas.challenges import Acceptance
from app.schemas.problems import LINK, PASSWORD_RULES, problems
from app.schemas.user import User

router = endpoints("/auth/invite", "Auth")


@router.post("/accept", responses=problems(*LINK, *PASSWORD_RULES, BusyError))
async def accept_invitation(body: Acceptance, invitations: InvitationsDep) -> User:
    """Choose a password for the account that an invitation has brought."""
    password = body.new_password.get_secret_value()
    return User.of(await invitations.accept(body.proof(), password, body.display_name))
