"""`open_store`: from a URL to a store that can be read and written."""

import os
from types import TracebackType
from typing import Self

from sqlalchemy import Connection

from trials.errors import DamagedDataError
from trials.store import places, schema
from trials.store.sqlite import SqlitePlace
from trials.store.units import Units
from trials.store.writing import Writer

_AT_OPENING = 0.0
"""A server that is down when the store is opened is said so at once."""


class Store(Writer):
    """A database of studies; see `trials.store.contract`.

    Also a context manager, which closes it. It may be used from several threads.
    """

    def close(self) -> None:
        """Give the connections back; the store can no longer be used."""
        self._units.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_store(
    url: str | os.PathLike[str] | None = None,
    *,
    create: bool = True,
    read_only: bool = False,
    patience: float | None = None,
) -> Store:
    """Open a database of studies.

    Args:
        url: ``sqlite:///runs/kwsearch.db``, a plain path, or
            ``postgresql://user:password@host/database``; None for what ``KWSEARCH_DATABASE``
            says, or else ``runs/kwsearch.db``.
        create: make folder, file and tables where they are missing.
        read_only: refuse every write, in the database itself; nothing is created.
        patience: seconds to wait for a lock, or for a server that went away; None for 30 s on
            SQLite and 60 s on PostgreSQL.

    Raises:
        InputError: the URL is none.
        StorageError: the database cannot be reached, or has an older or newer schema.
        DamagedDataError: the file is empty, damaged, or someone else's; nothing was written.
    """
    place = places.find(None if url is None else os.fspath(url), patience)
    create = create and not read_only
    place.prepare(create=create, read_only=read_only)
    units = Units(place, read_only=read_only)
    try:
        _prepare(units, create=create, read_only=read_only)
    except BaseException:
        units.close()
        raise
    return Store(units)


def _prepare(units: Units, *, create: bool, read_only: bool) -> None:
    shown = units.place.shown

    def look(connection: Connection) -> bool:
        if read_only:
            schema.check_readable(connection, shown)
            return True
        check_pages(connection, units.place)
        return schema.check_writable(connection, shown)

    def make(connection: Connection) -> None:
        if not schema.check_writable(connection, shown):
            schema.upgrade(connection)

    if units.read(look, patience=_AT_OPENING):
        return
    if not create:
        raise schema.no_tables(shown)
    units.write(make, patience=_AT_OPENING)


def check_pages(connection: Connection, place: places.Place) -> None:
    """Read every page of an SQLite file once, before anything is written to it.

    Raises:
        DamagedDataError: one is not as SQLite left it.
    """
    if not isinstance(place, SqlitePlace):
        return
    found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    fault = " ".join(str(found).split())  # it may have several lines
    pages, size = (
        connection.exec_driver_sql(f"PRAGMA page_{of}").scalar_one() for of in ("count", "size")
    )
    if fault == "ok" and place.path.stat().st_size < pages * size:
        fault = "its last page is not whole"  # which nothing misses if the page held zeros there
    if fault != "ok":
        raise DamagedDataError(
            f"{place.shown} is damaged: {fault}.",
            "Restore it from a copy, or name another database with --database.",
        )
