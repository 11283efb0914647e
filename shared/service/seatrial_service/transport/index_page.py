"""GET / of a service: what it is, and where its documentation, metrics, health and console are."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from seatrial_service.transport.page_policy import static_page_policy

STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 0 auto; padding: 2rem 1rem;
  color: CanvasText; background: Canvas }
h1 { font-size: 1.5rem; margin: 0 }
p { margin: .25rem 0 1.5rem; opacity: .75 }
ul { list-style: none; margin: 0; padding: 0 }
li { border-top: 1px solid color-mix(in srgb, CanvasText 20%, transparent) }
a { display: block; padding: .75rem .25rem; overflow-wrap: anywhere; color: LinkText; text-decoration: none }
a:hover, a:focus { text-decoration: underline }
small { display: block; color: CanvasText; opacity: .75 }
"""


@dataclass(frozen=True)
class Link:
    """A link of the page.

    Args:
        name: Its name in JSON.
        address: Where it leads, without a host for this service.
        text: What is there.
        port: Another port of the same host that serves the address; 0 for this one.
    """

    name: str
    address: str
    text: str
    port: int = 0

    def url(self, host: str) -> str:
        """Return the address as a caller of a host reaches it."""
        return f"http://{host}:{self.port}{self.address}" if self.port else self.address


@dataclass(frozen=True)
class ServicePage:
    """What the page shows.

    Args:
        service: The service's name.
        title: Its title.
        version: Its version.
        links: Where to go from here.
    """

    service: str
    title: str
    version: str
    links: Sequence[Link]

    def html(self, host: str) -> str:
        """Return the page for people who called a host."""
        items = "".join(
            f'<li><a href="{escape(link.url(host))}">{escape(link.url(host))}<small>{escape(link.text)}</small></a>\n'
            for link in self.links
        )
        return (
            f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{escape(self.title)}</title>\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<style>{STYLE}</style>\n<h1>{escape(self.title)}</h1>\n<p>Version {escape(self.version)}</p>\n"
            f"<ul>\n{items}</ul>\n</html>\n"
        )

    def document(self, host: str) -> dict[str, object]:
        """Return the page for programs that called a host."""
        return {
            "service": self.service,
            "version": self.version,
            "links": {link.name: link.url(host) for link in self.links},
        }


def index_route(page: ServicePage) -> Route:
    """Return the route of GET /: HTML for browsers, JSON for programs."""
    policy = {"Content-Security-Policy": static_page_policy(page.html("")), "Vary": "Accept"}

    async def index(request: Request) -> Response:
        host = _host(request)
        if "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(page.html(host), headers=policy)
        return JSONResponse(page.document(host), headers={"Vary": "Accept"})

    return Route("/", index, methods=["GET"])


def service_links(metrics_paths: Sequence[str], console_url: str) -> list[Link]:
    """Return the links that every service has.

    Args:
        metrics_paths: Its pages for Prometheus.
        console_url: The console, if there is one.
    """
    links = [
        Link("docs", "/docs", "Every route with an example, to try out"),
        Link("redoc", "/redoc", "The same, to read"),
        Link("openapi", "/openapi.json", "The description for programs"),
        *(Link(path[1:].replace("/", "_"), path, "Metrics for Prometheus") for path in metrics_paths),
        Link("live", "/health/live", "Whether the process responds"),
        Link("ready", "/health/ready", "Whether the service can work"),
        Link("detail", "/health/detail", "Version, database and background loops; needs a token"),
    ]
    return [*links, Link("console", console_url, "The console")] if console_url else links


def _host(request: Request) -> str:
    host = request.url.hostname or "localhost"
    return f"[{host}]" if ":" in host else host
