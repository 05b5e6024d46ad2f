"""SQLite: one file, one writer at a time.

Journal mode is the rollback journal, not WAL: SQLite up to 3.51.2 has a bug by which two
connections that write or checkpoint a WAL database in the same instant can corrupt it, and the
SQLite that comes with most Pythons is older. The mode is a property of the file, so a process with
a newer SQLite must not choose it for those with an older one. ``synchronous = FULL``: a commit that
returned is on the disk.

Under a rollback journal a commit waits until nobody reads. So whoever reads at length copies the
file first (`SqliteDatabase.snapshot`), which takes as long as reading it once, and reads the copy.
"""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

from sqlalchemy import Connection, Engine, QueuePool, StaticPool, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from search_spaces.errors import KwsearchError
from trials.errors import DamagedDataError, LostDatabaseError, StorageError
from trials.store.connection.filesystem import network_filesystem

PATIENCE = 30.0
READING = "kw_reading"
"""Execution option of connections that only read: they begin without the write lock."""

_PRAGMAS = ("foreign_keys = ON", "synchronous = FULL")
_SPARE = 4 * 2**20
_SMALLEST = 512
"""Bytes of SQLite's smallest page."""


@dataclass(frozen=True)
class SqliteDatabase:
    """A database file.

    Attributes:
        path: absolute.
        patience: seconds to wait for another process's lock.
    """

    path: Path
    patience: float

    @classmethod
    def at(cls, path: Path, patience: float | None = None) -> Self:
        """A file with the usual patience."""
        return cls(path, PATIENCE if patience is None else patience)

    @property
    def shown(self) -> str:
        """The path."""
        return str(self.path)

    def prepare(self, *, create: bool, read_only: bool) -> None:
        """See `trials.store.connection.Database`."""
        try:
            self._prepare(create=create, read_only=read_only)
        except OSError as error:
            raise StorageError(
                f"The database {self.path} cannot be opened: {error.strerror}.",
                "Give another path with --database or KWSEARCH_DATABASE.",
            ) from None

    def _prepare(self, *, create: bool, read_only: bool) -> None:
        if create:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        kind = None if read_only else network_filesystem(self.path.parent)
        if kind:
            raise StorageError(
                f"{self.path} lies on a network file system ({kind}), where SQLite's locks do not "
                "hold.",
                "Put the database on a local disk, or use a PostgreSQL URL.",
            )
        if not self.path.exists():
            if create:
                return
            raise StorageError(
                f"There is no database at {self.path}.",
                "Start a study with 'kwsearch search', or name its database with --database.",
            )
        if self.path.is_dir():
            raise StorageError(
                f"{self.path} is a folder, not a database.",
                f"Name a file in it: {self.path}/kw.db.",
            )
        self._look_at_the_size(create=create)
        if read_only and Path(f"{self.path}-journal").exists():
            self._heal()

    def _heal(self) -> None:
        """Let SQLite roll back what a crash cut off; a connection for reading only may not.

        Nothing happens if the journal belongs to a process that is writing just now, or if this
        one may not write: opening will then say so.
        """
        with suppress(sqlite3.Error), closing(_connect(self._uri("rw"), self.patience)) as raw:
            raw.execute("SELECT count(*) FROM sqlite_master").fetchone()

    def _uri(self, mode: str) -> str:
        return f"{self.path.as_uri()}?mode={mode}"

    def _look_at_the_size(self, *, create: bool) -> None:
        # SQLite takes an empty or very short file for a new database. It is never opened here:
        # closing it would drop the locks that another store of this process may hold on it.
        size = self.path.stat().st_size
        if size == 0 and not create:  # otherwise another process has just begun to create it
            raise DamagedDataError(f"{self.path} is empty.", _RESTORE)
        if 0 < size < _SMALLEST:
            raise DamagedDataError(f"{self.path} has {size} bytes, too few for SQLite.", _RESTORE)

    def engine(self, *, read_only: bool) -> Engine:
        """See `trials.store.connection.Database`."""
        mode = "ro" if read_only else "rwc"
        engine = create_engine(
            "sqlite://",
            creator=partial(_connect, self._uri(mode), self.patience),
            poolclass=QueuePool,
            json_serializer=partial(json.dumps, allow_nan=False, separators=(",", ":")),
            hide_parameters=True,
        )
        event.listen(engine, "begin", _begin)
        return engine

    def check_size(self, connection: Connection) -> None:
        """See that the file is as long as it says.

        Raises:
            DamagedDataError: it is shorter. SQLite reads what is missing of its last page as zeros.
        """
        pages, size = (
            connection.exec_driver_sql(f"PRAGMA page_{of}").scalar_one() for of in ("count", "size")
        )
        if self.path.exists() and self.path.stat().st_size < pages * size:
            raise DamagedDataError(
                f"{self.path} is damaged: it was cut off, its last page is not whole.", _RESTORE
            )

    def check_pages(self, connection: Connection) -> None:
        """Read every page of the file once.

        Raises:
            DamagedDataError: one is not as SQLite left it.
        """
        found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        fault = " ".join(str(found).split())  # it may have several lines
        if fault != "ok":
            raise DamagedDataError(f"{self.path} is damaged: {fault}.", _RESTORE)
        self.check_size(connection)

    @contextmanager
    def snapshot(self, engine: Engine) -> Iterator[Connection]:
        """A connection to a copy, which SQLite keeps in memory and spills to a temporary file."""
        with closing(sqlite3.connect("", check_same_thread=False)) as copy:
            with engine.begin() as connection:
                self.check_size(connection)
                connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")
                raw = connection.connection.driver_connection
                assert isinstance(raw, sqlite3.Connection)  # noqa: S101 - as `_connect` made it
                _copy(raw, copy)
            copy.isolation_level = None
            reading = create_engine("sqlite://", creator=lambda: copy, poolclass=StaticPool)
            with reading.begin() as connection:
                yield connection

    def passing(self, error: SQLAlchemyError) -> bool:
        """Never: SQLite itself has waited for the lock by then."""
        del error
        return False

    def failure(self, error: SQLAlchemyError) -> KwsearchError:
        """See `trials.store.connection.Database`."""
        origin = error.orig if isinstance(error, DBAPIError) else None
        code = getattr(origin, "sqlite_errorcode", 0) & 0xFF
        if not self.path.exists():
            return LostDatabaseError(
                f"{self.path} is not there any more: it was deleted or moved while it was open.",
                "Put it back, or name another database with --database.",
            )
        match code:
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                return LostDatabaseError(
                    f"{self.path} has been locked by another process for {self.patience:g} s.",
                    "Wait until that process is done or end it, then run the command again.",
                )
            case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
                return DamagedDataError(f"{self.path} is damaged: {origin}.", _RESTORE)
            case sqlite3.SQLITE_FULL:
                free = shutil.disk_usage(self.path.parent).free
                return LostDatabaseError(
                    f"There is no space left for {self.path}: {free:,} bytes are free, at least "
                    f"{_SPARE:,} are needed.",
                    "Free some space, then go on with 'kwsearch resume'.",
                )
            case sqlite3.SQLITE_READONLY:
                return LostDatabaseError(
                    f"{self.path} is open for reading only.",
                    "Check the permissions of the file and of its folder.",
                )
        return LostDatabaseError(
            f"{self.path} cannot be used: {origin or type(error).__name__}.",
            "Check the file, its folder and their permissions.",
        )


_RESTORE = "Restore it from a copy, or name another database with --database."


def _connect(uri: str, patience: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri, uri=True, timeout=patience, isolation_level=None, check_same_thread=False
    )
    try:
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        if "mode=ro" not in uri:
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _copy(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """Copy a database.

    Raises:
        SQLAlchemyError: as a statement would that fails alike.
    """
    try:
        source.backup(target)
    except sqlite3.Error as error:
        raise DBAPIError("backup", None, error) from None


def _begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get(READING, False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
