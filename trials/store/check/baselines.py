"""Checks plain networks that studies measure beside their trials, with plain SQL.

Each function looks at one study, or at all where ``study`` is None, and yields one line a fault.
"""

import sys
from collections.abc import Iterator

from sqlalchemy import Connection, inspect, text

from search_spaces.errors import plural
from trials.store.check.measurements import rungs_of
from trials.store.check.trials import NOW


def baselines(connection: Connection, study: str | None, limit: int | None) -> Iterator[str]:
    """Baselines lost, doubled or left running, and measurements that are not as they must be.

    Args:
        connection: to the database.
        study: only this one's; None for all.
        limit: how often one may be handed out; None for any number.
    """
    if not inspect(connection).has_table("kw_baseline"):  # an older schema
        return
    yield from _numbers(connection, study)
    yield from _states(connection, study, limit)
    yield from _measured(connection, study)
    yield from _rungs(connection, study)
    yield from _audits(connection, study)


def _numbers(connection: Connection, study: str | None) -> Iterator[str]:
    query = """
        SELECT s.name, count(*), count(DISTINCT b.number), max(b.number), min(b.number)
        FROM kw_baseline b JOIN kw_study s ON s.id = b.study_id
        WHERE s.name = coalesce(:study, s.name) GROUP BY s.name
        """
    for name, all_, numbers, last, first in connection.execute(text(query), {"study": study}):
        if not all_ == numbers == last + 1 or first != 0:
            yield (
                f"study {name!r} has {all_} baselines and {numbers} numbers of them, from {first} "
                f"to {last}"
            )
    query = """
        SELECT s.name, b.network, b.seed, count(*) FROM kw_baseline b
        JOIN kw_study s ON s.id = b.study_id WHERE s.name = coalesce(:study, s.name)
        GROUP BY s.name, b.network, b.digest, b.seed HAVING count(*) > 1
        """
    for name, network, seed, times in connection.execute(text(query), {"study": study}):
        yield f"study {name!r} has plain {network} from seed {seed} {plural(times, 'time')}"


def _states(connection: Connection, study: str | None, limit: int | None) -> Iterator[str]:
    query = f"""
        SELECT s.name, b.number, b.state, b.attempt, b.measured_by,
               s.lease_until IS NULL OR s.lease_until <= {NOW[connection.dialect.name]},
               (b.state IN ('waiting', 'running')) <> (b.finished_at IS NULL)
        FROM kw_baseline b JOIN kw_study s ON s.id = b.study_id
        WHERE s.name = coalesce(:study, s.name) ORDER BY s.name, b.number
        """  # noqa: S608 - one of two constants
    found = connection.execute(text(query), {"study": study})
    for name, number, state, attempt, measured_by, free, contradicts in found:
        which = f"study {name!r}, baseline {number}"
        if state == "running" and free:
            yield (
                f"{which} is running, but nobody holds the study's lease: its driver died, and "
                f"'kwsearch resume {name}' goes on"
            )
        if contradicts or state == "stopped":
            yield f"{which} is {state}, but its end says otherwise"
        most = sys.maxsize if limit is None else limit
        if attempt > most or measured_by > attempt or attempt < (state != "waiting"):
            handed_out = plural(attempt, "time")
            yield f"{which} was handed out {handed_out} and measured by attempt {measured_by}"


def _measured(connection: Connection, study: str | None) -> Iterator[str]:
    query = """
        SELECT s.name, b.number, b.epochs, last.epoch FROM kw_baseline b
        JOIN kw_study s ON s.id = b.study_id
        LEFT JOIN (SELECT baseline_id, max(epoch) AS epoch FROM kw_baseline_measurement
                   GROUP BY baseline_id) last ON last.baseline_id = b.id
        LEFT JOIN kw_baseline_measurement m ON m.baseline_id = b.id AND m.epoch = last.epoch
        WHERE s.name = coalesce(:study, s.name)
          AND (b.epochs <> coalesce(last.epoch, 0)
               OR coalesce(b.accuracy, -1) <> coalesce(m.accuracy, -1)
               OR coalesce(b.loss, -1) <> coalesce(m.loss, -1)
               OR coalesce(b.images, -1) <> coalesce(m.images, -1)
               OR b.seconds <> coalesce(m.seconds, 0))
        ORDER BY s.name, b.number
        """
    for name, number, epochs, last in connection.execute(text(query), {"study": study}):
        yield (
            f"study {name!r}, baseline {number} says {plural(epochs, 'epoch')}; its measurements "
            f"end at {last or 0}, or differ from what it says"
        )
    query = """
        SELECT s.name, b.number, m.epoch, m.accuracy, m.loss, m.seconds
        FROM kw_baseline_measurement m JOIN kw_baseline b ON b.id = m.baseline_id
        JOIN kw_study s ON s.id = b.study_id
        WHERE s.name = coalesce(:study, s.name)
          AND (m.epoch < 1 OR m.accuracy < 0 OR m.accuracy > 1 OR m.seconds < 0
               OR m.seconds > :largest OR m.loss < -:largest OR m.loss > :largest)
        ORDER BY s.name, b.number, m.epoch
        """
    given = {"study": study, "largest": sys.float_info.max}
    for name, number, epoch, accuracy, loss, seconds in connection.execute(text(query), given):
        yield (
            f"study {name!r}, baseline {number}, epoch {epoch} measured accuracy {accuracy} and "
            f"loss {loss} in {seconds} s"
        )


def _rungs(connection: Connection, study: str | None) -> Iterator[str]:
    query = """
        SELECT s.name, CAST(s.settings AS TEXT), b.number, b.epochs, count(m.epoch)
        FROM kw_baseline b JOIN kw_study s ON s.id = b.study_id
        LEFT JOIN kw_baseline_measurement m ON m.baseline_id = b.id
        WHERE s.name = coalesce(:study, s.name) AND b.state = 'complete' AND b.role <> 'audit'
        GROUP BY s.name, CAST(s.settings AS TEXT), b.number, b.epochs ORDER BY s.name, b.number
        """
    for name, settings, number, epochs, measured in connection.execute(
        text(query), {"study": study}
    ):
        rungs = rungs_of(settings)
        if rungs and (epochs != rungs[-1] or measured < len(rungs)):
            yield (
                f"study {name!r}, baseline {number} is complete with "
                f"{plural(measured, 'measurement')} up to epoch {epochs}; the rungs are {rungs}"
            )


def _audits(connection: Connection, study: str | None) -> Iterator[str]:
    """Audits of no trial or no length, and those that are complete without having reached it."""
    columns = {column["name"] for column in inspect(connection).get_columns("kw_baseline")}
    if "schedule_epochs" not in columns:  # an older schema
        return
    query = """
        SELECT s.name, b.number, b.schedule_epochs, b.state, b.epochs, t.number FROM kw_baseline b
        JOIN kw_study s ON s.id = b.study_id
        LEFT JOIN kw_trial t ON t.study_id = b.study_id AND t.digest = b.digest
        WHERE s.name = coalesce(:study, s.name) AND b.role = 'audit' ORDER BY s.name, b.number
        """
    found = connection.execute(text(query), {"study": study})
    for name, number, length, state, epochs, trial in found:
        which = f"study {name!r}, baseline {number}, an audit,"
        if trial is None or not length:
            yield f"{which} has trial {trial} and a schedule of {plural(length or 0, 'epoch')}"
        elif state == "complete" and epochs != length:
            yield f"{which} is complete after {epochs} of {plural(length, 'epoch')}"
