"""UUIDs of version 7 (RFC 9562), which sort by time, so that new rows go to the end of the ledger's index.

`uuid6.uuid7()` and the standard library's from Python 3.14 on read the system clock and take no instant. An event's
id carries its own `occurred_at`, which a test sets; a package would be larger than this module.
"""

import os
from datetime import datetime
from uuid import UUID

from seatrial_core.timestamps import to_epoch_ms

PRODUCER_BITS, NUMBER_BITS = 42, 32  # of the 74 bits that are free


def uuid7(now: datetime) -> UUID:
    """Return a new UUID for an instant.

    Args:
        now: The aware instant; the first 48 bits are its milliseconds since the epoch.
    """
    return _of(now, int.from_bytes(os.urandom(10), "big") >> 6)


def record_id(producer: str, number: int, occurred_at: datetime) -> str:
    """Return the id of a producer's record: the same one whenever its batch is built again.

    Args:
        producer: The hex digits of the producer's UUID.
        number: The number of the record in the producer, below 2**32.
        occurred_at: The aware instant of the record.
    """
    return str(_of(occurred_at, (int(producer, 16) & (1 << PRODUCER_BITS) - 1) << NUMBER_BITS | number))


def _of(now: datetime, noise: int) -> UUID:
    milliseconds = to_epoch_ms(now) & 0xFFFF_FFFF_FFFF
    high, low = noise >> 62, noise & (1 << 62) - 1
    return UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)
