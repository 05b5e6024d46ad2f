"""Bringing a database that an older version wrote to the present schema."""

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from trials.errors import StorageError
from trials.store import places, schema
from trials.store.places import Place
from trials.store.sqlite import SqlitePlace
from trials.store.store import check_pages
from trials.store.units import Units


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
    place = places.find(url)
    place.prepare(create=False, read_only=False)
    units = Units(place, read_only=False)
    try:
        return _upgrade(units, backup=backup)
    finally:
        units.close()


def _upgrade(units: Units, *, backup: bool) -> Upgrade:
    place = units.place
    before = units.read(lambda c: _upgradable(c, place), patience=0.0)
    copies: list[Path] = []

    def work(connection: Connection) -> None:
        if _upgradable(connection, place) == schema.HEAD:
            return
        if backup:
            # Here nobody else can write: the copy is of the old schema and lacks nothing.
            copies.append(_copy(place, before))
        schema.upgrade(connection)

    if before != schema.HEAD:
        units.write(work)
    return Upgrade(before, schema.HEAD, copies[-1] if copies else None)


def _upgradable(connection: Connection, place: Place) -> str:
    check_pages(connection, place)
    found = schema.current(connection)
    if found is None:
        raise schema.no_tables(place.shown)
    if found > schema.HEAD:
        raise schema.other_revision(place.shown, found)
    return found


def _copy(place: Place, revision: str) -> Path:
    """Copy the file beside itself: whole or not at all."""
    if not isinstance(place, SqlitePlace):
        raise StorageError(
            f"{place.shown} has schema {revision}; kwsearch cannot copy a server's database before "
            f"it upgrades it to {schema.HEAD}.",
            f"Copy it with 'pg_dump --format=custom --file=kwsearch.dump {place.shown}', then "
            "upgrade with --no-backup.",
        )
    copy = place.path.with_name(f"{place.path.name}.{revision}.backup")
    part = copy.with_name(f"{copy.name}.part")  # whoever copies holds the lock, so there is one
    try:
        part.unlink(missing_ok=True)
        with closing(sqlite3.connect(place.path)) as old, closing(sqlite3.connect(part)) as new:
            old.backup(new)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(copy)
    except (OSError, sqlite3.Error) as error:
        part.unlink(missing_ok=True)
        raise StorageError(
            f"No copy of the database could be made at {copy}: {error}.",
            f"Free {place.path.stat().st_size:,} bytes there, then upgrade again.",
        ) from None
    return copy
