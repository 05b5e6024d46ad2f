"""Proposing values for the dimensions of a space; the door to Optuna."""

from collections.abc import Mapping, Sequence

from search_spaces.choices import Choice, Value
from trials.plugins import SAMPLERS as PLUGINS
from trials.plugins import load_plugin
from trials.sampling.contract import Proposal, Sampler
from trials.sampling.drawn import Drawn
from trials.sampling.exact import Exact, Known
from trials.sampling.guided import Guided
from trials.sampling.importance import importances
from trials.sampling.kinds import DRAWN, GUIDED, LEARNING, SAMPLERS, STARTUP, STARTUP_OF

__all__ = [
    "DRAWN",
    "GUIDED",
    "LEARNING",
    "SAMPLERS",
    "STARTUP",
    "STARTUP_OF",
    "Exact",
    "Known",
    "Proposal",
    "Sampler",
    "importances",
    "make_sampler",
]


def make_sampler(
    kind: str,
    dimensions: Mapping[str, Choice],
    seed: int,
    startup: Sequence[Mapping[str, Value]] = (),
    asked: int = 0,
    *,
    known: Known | None = None,
) -> Sampler:
    """A sampler on the dimensions of a space.

    Args:
        kind: one of `SAMPLERS`, or the name of a plug-in.
        dimensions: what each dimension can take.
        seed: the study's seed.
        startup: values proposed first, in this order.
        asked: proposals made before this sampler was built.
        known: what is known before anything is trained; ``exact`` needs it, others do not ask.

    Raises:
        InputError: there is no such plug-in.
        TypeError: the sampler is ``exact``, and nothing is said to be known.
    """
    if kind == "exact":
        if known is None:
            raise TypeError("The sampler 'exact' needs the space, its limits and its area.")
        return Exact(known, seed, startup, asked)
    if kind in GUIDED:
        return Guided(kind, dimensions, seed, startup, asked)
    if kind in DRAWN:
        return Drawn(dimensions, seed, startup, asked, evenly=kind == "qmc")
    plugin = load_plugin(PLUGINS, kind)
    made: Sampler = plugin(dimensions=dimensions, seed=seed, startup=startup, asked=asked)
    return made
