"""Trades the bars of a replay's accounts, merged by time, some steps at a go."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from seatrial_core.contracts.clock import Clock
from seatrial_core.contracts.orders import ReplayRequest, TradingState
from seatrial_core.errors import Conflict, ValidationFailed
from seatrial_engine.domain.changes import StateChanges
from seatrial_engine.replays.replay_account import AccountMarks, ReplayAccount

Json = dict[str, Any]  # Any: JSON


@dataclass(frozen=True)
class ReplayChunk:
    """What some steps did: the effects, and each account's closed trades and equity."""

    first_step: int
    steps_done: int
    effects: StateChanges
    marks: Mapping[str, AccountMarks] = field(default_factory=dict)

    @property
    def trades(self) -> int:
        """Return how many trades were closed."""
        return sum(len(each.trades) for each in self.marks.values())


class Replay:
    """All accounts of a replay and the steps they take together; one step is one instant.

    Args:
        request: What was asked for.
        engine: The engine's name, in every event.
        clock: Measures how long the work on a fill took.

    Raises:
        ValidationFailed: Bars, strategy, parameters or size of an account are not allowed; it names the account.
    """

    def __init__(self, request: ReplayRequest, engine: str, clock: Clock) -> None:
        names = [each.account for each in request.accounts]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValidationFailed(f"accounts must have names of their own, {twice[0]!r} is there more than once")
        self.lanes = [self._lane(request, number, engine, clock) for number in range(len(names))]
        # One step an instant: accounts whose bars open together move together, in the order of the request.
        at: dict[int, list[tuple[int, int]]] = {}
        for number, lane in enumerate(self.lanes):
            for bar, time in enumerate(lane.candles.time_ms.tolist()):
                at.setdefault(time, []).append((number, bar))
        self.steps = [at[time] for time in sorted(at)]
        self.done = 0

    def advance(self, steps: int, state: TradingState) -> ReplayChunk:
        """Trade the next steps; while the engine may not trade, no new decisions are sent."""
        first, last = self.done, min(self.done + steps, len(self.steps))
        effects: list[StateChanges] = []
        marks = {lane.account: AccountMarks() for lane in self.lanes}
        for step in self.steps[first:last]:
            closing = []
            for number, bar in step:
                opening, close = self.lanes[number].bar(bar, state, marks[self.lanes[number].account])
                effects.append(opening)
                closing.append(close)
            effects.extend(closing)
        self.done = last
        merged = StateChanges(
            orders=[order for each in effects for order in each.orders],
            fills=[fill for each in effects for fill in each.fills],
            accounts={lane.account: lane.snapshot() for lane in self.lanes},
            events=[event for each in effects for event in each.events],
        )
        return ReplayChunk(first, last, merged, marks)

    def opening(self) -> StateChanges:
        """Return the accounts as they begin."""
        return StateChanges(
            accounts={lane.account: lane.snapshot() for lane in self.lanes},
            events=[lane.opened() for lane in self.lanes],
        )

    def dump(self) -> Json:
        """Return all that is needed to go on, exact to the bit."""
        return {"done": self.done, "lanes": {lane.account: lane.dump() for lane in self.lanes}}

    def restore(self, progress: Json) -> None:
        """Go on where `dump` was taken."""
        self.done = int(progress["done"])
        for lane in self.lanes:
            lane.restore(progress["lanes"][lane.account])

    @property
    def finished(self) -> bool:
        """Tell whether every bar was traded."""
        return self.done >= len(self.steps)

    @staticmethod
    def _lane(request: ReplayRequest, number: int, engine: str, clock: Clock) -> ReplayAccount:
        account = request.accounts[number]
        try:
            return ReplayAccount(request.id, account, engine, clock)
        except ValidationFailed as error:
            raise ValidationFailed(f"account {account.account!r}: {error.detail}", errors=error.errors) from error


def require_free(accounts: Sequence[str], mine: Mapping[str, str], identity: str, traded: Mapping[str, object]) -> None:
    """Raise Conflict when an account of a new replay is in use by another replay, or by signals."""
    for name in accounts:
        owner = mine.get(name)
        if name in traded or owner not in {None, identity}:
            what = f"belongs to the replay {owner!r}" if owner else "is traded by signals"
            raise Conflict(f"the account {name!r} {what}; give the replay accounts of its own")


def rows(marks: AccountMarks) -> list[Json]:
    """Return closed trades as JSON; the floats keep every bit."""
    return [asdict(each) for each in marks.trades]
