"""Two dumps of one study become one, by digest and without loss; nothing here knows a database.

Training is deterministic, so two measurements of one network after one epoch mean the same: of
each (digest, epoch) one is kept, and every one that either side has is kept.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from trials.area import Area, Point
from trials.pareto import Front
from trials.records import FrontUpdate, TrialState
from trials.store.merge.dump import BaselineDump, Columns, StudyDump, TrialDump
from trials.tasks.contract import COVERED, IDENTITY, is_same

_ASIDE = {
    "name",
    "execution",
    "baselines",
    "search.trials",
    "search.accuracy_floor",
    "search.repeats",
    "proxy.data",
    "proxy.folder",
    "proxy.download",
}
"""Settings that change nothing about what a trial measures; ``images`` says which they are."""

_GOT_FURTHER = (TrialState.FAILED, TrialState.STOPPED, TrialState.COMPLETE)
_LAST = ("accuracy", "accuracy_error", "loss", "seconds")


@dataclass(frozen=True, slots=True)
class _Ending:
    """A trial, and which side says how it ended: 0 for ours, 1 for theirs."""

    side: int
    trial: TrialDump

    @property
    def order(self) -> tuple[int, int, int]:
        """Where the trial stands among those that are over."""
        columns = self.trial.columns
        return self.side, columns["place"] or 0, columns["number"]


def differences(ours: StudyDump, theirs: StudyDump) -> list[str]:
    """What makes the two different studies, as names of settings; empty where they are one.

    What changes a measurement is compared by the identities of their tasks, where both have one.
    """
    settings = ours.columns["settings"], theirs.columns["settings"]
    same = is_same(*settings)
    aside = _ASIDE | {IDENTITY} | ({*COVERED, "objective.quality"} if same else set())
    a, b = (_identity(study.columns, aside) for study in (ours, theirs))
    names = [key for key in {**a, **b} if a.get(key) != b.get(key)]
    return names or ([IDENTITY] if same is False else [])


def join(ours: StudyDump, theirs: StudyDump) -> StudyDump:
    """One study out of two between which there are no `differences`.

    Our trials keep their numbers; trials that only they have follow in the order of theirs. Of a
    trial that both have, the side with more epochs says how it ended; of equals the one that got
    further (complete, stopped, failed, open); of equals ours. Trials whose end we say come first
    in the order of finishing. The study asks for the larger number of trials, or for as many as
    there are now. Of proposals refused the larger counts are kept: two searches from one seed
    refuse the same ones. Baselines are joined as trials are, by network and seed.
    """
    others = {trial.digest: trial for trial in theirs.trials}
    endings = [_joined(trial, others.pop(trial.digest, None)) for trial in ours.trials]
    endings += [_Ending(1, trial) for trial in others.values()]
    trials = _settled(endings)
    asked = max(ours.columns["trials"], theirs.columns["trials"], len(trials))
    refused = {reason: max(n, theirs.refused[reason]) for reason, n in ours.refused.items()}
    baselines = _joined_baselines(ours.baselines, theirs.baselines)
    return StudyDump({**ours.columns, "trials": asked}, refused, trials, baselines)


def fronts(study: StudyDump) -> Iterator[tuple[TrialDump, FrontUpdate | None]]:
    """Trials that are over, in the order of finishing, with the front where one changed it."""
    ends = ("smallest_params", "reference_params", "reference_accuracy")
    front = Front(Area(*(study.columns[end] for end in ends)))
    over = (trial for trial in study.trials if trial.final)
    for trial in sorted(over, key=lambda trial: trial.columns["place"]):
        columns, changed = trial.columns, False
        if columns["state"] is TrialState.COMPLETE and columns["accuracy"] is not None:
            cost = columns["cost"] or columns["params"]
            point = Point.of(cost, columns["accuracy"], columns["number"])
            changed = front.add(point)
        members = tuple(member.number for member in front.members)
        yield trial, FrontUpdate(members, front.hypervolume) if changed else None


def _joined(ours: TrialDump, theirs: TrialDump | None) -> _Ending:
    if theirs is None:
        return _Ending(0, ours)
    side = int(_reached(theirs) > _reached(ours))
    ends, other = (theirs, ours) if side else (ours, theirs)
    attempt = max(ours.columns["attempt"], theirs.columns["attempt"])
    columns = {**ends.columns, "attempt": attempt}
    measurements = {**other.measurements, **ends.measurements}
    for epoch, row in ends.measurements.items():  # one of the two may be of an older version
        if row.get("further") is None and epoch in other.measurements:
            measurements[epoch] = {**row, "further": other.measurements[epoch].get("further")}
    new = (training for training in theirs.trainings if training not in ours.trainings)
    return _Ending(side, TrialDump(columns, measurements, (*ours.trainings, *new)))


def _joined_baselines(
    ours: Sequence[BaselineDump], theirs: Sequence[BaselineDump]
) -> tuple[BaselineDump, ...]:
    """Of a baseline that both have, the side that got further stays; nobody runs any."""
    found = {one.key: one for one in ours}
    for one in theirs:
        known = found.get(one.key)
        if known is None or _reached(one) > _reached(known):
            found[one.key] = one
    return tuple(
        replace(one, columns={**one.columns, **_waiting(one), "number": number})
        for number, one in enumerate(found.values())
    )


def _waiting(baseline: BaselineDump) -> dict[str, Any]:
    return {} if baseline.columns["state"].final else {"state": TrialState.WAITING}


def _reached(trial: TrialDump | BaselineDump) -> tuple[int, int]:
    state = trial.columns["state"]
    further = _GOT_FURTHER.index(state) if state in _GOT_FURTHER else -1
    return max(trial.measurements, default=0), further


def _settled(endings: Iterable[_Ending]) -> tuple[TrialDump, ...]:
    """Number the trials and bring all that follows from others up to date; nobody runs any."""
    endings = [*endings]
    over = sorted((e for e in endings if e.trial.final), key=lambda e: e.order)
    finished = {ending.trial.digest: order for order, ending in enumerate(over)}
    settled = []
    for number, ending in enumerate(endings):
        columns, measured = dict(ending.trial.columns), ending.trial.measurements
        columns |= {"number": number, "place": finished.get(ending.trial.digest)}
        if not ending.trial.final:
            columns |= {"state": TrialState.WAITING, "finished_at": None}
        last = measured[max(measured)] if measured else dict.fromkeys(_LAST) | {"seconds": 0.0}
        columns |= {key: last[key] for key in _LAST} | {"epochs": max(measured, default=0)}
        settled.append(replace(ending.trial, columns=columns, measurements=measured))
    return tuple(settled)


def _identity(study: Columns, aside: Collection[str]) -> dict[str, Any]:
    flat = dict(_flat(study["settings"]))
    rest = {key: study[key] for key in ("backbone", "seed", "reference_params")}
    return {key: value for key, value in flat.items() if not _is_aside(key, aside)} | rest


def _is_aside(key: str, aside: Collection[str]) -> bool:
    return key in aside or key.partition(".")[0] in aside


def _flat(settings: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield before + key, value
