"""UUIDs of version 7: they sort by the time they were made, so a ledger's index stays dense."""

import os
from datetime import datetime
from uuid import UUID

RANDOM_BITS = 74


def uuid7(now: datetime) -> UUID:
    """Return a new identity made at an instant.

    Args:
        now: The aware instant that its first 48 bits carry, in milliseconds.
    """
    milliseconds = int(now.timestamp() * 1000) & 0xFFFF_FFFF_FFFF
    noise = int.from_bytes(os.urandom(10), "big") >> 6
    high, low = noise >> 62, noise & (1 << 62) - 1
    return UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)
