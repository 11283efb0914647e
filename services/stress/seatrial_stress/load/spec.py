"""What the generator processes of a run need, and the folder with their files."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seatrial_core.contracts.stress import StressPlan


@dataclass(frozen=True)
class LoadSpec:
    """What the generator processes of one run need."""

    plan: StressPlan
    target: str
    token: str
    folder: Path
    run: str

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
    """Create a run's folder and remove it afterwards."""
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
        "folder": str(load.folder),
        "worker": number,
        "workers": load.plan.workers,
        "timeout_seconds": load.plan.timeout_seconds,
    }
