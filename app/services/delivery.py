"""Delivers what is in the outbox.

A message is claimed for two minutes, sent, and then noted as sent. A process that dies
between the last two leaves the message to be sent once more when its claim has ended,
under the same Message-ID. Many processes may do this on one database.
"""

import asyncio
import logging
import random
from contextlib import suppress
from datetime import datetime, timedelta

from app.core.clock import Clock
from app.core.exceptions import DatabaseUnavailableError, MessageNotFoundError
from app.core.metrics import MAIL
from app.database import EVERYTHING, Changes, Database
from app.models import Message, MessageKind
from app.repositories import ChallengeRepository, OutboxRepository
from app.repositories.outbox import OUTBOX
from app.services.circuit_breaker import DependencyUnavailableError
from app.services.composing import Composer
from app.services.mailing import lives
from app.services.server_log import ServerLog
from app.services.smtp import MailRefusedError, Smtp, SmtpConnection
from app.services.smtp_causes import cause_of, loggable

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
"""For how long nobody else takes a message that somebody sends: well over what one
takes, with its deadlines."""

LOOK_SECONDS = 5.0
"""How often it is asked whether something is due that no change here told of: what
other processes wrote, or what was put off."""

FIRST_WAIT = timedelta(seconds=15)
LONGEST_WAIT = timedelta(minutes=30)
"""A message that was not taken waits, each time twice as long as the time before."""

GIVEN_UP_AFTER = timedelta(days=1)
"""A message that is not taken at this age is tried no more."""

STOP_SECONDS = 5.0
"""How long, when the service stops, a message that is being sent may take."""

MAXIMUM_ERROR = 200


class Delivery:
    """Sends what is due, as long as the server runs."""

    def __init__(
        self, database: Database, clock: Clock, smtp: Smtp, composer: Composer
    ) -> None:
        self._database = database
        self._clock = clock
        self._smtp = smtp
        self._server_log = ServerLog(smtp.server)
        self._composer = composer
        self._something_new = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False

    def hear(self, changes: Changes) -> None:
        """Look at the outbox now, if something was put there."""
        if OUTBOX in changes or EVERYTHING in changes:
            self._something_new.set()

    async def keep(self) -> None:
        """Go on until stopped; what fails is tried again."""
        while not self._stopping:
            self._something_new.clear()
            try:
                await self._deliver_due()
            except DependencyUnavailableError as error:
                self._server_log.failed(error)
                # Not at the next message: the server would not be any better.
                await asyncio.sleep(LOOK_SECONDS)
                continue
            except DatabaseUnavailableError:
                pass  # Logged where it happened.
            except Exception as error:
                logger.error("outbox.failed", exc_info=error)
            await self._new_or_after(LOOK_SECONDS)

    async def stop(self) -> None:
        """Take nothing more, and wait a moment for what is being sent."""
        self._stopping = True
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await self._idle.wait()

    async def _new_or_after(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._something_new.wait()

    async def _deliver_due(self) -> None:
        """Send everything that is due over one connection."""
        async with self._database.reading() as session:
            due_at = await OutboxRepository(session).next_due()
        if due_at is None or due_at > self._clock():
            return
        # Connected first: while the server is gone no message is touched.
        async with self._smtp.connection() as connection:
            while not self._stopping and await self._deliver_next(connection):
                pass

    async def _deliver_next(self, connection: SmtpConnection) -> bool:
        """Send the message that has been due the longest; False if none is due."""
        # From before it is taken: whoever stops us waits for what we have taken.
        self._idle.clear()
        try:
            message = await self._claim()
            if message is not None:
                await self._deliver(connection, message)
            return message is not None
        finally:
            self._idle.set()

    async def _claim(self) -> Message | None:
        async with self._database.writing() as session:
            return await OutboxRepository(session).claim(self._clock(), LEASE)

    async def _deliver(self, connection: SmtpConnection, message: Message) -> None:
        try:
            letter = await self._composer.compose(message)
            await connection.send(letter.as_email())
        except MailRefusedError as error:
            self._server_log.worked()
            await self._not_taken(message, str(error), is_final=error.is_final)
        except DependencyUnavailableError as error:
            cause = cause_of(error, self._smtp.server)
            await self._not_taken(message, f"{error}: {cause}")
            raise
        except DatabaseUnavailableError:
            raise
        except MessageNotFoundError:
            pass  # Its account has been deleted meanwhile.
        except Exception as error:
            # Such as an operator's own template that is wrong: the others go on.
            logger.error("outbox.not_written", exc_info=error, extra=_named(message))
            await self._not_taken(message, f"not written: {type(error).__name__}")
        else:
            self._server_log.worked()
            await self._sent(message)

    async def _sent(self, message: Message) -> None:
        now = self._clock()
        begun = lives(MessageKind(message.kind), now)
        async with self._database.writing() as session:
            challenges = ChallengeRepository(session)
            # First, as by who deletes an account with all that hangs on it.
            await challenges.lock(message.challenge_id)
            in_time = await OutboxRepository(session).note_sent(message, now)
            if in_time and begun:
                # The time to use it begins when it can be used.
                await challenges.begin(message.challenge_id, **vars(begun))
        if in_time:
            MAIL.labels("sent").inc()
            logger.info("outbox.sent", extra=_named(message))
        else:
            logger.warning("outbox.sent_too_late", extra=_named(message))

    async def _not_taken(
        self, message: Message, error: str, *, is_final: bool = False
    ) -> None:
        now, said = self._clock(), error[:MAXIMUM_ERROR]
        given_up = is_final or now - message.created_at >= GIVEN_UP_AFTER
        async with self._database.writing() as session:
            outbox = OutboxRepository(session)
            if given_up:
                in_time = await outbox.note_failed(message, now, said)
            else:
                later = _later(now, message.attempts)
                in_time = await outbox.put_off(message, later, said)
        if in_time:
            MAIL.labels("given_up" if given_up else "put_off").inc()
            event = "outbox.given_up" if given_up else "outbox.put_off"
            reply = loggable(error, self._smtp.server)
            logger.warning(event, extra={**_named(message), "error": reply})


def _later(now: datetime, attempts: int) -> datetime:
    wait = min(FIRST_WAIT * (1 << min(attempts - 1, 10)), LONGEST_WAIT)
    # Not all at once again that were put off at once.
    return now + wait * random.uniform(0.8, 1.2)


def _named(message: Message) -> dict[str, object]:
    return {
        "message_id": str(message.id),
        "message_kind": message.kind,
        "attempts": message.attempts,
    }
