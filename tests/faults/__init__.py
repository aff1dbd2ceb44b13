"""The harness of faults: `python -m tests.faults` shows what the service survives."""
