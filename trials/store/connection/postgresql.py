"""PostgreSQL over psycopg 3: many machines, one database."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from search_spaces.distribution import install
from search_spaces.errors import InputError, KwsearchError
from trials.errors import LostDatabaseError

PATIENCE = 60.0
_LOCK_SECONDS = 20
_CONNECT = {
    "connect_timeout": 4,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "application_name": "kwsearch",
}
"""A server that is gone is noticed in seconds, not in the hours TCP allows itself."""

_PASSING = ("08", "40001", "40P01", "57P")
"""SQLSTATEs: connection lost, serialization failure, deadlock, server going down or coming up."""

_LOCKED, _FULL, _READ_ONLY = "55P03", ("53100", "53200"), "25006"


@dataclass(frozen=True)
class PostgresqlDatabase:
    """A database on a server.

    Attributes:
        url: with driver psycopg, and the password.
        patience: seconds for which a transaction is tried again while the server is away.
    """

    url: URL
    patience: float

    @classmethod
    def at(cls, url: URL, patience: float | None = None) -> Self:
        """A database with the usual patience."""
        return cls(url, PATIENCE if patience is None else patience)

    @property
    def shown(self) -> str:
        """User, host and database; never the password, nor the query, which may hold one."""
        user = f"{self.url.username}@" if self.url.username else ""
        host = self.url.host or self.url.query.get("host") or ""
        port = f":{self.url.port}" if self.url.port else ""
        return f"postgresql://{user}{host}{port}/{self.url.database or ''}"

    def prepare(self, *, create: bool, read_only: bool) -> None:
        """Nothing can be known of a server before the first connection."""

    def engine(self, *, read_only: bool) -> Engine:
        """See `trials.store.connection.Database`."""
        defaults = {key: value for key, value in _CONNECT.items() if key not in self.url.query}
        try:
            engine = create_engine(
                self.url,
                connect_args=defaults,
                pool_pre_ping=True,
                json_serializer=partial(json.dumps, allow_nan=False, separators=(",", ":")),
                hide_parameters=True,
            )
        except ModuleNotFoundError:
            raise InputError(
                "PostgreSQL needs the package psycopg, which is not installed.",
                install("postgresql"),
            ) from None
        event.listen(engine, "connect", partial(_set_up, read_only))
        return engine

    def check_size(self, connection: Connection) -> None:
        """Nothing: the server looks after its own files."""

    def check_pages(self, connection: Connection) -> None:
        """Nothing, likewise."""

    @contextmanager
    def snapshot(self, engine: Engine) -> Iterator[Connection]:
        """A transaction that is isolated from later ones; readers are in no writer's way here."""
        with engine.execution_options(isolation_level="REPEATABLE READ").begin() as connection:
            yield connection

    def passing(self, error: SQLAlchemyError) -> bool:
        """Whether the connection was lost, or another transaction got in the way."""
        if not isinstance(error, DBAPIError):
            return False
        state = _sqlstate(error)
        lost = error.connection_invalidated or (
            state is None and type(error.orig).__name__ == "OperationalError"
        )
        return lost or (state is not None and state.startswith(_PASSING))

    def failure(self, error: SQLAlchemyError) -> KwsearchError:
        """See `trials.store.connection.Database`."""
        state = _sqlstate(error)
        if state == _LOCKED:
            return LostDatabaseError(
                f"{self.shown} has been locked by another process for {_LOCK_SECONDS} s.",
                "Wait until that process is done or end it, then run the command again.",
            )
        if state in _FULL:
            return LostDatabaseError(
                f"The server of {self.shown} has no space left.",
                "Free some space there, then go on with 'kwsearch resume'.",
            )
        if state == _READ_ONLY:
            return LostDatabaseError(
                f"{self.shown} is open for reading only.", "Connect to the primary server."
            )
        return LostDatabaseError(
            f"{self.shown} cannot be used: {self._reason(error)}.",
            "Check that the server runs and that user, password and database are right.",
        )

    def _reason(self, error: SQLAlchemyError) -> str:
        origin = error.orig if isinstance(error, DBAPIError) else None
        lines = str(origin or type(error).__name__).strip().splitlines()
        reason = lines[0].rstrip(".") if lines else type(error).__name__
        password = self.url.password
        return reason.replace(password, "***") if password else reason


def _sqlstate(error: SQLAlchemyError) -> str | None:
    return getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None


def _set_up(read_only: bool, connection: Any, _record: Any) -> None:  # noqa: ANN401, FBT001 - SQLAlchemy's hook is untyped and positional
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{_LOCK_SECONDS}s'")
        cursor.execute("SET timezone = 'UTC'")
        if read_only:
            cursor.execute("SET default_transaction_read_only = on")
    connection.commit()
