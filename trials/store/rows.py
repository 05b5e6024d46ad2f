"""From rows to records, and nothing else."""

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Row

from search_spaces import Backbone, KwsearchError
from trials.errors import DamagedDataError
from trials.records import (
    FrontRecord,
    Measurement,
    NewStudy,
    PastTrial,
    Refusal,
    StudyRecord,
    Trial,
    TrialRecord,
    TrialState,
)

T = TypeVar("T")


def read(make: Callable[[], T], what: str) -> T:
    """Call ``make``; whatever it stumbles over is damage in the database.

    Raises:
        DamagedDataError: naming ``what`` could not be read.
    """
    try:
        return make()
    except (KwsearchError, ValueError, TypeError, KeyError, LookupError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DamagedDataError(
            f"The database holds no readable {what}: {reason}",
            "Find what else is damaged with 'kwsearch database check', and restore a copy.",
        ) from None


def study_record(row: Row[Any]) -> StudyRecord:
    """A study with its tally and the hypervolume of its front."""
    spec = NewStudy(
        name=row.name,
        settings=row.settings,
        backbone=Backbone.from_dict(row.backbone),
        seed=row.seed,
        trials=row.trials,
        reference_params=row.reference_params,
        reference_accuracy=row.reference_accuracy,
    )
    counts = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    return StudyRecord(
        spec=spec,
        created_at=row.created_at,
        states={state: counts[state.value] for state in TrialState},
        refused={refusal: counts[refusal.value] for refusal in Refusal},
        epochs=row.epochs,
        seconds=row.seconds,
        hypervolume=row.hypervolume or 0.0,
        version=row.version,
    )


def trial(study: str, row: Row[Any]) -> Trial:
    """What is handed out."""
    return Trial(
        study=study,
        number=row.number,
        config=row.config,
        digest=row.digest,
        params=row.params,
        macs=row.macs,
        seed=row.seed,
        attempt=row.attempt,
    )


def trial_record(study: str, row: Row[Any]) -> TrialRecord:
    """A trial, joined with the hypervolume of the front after it."""
    return TrialRecord(
        trial=trial(study, row),
        values=row.choices,
        sampler_state=row.sampler_state,
        state=row.state,
        cause=row.cause,
        detail=row.detail,
        worker=row.worker,
        epochs=row.epochs,
        accuracy=row.accuracy,
        accuracy_error=row.accuracy_error,
        loss=row.loss,
        seconds=row.seconds,
        started_at=row.started_at,
        finished_at=row.finished_at,
        hypervolume=(row.hypervolume or 0.0) if row.state.final else None,
    )


def past_trial(row: Row[Any]) -> PastTrial:
    """What samplers learn from a finished trial."""
    return PastTrial(
        number=row.number,
        values=row.choices,
        sampler_state=row.sampler_state,
        params=row.params,
        epochs=row.epochs,
        accuracy=row.accuracy,
    )


def measurement(row: Row[Any]) -> Measurement:
    """One measurement."""
    return Measurement(
        epoch=row.epoch,
        accuracy=row.accuracy,
        accuracy_error=row.accuracy_error,
        loss=row.loss,
        images=row.images,
        seconds=row.seconds,
    )


def front_record(row: Row[Any], members: tuple[int, ...]) -> FrontRecord:
    """A front with the numbers of its members."""
    return FrontRecord(
        number=row.number,
        trial=row.trial,
        members=members,
        hypervolume=row.hypervolume,
        created_at=row.created_at,
    )
