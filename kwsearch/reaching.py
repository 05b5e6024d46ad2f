"""Sizes that a space does not reach are refused, instead of listing what is far from them."""

from typing import TYPE_CHECKING

from search_spaces import NetworkConfig
from search_spaces.budget import count
from search_spaces.constraints import Limits
from search_spaces.shrinking import advice
from trials.errors import NothingFeasibleError

if TYPE_CHECKING:
    from kwsearch.problems import Problem

NEAR = 0.05
"""How far a size may be from the one that was asked for, as a share of it."""


def require_within_reach(asked: "Problem", params: int | None, seed: int) -> None:
    """See that the budget holds networks, and of about the size that was asked for.

    Sizes between the smallest and the largest network pass, even where a space of few choices has
    none that is near: then the nearest ones are what a person wants to see.

    Args:
        asked: space and limits.
        params: the size; None where none was asked for.
        seed: of the draws.

    Raises:
        NothingFeasibleError: nothing is inside the budget, or the size lies below or above all that
            is; the cause names the smallest or largest network, the cure what to write.
    """
    space, limits = asked.space, asked.limits
    ends = space.ends(limits, seed)
    if ends is None:
        from trials.search import require_member  # noqa: PLC0415 - loaded only for a refusal

        require_member(space, limits, seed)
        return
    low, high = (count(config, space.backbone).params for config in ends)
    if params is None or low * (1 - NEAR) <= params <= high * (1 + NEAR):
        return
    below = params < low
    inside = "" if limits == Limits() else f" inside the budget ({limits})"
    raise NothingFeasibleError(
        f"No configuration of this space comes near {params:,} parameters: the "
        f"{'smallest' if below else 'largest'}{inside} has {low if below else high:,}.",
        _lower(asked, ends[0], low, seed) if below else _HIGHER,
    )


_HIGHER = "Raise max_params in [budget], or cell_num_ratio in [space]."


def _lower(asked: "Problem", smallest: NetworkConfig, params: int, seed: int) -> str:
    if asked.space.smallest_params(seed) < params:
        return "Lower min_params or min_macs in [budget]."
    return advice(smallest, asked.space.backbone)
