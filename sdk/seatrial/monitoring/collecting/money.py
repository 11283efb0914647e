"""What the collectors of one process recorded about the money of its accounts, for the monitor of the process."""

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

MAX_MOVEMENTS = 50_000


class AccountKey(NamedTuple):
    """One account of one environment."""

    environment: str
    account: str


class MovementKind(StrEnum):
    """How an amount changes an account."""

    OPENING = "opening"
    RESULT = "result"
    FLOW = "flow"
    MARK = "mark"


class MoneyMovement(NamedTuple):
    """One recorded amount."""

    at: datetime
    account: AccountKey
    kind: MovementKind
    amount: Decimal


@dataclass(frozen=True)
class AccountOpening:
    """The opening balance of an account, and the zone in which its days begin."""

    balance: str
    currency: str = "USD"
    session_zone: str = "UTC"

    def fields(self) -> Mapping[str, str]:
        """Return the fields of the account event."""
        return {
            "opening_balance": self.balance,
            "currency": self.currency,
            "session_zone": self.session_zone,
        }


class RecordedMoney:
    """Keeps the newest movements until the monitor reads them; safe for several threads."""

    def __init__(self, max_movements: int = MAX_MOVEMENTS) -> None:
        self._lock = threading.Lock()
        self._movements: deque[MoneyMovement] = deque(maxlen=max_movements)
        self._added = 0
        self._first_at: dict[AccountKey, datetime] = {}
        self.stored_until: dict[AccountKey, int] = {}  # the position up to which a monitor has stored its state
        self._opened: set[AccountKey] = set()
        self._warned: set[AccountKey] = set()
        self._default: AccountOpening | None = None
        self._is_default_used = False

    def add(self, movement: MoneyMovement) -> None:
        """Add one movement."""
        with self._lock:
            self._movements.append(movement)
            self._added += 1
            self._first_at.setdefault(movement.account, movement.at)

    def since(self, position: int) -> tuple[list[MoneyMovement], int, int]:
        """Return the movements from a position on, the next position, and how many of them are lost."""
        with self._lock:
            kept = len(self._movements)
            asked = self._added - position
            lost = max(0, asked - kept)
            movements = list(self._movements)[kept - asked + lost :] if asked else []
            return movements, self._added, lost

    def offer_default(self, opening: AccountOpening) -> None:
        """Use this opening for the first account that records money without its own."""
        with self._lock:
            self._default = opening

    def take_default(self) -> AccountOpening | None:
        """Return the default opening once: one balance must not count for two accounts."""
        with self._lock:
            if self._is_default_used or self._default is None:
                return None
            self._is_default_used = True
            return self._default

    def open(self, account: AccountKey) -> None:
        """Note that the account has an opening balance or a mark."""
        with self._lock:
            self._opened.add(account)

    def is_open(self, account: AccountKey) -> bool:
        """Return whether the account has an opening balance or a mark in this process."""
        return account in self._opened

    def without_opening(self) -> list[tuple[AccountKey, datetime]]:
        """Return the accounts with amounts and neither opening nor mark, each with its first instant."""
        with self._lock:
            return [(account, at) for account, at in self._first_at.items() if account not in self._opened]

    def warn_once(self, account: AccountKey) -> bool:
        """Return whether nothing was logged about the missing opening of this account yet."""
        with self._lock:
            is_first = account not in self._warned
            self._warned.add(account)
            return is_first

    def renew_lock(self) -> None:
        """Make a new lock, in a forked child."""
        self._lock = threading.Lock()
