"""Plain networks, trained just as the trials of a study are."""

from pathlib import Path

import torch
from torch import nn

from search_spaces import Backbone
from search_spaces.networks import plain_of
from trials.records import Report
from trials.training.checkpoint import identity_of, latest, write_checkpoint
from trials.training.proxy import ProxyTask
from trials.training.state import TrainingState

_OF_SERVED = ("attention_start", "attention_learning_rate")
"""Facts of a recipe that plain networks know nothing of."""


def train_plain(
    task: ProxyTask, table: Backbone, *, seed: int, report: Report, folder: Path
) -> Path:
    """Train the plain network of a table by a study's proxy, and report after every rung.

    Its state is kept at every rung. Called again it goes on from there, and a training that is over
    is reported again without being repeated.

    Args:
        task: how the trials of the study are trained and measured.
        table: of the network, shipped or of a person's own; it need not be that of the study.
        seed: weights, order and augmentation follow from it.
        report: called with each measurement; what it answers decides whether training goes on.
        folder: where the state is kept, in files named after what they follow from.

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
        **task.measured_on(),
    )
    kept = [folder / f"plain-{identity[:16]}-{rung}.safetensors" for rung in task.ladder.rungs]
    reached = dict(zip(task.ladder.rungs, kept, strict=True))
    trained: list[Path] = []

    def make() -> nn.Module:
        torch.manual_seed(seed)
        return plain_of(table)

    def keep(state: TrainingState) -> None:
        checkpoint = state.checkpoint(identity)
        if state.epoch == task.ladder.top:
            checkpoint = checkpoint.only(state.weights())
        write_checkpoint(reached[state.epoch], checkpoint)
        trained.append(reached[state.epoch])

    found = latest(reversed(kept), identity)
    task.train(make, seed=seed, report=report, keep=keep, resume=found)
    if not trained:
        assert found is not None  # noqa: S101 - else a rung was trained
        return reached[found.epoch]
    return trained[-1]
