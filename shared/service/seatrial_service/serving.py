"""Runs a service's application until a stop signal arrives or its parent process ends."""

import asyncio
import contextlib
import errno
import functools
import gc
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable

from fastapi import FastAPI

from seatrial_core import listen_descriptors
from seatrial_core.errors import SeatrialError, SettingsError
from seatrial_core.variables import unknown_variables
from seatrial_service import logs
from seatrial_service.db import login
from seatrial_service.db.session import Database
from seatrial_service.db.upgrade import head
from seatrial_service.settings import ServiceSettings, require_safe_binding, variables
from seatrial_service.transport.server import LimitedServer, server_config

EXIT_FAILED = 1
EXIT_BAD_SETTING = 2
GRACEFUL_SECONDS = 10


def run(service: str, load: Callable[[], ServiceSettings], build: Callable[[ServiceSettings], FastAPI]) -> int:
    """Read the settings, check the database, serve the application, and return the exit code.

    Args:
        service: The service's name.
        load: Reads the settings; a SettingsError ends with code 2 and one sentence.
        build: Builds the application from the settings.
    """
    try:
        settings = checked(service, load)
        logs.configure(service, settings.log_level)
        for sentence in unknown_variables(os.environ, variables(type(settings))):
            logs.get().warning("unknown_variable", message=sentence)
        listeners = listen(service, settings.host, settings.port)
    except SettingsError as error:
        sys.stderr.write(f"{service}: {error}\n")
        return EXIT_BAD_SETTING
    try:
        asyncio.run(_check_database(service, settings))
        return _serve(service, build(settings), listeners, settings)
    except SeatrialError as error:
        sys.stderr.write(f"{service}: {error}\n")
        return EXIT_BAD_SETTING if isinstance(error, SettingsError) else EXIT_FAILED
    finally:
        for listener in listeners:
            listener.close()


def checked(service: str, load: Callable[[], ServiceSettings]) -> ServiceSettings:
    """Return the settings of a service that can start with them.

    Raises:
        SettingsError: A setting is missing, malformed, unsafe or contradicts another.
    """
    settings = load()
    settings.require_database()
    require_safe_binding(settings.host, settings.accepted_tokens, service)
    return settings


def listen(service: str, host: str, port: int) -> list[socket.socket]:
    """Return the sockets of a port that the parent process passed to this one, else a new one.

    Raises:
        SettingsError: The port is taken or cannot be bound.
    """
    return _inherited().pop(port, None) or [bind(service, host, port)]


@functools.cache
def _inherited() -> dict[int, list[socket.socket]]:
    try:
        return listen_descriptors.take()
    except ValueError as error:
        raise SettingsError(str(error)) from error


def bind(service: str, host: str, port: int) -> socket.socket:
    """Return a socket bound to a port.

    Raises:
        SettingsError: The port is taken or cannot be bound."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    variable = f"SEATRIAL_{service.upper()}_PORT"
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            hint = " (on macOS AirPlay listens on 5000)" if port == 5000 and sys.platform == "darwin" else ""
            raise SettingsError(
                f"port {port} on {host} is taken by another program{hint}; set {variable} to a free port"
            ) from error
        raise SettingsError(f"cannot listen on {host}:{port}: {error.strerror}; set {variable}") from error
    return listener


async def _check_database(service: str, settings: ServiceSettings) -> None:
    database = Database(settings.database_url, pool_size=1, application=f"seatrial-{service}-start")
    try:
        await database.require_head(head())
        warning = await login.check(database, service)
    finally:
        await database.close()
    if warning is not None:
        logs.get().warning("database_user", message=warning)


def _serve(service: str, app: FastAPI, listeners: list[socket.socket], settings: ServiceSettings) -> int:
    config = server_config(
        app,
        refusals=app.state.transport_refusals,
        graceful_seconds=GRACEFUL_SECONDS,
        trusted_proxies=settings.trusted_proxies,
    )
    server = LimitedServer(config)
    if settings.stop_with_parent:
        threading.Thread(target=_stop_at_end_of_input, name="parent-watch", daemon=True).start()
    # The server hands a caught SIGTERM back to the process when it is done; a graceful end is exit code 0.
    signal.signal(signal.SIGTERM, lambda *_: None)
    logs.get().info("service_starting", host=settings.host, port=listeners[0].getsockname()[1])
    # The garbage collector need not look at modules again each time a large body was read: 0.2 s less at a time.
    gc.collect()
    gc.freeze()
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=listeners)
    logs.get().info("service_stopped", service=service)
    return 0 if server.started else EXIT_FAILED


def _stop_at_end_of_input() -> None:
    # The parent's pipe closes when the parent ends, even if it is killed.
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    os.kill(os.getpid(), signal.SIGTERM)
