"""The one training loop, for proxies and for full training."""

from collections.abc import Callable, Collection

import torch
from torch import Tensor, nn

from search_spaces.errors import InputError
from search_spaces.networks import set_temperature
from trials.records import Measurement, Verdict
from trials.training.augment import augment, normalise
from trials.training.average import Average
from trials.training.checkpoint import Checkpoint
from trials.training.data.contract import Data
from trials.training.measuring import forward, measure, moments, require_finite, schedule_of
from trials.training.mixing import draw_mix, mixed, mixed_loss
from trials.training.optimiser import optimiser
from trials.training.recipe import Recipe
from trials.training.state import TrainingState
from trials.training.team import ALONE, Team


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
    schedule = schedule_of(data, recipe)
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
        images = normalise(images, *moments(data, state.device))
        target = torch.as_tensor(labels).to(state.device)
        set_temperature(state.network, schedule.temperature(state.step))
        for group in state.optimiser.param_groups:
            group["lr"] = schedule.learning_rate(state.step) * group["factor"]
        total += step(state, recipe, images, target)
    state.epoch += 1
    mean = state.team.total(total) / (schedule.epoch_steps * state.team.size)
    require_finite(mean.item(), f"training loss of epoch {state.epoch}")


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
