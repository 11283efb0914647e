"""The pages of the load page that are ours: the login form, and the logout button on Locust's page."""

from html import escape
from pathlib import Path

from fastapi import Response
from fastapi.responses import HTMLResponse

from seatrial_service.transport.page_policy import static_page_policy

LOGIN_PAGE = (Path(__file__).parent / "login.html").read_text(encoding="utf-8")
MESSAGE_PLACE = "<!-- message -->"
LOGOUT = (
    '<form method="post" action="logout" style="position:fixed;bottom:.5rem;right:.5rem;z-index:2000">'
    '<button style="font:inherit;padding:.3rem .6rem">Log out of Seatrial</button></form>'
)


def login_page(message: str = "", status: int = 401, headers: dict[str, str] | None = None) -> Response:
    """Return the login form with a sentence about the last attempt."""
    place = f'<p role="alert">{escape(message)}</p>' if message else ""
    html = LOGIN_PAGE.replace(MESSAGE_PLACE, place)
    return HTMLResponse(html, status, {**(headers or {}), "Content-Security-Policy": static_page_policy(html)})


def with_logout(html: str) -> str:
    """Return Locust's page with a button that ends the session."""
    head, body, rest = html.rpartition("</body>")
    return f"{head}{LOGOUT}{body}{rest}" if body else html
