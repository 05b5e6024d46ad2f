"""A study in a project of Weights & Biases: a run a trial, once the trial is over.

Choices are the configuration, accuracy, loss and seconds the history by epoch, sizes and what
became of the trial the summary; the study is the group. A run is identified by study and network,
so a trial that is there already is left alone. With ``WANDB_MODE=offline`` runs are written to
``WANDB_DIR`` for ``wandb sync``; each is made in a folder beside and moved when it is whole.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import wandb
from wandb.errors import Error

from reports.summary import Summary
from trials.errors import StorageError
from trials.records import Measurement, TrialRecord, TrialState
from trials.tasks.contract import metrics_of

_RUN = "offline-run-"
_ENDED = frozenset({"finished", "failed"})


def log_runs(summary: Summary, project: str) -> int:
    """Log every trial that is over and not there yet.

    Args:
        summary: the study.
        project: ``PROJECT`` or ``ENTITY/PROJECT``.

    Returns:
        How many runs were added.

    Raises:
        StorageError: Weights & Biases cannot be reached or refuses, or nothing may be written.
    """
    entity, _, name = project.rpartition("/")
    own = wandb.setup().settings
    if own.mode == "disabled":
        raise StorageError("WANDB_MODE=disabled writes nothing.", "Set it to offline or online.")
    offline = own.mode in ("offline", "dryrun")
    place = Path(own.root_dir) / "wandb"
    try:
        known = _kept(place) if offline else _online(project)
        new = [t for t in summary.trials if t.state.final and _identifier(t) not in known]
        for record in new:
            curve = summary.measurements.get(record.number, ())
            if offline:
                _write(place, record, curve, name, entity)
            else:
                _log(str(own.root_dir), record, curve, name, entity)
    except Error as error:
        raise StorageError(
            f"Weights & Biases refuses: {str(error).splitlines()[0]}",
            "Give `wandb login`, or set WANDB_MODE=offline and give `wandb sync` later.",
        ) from None
    finally:
        wandb.teardown()
    return len(new)


def _identifier(record: TrialRecord) -> str:
    return f"{record.trial.digest[:16]}.{record.trial.study}"


def _kept(place: Path) -> set[str]:
    """Identifiers of the runs that a folder holds, sent or not."""
    return {path.name.removeprefix(_RUN).partition("-")[2] for path in place.glob(f"{_RUN}*")}


def _online(project: str) -> set[str]:
    """Identifiers of the project's runs that were not cut off."""
    try:
        return {str(run.id) for run in wandb.Api().runs(project) if run.state in _ENDED}
    except ValueError:  # there is no such project yet
        return set()


def _write(
    place: Path, record: TrialRecord, curve: Sequence[Measurement], project: str, entity: str
) -> None:
    """Write a run to a folder: whole, or not at all."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place, prefix=".kwsearch-") as folder:
            _log(folder, record, curve, project, entity)
            for made in Path(folder, "wandb").glob(f"{_RUN}*"):
                made.rename(place / made.name)
    except OSError as error:
        raise StorageError(
            f"Runs cannot be written to {place}: {error.strerror}.", "Set WANDB_DIR to a folder."
        ) from None


def _log(
    folder: str, record: TrialRecord, curve: Sequence[Measurement], project: str, entity: str
) -> None:
    run = wandb.init(
        project=project,
        entity=entity or None,
        id=_identifier(record),
        name=f"{record.trial.study}-{record.number}",
        group=record.trial.study,
        config=dict(record.values),
        dir=folder,
        resume="allow",
        reinit="create_new",
        settings=wandb.Settings(
            console="off",
            silent=True,
            disable_code=True,
            disable_git=True,
            x_disable_machine_info=True,
            x_disable_meta=True,
            x_disable_stats=True,
            x_save_requirements=False,
        ),
    )
    for m in curve:
        run.log({**metrics_of(m), "seconds": m.seconds}, step=m.epoch)
    ended = {
        "trial": record.number,
        "digest": record.trial.digest,
        "params": record.trial.params,
        "macs": record.trial.macs,
        "state": record.state.value,
        "cause": record.cause,
        "detail": record.detail,
    }
    run.summary.update({key: value for key, value in ended.items() if value is not None})
    run.finish(exit_code=int(record.state is TrialState.FAILED))
