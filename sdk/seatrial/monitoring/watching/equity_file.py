"""Keeps the equity state of a monitored account on disk, so that a restart does not forget its peak and its day."""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

from seatrial_core import private_files
from seatrial_core.figures.equity import EquityState

VERSION = 1

log = logging.getLogger("seatrial")


class EquityFile:
    """One private file next to the spilled batches.

    Args:
        folder: The spill folder.
        identity: What the state belongs to: destination, environment and account.
    """

    def __init__(self, folder: Path, identity: tuple[str, ...]) -> None:
        self.path = folder / f"equity-{hashlib.sha256(repr(identity).encode()).hexdigest()[:16]}.json"
        self._saved: EquityState | None = None
        self._has_failed = False

    def load(self) -> EquityState | None:
        """Return the stored state; None if there is none or it is damaged, which is logged."""
        try:
            if not private_files.is_own(self.path):
                raise private_files.UnsafeFolder("it belongs to another user")
            document = json.loads(self.path.read_text(encoding="utf-8"))
            self._saved = _parse(document)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, InvalidOperation) as error:
            log.warning(
                "the stored equity in %s cannot be used (%s: %s); peak and session begin with what is known now",
                self.path, type(error).__name__, error,
            )  # fmt: skip
        return self._saved

    def save(self, state: EquityState) -> bool:
        """Store a state unless it is stored already, and return whether it is; a failure is logged once."""
        if state == self._saved:
            return True
        try:
            if self.path.parent.exists():
                private_files.require_own(self.path.parent)
            else:
                private_files.make_folder(self.path.parent, parents=True)
            private_files.write_text(self.path, json.dumps(_document(state)))
        except OSError as error:
            if not self._has_failed:
                log.warning("the equity of the monitor is not stored (%s); a restart forgets its peak", error)
            self._has_failed = True
            return False
        self._saved, self._has_failed = state, False
        return True


def _document(state: EquityState) -> Mapping[str, object]:
    values = {field.name: getattr(state, field.name) for field in fields(state)}
    return {
        "version": VERSION,
        **{name: value if value is None or isinstance(value, int) else str(value) for name, value in values.items()},
    }


def _parse(document: Mapping[str, object]) -> EquityState:
    if document["version"] != VERSION:
        raise ValueError(f"version {VERSION} was expected, found {document['version']!r}")
    stored = {field.name: document[field.name] for field in fields(EquityState)}
    members, day = int(str(stored.pop("members"))), date.fromisoformat(str(stored.pop("session_day")))
    amounts = {name: None if value is None else Decimal(str(value)) for name, value in stored.items()}
    if any(amount is None for name, amount in amounts.items() if name != "withdrawn_equity"):
        raise ValueError("an amount is missing")
    if any(amount is not None and not amount.is_finite() for amount in amounts.values()):
        raise ValueError("an amount is not finite")
    return EquityState(**amounts, session_day=day, members=members)  # type: ignore[arg-type]  # checked above
