"""Remembers the signatures of webhooks that make no order; of the others the stored order is the memory."""

from seatrial_core.signing import MAX_AHEAD_SECONDS, TOLERANCE_SECONDS


class UsedSignatures:
    """The signatures that this process accepted within the time in which they could be repeated.

    Args:
        started_at: When the process started, in epoch seconds. A signature that an earlier process may have accepted
            counts as repeated.
    """

    def __init__(self, started_at: int) -> None:
        self._first_new = started_at + MAX_AHEAD_SECONDS
        self._ends: dict[str, int] = {}

    def is_repeated(self, identity: str, signed_at: int, now: int) -> bool:
        """Return whether a signature may have been accepted before, and remember it."""
        self._ends = {key: end for key, end in self._ends.items() if end >= now}
        if signed_at < self._first_new or identity in self._ends:
            return True
        self._ends[identity] = signed_at + TOLERANCE_SECONDS
        return False
