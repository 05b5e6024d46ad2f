"""By what a study of image classification is measured, without torch and without the images."""

from dataclasses import dataclass

from trials.fidelity import Ladder
from trials.tasks.classification import VERSION
from trials.tasks.classification.recipe import Recipe
from trials.tasks.contract import identity_of

SCRATCH = "scratch"
"""What trainings start from without a trained network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyFacts:
    """Everything that changes what a proxy measures; a study's identity is their digest.

    Attributes:
        images: SHA-256 of the prepared data set.
        seed: of the study: seeds of trainings and the split are made of it.
        recipe: how to train from scratch; as long as the ladder.
        ladder: epochs after which a trial is measured.
        validation_share: share of the training images that is set apart.
        training_share: share of the others that is learnt from.
        start: what trials start from: `SCRATCH`, a word, or the SHA-256 of a file.
        start_learning_rate: its highest learning rate, where they start from something.
        way: how a served layer is computed.
        device: kind of device, in torch's words.
    """

    images: str
    seed: int
    recipe: Recipe
    ladder: Ladder
    validation_share: float
    training_share: float
    start: str
    start_learning_rate: float
    way: str
    device: str

    def identity(self, version: int = VERSION) -> str:
        """The digest, with a version of the training."""
        begun = {"from": self.start}
        if self.start != SCRATCH:
            begun["learning_rate"] = repr(self.start_learning_rate)
        return identity_of(
            task="classification",
            version=version,
            data=self.images,
            split=(self.seed, self.validation_share, self.training_share),
            recipe=self.recipe.facts(),
            rungs=self.ladder.rungs,
            start=begun,
            way=self.way,
            device=self.device,
        )
