"""The one training loop, for proxies and for full training."""

from collections.abc import Callable, Collection

import numpy as np
import torch
from torch import Tensor, nn

from search_spaces.errors import InputError, plural
from search_spaces.networks import set_temperature
from trials.records import Measurement, Verdict
from trials.tasks.classification.augment import augment, normalise
from trials.tasks.classification.average import Average
from trials.tasks.classification.checkpoint import Checkpoint
from trials.tasks.classification.data.contract import Data
from trials.tasks.classification.measuring import (
    forward,
    measure,
    moments,
    require_finite,
    schedule_of,
)
from trials.tasks.classification.mixing import draw_mix, mixed, mixed_loss
from trials.tasks.classification.optimiser import optimiser
from trials.tasks.classification.process_group import ALONE, ProcessGroup
from trials.tasks.classification.recipe import Recipe
from trials.tasks.classification.state import TrainingState


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
    group: ProcessGroup = ALONE,
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
        group: this process and those that train the same network beside it, each calling this
            function alike.

    Raises:
        InputError: there is no rung, or one that the recipe does not reach, or a batch cannot be
            shared by the group.
        NonFiniteError: the loss of an epoch or of a measurement is not finite.
        DamagedDataError: the checkpoint is of another network.
    """
    if not rungs or min(rungs) < 1 or max(rungs) > recipe.epochs:
        raise InputError(
            f"Rungs {sorted(rungs)} do not lie in a run of {plural(recipe.epochs, 'epoch')}.",
            "Give at least one rung, from 1 to the number of epochs.",
        )
    target = torch.device(device)
    with torch.random.fork_rng(devices=[target] if target.type == "cuda" else []):
        torch.manual_seed(seed + group.rank)
        network.to(target)
        if target.type == "cuda":  # whose convolutions are quicker so
            network.to(memory_format=torch.channels_last)
        state = TrainingState(
            network=network,
            optimiser=optimiser(network, recipe),
            draws=torch.Generator().manual_seed(seed),
            device=target,
            average=Average.of(network, recipe.ema),
            group=group,
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
    schedule = schedule_of(data, recipe)
    batch = min(recipe.batch_size, len(data.training))
    part = state.group.share(batch)
    order = torch.randperm(len(data.training), generator=state.draws).numpy()
    starts = range(0, schedule.epoch_steps * batch, batch)
    batches = [order[start : start + batch][part] for start in starts]
    total = torch.zeros((), device=state.device)
    weights = class_weights(data, recipe, state.device)
    for pixels, labels in data.training.batches(batches, state.epoch):
        images = augment(
            torch.as_tensor(pixels).to(state.device),
            state.draws,
            padding=recipe.padding,
            flip=recipe.flip,
            batch=batch,
            part=part,
        )
        images = normalise(images, *moments(data, state.device))
        target = torch.as_tensor(labels).to(state.device)
        set_temperature(state.network, schedule.temperature(state.step))
        for group in state.optimiser.param_groups:
            group["lr"] = schedule.learning_rate(state.step) * group["factor"]
        total += step(state, recipe, images, target, weights)
    state.epoch += 1
    mean = state.group.total(total) / (schedule.epoch_steps * state.group.size)
    require_finite(mean.item(), f"training loss of epoch {state.epoch}")


def class_weights(data: Data, recipe: Recipe, device: torch.device) -> Tensor | None:
    """Weights of the classes in the loss, ``[classes]``; None where all images count the same.

    A class has the mean number of training images over its own number, as scikit-learn's
    ``class_weight="balanced"``. Classes without a training image have no say in the mean.
    """
    if recipe.class_weights == "none":
        return None
    counts = np.bincount(np.concatenate((data.training.labels, data.evaluation.labels)))
    counts = np.bincount(data.training.labels, minlength=len(counts))
    mean = counts.sum() / np.count_nonzero(counts)
    return torch.tensor(mean / np.maximum(counts, 1), dtype=torch.float32, device=device)


def step(
    state: TrainingState,
    recipe: Recipe,
    images: Tensor,
    target: Tensor,
    weights: Tensor | None = None,
) -> Tensor:
    """One step down the gradient; returns the loss before it. Weights are those of classes."""
    images, partner, share = mixed(images, target, draw_mix(recipe, state.draws))
    logits = forward(state.learning, images, recipe)
    loss = mixed_loss(logits, target, partner, share, recipe.label_smoothing, weights=weights)
    state.optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    if recipe.gradient_clip:
        nn.utils.clip_grad_norm_(state.network.parameters(), recipe.gradient_clip)
    state.optimiser.step()
    state.step += 1
    if state.average is not None:
        state.average.follow(state.network, state.step)
    return loss.detach()
