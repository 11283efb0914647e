"""The files of a stack: everything lives in `.seatrial` of the working folder."""

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from seatrial.stack.errors import FolderNotWritable, StackError, not_writable
from seatrial_core import private_files, redaction

NAME = ".seatrial"


@dataclass(frozen=True)
class Layout:
    """Paths of the stack that belongs to the working folder `root`."""

    root: Path

    @classmethod
    def here(cls) -> "Layout":
        """Return the layout of the current folder, where `up` starts a stack."""
        return cls(Path.cwd())

    @classmethod
    def nearest(cls) -> "Layout":
        """Return the layout of the nearest folder upwards that has a stack, else of the current folder."""
        current = Path.cwd()
        for folder in (current, *current.parents):
            if _is_stack(folder / NAME):
                return cls(folder)
        return cls(current)

    @property
    def base(self) -> Path:
        """Return the folder that holds everything."""
        return self.root / NAME

    @property
    def token(self) -> Path:
        """Return the file of the access token."""
        return self.base / "token"

    @property
    def postgres(self) -> Path:
        """Return the folder of the embedded server."""
        return self.base / "postgres"

    @property
    def logs(self) -> Path:
        """Return the folder of the log files."""
        return self.base / "logs"

    @property
    def run(self) -> Path:
        """Return the folder that says which processes are alive."""
        return self.base / "run"

    @property
    def lock(self) -> Path:
        """Return the file that `up` holds while it runs."""
        return self.base / "up.lock"

    def log(self, service: str) -> Path:
        """Return the log file of one service."""
        return self.postgres / "server.log" if service == "postgres" else self.logs / f"{service}.log"

    def make(self, on_repair: Callable[[str], None] | None = None) -> None:
        """Make the folders, readable by their owner only, and take the rights of others away from old ones.

        Args:
            on_repair: Called with a sentence if others could enter or read the folder until now.
        """
        try:
            if not self.root.exists():
                self.root.mkdir(parents=True)
            for folder, listener in ((self.base, on_repair), (self.logs, None), (self.run, None)):
                private_files.make_folder(folder, on_repair=listener)
            self._repair_files()
            if not os.access(self.base, os.W_OK | os.X_OK):
                raise PermissionError(13, "Permission denied")
            probe = self.base / f"write-test-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except private_files.UnsafeFolder as error:
            raise FolderNotWritable(f"{error}.") from error
        except OSError as error:
            raise not_writable(self.root, error) from error

    def _repair_files(self) -> None:
        for folder in (self.base, self.logs, self.run):
            for file in folder.iterdir():
                if file.is_file() and not file.is_symlink() and file.stat().st_uid == os.geteuid():
                    private_files.repair(file)

    def read_token(self) -> str:
        """Return the access token, made on the first call; only its owner can read the file.

        Raises:
            FolderNotWritable: The file belongs to another user, or cannot be read or made.
            StackError: The token in it is too short.
        """
        try:
            if not self.token.exists():
                descriptor = os.open(self.token, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "w", encoding="ascii") as handle:
                    handle.write(f"{secrets.token_hex(24)}\n")
            private_files.require_own(self.token)
            private_files.repair(self.token)
            token = self.token.read_text(encoding="ascii").strip()
        except private_files.UnsafeFolder as error:
            raise FolderNotWritable(f"{error}.") from error
        except OSError as error:
            raise not_writable(self.token, error) from error
        if len(token) < 16:
            raise StackError(
                f"{self.token} holds no usable token. Delete the file; the next `seatrial up` makes a new one."
            )
        redaction.remember(token)
        return token


def _is_stack(base: Path) -> bool:
    # A folder of another user, such as one planted in /tmp, is not ours: its files name processes to stop.
    if not ((base / "token").exists() or (base / "run").is_dir()):
        return False
    return private_files.is_own(base)
