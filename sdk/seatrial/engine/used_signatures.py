"""Remembers which signed webhooks were accepted, in a private file, so that a restart trades none of them twice.

Processes that serve the same account with the same secret share the file.
"""

import fcntl
import hashlib
import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from seatrial_core import private_files
from seatrial_core.errors import Unavailable
from seatrial_core.signing import MAX_AHEAD_SECONDS, TOLERANCE_SECONDS

# 27 webhooks a second for as long as a signature is valid.
MAX_SIGNATURES = 10_000

log = logging.getLogger("seatrial")


class UsedSignatures:
    """The accepted signatures that are still valid, in bounded memory.

    Every signature that is forgotten, because it expired or for lack of room, moves a floor up. At or below the floor
    a signature counts as repeated, so none is accepted twice, not even when the clock is set back.

    Args:
        signed_at: Epoch seconds by the signature's identity.
        floor: Epoch seconds up to which every signature counts as repeated.
        max_signatures: How many to keep; beyond it the oldest are forgotten.
    """

    def __init__(
        self, signed_at: Mapping[str, int] | None = None, floor: int = 0, max_signatures: int = MAX_SIGNATURES
    ) -> None:
        self.signed_at = dict(signed_at or {})
        self.floor = floor
        self._max_signatures = max_signatures

    def use(self, identity: str, signed_at: int, now: int) -> bool:
        """Remember a valid signature and return whether it is new.

        Args:
            identity: Identifies the signature.
            signed_at: Its timestamp, epoch seconds.
            now: The current epoch seconds.
        """
        self._forget(now - TOLERANCE_SECONDS - 1)
        if signed_at <= self.floor or identity in self.signed_at:
            return False
        self.signed_at[identity] = signed_at
        if len(self.signed_at) > self._max_signatures:
            self._forget(min(self.signed_at.values()))
        return True

    def _forget(self, floor: int) -> None:
        self.floor = max(self.floor, floor)
        self.signed_at = {identity: at for identity, at in self.signed_at.items() if at > self.floor}


class SignatureFile:
    """The used signatures of one account and secret, in a file that outlives the process.

    Args:
        folder: Where the file is; created if it is missing.
        account: The account that the webhooks trade.
        secret: The secret they are signed with; the file's name does not reveal it.
    """

    def __init__(self, folder: Path, account: str, secret: str) -> None:
        key = hashlib.sha256(f"seatrial webhooks {account}\n{secret}".encode(errors="replace")).hexdigest()[:16]
        self._folder = folder
        self._file = folder / f"used-signatures-{key}.json"
        self._lock = folder / f".used-signatures-{key}.lock"

    def prepare(self) -> None:
        """Create the folder and check that files in it can be locked.

        Raises:
            OSError: The folder cannot be created or written, or belongs to another user.
        """
        private_files.make_folder(self._folder, parents=True)
        with self._locked():
            pass

    def use(self, identity: str, signed_at: int, now: int) -> bool:
        """Store a valid signature, before it is traded, and return whether it is new.

        Raises:
            Unavailable: It cannot be stored, so the webhook must not be traded.
        """
        try:
            with self._locked():
                used = self._read(now)
                is_new = used.use(identity, signed_at, now)
                # Also when it is repeated: an unreadable file must not move its floor with every webhook.
                state = {"floor": used.floor, "signed_at": used.signed_at}
                private_files.write_text(self._file, json.dumps(state))
                return is_new
        except OSError as error:
            raise Unavailable(
                f"the webhook was not traded, because its signature cannot be stored in {self._folder}: "
                f"{error.strerror or error}; make room or set SEATRIAL_SPILL_DIR, then send it again"
            ) from error

    def _read(self, now: int) -> UsedSignatures:
        try:
            state = json.loads(self._file.read_text(encoding="utf-8"))
            signatures = {str(identity): int(at) for identity, at in state["signed_at"].items()}
            return UsedSignatures(signatures, int(state["floor"]))
        except FileNotFoundError:
            return UsedSignatures()
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            log.warning("webhooks signed before now are refused, because %s is unreadable: %s", self._file, error)
            return UsedSignatures(floor=now + MAX_AHEAD_SECONDS)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        handle = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, private_files.FILE_MODE)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)
