"""What people ask of a study, as plain rows: dictionaries with the same keys for table, JSON, CSV.

Nothing here trains or loads torch. ``plan`` answers before any training, the others from the
database.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import count as numbers
from itertools import islice
from math import log
from typing import TYPE_CHECKING, Any

from search_spaces import Plan, plan_network
from search_spaces.budget import Count, count
from search_spaces.reference import ReferenceRow, reference_rows
from trials.records import StudyRecord, TrialRecord
from trials.store import Store

if TYPE_CHECKING:
    from kwsearch.problems import Problem
    from search_spaces.space import Space

Row = dict[str, Any]

_TRIES = 4000
_STALE = 200
"""Draws in a row that were known already, after which a space holds nothing new."""

_STEPS = 24
_NEAR = 0.05
_ROUNDING = 1e-12


def trial_row(record: TrialRecord) -> Row:
    """A trial for tables, JSON and CSV."""
    return {
        "trial": record.number,
        "params": record.trial.params,
        "macs": record.trial.macs,
        "accuracy": record.accuracy,
        "accuracy_error": record.accuracy_error,
        "loss": record.loss,
        "epochs": record.epochs,
        "state": record.state.value,
        "seconds": round(record.seconds, 3),
        "digest": record.trial.digest,
        "config": record.trial.config.model_dump(mode="json"),
    }


def show(store: Store, name: str, number: int) -> Row:
    """A trial with its curve, why it ended as it did, and who beats it.

    A trial is beaten by the members of the front that are no larger and no less accurate, by its
    last accuracy: a trial that was stopped was trained for less.
    """
    record = store.trial(name, number)
    members = store.front(name, max_params=record.trial.params, min_accuracy=record.accuracy)
    others = [m for m in members if m.number != number and record.accuracy is not None]
    return {
        **trial_row(record),
        "on_front": any(member.number == number for member in members),
        "cause": record.cause,
        "detail": record.detail,
        "attempt": record.trial.attempt,
        "seed": record.trial.seed,
        "worker": record.worker,
        "started_at": record.started_at.isoformat(),
        "finished_at": record.finished_at.isoformat() if record.finished_at else None,
        "values": dict(record.values),
        "full_trainings": [
            {**asdict(t), "finished_at": t.finished_at.isoformat() if t.finished_at else None}
            for t in store.trainings(name, number)
        ],
        "measurements": [*_curve(store, name, number)],
        "beaten_by": [
            {"trial": m.number, "params": m.trial.params, "accuracy": m.accuracy} for m in others
        ],
    }


def _curve(store: Store, name: str, number: int) -> Iterator[Row]:
    """Measurements of a trial, each with what promotion decided on it, and why."""
    decisions = store.decisions(name, number)
    for _, measured in store.measurements(name, number):
        made = decisions.get(measured.epoch)
        decided = {"goes_on": made and made.goes_on, "reason": made and made.reason}
        yield {**asdict(measured), **decided}


def study_row(study: StudyRecord) -> Row:
    """A study in one line."""
    return {
        "study": study.name,
        "backbone": study.spec.backbone.name,
        "trials": study.spec.trials,
        **{state.value: n for state, n in study.states.items()},
        "refused": sum(study.refused.values()),
        "epochs": study.epochs,
        "seconds": round(study.seconds, 3),
        "hypervolume": study.hypervolume,
        "created_at": study.created_at.isoformat(),
    }


def status(store: Store, name: str) -> Row:
    """How a study stands."""
    study = store.study(name)
    front = store.front(name)
    best = front[-1] if front else None
    return {
        **study_row(study),
        "seed": study.spec.seed,
        "refused": {reason.value: n for reason, n in study.refused.items()},
        "reference": {
            "params": study.spec.reference_params,
            "accuracy": study.spec.reference_accuracy,
        },
        "front": len(front),
        "best_accuracy": best.accuracy if best else None,
        "best_params": best.trial.params if best else None,
    }


def front(
    store: Store,
    name: str,
    *,
    max_params: int | None = None,
    min_accuracy: float | None = None,
    only_knee: bool = False,
) -> list[Row]:
    """The front of a study by ascending parameters, or the part of it inside the limits.

    Args:
        store: the database.
        name: of the study.
        max_params: most parameters.
        min_accuracy: lowest accuracy, as a share.
        only_knee: keep the one member where more parameters stop paying, see
            `trials.pareto.knee`.
    """
    members = store.front(name, max_params=max_params, min_accuracy=min_accuracy)
    if only_knee:
        from trials.pareto import Point, knee  # noqa: PLC0415 - numpy, which only a knee needs

        bend = knee([Point.of(m.trial.params, m.accuracy or 0.0, m.number) for m in members])
        members = [m for m in members if bend is not None and m.number == bend.number]
    return [trial_row(member) for member in members]


def smallest_within(store: Store, best: TrialRecord, within: float) -> TrialRecord:
    """The smallest complete trial whose accuracy is at most ``within`` below that of ``best``.

    A trial that no smaller one equals is on the front, so the front is looked through.

    Args:
        store: the database.
        best: the most accurate trial that may be taken.
        within: share of the images: 0.005 for half a percentage point.
    """
    least = (best.accuracy or 0.0) - within - _ROUNDING
    members = store.front(best.trial.study, max_params=best.trial.params, min_accuracy=least)
    return members[0] if members else best


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
