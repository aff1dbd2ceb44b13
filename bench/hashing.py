"""The ceiling of signing in: nothing but bcrypt, on as many threads as cores."""

import subprocess
import sys
from collections.abc import Sequence

from bench.contenders.people import BCRYPT_ROUNDS
from bench.load import Outcome
from bench.machine import pinned

NAME = "raw bcrypt"

_PROGRAM = """
import bcrypt, sys, threading, time
threads, rounds, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
hashed = bcrypt.hashpw(b"x" * 44, bcrypt.gensalt(rounds))
ended, began = [], time.monotonic()
def check():
    while True:
        bcrypt.checkpw(b"x" * 44, hashed)
        ended.append(time.monotonic())
        if ended[-1] > began + seconds:
            return
at_work = [threading.Thread(target=check) for _ in range(threads)]
for one in at_work: one.start()
for one in at_work: one.join()
print(len(ended), max(ended) - began, time.process_time())
"""


def raw_bcrypt(seconds: float, cores: Sequence[int]) -> Outcome:
    """Check passwords for so long, and return how many."""
    arguments = (str(len(cores)), str(BCRYPT_ROUNDS), str(seconds))
    command = pinned(cores, [sys.executable, "-c", _PROGRAM, *arguments])
    said = subprocess.check_output(command, text=True).split()
    count, took, cpu_seconds = int(said[0]), float(said[1]), float(said[2])
    each = 1000 * len(cores) * took / count
    return Outcome(count, took, 0, 0, each, each, cpu_seconds)
