"""What networks of a space would cost, as plain rows, before any training."""

from collections.abc import Iterable
from itertools import count as numbers
from itertools import islice
from math import log
from typing import TYPE_CHECKING, Any

from kwsearch.answers import Row
from search_spaces import Plan, plan_network
from search_spaces.budget import Count, count
from search_spaces.reference import ReferenceRow, reference_rows

if TYPE_CHECKING:
    from kwsearch.problems import Problem
    from search_spaces.space import Space

_TRIES = 4000
_STALE = 200
"""Draws in a row that were known already, after which a space holds nothing new."""

_STEPS = 24
_NEAR = 0.05


def count_row(planned: Plan) -> Row:
    """What a configuration costs, with every warehouse and site, and published networks beside."""
    row = {
        **count(planned).to_dict(),
        "digest": planned.digest,
        "config": planned.config.model_dump(mode="json"),
    }
    published = [_published_row(known) for known in reference_rows(planned.backbone.name)]
    return {**row, "published": published} if published else row


def beside_published(rows: Iterable[Row], backbone: str, params: int | None) -> list[Row]:
    """Rows of `plan`, followed by the published networks of the backbone, marked as such."""
    known = reference_rows(backbone)
    if not known:
        return [*rows]
    own = [{**row, "published": None, "accuracy": None, "training": None} for row in rows]
    for reference in known:
        row: Row = {
            **dict.fromkeys(("params", "macs", "attention_params", "digest", "config")),
            **_published_row(reference),
        }
        if reference.config is not None:
            row["config"] = reference.config.model_dump(mode="json")
        if params is not None:
            row["relative"] = reference.params / params - 1
        own.append(row)
    return own


def _published_row(known: ReferenceRow) -> Row:
    return {
        "published": known.name,
        "params": known.params,
        "macs": known.macs,
        "accuracy": known.accuracy,
        "training": f"published, {known.training}",
    }


def plan(asked: "Problem", *, params: int | None, number: int, seed: int) -> list[Row]:
    """Configurations of a space that land in its budget, before any training.

    Random choices are drawn; with ``params``, the multiplier of each is then set by bisection so
    that the size comes as near as it can, and those nearest to it are listed first. Without,
    the list covers the budget evenly, small to large.

    Args:
        asked: space and limits.
        params: the size to come near to.
        number: configurations to list.
        seed: of the draws.

    Returns:
        Rows with ``params``, ``relative`` (to ``params``), ``macs`` and ``config``.
    """
    if params is None:
        found = asked.space.spread(number, asked.limits, seed)
        return sorted(
            (_plan_row(*_counted(asked.space, values), None) for values in found),
            key=lambda r: r["params"],
        )
    rows: dict[str, Row] = {}
    near = stale = 0
    for values in islice(_towards(asked.space, params, seed), _TRIES):
        planned, size = _counted(asked.space, values)
        if asked.limits.broken(size):
            continue
        row = _plan_row(planned, size, params)
        stale = stale + 1 if row["digest"] in rows else 0
        near += not stale and abs(row["relative"]) <= _NEAR
        rows.setdefault(row["digest"], row)
        if near >= 2 * number or stale >= _STALE:
            break
    return sorted(rows.values(), key=lambda row: abs(row["relative"]))[:number]


def _counted(space: "Space", values: dict[str, Any]) -> tuple[Plan, Count]:
    """The network of values that can be built."""
    planned = plan_network(space.decode(values), space.backbone)
    return planned, count(planned)


def _plan_row(planned: Plan, size: Count, params: int | None) -> Row:
    row: Row = {
        "params": size.params,
        "macs": size.macs,
        "attention_params": size.attention_params,
        "digest": planned.digest,
        "config": planned.config.model_dump(mode="json"),
    }
    if params is not None:
        row["relative"] = size.params / params - 1
    return row


def _towards(space: "Space", params: int, seed: int) -> Iterable[dict[str, Any]]:
    """Draws whose multipliers are scaled together until the size is as near as it gets."""
    import numpy as np  # noqa: PLC0415 - loaded by whoever plans

    rng = np.random.default_rng(seed)
    multipliers = [n for n in space.dimensions if n.partition(".")[0] == "cell_num_ratio"]
    for _ in numbers():
        values = space.draw(rng)
        if space.count(values) is None:
            continue
        yield _scaled(space, values, multipliers, params)


def _scaled(
    space: "Space", values: dict[str, Any], multipliers: list[str], params: int
) -> dict[str, Any]:
    """Parameters grow with every multiplier, so bisection on a common shift in share finds it."""
    choices = {name: space.dimensions[name] for name in multipliers}
    low, high = -1.0, 1.0
    shares = {name: choice.share(values[name]) for name, choice in choices.items()}
    best, off = values, float("inf")
    for _ in range(_STEPS):
        shift = (low + high) / 2
        tried = dict(values)
        for name, choice in choices.items():
            tried[name] = choice.at(min(max(shares[name] + shift, 0.0), 1.0))
        size = space.count(tried)
        if size is None:
            return best
        miss = log(size.params / params)
        if abs(miss) < off:
            best, off = tried, abs(miss)
        low, high = (low, shift) if miss > 0 else (shift, high)
    return best
