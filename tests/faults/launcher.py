"""`python -m tests.faults.launcher [--clock FILE] [--defect NAME] -m MODULE ...`

Runs the server's own command in this very process, so that whoever traces or limits the
process gets the server. Its wall clock can be moved, and with a defect one of its
guards is removed before.
"""

import runpy
import sys
from pathlib import Path

from tests.faults.wall_clock import follow


def main(arguments: list[str]) -> None:
    """Run a module as `python -m` would, after what was asked for besides."""
    if arguments[0] == "--clock":
        follow(Path(arguments[1]))
        arguments = arguments[2:]
    if arguments[0] == "--defect":
        # Not before the clock: this imports the service.
        from tests.faults.defects import apply

        apply(arguments[1])
        arguments = arguments[2:]
    assert arguments[0] == "-m", arguments
    sys.argv = arguments[1:]
    runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
