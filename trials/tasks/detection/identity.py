"""What the trials of a detection study are measured by, without torch."""

from dataclasses import dataclass

from trials.fidelity import Ladder
from trials.tasks.contract import identity_of
from trials.tasks.detection import VERSION
from trials.tasks.detection.recipe import DetectionRecipe


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionFacts:
    """Everything that changes what a detector's short training measures.

    Attributes:
        data: SHA-256 of pictures and annotations.
        seed: of the study: seeds of trainings and the split are made of it.
        recipe: how to train; as long as the ladder.
        ladder: epochs after which a trial is measured.
        validation_share: share of the pictures for training that is set apart.
        training_share: share of the others that is learnt from.
        start: what trials start from: ``scratch``, or the SHA-256 of a file.
        quality: name of the value that trials are compared by.
        device: kind of device, in torch's words.
    """

    data: str
    seed: int
    recipe: DetectionRecipe
    ladder: Ladder
    validation_share: float
    training_share: float
    start: str
    quality: str
    device: str

    def identity(self, version: int = VERSION) -> str:
        """The digest, with a version of the training."""
        return identity_of(
            task="detection",
            version=version,
            data=self.data,
            split=(self.seed, self.validation_share, self.training_share),
            recipe=self.recipe.facts(),
            rungs=self.ladder.rungs,
            start=self.start,
            quality=self.quality,
            device=self.device,
        )
