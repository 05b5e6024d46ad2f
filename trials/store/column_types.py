"""Types of columns, and the database's clock."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, Enum, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

import search_spaces
from trials.records import TrialState


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware and in UTC on both sides, whatever the database's time zone is."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware instant to UTC; SQLite keeps the digits alone."""
        if value is None:
            return None
        instant = value.astimezone(UTC)
        return instant.replace(tzinfo=None) if dialect.name == "sqlite" else instant

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Read the digits of SQLite as UTC; PostgreSQL says its time zone itself."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class ConfigText(TypeDecorator["search_spaces.NetworkConfig"]):
    """A network configuration as its canonical JSON text."""

    impl = Text
    cache_ok = True

    def process_bind_param(
        self, value: "search_spaces.NetworkConfig | None", dialect: Dialect
    ) -> str | None:
        """Write canonical JSON."""
        del dialect
        return None if value is None else value.to_json()

    def process_result_value(
        self, value: str | None, dialect: Dialect
    ) -> "search_spaces.NetworkConfig | None":
        """Read and validate it."""
        del dialect
        return None if value is None else search_spaces.NetworkConfig.from_json(value)


class clock(FunctionElement[datetime]):  # noqa: N801 - reads as the SQL function that it is
    """The database's own time, at the moment the statement runs."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(clock, "sqlite")
def _sqlite_clock(_element: Any, _compiler: SQLCompiler, **_: Any) -> str:  # noqa: ANN401 - SQLAlchemy's hook is untyped
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"


@compiles(clock, "postgresql")
def _postgresql_clock(_element: Any, _compiler: SQLCompiler, **_: Any) -> str:  # noqa: ANN401 - SQLAlchemy's hook is untyped
    return "clock_timestamp()"


def plain(text: str | None) -> str | None:
    """Return ``text`` without what PostgreSQL or UTF-8 cannot hold (NUL, lone surrogates)."""
    if text is None:
        return None
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


STATE = Enum(
    TrialState,
    name="state",
    native_enum=False,
    create_constraint=True,
    length=16,
    values_callable=lambda states: [state.value for state in states],
)
