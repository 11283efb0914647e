"""The pages of the load page that are ours: the login form, short messages, and what is added to Locust's page."""

import json
from html import escape
from pathlib import Path

from fastapi import Response
from fastapi.responses import HTMLResponse

from seatrial_service.transport.page_policy import static_page_policy
from seatrial_stress.locust_ui.form import DEFAULT_PLAN
from seatrial_stress.plans.catalog import NAMES, PLANS

FOLDER = Path(__file__).parent
LOGIN_PAGE = (FOLDER / "login.html").read_text(encoding="utf-8")
MESSAGE_PLACE = "<!-- message -->"
LOGOUT = '<form method="post" action="logout"><button>Log out</button></form>'
# What Locust's form says -> what its fields mean here.
LABELS = {
    "Number of users (peak concurrency)": "Requests per second (1: as the plan says)",
    "Ramp up (users started/second)": "Ramp up (not used: the load starts at its full rate)",
    "Run time (e.g. 20, 20s, 3m, 2h, 1h20m, 3h30m10s, etc.)": "Run time, 1s to 1h (for example 20s or 1m30s)",
    "Custom parameters": "Plan",
}


def login_page(message: str = "", status: int = 401, headers: dict[str, str] | None = None) -> Response:
    """Return the login form with a sentence about the last attempt."""
    place = f'<p role="alert">{escape(message)}</p>' if message else ""
    html = LOGIN_PAGE.replace(MESSAGE_PLACE, place)
    return HTMLResponse(html, status, {**(headers or {}), "Content-Security-Policy": static_page_policy(html)})


def message_page(message: str, status: int, headers: dict[str, str] | None = None) -> Response:
    """Return a page with one sentence and the way back to the load page."""
    start, _, _ = LOGIN_PAGE.partition("<h1>")
    title = start.replace("log in to the load page", "load page")
    alert = f'<p role="alert">{escape(message)}</p>'
    html = f'{title}<h1>Load test</h1>\n{alert}\n<p><a href="/">To the load page</a></p>\n</html>\n'
    return HTMLResponse(html, status, {**(headers or {}), "Content-Security-Policy": static_page_policy(html)})


def adapted(html: str, *, with_logout: bool) -> str:
    """Return Locust's page with our explanation, a form that starts one plan, and a button that ends the session.

    Args:
        html: Locust's page; one without a body is returned as it is.
        with_logout: Whether there is a session to end.
    """
    if "<body>" not in html or "</body>" not in html:
        return html
    before, _, body = html.partition("<body>")
    content, _, after = body.rpartition("</body>")
    bar = BAR.replace("<!-- logout -->", LOGOUT if with_logout else "")
    return f"{before}<body>\n{bar}{content}<script>\n{SCRIPT}</script>\n</body>{after}"


def with_labels(script: str) -> str:
    """Return Locust's script with labels that say what the fields of its form mean here."""
    for label, meaning in LABELS.items():
        script = script.replace(f"`{label}`", f"`{meaning}`")
    return script


def _bar() -> str:
    plans = "\n".join(
        f"<dt>{plan.name}</dt><dd>{escape(plan.description)} {plan.rate_per_second:g} requests per second.</dd>"
        for plan in (PLANS[name] for name in NAMES)
    )
    bar = (FOLDER / "page_bar.html").read_text(encoding="utf-8")
    duration = f"{PLANS[DEFAULT_PLAN].duration_seconds:g}"
    return bar.replace("<!-- plans -->", plans).replace("<!-- duration -->", duration)


def _script() -> str:
    option = {
        "default_value": DEFAULT_PLAN,
        "choices": list(NAMES),
        "help_text": None,
        "is_secret": False,
        "is_required": True,
        "is_multiple": False,
    }
    form = {"show_userclass_picker": False, "extra_options": {"plan": option}}
    return (FOLDER / "page.js").read_text(encoding="utf-8").replace("/* form */ {}", json.dumps(form))


BAR = _bar()
SCRIPT = _script()
