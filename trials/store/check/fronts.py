"""Computes every front of a study again, trial by trial, and holds it against what is stored.

Both objectives are minimised: the cost, which is parameters unless the study says otherwise, and
1 - accuracy. Of equal points the trial with the
lowest number is the member.
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from math import isclose, log
from typing import NamedTuple

import moocore
import numpy as np
from sqlalchemy import Connection, inspect, text


class Point(NamedTuple):
    """A complete trial; the oracle sees the first two."""

    cost: float
    error: float
    number: int


class Expected(NamedTuple):
    """A front as it should have been stored."""

    trial: int
    members: tuple[int, ...]
    hypervolume: float


class Ends(NamedTuple):
    """Of what hypervolume is measured between; ``low`` is None in schemas before 0005."""

    low: float | None
    high: float
    floor: float


def wrong_fronts(connection: Connection, study: str | None) -> Iterator[str]:
    """One line for each front, or trial's front, that is not what the trials make it."""
    there = {column["name"] for column in inspect(connection).get_columns("kw_study")}
    low = "smallest_params" if "smallest_params" in there else "NULL"
    query = f"""
        SELECT id, name, {low} AS low, reference_params, reference_accuracy FROM kw_study
        WHERE name = coalesce(:study, name) ORDER BY name
        """  # noqa: S608 - one of two constants
    for key, name, *ends in connection.execute(text(query), {"study": study}).all():
        history, after = _replay(connection, key, Ends(*ends))
        for fault in _compare(_stored(connection, key), history):
            yield f"study {name!r}, {fault}"
        for number, found in _fronts_of_trials(connection, key):
            if found != after[number]:
                yield (
                    f"study {name!r}, trial {number} refers to front {found}; the front after it "
                    f"is {after[number]}"
                )
        present = _present(connection, key)
        last = len(history) - 1 if history else None
        if present != last:
            yield f"study {name!r} has front {present} as its present one instead of {last}"


def hypervolume(front: list[Point], ends: Ends) -> float:
    """Mean height of a front over the logarithm of the cost, added up from step to step.

    Before revision 0005 it is the area up to the greatest size and error, by moocore.
    """
    whole = 1 - ends.floor
    inside = sorted(p[:2] for p in front if p.cost <= ends.high and p.error < whole)
    if ends.low is None:
        return float(moocore.hypervolume(inside, ref=(ends.high, whole))) if inside else 0.0
    if ends.low == ends.high:
        return max(((whole - error) / whole for _, error in inside), default=0.0)
    steps = [max(cost, ends.low) for cost, _ in inside] + [ends.high]
    covered = sum(
        (whole - error) * log(after / at)
        for (_, error), (at, after) in zip(inside, pairwise(steps), strict=True)
    )
    return covered / whole / log(ends.high / ends.low)


def _replay(
    connection: Connection, study: int, ends: Ends
) -> tuple[list[Expected], dict[int, int | None]]:
    there = {column["name"] for column in inspect(connection).get_columns("kw_trial")}
    cost = "coalesce(cost, params)" if "cost" in there else "params"
    query = f"""
        SELECT number, state, {cost} AS cost, accuracy FROM kw_trial
        WHERE study_id = :study AND state NOT IN ('waiting', 'running')
        ORDER BY place, number
        """  # noqa: S608 - one of two constants
    front: list[Point] = []
    history: list[Expected] = []
    after: dict[int, int | None] = {}
    for number, state, size, accuracy in connection.execute(text(query), {"study": study}):
        if state == "complete" and accuracy is not None:
            point = Point(float(size), 1.0 - accuracy, number)
            if not any(_covers(member, point) for member in front):
                front = _nondominated([*front, point])
                members = tuple(member.number for member in front)
                history.append(Expected(number, members, hypervolume(front, ends)))
        after[number] = len(history) - 1 if history else None
    return history, after


def _covers(member: Point, point: Point) -> bool:
    if member[:2] == point[:2]:
        return member.number < point.number
    return member.cost <= point.cost and member.error <= point.error


def _nondominated(points: list[Point]) -> list[Point]:
    # The oracle keeps the first of equal points, so the lowest number must come first.
    ordered = sorted(points, key=lambda point: point.number)
    kept = moocore.is_nondominated(np.array([point[:2] for point in ordered]), keep_weakly=False)
    return sorted(point for point, keep in zip(ordered, kept, strict=True) if keep)


def _stored(connection: Connection, study: int) -> list[Expected]:
    query = """
        SELECT m.front_id, t.number FROM kw_front_member m JOIN kw_front f ON f.id = m.front_id
        JOIN kw_trial t ON t.id = m.trial_id WHERE f.study_id = :study
        ORDER BY m.front_id, m.place
        """
    members = defaultdict(list)
    for front, number in connection.execute(text(query), {"study": study}):
        members[front].append(number)
    query = "SELECT id, trial, hypervolume FROM kw_front WHERE study_id = :study ORDER BY number"
    return [
        Expected(trial, tuple(members[front]), area)
        for front, trial, area in connection.execute(text(query), {"study": study})
    ]


def _compare(stored: list[Expected], history: list[Expected]) -> Iterator[str]:
    if len(stored) != len(history):
        yield f"{len(stored)} fronts are stored; there were {len(history)}"
    for number, (found, right) in enumerate(zip(stored, history, strict=False)):
        if found[:2] != right[:2]:
            yield (
                f"front {number}: trial {found.trial} made it of {list(found.members)}; it should "
                f"be trial {right.trial} and {list(right.members)}"
            )
        if not isclose(found.hypervolume, right.hypervolume, rel_tol=1e-9, abs_tol=1e-12):
            yield f"front {number}: hypervolume {found.hypervolume}, not {right.hypervolume}"


def _fronts_of_trials(connection: Connection, study: int) -> Iterator[tuple[int, int | None]]:
    query = """
        SELECT t.number, f.number FROM kw_trial t LEFT JOIN kw_front f ON f.id = t.front_id
        WHERE t.study_id = :study AND t.state NOT IN ('waiting', 'running') ORDER BY t.number
        """
    for row in connection.execute(text(query), {"study": study}):
        yield row[0], row[1]


def _present(connection: Connection, study: int) -> int | None:
    query = """
        SELECT f.number FROM kw_tally y JOIN kw_front f ON f.id = y.front_id
        WHERE y.study_id = :study
        """
    found: int | None = connection.execute(text(query), {"study": study}).scalar()
    return found
