"""Plain networks, trained just as the trials of a study are."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from search_spaces import Backbone
from search_spaces.networks import plain_of, start_plain
from trials.checkpoints import KEPT_RUNGS
from trials.records import Baseline, Job, Report, Role, Trial
from trials.tasks.classification.checkpoint import latest, write_checkpoint
from trials.tasks.classification.proxy import ProxyTask
from trials.tasks.classification.recipe import stretched
from trials.tasks.classification.starting import Start
from trials.tasks.classification.state import TrainingState
from trials.tasks.contract import Quality, Shapes, identity_of

_OF_SERVED = ("attention_start", "attention_learning_rate")
"""Facts of a recipe that plain networks know nothing of."""


@dataclass(frozen=True, slots=True)
class StudyTask:
    """Measures the trials and the baselines of one study; a `trials.tasks.contract.Task`.

    Attributes:
        trials: measures trials. Where these start from a trained network, the study's own backbone
            does so too as a baseline, so that both have learnt as much.
        plain: the same from scratch, for plain networks that there is no trained one of.
        folder: where states of plain networks are kept.
        identity: of the study's task, see `trials.tasks.classification.identity`.
    """

    trials: ProxyTask
    plain: ProxyTask
    folder: Path
    identity: str

    @property
    def shapes(self) -> Shapes:
        """See `ProxyTask.shapes`."""
        return self.trials.shapes

    @property
    def qualities(self) -> tuple[Quality, ...]:
        """See `ProxyTask.qualities`."""
        return self.trials.qualities

    def __call__(self, job: Job, report: Report, /) -> None:
        """Train a job and report after every rung; raises as `ProxyTask` and `train_plain` do."""
        if isinstance(job, Trial):
            self.trials(job, report)
            return
        if job.repeats is not None:
            self._again(job, job.repeats, report)
            return
        own = job.role is Role.PLAIN
        train_plain(
            self.trials if own else self.plain,
            job.backbone,
            seed=job.seed,
            report=report,
            folder=self.folder,
            start=self.trials.start if own else None,
        )

    def _again(self, job: Baseline, trial: Trial, report: Report) -> None:
        """Train the network of a trial from the job's seed, and to the length that it asks for.

        An audit is long, so its states are kept, under the job's number.
        """
        task = replace(self.trials, checkpoints=None)
        if job.schedule_epochs is not None:
            kept = self.trials.checkpoints
            task = replace(
                self.trials,
                recipe=stretched(self.trials.recipe, job.schedule_epochs),
                ladder=self.trials.ladder.to(job.schedule_epochs),
                checkpoints=None if kept is None else kept.of_audits(),
            )
        task(replace(trial, number=job.number, seed=job.seed), report)

    def prepare(self) -> None:
        """See `ProxyTask.prepare`."""
        self.trials.prepare()


def train_plain(
    task: ProxyTask,
    table: Backbone,
    *,
    seed: int,
    report: Report,
    folder: Path,
    start: Start | None = None,
) -> Path:
    """Train the plain network of a table by a study's proxy, and report after every rung.

    Its state is kept at the last two rungs, and in the end its weights. Called again it goes on
    from there, and a training that is over is reported again without being repeated.

    Args:
        task: how the trials of the study are trained and measured.
        table: of the network, shipped or of a person's own; it need not be that of the study.
        seed: weights, order and augmentation follow from it.
        report: called with each measurement; what it answers decides whether training goes on.
        folder: where the state is kept, in files named after what they follow from.
        start: the trained network that this one starts from; None to start from scratch.

    Returns:
        The file of the weights after the last rung that was trained, which
        `search_spaces.networks.read_tensors` reads; they are under the names of the state dict.

    Raises:
        InputError: the network does not fit the data.
        NonFiniteError: the training diverged.
        StorageError: a file cannot be written.
    """
    task.require_fit(table.in_channels, table.num_classes)
    recipe = task.recipe.facts()
    identity = identity_of(
        plain=table.digest,
        seed=seed,
        recipe={name: value for name, value in recipe.items() if name not in _OF_SERVED},
        **({} if start is None else {"start": start.identity}),
        **task.measured_on(),
    )
    kept = [folder / f"plain-{identity[:16]}-{rung}.safetensors" for rung in task.ladder.rungs]
    reached = dict(zip(task.ladder.rungs, kept, strict=True))
    trained: list[Path] = []

    def make() -> nn.Module:
        torch.manual_seed(seed)
        network = plain_of(table)
        if start is not None:
            start_plain(network, table.name, start.tensors())
        return network

    def keep(state: TrainingState) -> None:
        checkpoint = state.checkpoint(identity)
        if state.epoch == task.ladder.top:
            checkpoint = checkpoint.only(state.weights())
        write_checkpoint(reached[state.epoch], checkpoint)
        trained.append(reached[state.epoch])
        done = [path for rung, path in reached.items() if rung <= state.epoch]
        _thin(done, 1 if state.epoch == task.ladder.top else KEPT_RUNGS)

    found = latest(reversed(kept), identity)
    task.train(make, seed=seed, report=report, keep=keep, resume=found)
    if not trained:
        assert found is not None  # noqa: S101 - else a rung was trained
        return reached[found.epoch]
    return trained[-1]


def _thin(written: Sequence[Path], most: int) -> None:
    """Remove older states; one that cannot be removed is in nobody's way."""
    for path in written[:-most]:
        with suppress(OSError):
            path.unlink(missing_ok=True)
