"""A run, from the first process to the report."""

import asyncio
import os
import signal
import time
from contextlib import suppress

import httpx2

from tests.faults.across import measure_revocations, measure_shared_limit
from tests.faults.cluster import Cluster, open_cluster
from tests.faults.injecting import Injecting, Options, progress
from tests.faults.load import Load
from tests.faults.mail_ending import MailEnding
from tests.faults.probes import NotYetError
from tests.faults.records import Finding, FindingKind
from tests.faults.report import Recorder

REVOCATIONS = 100
ROUNDS_OF_GUESSES = 5
SHORT_REVOCATIONS = 10
SHORT_ROUNDS_OF_GUESSES = 1
STOP_SECONDS = 300
"""What the last comparison, of every account there has been, may take."""

MAIL_SECONDS = 400
"""What it may take to have all mail delivered, and compared."""


async def run(options: Options) -> int:
    """Run what was asked for, write the report, and return the exit status."""
    recorder = Recorder(
        database=options.database,
        processes=options.processes,
        minutes=options.minutes,
        seed=options.seed,
        defect=options.defect,
        short=options.short,
    )
    _cancel_on_signals()
    try:
        await _hurt(options, recorder)
    except asyncio.CancelledError:
        recorder.incomplete("the run was ended early")
    return _report(options, recorder)


async def _hurt(options: Options, recorder: Recorder) -> None:
    """Inject everything under load."""
    cluster_of = open_cluster(
        options.database, options.processes, options.report / "logs", options.defect
    )
    async with cluster_of as cluster:
        await _measure(options, cluster, recorder)
        load = Load(cluster.target, options.seed, recorder)
        injecting = Injecting(options, cluster, load, recorder)
        await load.start()
        try:
            await injecting.go()
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_SECONDS):
                    await load.stop()
        await _settle_mail(MailEnding(cluster, load, recorder), injecting, recorder)
    if injecting.missing:
        names = ", ".join(injecting.missing)
        recorder.incomplete(f"not shown to have been injected: {names}")


async def _settle_mail(
    ending: MailEnding, injecting: Injecting, recorder: Recorder
) -> None:
    """Have all mail delivered, and compare it with what was acknowledged."""
    try:
        async with asyncio.timeout(MAIL_SECONDS):
            await ending.settle(injecting.done)
    except TimeoutError:
        recorder.incomplete("the mail could not be compared")


async def _measure(options: Options, cluster: Cluster, recorder: Recorder) -> None:
    """Measure what several processes promise together, before the load begins."""
    if len(cluster.servers) < 2:
        return
    try:
        await _measure_revocations(options, cluster, recorder)
        await _measure_shared_limit(options, cluster, recorder)
    except (httpx2.HTTPError, NotYetError, AssertionError) as error:
        recorder.incomplete(f"the processes could not be measured together: {error!r}")


async def _measure_revocations(
    options: Options, cluster: Cluster, recorder: Recorder
) -> None:
    times = SHORT_REVOCATIONS if options.short else REVOCATIONS
    measured = await measure_revocations(cluster.target.urls, times)
    progress(f"{measured}")
    recorder.describe(revocations=vars(measured))
    if measured.late:
        _broken(recorder, "a revocation was not heard in time", vars(measured))


async def _measure_shared_limit(
    options: Options, cluster: Cluster, recorder: Recorder
) -> None:
    rounds = SHORT_ROUNDS_OF_GUESSES if options.short else ROUNDS_OF_GUESSES
    measured = await measure_shared_limit(cluster.target.urls, rounds)
    progress(f"{measured}")
    recorder.describe(shared_limit=vars(measured))
    if not measured.exact:
        _broken(recorder, "a shared limit was not exact", vars(measured))


def _broken(recorder: Recorder, what: str, details: dict[str, object]) -> None:
    moment = time.monotonic()
    recorder.finding(Finding(FindingKind.BROKEN, what, moment, details))


def _report(options: Options, recorder: Recorder) -> int:
    """Write the report; return 0 if all is as it should be."""
    recorder.describe(load_average_at_the_end=os.getloadavg())
    recorder.write(options.report)
    failures = recorder.failures()
    progress(f"The report is in {options.report}: {'; '.join(failures) or 'passed'}.")
    if options.defect is None:
        return 1 if failures else 0
    promises = recorder.summary()["promises"].values()
    found = any(promise["count"] for promise in promises)
    progress(f"{options.defect} was {'found' if found else 'NOT FOUND'}.")
    return 0 if found else 1


def _cancel_on_signals() -> None:
    """End on Ctrl-C and SIGTERM with everything stopped, and a report."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
