"""`seatrial up` in a terminal: run a job on a stack, show what happens, and stop everything whatever happens."""

import importlib
import importlib.util
from collections.abc import Callable

from rich.console import Console
from rich.live import Live

from seatrial.stack.errors import StackError
from seatrial.stack.layout import Layout
from seatrial.stack.processes import signals
from seatrial.stack.services import StackPlan
from seatrial.stack.stack import Stack
from seatrial.stack.table import LiveStatus

DEMO = "seatrial.stack.demo"

Job = Callable[[Stack], int]


def run(layout: Layout, job: Job, plan: StackPlan | None = None, *, if_interrupted: int = 0) -> int:
    """Hand a stack that is not started yet to a job and stop it afterwards; returns the job's exit code.

    The job starts the stack (it may add variables before) and is interrupted by Ctrl-C, SIGTERM or a closed terminal,
    which ends with the exit code `if_interrupted`.
    """
    console = Console()

    def hear(service: str, sentence: str) -> None:
        console.print(f"{service}: {sentence}", highlight=False, markup=False, soft_wrap=True)

    stack = Stack(layout, plan, hear)
    code = 0
    try:
        with signals.raised():
            code = job(stack)
    except signals.Interrupted:
        code = if_interrupted
    finally:
        stack.say = hear
        with signals.postponed():
            stack.stop()
    return code


def serve(stack: Stack) -> int:
    """Start the stack and show its live table until a signal comes."""
    console = Console()
    stack.start()
    if not console.is_terminal:
        stack.say("up", f"all is ready in {stack.layout.root}; SIGTERM stops everything")
        stack.serve()
    view = LiveStatus(stack)
    stack.say = view.hear
    with Live(view, console=console, refresh_per_second=2):
        stack.serve()
    return 0


def demo(once: bool) -> Job:
    """Return the demo as a job; it ends by itself only with `once`."""
    if importlib.util.find_spec(DEMO) is None:
        raise StackError("This installation has no demo. Install it with: pip install 'seatrial[demo]'")

    def job(stack: Stack) -> int:
        code: int = importlib.import_module(DEMO).run(stack, once=once)
        return code

    return job
