"""Accounts, for administrators."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, status

from app.api.deps import (
    ClientDep,
    InvitationsDep,
    PageRequestDep,
    RecoveryDep,
    ServicesDep,
    SessionsDep,
    UserServiceDep,
    UsersReadDep,
    UsersWriteDep,
)
from app.api.v1.endpoints import endpoints
from app.core.exceptions import (
    BusyError,
    EmailTakenError,
    LastAdminError,
    MailOffError,
    NotInvitedError,
    PermissionDeniedError,
    RoleNotFoundError,
    SignUpClosedError,
    TooManyRequestsError,
    UserNotFoundError,
)
from app.models import EndReason, UserStatus
from app.schemas.base import SearchText
from app.schemas.challenges import MailSent
from app.schemas.pages import Page
from app.schemas.problems import PASSWORD_RULES, problems
from app.schemas.sessions import Session
from app.schemas.user import NewUser, User, UserAdminChanges, UserRoles

router = endpoints("/users", "Users")


@router.get("", responses=problems(PermissionDeniedError))
async def list_users(
    _: UsersReadDep,
    users: UserServiceDep,
    page: PageRequestDep,
    q: Annotated[
        SearchText | None, Query(description="Part of the e-mail or display name.")
    ] = None,
    role: Annotated[SearchText | None, Query(description="Who has this role.")] = None,
    status: Annotated[UserStatus | None, Query()] = None,
) -> Page[User]:
    """List accounts, newest first."""
    rows = await users.page(page, text=q, role=role, status=status)
    return Page[User].of(rows, User.of)


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    responses=problems(
        PermissionDeniedError,
        RoleNotFoundError,
        EmailTakenError,
        *PASSWORD_RULES,
        SignUpClosedError,
        TooManyRequestsError,
        MailOffError,
        BusyError,
    ),
)
async def create_user(
    body: NewUser,
    principal: UsersWriteDep,
    client: ClientDep,
    users: UserServiceDep,
    invitations: InvitationsDep,
) -> User:
    """Make an account for somebody, whom a mail invites to choose a password.

    With a password, it can be used at once and no mail is sent.
    """
    if body.password is None:
        invited = await invitations.invite(principal, body.account(), client)
        return User.of(invited)
    password = body.password.get_secret_value()
    return User.of(await users.create(principal, body.account(), password))


@router.get("/{user_id}", responses=problems(PermissionDeniedError, UserNotFoundError))
async def see_user(user_id: UUID, _: UsersReadDep, users: UserServiceDep) -> User:
    """Return one account."""
    return User.of(await users.get(user_id))


@router.patch(
    "/{user_id}",
    responses=problems(PermissionDeniedError, UserNotFoundError, LastAdminError),
)
async def change_user(
    user_id: UUID,
    body: UserAdminChanges,
    principal: UsersWriteDep,
    users: UserServiceDep,
) -> User:
    """Change an account; disabling it ends all its sessions at once."""
    return User.of(await users.update(principal, user_id, body.changes()))


@router.delete(
    "/{user_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(PermissionDeniedError, UserNotFoundError, LastAdminError),
)
async def delete_user(
    user_id: UUID, principal: UsersWriteDep, users: UserServiceDep
) -> None:
    """Delete an account and everything of it, for good."""
    await users.delete(principal, user_id)


@router.post(
    "/{user_id}/invite",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(
        PermissionDeniedError,
        UserNotFoundError,
        NotInvitedError,
        SignUpClosedError,
        TooManyRequestsError,
        MailOffError,
    ),
)
async def invite_again(
    user_id: UUID,
    principal: UsersWriteDep,
    client: ClientDep,
    invitations: InvitationsDep,
) -> MailSent:
    """Send an invitation again; the one before no longer works."""
    await invitations.invite_again(principal, user_id, client)
    return MailSent()


@router.post(
    "/{user_id}/reset-password",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(
        PermissionDeniedError, UserNotFoundError, TooManyRequestsError, MailOffError
    ),
)
async def start_password_reset(
    user_id: UUID, principal: UsersWriteDep, client: ClientDep, recovery: RecoveryDep
) -> MailSent:
    """Send a user a mail to set a new password; until then the old one stays."""
    await recovery.start_for(principal, user_id, client)
    return MailSent()


@router.put(
    "/{user_id}/roles",
    responses=problems(
        PermissionDeniedError, UserNotFoundError, RoleNotFoundError, LastAdminError
    ),
)
async def set_user_roles(
    user_id: UUID, body: UserRoles, principal: UsersWriteDep, users: UserServiceDep
) -> User:
    """Replace a user's roles; you must hold every permission they give or take."""
    return User.of(await users.set_roles(principal, user_id, body.roles))


@router.get(
    "/{user_id}/sessions",
    responses=problems(PermissionDeniedError, UserNotFoundError),
)
async def list_user_sessions(
    user_id: UUID,
    principal: UsersReadDep,
    services: ServicesDep,
    page: PageRequestDep,
    ended: Annotated[bool, Query(description="List ended sessions too.")] = False,
) -> Page[Session]:
    """List the devices a user is signed in on, newest first."""
    await services.users.get(user_id)
    rows = await services.sessions.page_of_user(user_id, page, ended=ended)
    now = services.clock()
    return Page[Session].of(
        rows, lambda row: Session.of(row, principal.session.id, now)
    )


@router.post(
    "/{user_id}/logout",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(PermissionDeniedError, UserNotFoundError),
)
async def sign_user_out(
    user_id: UUID, _: UsersWriteDep, users: UserServiceDep, sessions: SessionsDep
) -> None:
    """End all sessions of a user."""
    await users.get(user_id)
    await sessions.end_all(user_id, EndReason.ENDED_BY_ADMIN)
