"""What changes from step to step, in closed form and without torch.

``step`` counts from 0; the values are those a step is taken with.
"""

from math import cos, pi


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
