"""Devices that have signed in to an account before, as their tokens show."""

from app.core.client import Client
from app.core.clock import Clock
from app.core.security import DeviceTokens
from app.database import Database
from app.models import User
from app.repositories import UserRepository


class Devices:
    """Knows devices, but not those from before an account was given to its owner."""

    def __init__(self, database: Database, clock: Clock, tokens: DeviceTokens) -> None:
        self._database = database
        self._clock = clock
        self._tokens = tokens

    async def lane(self, account: str, client: Client) -> str | None:
        """Return the name of the device that asks, None if it is a stranger.

        The database is asked by whoever has signed in to this account before alone, so
        it tells nobody else whether there is one.

        Args:
            account: The e-mail key that was given, known or not.
            client: Who asks.
        """
        device = self._tokens.read(client.device_token, account)
        if device is None:
            return None
        async with self._database.reading() as session:
            since = await UserRepository(session).devices_since(account)
        return device.name if device.is_since(since) else None

    def is_known(self, user: User, client: Client) -> bool:
        """Tell whether this client has signed in to the account before."""
        device = self._tokens.read(client.device_token, user.email_key)
        return device is not None and device.is_since(user.devices_since)

    def token(self, user: User, client: Client) -> str:
        """Return the token of a client that has signed in: its own, or a new one."""
        if client.device_token and self.is_known(user, client):
            return client.device_token
        return self._tokens.issue(user.email_key, self._clock())
