"""The checker: reads the tables with plain SQL and says what is not as it must be.

It trusts neither the store's own code nor its counts: every count is counted again, and every
front that ever was is computed again from the trials with moocore as the oracle.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection, text

from trials.checkpoints import RUNS
from trials.store.check.baselines import baselines
from trials.store.check.files import Named, named_files, wrong_files
from trials.store.check.fronts import wrong_fronts
from trials.store.check.measurements import decisions, further, impossible, measurements, rungs
from trials.store.check.trials import attempts, counts, open_trials
from trials.store.store import SqlStore, open_store
from trials.store.transactions import study_id

Kind = Callable[[Connection, str | None], Iterator[str]]
"""Finds one kind of fault, in one study or in all."""

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Findings:
    """What was looked at, and what is wrong with it.

    Attributes:
        studies: rows looked at, as are the next three.
        trials: of these studies.
        measurements: of these trials.
        fronts: that ever were in these studies.
        faults: one line each, at most twenty of a kind.
    """

    studies: int
    trials: int
    measurements: int
    fronts: int
    faults: tuple[str, ...]


def check(
    database: SqlStore | str, *, max_attempts: int | None = None, runs: Path = RUNS
) -> list[str]:
    """The faults of a database; see `examine`."""
    return [*examine(database, max_attempts=max_attempts, runs=runs).faults]


def examine(
    database: SqlStore | str,
    *,
    study: str | None = None,
    max_attempts: int | None = None,
    runs: Path = RUNS,
) -> Findings:
    """Check a database, as it is at one moment; a search that goes on meanwhile is not held up.

    The kinds of faults: pages and references; trials that are neither over nor under a live
    lease; measurements missing, doubled or impossible; trials that went on against a
    decision; counts; attempts; baselines likewise; fronts and hypervolumes;
    kept files that are missing, altered, or of a trial off the front.

    Args:
        database: a store, or the URL of one; it is only read.
        study: only this study's rows; None for all.
        max_attempts: how often a trial may be handed out; None for any number.
        runs: the folder that paths in the database start from.

    Raises:
        InputError: no such study.
        StorageError: the database cannot be read.
        DamagedDataError: the file is no database, or damaged beyond reading.
    """
    if isinstance(database, str):
        with open_store(database, read_only=True) as store:
            return examine(store, study=study, max_attempts=max_attempts, runs=runs)

    kinds: tuple[Kind, ...] = (
        *(_pages, open_trials, measurements, impossible, further, decisions, rungs, counts),
        partial(attempts, limit=max_attempts),
        partial(baselines, limit=max_attempts),
        wrong_fronts,
    )
    with database.transactions.open() as connection:
        if study is not None:
            study_id(connection, study)
        faults = [fault for kind in kinds for fault in _some(kind(connection, study))]
        looked_at, named = _looked_at(connection, study), named_files(connection, study)

    def still() -> list[Named]:
        return database.transactions.read(lambda c: named_files(c, study))

    faults += _some(wrong_files(named, runs, still))
    return Findings(*looked_at, faults=tuple(faults))


def _some(faults: Iterator[str]) -> Iterator[str]:
    yield from islice(faults, _SHOWN)
    if next(faults, None) is not None:
        yield "and more of this kind"


def _looked_at(connection: Connection, study: str | None) -> tuple[int, int, int, int]:
    query = """
        SELECT (SELECT count(*) FROM kw_study s WHERE s.name = coalesce(:study, s.name)),
               (SELECT count(*) FROM kw_trial t JOIN kw_study s ON s.id = t.study_id
                WHERE s.name = coalesce(:study, s.name)),
               (SELECT count(*) FROM kw_measurement m JOIN kw_trial t ON t.id = m.trial_id
                JOIN kw_study s ON s.id = t.study_id WHERE s.name = coalesce(:study, s.name)),
               (SELECT count(*) FROM kw_front f JOIN kw_study s ON s.id = f.study_id
                WHERE s.name = coalesce(:study, s.name))
        """
    studies, trials, measurements, fronts = connection.execute(text(query), {"study": study}).one()
    return studies, trials, measurements, fronts


def _pages(connection: Connection, _study: str | None) -> Iterator[str]:
    if connection.dialect.name != "sqlite":
        return
    for (fault,) in connection.exec_driver_sql("PRAGMA integrity_check"):
        if fault != "ok":
            yield f"damaged file: {fault}"
    for table, row, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        yield f"row {row} of {table} refers to a row of {parent} that is not there"
