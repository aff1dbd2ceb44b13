"""The cookies that carry tokens to browsers, and back."""

from dataclasses import dataclass

from starlette.requests import HTTPConnection
from starlette.responses import Response

AUTH_PATH = "/api/v1/auth"
DEVICE_SECONDS = 400 * 24 * 3600
"""As long as browsers keep a cookie at most (RFC 6265bis, section 5.5)."""


@dataclass(frozen=True)
class Cookie:
    """One cookie of ours: HttpOnly always, Secure and prefixed over https."""

    name: str
    path: str
    same_site: str
    secure: bool

    def read(self, connection: HTTPConnection) -> str | None:
        """Return what the browser sent."""
        return connection.cookies.get(self.name)

    def write(self, response: Response, value: str, seconds: int) -> None:
        """Have the browser keep the value for so long."""
        response.set_cookie(
            self.name,
            value,
            max_age=seconds,
            path=self.path,
            secure=self.secure,
            httponly=True,
            samesite=self.same_site,  # type: ignore[arg-type]
        )

    def clear(self, response: Response) -> None:
        """Have the browser forget it."""
        self.write(response, "", 0)


class Cookies:
    """Our three cookies, named for how browsers reach the service.

    `__Host-` and `__Secure-` make browsers refuse a cookie that a neighbouring host or
    a plain http page tries to plant; both need https, so over http they are left out.
    """

    def __init__(self, https: bool) -> None:
        host, secure = ("__Host-", "__Secure-") if https else ("", "")
        self.access = Cookie(f"{host}cardea_access", "/", "lax", https)
        self.refresh = Cookie(f"{secure}cardea_refresh", AUTH_PATH, "strict", https)
        self.device = Cookie(f"{secure}cardea_device", AUTH_PATH, "strict", https)

    def authenticate(self, connection: HTTPConnection) -> bool:
        """Tell whether the request carries a cookie that signs it."""
        return bool(self.access.read(connection) or self.refresh.read(connection))

    def clear(self, response: Response) -> None:
        """Sign the browser out; that it knows this device stays."""
        self.access.clear(response)
        self.refresh.clear(response)
