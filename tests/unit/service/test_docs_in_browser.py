"""/docs, /redoc and the first page in a real browser without a network: they are drawn and nothing complains.

Needs the program `chromium` (Debian package `chromium`, or any Chromium named by SEATRIAL_CHROMIUM).
"""

import asyncio
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.service.test_pages import application

from seatrial_service.serving import bind
from seatrial_service.transport.server import LimitedServer, server_config

CONSOLE = re.compile(r":CONSOLE[:(].*")
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --enable-logging=stderr --v=0 "
    "--virtual-time-budget=20000 --window-size=375,900 --dump-dom"
)
# No name resolves, and only this machine is asked by address.
OFFLINE = ("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--proxy-server=http://127.0.0.1:1")


@pytest.fixture
def address() -> Iterator[str]:
    """Return the address of a served application."""
    listener = bind("things", "127.0.0.1", 0)
    app = application()
    server = LimitedServer(server_config(app, refusals=app.state.transport_refusals, graceful_seconds=1))
    thread = threading.Thread(target=asyncio.run, args=(server.serve(sockets=[listener]),))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.mark.parametrize(
    ("path", "drawn"), [("/docs", "opblock-summary-path"), ("/redoc", "/v1/things/{name}"), ("/", "<small>")]
)
def test_a_page_is_drawn_without_a_network(address: str, tmp_path: Path, path: str, drawn: str) -> None:
    program = os.environ.get("SEATRIAL_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no chromium here: install the package `chromium`, or name one in SEATRIAL_CHROMIUM")

    done = subprocess.run(
        [program, *FLAGS.split(), *OFFLINE, f"--user-data-dir={tmp_path / 'profile'}", address + path],
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )

    assert CONSOLE.findall(done.stderr) == []
    assert drawn in done.stdout
