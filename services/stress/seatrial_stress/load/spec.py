"""What the generator processes of a run need, and the folder with their files."""

import contextlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from seatrial_core.contracts.stress import StressPlan
from seatrial_core.errors import field_error
from seatrial_stress.load.tls import SYSTEM_TLS, TlsOptions

RUN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class LoadSpec:
    """What the generator processes of one run need."""

    plan: StressPlan
    target: str
    token: str
    folder: Path
    run: str
    tls: TlsOptions = SYSTEM_TLS

    def journal(self, number: int) -> Path:
        """Return the file of a worker's journal."""
        return self.folder / f"journal-{number}.jsonl"

    def summary(self, number: int) -> Path:
        """Return the file of a worker's summary."""
        return self.folder / f"summary-{number}.json"

    def log(self, number: int) -> Path:
        """Return the file of a worker's output."""
        return self.folder / f"locust-{number}.log"


@contextlib.contextmanager
def run_folder(run: str) -> Iterator[Path]:
    """Create a run's folder, of mode 0700, and remove it afterwards.

    Raises:
        ValidationFailed: The id contains more than letters, digits, `_` and `-`, so it could name another folder.
    """
    if RUN_ID.fullmatch(run) is None:
        raise field_error("run", run[:64], "1 to 64 letters, digits, `_` or `-`")
    folder = Path(tempfile.mkdtemp(prefix=f"seatrial-stress-{run}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def worker_spec(load: LoadSpec, number: int) -> dict[str, object]:
    """Return the document that configures one generator process; it makes the schedule from plan and run itself."""
    return {
        "plan": load.plan.model_dump(mode="json"),
        "run": load.run,
        "target": load.target,
        "tls": {"ca_file": load.tls.ca_file, "is_verified": load.tls.is_verified},
        "folder": str(load.folder),
        "worker": number,
        "workers": load.plan.workers,
        "timeout_seconds": load.plan.timeout_seconds,
    }


def write_spec(file: Path, spec: Mapping[str, object]) -> None:
    """Write a spec, which may contain a token, as a file that only this user can read."""
    unfinished = file.with_suffix(".part")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as target:
        json.dump(spec, target)
    unfinished.rename(file)
