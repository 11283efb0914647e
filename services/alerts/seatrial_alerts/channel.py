"""The interface of a channel: it sends a message of the outbox and returns the result."""

from dataclasses import dataclass
from typing import Protocol

from seatrial_core.json_types import JsonMapping


@dataclass(frozen=True)
class DeliveryAttempt:
    """The result of one attempt.

    Args:
        outcome: `delivered`, `refused`, `timeout` or `unreachable`.
        status_code: The HTTP status of the answer; None without one.
        detail: What went wrong; empty if delivered.
        seconds: How long the attempt took.
        retry_after_seconds: The Retry-After of the answer, if it has one.
    """

    outcome: str
    status_code: int | None
    detail: str
    seconds: float
    retry_after_seconds: float | None = None

    @property
    def is_delivered(self) -> bool:
        """Return whether the receiver acknowledged."""
        return self.outcome == "delivered"


class Channel(Protocol):
    """Where messages of the outbox go."""

    @property
    def name(self) -> str:
        """Return the channel's name in the outbox."""

    @property
    def timeout_seconds(self) -> float:
        """Return the time limit of one attempt."""

    @property
    def attempts(self) -> int | None:
        """Return after how many attempts a message is dead; None means never."""

    @property
    def max_pause_seconds(self) -> float:
        """Return the longest pause between two attempts, unless the receiver asks for more."""

    @property
    def is_serial(self) -> bool:
        """Return whether all messages keep their order, not only those of one alert."""

    async def send(self, key: str, body: JsonMapping) -> DeliveryAttempt:
        """Try once; every attempt for one message has the same key."""
