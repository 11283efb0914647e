"""The pause before a crashed process is restarted: it doubles per crash and is reset after a stable run."""

from dataclasses import dataclass, replace

FIRST_SECONDS = 0.5
MAX_SECONDS = 30.0
QUIET_SECONDS = 60.0


@dataclass(frozen=True)
class Backoff:
    """The crashes in a row so far."""

    crashes: int = 0

    def crashed(self, lived_seconds: float) -> "Backoff":
        """Return the state after a crash of a process that had lived `lived_seconds`."""
        return replace(self, crashes=1 if lived_seconds >= QUIET_SECONDS else self.crashes + 1)

    @property
    def pause_seconds(self) -> float:
        """Return the pause before the next start."""
        if self.crashes == 0:
            return 0.0
        return min(MAX_SECONDS, FIRST_SECONDS * 2.0 ** min(self.crashes - 1, 10))
