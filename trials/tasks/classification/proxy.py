"""The proxy: a short training that measures a trial, as a picklable callable."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import torch
from torch import nn

from search_spaces import Backbone
from search_spaces.errors import InputError, plural
from search_spaces.networks.timing import with_threads
from trials.checkpoints import Checkpoints
from trials.fidelity import Ladder
from trials.records import Report, Trial
from trials.tasks.classification import VERSION
from trials.tasks.classification.checkpoint import Checkpoint, latest, write_checkpoint
from trials.tasks.classification.data import Prepared, TrainingData, for_proxy
from trials.tasks.classification.data.split import VALIDATION_SHARE
from trials.tasks.classification.loop import train
from trials.tasks.classification.qualities import QUALITIES, load_metrics
from trials.tasks.classification.recipe import Recipe
from trials.tasks.classification.starting import Start, started
from trials.tasks.classification.state import TrainingState
from trials.tasks.contract import Quality, Shapes, identity_of


@dataclass(frozen=True, slots=True)
class ProxyTask:
    """Measures trials of one study; a `trials.tasks.contract.Task`.

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
        start: the trained plain network that trials start from; None to start from scratch.
        checkpoints: where the state of a trial is kept at every rung, and gone on from; None for
            nowhere.
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
    start: Start | None = None
    checkpoints: Checkpoints | None = None

    def __post_init__(self) -> None:
        if self.recipe.epochs != self.ladder.top:
            raise InputError(
                f"The recipe has {plural(self.recipe.epochs, 'epoch')}, the ladder "
                f"{self.ladder.top}.",
                "Cut the recipe to the ladder with for_ladder.",
            )

    @property
    def identity(self) -> str:
        """Digest of everything that changes a measurement."""
        return identity_of(
            version=VERSION,
            recipe=self.recipe.facts(),
            start=None if self.start is None else self.start.identity,
            way=self.way,
            device=self.device,
            **self.measured_on(),
        )

    @property
    def shapes(self) -> Shapes:
        """Of the images, and how many classes they have."""
        images = self.prepared
        return Shapes((images.channels, images.size, images.size), len(images.classes))

    @property
    def qualities(self) -> tuple[Quality, ...]:
        """What the recipe asks for, then the others, on the validation images."""
        others = (one for name, one in QUALITIES.items() if name != self.recipe.quality)
        return (QUALITIES[self.recipe.quality], *others)

    def __call__(self, trial: Trial, report: Report, /) -> None:
        """Build the trial's network, train it, and report after every rung.

        Everything random follows from ``trial.seed``: weights, order and augmentation. A trial
        that has checkpoints goes on from the newest one that is whole, and ends with the weights
        and measurements that it would have had uninterrupted.

        Raises:
            InputError: the configuration does not fit the data.
            InfeasibleError: the configuration cannot be built.
            DamagedDataError: the prepared arrays have changed.
            NonFiniteError: the training diverged.
            StorageError: a checkpoint cannot be written.
        """
        self.require_fit(trial.config.in_channels, trial.config.num_classes)
        self.train(
            partial(
                started,
                trial.config,
                self.backbone,
                attention_start=self.recipe.attention_start,
                seed=trial.seed,
                start=self.start,
                way=self.way,
            ),
            seed=trial.seed,
            report=report,
            keep=partial(self._keep, trial),
            resume=self._resume(trial),
        )

    def require_fit(self, in_channels: int, num_classes: int) -> None:
        """Refuse a network for other images.

        Raises:
            InputError: naming both.
        """
        wanted = (self.prepared.channels, len(self.prepared.classes))
        if (in_channels, num_classes) != wanted:
            raise InputError(
                f"The network takes {plural(in_channels, 'channel')} and knows "
                f"{plural(num_classes, 'class', 'classes')}; the images have "
                f"{plural(wanted[0], 'channel')} and {plural(wanted[1], 'class', 'classes')}.",
                "Set in_channels and num_classes to those of the data.",
            )

    def train(
        self,
        make: Callable[[], nn.Module],
        *,
        seed: int,
        report: Report,
        keep: Callable[[TrainingState], None] | None = None,
        resume: Checkpoint | None = None,
    ) -> None:
        """Make a network and train it as every trial is trained; see `loop.train`.

        Torch's global generator is given back as it was, whatever ``make`` draws.
        """
        with with_threads(self.threads), torch.random.fork_rng(devices=[]):
            data = _data(self.prepared, self.split_seed, self.validation_share, self.training_share)
            train(
                make(),
                data,
                self.recipe,
                seed=seed,
                rungs=self.ladder.rungs,
                on_rung=report,
                device=self.device,
                keep=keep,
                resume=resume,
            )

    def prepare(self) -> None:
        """Map and check the images, and load what measures, so that forks of this process need not.

        Raises:
            DamagedDataError: the prepared arrays have changed.
        """
        load_metrics()
        _data(self.prepared, self.split_seed, self.validation_share, self.training_share)

    def _keep(self, trial: Trial, state: TrainingState) -> None:
        """Write the state of a trial; at the top rung its weights are all that anyone needs."""
        if self.checkpoints is not None:
            kept = state.checkpoint(self._identity(trial))
            if state.epoch == self.ladder.top:
                kept = kept.only(state.weights())
            write_checkpoint(self.checkpoints.path(trial.number, state.epoch), kept)
            self.checkpoints.thin(trial.number)

    def _resume(self, trial: Trial) -> Checkpoint | None:
        if self.checkpoints is None:
            return None
        return latest(self.checkpoints.of_trial(trial.number), self._identity(trial))

    def _identity(self, trial: Trial) -> str:
        start = {} if self.start is None else {"start": self.start.identity}
        return identity_of(
            network=trial.digest,
            seed=trial.seed,
            recipe=self.recipe.facts(),
            **start,
            **self.measured_on(),
        )

    def measured_on(self) -> dict[str, object]:
        """What tells measurements of two tasks apart beside recipe, network and seed."""
        return {
            "rungs": self.ladder.rungs,
            "data": self.prepared.sha256,
            "split": (self.split_seed, self.validation_share, self.training_share),
        }


@lru_cache(maxsize=4)
def _data(
    prepared: Prepared, split_seed: int, validation_share: float, training_share: float
) -> TrainingData:
    """Mapped and checked once a process: the key holds the data's SHA-256."""
    return for_proxy(prepared, split_seed, validation_share, training_share)
