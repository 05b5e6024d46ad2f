"""Full training: the one loop, a full recipe, and a checkpoint after every epoch to go on from."""

import os
import shutil
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
from trials.tasks.classification.checkpoint import (
    Checkpoint,
    read_checkpoint,
    write_checkpoint,
)
from trials.tasks.classification.data import Prepared, for_test
from trials.tasks.classification.data.contract import Data, Images
from trials.tasks.classification.data.whole_images import COLOUR, Folder
from trials.tasks.classification.inputs import WHOLE, Inputs
from trials.tasks.classification.loop import train
from trials.tasks.classification.noise import set_noise
from trials.tasks.classification.per_image import (
    EDGE_SHARE,
    Transformed,
    for_measuring,
    for_training,
    workers,
)
from trials.tasks.classification.process_group import ALONE, ProcessGroup, share_statistics
from trials.tasks.classification.recipe import Recipe
from trials.tasks.classification.starting import Start, started
from trials.tasks.classification.state import TrainingState
from trials.tasks.contract import identity_of

GREY = ((0.449,), (0.226,))
"""Mean and deviation of grey images: the means of those of `COLOUR`."""

WEIGHTS = "model.safetensors"
"""The file of the weights that a training ends with."""

Watch = Callable[[Measurement], None]


@dataclass(frozen=True, slots=True)
class FullData:
    """A `data.contract.Data` whose training images may be transformed."""

    training: Images
    evaluation: Images
    mean: tuple[float, ...]
    std: tuple[float, ...]
    classes: tuple[str, ...] = ()


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
        start: the trained network to start from; None to start from scratch.
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
            if group.rank == 0:
                watch(measurement)
            return Verdict.CONTINUE

        def keep(state: TrainingState) -> None:
            if group.rank == 0:
                if state.epoch == self.recipe.epochs:  # first: where this is lost, so is the other
                    write_weights(self.folder / WEIGHTS, state.measured)
                kept = state.checkpoint(self.identity)
                write_checkpoint(self.checkpoints.path(0, state.epoch), kept)
                self.checkpoints.thin(0)

        with joined(self.device) as (group, device), torch.random.fork_rng(devices=[]):
            network = started(
                self.plan,
                attention_start=self.recipe.attention_start,
                seed=self.seed,
                start=self.start,
                way=self.way,
            )
            network = share_statistics(network.to(device), group)
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
                group=group,
            )
        return last[-1]

    def resumed(self) -> Checkpoint | None:
        """The newest whole checkpoint.

        Raises:
            InputError: it is one of another training.
        """
        return gone_on_from(self.checkpoints, self.identity, self.folder)

    def forget(self) -> None:
        """Remove the checkpoints, once nothing is to be gone on with."""
        shutil.rmtree(self.checkpoints.path(0, 0).parent, ignore_errors=True)

    def inputs(self) -> Inputs:
        """How images are made ready for the trained network."""
        data, table = self.data(), self.plan.backbone
        share = EDGE_SHARE if isinstance(self.images, Folder) else WHOLE
        return Inputs(table.in_channels, table.input_size[0], data.mean, data.std, share)

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
        return FullData(transformed, plain.evaluation, plain.mean, plain.std, plain.classes)


def gone_on_from(checkpoints: Checkpoints, identity: str, folder: Path) -> Checkpoint | None:
    """The newest whole checkpoint of a full training.

    Raises:
        InputError: it is one of another training.
    """
    for path in checkpoints.of_trial(0):
        try:
            found = read_checkpoint(path)
        except DamagedDataError:
            continue
        if found.identity != identity:
            raise other_training(folder)
        return found
    return None


def other_training(folder: Path) -> InputError:
    """What to say of a folder that holds another training than was asked for."""
    return InputError(
        f"{folder} holds a training of another network, recipe, seed or images.",
        "Name another folder with --output, or give the settings it was begun with.",
    )


def write_weights(path: Path, network: nn.Module) -> None:
    """Write a network's tensors, whole or not at all."""
    tensors = network.state_dict().items()
    raw = save({name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors})
    write_whole(path, lambda file: file.write(raw), need=len(raw))


@contextmanager
def joined(device: str | None) -> Iterator[tuple[ProcessGroup, str]]:
    """Join the processes that ``torchrun`` has started, if it has.

    Yields:
        The group, and the device to train on: one GPU for each process of a machine.
    """
    gpu = torch.cuda.is_available() if device is None else device.startswith("cuda")
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        yield ALONE, device or ("cuda" if gpu else "cpu")
        return
    name = f"cuda:{os.environ['LOCAL_RANK']}" if gpu else "cpu"
    if gpu:
        torch.cuda.set_device(name)
    dist.init_process_group("nccl" if gpu else "gloo")
    try:
        yield ProcessGroup(dist.get_rank(), dist.get_world_size()), name
    finally:
        dist.destroy_process_group()
