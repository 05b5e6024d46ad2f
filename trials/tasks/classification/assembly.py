"""The task of a study from what it is measured by: images, recipe, start and checkpoints joined."""

from dataclasses import replace
from pathlib import Path

from search_spaces import Backbone, InputError
from trials.checkpoints import Checkpoints
from trials.errors import DamagedDataError
from trials.files import file_sha256
from trials.records import Measurement, Verdict
from trials.tasks.classification.data import Prepared
from trials.tasks.classification.identity import SCRATCH, ProxyFacts
from trials.tasks.classification.plain import StudyTask, train_plain
from trials.tasks.classification.proxy import ProxyTask
from trials.tasks.classification.starting import Start


def study_task(
    facts: ProxyFacts,
    prepared: Prepared,
    backbone: Backbone,
    *,
    checkpoints: Checkpoints,
    folder: Path,
    threads: int | None = None,
    start: Path | None = None,
) -> StudyTask:
    """What measures the trials and baselines of a study.

    Where trials start from the plain network, and ``start`` names no file of it, the task trains it
    first, from the study's seed, once: it is found again in ``folder``.

    Args:
        facts: by what it is measured.
        prepared: the images, of which the facts have the SHA-256.
        backbone: table of the study's network.
        checkpoints: where states of trials are kept.
        folder: where states of plain networks are kept.
        threads: CPU threads for torch; None leaves them as they are.
        start: the file that trials start from.

    Raises:
        InputError: the file is not there.
        DamagedDataError: it has changed since the study was created.
        NonFiniteError: the plain network's training diverged.
        StorageError: its weights cannot be written.
    """
    task = ProxyTask(
        prepared=prepared,
        recipe=facts.recipe,
        ladder=facts.ladder,
        split_seed=facts.seed,
        validation_share=facts.validation_share,
        training_share=facts.training_share,
        threads=threads,
        device=facts.device,
        way=facts.way,
        backbone=backbone,
        checkpoints=checkpoints,
    )
    trials = task
    if facts.start != SCRATCH:
        begun = _trained(task, backbone, facts.seed, folder) if start is None else start_of(start)
        if start is not None and begun.sha256 != facts.start:
            raise DamagedDataError(
                f"{start} has changed since the study whose trials start from it was created.",
                "Put the old file back, or start a new study.",
            )
        recipe = task.recipe.changed(learning_rate=facts.start_learning_rate)
        trials = replace(task, start=begun, recipe=recipe)
    return StudyTask(trials, plain=task, folder=folder.resolve(), identity=facts.identity())


def start_of(file: str | Path) -> Start:
    """A file as what trainings start from.

    Raises:
        InputError: there is no such file.
    """
    path = Path(file).resolve()
    if not path.is_file():
        raise InputError(f"There is no file {str(file)!r}.", "Check the path.")
    sha256 = file_sha256(path)
    return Start(path, sha256, sha256)


def _trained(task: ProxyTask, backbone: Backbone, seed: int, folder: Path) -> Start:
    path = train_plain(task, backbone, seed=seed, report=_go_on, folder=folder)
    return replace(start_of(path), identity=path.stem)


def _go_on(_: Measurement) -> Verdict:
    return Verdict.CONTINUE
