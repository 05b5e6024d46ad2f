"""Checks measurements with plain SQL, and what trials repeat of them.

Each function looks at one study, or at all where ``study`` is None, and yields one line a fault.
"""

import json
import sys
from collections.abc import Iterator

from sqlalchemy import Connection, inspect, text


def measurements(connection: Connection, study: str | None) -> Iterator[str]:
    """Epochs there twice, and trials that do not repeat their last measurement."""
    query = """
        SELECT s.name, t.number, m.epoch, count(*) FROM kw_measurement m
        JOIN kw_trial t ON t.id = m.trial_id JOIN kw_study s ON s.id = t.study_id
        WHERE s.name = coalesce(:study, s.name)
        GROUP BY s.name, t.number, m.epoch HAVING count(*) > 1
        """
    for name, number, epoch, times in connection.execute(text(query), {"study": study}):
        yield f"study {name!r}, trial {number}, epoch {epoch} is there {times} times"
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
            f"study {name!r}, trial {number} says {epochs} epochs; its measurements end at "
            f"{last or 0}, or differ from what it says"
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


def rungs(connection: Connection, study: str | None) -> Iterator[str]:
    """Complete trials that lack a rung."""
    query = """
        SELECT id, name, CAST(settings AS TEXT) FROM kw_study
        WHERE name = coalesce(:study, name) ORDER BY name
        """
    for key, name, settings in connection.execute(text(query), {"study": study}).all():
        proxy = json.loads(settings).get("proxy")
        rungs = proxy.get("epochs") if isinstance(proxy, dict) else None
        if not isinstance(rungs, list) or not rungs:
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
                f"study {name!r}, trial {number} is complete with {measured} measurements up to "
                f"epoch {epochs}; the rungs are {rungs}"
            )
