"""The port of Locust's own process, which every local user reaches: only the load page may use it."""

import json
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry
from tests.support.waiting import wait_until_async

from seatrial_core.errors import ValidationFailed
from seatrial_service.loops import running
from seatrial_stress.load.spec import run_folder, write_spec
from seatrial_stress.locust_ui.process import LocustProcess

START_SECONDS = 60.0
SWARM = {"user_count": "1", "spawn_rate": "1", "host": "http://127.0.0.1:9", "user_classes": "HighFrequency"}


async def test_only_the_proxy_may_use_locusts_port() -> None:
    locust = LocustProcess("http://127.0.0.1:9")
    async with running([locust.loop()], CollectorRegistry()):

        async def is_up() -> bool:
            try:
                return (await locust.http.get("/")).status_code == 200
            except httpx.HTTPError:
                return False

        await wait_until_async(is_up, START_SECONDS)
        async with httpx.AsyncClient(base_url=locust.http.base_url) as stranger:
            statuses = {(await stranger.get(path)).status_code for path in ("/", "/stats/requests", "/exceptions/csv")}
            statuses.add((await stranger.post("/swarm", data=SWARM)).status_code)
            wrong = await stranger.get("/", headers={"Seatrial-Page-Secret": "x" * 43})
        other_host = await locust.http.post("/swarm", data={**SWARM, "host": "http://127.0.0.1:10"})
    await locust.close()

    assert statuses == {403}
    assert wrong.status_code == 403
    assert other_host.status_code == 403


def test_a_spec_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "spec.json"

    write_spec(file, {"token": "secret"})

    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_text(encoding="utf-8")) == {"token": "secret"}


@pytest.mark.parametrize("run", ["../elsewhere", "a/b", "", ".", "a\0b", "x" * 65])
def test_a_run_id_names_no_other_folder(run: str) -> None:
    with pytest.raises(ValidationFailed), run_folder(run):
        pass
