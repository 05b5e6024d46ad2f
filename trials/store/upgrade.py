"""The schema: which revision a database has, and how an older one is brought to the present one."""

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, String, column, inspect, select, table, text

from trials.errors import DamagedDataError, StorageError
from trials.store.connection import Database, SqliteDatabase, find
from trials.store.tables import METADATA
from trials.store.transactions import Transactions

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0009"
"""The newest revision; a test holds it against the revision files."""

SINCE = {
    "kw_file": "0002",
    "kw_training": "0002",
    "kw_measurement.goes_on": "0003",
    "kw_measurement.reason": "0003",
    "kw_baseline": "0004",
    "kw_baseline_measurement": "0004",
    "kw_study.smallest_params": "0005",
    "kw_baseline.schedule_epochs": "0006",
    "kw_measurement.further": "0007",
    "kw_baseline_measurement.further": "0007",
    **{
        f"{table}.{column}": "0008"
        for table in ("kw_trial", "kw_baseline")
        for column in ("latency", "latency_low", "latency_high", "hardware", "cost")
    },
    "kw_tally.over_latency": "0008",
    "kw_tally.under_latency": "0008",
    **{f"kw_training.{column}": "0009" for column in ("quality", "detector", "further")},
}
"""Tables and columns that older revisions lack; a reader takes a missing one for empty."""

VERSION_TABLE = "kw_alembic_version"
MIGRATIONS = Path(__file__).parent / "migrations"
_UPGRADE_LOCK = 0x6B77_7365_6172_6368  # "kwsearch"


def current(connection: Connection) -> str | None:
    """The database's revision, or None where kwsearch has no tables.

    Raises:
        DamagedDataError: there are tables of kwsearch's names, but no version.
    """
    tables = set(inspect(connection).get_table_names())
    if VERSION_TABLE in tables:
        version = select(column("version_num", String)).select_from(table(VERSION_TABLE))
        found = connection.scalar(version)
        if found is not None:
            return found
    if tables & set(METADATA.tables):
        raise DamagedDataError(
            f"The database has tables of kwsearch's, but {VERSION_TABLE} does not say of which "
            "version.",
            "Restore it from a copy, or name another database with --database.",
        )
    return None


def check_readable(connection: Connection, shown: str) -> None:
    """See that everything this version reads is there, whatever the database's revision.

    Raises:
        DamagedDataError: there are no tables of kwsearch's.
        StorageError: the schema is another one, and lacks something.
    """
    found = current(connection)
    if found == HEAD:
        return
    if found is None:
        raise no_tables(shown)
    here = inspect(connection)
    for name, model in METADATA.tables.items():
        if found < SINCE.get(name, found):
            continue
        present = here.get_columns(name) if here.has_table(name) else []
        needed = {c.name for c in model.columns if found >= SINCE.get(f"{name}.{c.name}", found)}
        if not needed <= {c["name"] for c in present}:
            raise other_revision(shown, found)


def check_writable(connection: Connection, shown: str) -> bool:
    """See that the schema is the present one.

    Returns:
        False where there is none yet.

    Raises:
        StorageError: the schema is older or newer.
    """
    found = current(connection)
    if found not in (None, HEAD):
        raise other_revision(shown, str(found))
    return found is not None


def migrate(connection: Connection) -> None:
    """Run the revisions that are missing, inside the transaction of ``connection``.

    Of several processes that upgrade at once one does it and the others find it done: SQLite's
    transaction holds the write lock already, PostgreSQL takes an advisory lock here.
    """
    from alembic import command  # noqa: PLC0415 - 0.1 s that only an upgrade needs

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)


def alembic_config() -> "Config":
    """Alembic's settings: where the revisions are."""
    from alembic.config import Config  # noqa: PLC0415 - only an upgrade needs it

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def no_tables(shown: str) -> DamagedDataError:
    """The error for a database that kwsearch has never written to."""
    return DamagedDataError(
        f"{shown} holds no studies: kwsearch has never written to it.",
        "Start a study with 'kwsearch search', or name its database with --database.",
    )


def other_revision(shown: str, found: str) -> StorageError:
    """The error for a schema that is older or newer than this version's."""
    if found < HEAD:
        return StorageError(
            f"The schema of {shown} is {found}, older than this version's {HEAD}.",
            "Run 'kwsearch database upgrade'; it keeps a copy of the database.",
        )
    return StorageError(
        f"The schema of {shown} is {found!r}; this version of kwsearch knows {HEAD} at most.",
        "Use the version of kwsearch that wrote it, or a newer one.",
    )


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What an upgrade did.

    Attributes:
        before: revision found.
        after: revision now; the same if there was nothing to do.
        copy: the database as it was; None where nothing was done, or no copy was asked for.
    """

    before: str
    after: str
    copy: Path | None


def upgrade(url: str | None = None, *, backup: bool = True) -> Upgrade:
    """Upgrade a database, after copying it.

    All revisions run in one transaction: a killed upgrade leaves the old schema, and running it
    again finishes it. Of two upgrades at once one does the work.

    Args:
        url: as for `trials.store.open_store`.
        backup: copy the database first. Only a file can be copied from here: on PostgreSQL
            this refuses to upgrade anything, and says how a copy is made there.

    Raises:
        StorageError: it cannot be reached, a newer version wrote it, or no copy can be made.
        DamagedDataError: it has no tables of kwsearch's, or is damaged.
    """
    database = find(url)
    database.prepare(create=False, read_only=False)
    transactions = Transactions(database, read_only=False)
    try:
        return _upgrade(transactions, backup=backup)
    finally:
        transactions.close()


def _upgrade(transactions: Transactions, *, backup: bool) -> Upgrade:
    database = transactions.database
    before = transactions.read(lambda c: _upgradable(c, database), patience=0.0)
    copies: list[Path] = []

    def work(connection: Connection) -> None:
        if _upgradable(connection, database) == HEAD:
            return
        if backup:
            # Here nobody else can write: the copy is of the old schema and lacks nothing.
            copies.append(_copy(database, before))
        migrate(connection)

    if before != HEAD:
        transactions.write(work)
    return Upgrade(before, HEAD, copies[-1] if copies else None)


def _upgradable(connection: Connection, database: Database) -> str:
    database.check_pages(connection)
    found = current(connection)
    if found is None:
        raise no_tables(database.shown)
    if found > HEAD:
        raise other_revision(database.shown, found)
    return found


def _copy(database: Database, revision: str) -> Path:
    """Copy the file beside itself: whole or not at all."""
    if not isinstance(database, SqliteDatabase):
        raise StorageError(
            f"{database.shown} has schema {revision}; kwsearch cannot copy a server's database "
            f"before it upgrades it to {HEAD}.",
            f"Copy it with 'pg_dump --format=custom --file=kwsearch.dump {database.shown}', then "
            "upgrade with --no-backup.",
        )
    copy = database.path.with_name(f"{database.path.name}.{revision}.backup")
    part = copy.with_name(f"{copy.name}.part")  # whoever copies holds the lock, so there is one
    try:
        part.unlink(missing_ok=True)
        with closing(sqlite3.connect(database.path)) as old, closing(sqlite3.connect(part)) as new:
            old.backup(new)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(copy)
    except (OSError, sqlite3.Error) as error:
        part.unlink(missing_ok=True)
        raise StorageError(
            f"No copy of the database could be made at {copy}: {error}.",
            f"Free {database.path.stat().st_size:,} bytes there, then upgrade again.",
        ) from None
    return copy
