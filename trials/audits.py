"""Which networks of a study are trained to a longer schedule, to see how far its proxy is right.

An audit is a `Baseline` job of the role `AUDIT`: it is written, resumed, copied, merged and checked
as baselines are. A trial that was stopped at a rung is trained by the proxy too, from its own seed
to the top rung, so that every audited network has both accuracies.
"""

import hashlib
from collections.abc import Collection, Sequence
from math import log

from search_spaces import Backbone
from trials.records import Baseline, BaselineRecord, Role, Trial, TrialRecord, TrialState

AUDITED = (TrialState.COMPLETE, TrialState.STOPPED)
"""States of trials that may be audited."""


def spread(
    measured: Sequence[TrialRecord], front: Collection[int], number: int, chosen: Collection[int]
) -> list[TrialRecord]:
    """Trials that lie far from one another in size, members of the front and others in turn.

    Each is the one whose log-cost is farthest from those of all before it; the first is the
    smallest.

    Args:
        measured: trials to choose from.
        front: numbers of those on the front.
        number: how many there shall be, those chosen already among them.
        chosen: numbers of trials that were chosen before; they come first.
    """
    taken = [one for one in measured if one.number in chosen]
    left = [one for one in measured if one.number not in chosen]
    while left and len(taken) < number:
        on_front = sum(one.number in front for one in taken)
        wants_front = 2 * on_front <= len(taken)
        kind = [one for one in left if (one.number in front) == wants_front] or left
        taken.append(min(kind, key=lambda one: (-_apart(one, taken), one.trial.cost, one.number)))
        left.remove(taken[-1])
    return taken


def _apart(one: TrialRecord, taken: Sequence[TrialRecord]) -> float:
    """Distance in log-cost to the nearest; of the first, so that the smallest is taken."""
    own = log(one.trial.cost)
    return min((abs(own - log(other.trial.cost)) for other in taken), default=0.0)


def of_length(known: Sequence[BaselineRecord], epochs: int) -> list[BaselineRecord]:
    """Audits of that length."""
    return [one for one in known if one.baseline.schedule_epochs == epochs]


def lengths(known: Sequence[BaselineRecord], top: int) -> list[int]:
    """Lengths of the study's audits, ascending; ``top`` is that of a trial."""
    found = {one.baseline.schedule_epochs for one in known}
    return sorted(length for length in found if length is not None and length != top)


def planned(
    chosen: Sequence[TrialRecord],
    known: Sequence[BaselineRecord],
    table: Backbone,
    *,
    epochs: int,
    top: int,
) -> list[Baseline]:
    """The trainings that are missing until each chosen trial is audited.

    Args:
        chosen: trials to be audited.
        known: all baselines of the study.
        table: its backbone.
        epochs: of the longer schedule.
        top: epochs of a complete trial.
    """
    there = {(one.baseline.digest, one.baseline.schedule_epochs) for one in known}
    wanted: list[tuple[Trial, int, int]] = []
    for one in chosen:
        if one.state is TrialState.STOPPED:
            wanted.append((one.trial, one.trial.seed, top))
        wanted.append((one.trial, audit_seed(one.trial.seed, epochs), epochs))
    missing = [one for one in wanted if (one[0].digest, one[2]) not in there]
    return [
        Baseline(
            study=trial.study,
            number=number,
            role=Role.AUDIT,
            backbone=table,
            params=trial.params,
            macs=trial.macs,
            seed=seed,
            repeats=trial,
            schedule_epochs=length,
            latency=trial.latency,
            cost=trial.cost,
        )
        for number, (trial, seed, length) in enumerate(missing, len(known))
    ]


def audit_seed(seed: int, epochs: int) -> int:
    """Seed of the audit of so many epochs of a trial trained from ``seed``."""
    text = f"audit:{seed}:{epochs}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
