"""/docs and /redoc from the files of an installed package: nothing is loaded from another host."""

from importlib.resources import files

from fastapi import FastAPI
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from seatrial_service.transport.page_policy import script_page_policy

FOLDER = "/docs-assets"
MEDIA_TYPES = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "redoc.standalone.js": "text/javascript",
    "favicon.png": "image/png",
}
# ReDoc shows its logo from a CDN.
CDN_LOGO = b"https://cdn.redoc.ly/redoc/logo-mini.svg"
# Swagger UI has a dark scheme but does not ask for the reader's preference; ReDoc has none.
SWAGGER_SCHEME = (
    "<script>\n"
    'const preference = matchMedia("(prefers-color-scheme: dark)")\n'
    'const apply = () => document.documentElement.classList.toggle("dark-mode", preference.matches)\n'
    'preference.addEventListener("change", apply)\n'
    "apply()\n"
    "</script><style>html.dark-mode { color-scheme: dark } html.dark-mode body { background: #1c2022 }</style>"
)
REDOC_DARK = "html { background: #fff; filter: invert(.9) hue-rotate(180deg) }"
REDOC_SCHEME = f"<style>@media (prefers-color-scheme: dark) {{ {REDOC_DARK} }}</style>"
CACHED = {"Cache-Control": "private, max-age=86400"}


def add_docs_pages(app: FastAPI) -> None:
    """Add /docs, /redoc and their files.

    Args:
        app: An application made with `docs_url=None, redoc_url=None`.
    """
    title = app.title
    swagger = get_swagger_ui_html(
        openapi_url="openapi.json",
        title=title,
        swagger_js_url=f"{FOLDER[1:]}/swagger-ui-bundle.js",
        swagger_css_url=f"{FOLDER[1:]}/swagger-ui.css",
        swagger_favicon_url=f"{FOLDER[1:]}/favicon.png",
        swagger_ui_parameters={"validatorUrl": None},
    )
    redoc = get_redoc_html(
        openapi_url="openapi.json",
        title=title,
        redoc_js_url=f"{FOLDER[1:]}/redoc.standalone.js",
        redoc_favicon_url=f"{FOLDER[1:]}/favicon.png",
        with_google_fonts=False,
    )
    for path, page, scheme in (("/docs", swagger, SWAGGER_SCHEME), ("/redoc", redoc, REDOC_SCHEME)):
        _add_page(app, path, bytes(page.body).decode().replace("</head>", f"{scheme}</head>", 1))
    app.router.routes.append(Route(f"{FOLDER}/{{name}}", _asset, methods=["GET"]))
    app.router.routes.append(Route("/favicon.ico", _favicon, methods=["GET"]))


def _add_page(app: FastAPI, path: str, html: str) -> None:
    policy = {"Content-Security-Policy": script_page_policy(html)}

    async def page(_: Request) -> Response:
        return HTMLResponse(html, headers=policy)

    app.router.routes.append(Route(path, page, methods=["GET"]))


async def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in MEDIA_TYPES:
        return Response("There is no such file; the documentation is at /docs.\n", 404, media_type="text/plain")
    return Response(_content(name), media_type=MEDIA_TYPES[name], headers=CACHED)


async def _favicon(_: Request) -> Response:
    return Response(_content("favicon.png"), media_type="image/png", headers=CACHED)


def _content(name: str) -> bytes:
    content = (files("fastapi_offline") / "static" / name).read_bytes()
    return content.replace(CDN_LOGO, f"{FOLDER[1:]}/favicon.png".encode())
