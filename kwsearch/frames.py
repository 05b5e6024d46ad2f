"""Studies as pandas frames: a row a trial, or a row a measurement."""

from collections.abc import Iterable, Sequence
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING

from kwsearch.answers import LATENCY, front_records, limits_of, repeated, timed
from search_spaces import InputError
from trials.errors import StorageError
from trials.records import Measurement, Reported, TrialRecord
from trials.store import Store, open_store
from trials.tasks.contract import QUALITY, of_one_class, quality_of, values_by_name

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "trial",
    "params",
    "macs",
    "accuracy",
    "accuracy_error",
    "loss",
    "epochs",
    "state",
    "cause",
    "detail",
    "seconds",
    "started_at",
    "finished_at",
    "hypervolume",
    "digest",
    "config",
)
"""Columns of a trial; after them come those of `LATENCY` in a study that measures it, and one for
each setting that was searched."""

MEASURED = ("trial", "epoch", "accuracy", "accuracy_error", "loss", "images", "seconds")


def trials(name: str, *, database: str | None = None) -> "pd.DataFrame":
    """Every trial of a study, by number.

    ``config`` is JSON that `search_spaces.NetworkConfig.from_json` reads; accuracies are shares,
    times UTC, durations seconds. What a trial does not have is missing (NA). Values that the last
    measurement has beside the study's quality have columns by their names, and ``NAME_error`` where
    an error is known; those of single classes are in `measurements`.

    Args:
        name: of the study.
        database: where it is kept; see `kwsearch.api`.
    """
    with open_store(database, create=False, read_only=True) as store:
        return _frame(store, name, store.trials(name))


def front(
    name: str,
    *,
    database: str | None = None,
    max_params: int | str | None = None,
    max_macs: int | str | None = None,
    min_accuracy: float | str | None = None,
    max_latency: float | str | None = None,
) -> "pd.DataFrame":
    """The front by ascending cost, or that inside the limits; see `kwsearch.api.front`."""
    limits = limits_of(max_params, max_macs, min_accuracy, max_latency)
    with open_store(database, create=False, read_only=True) as store:
        return _frame(store, name, front_records(store, name, limits, repeated(store, name)))


def measurements(name: str, *, database: str | None = None) -> "pd.DataFrame":
    """Every measurement of a study: a row a trial and epoch.

    Values reported beside the study's quality have columns by their names, ``NAME_error`` too where
    an error is known. A quality of another name than accuracy has a column of that name, too; the
    accuracy beside it is ``reported_accuracy``.
    """
    import pandas as pd  # noqa: PLC0415 - loaded by whoever asks for a frame

    with open_store(database, create=False, read_only=True) as store:
        found = store.measurements(name)
        quality = quality_of(store.study(name).spec.settings)
    rows = [(n, *(getattr(m, column) for column in MEASURED[1:])) for n, m in found]
    frame = pd.DataFrame(rows, columns=list(MEASURED))
    return _beside(frame, quality, [measured for _, measured in found], classes=True)


def _beside(
    frame: "pd.DataFrame", quality: str, found: Sequence[Measurement | None], *, classes: bool
) -> "pd.DataFrame":
    """The frame with columns for values by name and for their errors, rows in the same order.

    Args:
        frame: has the quality under ``accuracy`` already.
        quality: its name; another one than accuracy has a column of that name, too.
        found: a measurement a row; None for none.
        classes: whether values of single classes have columns.
    """
    import pandas as pd  # noqa: PLC0415 - loaded by whoever asks for a frame

    rows = [{} if one is None else values_by_name(quality, one) for one in found]
    names = dict.fromkeys(name for row in rows for name in row)
    if quality == QUALITY:
        names.pop(QUALITY, None)
    columns: dict[str, list[float | None]] = {}
    for name in names:
        if of_one_class(name) and not classes:
            continue
        column = f"reported_{name}" if name in frame else name
        pairs = [row.get(name, Reported(nan)) for row in rows]
        columns[column] = [value for value, _ in pairs]
        if any(error is not None for _, error in pairs):
            columns[f"{column}_error"] = [error for _, error in pairs]
    values = pd.DataFrame(columns, index=frame.index, dtype="float64")
    return pd.concat([frame, values], axis=1) if columns else frame


def write_parquet(frame: "pd.DataFrame", path: Path) -> Path:
    """Write a frame as a Parquet file.

    Raises:
        InputError: pyarrow is not installed.
        StorageError: the file cannot be written.
    """
    from trials.files import write_whole  # noqa: PLC0415 - for Parquet alone

    try:
        data = frame.to_parquet(None, index=False, engine="pyarrow")
    except ImportError:
        raise InputError("Parquet needs pyarrow.", "Install it: pip install pyarrow.") from None
    if data is None:
        raise StorageError(f"{path} could not be made.", "Take --csv instead.")
    return write_whole(path, lambda file: file.write(data))


def _frame(store: Store, name: str, records: Sequence[TrialRecord]) -> "pd.DataFrame":
    import pandas as pd  # noqa: PLC0415 - loaded by whoever asks for a frame

    chosen = [dict(record.values) for record in records]
    names = tuple(dict.fromkeys(name for values in chosen for name in values))
    latencies = any(record.trial.latency is not None for record in records)
    more = LATENCY if latencies else ()
    rows = [
        (
            *_cells(record),
            *map(timed(record.trial).get, more),
            *(values.get(name) for name in names),
        )
        for record, values in zip(records, chosen, strict=True)
    ]
    frame = pd.DataFrame(rows, columns=[*COLUMNS, *more, *names])
    floats = ("accuracy", "accuracy_error", "loss", "seconds", "hypervolume")
    times = dict.fromkeys(("started_at", "finished_at"), "datetime64[us, UTC]")
    frame = frame.astype({**dict.fromkeys(floats, "float64"), **times})
    last = dict(store.measurements(name))  # of each trial the one that stands last
    quality = quality_of(store.study(name).spec.settings)
    return _beside(frame, quality, [last.get(one.number) for one in records], classes=False)


def _cells(record: TrialRecord) -> Iterable[object]:
    trial = record.trial
    return (
        trial.number,
        trial.params,
        trial.macs,
        record.accuracy,
        record.accuracy_error,
        record.loss,
        record.epochs,
        record.state.value,
        record.cause,
        record.detail,
        record.seconds,
        record.started_at,
        record.finished_at,
        record.hypervolume,
        trial.digest,
        trial.config.to_json(),
    )
