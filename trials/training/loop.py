"""The one training loop, for proxies and for full training."""

import time
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
from trials.training.data.sample import TrainingData
from trials.training.optimiser import optimiser
from trials.training.recipe import Recipe
from trials.training.schedules import learning_rate, temperature

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def train(
    network: nn.Module,
    data: TrainingData,
    recipe: Recipe,
    *,
    seed: int,
    rungs: Collection[int],
    on_rung: Callable[[Measurement], Verdict],
    device: str = "cpu",
) -> None:
    """Train a network in place and measure it after every rung.

    On the CPU the curve follows bit by bit from network, data, recipe, seed and number of threads:
    order and augmentation have a generator of their own, and torch's global one (dropout) is
    seeded for the run and given back as it was.

    Args:
        network: takes float32 ``[B, C, H, W]``, gives logits ``[B, classes]``; moved to ``device``.
        data: images to learn from and to measure on.
        recipe: how to train; its schedules span ``recipe.epochs``.
        seed: of order, augmentation and dropout.
        rungs: epochs to measure after, from 1 to ``recipe.epochs``; nothing is trained after the
            last one.
        on_rung: called with each measurement; training ends when it answers ``Verdict.STOP``.
        device: where to train, in torch's words.

    Raises:
        InputError: there is no rung, or one that the recipe does not reach.
        NonFiniteError: the loss of an epoch or of a measurement is not finite.
    """
    if not rungs or min(rungs) < 1 or max(rungs) > recipe.epochs:
        raise InputError(
            f"Rungs {sorted(rungs)} do not lie in a run of {recipe.epochs} epochs.",
            "Give at least one rung, from 1 to the number of epochs.",
        )
    started = time.monotonic()
    place = torch.device(device)
    gpus = [place] if place.type == "cuda" else []
    with torch.random.fork_rng(devices=gpus):
        torch.manual_seed(seed)
        draws = torch.Generator().manual_seed(seed)
        network.to(place)
        descent = optimiser(network, recipe)
        mean, std = (torch.tensor(values, device=place) for values in (data.mean, data.std))
        batch = min(recipe.batch_size, len(data.training))
        epoch_steps = len(data.training) // batch
        steps = recipe.epochs * epoch_steps
        warmup = round(recipe.warmup_epochs * epoch_steps)
        step = 0
        for epoch in range(1, max(rungs) + 1):
            network.train()
            order = torch.randperm(len(data.training), generator=draws).numpy()
            epoch_loss = torch.zeros((), device=place)
            for start in range(0, epoch_steps * batch, batch):
                pixels, labels = data.training.batch(order[start : start + batch])
                images = torch.from_numpy(pixels).to(place)
                images = augment(images, draws, padding=recipe.padding, flip=recipe.flip)
                set_temperature(
                    network, temperature(step, steps=steps, share=recipe.temperature_share)
                )
                for group in descent.param_groups:
                    group["lr"] = learning_rate(
                        step, steps=steps, warmup=warmup, peak=recipe.learning_rate
                    )
                logits = _forward(network, normalise(images, mean, std), recipe)
                loss = functional.cross_entropy(
                    logits,
                    torch.from_numpy(labels).to(place),
                    label_smoothing=recipe.label_smoothing,
                )
                descent.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
                if recipe.gradient_clip:
                    nn.utils.clip_grad_norm_(network.parameters(), recipe.gradient_clip)
                descent.step()
                epoch_loss += loss.detach()
                step += 1
            _require_finite(epoch_loss.item() / epoch_steps, f"training loss of epoch {epoch}")
            if epoch in rungs:
                set_temperature(
                    network, temperature(step, steps=steps, share=recipe.temperature_share)
                )
                right, loss_sum = evaluate(network, data, recipe, place)
                images_seen = len(data.evaluation)
                _require_finite(loss_sum, f"validation loss after epoch {epoch}")
                accuracy = right / images_seen
                measured = Measurement(
                    epoch=epoch,
                    accuracy=accuracy,
                    accuracy_error=binomial_error(accuracy, images_seen),
                    loss=loss_sum / images_seen,
                    images=images_seen,
                    seconds=time.monotonic() - started,
                )
                if on_rung(measured) is Verdict.STOP:
                    return


def evaluate(
    network: nn.Module, data: TrainingData, recipe: Recipe, device: torch.device
) -> tuple[int, float]:
    """Evaluation images classified rightly, and the sum of all their cross-entropies."""
    network.eval()
    mean, std = (torch.tensor(values, device=device) for values in (data.mean, data.std))
    right, loss = 0, 0.0
    with torch.no_grad():
        for start in range(0, len(data.evaluation), recipe.batch_size):
            end = min(start + recipe.batch_size, len(data.evaluation))
            pixels, labels = data.evaluation.batch(np.arange(start, end))
            images = normalise(torch.from_numpy(pixels).to(device), mean, std)
            logits = _forward(network, images, recipe)
            target = torch.from_numpy(labels).to(device)
            right += int((logits.argmax(1) == target).sum())
            loss += float(functional.cross_entropy(logits.double(), target, reduction="sum"))
    return right, loss


def binomial_error(accuracy: float, images: int) -> float:
    """Standard error of a share counted over that many images."""
    return sqrt(accuracy * (1 - accuracy) / images)


def _forward(network: nn.Module, images: Tensor, recipe: Recipe) -> Tensor:
    """Float32 logits; bfloat16 arithmetic inside where the recipe says so."""
    dtype = DTYPES[recipe.dtype]
    mixed = dtype is not torch.float32
    with torch.autocast(images.device.type, dtype=torch.bfloat16, enabled=mixed):
        logits: Tensor = network(images)
    return logits.float()


def _require_finite(value: float, name: str) -> None:
    if not isfinite(value):
        raise NonFiniteError(
            f"The {name} is {value}.", "Lower the learning rate, or set a gradient clip."
        )
