"""The folder of a run: its schedule, and the files of each generator process."""

import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seatrial_core.contracts.stress import StressPlan
from seatrial_stress.plans import schedule


@dataclass(frozen=True)
class LoadSpec:
    """What the generator processes of one run need."""

    plan: StressPlan
    target: str
    token: str
    folder: Path
    schedule: Path
    run: str = ""

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


def prepare(plan: StressPlan, target: str, token: str, folder: Path, run: str) -> LoadSpec:
    """Write the schedule of a run and return what its generator processes need."""
    path = folder / "schedule.jsonl"
    with path.open("w", encoding="utf-8") as lines:
        lines.writelines(json.dumps(arrival.row()) + "\n" for arrival in schedule.arrivals(plan, run))
    return LoadSpec(plan, target, token, folder, path, run)


def worker_spec(load: LoadSpec, number: int) -> dict[str, object]:
    """Return the document that configures one generator process."""
    return {
        "schedule": str(load.schedule),
        "folder": str(load.folder),
        "worker": number,
        "workers": load.plan.workers,
        "timeout_seconds": load.plan.timeout_seconds,
    }
