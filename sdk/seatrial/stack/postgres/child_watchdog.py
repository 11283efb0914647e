"""Runs one child and stops it when the pipe on stdin closes, so that a killed parent leaves no process.

Started by file path with the standard library only, never imported by us, so it also starts where only root can read.
The first line of stdin is a JSON object: command, log, user, group, stop_signal, grace_seconds, environment. It is not
an argument, because every account of the machine can read the command line of a process.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from typing import Any


def main(order: dict[str, Any]) -> int:  # Any: JSON written by launch.py
    """Start the ordered command and return its exit code once it has ended."""
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    os.umask(0o077)
    # opened before the change of user: the log stays ours, and is never written through a link
    log_flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    with os.fdopen(os.open(order["log"], log_flags, 0o600), "ab") as log:
        os.fchmod(log.fileno(), 0o600)
        child = subprocess.Popen(
            order["command"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=order["environment"],
            start_new_session=True,
            user=order["user"],
            group=order["group"],
            extra_groups=[] if order["user"] is not None else None,
            restore_signals=True,
            preexec_fn=_default_signals,
        )
    closing = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: closing.set())
    threading.Thread(target=_wait_for_end_of_pipe, args=(closing,), daemon=True).start()
    threading.Thread(target=_stop_on, args=(closing, child, order), daemon=True).start()
    return child.wait()


def _default_signals() -> None:
    for name in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(name, signal.SIG_DFL)


def _wait_for_end_of_pipe(closing: threading.Event) -> None:
    while os.read(0, 4096):
        pass
    closing.set()


def _stop_on(closing: threading.Event, child: "subprocess.Popen[bytes]", order: dict[str, Any]) -> None:
    closing.wait()
    for number in (order["stop_signal"], signal.SIGQUIT, signal.SIGKILL):
        child.send_signal(number)
        try:
            child.wait(timeout=order["grace_seconds"])
        except subprocess.TimeoutExpired:
            continue
        return


if __name__ == "__main__":
    sys.exit(abs(main(json.loads(sys.stdin.buffer.readline()))))
