"""What a channel is: it takes a message and says what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class DeliveryAttempt:
    """What came of one attempt; `retry_after_seconds` is what the receiver asked for."""

    outcome: str
    status_code: int | None
    detail: str
    seconds: float
    retry_after_seconds: float | None = None

    @property
    def is_delivered(self) -> bool:
        """Tell whether the receiver acknowledged."""
        return self.outcome == "delivered"


class Channel(Protocol):
    """Where messages of the outbox go."""

    @property
    def name(self) -> str:
        """Return the channel's name in the outbox."""

    @property
    def timeout_seconds(self) -> float:
        """Return how long one attempt takes at most."""

    @property
    def attempts(self) -> int | None:
        """Return after how many attempts a message is given up; None: never."""

    @property
    def longest_pause_seconds(self) -> float:
        """Return the longest pause between two attempts of our own choosing."""

    @property
    def is_serial(self) -> bool:
        """Tell whether all messages keep their order, not only those of one alert."""

    async def send(self, key: str, body: Mapping[str, Any]) -> DeliveryAttempt:  # Any: the message's JSON
        """Try once; the same key says the same thing."""
