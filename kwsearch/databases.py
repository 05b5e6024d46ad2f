"""Looking after databases and their studies, with rows as answers."""

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


def delete_study(name: str, *, database: str | None = None) -> Row:
    """Delete a study with all that it has measured, its weights and its folder.

    Args:
        name: of the study.
        database: URL or path.

    Returns:
        The ``study``, its number of ``trials``, and the ``folders`` that were removed.

    Raises:
        InputError: no such study.
        StudyBusyError: someone drives it.
        StorageError: a file cannot be removed.
    """
    from kwsearch import housekeeping  # noqa: PLC0415 - as above

    with open_store(database, create=False) as store:
        trials = sum(store.study(name).states.values())
        removed = housekeeping.delete(store, name)
    return {"study": name, "trials": trials, "folders": [str(folder) for folder in removed]}


def rename_study(name: str, new: str, *, database: str | None = None) -> Row:
    """Call a study by another name, and its folder too.

    Args:
        name: as it is called now.
        new: as it will be called.
        database: URL or path.

    Returns:
        The ``study``'s new name, its number of ``trials``, and its ``folders``.

    Raises:
        InputError: no such study, or the new name is taken or breaks the rule.
        StudyBusyError: someone drives it.
        StorageError: a file cannot be moved.
    """
    from kwsearch import housekeeping  # noqa: PLC0415 - as above

    with open_store(database, create=False) as store:
        trials = sum(store.study(name).states.values())
        folders = housekeeping.rename(store, name, new)
    return {"study": new, "trials": trials, "folders": [str(folder) for folder in folders]}
