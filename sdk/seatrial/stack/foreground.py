"""`seatrial up` in a terminal: run a job on a stack, print its messages, and always stop everything."""

from collections.abc import Callable

from rich.live import Live

from seatrial.stack.layout import Layout
from seatrial.stack.processes import signals
from seatrial.stack.services import StackPlan
from seatrial.stack.stack import Stack
from seatrial.stack.table import LiveStatus
from seatrial.terminal import SafeConsole
from seatrial_core.redaction import redact

Job = Callable[[Stack], int]


def run(layout: Layout, job: Job, plan: StackPlan | None = None, *, if_interrupted: int = 0) -> int:
    """Run a job on a stack that is not started, stop the stack afterwards, and return the exit code of the job.

    The job starts the stack (it may add variables before) and is interrupted by Ctrl-C, SIGTERM or a closed terminal,
    which ends with the exit code `if_interrupted`.
    """
    console = SafeConsole()

    def print_message(service: str, message: str) -> None:
        console.print(redact(f"{service}: {message}"), highlight=False, markup=False, soft_wrap=True)

    stack = Stack(layout, plan, print_message)
    code = 0
    try:
        with signals.raised():
            code = job(stack)
    except signals.Interrupted:
        code = if_interrupted
    finally:
        stack.say = print_message
        with signals.postponed():
            stack.stop()
    return code


def serve(stack: Stack) -> int:
    """Start the stack and show its live table until a signal arrives."""
    console = SafeConsole()
    stack.start()
    if not console.is_terminal:
        stack.say("up", f"all is ready in {stack.layout.root}; SIGTERM stops everything")
        stack.serve()
    view = LiveStatus(stack)
    stack.say = view.add_message
    with Live(view, console=console, refresh_per_second=2):
        stack.serve()
    return 0


def demo(once: bool) -> Job:
    """Return the demo as a job; it ends without a signal only with `once`."""

    def job(stack: Stack) -> int:
        from seatrial.stack.demo import run as run_demo

        return run_demo(stack, once=once)

    return job
