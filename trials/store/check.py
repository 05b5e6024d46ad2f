"""The checker: reads the tables with plain SQL and says what is not as it must be.

It trusts neither the store's own code nor its counts: every count is counted again, and every
front that ever was is computed again from the trials with moocore as the oracle.
"""

import json
from collections.abc import Callable, Iterator
from itertools import islice

from sqlalchemy import Connection, text

from trials.store.check_fronts import wrong_fronts
from trials.store.store import Store, open_store

_SHOWN = 20
_NOW = {"sqlite": "strftime('%Y-%m-%d %H:%M:%f000', 'now')", "postgresql": "clock_timestamp()"}


def check(database: Store | str, *, max_attempts: int | None = None) -> list[str]:
    """Check a database.

    Args:
        database: a store, or the URL of one; it is only read.
        max_attempts: how often a trial may be handed out; None for any number.

    Returns:
        One line for each fault, at most twenty of a kind; empty if all is well. The kinds:
        pages and references; trials that are neither over nor under a live lease; measurements
        missing or doubled; counts; attempts; fronts and hypervolumes. The tables name no files,
        so there are none to look for.

    Raises:
        StorageError: the database cannot be read.
        DamagedDataError: the file is no database, or damaged beyond reading.
    """
    if isinstance(database, str):
        with open_store(database, read_only=True) as store:
            return check(store, max_attempts=max_attempts)

    def attempts(connection: Connection) -> Iterator[str]:
        return _attempts(connection, max_attempts)

    kinds = (_pages, _open_trials, _measurements, _rungs, _counts, attempts, wrong_fronts)
    with database._units.open() as connection:  # noqa: SLF001 - the checker belongs to the store
        return [fault for kind in kinds for fault in _some(kind, connection)]


def _some(kind: Callable[[Connection], Iterator[str]], connection: Connection) -> Iterator[str]:
    faults = kind(connection)
    yield from islice(faults, _SHOWN)
    if next(faults, None) is not None:
        yield "and more of this kind"


def _pages(connection: Connection) -> Iterator[str]:
    if connection.dialect.name != "sqlite":
        return
    for (fault,) in connection.exec_driver_sql("PRAGMA integrity_check"):
        if fault != "ok":
            yield f"damaged file: {fault}"
    for table, row, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        yield f"row {row} of {table} refers to a row of {parent} that is not there"


def _open_trials(connection: Connection) -> Iterator[str]:
    now = _NOW[connection.dialect.name]
    query = f"""
        SELECT s.name, t.number FROM kw_trial t JOIN kw_study s ON s.id = t.study_id
        WHERE t.state = 'running' AND (s.lease_until IS NULL OR s.lease_until <= {now})
        ORDER BY s.name, t.number
        """  # noqa: S608 - one of two constants
    for study, number in connection.execute(text(query)):
        yield f"study {study!r}, trial {number} is running, but nobody holds the study's lease"
    query = """
        SELECT s.name, t.number, t.state FROM kw_trial t JOIN kw_study s ON s.id = t.study_id
        WHERE (t.state IN ('waiting', 'running')) <> (t.finished_at IS NULL)
           OR (t.finished_at IS NULL) <> (t.place IS NULL)
        """
    for study, number, state in connection.execute(text(query)):
        yield f"study {study!r}, trial {number} is {state}, but its end says otherwise"


def _measurements(connection: Connection) -> Iterator[str]:
    query = """
        SELECT s.name, t.number, m.epoch, count(*) FROM kw_measurement m
        JOIN kw_trial t ON t.id = m.trial_id JOIN kw_study s ON s.id = t.study_id
        GROUP BY s.name, t.number, m.epoch HAVING count(*) > 1
        """
    for study, number, epoch, times in connection.execute(text(query)):
        yield f"study {study!r}, trial {number}, epoch {epoch} is there {times} times"
    query = """
        SELECT s.name, t.number, t.epochs, last.epoch FROM kw_trial t
        JOIN kw_study s ON s.id = t.study_id
        LEFT JOIN (SELECT trial_id, max(epoch) AS epoch FROM kw_measurement GROUP BY trial_id) last
               ON last.trial_id = t.id
        LEFT JOIN kw_measurement m ON m.trial_id = t.id AND m.epoch = last.epoch
        WHERE t.epochs <> coalesce(last.epoch, 0)
           OR coalesce(t.accuracy, -1) <> coalesce(m.accuracy, -1)
           OR coalesce(t.loss, -1) <> coalesce(m.loss, -1)
           OR t.seconds <> coalesce(m.seconds, 0)
        ORDER BY s.name, t.number
        """
    for study, number, epochs, last in connection.execute(text(query)):
        yield (
            f"study {study!r}, trial {number} says {epochs} epochs; its measurements end at "
            f"{last or 0}, or differ from what it says"
        )


def _rungs(connection: Connection) -> Iterator[str]:
    for key, study, settings in connection.execute(
        text("SELECT id, name, CAST(settings AS TEXT) FROM kw_study ORDER BY name")
    ):
        proxy = json.loads(settings).get("proxy")
        rungs = proxy.get("epochs") if isinstance(proxy, dict) else None
        if not isinstance(rungs, list) or not rungs:
            continue
        query = """
            SELECT t.number, t.epochs, count(m.epoch) FROM kw_trial t
            LEFT JOIN kw_measurement m ON m.trial_id = t.id
            WHERE t.study_id = :study AND t.state = 'complete'
            GROUP BY t.number, t.epochs HAVING t.epochs <> :top OR count(m.epoch) < :rungs
            ORDER BY t.number
            """
        given = {"study": key, "top": rungs[-1], "rungs": len(rungs)}
        for number, epochs, measured in connection.execute(text(query), given):
            yield (
                f"study {study!r}, trial {number} is complete with {measured} measurements up to "
                f"epoch {epochs}; the rungs are {rungs}"
            )


def _counts(connection: Connection) -> Iterator[str]:
    states = ("waiting", "running", "complete", "stopped", "failed")
    counted = ", ".join(f"coalesce(sum(CASE t.state WHEN '{s}' THEN 1 END), 0)" for s in states)
    query = f"""
        SELECT s.name, s.trials, y.waiting, y.running, y.complete, y.stopped, y.failed,
               y.epochs, y.seconds, {counted}, coalesce(sum(t.epochs), 0),
               coalesce(sum(t.seconds), 0), count(t.id), count(DISTINCT t.number),
               count(DISTINCT t.digest), coalesce(max(t.number), -1), coalesce(min(t.number), 0)
        FROM kw_study s LEFT JOIN kw_tally y ON y.study_id = s.id
        LEFT JOIN kw_trial t ON t.study_id = s.id
        GROUP BY s.id, s.name, s.trials, y.study_id, y.waiting, y.running, y.complete, y.stopped,
                 y.failed, y.epochs, y.seconds
        ORDER BY s.name
        """  # noqa: S608 - made of constants
    for name, budget, *row in connection.execute(text(query)):
        said, found, (asked, numbers, digests, last, first) = row[:7], row[7:14], row[14:]
        for column, a, b in zip((*states, "epochs", "seconds"), said, found, strict=True):
            if a is None or abs(a - b) > 1e-6 * max(1.0, abs(b)):
                yield f"study {name!r} counts {a} {column}; there are {b}"
        if asked > budget:
            yield f"study {name!r} has {asked} trials and asks for {budget}"
        if not asked == numbers == digests == last + 1 or first != 0:
            yield (
                f"study {name!r} has {asked} trials, {numbers} numbers from {first} to {last} and "
                f"{digests} digests"
            )


def _attempts(connection: Connection, limit: int | None) -> Iterator[str]:
    query = """
        SELECT s.name, t.number, t.attempt, max(m.attempt), min(m.attempt) FROM kw_trial t
        JOIN kw_study s ON s.id = t.study_id LEFT JOIN kw_measurement m ON m.trial_id = t.id
        GROUP BY s.name, t.number, t.attempt
        HAVING t.attempt < 1 OR t.attempt > :limit OR max(m.attempt) > t.attempt
            OR min(m.attempt) < 1
        ORDER BY s.name, t.number
        """
    given = {"limit": 2**31 - 1 if limit is None else limit}
    for study, number, attempt, last, _ in connection.execute(text(query), given):
        yield (
            f"study {study!r}, trial {number} was handed out {attempt} times and measured by "
            f"attempt {last or 0}" + (f"; {limit} are allowed" if limit else "")
        )
