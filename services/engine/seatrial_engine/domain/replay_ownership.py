"""Decides whether a replay may own its accounts."""

from seatrial_core.errors import Conflict
from seatrial_engine.domain.account import EngineState
from seatrial_engine.domain.changes import StateChanges
from seatrial_engine.domain.commands import OpenReplay, ProcessingResult


def open_replay(state: EngineState, command: OpenReplay) -> ProcessingResult:
    """Return the state in which the replay owns its accounts; a replay that is open already changes nothing.

    Raises:
        Conflict: Signals or another replay use one of the accounts.
    """
    replay = command.replay
    if replay.id in state.replay_accounts.values():
        return ProcessingResult(state, repeated=True)
    for name in command.accounts:
        owner = state.replay_accounts.get(name)
        if owner is not None or name in state.accounts:
            user = f"belongs to the replay {owner!r}" if owner is not None else "is traded by signals"
            raise Conflict(f"the account {name!r} {user}; give the replay other accounts")
    changes = StateChanges(accounts=command.accounts, replays=(replay,), events=command.events)
    return ProcessingResult(state.with_replay(replay.id, command.accounts), changes)
