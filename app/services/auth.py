"""Signing up, in and out."""

import logging
from dataclasses import dataclass
from uuid import UUID

from app.core.client import Client
from app.core.clock import Clock
from app.core.config import Settings
from app.core.emails import email_key
from app.core.exceptions import (
    AccountDisabledError,
    EmailNotVerifiedError,
    EmailTakenError,
    InvalidCredentialsError,
    InvalidRefreshTokenError,
    InvalidTokenError,
    SignUpClosedError,
    TokenExpiredError,
)
from app.core.metrics import SIGN_INS
from app.core.security import (
    AccessClaims,
    AccessTokens,
    DeviceTokens,
    RefreshTokens,
)
from app.database import Database
from app.models import USER, Account, Session, SessionState, User, new_id
from app.repositories import RoleRepository, SessionRepository, UserRepository
from app.services.keys import Keys
from app.services.limits import Limits
from app.services.passwords import Passwords
from app.services.sessions import Sessions

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SignedIn:
    """A live session, and the tokens to carry on with.

    `device_token` proves the sign-in to later ones; a refresh gives none.
    """

    user: User | Account
    session: Session | SessionState
    access_token: str
    refresh_token: str
    device_token: str | None = None


@dataclass(frozen=True)
class TokenKit:
    """What writes and reads the three kinds of token."""

    access: AccessTokens
    refresh: RefreshTokens
    device: DeviceTokens


class AuthService:
    """The rules of signing up, in and out."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        clock: Clock,
        limits: Limits,
        passwords: Passwords,
        sessions: Sessions,
        keys: Keys,
        tokens: TokenKit,
    ) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._limits = limits
        self._passwords = passwords
        self._sessions = sessions
        self._keys = keys
        self._tokens = tokens

    async def register(
        self, email: str, password: str, display_name: str | None, client: Client
    ) -> User | None:
        """Make an account.

        Returns:
            The account; None where the address must be verified first, whether or not
            it already has one, after the same work.

        Raises:
            SignUpClosedError: If people can't make accounts themselves here.
            TooManyRequestsError: If too many accounts come from this network.
            PasswordRefusedError: If the password breaks a rule.
            EmailTakenError: If the address has an account.
        """
        if self._settings.sign_up != "open":
            raise SignUpClosedError
        await self._limits.count_sign_up(client)
        password_hash = await self._passwords.hash_new(password, email)
        user = User.new(email, password_hash, self._clock(), display_name)
        verify_first = self._settings.email_verification == "required"
        try:
            async with self._database.writing() as session:
                user.roles = await RoleRepository(session).get_all([USER])
                await UserRepository(session).add(user)
        except EmailTakenError:
            if not verify_first:
                raise
            return None
        logger.info("auth.registered", extra={"new_user": str(user.id)})
        return None if verify_first else user

    async def sign_in(self, email: str, password: str, client: Client) -> SignedIn:
        """Check the credentials and start a session.

        An unknown e-mail costs as much time as a wrong password, so the answer does not
        tell which addresses have accounts.

        Raises:
            TooManyRequestsError: If this client or account must wait.
            BusyError: If too many are signing in at this moment.
            InvalidCredentialsError: If the credentials match no account.
            AccountDisabledError: If they do, but the account is disabled.
            EmailNotVerifiedError: If they do, but the address is not verified yet.
        """
        account = email_key(email)
        device = self._tokens.device.device_of(client.device_token, account)
        async with self._limits.sign_in(account, device, client):
            user = await self._check_credentials(email, password)
        self._refuse_inactive(user)
        # What a key signs that others have given up would be refused at once.
        await self._keys.keep_up()
        user, row = await self._begin_session(user, password, client)
        SIGN_INS.labels("succeeded").inc()
        logger.info(
            "auth.signed_in",
            extra={"of_user": str(user.id), "new_session": str(row.id)},
        )
        known = client.device_token if device else None
        return self._with_tokens(user, row, known or self._tokens.device.issue(account))

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
        return self._with_tokens(user, row)

    async def sign_out(self, access_token: str) -> None:
        """End the session of this access token; it may have ended already.

        Raises:
            InvalidTokenError: If we did not issue this token.
            TokenExpiredError: If its time is over.
        """
        await self._keys.keep_up()
        await self._sessions.sign_out(self._tokens.access.read(access_token).sid)

    async def sign_out_browser(
        self, access_token: str | None, refresh_token: str | None
    ) -> None:
        """End the session of whichever cookie is still good; none may be."""
        await self._keys.keep_up()
        session_id = self._session_of(access_token, refresh_token)
        if session_id is not None:
            await self._sessions.sign_out(session_id)

    def _session_of(
        self, access_token: str | None, refresh_token: str | None
    ) -> UUID | None:
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
            raise InvalidCredentialsError
        return user

    def _refuse_inactive(self, user: User) -> None:
        if not user.is_active:
            raise AccountDisabledError
        if self._settings.email_verification == "required" and not user.email_verified:
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
            self._refuse_inactive(user)
            user.password_hash = better_hash or user.password_hash
            user.last_sign_in_at = self._clock()
            users.changed(user)
            row = self._sessions.begin(user, client)
            SessionRepository(session).add(row)
        return user, row

    def _with_tokens(
        self,
        user: User | Account,
        row: Session | SessionState,
        device_token: str | None = None,
    ) -> SignedIn:
        return SignedIn(
            user,
            row,
            self._tokens.access.sign(self._claims(user, row)),
            self._tokens.refresh.issue(row.id, row.generation),
            device_token,
        )

    def _claims(
        self, user: User | Account, row: Session | SessionState
    ) -> AccessClaims:
        now = int(self._clock().timestamp())
        return AccessClaims(
            iss=self._settings.public_url,
            sub=user.id,
            aud=self._settings.token_audience,
            client_id=self._settings.token_audience,
            exp=now + self._settings.access_token_seconds,
            iat=now,
            jti=new_id(),
            sid=row.id,
            gen=row.generation,
            auth_time=int(row.created_at.timestamp()),
            amr=["pwd"],
            roles=list(user.role_names),
            scope=" ".join(sorted(user.permissions)),
        )
