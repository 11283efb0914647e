"""Locust's page in a real browser without a network: it is drawn under our content security policy.

Needs the program `chromium` (Debian package `chromium`, or any Chromium named by SEATRIAL_CHROMIUM).
"""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest
from tests.support.ports import free_port
from tests.support.waiting import wait_until_async
from tests.unit.service.test_docs_in_browser import CONSOLE, FLAGS, OFFLINE

from seatrial_stress.app import build
from seatrial_stress.settings import StressSettings

START_SECONDS = 60.0


async def test_locusts_page_is_drawn_without_a_network(database_url: str, tmp_path: Path) -> None:
    program = os.environ.get("SEATRIAL_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no chromium here: install the package `chromium`, or name one in SEATRIAL_CHROMIUM")
    port = free_port()
    settings = StressSettings.load(database_url=database_url, engine_url="http://127.0.0.1:9", ui_port=port)
    app = build(settings)
    address = f"http://127.0.0.1:{port}/"
    command = [program, *FLAGS.split(), *OFFLINE, f"--user-data-dir={tmp_path / 'profile'}", address]
    async with app.router.lifespan_context(app), httpx.AsyncClient() as http:

        async def is_up() -> bool:
            return (await http.get(address)).status_code == 200

        await wait_until_async(is_up, START_SECONDS)
        policy = (await http.get(address)).headers["content-security-policy"]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=90, check=True)

    assert CONSOLE.findall(done.stderr) == []
    assert "Start new load test" in done.stdout
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
    assert "frame-ancestors 'none'" in policy
