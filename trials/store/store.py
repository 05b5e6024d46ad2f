"""`open_store`: from a URL to a store that can be read and written."""

import os
from types import TracebackType
from typing import Self

from sqlalchemy import Connection

from trials.store import upgrade
from trials.store.connection import find
from trials.store.contract import Store
from trials.store.transactions import Transactions
from trials.store.writes import Writes

_AT_OPENING = 0.0
"""A server that is down when the store is opened is said so at once."""


class SqlStore(Writes, Store):
    """Studies in SQLite or PostgreSQL.

    Also a context manager, which closes it. It may be used from several threads.
    """

    def close(self) -> None:
        """Give the connections back; the store can no longer be used."""
        self.transactions.close()

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
) -> SqlStore:
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
        StorageError: the database cannot be reached, or has an older or newer upgrade.
        DamagedDataError: the file is empty, damaged, or someone else's; nothing was written.
    """
    database = find(None if url is None else os.fspath(url), patience)
    create = create and not read_only
    database.prepare(create=create, read_only=read_only)
    transactions = Transactions(database, read_only=read_only)
    try:
        _prepare(transactions, create=create, read_only=read_only)
    except BaseException:
        transactions.close()
        raise
    return SqlStore(transactions)


def _prepare(transactions: Transactions, *, create: bool, read_only: bool) -> None:
    shown = transactions.database.shown

    def look(connection: Connection) -> bool:
        if read_only:
            transactions.database.check_size(connection)
            upgrade.check_readable(connection, shown)
            return True
        transactions.database.check_pages(connection)
        return upgrade.check_writable(connection, shown)

    def make(connection: Connection) -> None:
        if not upgrade.check_writable(connection, shown):
            upgrade.migrate(connection)

    if transactions.read(look, patience=_AT_OPENING):
        return
    if not create:
        raise upgrade.no_tables(shown)
    transactions.write(make, patience=_AT_OPENING)
