"""Proposing values for the dimensions of a space; the door to Optuna."""

from collections.abc import Mapping, Sequence

from search_spaces.choices import Choice, Value
from trials.sampling.contract import Proposal, Sampler
from trials.sampling.drawn import Drawn
from trials.sampling.guided import Guided
from trials.sampling.importance import importances
from trials.sampling.kinds import GUIDED, SAMPLERS, STARTUP

__all__ = ["GUIDED", "SAMPLERS", "STARTUP", "Proposal", "Sampler", "importances", "make_sampler"]


def make_sampler(
    kind: str,
    dimensions: Mapping[str, Choice],
    seed: int,
    startup: Sequence[Mapping[str, Value]] = (),
    asked: int = 0,
) -> Sampler:
    """One of `SAMPLERS` on the dimensions of a space.

    Args:
        kind: one of `SAMPLERS`.
        dimensions: what each dimension can take.
        seed: the study's seed.
        startup: values proposed first, in this order.
        asked: proposals made before this sampler was built.
    """
    if kind in GUIDED:
        return Guided(kind, dimensions, seed, startup, asked)
    return Drawn(dimensions, seed, startup, asked, evenly=kind == "qmc")
