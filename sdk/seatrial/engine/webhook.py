"""Serves the webhook of a trading engine until Ctrl-C; other machines reach it only with a shared secret."""

import errno
import logging
import secrets
import socket

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from seatrial.engine.webhook_receiver import Trade, WebhookReceiver, WebhookRecorder, WebhookSecret
from seatrial_core.contracts.clock import Clock
from seatrial_core.errors import SeatrialError, SettingsError
from seatrial_service.auth import Tokens, authorise
from seatrial_service.problems import add_handlers, answer
from seatrial_service.requests import BodyLimit, RequestIdentity
from seatrial_service.settings import is_loopback
from seatrial_service.transport.media_types import ANY, MediaTypeRules
from seatrial_service.transport.refusals import TransportRefusals
from seatrial_service.transport.request_checks import RequestChecks, RequestRules
from seatrial_service.transport.response_headers import ResponseHeaders
from seatrial_service.transport.server import LimitedServer, server_config

WEBHOOK_PATH = "/webhook"
OPEN_PATHS = frozenset({WEBHOOK_PATH, "/health/live", "/health/ready"})
MAX_BODY_BYTES = 1 << 16
DEFAULT_PORT = 5000
GRACEFUL_SECONDS = 10

log = logging.getLogger("seatrial")


class WebhookHandler:
    """Serve a trading engine's webhook.

    Args:
        trade: Trades a signal and returns the result.
        recorder: Records the status of every webhook.
        signing: The secret of the senders; an empty one accepts unsigned webhooks, from this machine only.
        clock: Checks the age of a signature.
    """

    def __init__(self, trade: Trade, recorder: WebhookRecorder, signing: WebhookSecret, clock: Clock) -> None:
        self._receiver = WebhookReceiver(trade, recorder, signing, clock)
        self._secret = signing.secret
        self._used = signing.used
        self._clock = clock
        self._server: LimitedServer | None = None

    def run(self, host: str = "127.0.0.1", port: int = DEFAULT_PORT) -> None:
        """Serve until interrupted; a KeyboardInterrupt reaches the caller.

        Raises:
            SettingsError: Other machines can reach the address and `webhook_secret` is not set, or the signatures of
                webhooks cannot be stored.
            OSError: The port is in use.
        """
        if not is_loopback(host) and not self._secret:
            raise SettingsError(
                f"webhook_handler.run(host={host!r}) could be reached from other machines, but TradingConfig's "
                "webhook_secret is not set; set it, or serve on 127.0.0.1"
            )
        self._require_memory()
        # No token is configured for the other paths, so a random one closes them.
        tokens = Tokens.parse(f"{secrets.token_hex(24)}=admin")
        refusals = TransportRefusals(None, self._clock)
        checks = RequestChecks(_Guard(self._app(refusals), tokens), self._rules(), refusals)
        app = ResponseHeaders(checks)
        with _bound(host, port) as listener:
            server = LimitedServer(
                server_config(app, refusals=refusals, graceful_seconds=GRACEFUL_SECONDS, lifespan="off")
            )
            self._server = server
            log.info("webhooks are taken at http://%s:%d%s", host, listener.getsockname()[1], WEBHOOK_PATH)
            try:
                server.run(sockets=[listener])
            finally:
                self._server = None
        if server.is_interrupted:
            raise KeyboardInterrupt

    def stop(self) -> None:
        """End `run` in another thread, after the requests in progress."""
        server = self._server
        if server is not None:
            server.should_exit = True

    def _require_memory(self) -> None:
        if not self._secret:
            return
        try:
            self._used.prepare()
        except OSError as error:
            raise SettingsError(
                "webhook_handler.run() must store which signed webhooks were traded, so that none is traded "
                f"again after a restart, but it cannot: {error}; set SEATRIAL_SPILL_DIR to a folder of this user"
            ) from error

    def _rules(self) -> RequestRules:
        # A signature is more than a browser can add; without one, only programs of this machine may trade.
        if self._secret:
            return RequestRules(hosts=None, media_types=MediaTypeRules({WEBHOOK_PATH: (ANY,)}))
        return RequestRules()

    def _app(self, refusals: TransportRefusals) -> FastAPI:
        app = FastAPI(title="Seatrial trading engine", openapi_url=None, docs_url=None, redoc_url=None)
        app.add_middleware(BodyLimit, default_bytes=MAX_BODY_BYTES, by_prefix={}, refusals=refusals)
        app.add_middleware(RequestIdentity)
        add_handlers(app)

        @app.get("/health/live")
        async def live() -> dict[str, str]:
            """Return that the process runs."""
            return {"status": "live"}

        @app.get("/health/ready")
        async def ready() -> dict[str, str]:
            """Return that signals are accepted."""
            return {"status": "ready"}

        @app.post(WEBHOOK_PATH)
        async def webhook(request: Request) -> JSONResponse:
            """Trade a signed signal."""
            body = await request.body()
            source = request.client.host if request.client else "unknown"
            delivery = self._receiver.read(body, request.headers, source)
            result = await run_in_threadpool(self._receiver.answer, delivery)
            return JSONResponse(result, status_code=422 if result.get("status") == "invalid" else 200)

        return app


class _Guard:
    """Requires a token on every path except webhook and health."""

    def __init__(self, app: ASGIApp, tokens: Tokens) -> None:
        self._app = app
        self._tokens = tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in OPEN_PATHS:
            header = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
            try:
                authorise(self._tokens, header, "admin")
            except SeatrialError as error:
                refusal = answer(error.status, error.code, error.detail, headers=error.headers)
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno != errno.EADDRINUSE:
            raise
        mac = " (on macOS port 5000 is AirPlay's)" if port == DEFAULT_PORT else ""
        raise OSError(
            error.errno, f"port {port} is in use by another program{mac}; call run() with another port="
        ) from error
    return listener
