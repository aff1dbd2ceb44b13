"""Links and codes that were sent by mail, and mail itself."""

from app.core.errors.base import AppError


class ChallengeFailedError(AppError):
    """The code is not the one that was sent for this request, or the link is not one of
    ours for this purpose."""

    http_status = 403
    code = "challenge_failed"
    title = "That code or link is not right."
    remedy = (
        "Use the newest mail, and a code with the `challenge_id` of its own request. "
        "After five wrong codes only the link works."
    )
    keeps_writes = True


class SignUpPasswordError(AppError):
    """The link proves that you read the address. Whether you are who signed up with it,
    the password of the sign-up shows."""

    http_status = 403
    code = "sign_up_password_needed"
    title = "Enter the password that you chose when you signed up."
    remedy = (
        "Send it as `password` with the link's token. If it is not right, somebody "
        "else has signed up with your address: sign up yourself, or set a new password."
    )


class AccountPasswordError(AppError):
    """The link proves that you read the address. Whether it is you who wants it for an
    account, the password of that account shows."""

    http_status = 403
    code = "account_password_needed"
    title = "Enter the password of your account."
    remedy = (
        "Send it as `password` with the link's token. If it is not your account, "
        "somebody has given your address by mistake: do nothing."
    )


class ChallengeEndedError(AppError):
    """The link or code can't be used any more."""

    http_status = 410


class ChallengeUsedError(ChallengeEndedError):
    """The link or code has been used, and each works once. Whatever it was for has been
    done."""

    code = "challenge_used"
    title = "This link or code has been used already."
    remedy = "Go on: it is done. If it was not you who used it, ask for a new one."


class ChallengeCancelledError(ChallengeEndedError):
    """A newer mail has taken the place of this one, or the password or the address has
    changed since it was sent."""

    code = "challenge_cancelled"
    title = "This link or code is no longer valid."
    remedy = "Use the newest mail, or ask for another."


class ChallengeExpiredError(ChallengeEndedError):
    """Links live for fifteen minutes and codes for ten; links that invite or undo
    something live for days, as their mail says. This one's time is over."""

    code = "challenge_expired"
    title = "This link or code has expired."
    remedy = (
        "Ask for a new one where you asked for this one; for a sign-up that waits, "
        "with its `challenge_id`. Administrators send invitations again."
    )


class CodeExhaustedError(ChallengeEndedError):
    """Five wrong codes were entered for this request. The link in the mail still
    works."""

    code = "code_exhausted"
    title = "Too many wrong codes were entered."
    remedy = "Use the link in the mail, or ask for a new code."


class MailOffError(AppError):
    """This service sends no mail, so it can't do what needs one."""

    http_status = 501
    code = "mail_off"
    title = "This service sends no mail."
    remedy = "Ask an administrator. If you run the service, set SMTP_URL."


class MailSignInOffError(AppError):
    """This service lets nobody sign in by mail alone."""

    http_status = 403
    code = "mail_sign_in_off"
    title = "Signing in by mail is turned off."
    remedy = "Sign in with a password. If you run the service, see MAIL_SIGN_IN."


class NotInvitedError(AppError):
    """Only an invitation that nobody has followed yet can be sent again."""

    http_status = 409
    code = "not_invited"
    title = "This user has no open invitation."
    remedy = (
        "If they can't get in, `POST /api/v1/users/{id}/reset-password` sends them a "
        "mail with which they can set a new password."
    )


class MessageNotFoundError(AppError):
    """There is no message with this id in the outbox."""

    http_status = 404
    code = "message_not_found"
    title = "There is no such message."
    remedy = "List the outbox again; messages that were sent are kept for a week."


class MessageNotFailedError(AppError):
    """Only a message that was given up can be sent again."""

    http_status = 409
    code = "message_not_failed"
    title = "This message was not given up."
    remedy = "Look at its `status`: it was sent, or is still tried by itself."
