"""Full training: the one loop, a full recipe, and a checkpoint after every epoch to go on from."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save
from torch import distributed as dist
from torch import nn

from search_spaces import Plan
from search_spaces.errors import InputError
from trials.checkpoints import Checkpoints
from trials.errors import DamagedDataError
from trials.files import write_whole
from trials.records import Measurement, Verdict
from trials.training.checkpoint import Checkpoint, identity_of, read_checkpoint, write_checkpoint
from trials.training.data import Prepared, for_test
from trials.training.data.contract import Data, Images
from trials.training.data.whole_images import COLOUR, Folder
from trials.training.loop import train
from trials.training.noise import set_noise
from trials.training.per_image import Transformed, for_measuring, for_training, workers
from trials.training.recipe import Recipe
from trials.training.starting import Start, started
from trials.training.state import TrainingState
from trials.training.team import ALONE, Team, share_statistics

GREY = ((0.449,), (0.226,))
"""Mean and deviation of grey images: the means of those of `COLOUR`."""

Watch = Callable[[Measurement], None]


@dataclass(frozen=True, slots=True)
class FullData:
    """A `trials.training.data.contract.Data` whose training images may be transformed."""

    training: Images
    evaluation: Images
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class FullTask:
    """A full training.

    Attributes:
        plan: of the network.
        recipe: how to train.
        images: prepared images, or a folder of images that are decoded each time.
        folder: where checkpoints and weights are written.
        seed: of the weights, of order and augmentation.
        device: in torch's words; None for a GPU where there is one.
        way: name of the way in which every served layer is computed.
        start: the trained plain network to start from; None to start from scratch.
    """

    plan: Plan
    recipe: Recipe
    images: Prepared | Folder
    folder: Path
    seed: int = 0
    device: str | None = None
    way: str = "auto"
    start: Start | None = None

    @property
    def checkpoints(self) -> Checkpoints:
        """Where the state after each epoch is kept."""
        return Checkpoints(self.folder, "checkpoints")

    @property
    def identity(self) -> str:
        """Digest of everything that the trained weights follow from, but the machine."""
        images = self.images
        start = {} if self.start is None else {"start": self.start.identity}
        return identity_of(
            **start,
            network=self.plan.digest,
            recipe=self.recipe.facts(),
            seed=self.seed,
            data=images.sha256 if isinstance(images, Prepared) else images.identity,
        )

    def run(self, watch: Watch) -> Measurement:
        """Train to the end, from the last checkpoint if there is one.

        Under ``torchrun`` each process calls this alike; the first one writes.

        Args:
            watch: called with the measurement after each epoch, those before a checkpoint
                included; in the first process alone.

        Returns:
            The last measurement, of the weights that now lie in ``model.safetensors``.

        Raises:
            InputError: the folder has checkpoints of another training.
            NonFiniteError: the training diverged.
            StorageError: a file cannot be written.
        """
        last: list[Measurement] = []

        def report(measurement: Measurement) -> Verdict:
            last.append(measurement)
            if team.rank == 0:
                watch(measurement)
            return Verdict.GO_ON

        def keep(state: TrainingState) -> None:
            if team.rank == 0:
                if state.epoch == self.recipe.epochs:  # first: where this is lost, so is the other
                    write_weights(self.folder / "model.safetensors", state.measured)
                kept = state.checkpoint(self.identity)
                write_checkpoint(self.checkpoints.path(0, state.epoch), kept)
                self.checkpoints.thin(0)

        with joined(self.device) as (team, device), torch.random.fork_rng(devices=[]):
            network = started(
                self.plan,
                attention_start=self.recipe.attention_start,
                seed=self.seed,
                start=self.start,
                way=self.way,
            )
            network = share_statistics(network.to(device), team)
            set_noise(network, self.recipe)
            train(
                network,
                self.data(),
                self.recipe,
                seed=self.seed,
                rungs=range(1, self.recipe.epochs + 1),
                on_rung=report,
                device=device,
                keep=keep,
                resume=self.resumed(),
                team=team,
            )
        return last[-1]

    def resumed(self) -> Checkpoint | None:
        """The newest whole checkpoint.

        Raises:
            InputError: it is one of another training.
        """
        for path in self.checkpoints.of_trial(0):
            try:
                found = read_checkpoint(path)
            except DamagedDataError:
                continue
            if found.identity != self.identity:
                raise InputError(
                    f"{self.folder} holds a training of another network, recipe, seed or images.",
                    "Name another folder with --output, or give the settings it was begun with.",
                )
            return found
        return None

    def data(self) -> Data:
        """All training images, augmented by the recipe, and the test images."""
        size = self.plan.backbone.input_size[0]
        transform = for_training(self.recipe, size)
        if isinstance(self.images, Folder):
            if transform is None:
                raise InputError(
                    "Images of many sizes need a crop.", "Set crop_area in the recipe."
                )
            mean, std = COLOUR if self.images.training.channels == len(COLOUR[0]) else GREY
            helpers = workers()
            return FullData(
                Transformed(self.images.training, transform, self.seed, helpers),
                Transformed(self.images.measuring, for_measuring(size), self.seed, helpers),
                mean,
                std,
            )
        plain = for_test(self.images)
        if transform is None:
            return plain
        transformed = Transformed(plain.training, transform, self.seed)
        return FullData(transformed, plain.evaluation, plain.mean, plain.std)


def write_weights(path: Path, network: nn.Module) -> None:
    """Write a network's tensors, whole or not at all."""
    tensors = network.state_dict().items()
    raw = save({name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors})
    write_whole(path, lambda file: file.write(raw), need=len(raw))


@contextmanager
def joined(device: str | None) -> Iterator[tuple[Team, str]]:
    """Join the processes that ``torchrun`` has started, if it has.

    Yields:
        The team, and the device to train on: one GPU for each process of a machine.
    """
    gpu = torch.cuda.is_available() if device is None else device.startswith("cuda")
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        yield ALONE, device or ("cuda" if gpu else "cpu")
        return
    place = f"cuda:{os.environ['LOCAL_RANK']}" if gpu else "cpu"
    if gpu:
        torch.cuda.set_device(place)
    dist.init_process_group("nccl" if gpu else "gloo")
    try:
        yield Team(dist.get_rank(), dist.get_world_size()), place
    finally:
        dist.destroy_process_group()
