"""Calls what takes long for many events in a thread, so that the service answers meanwhile."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

INLINE_ITEMS = 300  # a thread costs more than this many events

P = ParamSpec("P")
R = TypeVar("R")


async def call(items: int, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Return what a function returns; it runs in a thread if it has many items to work on."""
    if items <= INLINE_ITEMS:
        return function(*args, **kwargs)
    return await asyncio.to_thread(function, *args, **kwargs)
