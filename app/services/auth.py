"""Signing in and out."""

import logging
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.client import Client
from app.core.clock import Clock
from app.core.config import Settings
from app.core.emails import email_key
from app.core.exceptions import (
    EmailNotVerifiedError,
    InvalidCredentialsError,
    InvalidRefreshTokenError,
    InvalidTokenError,
    TokenExpiredError,
)
from app.core.metrics import SIGN_INS
from app.database import Database
from app.models import MessageKind, Method, Session, User
from app.repositories import SessionRepository, UserRepository
from app.services.devices import Devices
from app.services.issuing import SignedIn, TokenIssuer, TokenKit
from app.services.keys import Keys
from app.services.limits import Limits
from app.services.notices import Notices
from app.services.passwords import Passwords
from app.services.sessions import Sessions, refuse_inactive
from app.services.sign_up import SignUp

logger = logging.getLogger(__name__)


class AuthService:
    """The rules of signing in and out."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        clock: Clock,
        limits: Limits,
        passwords: Passwords,
        sessions: Sessions,
        sign_up: SignUp,
        keys: Keys,
        tokens: TokenKit,
        devices: Devices,
        issuer: TokenIssuer,
        notices: Notices,
    ) -> None:
        self._settings = settings
        self._must_verify = settings.email_verification == "required"
        self._database = database
        self._clock = clock
        self._limits = limits
        self._passwords = passwords
        self._sessions = sessions
        self._sign_up = sign_up
        self._keys = keys
        self._tokens = tokens
        self._devices = devices
        self._issuer = issuer
        self._notices = notices

    async def sign_in(self, email: str, password: str, client: Client) -> SignedIn:
        """Check the credentials and start a session.

        An unknown e-mail costs as much time as a wrong password, so the answer does not
        tell which addresses have accounts.

        Raises:
            TooManyRequestsError: If this client or account must wait.
            BusyError: If too many are signing in at this moment.
            InvalidCredentialsError: If the credentials match no account.
            AccountDisabledError: If they do, but the account is disabled.
            AccountDeletedError: If they do, but its owner has deleted it.
            EmailNotVerifiedError: If they do, but the address is not verified yet; also
                if they match a sign-up whose address is not.
        """
        account = email_key(email)
        device = await self._devices.lane(account, client)
        async with self._limits.sign_in(account, device, client):
            user = await self._check_credentials(email, password)
        self._refuse_unready(user)
        # What a key signs that others have given up would be refused at once.
        await self._keys.keep_up()
        user, row = await self._begin_session(user, password, client)
        SIGN_INS.labels("succeeded").inc()
        logger.info(
            "auth.signed_in",
            extra={"of_user": str(user.id), "new_session": str(row.id)},
        )
        return self._issuer.issue(user, row, self._devices.token(user, client))

    async def refresh(self, refresh_token: str, client: Client) -> SignedIn:
        """Exchange a refresh token for a new pair.

        Raises:
            TooManyRequestsError: If this session or client refreshes too often.
            InvalidRefreshTokenError: If we did not issue this token.
            SessionEndedError: If its session has ended; the error says why.
        """
        await self._limits.count_refresh_attempt(client)
        claim = self._tokens.refresh.read(refresh_token)
        await self._limits.count_refresh(claim.session_id)
        await self._keys.keep_up()
        user, row = await self._sessions.refresh(claim, client)
        return self._issuer.issue(user, row)

    async def sign_out(self, access_token: str) -> None:
        """End the session of this access token; it may have ended already.

        Raises:
            InvalidTokenError: If we did not issue this token.
            TokenExpiredError: If its time is over.
        """
        await self._sessions.sign_out(await self.session_of(access_token))

    async def sign_out_browser(
        self, access_token: str | None, refresh_token: str | None
    ) -> None:
        """End the session of whichever cookie is still good; none may be."""
        session_id = await self.session_of_browser(access_token, refresh_token)
        if session_id is not None:
            await self._sessions.sign_out(session_id)

    async def session_of(self, access_token: str) -> UUID:
        """Return the session of this access token; it may have ended.

        Raises:
            InvalidTokenError: If we did not issue this token.
            TokenExpiredError: If its time is over.
        """
        await self._keys.keep_up()
        return self._tokens.access.read(access_token).sid

    async def session_of_browser(
        self, access_token: str | None, refresh_token: str | None
    ) -> UUID | None:
        """Return the session of whichever cookie is still good; it may have ended."""
        await self._keys.keep_up()
        try:
            return self._tokens.access.read(access_token or "").sid
        except (InvalidTokenError, TokenExpiredError):
            pass
        try:
            return self._tokens.refresh.read(refresh_token or "").session_id
        except InvalidRefreshTokenError:
            return None

    async def _check_credentials(self, email: str, password: str) -> User:
        async with self._database.reading() as session:
            user = await UserRepository(session).find_by_email(email)
        stored = user.password_hash if user else None
        if not await self._passwords.verify(password, stored) or user is None:
            SIGN_INS.labels("failed").inc()
            logger.warning(
                "auth.sign_in_failed", extra={"known_email": user is not None}
            )
            if self._must_verify and await self._sign_up.is_pending(email, password):
                raise EmailNotVerifiedError
            raise InvalidCredentialsError
        return user

    def _refuse_unready(self, user: User) -> None:
        refuse_inactive(user)
        if self._must_verify and not user.email_verified:
            raise EmailNotVerifiedError

    async def _begin_session(
        self, checked: User, password: str, client: Client
    ) -> tuple[User, Session]:
        better_hash = None
        if self._passwords.needs_rehash(checked.password_hash):
            better_hash = await self._passwords.hash(password)
        begun = await self._begin_if_unchanged(checked, better_hash, client)
        if begun is None:
            # The hash is not the one that was checked. Perhaps the same password was
            # hashed anew at another sign-in: then it is right still.
            checked = await self._check_credentials(checked.email, password)
            begun = await self._begin_if_unchanged(checked, None, client)
        if begun is None:
            raise InvalidCredentialsError
        return begun

    async def _begin_if_unchanged(
        self, checked: User, better_hash: str | None, client: Client
    ) -> tuple[User, Session] | None:
        """Begin a session if the account still is as it was when it was checked."""
        async with self._database.writing() as session:
            users = UserRepository(session)
            user = await users.lock(checked.id)
            if user is None or user.password_hash != checked.password_hash:
                return None
            self._refuse_unready(user)
            if await self._is_new_device(session, user, client):
                await self._notices.tell(session, MessageKind.NEW_DEVICE, user, client)
            user.password_hash = better_hash or user.password_hash
            user.last_sign_in_at = self._clock()
            users.changed(user)
            row = self._sessions.begin(user, client, Method.PASSWORD)
            SessionRepository(session).add(row)
        return user, row

    async def _is_new_device(
        self, session: AsyncSession, user: User, client: Client
    ) -> bool:
        """Tell whether nobody has signed in to this account so before.

        Programs that keep no device token are known by their address and their name.
        """
        if user.last_sign_in_at is None:
            return False
        if self._devices.is_known(user, client):
            return False
        return not await SessionRepository(session).has_been_begun_by(user.id, client)
