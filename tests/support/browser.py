"""A headless Chromium that a test drives through its debugging protocol.

Needs the program `chromium` (Debian package `chromium`, or any Chromium named by SEATRIAL_CHROMIUM).
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
import websocket
from tests.support.ports import free_port
from tests.support.waiting import wait_until

START_SECONDS = 60.0
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
    *("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--proxy-server=http://127.0.0.1:1"),
)


class Browser:
    """One tab.

    Args:
        socket: The connection to its debugger.
    """

    def __init__(self, socket: websocket.WebSocket) -> None:
        self._socket = socket
        self._numbers = count(1)

    def command(self, method: str, **parameters: Any) -> dict[str, Any]:  # Any: the protocol's JSON
        """Send a command and return its result."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message: dict[str, Any] = json.loads(self._socket.recv())
            if message.get("id") == number:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result

    def show(self, address: str, width: int, scheme: str = "light") -> None:
        """Open a page at a width, for a reader who prefers a colour scheme."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.command("Emulation.setDeviceMetricsOverride", **size)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.command("Emulation.setEmulatedMedia", features=[feature])
        self.command("Page.navigate", url=address)

    def evaluate(self, script: str) -> Any:  # Any: what the script returns
        """Return the value of an expression in the page."""
        result = self.command("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        return result["result"].get("value")

    def wait_for(self, script: str) -> Any:  # Any: what the script returns
        """Return the value of an expression once it is true; an element is true."""
        return wait_until(lambda: self.evaluate(f"(value => value instanceof Node || value)({script})"), START_SECONDS)


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Run a browser until the block ends; skip the test where there is none.

    Args:
        folder: Where it keeps its profile.
    """
    program = os.environ.get("SEATRIAL_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no chromium here: install the package `chromium`, or name one in SEATRIAL_CHROMIUM")
    port = free_port()
    options = [f"--remote-debugging-port={port}", "--remote-allow-origins=*", f"--user-data-dir={folder / 'profile'}"]
    process = subprocess.Popen([program, *FLAGS, *options, "about:blank"], stderr=subprocess.DEVNULL)
    try:
        address = wait_until(lambda: _debugger(port), START_SECONDS)
        assert address is not None
        socket = websocket.create_connection(address, timeout=60)
        yield Browser(socket)
        socket.close()
    finally:
        process.terminate()
        process.wait(10)


def _debugger(port: int) -> str | None:
    try:
        tabs = httpx.get(f"http://127.0.0.1:{port}/json", trust_env=False).json()
    except httpx.HTTPError:
        return None
    return next((tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page"), None)
