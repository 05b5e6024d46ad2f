"""Looking after databases: upgrading, checking and merging them, with rows as answers."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from trials.store import open_store
from trials.store.connection import find
from trials.store.upgrade import upgrade

Row = dict[str, Any]


def upgrade_database(*, database: str | None = None, backup: bool = True) -> Row:
    """Bring a database that an older version wrote to the present schema.

    Args:
        database: URL or path.
        backup: copy it first; on PostgreSQL that has to be done there, and is refused here.

    Returns:
        The revisions ``before`` and ``after``, and the path of the ``copy``, None if none was
        made.

    Raises:
        StorageError: it cannot be reached, a newer version wrote it, or no copy can be made.
        DamagedDataError: it is no database of kwsearch's.
    """
    done = upgrade(database, backup=backup)
    return {"database": find(database).shown, **asdict(done)}


def check_database(name: str | None = None, *, database: str | None = None) -> Row:
    """Look for anything that contradicts itself; see `trials.store.check`.

    Args:
        name: of a study; None for all there are.
        database: URL or path.

    Returns:
        How many rows were looked at, and ``faults``, a line each.

    Raises:
        InputError: no such study.
        StorageError: it cannot be reached.
        DamagedDataError: it cannot be read at all.
    """
    from trials.store.check import examine  # noqa: PLC0415 - its oracle is loaded by who checks

    with open_store(database, create=False, read_only=True) as store:
        found = examine(store, study=name)
        return {"database": store.location, **asdict(found), "faults": [*found.faults]}


def merge_databases(
    others: Sequence[str], *, database: str | None = None, rename: Mapping[str, str] | None = None
) -> list[Row]:
    """Take the studies of other databases into one, without loss; see `trials.store.merge`.

    Args:
        others: URLs or paths; they are only read.
        database: URL or path of the one; made if it is not there.
        rename: other names for studies of the others.

    Returns:
        A row for each study of the others: what became of it.

    Raises:
        InputError: a study is another one than that of its name; then nothing is written.
        StudyBusyError: a study is being driven in ``database``.
        StorageError: a database cannot be reached, or has an older or newer schema.
        DamagedDataError: one cannot be read.
    """
    from trials.store.merge import merge  # noqa: PLC0415 - loaded by whoever merges

    return [asdict(done) for done in merge(others, database, rename=rename)]
