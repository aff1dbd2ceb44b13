"""The end of a run as far as mail goes: an hour without a mail server, then all of it.

By then every fault is over. What was given up is to be sent again; the mail server is
gone; all clocks are moved an hour ahead, so that no message has to be waited for; then
the server is back, and every message must arrive.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from tests.faults.cluster import Cluster
from tests.faults.disturbances import Disturbances
from tests.faults.injecting import progress
from tests.faults.injections import FAULTS
from tests.faults.load import Load
from tests.faults.mail_answers import compare_answers, times_of
from tests.faults.mail_checks import compare, compare_failed, waiting
from tests.faults.mail_flow import mail_flows
from tests.faults.mail_ledger import Mail, Stored, read_outbox
from tests.faults.records import FaultRecord, Finding, FindingKind
from tests.faults.report import Recorder
from tests.faults.steps.mail import ListFailedMail, SendAgain
from tests.faults.wall_clock import set_clock
from tests.support.databases import make_settings

HOUR_SECONDS = 3600
LETTERS = 5
"""So many mails are asked for while the server is gone."""

LOOKED_SECONDS = 6.0
"""Each process looks at the outbox every five seconds."""

DELIVERED_SECONDS = 120.0
PAUSE_SECONDS = 0.5
UNSAVED_FAMILIES = frozenset({"disk", "database"})
UNSAVED = frozenset({"descriptor_exhaustion"})


class MailEnding:
    """Has all mail of a run delivered, and compares it with what was acknowledged."""

    def __init__(self, cluster: Cluster, load: Load, recorder: Recorder) -> None:
        self._cluster = cluster
        self._load = load
        self._recorder = recorder
        self._settings = make_settings(cluster.database_url)
        self._failed: list[str] = []
        self._sent_again: dict[str, float] = {}
        self._skipped: list[tuple[float, float]] = []
        self._untouched = 0

    async def settle(self, faults: Sequence[FaultRecord]) -> None:
        """Do it all, and tell what is found.

        Args:
            faults: What was injected.
        """
        await self._until_it_flows()
        self._failed = await self._given_up()
        self._tell(compare_failed(await self._mail(faults)))
        await self._cluster.mail.refuse()
        await self._send_again()
        await self._pass_an_hour()
        began = time.monotonic()
        await self._cluster.mail.recover()
        await self._until_it_flows()
        await self._until_delivered()
        took = round(time.monotonic() - began, 1)
        mail = await self._mail(faults)
        self._tell(compare(mail))
        self._tell(compare_answers(mail.asked, mail.troubles))
        self._describe(mail, took)

    async def _until_it_flows(self) -> None:
        urls = [server.url for server in self._cluster.servers]
        if not await mail_flows(urls, self._cluster.mail):
            self._broken("mail did not flow again")

    async def _given_up(self) -> list[str]:
        """Return what the administrator is shown as failed."""
        root, messages, cursor = self._load.root, list[str](), None
        while True:
            step = ListFailedMail(
                root.account, await root.administrator(), cursor=cursor
            )
            await self._load.caller.do_surely(step)
            messages += [row["id"] for row in step.found.get("items", ())]
            cursor = step.found.get("next_cursor")
            if not cursor:
                return messages

    async def _send_again(self) -> None:
        root = self._load.root
        for message in self._failed:
            self._sent_again[message] = time.monotonic()
            by = await root.administrator()
            await self._load.caller.do_surely(SendAgain(root.account, by, message))

    async def _pass_an_hour(self) -> None:
        """Let an hour pass without a server, and see that nothing is touched by it."""
        correspondents = self._load.correspondents
        readers = [correspondents.stranger() for _ in range(LETTERS)]
        for reader in readers:
            await correspondents.ask(reader)
        for server in self._cluster.servers:
            set_clock(server.clock, HOUR_SECONDS)
        self._skipped.append((time.monotonic(), HOUR_SECONDS))
        await asyncio.sleep(LOOKED_SECONDS)
        names = {reader.email for reader in readers}
        self._see_untouched(
            [one for one in await self._stored() if one.recipient in names]
        )

    def _see_untouched(self, stored: Sequence[Stored]) -> None:
        self._untouched = sum(one.is_waiting and not one.attempts for one in stored)
        if not stored:
            self._recorder.incomplete("no mail waited for an hour")
        if self._untouched < len(stored):
            touched = [vars(one) for one in stored]
            self._broken("mail was touched while the server was gone", stored=touched)

    async def _until_delivered(self) -> None:
        """Wait until nothing waits, or for too long."""
        began = time.monotonic()
        while waiting(await self._stored()):
            if time.monotonic() - began > DELIVERED_SECONDS:
                break
            await asyncio.sleep(PAUSE_SECONDS)

    async def _stored(self) -> list[Stored]:
        return await read_outbox(self._settings)

    async def _mail(self, faults: Sequence[FaultRecord]) -> Mail:
        return Mail(
            asked=tuple(self._load.mail.asked),
            stored=await self._stored(),
            handled=tuple(self._cluster.mail.handled),
            failed=frozenset(self._failed),
            sent_again=self._sent_again,
            disturbances=self._disturbances(faults),
            troubles=tuple(self._cluster.mail_troubles),
        )

    def _disturbances(self, faults: Sequence[FaultRecord]) -> Disturbances:
        servers = self._cluster.servers
        return Disturbances(
            ends=[end.at for server in servers for end in server.process.exits],
            unsaved=[_span(one) for one in faults if one.name in _unsaved()],
            bent=[(one.began, one.healed) for one in faults if one.name in _bending()],
            skipped=self._skipped,
        )

    def _describe(self, mail: Mail, took: float) -> None:
        taken = [one.message for one in mail.handled if one.taken]
        times = [asdict(one) for one in times_of(mail.asked, mail.troubles)]
        if mail.troubles and not times:
            self._recorder.incomplete("too few answers to see whether mail slows them")
        self._recorder.describe(
            mail={
                "asked_for": len(mail.asked),
                "acknowledged": sum(one.challenge is not None for one in mail.asked),
                "in_the_outbox_at_the_end": len(mail.stored),
                "arrived": len(set(taken)),
                "arrived_again": len(taken) - len(set(taken)),
                "given_up_and_sent_again": len(mail.sent_again),
                "untouched_by_an_hour_without_a_server": self._untouched,
                "delivered_after_it_seconds": took,
                "times": times,
            }
        )

    def _broken(self, what: str, **details: object) -> None:
        moment = time.monotonic()
        self._tell([Finding(FindingKind.BROKEN, what, moment, dict(details))])

    def _tell(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self._recorder.finding(finding)
            progress(f"!! {finding.kind}: {finding.what} {finding.details}")


def _unsaved() -> set[str]:
    families = {one.name for one in FAULTS if one.family in UNSAVED_FAMILIES}
    return families | UNSAVED


def _bending() -> set[str]:
    return {one.name for one in FAULTS if one.bends_time}


def _span(fault: FaultRecord) -> tuple[float, float]:
    return fault.began, fault.recovered or float("inf")
