"""Databases that a store can lie in: SQLite and PostgreSQL, told apart by the URL.

A module each says how its connections are set up, which failures pass if the transaction is run
again, and how every other failure is explained.
"""

import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from sqlalchemy import URL, Connection, Engine, make_url
from sqlalchemy.exc import SQLAlchemyError

from search_spaces.errors import InputError, KwsearchError
from trials.store.connection.postgresql import PostgresqlDatabase
from trials.store.connection.sqlite import READING, SqliteDatabase

__all__ = ["READING", "Database", "PostgresqlDatabase", "SqliteDatabase", "find"]

VARIABLE = "KWSEARCH_DATABASE"
DEFAULT = "sqlite:///runs/kwsearch.db"


class Database(Protocol):
    """A database that can be opened."""

    @property
    def shown(self) -> str:
        """Path or URL for people, without the password."""

    @property
    def patience(self) -> float:
        """Seconds for which a transaction is tried again before it is given up."""

    def prepare(self, *, create: bool, read_only: bool) -> None:
        """Check what can be checked before the first connection; make the parent folder.

        Raises:
            StorageError: it cannot be there, or is not there and may not be created.
            DamagedDataError: what is there is no database.
        """

    def engine(self, *, read_only: bool) -> Engine:
        """An engine whose connections are set up; nothing is connected yet."""

    def check_size(self, connection: Connection) -> None:
        """Look for what is missing at the end, before anything is read.

        Raises:
            DamagedDataError: something is.
        """

    def check_pages(self, connection: Connection) -> None:
        """Look for damage before anything is written.

        Raises:
            DamagedDataError: there is some.
        """

    def snapshot(self, engine: Engine) -> AbstractContextManager[Connection]:
        """A connection that sees one moment for as long as it is open, and is in no writer's way.

        Args:
            engine: of this database.
        """

    def passing(self, error: SQLAlchemyError) -> bool:
        """Whether the same transaction may succeed in a moment."""

    def failure(self, error: SQLAlchemyError) -> KwsearchError:
        """The error for people, with its cure."""


def find(url: str | None, patience: float | None = None) -> Database:
    """Read a URL or a plain path.

    Args:
        url: ``sqlite:///path``, a path, or ``postgresql://user:password@host/database``; None
            for what ``KWSEARCH_DATABASE`` says, or else ``runs/kwsearch.db``.
        patience: seconds to wait for a locked or absent database; None for the usual.

    Raises:
        InputError: it is neither.
    """
    text = url if url is not None else os.environ.get(VARIABLE) or DEFAULT
    if "://" not in text:
        return SqliteDatabase.at(_path(text), patience)
    parsed = _parse(text)
    if parsed.get_backend_name() == "sqlite":
        return SqliteDatabase.at(_path(parsed.database or ""), patience)
    if parsed.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return PostgresqlDatabase.at(parsed.set(drivername="postgresql+psycopg"), patience)
    raise InputError(
        f"A database of kind {parsed.drivername!r} cannot be used; SQLite and PostgreSQL can.",
        "Write sqlite:///path/to/file.db or postgresql://user:password@host/database.",
    )


def _parse(text: str) -> URL:
    try:
        return make_url(text)
    except (SQLAlchemyError, ValueError):
        # The text is not shown: a slip in it may have moved the password anywhere.
        raise InputError(
            "The database URL cannot be read.",
            "Write sqlite:///path/to/file.db or postgresql://user:password@host/database; an @, / "
            "or : inside the password is written %40, %2F or %3A.",
        ) from None


def _path(text: str) -> Path:
    if not text or text == ":memory:" or "\0" in text:
        raise InputError(
            f"{text!r} is not a path for a database file.",
            "Write sqlite:///path/to/file.db, or just the path.",
        )
    return Path(text).expanduser().absolute()
