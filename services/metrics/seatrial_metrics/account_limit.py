"""Limits how many accounts an environment may have: everything about a portfolio is calculated from all of them."""

from collections.abc import Iterable

from seatrial_core.contracts.events import Event, RejectedEvent

TOO_MANY_ACCOUNTS = "too_many_accounts"


class AccountLimit:
    """The accounts that this process knows, by environment; accounts that are stored are never refused.

    Args:
        limit: How many accounts an environment may have.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._names: dict[str, set[str]] = {}

    def add(self, accounts: Iterable[tuple[str, str]]) -> None:
        """Add stored accounts, as (environment, name)."""
        for environment, name in accounts:
            self._names.setdefault(environment, set()).add(name)

    def check(self, event: Event, index: int) -> RejectedEvent | None:
        """Return the rejection of an event whose account would be one too many."""
        names = self._names.setdefault(event.environment.value, set())
        if event.account in names:
            return None
        if len(names) < self._limit:
            names.add(event.account)
            return None
        return RejectedEvent(
            index=index,
            code=TOO_MANY_ACCOUNTS,
            detail=f"the environment {event.environment.value} has {len(names)} accounts and may have {self._limit}; "
            "send the events of one account under one name, or raise SEATRIAL_METRICS_MAX_ACCOUNTS",
        )
