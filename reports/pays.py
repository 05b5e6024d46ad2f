"""Does KernelWarehouse pay? The front of a study against plain networks of the same training.

A plain network is the mean of its trainings, a member of the front one training, or the mean of
several where the study has repeats. `reports.intervals` says which errors a difference has; the
spread between seeds is pooled over plain and repeated networks, and a member that was trained once
is taken to spread as much. That the front holds the best of many makes its gain a little too large,
which repeats mend: their seeds had no part in the choice.

Nothing here reads a database, and nothing heavy is loaded.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from statistics import fmean
from typing import NamedTuple

from reports.intervals import Errors, Interval
from reports.repeated import Mean, front_of
from reports.trainings import PlainNetwork, plain_networks
from reports.trainings import errors as errors_of
from trials.costs import Cost
from trials.records import BaselineRecord, Role, TrialRecord, TrialState


class Pays(StrEnum):
    """What the comparison comes to."""

    YES = "yes"
    NO = "no"
    OPEN = "cannot be told apart"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Plain:
    """A plain network and what the front has beside it.

    Attributes:
        network: its name.
        role: the study's own backbone, another width of it, or a network that a person named.
        params: parameters.
        macs: MACs of one image.
        cost: what the front is over, see `trials.costs`.
        kind: what that cost is.
        seeds: trainings measured.
        accuracy: mean share of validation images classified rightly, with its interval.
        gain: accuracy of the most accurate member of the front that is no larger, less that of the
            plain network; None where every member is larger.
        trial: number of that member.
        share: cost of the smallest member that is as accurate / cost of the plain network. Its
            ends belong to the smallest member that cannot be told to be less accurate
            and to the smallest that is told to be as accurate; None where there is no such member.
    """

    network: str
    role: Role
    params: int
    macs: int
    cost: int
    kind: Cost
    seeds: int
    accuracy: Interval
    gain: Interval | None
    trial: int | None
    share: Interval | None


@dataclass(frozen=True, slots=True)
class Payoff:
    """Whether KernelWarehouse pays in a study.

    Attributes:
        verdict: by the gain over the plain backbone at its size, or over the ladder where every
            member of the front is larger.
        plain: the plain backbone; None while it is not measured.
        others: other plain networks, by ascending cost.
        ladder: mean gain over the plain networks of several widths that some member of the front is
            no larger than, the backbone among them; None where there are no other widths.
        rungs: how many networks that is the mean of.
        spread: standard deviation between seeds, pooled; None where no network has several.
        errors: what enters the intervals; None while the plain backbone is not measured.
        why: of an unknown verdict, what is missing.
        measure: what networks are compared by, in words.
    """

    verdict: Pays
    plain: Plain | None = None
    others: tuple[Plain, ...] = ()
    ladder: Interval | None = None
    rungs: int = 0
    spread: float | None = None
    errors: Errors | None = None
    why: str = ""
    measure: str = "accuracy"


class _Member(NamedTuple):
    cost: int
    accuracy: float
    number: int
    trainings: int


def gain_over_plain(found: Payoff, accuracy: float, trainings: int = 1) -> Interval | None:
    """What a trial gains over the plain backbone, of whatever sizes they are.

    Args:
        found: of the study.
        accuracy: of the trial, the mean of its trainings.
        trainings: how many those are.
    """
    plain, errors = found.plain, found.errors
    if plain is None or errors is None:
        return None
    return errors.gain(accuracy, plain.accuracy.value, plain.seeds, trainings)


def payoff(
    front: Iterable[TrialRecord],
    baselines: Sequence[BaselineRecord],
    found: Sequence[Mean] = (),
    kind: Cost = Cost.PARAMS,
    measure: str = "accuracy",
) -> Payoff:
    """Compare a front with the plain networks of its study.

    Args:
        front: its members, each by one training.
        baselines: of the study, in whatever state.
        found: means of trials that were trained again; where there are any, their front is compared
            in place of ``front``.
        kind: what the front is over.
        measure: what networks are compared by, in words.
    """
    members = _means(found) if found else _single(front)
    networks = plain_networks(baselines)
    own = next((one for one in networks if one.first.baseline.role is Role.PLAIN), None)
    if own is None:
        return Payoff(Pays.UNKNOWN, why=_missing(baselines))
    errors = errors_of(baselines, [mean.repeated for mean in found])
    plain = _beside(own, members, errors, kind)
    others = [_beside(one, members, errors, kind) for one in networks if one is not own]
    ladder, rungs = _ladder([one for one in networks if _is_width(one)], members, errors)
    return Payoff(
        verdict=_verdict(plain.gain or ladder) if members else Pays.UNKNOWN,
        plain=plain,
        others=tuple(sorted(others, key=lambda one: one.cost)),
        ladder=ladder,
        rungs=rungs,
        spread=errors.spread,
        errors=errors,
        why="" if members else "No trial has reached the top rung yet.",
        measure=measure,
    )


def _single(front: Iterable[TrialRecord]) -> list[_Member]:
    return sorted(_Member(t.trial.cost, t.accuracy or 0.0, t.number, 1) for t in front)


def _means(found: Sequence[Mean]) -> list[_Member]:
    return [
        _Member(m.trial.trial.cost, m.accuracy.value, m.number, len(m.accuracies))
        for m in front_of(found)
    ]


def _is_width(network: PlainNetwork) -> bool:
    return network.first.baseline.role in (Role.PLAIN, Role.WIDTH)


def _beside(network: PlainNetwork, members: Sequence[_Member], errors: Errors, kind: Cost) -> Plain:
    baseline = network.first.baseline
    best = _best(network, members)
    return Plain(
        network=baseline.network,
        role=baseline.role,
        params=baseline.params,
        macs=baseline.macs,
        cost=baseline.cost,
        kind=kind,
        seeds=len(network.accuracies),
        accuracy=errors.mean(network.mean, len(network.accuracies)),
        gain=None if best is None else _gain(best, network, errors),
        trial=None if best is None else best.number,
        share=_share(network, members, errors),
    )


def _gain(member: _Member, network: PlainNetwork, errors: Errors) -> Interval:
    seeds = len(network.accuracies)
    return errors.gain(member.accuracy, network.mean, seeds, member.trainings)


def _best(network: PlainNetwork, members: Sequence[_Member]) -> _Member | None:
    """The most accurate member that is no larger."""
    smaller = [one for one in members if one.cost <= network.first.baseline.cost]
    return smaller[-1] if smaller else None


def _share(network: PlainNetwork, members: Sequence[_Member], errors: Errors) -> Interval | None:
    """Of the sizes of three members: the smallest that may be, is, and surely is as accurate."""
    cost = network.first.baseline.cost
    gains = [(one.cost / cost, _gain(one, network, errors)) for one in members]

    def smallest(place: int) -> float | None:
        return next((size for size, gain in gains if (gain[place] or 0.0) >= 0), None)

    value = smallest(0)
    return None if value is None else Interval(value, smallest(2), smallest(1))


def _ladder(
    widths: Sequence[PlainNetwork], members: Sequence[_Member], errors: Errors
) -> tuple[Interval | None, int]:
    """Mean gain over networks of several widths.

    Images are shared, so their errors are averaged; seeds are not, so their squares are. A member
    of the front that stands beside several widths is one network, and its error is shared too.
    """
    pairs = [(one, best) for one in widths if (best := _best(one, members)) is not None]
    if len(widths) < 2 or not pairs:  # noqa: PLR2004 - one width is no ladder
        return None, 0
    number = len(pairs)
    alone = Errors(errors.images, 0.0)
    gains = [_gain(member, network, alone) for network, member in pairs]
    times = Counter(member for _, member in pairs)
    own = [n**2 / member.trainings for member, n in times.items()]
    trained = [1 / len(network.accuracies) for network, _ in pairs]
    seeds = errors.seeds * sqrt(sum(own) + sum(trained)) / number
    value = fmean(gain.value for gain in gains)
    below = fmean(gain.value - (gain.low or 0.0) for gain in gains)
    above = fmean((gain.high or 0.0) - gain.value for gain in gains)
    return Interval.around(value, sqrt(below**2 + seeds**2), sqrt(above**2 + seeds**2)), number


def _verdict(gain: Interval | None) -> Pays:
    if gain is None:
        return Pays.UNKNOWN
    if (gain.low or 0.0) > 0:
        return Pays.YES
    return Pays.NO if (gain.high or 0.0) < 0 else Pays.OPEN


def _missing(baselines: Sequence[BaselineRecord]) -> str:
    """Why there is no plain backbone to compare with."""
    own = [one for one in baselines if one.baseline.role is Role.PLAIN]
    if not own:
        return (
            "This study measures no plain network: it was created without baselines, or by a "
            "version that knew none."
        )
    name = own[0].baseline.network
    failed = [one for one in own if one.state is TrialState.FAILED]
    if len(failed) < len(own):
        return f"Plain {name} is not measured yet."
    return f"Plain {name} could not be measured ({failed[0].cause}: {failed[0].detail})"
