class ManualClock:
    """A time that moves when told."""

    def __init__(self, now: int = 1_700_000_000_000_000_000) -> None:
        self.time = now

    def now(self) -> int:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += int(seconds * 1_000_000_000)
