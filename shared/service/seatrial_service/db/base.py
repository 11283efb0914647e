"""The base of all table classes, and the column types they share."""

from datetime import datetime

from sqlalchemy import DateTime, MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
SCHEMAS = ("metrics", "alerts", "backtest", "engine", "stress", "access")

metadata = MetaData(naming_convention=NAMING)


class Base(DeclarativeBase):
    """The base class of all tables; every table names its schema in `__table_args__`."""

    metadata = metadata
    type_annotation_map = {datetime: DateTime(timezone=True)}


__all__ = ["SCHEMAS", "Base", "Mapped", "mapped_column", "metadata"]
