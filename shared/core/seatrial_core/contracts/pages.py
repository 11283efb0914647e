"""The format of lists in responses."""

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """A part of a list; `next_cursor` is null on the last page."""

    model_config = ConfigDict(frozen=True)

    items: list[Item]
    next_cursor: str | None = None
