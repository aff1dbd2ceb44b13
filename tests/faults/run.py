"""A run, from the first process to the report."""

import asyncio
import json
import signal
import time
from contextlib import suppress

from tests.faults.across import measure_revocations, measure_shared_limit
from tests.faults.cluster import Cluster, open_cluster
from tests.faults.injecting import Injecting, Options, progress
from tests.faults.load import Load
from tests.faults.records import Finding, FindingKind
from tests.faults.report import Recorder

REVOCATIONS = 100
ROUNDS_OF_GUESSES = 5
SHORT_REVOCATIONS = 10
SHORT_ROUNDS_OF_GUESSES = 1
STOP_SECONDS = 300
"""What the last comparison, of every account there has been, may take."""


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
    missing = ["everything"]
    try:
        missing = await _hurt(options, recorder)
    except asyncio.CancelledError:
        recorder.note("The run was ended early.")
    return _report(options, recorder, missing)


async def _hurt(options: Options, recorder: Recorder) -> list[str]:
    """Inject everything under load; return what could not be injected."""
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
    return injecting.missing


async def _measure(options: Options, cluster: Cluster, recorder: Recorder) -> None:
    """Measure what several processes promise together, before the load begins."""
    urls = cluster.target.urls
    if len(urls) < 2:
        return
    times = SHORT_REVOCATIONS if options.short else REVOCATIONS
    revocations = await measure_revocations(urls, times)
    progress(f"{revocations}")
    if revocations.late:
        _broken(recorder, "a revocation was not heard in time", vars(revocations))
    rounds = SHORT_ROUNDS_OF_GUESSES if options.short else ROUNDS_OF_GUESSES
    limit = await measure_shared_limit(urls, rounds)
    progress(f"{limit}")
    if not limit.exact:
        _broken(recorder, "a shared limit was not exact", vars(limit))
    recorder.describe(revocations=vars(revocations), shared_limit=vars(limit))


def _broken(recorder: Recorder, what: str, details: dict[str, object]) -> None:
    moment = time.monotonic()
    recorder.finding(Finding(FindingKind.BROKEN, what, moment, details))


def _report(options: Options, recorder: Recorder, missing: list[str]) -> int:
    """Write the report; return 0 if all is as it should be."""
    if missing:
        recorder.note(f"Not shown to have been injected: {', '.join(missing)}.")
    recorder.write(options.report)
    failures = recorder.failures()
    progress(f"The report is in {options.report}.")
    progress(json.dumps({"failures": failures, "not_injected": missing}))
    if options.defect is not None:
        found = bool(failures)
        progress(f"The defect was {'found' if found else 'NOT FOUND'}.")
        return 0 if found else 1
    return 1 if failures or missing else 0


def _cancel_on_signals() -> None:
    """End on Ctrl-C and SIGTERM with everything stopped, and a report."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
