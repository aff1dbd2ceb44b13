"""The tokens that a live session is carried on with."""

from dataclasses import dataclass

from app.core.clock import Clock
from app.core.config import Settings
from app.core.security import (
    AccessClaims,
    AccessTokens,
    RefreshTokens,
)
from app.models import Account, Session, SessionState, User, new_id


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
    """What writes and reads the tokens of a session."""

    access: AccessTokens
    refresh: RefreshTokens


class TokenIssuer:
    """Issues what belongs to a session at its present generation."""

    def __init__(self, settings: Settings, clock: Clock, tokens: TokenKit) -> None:
        self._settings = settings
        self._clock = clock
        self._tokens = tokens

    def issue(
        self,
        user: User | Account,
        row: Session | SessionState,
        device_token: str | None = None,
    ) -> SignedIn:
        """Return a session with its tokens."""
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
            amr=[row.method],
            roles=list(user.role_names),
            scope=" ".join(sorted(user.permissions)),
        )
