"""What `.seatrial` of a folder says about its stack: whether it runs, and at which addresses."""

import contextlib
import json
from pathlib import Path

from seatrial_core.addresses import Origin, origin
from seatrial_core.errors import StackNotRunning

RECORD = Path("run") / "up.json"
SLACK_SECONDS = 1.0


def addresses(base: Path) -> set[Origin]:
    """Return the addresses of the stack that belongs to a `.seatrial` folder.

    They belong to it while the process that holds their sockets lives.

    Raises:
        StackNotRunning: There is no such process now; another program may listen there.
    """
    record: object = None
    with contextlib.suppress(OSError, ValueError):
        record = json.loads((base / RECORD).read_text(encoding="utf-8"))
    if not isinstance(record, dict) or not _lives(record.get("pid"), record.get("start_time")):
        raise StackNotRunning(
            f"the stack in {base.parent} is not running, so its token is not sent: another program may listen at its "
            "addresses; start it with `seatrial up`, or set SEATRIAL_TOKEN to the token of the service that you call"
        )
    urls = record.get("urls")
    origins = {origin(url) for url in urls if isinstance(url, str)} if isinstance(urls, list) else set()
    return {address for address in origins if address is not None}


def _lives(pid: object, start_time: object) -> bool:
    if not isinstance(pid, int) or not isinstance(start_time, float):
        return False
    import psutil  # late: most programs that import the clients need no token of a stack

    try:
        process = psutil.Process(pid)
        # A pid is given to another process after its end; the start time is not.
        is_same = abs(process.create_time() - start_time) <= SLACK_SECONDS
        return is_same and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, ValueError, OverflowError):
        return False
