"""Full training of a detector: the one loop, with a checkpoint after every epoch to go on from."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from search_spaces import Plan
from trials.checkpoints import Checkpoints
from trials.files import write_whole
from trials.records import Measurement, Verdict
from trials.tasks.classification.checkpoint import (
    Checkpoint,
    write_checkpoint,
)
from trials.tasks.classification.full import gone_on_from, joined, write_weights
from trials.tasks.classification.process_group import share_statistics
from trials.tasks.classification.starting import Start, started
from trials.tasks.classification.state import TrainingState
from trials.tasks.contract import identity_of
from trials.tasks.detection.coco import CocoFolder, for_full
from trials.tasks.detection.detector import detector_of
from trials.tasks.detection.examples import Examples
from trials.tasks.detection.loop import Measured, train
from trials.tasks.detection.recipe import DetectionRecipe
from trials.tasks.detection.scoring import BOXES, MASKS

WEIGHTS = "detector.safetensors"
"""The whole detector's weights; those of the backbone are under ``backbone.body.``."""

SCORES = "scores.json"
"""While the training lasts: what was measured after each epoch."""

FOUND = {BOXES: "detections-boxes.json", MASKS: "detections-masks.json"}
"""The detections in the pictures that the training is measured on, in COCO's format of results."""

Watch = Callable[[Measurement], None]


@dataclass(frozen=True, slots=True)
class DetectionTraining:
    """A full training.

    Attributes:
        plan: of the backbone.
        recipe: how to train.
        coco: the data.
        folder: where checkpoints, weights and detections are written.
        seed: of the weights, of order and mirroring.
        device: in torch's words; None for a GPU where there is one.
        start: what the backbone starts from; None to start from scratch.
        workers: processes that decode pictures, for each process that trains.
    """

    plan: Plan
    recipe: DetectionRecipe
    coco: CocoFolder
    folder: Path
    seed: int = 0
    device: str | None = None
    start: Start | None = None
    workers: int = 0

    @property
    def checkpoints(self) -> Checkpoints:
        """Where the state after each epoch is kept."""
        return Checkpoints(self.folder, "checkpoints")

    @property
    def identity(self) -> str:
        """Digest of everything that the trained weights follow from, but the machine."""
        start = {} if self.start is None else {"start": self.start.identity}
        return identity_of(
            **start,
            task="detection",
            network=self.plan.digest,
            recipe=self.recipe.facts(),
            seed=self.seed,
            data=self.coco.sha256,
        )

    def network(self) -> nn.Module:
        """The backbone as the training begins with it."""
        return started(self.plan, attention_start="assigned", seed=self.seed, start=self.start)

    def detector(self, network: nn.Module) -> nn.Module:
        """The detector on a backbone."""
        return detector_of(
            network,
            self.recipe,
            in_channels=self.plan.backbone.in_channels,
            classes=len(self.coco.categories),
        )

    def run(self, watch: Watch) -> Measurement:
        """Train to the end, from the last checkpoint if there is one.

        Under ``torchrun`` each process calls this alike; the first one writes.

        Args:
            watch: called with the measurement after each epoch, in the first process alone.

        Returns:
            The last measurement, of the weights that now lie in ``detector.safetensors``.

        Raises:
            InputError: the folder has checkpoints of another training.
            NonFiniteError: the training diverged.
            StorageError: a file cannot be written.
        """
        last: list[Measurement] = []
        channels = self.plan.backbone.in_channels
        learnt, measured = (
            Examples(part, channels, self.recipe.masks, self.workers)
            for part in for_full(self.coco)
        )

        def report(measurement: Measurement) -> Verdict:
            last.append(measurement)
            if group.rank == 0:
                watch(measurement)
            return Verdict.CONTINUE

        def keep(state: TrainingState, reached: Measured) -> None:
            if group.rank:
                return
            self._write_scores(state.epoch, reached)
            if state.epoch == self.recipe.epochs:  # first: where this is lost, so is the other
                self._write_results(reached)
                write_weights(self.folder / WEIGHTS, state.network)
            write_checkpoint(self.checkpoints.path(0, state.epoch), state.checkpoint(self.identity))
            self.checkpoints.thin(0)

        with joined(self.device) as (group, device), torch.random.fork_rng(devices=[]):
            detector = self.detector(self.network())
            if self.recipe.norms == "batch":
                detector = share_statistics(detector.to(device), group)
            train(
                detector,
                (learnt, measured),
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
        """Remove what is needed only to go on from."""
        shutil.rmtree(self.checkpoints.path(0, 0).parent, ignore_errors=True)
        (self.folder / SCORES).unlink(missing_ok=True)

    def scores(self) -> list[dict[str, Any]]:
        """What was measured after each epoch: ``epoch``, ``values``, ``errors``, ``categories``."""
        try:
            told: list[dict[str, Any]] = json.loads((self.folder / SCORES).read_bytes())
        except FileNotFoundError:
            return []
        return told

    def _write_scores(self, epoch: int, reached: Measured) -> None:
        row = {
            "epoch": epoch,
            "values": dict(reached.scores.values),
            "errors": dict(reached.scores.errors),
            "categories": {name: dict(one) for name, one in reached.scores.categories.items()},
        }
        before = [one for one in self.scores() if one["epoch"] < epoch]
        _write(self.folder / SCORES, [*before, row])

    def _write_results(self, reached: Measured) -> None:
        """A file for each kind: of both in one, pycocotools takes the areas of boxes for masks'."""
        for kind in (BOXES, MASKS) if self.recipe.masks else (BOXES,):
            odd = {BOXES: "segmentation", MASKS: "bbox"}[kind]
            _write(
                self.folder / FOUND[kind],
                [{k: v for k, v in one.items() if k != odd} for one in reached.results],
            )


def _write(path: Path, value: list[dict[str, Any]] | Mapping[str, Any]) -> None:
    raw = json.dumps(value, allow_nan=False).encode()
    write_whole(path, lambda file: file.write(raw), need=len(raw))
