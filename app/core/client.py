"""Who is on the other end of the connection, as far as it can be known."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TypeAlias

from app.core.settings.service import Network

Address: TypeAlias = IPv4Address | IPv6Address

UNKNOWN_ADDRESS = "0.0.0.0"
MAXIMUM_USER_AGENT = 300

_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True)
class Client:
    """The program that sent a request.

    Attributes:
        ip: Its address, or that of the proxy that hides it.
        user_agent: What it calls itself, cut to 300 characters; the caller's own text.
        device_token: The proof of an earlier sign-in, if it sent one; not checked yet.
        languages: Which languages its user prefers, as in Accept-Language.
    """

    ip: str
    user_agent: str = ""
    device_token: str | None = None
    languages: str = ""

    @property
    def network(self) -> str:
        """What limits count by: the IPv4 address, or the /64 of an IPv6 address.

        Whoever has one IPv6 address has the 2^64 beside it as well.
        """
        address = ip_address(self.ip)
        if isinstance(address, IPv4Address):
            return str(address)
        return str(ip_network((address, 64), strict=False))

    @property
    def device(self) -> str:
        """A name for people, such as `Firefox on Linux`."""
        browser = _first_match(self.user_agent, _BROWSERS)
        system = _first_match(self.user_agent, _SYSTEMS)
        if browser and system:
            return f"{browser} on {system}"
        return browser or system or "Unknown device"


def client_address(
    peer: str | None, forwarded: Sequence[str], proxies: Sequence[Network]
) -> str:
    """Return the address a request came from.

    It is the socket's, unless that is a trusted proxy; then the right-most entry of the
    X-Forwarded-For chain that is not one. Further left is only the caller's word.

    Args:
        peer: The socket's address.
        forwarded: The X-Forwarded-For headers in the order they came.
        proxies: The networks of TRUSTED_PROXIES.
    """
    address = _parse(peer or "")
    chain = [entry for header in forwarded for entry in header.split(",")]
    while chain and address is not None and _is_in(address, proxies):
        nearer = _parse(chain.pop().strip())
        if nearer is None:
            break
        address = nearer
    return str(address) if address is not None else UNKNOWN_ADDRESS


def _parse(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        # A zone, as in fe80::1%eth0, is free text of any length: it is left out.
        return address.ipv4_mapped or IPv6Address(int(address))
    return address


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _first_match(text: str, names: Sequence[tuple[str, str]]) -> str:
    return next((name for mark, name in names if mark in text), "")
