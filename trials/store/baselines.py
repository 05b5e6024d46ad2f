"""Baselines of a study: written as trials are, but counted nowhere and on no front."""

from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    bindparam,
    func,
    insert,
    inspect,
    select,
    update,
)

from search_spaces import Backbone
from search_spaces.errors import InputError, plural
from trials.records import (
    Baseline,
    BaselineRecord,
    Earlier,
    Measurement,
    Outcome,
    Role,
    Trial,
    TrialState,
)
from trials.store import older, rows
from trials.store.column_types import plain
from trials.store.tables import BASELINE, BASELINE_MEASUREMENT, STUDY, TRIAL
from trials.store.transactions import StudyChange

_REPEATED = {
    "repeated": TRIAL.c.number,
    "repeated_config": TRIAL.c.config,
    "repeated_seed": TRIAL.c.seed,
    "repeated_attempt": TRIAL.c.attempt,
}
_OF_TRIALS = [role.value for role in Role if not role.plain]


def _all(columns: Iterable[ColumnElement[Any]] = BASELINE.columns) -> Select[Any]:
    """The baselines of a study, with those columns."""
    return (
        select(
            *columns,
            STUDY.c.backbone.label("own"),
            *(column.label(name) for name, column in _REPEATED.items()),
        )
        .select_from(BASELINE)
        .join(STUDY, STUDY.c.id == BASELINE.c.study_id)
        .outerjoin(
            TRIAL,
            (TRIAL.c.study_id == BASELINE.c.study_id)
            & (TRIAL.c.digest == BASELINE.c.digest)
            & BASELINE.c.role.in_(_OF_TRIALS),
        )
        .where(BASELINE.c.study_id == bindparam("study"))
        .order_by(BASELINE.c.number)
    )


_ALL = _all()
_ONE = _ALL.where(BASELINE.c.number == bindparam("wanted"))
_MEASURED = (
    select(BASELINE.c.number)
    .join(BASELINE, BASELINE.c.id == BASELINE_MEASUREMENT.c.baseline_id)
    .where(BASELINE.c.study_id == bindparam("study"))
    .order_by(BASELINE.c.number, BASELINE_MEASUREMENT.c.epoch)
)
_SAME_EPOCH = select(BASELINE_MEASUREMENT.c.epoch).where(
    BASELINE_MEASUREMENT.c.baseline_id == bindparam("key"),
    BASELINE_MEASUREMENT.c.epoch == bindparam("after"),
)
_SET = update(BASELINE).where(BASELINE.c.id == bindparam("key"))
_ELSEWHERE = (
    select(BASELINE.c.id, STUDY.c.name, BASELINE.c.number)
    .join(STUDY, STUDY.c.id == BASELINE.c.study_id)
    .where(
        STUDY.c.name.in_(bindparam("studies", expanding=True)),
        BASELINE.c.digest == bindparam("network"),
        BASELINE.c.seed == bindparam("trained_from"),
        BASELINE.c.state == TrialState.COMPLETE,
    )
    .order_by(BASELINE.c.id)
    .limit(1)
)
_CURVE = (
    select(BASELINE_MEASUREMENT)
    .where(BASELINE_MEASUREMENT.c.baseline_id == bindparam("key"))
    .order_by(BASELINE_MEASUREMENT.c.epoch)
)


def create(connection: Connection, study: int, own: Backbone, planned: Sequence[Baseline]) -> None:
    """Write the baselines of a new study, which wait to be handed out.

    Args:
        connection: in the transaction that creates the study.
        study: its key.
        own: its backbone.
        planned: numbered from 0.
    """
    if planned:
        connection.execute(insert(BASELINE), [_new(study, own, one) for one in planned])


def add(work: StudyChange, planned: Sequence[Baseline]) -> None:
    """Write baselines more, which wait to be handed out.

    Raises:
        InputError: their numbers do not follow those that are there.
    """
    query = select(func.count()).where(BASELINE.c.study_id == work.head.id)
    known = work.connection.scalar(query) or 0
    if [one.number for one in planned] != list(range(known, known + len(planned))):
        raise InputError(
            f"Study {work.name!r} has {known} baselines; others cannot have these numbers.",
            f"Number them from {known}.",
        )
    own = select(STUDY.c.backbone).where(STUDY.c.id == work.head.id)
    create(
        work.connection,
        work.head.id,
        Backbone.from_dict(work.connection.execute(own).scalar_one()),
        planned,
    )


def records(connection: Connection, study: int, name: str) -> list[BaselineRecord]:
    """All baselines of the study, by number; none where the schema is older than they are."""
    here = inspect(connection)
    if not here.has_table(BASELINE.name):
        return []
    found = connection.execute(_all(older.columns(connection, BASELINE)), {"study": study}).all()
    return rows.read(lambda: [_record(name, row) for row in found], f"baselines of study {name!r}")


def measurements(connection: Connection, study: int) -> list[tuple[int, Measurement]]:
    """Measurements of the study's baselines, by number and epoch."""
    here = inspect(connection)
    if not here.has_table(BASELINE.name):
        return []
    there = {column["name"] for column in here.get_columns(BASELINE_MEASUREMENT.name)}
    columns = [column for column in BASELINE_MEASUREMENT.columns if column.name in there]
    found = connection.execute(_MEASURED.add_columns(*columns), {"study": study})
    return rows.read(
        lambda: [(row.number, rows.measurement(row)) for row in found], "measurements of baselines"
    )


def earlier(
    connection: Connection, studies: Sequence[str], digest: str, seed: int
) -> Earlier | None:
    """The baseline of another study that trained a network from a seed to the end, if any."""
    given = {"studies": list(studies), "network": digest, "trained_from": seed}
    found = connection.execute(_ELSEWHERE, given).one_or_none()
    if found is None:
        return None
    curve = connection.execute(_CURVE, {"key": found.id})
    return Earlier(found.name, found.number, tuple(rows.measurement(row) for row in curve))


def hand_out(work: StudyChange, number: int, worker: str | None) -> Baseline:
    """Make a baseline running, one attempt further."""
    found = _open(work, number)
    changes = {"state": TrialState.RUNNING, "attempt": found.attempt + 1, "worker": plain(worker)}
    work.connection.execute(_SET, {"key": found.id, **changes})
    return _record(work.name, _find(work, number)).baseline


def give_back(work: StudyChange) -> None:
    """Make running baselines wait."""
    running = update(BASELINE).where(
        BASELINE.c.study_id == work.head.id, BASELINE.c.state == TrialState.RUNNING
    )
    work.connection.execute(running.values(state=TrialState.WAITING))


def measure(work: StudyChange, number: int, attempt: int, measurement: Measurement) -> bool:
    """Keep a measurement; whether it is new."""
    found = _open(work, number)
    _check(number, found.attempt, attempt, measurement)
    same = {"key": found.id, "after": measurement.epoch}
    if work.connection.execute(_SAME_EPOCH, same).first() is not None:
        return False
    last = {
        "accuracy": measurement.accuracy,
        "accuracy_error": measurement.accuracy_error,
        "loss": measurement.loss,
        "images": measurement.images,
        "seconds": measurement.seconds,
    }
    row = {
        "baseline_id": found.id,
        "epoch": measurement.epoch,
        "attempt": attempt,
        "measured_at": work.head.now,
        "further": rows.stored_further(measurement.further),
    }
    work.connection.execute(insert(BASELINE_MEASUREMENT), {**row, **last})
    if measurement.epoch > found.epochs:
        epochs = {"epochs": measurement.epoch, "measured_by": attempt}
        work.connection.execute(_SET, {"key": found.id, **epochs, **last})
    return True


def finish(work: StudyChange, number: int, outcome: Outcome) -> None:
    """Write how a baseline ended."""
    found = _open(work, number)
    if outcome.state not in (TrialState.COMPLETE, TrialState.FAILED):
        raise InputError(
            f"Baseline {number} cannot end as {outcome.state}.", "It ends complete or failed."
        )
    ended = {"state": outcome.state, "cause": plain(outcome.cause), "detail": plain(outcome.detail)}
    work.connection.execute(_SET, {"key": found.id, **ended, "finished_at": work.head.now})


def _find(work: StudyChange, number: int) -> Row[Any]:
    wanted = {"study": work.head.id, "wanted": number}
    found = work.connection.execute(_ONE, wanted).one_or_none()
    if found is None:
        raise InputError(
            f"Study {work.name!r} has no baseline {number}.",
            "Baselines are written with their study.",
        )
    return found


def _open(work: StudyChange, number: int) -> Row[Any]:
    found = _find(work, number)
    if found.state.final:
        raise InputError(
            f"Baseline {number} of study {work.name!r} is {found.state} already.",
            "A finished baseline never changes.",
        )
    return found


def _check(number: int, handed_out: int, attempt: int, measurement: Measurement) -> None:
    if not 1 <= attempt <= handed_out:
        raise InputError(
            f"Baseline {number} was handed out {plural(handed_out, 'time')}; there is no attempt "
            f"{attempt}.",
            "Report with the attempt that the baseline was handed out with.",
        )
    m = measurement
    if m.epoch < 1 or not all(map(isfinite, m.numbers())):
        raise InputError(
            f"Baseline {number} measured {measurement}, which is not finite.",
            "Finish it as failed with cause 'non-finite'.",
        )


def _new(study: int, own: Backbone, one: Baseline) -> dict[str, Any]:
    return {
        "study_id": study,
        "number": one.number,
        "role": one.role.value,
        "network": one.backbone.name,
        "digest": one.digest,
        "backbone": None if one.backbone == own else one.backbone.to_dict(),
        "params": one.params,
        "macs": one.macs,
        "seed": one.seed,
        "attempt": 0,
        "measured_by": 0,
        "state": TrialState.WAITING,
        "epochs": 0,
        "seconds": 0.0,
        "schedule_epochs": one.schedule_epochs,
        **rows.latency_columns(one),
    }


def _record(study: str, row: Row[Any]) -> BaselineRecord:
    baseline = Baseline(
        study=study,
        number=row.number,
        role=Role(row.role),
        backbone=Backbone.from_dict(row.backbone or row.own),
        params=row.params,
        macs=row.macs,
        seed=row.seed,
        attempt=row.attempt,
        repeats=_repeated(study, row),
        schedule_epochs=row.schedule_epochs,
        latency=rows.latency(row),
        cost=row.cost or 0,
    )
    return BaselineRecord(
        baseline=baseline,
        state=row.state,
        cause=row.cause,
        detail=row.detail,
        worker=row.worker,
        lost=row.attempt - row.measured_by if row.state is TrialState.RUNNING else 0,
        epochs=row.epochs,
        accuracy=row.accuracy,
        accuracy_error=row.accuracy_error,
        loss=row.loss,
        images=row.images,
        seconds=row.seconds,
        finished_at=row.finished_at,
    )


def _repeated(study: str, row: Row[Any]) -> Trial | None:
    """The trial whose network is trained again; without one the row is damage."""
    if Role(row.role).plain:
        return None
    if row.repeated is None:
        raise ValueError(f"baseline {row.number} trains a trial again that is not there")
    return Trial(
        study=study,
        number=row.repeated,
        config=row.repeated_config,
        digest=row.digest,
        params=row.params,
        macs=row.macs,
        seed=row.repeated_seed,
        attempt=row.repeated_attempt,
        latency=rows.latency(row),
        cost=row.cost or 0,
    )
