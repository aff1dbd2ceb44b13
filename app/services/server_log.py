"""Tells operators of a mail server that can't be worked with."""

import logging

from app.core.smtp_url import SmtpServer
from app.services.circuit_breaker import DependencyUnavailableError
from app.services.smtp_causes import cause_of

logger = logging.getLogger(__name__)


class ServerLog:
    """Says once what is wrong, again when it is something else, and when it is over."""

    def __init__(self, server: SmtpServer) -> None:
        self._server = server
        self._place = {"host": server.host, "port": server.port}
        self._told: str | None = None

    def failed(self, error: DependencyUnavailableError) -> None:
        """Log why the server can't be worked with, if that is news."""
        if error.reason == "open":
            return  # What opened the breaker has been told.
        cause = cause_of(error, self._server)
        if cause != self._told:
            self._told = cause
            extra = {**self._place, "reason": error.reason, "error": cause}
            logger.warning("outbox.server_unavailable", extra=extra)

    def worked(self) -> None:
        """Log that the server has decided about a message, if that is news."""
        if self._told is not None:
            self._told = None
            logger.info("outbox.server_back", extra=self._place)
