"""A study written for other programs; each of them is an extra, loaded when it is asked for."""

from importlib import import_module
from pathlib import Path
from typing import Any

from reports.summary import summarise
from search_spaces import InputError
from trials.store import Store


def mirror(
    store: Store, name: str, *, tensorboard: str | Path | None, mlflow: str | None
) -> list[str]:
    """Write a study; again, for what is new since.

    Args:
        store: the database.
        name: of the study.
        tensorboard: a folder for event files.
        mlflow: a tracking URI.

    Returns:
        What was written, a line each.

    Raises:
        InputError: no such study, or a program is not installed.
        StorageError: something cannot be written.
    """
    wanted = {"tensorboard": tensorboard, "mlflow": mlflow}
    modules = {kind: _module(kind) for kind, place in wanted.items() if place is not None}
    summary = summarise(store, name)
    written = []
    if tensorboard is not None:
        folder = modules["tensorboard"].write_events(summary, Path(tensorboard))
        written.append(f"{folder}")
    if mlflow is not None:
        added = modules["mlflow"].log_runs(summary, mlflow)
        written.append(f"{added} runs added to experiment {name}")
    return written


def _module(kind: str) -> Any:  # noqa: ANN401 - a module
    try:
        return import_module(f"reports.mirrors.{kind}")
    except ImportError:
        raise InputError(
            f"{kind} is not installed.", f"Install it: pip install 'kwsearch[{kind}]'."
        ) from None
