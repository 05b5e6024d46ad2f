"""What changes from step to step, in closed form and without torch.

``step`` counts from 0; the values are those a step is taken with.
"""

from dataclasses import dataclass
from math import cos, pi

from trials.tasks.classification.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Schedule:
    """A recipe's schedules, laid over the steps of a run.

    Attributes:
        recipe: what they follow from.
        epoch_steps: steps of an epoch.
    """

    recipe: Recipe
    epoch_steps: int

    @property
    def steps(self) -> int:
        """Steps of the whole run."""
        return self.recipe.epochs * self.epoch_steps

    def learning_rate(self, step: int) -> float:
        """Rate that a step is taken with."""
        warmup = round(self.recipe.warmup_epochs * self.epoch_steps)
        return learning_rate(step, steps=self.steps, warmup=warmup, peak=self.recipe.learning_rate)

    def temperature(self, step: int) -> float:
        """Temperature that a step is taken with; 0 where attention starts with cells assigned."""
        if self.recipe.attention_start == "assigned":
            return 0.0
        return temperature(step, steps=self.steps, share=self.recipe.temperature_share)


def learning_rate(step: int, *, steps: int, warmup: int, peak: float) -> float:
    """Linear warm-up to the peak, then half a cosine down to 0.

    Args:
        step: from 0.
        steps: length of the run.
        warmup: steps of warm-up; step ``warmup - 1`` and step ``warmup`` have the peak.
        peak: largest learning rate.
    """
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * (1 + cos(pi * (step - warmup) / (steps - warmup))) / 2


def temperature(step: int, *, steps: int, share: float) -> float:
    """From 1 at step 0 linearly to 0 at ``share * steps``, then 0.

    Li and Yao, arXiv 2308.08361, section 3.3: at 1 every mixture uses the cell assigned to it, at 0
    only what its attention says.
    """
    return max(0.0, 1 - step / (share * steps)) if share else 0.0
