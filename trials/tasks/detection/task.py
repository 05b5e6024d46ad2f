"""A study's task that is a short training of detectors; torch is loaded with this file."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from search_spaces import Backbone
from search_spaces.networks import plain_of, start_plain
from search_spaces.networks.timing import with_threads
from trials.checkpoints import Checkpoints
from trials.records import Job, Report, Role, Trial, Verdict
from trials.tasks.classification.checkpoint import latest, write_checkpoint
from trials.tasks.classification.starting import Start, started
from trials.tasks.classification.state import TrainingState
from trials.tasks.contract import Quality, Shapes, identity_of
from trials.tasks.detection.coco import CocoFolder, for_search
from trials.tasks.detection.detector import detector_of
from trials.tasks.detection.examples import Examples
from trials.tasks.detection.identity import DetectionFacts
from trials.tasks.detection.loop import Measured, train
from trials.tasks.detection.recipe import DetectionRecipe
from trials.tasks.own.state import Place, PlainPlace, TrialPlace

ERROR = "resampled pictures to measure on"


@dataclass(frozen=True, slots=True)
class DetectionTask:
    """Measures the trials and baselines of a study; a `trials.tasks.contract.Task`.

    A trial's network is the backbone of a detector, whose neck and heads are the same for all
    trials and start from the trial's seed. What is kept of a trial is its backbone: the neck and
    heads of a short training are of no use to anyone.

    Attributes:
        facts: by what it is measured.
        coco: the data.
        backbone: table of the study's network.
        checkpoints: where states of trials lie.
        folder: where states of plain networks lie.
        start: the trained plain network that backbones start from; None to start from scratch.
        threads: CPU threads for torch; None leaves them as they are.
        workers: processes that decode pictures; 0 for the training's own.
    """

    facts: DetectionFacts
    coco: CocoFolder
    backbone: Backbone
    checkpoints: Checkpoints
    folder: Path
    start: Start | None = None
    threads: int | None = None
    workers: int = 0

    @property
    def identity(self) -> str:
        """See `DetectionFacts`."""
        return self.facts.identity()

    @property
    def shapes(self) -> Shapes:
        """Of the pictures, as far as they are alike, and how many categories there are."""
        edge = self.backbone.input_size[0]
        return Shapes((self.coco.channels, edge, edge), len(self.coco.categories))

    @property
    def qualities(self) -> tuple[Quality, ...]:
        """The one that trials are compared by."""
        return (Quality(self.facts.quality, ERROR),)

    def __call__(self, job: Job, report: Report, /) -> None:
        """Build the detector of a job, train it, and report after every rung.

        Everything random follows from ``job.seed``. A job that has checkpoints goes on from the
        newest whole one, and ends as it would have uninterrupted.

        Raises:
            InputError: a picture cannot be decoded, or the backbone has no stages.
            NonFiniteError: the training diverged.
            StorageError: a checkpoint cannot be written.
        """
        facts = self._facts(job)
        identity = identity_of(
            task=facts.identity(), network=job.digest, seed=job.seed, plain=self._trial(job) is None
        )
        place = self._place(job, identity)
        top = facts.ladder.top
        with with_threads(self.threads), torch.random.fork_rng(devices=[]):
            network = self._network(job)
            detector = self._detector(network, facts.recipe)

            def keep(state: TrainingState, measured: Measured) -> None:
                del measured
                if place is None:
                    return
                kept = state.checkpoint(identity)
                if state.epoch == top:
                    kept = replace(kept, tensors=network.state_dict())
                write_checkpoint(place.path(state.epoch), kept)
                place.thin()

            found = latest(place.newest_first(), identity) if place is not None else None
            if found is not None and found.epoch == top:  # it is over: told again, not trained
                for measurement in found.measurements:
                    if report(measurement) is Verdict.STOP:
                        break
                return
            train(
                detector,
                self._examples(facts),
                facts.recipe,
                seed=job.seed,
                rungs=facts.ladder.rungs,
                on_rung=report,
                quality=facts.quality,
                device=facts.device,
                keep=keep,
                resume=found,
            )

    def _facts(self, job: Job) -> DetectionFacts:
        """Those of the study, or of an audit's longer schedule."""
        epochs = None if isinstance(job, Trial) else job.schedule_epochs
        if epochs is None:
            return self.facts
        recipe = self.facts.recipe.changed(epochs=epochs)
        return replace(self.facts, recipe=recipe, ladder=self.facts.ladder.to(epochs))

    def _trial(self, job: Job) -> Trial | None:
        return job if isinstance(job, Trial) else job.repeats

    def _network(self, job: Job) -> nn.Module:
        trial = self._trial(job)
        if trial is not None:
            return started(
                trial.config,
                self.backbone,
                attention_start="assigned",
                seed=job.seed,
                start=self.start,
            )
        assert not isinstance(job, Trial)  # noqa: S101 - or it would be the trial
        torch.manual_seed(job.seed)
        network = plain_of(job.backbone)
        if self.start is not None and job.role is Role.PLAIN:
            start_plain(network, job.backbone.name, self.start.tensors())
        return network

    def _detector(self, network: nn.Module, recipe: DetectionRecipe) -> nn.Module:
        return detector_of(
            network,
            recipe,
            in_channels=self.coco.channels,
            classes=len(self.coco.categories),
        )

    def _examples(self, facts: DetectionFacts) -> tuple[Examples, Examples]:
        parts = for_search(self.coco, facts.seed, facts.validation_share, facts.training_share)
        learnt, measured = (
            Examples(part, self.coco.channels, facts.recipe.masks, self.workers) for part in parts
        )
        return learnt, measured

    def _place(self, job: Job, identity: str) -> Place | None:
        """Where states of a job lie; None for a repeat, which keeps none."""
        if isinstance(job, Trial):
            return TrialPlace(self.checkpoints, job.number)
        if job.role is Role.AUDIT:
            return TrialPlace(self.checkpoints.of_audits(), job.number)
        return None if job.role is Role.REPEAT else PlainPlace(self.folder, identity)
