"""The socket that the service listens on."""

import logging
import socket

from app import __version__
from app.core.config import Settings
from app.core.exceptions import StartupError

logger = logging.getLogger(__name__)

BACKLOG = 2048
"""How many connections may wait to be accepted, if the system allows it."""


def open_listener(settings: Settings) -> socket.socket:
    """Listen on SERVE_HOST and SERVE_PORT.

    Raises:
        StartupError: If that address can't be had.
    """
    host, port = settings.serve_host, settings.serve_port
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, _, _, _, address = found[0]
        listener = socket.create_server(
            (str(address[0]), port),
            family=family,
            backlog=BACKLOG,
            dualstack_ipv6=host == "::" and socket.has_dualstack_ipv6(),
        )
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StartupError(f"Can't listen on {host}, port {port}: {reason}.") from None
    return listener


def adopt_listener(fd: int) -> socket.socket:
    """Listen on a socket that whoever started us has opened.

    Taken for what it is: uvicorn's own --fd takes each for a UNIX one, so that nobody
    sets TCP_NODELAY and the second packet of every answer is 40 ms late.

    Raises:
        StartupError: If there is none at this number.
    """
    try:
        listener = socket.socket(fileno=fd)
        listener.listen(BACKLOG)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StartupError(f"Can't listen on --fd {fd}: {reason}.") from None
    listener.set_inheritable(False)
    return listener


def address_of(listener: socket.socket) -> str:
    """Return where to reach it, for people."""
    name = listener.getsockname()
    if not isinstance(name, tuple):
        return f"unix:{name}"
    host = f"[{name[0]}]" if ":" in name[0] else name[0]
    return f"http://{host}:{name[1]}"


def announce(settings: Settings, listener: socket.socket) -> None:
    """Say where the service is to be reached."""
    facts = {
        "address": address_of(listener),
        "public_url": settings.public_url,
        "workers": settings.serve_workers,
        "version": __version__,
    }
    logger.info("server.listening", extra=facts)
