"""The one training loop, for proxies and for full training."""

from collections.abc import Callable, Collection
from math import isfinite, sqrt

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from search_spaces.errors import InputError
from search_spaces.networks import set_temperature
from trials.errors import NonFiniteError
from trials.records import Measurement, Verdict
from trials.training.augment import augment, normalise
from trials.training.average import Average
from trials.training.checkpoint import Checkpoint
from trials.training.data.contract import Data
from trials.training.mixing import draw_mix, mixed, mixed_loss
from trials.training.optimiser import optimiser
from trials.training.recipe import Recipe
from trials.training.schedules import Schedule
from trials.training.state import TrainingState
from trials.training.team import ALONE, Team

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def train(
    network: nn.Module,
    data: Data,
    recipe: Recipe,
    *,
    seed: int,
    rungs: Collection[int],
    on_rung: Callable[[Measurement], Verdict],
    device: str = "cpu",
    keep: Callable[[TrainingState], None] | None = None,
    resume: Checkpoint | None = None,
    team: Team = ALONE,
) -> None:
    """Train a network in place and measure it after every rung.

    On the CPU the curve follows bit by bit from network, data, recipe, seed and number of threads:
    order and augmentation have a generator of their own, and torch's global one (dropout) is
    seeded for the run and given back as it was. So it does where a run goes on from a checkpoint.

    Args:
        network: takes float32 ``[B, C, H, W]``, gives logits ``[B, classes]``; moved to ``device``.
        data: images to learn from and to measure on.
        recipe: how to train; its schedules span ``recipe.epochs``.
        seed: of order, augmentation and dropout.
        rungs: epochs to measure after, from 1 to ``recipe.epochs``; nothing is trained after the
            last one.
        on_rung: called with each measurement; training ends when it answers ``Verdict.STOP``.
        device: where to train, in torch's words.
        keep: called at each rung with the state, measurement included, before ``on_rung`` is.
        resume: a checkpoint of this training to go on from. Its measurements are told to
            ``on_rung`` again, as nobody knows here which of them arrived.
        team: this process and those that train the same network beside it, each calling this
            function alike.

    Raises:
        InputError: there is no rung, or one that the recipe does not reach, or a batch cannot be
            shared by the team.
        NonFiniteError: the loss of an epoch or of a measurement is not finite.
        DamagedDataError: the checkpoint is of another network.
    """
    if not rungs or min(rungs) < 1 or max(rungs) > recipe.epochs:
        raise InputError(
            f"Rungs {sorted(rungs)} do not lie in a run of {recipe.epochs} epochs.",
            "Give at least one rung, from 1 to the number of epochs.",
        )
    place = torch.device(device)
    with torch.random.fork_rng(devices=[place] if place.type == "cuda" else []):
        torch.manual_seed(seed + team.rank)
        network.to(place)
        if place.type == "cuda":  # whose convolutions are quicker so
            network.to(memory_format=torch.channels_last)
        state = TrainingState(
            network=network,
            optimiser=optimiser(network, recipe),
            draws=torch.Generator().manual_seed(seed),
            device=place,
            average=Average.of(network, recipe.ema),
            team=team,
        )
        if resume is not None:
            state.restore(resume)
        if any(on_rung(measured) is Verdict.STOP for measured in tuple(state.measurements)):
            return
        while state.epoch < max(rungs):
            train_epoch(state, data, recipe)
            if state.epoch in rungs:
                measured = measure(state, data, recipe)
                state.measurements.append(measured)
                if keep is not None:
                    keep(state)
                if on_rung(measured) is Verdict.STOP:
                    return


def train_epoch(state: TrainingState, data: Data, recipe: Recipe) -> None:
    """Learn from every training image once, but for the last incomplete batch.

    Everything random is drawn for whole batches, of which this process then takes its part.

    Raises:
        NonFiniteError: the mean loss is not finite.
    """
    state.network.train()
    schedule = _schedule(data, recipe)
    batch = min(recipe.batch_size, len(data.training))
    part = state.team.share(batch)
    order = torch.randperm(len(data.training), generator=state.draws).numpy()
    starts = range(0, schedule.epoch_steps * batch, batch)
    places = [order[start : start + batch][part] for start in starts]
    total = torch.zeros((), device=state.device)
    for pixels, labels in data.training.batches(places, state.epoch):
        images = augment(
            torch.as_tensor(pixels).to(state.device),
            state.draws,
            padding=recipe.padding,
            flip=recipe.flip,
            batch=batch,
            part=part,
        )
        images = normalise(images, *_moments(data, state.device))
        target = torch.as_tensor(labels).to(state.device)
        set_temperature(state.network, schedule.temperature(state.step))
        for group in state.optimiser.param_groups:
            group["lr"] = schedule.learning_rate(state.step)
        total += step(state, recipe, images, target)
    state.epoch += 1
    mean = state.team.total(total) / (schedule.epoch_steps * state.team.size)
    _require_finite(mean.item(), f"training loss of epoch {state.epoch}")


def step(state: TrainingState, recipe: Recipe, images: Tensor, target: Tensor) -> Tensor:
    """One step down the gradient; returns the loss before it."""
    images, partner, share = mixed(images, target, draw_mix(recipe, state.draws))
    logits = forward(state.learning, images, recipe)
    loss = mixed_loss(logits, target, partner, share, recipe.label_smoothing)
    state.optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    if recipe.gradient_clip:
        nn.utils.clip_grad_norm_(state.network.parameters(), recipe.gradient_clip)
    state.optimiser.step()
    state.step += 1
    if state.average is not None:
        state.average.follow(state.network, state.step)
    return loss.detach()


def measure(state: TrainingState, data: Data, recipe: Recipe) -> Measurement:
    """Evaluate the network, or its average, at the temperature of the coming step.

    Raises:
        NonFiniteError: the loss is not finite.
    """
    set_temperature(state.measured, _schedule(data, recipe).temperature(state.step))
    right, loss = evaluate(state.measured, data, recipe, state.device, state.team)
    images = len(data.evaluation)
    _require_finite(loss, f"validation loss after epoch {state.epoch}")
    return Measurement(
        epoch=state.epoch,
        accuracy=right / images,
        accuracy_error=binomial_error(right / images, images),
        loss=loss / images,
        images=images,
        seconds=state.seconds,
    )


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
            images = normalise(torch.as_tensor(pixels).to(device), *_moments(data, device))
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
    dtype = DTYPES[recipe.dtype]
    mixed = dtype is not torch.float32
    with torch.autocast(images.device.type, dtype=torch.bfloat16, enabled=mixed):
        logits: Tensor = network(images)
    return logits.float() if mixed else logits


def _schedule(data: Data, recipe: Recipe) -> Schedule:
    images = len(data.training)
    return Schedule(recipe, images // min(recipe.batch_size, images))


def _moments(data: Data, device: torch.device) -> tuple[Tensor, Tensor]:
    return torch.tensor(data.mean, device=device), torch.tensor(data.std, device=device)


def _require_finite(value: float, name: str) -> None:
    if not isfinite(value):
        raise NonFiniteError(
            f"The {name} is {value}.", "Lower the learning rate, or set a gradient clip."
        )
