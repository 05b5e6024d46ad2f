"""What a network has learnt: accuracy and loss on the images that are set apart."""

from collections.abc import Iterator
from math import isfinite, sqrt

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import update_bn

from search_spaces.networks import set_temperature
from trials.errors import NonFiniteError
from trials.records import Measurement
from trials.training.augment import normalise
from trials.training.data.contract import Data
from trials.training.recipe import Recipe
from trials.training.schedules import Schedule
from trials.training.state import TrainingState
from trials.training.team import ALONE, Team


def measure(state: TrainingState, data: Data, recipe: Recipe) -> Measurement:
    """Evaluate the network, or its average, at the temperature of the coming step.

    Raises:
        NonFiniteError: the loss is not finite.
    """
    set_temperature(state.measured, schedule_of(data, recipe).temperature(state.step))
    recalibrate(state.measured, data, recipe, state.device)
    right, loss = evaluate(state.measured, data, recipe, state.device, state.team)
    images = len(data.evaluation)
    require_finite(loss, f"validation loss after epoch {state.epoch}")
    return Measurement(
        epoch=state.epoch,
        accuracy=right / images,
        accuracy_error=binomial_error(right / images, images),
        loss=loss / images,
        images=images,
        seconds=state.seconds,
    )


def recalibrate(network: nn.Module, data: Data, recipe: Recipe, device: torch.device) -> None:
    """Estimate the statistics of batch norms anew, from batches of training images.

    Running statistics lag behind weights that move fast, so that early rungs would measure the lag
    (Wu and Johnson, arXiv 2105.07576, section 3). The images are drawn once for all: every rung and
    every process of a team sees the same ones, and no other random number is touched. Nothing is
    done where the recipe asks for no batch.
    """
    if not recipe.recalibration:
        return
    batch = min(recipe.batch_size, len(data.training))
    order = np.random.default_rng(0).permutation(len(data.training))
    ends = range(batch, len(order) + 1, batch)[: recipe.recalibration]
    places = [order[end - batch : end] for end in ends]

    def batches() -> Iterator[Tensor]:
        for pixels, _ in data.training.batches(places, 0):
            yield normalise(torch.as_tensor(pixels).to(device), *moments(data, device))

    with (
        torch.random.fork_rng(devices=[device] if device.type == "cuda" else []),
        precision(recipe, device),
    ):
        torch.manual_seed(0)  # of dropout
        update_bn(batches(), network)


def evaluate(
    network: nn.Module, data: Data, recipe: Recipe, device: torch.device, team: Team = ALONE
) -> tuple[int, float]:
    """Evaluation images classified rightly, and the sum of all their cross-entropies."""
    network.eval()
    mine = np.arange(team.rank, len(data.evaluation), team.size)
    starts = range(0, len(mine), recipe.batch_size)
    places = [mine[start : start + recipe.batch_size] for start in starts]
    right, loss = 0, 0.0
    with torch.no_grad():
        for pixels, labels in data.evaluation.batches(places, 0):
            images = normalise(torch.as_tensor(pixels).to(device), *moments(data, device))
            logits = forward(network, images, recipe)
            target = torch.as_tensor(labels).to(device)
            right += int((logits.argmax(1) == target).sum())
            loss += float(functional.cross_entropy(logits.double(), target, reduction="sum"))
    sums = team.total(torch.tensor([right, loss], dtype=torch.float64, device=device))
    return int(sums[0]), float(sums[1])


def binomial_error(accuracy: float, images: int) -> float:
    """Standard error of a share counted over that many images."""
    return sqrt(accuracy * (1 - accuracy) / images)


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
