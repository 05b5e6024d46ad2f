"""Checks measurements with plain SQL, and what trials repeat of them.

Each function looks at one study, or at all where ``study`` is None, and yields one line a fault.
"""

import json
import sys
from collections.abc import Iterator
from math import isfinite

from sqlalchemy import Connection, inspect, text

from search_spaces.errors import plural
from trials.tasks.contract import quality_of


def measurements(connection: Connection, study: str | None) -> Iterator[str]:
    """Epochs there twice, and trials that do not repeat their last measurement."""
    query = """
        SELECT s.name, t.number, m.epoch, count(*) FROM kw_measurement m
        JOIN kw_trial t ON t.id = m.trial_id JOIN kw_study s ON s.id = t.study_id
        WHERE s.name = coalesce(:study, s.name)
        GROUP BY s.name, t.number, m.epoch HAVING count(*) > 1
        """
    for name, number, epoch, times in connection.execute(text(query), {"study": study}):
        yield f"study {name!r}, trial {number}, epoch {epoch} is there {plural(times, 'time')}"
    query = """
        SELECT s.name, t.number, t.epochs, last.epoch FROM kw_trial t
        JOIN kw_study s ON s.id = t.study_id
        LEFT JOIN (SELECT trial_id, max(epoch) AS epoch FROM kw_measurement GROUP BY trial_id) last
               ON last.trial_id = t.id
        LEFT JOIN kw_measurement m ON m.trial_id = t.id AND m.epoch = last.epoch
        WHERE s.name = coalesce(:study, s.name)
          AND (t.epochs <> coalesce(last.epoch, 0)
               OR coalesce(t.accuracy, -1) <> coalesce(m.accuracy, -1)
               OR coalesce(t.loss, -1) <> coalesce(m.loss, -1)
               OR t.seconds <> coalesce(m.seconds, 0))
        ORDER BY s.name, t.number
        """
    for name, number, epochs, last in connection.execute(text(query), {"study": study}):
        yield (
            f"study {name!r}, trial {number} says {plural(epochs, 'epoch')}; its measurements end "
            f"at {last or 0}, or differ from what it says"
        )


def impossible(connection: Connection, study: str | None) -> Iterator[str]:
    """Numbers that no training measures."""
    # PostgreSQL puts NaN above all numbers, and SQLite keeps it as NULL, which no column takes.
    query = """
        SELECT s.name, t.number, m.epoch, m.accuracy, m.loss, m.seconds FROM kw_measurement m
        JOIN kw_trial t ON t.id = m.trial_id JOIN kw_study s ON s.id = t.study_id
        WHERE s.name = coalesce(:study, s.name)
          AND (m.epoch < 1 OR m.accuracy < 0 OR m.accuracy > 1 OR m.seconds < 0
               OR m.seconds > :largest OR m.loss < -:largest OR m.loss > :largest)
        ORDER BY s.name, t.number, m.epoch
        """
    given = {"study": study, "largest": sys.float_info.max}
    for name, number, epoch, accuracy, loss, seconds in connection.execute(text(query), given):
        yield (
            f"study {name!r}, trial {number}, epoch {epoch} measured accuracy {accuracy} and loss "
            f"{loss} in {seconds} s"
        )


def further(connection: Connection, study: str | None) -> Iterator[str]:
    """Values by name that are no finite numbers, or stand in for the quality itself."""
    for kind, key in (("trial", "trial_id"), ("baseline", "baseline_id")):
        table = "kw_measurement" if kind == "trial" else "kw_baseline_measurement"
        here = inspect(connection)
        if not here.has_table(table) or "further" not in {
            column["name"] for column in here.get_columns(table)
        }:
            continue  # an older schema
        query = f"""
            SELECT s.name, CAST(s.settings AS TEXT), t.number, m.epoch, CAST(m.further AS TEXT)
            FROM {table} m JOIN kw_{kind} t ON t.id = m.{key} JOIN kw_study s ON s.id = t.study_id
            WHERE s.name = coalesce(:study, s.name) AND m.further IS NOT NULL
            ORDER BY s.name, t.number, m.epoch
            """  # noqa: S608 - names of ours
        found = connection.execute(text(query), {"study": study})
        for name, settings, number, epoch, stored in found:
            fault = _fault_of(stored, quality_of(json.loads(settings)))
            if fault:
                yield f"study {name!r}, {kind} {number}, epoch {epoch} {fault}"


def _fault_of(stored: str, quality: str) -> str | None:
    try:
        values = json.loads(stored)
        pairs = {name: (*pair,) for name, pair in values.items()}
    except (ValueError, TypeError, AttributeError):
        return f"has other values than pairs by name: {stored:.40}"
    for name, pair in pairs.items():
        numbers = [one for one in pair if one is not None]
        finite = all(isinstance(one, int | float) and isfinite(one) for one in numbers)
        if len(pair) != len(("value", "error")) or pair[0] is None or not finite:
            return f"reported {name} = {list(pair)}, which is no value with its error"
    if quality in pairs:
        return f"has {quality} twice, by its name and as what counts"
    return None


def decisions(connection: Connection, study: str | None) -> Iterator[str]:
    """Trials that did not end as promotion decided, and halves of a decision."""
    there = {column["name"] for column in inspect(connection).get_columns("kw_measurement")}
    if "goes_on" not in there:  # an older schema
        return
    query = """
        SELECT s.name, t.number, m.epoch, t.epochs, t.state, m.goes_on, m.reason
        FROM kw_measurement m
        JOIN kw_trial t ON t.id = m.trial_id JOIN kw_study s ON s.id = t.study_id
        WHERE s.name = coalesce(:study, s.name)
          AND ((m.goes_on IS NULL) <> (m.reason IS NULL)
               OR NOT m.goes_on AND (t.epochs > m.epoch OR t.state = 'complete')
               OR m.goes_on AND t.epochs = m.epoch AND t.cause = 'promotion')
        ORDER BY s.name, t.number, m.epoch
        """
    for name, number, epoch, last, state, goes_on, reason in connection.execute(
        text(query), {"study": study}
    ):
        decided = {None: "nothing", 0: "to stop", 1: "to go on"}[goes_on]
        yield (
            f"study {name!r}, trial {number} was told {decided} after epoch {epoch} (reason: "
            f"{reason}); it is {state} after epoch {last}"
        )


def rungs_of(settings: str) -> list[int]:
    """Rungs that a study's settings name, for its own measure or the proxy; empty if none."""
    stored = json.loads(settings)
    for section in ("task", "proxy"):
        found = stored.get(section)
        rungs = found.get("epochs") if isinstance(found, dict) else None
        if isinstance(rungs, list) and rungs:
            return rungs
    return []


def rungs(connection: Connection, study: str | None) -> Iterator[str]:
    """Complete trials that lack a rung."""
    query = """
        SELECT id, name, CAST(settings AS TEXT) FROM kw_study
        WHERE name = coalesce(:study, name) ORDER BY name
        """
    for key, name, settings in connection.execute(text(query), {"study": study}).all():
        rungs = rungs_of(settings)
        if not rungs:
            continue
        query = """
            SELECT t.number, t.epochs, count(m.epoch) FROM kw_trial t
            LEFT JOIN kw_measurement m ON m.trial_id = t.id
            WHERE t.study_id = :key AND t.state = 'complete'
            GROUP BY t.number, t.epochs HAVING t.epochs <> :top OR count(m.epoch) < :rungs
            ORDER BY t.number
            """
        given = {"key": key, "top": rungs[-1], "rungs": len(rungs)}
        for number, epochs, measured in connection.execute(text(query), given):
            yield (
                f"study {name!r}, trial {number} is complete with "
                f"{plural(measured, 'measurement')} up to epoch {epochs}; the rungs are {rungs}"
            )
