"""The training loop of detectors, for proxies and for full training."""

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.optim import SGD, AdamW, Optimizer

from search_spaces.networks import set_temperature
from trials.errors import NonFiniteError
from trials.records import Measurement, Reported, Verdict
from trials.shares import images_of_error
from trials.tasks.classification.checkpoint import Checkpoint
from trials.tasks.classification.measuring import require_finite
from trials.tasks.classification.optimiser import attention_parameters, decay_groups
from trials.tasks.classification.process_group import ALONE, ProcessGroup
from trials.tasks.classification.state import TrainingState
from trials.tasks.detection.detector import samplers, to_device
from trials.tasks.detection.examples import Examples, mirrored
from trials.tasks.detection.recipe import DetectionRecipe
from trials.tasks.detection.scoring import Results, Scores, as_results, score

MAP = "map"
"""What trials are compared by unless another value is asked for."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a detector reaches after an epoch.

    Attributes:
        measurement: for the search: its quality as ``accuracy``, and as ``loss`` the mean loss of
            the epoch's training.
        scores: everything that was measured.
        results: the detections, in COCO's format.
    """

    measurement: Measurement
    scores: Scores
    results: Results


def train(
    detector: nn.Module,
    data: tuple[Examples, Examples],
    recipe: DetectionRecipe,
    *,
    seed: int,
    rungs: Collection[int],
    on_rung: Callable[[Measurement], Verdict],
    quality: str = MAP,
    device: str = "cpu",
    keep: Callable[[TrainingState, Measured], None] | None = None,
    resume: Checkpoint | None = None,
    group: ProcessGroup = ALONE,
) -> None:
    """Train a detector in place and measure it after every rung.

    Everything random follows from the seed and is drawn for whole batches and by image, so neither
    an interruption nor the number of processes changes what is learnt, but for rounding.

    Args:
        detector: of `detector_of`.
        data: what is learnt from, and what is measured on.
        recipe: how.
        seed: of order, mirroring, and which anchors and proposals are learnt from.
        rungs: epochs to measure after; nothing is trained after the last one.
        on_rung: called with each measurement; training ends when it answers ``Verdict.STOP``.
        quality: name of the value that ``accuracy`` of a measurement is.
        device: where to train, in torch's words.
        keep: called at each rung with the state, before ``on_rung`` is.
        resume: a checkpoint of this training to go on from; its measurements are told again.
        group: this process and those that train the same detector beside it.

    Raises:
        InputError: a batch cannot be shared by the group, or a picture cannot be decoded.
        NonFiniteError: the loss is not finite.
        DamagedDataError: the checkpoint is of another detector.
    """
    target = torch.device(device)
    with torch.random.fork_rng(devices=[target] if target.type == "cuda" else []):
        torch.manual_seed(seed + group.rank)
        detector.to(target)
        set_temperature(detector, 0.0)
        state = TrainingState(
            network=detector,
            optimiser=optimiser(detector, recipe),
            draws=torch.Generator().manual_seed(seed),
            device=target,
            group=group,
        )
        if resume is not None:
            state.restore(resume)
        if any(on_rung(measured) is Verdict.STOP for measured in tuple(state.measurements)):
            return
        while state.epoch < max(rungs):
            loss = train_epoch(state, data[0], recipe, seed)
            if state.epoch in rungs:
                measured = measure(state, data[1], recipe, loss, quality)
                state.measurements.append(measured.measurement)
                if keep is not None:
                    keep(state, measured)
                if on_rung(measured.measurement) is Verdict.STOP:
                    return


def optimiser(detector: nn.Module, recipe: DetectionRecipe) -> Optimizer:
    """For everything that learns; a group's ``factor`` multiplies the learning rate."""
    slow = attention_parameters(detector) if recipe.attention_learning_rate != 1 else set()
    decayed, free = decay_groups(detector)
    adamw = recipe.optimiser == "adamw"
    kinds = (
        ((decayed, recipe.weight_decay), (free, 0.0))
        if adamw
        else (([one for one in detector.parameters() if one.requires_grad], recipe.weight_decay),)
    )
    groups = [
        {"params": parameters, "weight_decay": decay, "factor": factor}
        for attention, factor in ((False, 1.0), (True, recipe.attention_learning_rate))
        for kind, decay in kinds
        if (parameters := [one for one in kind if (one in slow) is attention])
    ]
    if adamw:
        return AdamW(groups, lr=recipe.learning_rate)
    return SGD(groups, lr=recipe.learning_rate, momentum=recipe.momentum)


def train_epoch(
    state: TrainingState, examples: Examples, recipe: DetectionRecipe, seed: int
) -> float:
    """Learn from every picture once, but for the last incomplete batch; the mean loss.

    Raises:
        NonFiniteError: it is not finite.
    """
    state.network.train()
    batch = min(recipe.batch_size, len(examples))
    part, steps = state.group.share(batch), len(examples) // batch
    order = torch.randperm(len(examples), generator=state.draws)[: steps * batch].view(steps, batch)
    mirror = torch.rand(steps, batch, generator=state.draws) < (0.5 if recipe.flip else 0.0)
    places = [row[part].tolist() for row in order]
    total = torch.zeros((), device=state.device)
    for index, found in enumerate(examples.batches(places)):
        flips = mirror[index][part].tolist()
        batch_of = [mirrored(one) if flip else one for one, flip in zip(found, flips, strict=True)]
        seeds = [_seed(seed, state.epoch, place) for place in places[index]]
        rate = recipe.learning_rate_at(state.step, steps)
        for group in state.optimiser.param_groups:
            group["lr"] = rate * group["factor"]
        images = [image.to(state.device) for image, _ in batch_of]
        targets = to_device([target for _, target in batch_of], state.device)
        total += step(state, recipe, images, targets, seeds)
    state.epoch += 1
    mean = state.group.total(total).item() / (steps * state.group.size)
    require_finite(mean, f"training loss of epoch {state.epoch}")
    return mean


def step(
    state: TrainingState,
    recipe: DetectionRecipe,
    images: list[Tensor],
    targets: list[dict[str, Tensor]],
    seeds: list[int],
) -> Tensor:
    """One step down the gradient; returns the loss before it."""
    sampling = samplers(state.network)
    for sampler in sampling or ():
        sampler.seeds = seeds
    losses: dict[str, Tensor] = state.learning(images, targets)
    weights = _weights(state)
    loss = torch.stack([value * weights.get(name, 1.0) for name, value in losses.items()]).sum()
    if not torch.isfinite(loss):
        raise NonFiniteError(
            f"The training loss of step {state.step + 1} is not finite.",
            "Lower the learning rate, or clip the gradient.",
        )
    state.optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    if recipe.gradient_clip:
        nn.utils.clip_grad_norm_(state.network.parameters(), recipe.gradient_clip)
    state.optimiser.step()
    state.step += 1
    return loss.detach()


def _weights(state: TrainingState) -> dict[str, float]:
    """What makes the mean over processes of their losses the loss of the whole batch, by name.

    A loss is a mean over what a process has sampled, and processes sample different numbers.
    """
    sampling = samplers(state.network)
    if state.group.size == 1 or sampling is None:
        return {}
    anchors, proposals = sampling
    own = [anchors.drawn, proposals.drawn, proposals.positive]
    summed = state.group.total(torch.tensor(own, dtype=torch.float64, device=state.device))
    of_anchors, of_proposals, of_masks = (
        mine * state.group.size / max(all_of_them, 1.0)
        for mine, all_of_them in zip(own, summed.tolist(), strict=True)
    )
    return {
        "loss_objectness": of_anchors,
        "loss_rpn_box_reg": of_anchors,
        "loss_classifier": of_proposals,
        "loss_box_reg": of_proposals,
        "loss_mask": of_masks,
    }


def measure(
    state: TrainingState,
    examples: Examples,
    recipe: DetectionRecipe,
    loss: float,
    quality: str,
) -> Measured:
    """Average precision of the detector as it is."""
    results = detect(state.network, examples, recipe, state.device, state.group)
    scores = [score(examples.part.truth(), results, masks=recipe.masks)]
    reached = scores[0].values[quality]
    error = scores[0].errors.get(quality)
    count = 0 if error is None else images_of_error(reached, error)
    further = {
        name: Reported(value, scores[0].errors.get(name))
        for name, value in scores[0].values.items()
        if name != quality
    }
    seconds = _agreed(state.seconds, state.group)
    measurement = Measurement(state.epoch, reached, error or 0.0, loss, count, seconds, further)
    return Measured(measurement, scores[0], results)


@torch.no_grad()
def detect(
    detector: nn.Module,
    examples: Examples,
    recipe: DetectionRecipe,
    device: torch.device,
    group: ProcessGroup = ALONE,
) -> Results:
    """What a detector finds in all pictures, by their ids; the same in all processes."""
    detector.eval()
    own = list(range(group.rank, len(examples), group.size))
    batch = max(recipe.batch_size // group.size, 1)
    batches = [own[start : start + batch] for start in range(0, len(own), batch)]
    found: Results = []
    for places, batch_of in zip(batches, examples.batches(batches), strict=True):
        outputs = detector([image.to(device) for image, _ in batch_of])
        ids = [examples.part.ids[place] for place in places]
        found += as_results(outputs, ids, examples.part.categories, masks=recipe.masks)
    if group.size > 1:
        gathered: list[Results | None] = [None] * group.size
        dist.all_gather_object(gathered, found)
        found = [one for part in gathered for one in part or ()]
    return sorted(found, key=lambda one: int(one["image_id"]))


def _agreed(seconds: float, group: ProcessGroup) -> float:
    """The first process's clock counts."""
    if group.size == 1:
        return seconds
    told = [seconds]
    dist.broadcast_object_list(told)
    return told[0]


def _seed(*parts: int) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big") >> 1
