"""How tokens travel: in the answer's body, or in cookies."""

import math
from typing import Annotated

from fastapi import Depends, Request, Response

from app.api.deps import cookies_of, services_of
from app.core.cookies import DEVICE_SECONDS
from app.core.middleware import DEVICE_HEADER
from app.core.security import Cookies
from app.schemas.auth import Tokens, Transport
from app.schemas.user import User
from app.services.container import Services
from app.services.issuing import SignedIn


class TokenWriter:
    """Hands a caller its tokens the way it asked for."""

    def __init__(
        self, response: Response, services: Services, cookies: Cookies
    ) -> None:
        self._response = response
        self._services = services
        self._cookies = cookies

    def write(self, signed_in: SignedIn, transport: Transport) -> Tokens:
        """Return the body; with cookies it carries no token."""
        tokens = Tokens(
            token_type="Bearer",
            expires_in=self._services.settings.access_token_seconds,
            refresh_expires_in=self._refresh_seconds(signed_in),
            session_id=signed_in.session.id,
            user=User.of(signed_in.user),
        )
        if transport == "cookie":
            self._set_cookies(signed_in, tokens)
            return tokens
        if signed_in.device_token:
            self._response.headers[DEVICE_HEADER] = signed_in.device_token
        tokens.access_token = signed_in.access_token
        tokens.refresh_token = signed_in.refresh_token
        return tokens

    def _set_cookies(self, signed_in: SignedIn, tokens: Tokens) -> None:
        cookies, response = self._cookies, self._response
        cookies.access.write(response, signed_in.access_token, tokens.expires_in)
        cookies.refresh.write(
            response, signed_in.refresh_token, tokens.refresh_expires_in
        )
        if signed_in.device_token:
            cookies.device.write(response, signed_in.device_token, DEVICE_SECONDS)

    def _refresh_seconds(self, signed_in: SignedIn) -> int:
        left = signed_in.session.expires_at - self._services.clock()
        return max(0, math.ceil(left.total_seconds()))


async def get_token_writer(request: Request, response: Response) -> TokenWriter:
    """Return the writer of this answer."""
    return TokenWriter(response, services_of(request), cookies_of(request))


TokenWriterDep = Annotated[TokenWriter, Depends(get_token_writer)]
