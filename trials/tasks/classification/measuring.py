"""What a network has learnt: accuracy and loss on the images that are set apart."""

from collections.abc import Iterator
from math import isfinite
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import update_bn

from search_spaces.networks import set_temperature
from trials.errors import NonFiniteError
from trials.records import Measurement
from trials.shares import wilson
from trials.tasks.classification.augment import normalise
from trials.tasks.classification.data.contract import Data
from trials.tasks.classification.process_group import ALONE, ProcessGroup
from trials.tasks.classification.qualities import ENOUGH, TOP, Confusion, values
from trials.tasks.classification.recipe import Recipe
from trials.tasks.classification.schedules import Schedule
from trials.tasks.classification.state import TrainingState


def measure(state: TrainingState, data: Data, recipe: Recipe) -> Measurement:
    """Evaluate the network, or its average, at the temperature of the coming step.

    ``accuracy`` of a measurement is the recipe's quality; all the others stand beside it.

    Raises:
        NonFiniteError: the loss is not finite.
    """
    set_temperature(state.measured, schedule_of(data, recipe).temperature(state.step))
    recalibrate(state.measured, data, recipe, state.device)
    confusion, loss, top = evaluate(state.measured, data, recipe, state.device, state.group)
    images = len(data.evaluation)
    require_finite(loss, f"validation loss after epoch {state.epoch}")
    found = values(confusion, data.classes, top)
    value, error = found.pop(recipe.quality)
    assert error is not None  # noqa: S101 - all of these have one
    return Measurement(
        epoch=state.epoch,
        accuracy=value,
        accuracy_error=error,
        loss=loss / images,
        images=images,
        seconds=state.seconds,
        further=found,
    )


def recalibrate(network: nn.Module, data: Data, recipe: Recipe, device: torch.device) -> None:
    """Estimate the statistics of batch norms anew, from batches of training images.

    Running statistics lag behind weights that move fast, so that early rungs would measure the lag
    (Wu and Johnson, arXiv 2105.07576, section 3). The images are drawn once for all: every rung and
    every process of a group sees the same ones, and no other random number is touched. Nothing is
    done where the recipe asks for no batch.
    """
    if not recipe.recalibration:
        return
    batch = min(recipe.batch_size, len(data.training))
    order = np.random.default_rng(0).permutation(len(data.training))
    ends = range(batch, len(order) + 1, batch)[: recipe.recalibration]
    batches = [order[end - batch : end] for end in ends]

    def inputs() -> Iterator[Tensor]:
        for pixels, _ in data.training.batches(batches, 0):
            yield normalise(torch.as_tensor(pixels).to(device), *moments(data, device))

    with (
        torch.random.fork_rng(devices=[device] if device.type == "cuda" else []),
        precision(recipe, device),
    ):
        torch.manual_seed(0)  # of dropout
        update_bn(inputs(), network)


class Evaluated(NamedTuple):
    """How a network takes the evaluation images.

    Attributes:
        confusion: images by class and class taken for, ``[classes, classes]``.
        loss: the sum of all their cross-entropies.
        top: images whose class is among the `TOP` most probable; None for few classes.
    """

    confusion: Confusion
    loss: float
    top: int | None


def evaluate(
    network: nn.Module,
    data: Data,
    recipe: Recipe,
    device: torch.device,
    group: ProcessGroup = ALONE,
) -> Evaluated:
    """Have the network take all evaluation images; each process of a group takes its part."""
    network.eval()
    mine = np.arange(group.rank, len(data.evaluation), group.size)
    starts = range(0, len(mine), recipe.batch_size)
    batches = [mine[start : start + recipe.batch_size] for start in starts]
    pairs: Tensor | int = 0
    classes, loss, top = 0, 0.0, 0
    with torch.no_grad():
        for pixels, labels in data.evaluation.batches(batches, 0):
            images = normalise(torch.as_tensor(pixels).to(device), *moments(data, device))
            logits = forward(network, images, recipe)
            target = torch.as_tensor(labels).to(device)
            classes = logits.shape[1]
            taken = target * classes + logits.argmax(1)
            pairs = pairs + torch.bincount(taken, minlength=classes**2)
            if classes > ENOUGH:
                top += int((logits.topk(TOP).indices == target[:, None]).sum())
            loss += float(functional.cross_entropy(logits.double(), target, reduction="sum"))
    counts = torch.as_tensor(pairs, dtype=torch.float64, device=device)
    sums = group.total(torch.cat((counts, counts.new_tensor([loss, top]))))
    confusion = sums[:-2].long().view(classes, classes).cpu().numpy()
    return Evaluated(confusion, float(sums[-2]), int(sums[-1]) if classes > ENOUGH else None)


def interval(accuracy: float, images: int) -> tuple[float, float]:
    """Wilson's interval of a share counted over that many images, at 95 % confidence."""
    return wilson(accuracy, images, NormalDist().inv_cdf(0.975))


def forward(network: nn.Module, images: Tensor, recipe: Recipe) -> Tensor:
    """Logits, in the network's precision; bfloat16 inside where the recipe says so."""
    with precision(recipe, images.device):
        logits: Tensor = network(images)
    return logits if recipe.dtype == "float32" else logits.float()


def precision(recipe: Recipe, device: torch.device) -> torch.autocast:
    """What puts a forward pass into the recipe's arithmetic."""
    mixed = recipe.dtype != "float32"
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=mixed)


def schedule_of(data: Data, recipe: Recipe) -> Schedule:
    """The schedules of a recipe over these images."""
    images = len(data.training)
    return Schedule(recipe, images // min(recipe.batch_size, images))


def moments(data: Data, device: torch.device) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the pixels, by channel."""
    return torch.tensor(data.mean, device=device), torch.tensor(data.std, device=device)


def require_finite(value: float, name: str) -> None:
    """Refuse NaN and infinity.

    Raises:
        NonFiniteError: naming the value.
    """
    if not isfinite(value):
        raise NonFiniteError(
            f"The {name} is {value}.", "Lower the learning rate, or set a gradient clip."
        )
