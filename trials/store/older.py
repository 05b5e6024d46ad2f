"""Hypervolume in databases from before revision 0005, which measured it over sizes from 0.

Numbers of one kind are never shown beside those of the other: an upgrade, a merge and whoever reads
such a database as it is take hypervolume anew from the fronts that are kept. The statements know
nothing of later revisions.
"""

from collections import defaultdict
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    Table,
    column,
    func,
    inspect,
    literal,
    null,
    select,
    table,
)

from trials.area import Area, Point
from trials.records import StudyRecord

_DEFAULTS = {"smallest_params": 1, "over_latency": 0, "under_latency": 0}
"""What stands for columns that an older schema lacks, where it is not NULL."""

_STUDY = table(
    "kw_study",
    column("id"),
    column("settings", JSON),
    column("reference_params"),
    column("reference_accuracy"),
)
_TRIAL = table(
    "kw_trial",
    *(column(name) for name in ("id", "study_id", "number", "params", "accuracy")),
)
_FRONT = table("kw_front", column("id"), column("study_id"))
_MEMBER = table("kw_front_member", column("front_id"), column("trial_id"))


def lacks_area(connection: Connection) -> bool:
    """Whether the schema is from before revision 0005."""
    return "smallest_params" not in {c["name"] for c in inspect(connection).get_columns("kw_study")}


def lacks_latency(connection: Connection) -> bool:
    """Whether the schema is from before revision 0008."""
    return "latency" not in {c["name"] for c in inspect(connection).get_columns("kw_trial")}


def columns(connection: Connection, of: Table) -> list[ColumnElement[Any]]:
    """Columns of a table; one that an older schema lacks is its default, or NULL."""
    there = {c["name"] for c in inspect(connection).get_columns(of.name)}
    return [
        c
        if c.name in there
        else (literal(_DEFAULTS[c.name]) if c.name in _DEFAULTS else null()).label(c.name)
        for c in of.columns
    ]


def area(connection: Connection, study: int) -> Area:
    """What the hypervolume of a study is a share of, whose smallest size was not written down.

    That size is the least that the study allows, or else its smallest network's; 1 before there is
    any.

    Args:
        connection: to a database of any revision.
        study: its key.
    """
    spec = connection.execute(select(_STUDY).where(_STUDY.c.id == study)).one()
    least = (spec.settings.get("budget") or {}).get("min_params")
    if least is None:
        sizes = select(func.min(_TRIAL.c.params)).where(_TRIAL.c.study_id == study)
        least = connection.scalar(sizes) or 1
    high = spec.reference_params
    return Area(min(max(int(least), 1), high), high, spec.reference_accuracy)


def hypervolumes(connection: Connection, study: int) -> dict[int, float]:
    """Hypervolume of every front that a study has had, by its key; see `area`."""
    members = (
        select(_MEMBER.c.front_id, _TRIAL.c.params, _TRIAL.c.accuracy, _TRIAL.c.number)
        .join_from(_MEMBER, _FRONT, _FRONT.c.id == _MEMBER.c.front_id)
        .join(_TRIAL, _TRIAL.c.id == _MEMBER.c.trial_id)
        .where(_FRONT.c.study_id == study)
    )
    fronts: dict[int, list[Point]] = defaultdict(list)
    for front, *point in connection.execute(members):
        fronts[front].append(Point.of(*point))
    whole = area(connection, study)
    return {front: whole.hypervolume(points) for front, points in fronts.items()}


def restated(
    connection: Connection, study: int, front: int | None, record: StudyRecord
) -> StudyRecord:
    """A study as if it had been upgraded; ``front`` is the key of its present one."""
    low = area(connection, study).low
    hypervolume = 0.0 if front is None else hypervolumes(connection, study)[front]
    return replace(record, spec=replace(record.spec, smallest_params=low), hypervolume=hypervolume)
