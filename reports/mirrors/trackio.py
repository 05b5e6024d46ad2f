"""A study as a project of trackio: a run a trial, once the trial is over.

Choices are the configuration, accuracy, loss and seconds metrics by epoch. Sizes and what became
of the trial are among the configuration, as trackio has no place for them. A run has another
name until it is whole, so a trial that is there already is left alone, and one that was cut off is
written again.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from reports.summary import Summary
from search_spaces import InputError
from trials.errors import StorageError
from trials.records import Measurement, TrialRecord
from trials.tasks.contract import metrics_of

if find_spec("trackio") is None:
    raise ModuleNotFoundError("trackio")

_PART = ".part"


def log_runs(summary: Summary, folder: Path) -> int:
    """Log every trial that is over and not there yet.

    Args:
        summary: the study; the project has its name.
        folder: of trackio's databases, its ``TRACKIO_DIR``.

    Returns:
        How many runs were added.

    Raises:
        InputError: this process uses trackio with another folder already.
        StorageError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with redirect_stdout(sys.stderr):  # trackio talks; standard output is data
            trackio = _loaded(folder.resolve())
            known = _known(trackio, summary.study.name)
            new = [t for t in summary.trials if t.state.final and t.trial.digest not in known]
            for record in new:
                _log(trackio, record, summary.measurements.get(record.number, ()))
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be written: {error.strerror}.", "Name another folder."
        ) from None
    return len(new)


def _loaded(folder: Path) -> Any:  # noqa: ANN401 - a module
    """Trackio, which reads where its folder is when it is first imported."""
    if "trackio" not in sys.modules:
        os.environ["TRACKIO_DIR"] = str(folder)
    import trackio  # noqa: PLC0415 - see above
    from trackio.utils import TRACKIO_DIR  # noqa: PLC0415 - likewise

    if TRACKIO_DIR.resolve() != folder:
        raise InputError(
            f"This process uses trackio with {TRACKIO_DIR} already, not with {folder}.",
            f"Name that folder, or mirror in another process (kwsearch mirror --trackio {folder}).",
        )
    return trackio


def _known(trackio: Any, project: str) -> set[str]:  # noqa: ANN401 - a module
    """Digests of the project's runs; those that were cut off while being written are removed."""
    digests: set[str] = set()
    try:
        runs = list(trackio.Api().runs(project))
    except ValueError:  # there is no such project yet
        return digests
    for run in runs:
        if run.name.endswith(_PART):
            run.delete()
        elif run.config is not None and "digest" in run.config:
            digests.add(run.config["digest"])
    return digests


def _log(trackio: Any, record: TrialRecord, curve: Sequence[Measurement]) -> None:  # noqa: ANN401 - a module
    trial = record.trial
    name = f"{trial.study}-{record.number}-{trial.digest[:6]}"
    facts = {
        "digest": trial.digest,
        "params": trial.params,
        "macs": trial.macs,
        "state": record.state.value,
        "cause": record.cause,
        "detail": record.detail,
    }
    config = {**record.values, **{key: value for key, value in facts.items() if value is not None}}
    run = trackio.init(
        trial.study,
        name=name + _PART,
        config=config,
        embed=False,
        auto_log_gpu=False,
        auto_log_cpu=False,
    )
    run.log({"params": trial.params, "macs": trial.macs}, step=0)
    for m in curve:
        run.log({**metrics_of(m), "seconds": m.seconds}, step=m.epoch)
    trackio.finish()
    for made in trackio.Api().runs(trial.study):
        if made.name == name + _PART:
            made.rename(name)
