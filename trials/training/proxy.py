"""The proxy: a short training that measures a trial, as a picklable callable."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import torch

from search_spaces import Backbone
from search_spaces.errors import InputError
from search_spaces.networks import build
from trials.fidelity import Ladder
from trials.records import Report, Trial
from trials.training.data import Prepared, TrainingData, for_proxy
from trials.training.data.split import VALIDATION_SHARE
from trials.training.loop import train
from trials.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class ProxyTask:
    """Measures trials of one study; a `trials.records.Measure`.

    Attributes:
        prepared: the data set.
        recipe: how to train; as long as the ladder.
        ladder: epochs after which a trial is measured.
        split_seed: of the split into training and validation images, one for the study.
        validation_share: share of the training images that is set apart.
        training_share: share of the others that is learnt from.
        threads: CPU threads for torch; None leaves them as they are.
        way: name of the way in which every served layer is computed; see `build`.
        backbone: table of the network; None for a shipped one.
        device: where to train, in torch's words.
    """

    prepared: Prepared
    recipe: Recipe
    ladder: Ladder
    split_seed: int
    validation_share: float = VALIDATION_SHARE
    training_share: float = 1.0
    threads: int | None = None
    way: str = "textbook"
    backbone: Backbone | None = None
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.recipe.epochs != self.ladder.top:
            raise InputError(
                f"The recipe has {self.recipe.epochs} epochs, the ladder {self.ladder.top}.",
                "Cut the recipe to the ladder with for_ladder.",
            )

    def __call__(self, trial: Trial, report: Report) -> None:
        """Build the trial's network, train it, and report after every rung.

        Everything random follows from ``trial.seed``: weights, order and augmentation.

        Raises:
            InputError: the configuration does not fit the data.
            InfeasibleError: the configuration cannot be built.
            DamagedDataError: the prepared arrays have changed.
            NonFiniteError: the training diverged.
        """
        config = trial.config
        wanted = (self.prepared.channels, len(self.prepared.classes))
        if (config.in_channels, config.num_classes) != wanted:
            raise InputError(
                f"The network takes {config.in_channels} channels and knows {config.num_classes} "
                f"classes; the images have {wanted[0]} channels and {wanted[1]} classes.",
                "Set in_channels and num_classes to those of the data.",
            )
        with _threads(self.threads), torch.random.fork_rng(devices=[]):
            data = _data(self.prepared, self.split_seed, self.validation_share, self.training_share)
            torch.manual_seed(trial.seed)
            network = build(config, self.backbone, way=self.way)
            train(
                network,
                data,
                self.recipe,
                seed=trial.seed,
                rungs=self.ladder.rungs,
                on_rung=report,
                device=self.device,
            )


@lru_cache(maxsize=4)
def _data(
    prepared: Prepared, split_seed: int, validation_share: float, training_share: float
) -> TrainingData:
    """Mapped and checked once a process: the key holds the data's SHA-256."""
    return for_proxy(prepared, split_seed, validation_share, training_share)


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    before = torch.get_num_threads()
    if count:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
