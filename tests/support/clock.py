"""Time that passes only when a test says so."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """A clock to hand to the app; move it with `tick`."""

    def __init__(self) -> None:
        self.now = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the present of the test."""
        return self.now

    def tick(self, **duration: float) -> None:
        """Let time pass: `tick(minutes=10)`."""
        self.now += timedelta(**duration)
