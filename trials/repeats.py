"""Which trials are trained again when a search is over, so that their accuracies become means.

The most accurate of many trainings owes some of its place to luck. Members of the front and trials
that may belong there are trained from further seeds, as `Baseline` jobs of the role `REPEAT`.
"""

import hashlib
from collections.abc import Sequence
from math import hypot

from search_spaces import Backbone
from trials.records import Baseline, BaselineRecord, Role, TrialRecord

ERRORS_BELOW = 2.0
"""Standard errors of a difference below the front within which a trial may belong there."""


def near_front(complete: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Of complete trials, those on the front and those that cannot be told from it.

    Args:
        complete: with an accuracy, in any order.

    Returns:
        By ascending cost; each is at most `ERRORS_BELOW` standard errors of the difference
        below the most accurate trial that is no larger.
    """
    near: list[TrialRecord] = []
    best: TrialRecord | None = None
    for one in sorted(complete, key=lambda t: (t.trial.cost, -(t.accuracy or 0.0), t.number)):
        ahead = 0.0 if best is None else (best.accuracy or 0.0) - (one.accuracy or 0.0)
        errors = (one.accuracy_error or 0.0, 0.0 if best is None else best.accuracy_error or 0.0)
        if ahead <= ERRORS_BELOW * hypot(*errors):
            near.append(one)
        if best is None or ahead < 0:
            best = one
    return near


def planned(
    complete: Sequence[TrialRecord],
    known: Sequence[BaselineRecord],
    table: Backbone,
    times: int,
) -> list[Baseline]:
    """The trainings that are missing until each trial near the front has so many.

    Args:
        complete: trials of the study that are complete.
        known: its baselines and repeats.
        table: its backbone.
        times: trainings of a network, that of its trial among them.
    """
    trained = {(one.baseline.digest, one.baseline.seed) for one in known}
    wanted = [
        (one.trial, seed)
        for one in near_front(complete)
        for nth in range(1, times)
        if (one.trial.digest, seed := repeat_seed(one.trial.seed, nth)) not in trained
    ]
    return [
        Baseline(
            study=trial.study,
            number=number,
            role=Role.REPEAT,
            backbone=table,
            params=trial.params,
            macs=trial.macs,
            seed=seed,
            repeats=trial,
            latency=trial.latency,
            cost=trial.cost,
        )
        for number, (trial, seed) in enumerate(wanted, len(known))
    ]


def repeat_seed(seed: int, nth: int) -> int:
    """Seed of the nth repeat, from 1, of a training from ``seed``."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{nth}".encode()).digest()[:4], "big")
