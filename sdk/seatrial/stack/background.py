"""`seatrial up --detach`: a supervisor in a separate session that survives the terminal."""

import argparse
import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from seatrial.stack.errors import StackError, not_writable
from seatrial.stack.layout import Layout
from seatrial.stack.processes import signals
from seatrial.stack.services import StackPlan
from seatrial.stack.stack import SUPERVISOR, Stack
from seatrial.terminal import safe_line
from seatrial_core import private_files

READY = "ready"
PROGRAM = (sys.executable, "-m", "seatrial.stack.background")


def launch(layout: Layout, on_message: Callable[[str], None], program: Sequence[str] = PROGRAM) -> int:
    """Start a background supervisor, pass its messages to `on_message` until all is ready, and return its pid."""
    layout.make(on_message)
    reading, writing = os.pipe()
    try:
        with os.fdopen(private_files.open_append(layout.log(SUPERVISOR)), "ab") as log:
            child = subprocess.Popen(
                [
                    *program,
                    "--folder",
                    str(layout.root),
                    "--report",
                    str(writing),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=layout.root,
                start_new_session=True,
                pass_fds=(writing,),
            )
    except OSError as error:
        raise not_writable(layout.logs, error) from error
    finally:
        os.close(writing)
    last = ""
    with os.fdopen(reading, encoding="utf-8") as lines:
        for line in lines:
            if last:
                on_message(last)  # one behind: the last line of a failed start is raised instead
            last = line.strip()
            if last == READY:
                return child.pid
    child.wait()
    raise StackError(f"{last or 'The background process exited immediately'} (log: {layout.log(SUPERVISOR)})")


def main(arguments: list[str] | None = None, plan: StackPlan | None = None) -> int:
    """Run the stack of a folder until SIGTERM, reporting over a pipe until it is ready."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--report", type=int, required=True)
    options = parser.parse_args(arguments)
    report = _Report(options.report)
    try:
        with signals.raised():
            return _run(Layout(options.folder), report, plan)
    except signals.Interrupted:
        return 0
    except StackError as error:
        report(str(error))
        return error.exit_code


def _run(layout: Layout, report: "_Report", plan: StackPlan | None) -> int:
    stack = Stack(layout, plan, lambda service, sentence: report(f"{service}: {sentence}"))
    try:
        stack.start()
        report(READY)
        report.close()
        stack.serve()
    finally:
        with signals.postponed():
            stack.stop()
    return 0


class _Report:
    def __init__(self, descriptor: int) -> None:
        self._pipe: int | None = descriptor

    def __call__(self, sentence: str) -> None:
        sentence = safe_line(sentence)
        sys.stdout.write(f"{sentence}\n")
        sys.stdout.flush()
        if self._pipe is not None:
            with contextlib.suppress(OSError):  # the terminal may be closed
                os.write(self._pipe, f"{sentence}\n".encode())

    def close(self) -> None:
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None


if __name__ == "__main__":
    sys.exit(main())
