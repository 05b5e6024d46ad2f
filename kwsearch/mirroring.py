"""A study written for other programs; each of them is an extra, loaded when it is asked for."""

from pathlib import Path
from types import ModuleType

from kwsearch.problems import promotion_of
from reports.summary import summarise
from search_spaces import InputError
from search_spaces.distribution import install
from trials.store import Store


def mirror(
    store: Store,
    name: str,
    *,
    tensorboard: str | Path | None = None,
    mlflow: str | None = None,
    wandb: str | None = None,
    trackio: str | Path | None = None,
) -> list[str]:
    """Write a study; again, for what is new since.

    Args:
        store: the database.
        name: of the study.
        tensorboard: a folder for event files.
        mlflow: a tracking URI.
        wandb: a project of Weights & Biases.
        trackio: a folder of trackio's databases.

    Returns:
        What was written, a line each.

    Raises:
        InputError: no such study, or a program is not installed.
        StorageError: something cannot be written.
    """
    wanted = {"tensorboard": tensorboard, "mlflow": mlflow, "wandb": wandb, "trackio": trackio}
    modules = {kind: _module(kind) for kind, target in wanted.items() if target is not None}
    summary = summarise(store, name, promotion_of)
    written = []
    if tensorboard is not None:
        folder = modules["tensorboard"].write_events(summary, Path(tensorboard))
        written.append(f"{folder}")
    if mlflow is not None:
        added = modules["mlflow"].log_runs(summary, mlflow)
        written.append(f"{added} runs added to experiment {name}")
    if wandb is not None:
        added = modules["wandb"].log_runs(summary, wandb)
        written.append(f"{added} runs added to project {wandb}")
    if trackio is not None:
        added = modules["trackio"].log_runs(summary, Path(trackio))
        written.append(f"{added} runs added to project {name} in {trackio}")
    return written


def _tensorboard() -> ModuleType:
    from reports.mirrors import tensorboard  # noqa: PLC0415 - an extra

    return tensorboard


def _mlflow() -> ModuleType:
    from reports.mirrors import mlflow  # noqa: PLC0415 - an extra

    return mlflow


def _wandb() -> ModuleType:
    from reports.mirrors import wandb  # noqa: PLC0415 - an extra

    return wandb


def _trackio() -> ModuleType:
    from reports.mirrors import trackio  # noqa: PLC0415 - an extra

    return trackio


_LOADERS = {"tensorboard": _tensorboard, "mlflow": _mlflow, "wandb": _wandb, "trackio": _trackio}


def _module(kind: str) -> ModuleType:
    try:
        return _LOADERS[kind]()
    except ImportError:
        raise InputError(f"{kind} is not installed.", install(kind)) from None
