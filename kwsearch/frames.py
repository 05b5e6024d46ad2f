"""Studies as pandas frames: a row a trial, or a row a measurement."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from search_spaces import InputError
from trials.errors import StorageError
from trials.records import TrialRecord
from trials.store import open_store

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
"""Columns of a trial; after them comes one for each setting that was searched."""

MEASURED = ("trial", "epoch", "accuracy", "accuracy_error", "loss", "images", "seconds")


def trials(name: str, *, database: str | None = None) -> "pd.DataFrame":
    """Every trial of a study, by number.

    ``config`` is JSON that `search_spaces.NetworkConfig.from_json` reads; accuracies are shares,
    times UTC, durations seconds. What a trial does not have is missing (NA).

    Args:
        name: of the study.
        database: where it is kept; see `kwsearch.api`.
    """
    with open_store(database, create=False, read_only=True) as store:
        return _frame(store.trials(name))


def front(
    name: str,
    *,
    database: str | None = None,
    max_params: int | None = None,
    min_accuracy: float | None = None,
) -> "pd.DataFrame":
    """The front by ascending parameters, or the part of it inside the limits; see `trials`."""
    with open_store(database, create=False, read_only=True) as store:
        return _frame(store.front(name, max_params=max_params, min_accuracy=min_accuracy))


def measurements(name: str, *, database: str | None = None) -> "pd.DataFrame":
    """Every measurement of a study: a row a trial and epoch."""
    import pandas as pd  # noqa: PLC0415 - loaded by whoever asks for a frame

    with open_store(database, create=False, read_only=True) as store:
        found = store.measurements(name)
    rows = [(n, *(getattr(m, column) for column in MEASURED[1:])) for n, m in found]
    return pd.DataFrame(rows, columns=list(MEASURED))


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


def _frame(records: Sequence[TrialRecord]) -> "pd.DataFrame":
    import pandas as pd  # noqa: PLC0415 - loaded by whoever asks for a frame

    chosen = [dict(record.values) for record in records]
    names = tuple(dict.fromkeys(name for values in chosen for name in values))
    rows = [
        (*_cells(record), *(values.get(name) for name in names))
        for record, values in zip(records, chosen, strict=True)
    ]
    frame = pd.DataFrame(rows, columns=[*COLUMNS, *names])
    floats = ("accuracy", "accuracy_error", "loss", "seconds", "hypervolume")
    times = dict.fromkeys(("started_at", "finished_at"), "datetime64[us, UTC]")
    return frame.astype({**dict.fromkeys(floats, "float64"), **times})


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
