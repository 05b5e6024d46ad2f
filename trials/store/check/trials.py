"""Checks trials and the counts of them with plain SQL.

Each function looks at one study, or at all where ``study`` is None, and yields one line a fault.
"""

from collections.abc import Iterator

from sqlalchemy import Connection, text

from search_spaces.errors import plural

NOW = {"sqlite": "strftime('%Y-%m-%d %H:%M:%f000', 'now')", "postgresql": "clock_timestamp()"}
"""The time, in each database's SQL."""


def open_trials(connection: Connection, study: str | None) -> Iterator[str]:
    """Trials that run under no lease, or whose end contradicts their state."""
    now = NOW[connection.dialect.name]
    query = f"""
        SELECT s.name, t.number FROM kw_trial t JOIN kw_study s ON s.id = t.study_id
        WHERE s.name = coalesce(:study, s.name) AND t.state = 'running'
          AND (s.lease_until IS NULL OR s.lease_until <= {now})
        ORDER BY s.name, t.number
        """  # noqa: S608 - one of two constants
    for name, number in connection.execute(text(query), {"study": study}):
        yield (
            f"study {name!r}, trial {number} is running, but nobody holds the study's lease: its "
            f"driver died, and 'kwsearch resume {name}' goes on"
        )
    query = """
        SELECT s.name, t.number, t.state FROM kw_trial t JOIN kw_study s ON s.id = t.study_id
        WHERE s.name = coalesce(:study, s.name)
          AND ((t.state IN ('waiting', 'running')) <> (t.finished_at IS NULL)
               OR (t.finished_at IS NULL) <> (t.place IS NULL))
        """
    for name, number, state in connection.execute(text(query), {"study": study}):
        yield f"study {name!r}, trial {number} is {state}, but its end says otherwise"


def counts(connection: Connection, study: str | None) -> Iterator[str]:
    """Tallies, numbers and digests that do not agree with the trials there are."""
    states = ("waiting", "running", "complete", "stopped", "failed")
    counted = ", ".join(f"coalesce(sum(CASE t.state WHEN '{s}' THEN 1 END), 0)" for s in states)
    query = f"""
        SELECT s.name, s.trials, y.waiting, y.running, y.complete, y.stopped, y.failed,
               y.epochs, y.seconds, {counted}, coalesce(sum(t.epochs), 0),
               coalesce(sum(t.seconds), 0), count(t.id), count(DISTINCT t.number),
               count(DISTINCT t.digest), coalesce(max(t.number), -1), coalesce(min(t.number), 0)
        FROM kw_study s LEFT JOIN kw_tally y ON y.study_id = s.id
        LEFT JOIN kw_trial t ON t.study_id = s.id
        WHERE s.name = coalesce(:study, s.name)
        GROUP BY s.id, s.name, s.trials, y.study_id, y.waiting, y.running, y.complete, y.stopped,
                 y.failed, y.epochs, y.seconds
        ORDER BY s.name
        """  # noqa: S608 - made of constants
    for name, budget, *row in connection.execute(text(query), {"study": study}):
        said, found, (asked, numbers, digests, last, first) = row[:7], row[7:14], row[14:]
        for column, a, b in zip((*states, "epochs", "seconds"), said, found, strict=True):
            if a is None or abs(a - b) > 1e-6 * max(1.0, abs(b)):
                yield f"study {name!r} counts {a} {column}; there are {b}"
        if asked > budget:
            yield f"study {name!r} has {plural(asked, 'trial')} and asks for {budget}"
        if not asked == numbers == digests == last + 1 or first != 0:
            yield (
                f"study {name!r} has {plural(asked, 'trial')}, {numbers} numbers from {first} to "
                f"{last} and {digests} digests"
            )


def attempts(connection: Connection, study: str | None, limit: int | None) -> Iterator[str]:
    """Trials handed out more often than ``limit``, or measured by an attempt that never was."""
    query = """
        SELECT s.name, t.number, t.attempt, max(m.attempt), min(m.attempt) FROM kw_trial t
        JOIN kw_study s ON s.id = t.study_id LEFT JOIN kw_measurement m ON m.trial_id = t.id
        WHERE s.name = coalesce(:study, s.name)
        GROUP BY s.name, t.number, t.attempt
        HAVING t.attempt < 1 OR t.attempt > :limit OR max(m.attempt) > t.attempt
            OR min(m.attempt) < 1
        ORDER BY s.name, t.number
        """
    given = {"study": study, "limit": 2**31 - 1 if limit is None else limit}
    for name, number, attempt, last, _ in connection.execute(text(query), given):
        yield (
            f"study {name!r}, trial {number} was handed out {plural(attempt, 'time')} and measured "
            f"by attempt {last or 0}" + (f"; {limit} are allowed" if limit else "")
        )
