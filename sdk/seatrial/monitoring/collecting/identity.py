"""UUIDs of version 7 (RFC 9562), which sort by time, so that new rows go to the end of the ledger's index.

`uuid6.uuid7()` and the standard library's from Python 3.14 on read the system clock and take no instant. An event's
id carries its own `occurred_at`, which a test sets; a package would be larger than this module.
"""

import os
from datetime import datetime
from uuid import UUID

from seatrial_core.timestamps import to_epoch_ms

RANDOM_BITS = 74


def uuid7(now: datetime) -> UUID:
    """Return a new UUID for an instant.

    Args:
        now: The aware instant; the first 48 bits are its milliseconds since the epoch.
    """
    milliseconds = to_epoch_ms(now) & 0xFFFF_FFFF_FFFF
    noise = int.from_bytes(os.urandom(10), "big") >> 6
    high, low = noise >> 62, noise & (1 << 62) - 1
    return UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)
