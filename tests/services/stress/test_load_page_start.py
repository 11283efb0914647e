"""A person at the load page: logs in, presses Start, reads what is refused, logs out; in a real browser."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.services.stress.test_stress_service import TOKEN, running
from tests.services.stress.tiny_engine import TinyEngine, serving
from tests.support.browser import Browser, browser
from tests.support.ports import free_port
from tests.support.waiting import wait_until

BUTTON = "[...document.querySelectorAll('button')].find(button => button.textContent === '{}')"
FIELD = "document.querySelector('[name={}]')"
# What covers the middle of each visible button and field, if it is not the element or a part of it.
COVERED = """[...document.querySelectorAll('button, input, select')].filter(element => {
  element.scrollIntoView({block: 'center'})
  const box = element.getBoundingClientRect()
  if (!element.checkVisibility({visibilityProperty: true, opacityProperty: true})) return false
  const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)
  return top && !element.contains(top) && !element.parentElement.contains(top)
}).map(element => element.outerHTML.slice(0, 80))"""
DARKNESS = "getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).slice(0, 3).every(part => part < 64)"


@contextmanager
def load_page(database_url: str, engine_url: str) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Serve the load page in a thread; the list holds the runs of the service."""
    port, ended, started = free_port(), threading.Event(), threading.Event()
    runs: list[dict[str, str]] = []

    async def serve() -> None:
        async with running(database_url, engine_url, port) as http:
            started.set()
            while not ended.is_set():
                await asyncio.sleep(0.2)
                runs[:] = (await http.get("/v1/runs")).json()["items"]

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert started.wait(60)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with httpx.Client(headers=headers, trust_env=False) as http:
            wait_until(lambda: http.get(f"http://127.0.0.1:{port}/").status_code == 200, 60)
        yield f"http://127.0.0.1:{port}/", runs
    finally:
        ended.set()
        thread.join(60)


def log_in(tab: Browser, address: str, width: int = 1280, scheme: str = "light") -> None:
    tab.show(address, width, scheme)
    tab.wait_for(FIELD.format("token"))
    tab.evaluate(f"{FIELD.format('token')}.value = '{TOKEN}'; document.querySelector('form').submit()")
    tab.wait_for(f"!{FIELD.format('token')}")
    tab.wait_for(BUTTON.format("Start"))


def test_the_first_start_runs_the_default_plan(database_url: str, tmp_path: Path) -> None:
    with (
        serving(TinyEngine()) as engine_url,
        load_page(database_url, engine_url) as (address, runs),
        browser(tmp_path) as tab,
    ):
        log_in(tab, address)
        text = tab.evaluate("document.body.textContent")
        plan = tab.wait_for(f"{BUTTON.format('Plan')}.ariaExpanded === 'true' && {FIELD.format('plan')}.value")
        tab.evaluate(f"{BUTTON.format('Start')}.click()")
        run = wait_until(lambda: [*runs], 30)[0]
        tab.wait_for(BUTTON.format("Stop"))

    assert plan == "high_frequency"
    assert (run["plan"], run["origin"]) == ("high_frequency", "ui")
    assert "Requests per second (1: as the plan says)" in text
    assert "Number of users" not in text
    assert "User Classes" not in text
    assert "The verdict of a run" in text


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_nothing_covers_a_field_and_the_page_has_the_readers_scheme(
    database_url: str, tmp_path: Path, width: int, scheme: str
) -> None:
    with load_page(database_url, "http://127.0.0.1:9") as (address, _), browser(tmp_path) as tab:
        tab.show(address, width, scheme)
        tab.wait_for(FIELD.format("token"))
        is_login_dark = tab.evaluate(DARKNESS)
        log_in(tab, address, width, scheme)
        tab.wait_for(f"{BUTTON.format('Plan')}.ariaExpanded === 'true'")
        tab.wait_for(f"{COVERED}.length === 0")  # when the plan's section has opened
        is_dark = tab.evaluate(DARKNESS)
        logout_color = tab.evaluate("getComputedStyle(document.querySelector('#seatrial button')).color")
        body_color = tab.evaluate("getComputedStyle(document.body).color")

    assert (is_login_dark, is_dark) == (scheme == "dark",) * 2
    assert logout_color == body_color


def test_what_is_refused_is_read_in_the_page_and_the_end_of_a_session_at_the_login(
    database_url: str, tmp_path: Path
) -> None:
    swarm = "fetch('swarm', {method: 'POST', body: new URLSearchParams({user_count: '0'})})"
    with load_page(database_url, "http://127.0.0.1:9") as (address, _), browser(tmp_path) as tab:
        log_in(tab, address)
        tab.evaluate("fetch('logout', {method: 'POST', redirect: 'manual'})")  # as another tab does
        tab.evaluate(f"{BUTTON.format('Start')}.click()")
        tab.wait_for(FIELD.format("token"))
        log_in(tab, address)
        refused = tab.evaluate(f"{swarm}.then(answer => answer.json())")
        tab.evaluate("document.querySelector('#seatrial form button').click()")
        tab.wait_for(FIELD.format("token"))
        left = tab.wait_for("document.querySelector('[role=alert]').textContent")

    assert refused["success"] is False
    assert "Requests per second must be a whole number from 1 to 2000" in refused["message"]
    assert left == "You are logged out."
