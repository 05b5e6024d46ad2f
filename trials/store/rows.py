"""From rows to records, and nothing else.

SQLite keeps what it is given, whatever the type of the column. So a database of a stranger, or one
that was edited by hand, may hold text where a number belongs: each field is looked at here, once.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache
from math import isfinite
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from sqlalchemy import Row

from search_spaces import Backbone, KwsearchError
from search_spaces.latency import Latency
from trials.errors import DamagedDataError
from trials.records import (
    Baseline,
    FrontRecord,
    FullTraining,
    Measurement,
    NewStudy,
    PastTrial,
    Refusal,
    Reported,
    StudyRecord,
    Trial,
    TrialRecord,
    TrialState,
    by_name,
)
from trials.store.column_types import plain
from trials.tasks.contract import QUALITY

T = TypeVar("T")


def read(make: Callable[[], T], what: str) -> T:
    """Call ``make``; whatever it stumbles over is damage in the database.

    Raises:
        DamagedDataError: naming ``what`` could not be read.
    """
    with reading(what):
        return make()


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Take what rows are stumbled over for damage in the database.

    Raises:
        DamagedDataError: naming ``what`` could not be read.
    """
    try:
        yield
    except (KwsearchError, ValueError, TypeError, KeyError, LookupError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DamagedDataError(
            f"The database holds no readable {what}: {reason}",
            "Find what else is damaged with 'kwsearch database check', and restore a copy.",
        ) from None


def _typed(record: T) -> T:
    """The record, if every field holds a value of its type.

    Raises:
        TypeError: naming one that does not.
    """
    kind: type[Any] = type(record)
    for name, types, of_counts in _fields(kind):  # type: ignore[arg-type] # a class is hashable
        value = getattr(record, name)
        fits = isinstance(value, types) and not (isinstance(value, float) and not isfinite(value))
        if fits and of_counts and value is not None:
            fits = all(isinstance(count, int) for count in value.values())
        if not fits:
            raise TypeError(f"{name} is {value!r:.40}.")
    return record


@cache
def _fields(record: type[Any]) -> tuple[tuple[str, tuple[type, ...], bool], ...]:
    """Name, types, and whether it is a mapping to whole numbers, of each field of a record."""
    return tuple(
        (name, tuple(_types(hint)), get_origin(hint) is Mapping and get_args(hint)[1] is int)
        for name, hint in get_type_hints(record).items()
    )


def _types(hint: Any) -> Iterator[type]:  # noqa: ANN401 - an annotation
    """What an annotation lets in; a whole number is as good as a decimal one."""
    if isinstance(hint, UnionType):
        for one in get_args(hint):
            yield from _types(one)
    else:
        yield get_origin(hint) or hint
        if hint is float:
            yield int


def study_record(row: Row[Any]) -> StudyRecord:
    """A study with its tally and the hypervolume of its front."""
    if row.seed < 0:
        raise ValueError(f"seed is {row.seed}.")
    spec = _typed(
        NewStudy(
            name=row.name,
            settings=row.settings,
            backbone=Backbone.from_dict(row.backbone),
            seed=row.seed,
            trials=row.trials,
            smallest_params=row.smallest_params,
            reference_params=row.reference_params,
            reference_accuracy=row.reference_accuracy,
        )
    )
    counts = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    return _typed(
        StudyRecord(
            spec=spec,
            created_at=row.created_at,
            states={state: counts[state.value] for state in TrialState},
            refused={refusal: counts[refusal.value] for refusal in Refusal},
            epochs=row.epochs,
            seconds=row.seconds,
            hypervolume=row.hypervolume or 0.0,
            version=row.version,
        )
    )


def trial(study: str, row: Row[Any]) -> Trial:
    """What is handed out."""
    return _typed(
        Trial(
            study=study,
            number=row.number,
            config=row.config,
            digest=row.digest,
            params=row.params,
            macs=row.macs,
            seed=row.seed,
            attempt=row.attempt,
            latency=latency(row),
            cost=row.cost or 0,
        )
    )


def latency(row: Row[Any]) -> Latency | None:
    """What was measured of a trial or baseline; None where nothing was."""
    if row.latency is None:
        return None
    return _typed(Latency(row.latency, row.latency_low, row.latency_high, row.hardware))


def latency_columns(job: Trial | Baseline) -> dict[str, Any]:
    """What is written of a latency and cost; the cost only where it is not the parameters."""
    took = job.latency
    return {
        "latency": took and took.median,
        "latency_low": took and took.low,
        "latency_high": took and took.high,
        "hardware": took and plain(took.hardware),
        "cost": None if job.cost == job.params else job.cost,
    }


def trial_record(study: str, row: Row[Any], anew: Mapping[int, float]) -> TrialRecord:
    """A trial, joined with the hypervolume of the front after it.

    Args:
        study: name of the trial's study.
        row: of the trial.
        anew: hypervolumes by key of their front, to be taken instead of the row's.
    """
    return _typed(
        TrialRecord(
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
            hypervolume=_hypervolume(row.front_id, row, anew) if row.state.final else None,
            finish_order=row.place,
        )
    )


def past_trial(row: Row[Any]) -> PastTrial:
    """What samplers learn from a finished trial."""
    return _typed(
        PastTrial(
            number=row.number,
            values=row.choices,
            sampler_state=row.sampler_state,
            cost=row.cost,
            epochs=row.epochs,
            accuracy=row.accuracy,
        )
    )


def measurement(row: Row[Any]) -> Measurement:
    """One measurement."""
    return _typed(
        Measurement(
            epoch=row.epoch,
            accuracy=row.accuracy,
            accuracy_error=row.accuracy_error,
            loss=row.loss,
            images=row.images,
            seconds=row.seconds,
            further=_further(getattr(row, "further", None)),  # an older schema lacks it
        )
    )


def _further(stored: object) -> dict[str, Reported]:
    """Values by name.

    Raises:
        TypeError: there is something else than names with a number and perhaps its error.
    """
    if stored is None:
        return {}
    if not isinstance(stored, dict):
        raise TypeError(f"further is {stored!r:.40}.")
    found = by_name(stored)
    for name, (value, error) in found.items():
        numbers = (value,) if error is None else (value, error)
        if not all(isinstance(one, int | float) and isfinite(one) for one in numbers):
            raise TypeError(f"further has {name} = {numbers!r:.40}.")
    return found


def stored_further(further: Mapping[str, Reported]) -> dict[str, list[float | None]] | None:
    """What the column ``further`` holds of values by name."""
    return {name: [*pair] for name, pair in further.items()} or None


def full_training(row: Row[Any]) -> FullTraining:
    """One full training."""
    fields = {name: getattr(row, name) for name in FullTraining.__dataclass_fields__}
    fields |= {"quality": row.quality or QUALITY, "further": _further(row.further)}
    return _typed(FullTraining(**fields))


def stored_training(training: FullTraining) -> dict[str, Any]:
    """What ``kw_training`` holds of a full training; NULL stands for the usual quality."""
    quality = None if training.quality == QUALITY else training.quality
    further = stored_further(training.further)
    return {**asdict(training), "quality": quality, "further": further}


def front_record(row: Row[Any], members: tuple[int, ...], anew: Mapping[int, float]) -> FrontRecord:
    """A front with the numbers of its members; ``anew`` as in `trial_record`."""
    return _typed(
        FrontRecord(
            number=row.number,
            trial=row.trial,
            members=members,
            hypervolume=_hypervolume(row.id, row, anew),
            created_at=row.created_at,
        )
    )


def _hypervolume(front: int | None, row: Row[Any], anew: Mapping[int, float]) -> float:
    """What the row says, 0 where there is no front, unless another is given for the front."""
    found: float = 0.0 if front is None else anew.get(front, row.hypervolume)
    return found
