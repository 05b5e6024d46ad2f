"""What happens to trials: begun, handed out again, given back, measured, finished."""

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any

from sqlalchemy import bindparam, insert, select

from search_spaces.errors import InputError
from trials.records import (
    FrontUpdate,
    KeptFile,
    Measurement,
    Outcome,
    Refusal,
    Trial,
    TrialState,
)
from trials.store import fronts, keeping, rows
from trials.store.models import MeasurementRow, TrialRow
from trials.store.types import plain
from trials.store.work import StudyWork

_SAME_DIGEST = select(TrialRow.number).where(
    TrialRow.study_id == bindparam("study"), TrialRow.digest == bindparam("sha256")
)
_SAME_EPOCH = select(MeasurementRow.epoch).where(
    MeasurementRow.trial_id == bindparam("trial"), MeasurementRow.epoch == bindparam("after")
)
_WHOLE_TRIAL = select(TrialRow.__table__).where(TrialRow.id == bindparam("key"))
_NEW_TRIAL = insert(TrialRow.__table__)  # type: ignore[arg-type] # a mapped class's table is a Table
_NEW_MEASUREMENT = insert(MeasurementRow.__table__)  # type: ignore[arg-type] # likewise


def refuse(work: StudyWork, refused: Mapping[Refusal, int]) -> None:
    """Count proposals that never became trials."""
    for reason, number in refused.items():
        work.count(reason.value, number)


def begin(
    work: StudyWork,
    trial: Trial,
    values: dict[str, Any],
    sampler_state: dict[str, Any],
    worker: str | None,
) -> None:
    """Write the next trial as running."""
    if trial.number != work.asked or trial.number >= work.head.trials:
        raise InputError(
            f"Trial {trial.number} cannot be begun: study {work.name!r} has begun {work.asked} of "
            f"{work.head.trials} trials.",
            "Trials are numbered from 0 without gaps, up to the number the study asks for.",
        )
    known = work.connection.scalar(_SAME_DIGEST, {"study": work.head.id, "sha256": trial.digest})
    if known is not None:
        raise InputError(
            f"Trial {trial.number} has the digest of trial {known} of study {work.name!r}.",
            "A configuration is measured once; propose another one.",
        )
    row = {
        "study_id": work.head.id,
        "number": trial.number,
        "config": trial.config,
        "digest": trial.digest,
        "params": trial.params,
        "macs": trial.macs,
        "seed": trial.seed,
        "attempt": trial.attempt,
        "choices": values,
        "sampler_state": sampler_state,
        "state": TrialState.RUNNING,
        "worker": plain(worker),
        "epochs": 0,
        "seconds": 0.0,
        "started_at": work.head.now,
    }
    work.connection.execute(_NEW_TRIAL, row)
    work.count(TrialState.RUNNING, 1)


def again(work: StudyWork, number: int, worker: str | None) -> Trial:
    """Count one attempt more."""
    found = work.open_trial(number)
    work.set_trial(
        found.id,
        state=TrialState.RUNNING,
        attempt=found.attempt + 1,
        worker=plain(worker),
        started_at=work.head.now,
    )
    _move(work, found.state, TrialState.RUNNING)
    whole = work.connection.execute(_WHOLE_TRIAL, {"key": found.id}).one()
    return rows.trial(work.name, whole)


def give_back(work: StudyWork, numbers: Iterable[int]) -> None:
    """Make open trials wait."""
    for number in numbers:
        found = work.open_trial(number)
        work.set_trial(found.id, state=TrialState.WAITING)
        _move(work, found.state, TrialState.WAITING)


def measure(work: StudyWork, number: int, attempt: int, measurement: Measurement) -> bool:
    """Keep a measurement, unless that epoch was measured before."""
    found = work.open_trial(number)
    _check(number, found.attempt, attempt, measurement)
    same = {"trial": found.id, "after": measurement.epoch}
    if work.connection.scalar(_SAME_EPOCH, same) is not None:
        return False
    last = {
        "accuracy": measurement.accuracy,
        "accuracy_error": measurement.accuracy_error,
        "loss": measurement.loss,
        "seconds": measurement.seconds,
    }
    row = {
        "trial_id": found.id,
        "epoch": measurement.epoch,
        "attempt": attempt,
        "images": measurement.images,
        "measured_at": work.head.now,
    }
    work.connection.execute(_NEW_MEASUREMENT, {**row, **last})
    if measurement.epoch > found.epochs:
        work.set_trial(found.id, epochs=measurement.epoch, **last)
        work.count("epochs", measurement.epoch - found.epochs)
        work.count("seconds", measurement.seconds - found.seconds)
    return True


def finish(
    work: StudyWork,
    number: int,
    outcome: Outcome,
    front: FrontUpdate | None,
    file: KeptFile | None,
) -> None:
    """Write how a trial ended, the front after it, and the weights that stay."""
    found = work.open_trial(number)
    if not outcome.state.final:
        raise InputError(
            f"Trial {number} cannot end as {outcome.state}.", "It ends complete, stopped or failed."
        )
    work.set_trial(
        found.id,
        state=outcome.state,
        cause=plain(outcome.cause),
        detail=plain(outcome.detail),
        finished_at=work.head.now,
        place=work.finished,
    )
    before = work.head.front_id
    front_id = before if front is None else fronts.keep(work, number, front)
    work.set_trial(found.id, front_id=front_id)
    work.counts["front_id"] = front_id
    keeping.drop_fallen(work, before, front_id)
    if file is not None:
        keeping.keep_file(work, found.id, number, file, front)
    _move(work, found.state, outcome.state)


def _move(work: StudyWork, before: TrialState, after: TrialState) -> None:
    work.count(before, -1)
    work.count(after, 1)


def _check(number: int, handed_out: int, attempt: int, measurement: Measurement) -> None:
    if not 1 <= attempt <= handed_out:
        raise InputError(
            f"Trial {number} was handed out {handed_out} times; there is no attempt {attempt}.",
            "Report with the attempt that the trial was handed out with.",
        )
    m = measurement
    numbers = (m.accuracy, m.accuracy_error, m.loss, m.seconds)
    if m.epoch < 1 or not all(map(isfinite, numbers)):
        raise InputError(
            f"Trial {number} measured {measurement}, which is not finite.",
            "Finish the trial as failed with cause 'non-finite'.",
        )
