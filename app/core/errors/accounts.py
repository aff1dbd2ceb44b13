"""Accounts and roles that are not as they would have to be."""

from app.core.errors.base import AppError


class UserNotFoundError(AppError):
    """There is no account with this id."""

    http_status = 404
    code = "user_not_found"
    title = "There is no such user."
    remedy = "Check the id; the account may have been deleted."


class SessionNotFoundError(AppError):
    """You have no live session with this id."""

    http_status = 404
    code = "session_not_found"
    title = "There is no such session."
    remedy = "List the sessions again; it may have ended."


class RoleNotFoundError(AppError):
    """There is no role of this name."""

    http_status = 404
    code = "role_not_found"
    title = "There is no such role."
    remedy = "List the roles, or make this one first."


class EmailTakenError(AppError):
    """Another account has this e-mail address, perhaps spelt a little differently; or
    had it until a few days ago, and its owner can still have it back."""

    http_status = 409
    code = "email_taken"
    title = "There is already an account with this e-mail address."
    remedy = "Sign in with it, or use another address."


class RoleExistsError(AppError):
    """There is already a role of this name."""

    http_status = 409
    code = "role_exists"
    title = "There is already a role of this name."
    remedy = "Choose another name, or change the existing role."


class RoleInUseError(AppError):
    """Users still have this role, so it can't be deleted."""

    http_status = 409
    code = "role_in_use"
    title = "Users still have this role."
    remedy = "Take it from them first; `GET /api/v1/users?role=` lists them."


class RoleBuiltinError(AppError):
    """The roles `admin` and `user` belong to the service and stay as they are."""

    http_status = 409
    code = "role_builtin"
    title = "Built-in roles can't be changed."
    remedy = "Make a role of your own."


class LastAdminError(AppError):
    """This is the last active administrator; without one nobody could manage the
    service any more."""

    http_status = 409
    code = "last_admin"
    title = "The last active administrator must stay."
    remedy = "Make somebody else an administrator first."
