"""Two dumps of one study become one, by digest and without loss; nothing here knows a database.

Training is deterministic, so two measurements of one network after one epoch mean the same: of
each (digest, epoch) one is kept, and every one that either side has is kept.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from trials.pareto import Front, Point
from trials.records import FrontUpdate, TrialState
from trials.store.merge.dump import Columns, StudyDump, TrialDump

_ASIDE = {"name", "execution", "search.trials", "proxy.data", "proxy.folder", "proxy.download"}
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
    """What makes the two different studies, as names of settings; empty where they are one."""
    a, b = _identity(ours.columns), _identity(theirs.columns)
    return [key for key in {**a, **b} if a.get(key) != b.get(key)]


def join(ours: StudyDump, theirs: StudyDump) -> StudyDump:
    """One study out of two between which there are no `differences`.

    Our trials keep their numbers; trials that only they have follow in the order of theirs. Of a
    trial that both have, the side with more epochs says how it ended; of equals the one that got
    further (complete, stopped, failed, open); of equals ours. Trials whose end we say come first
    in the order of finishing. The study asks for the larger number of trials, or for as many as
    there are now. Of proposals refused the larger counts are kept: two searches from one seed
    refuse the same ones.
    """
    others = {trial.digest: trial for trial in theirs.trials}
    endings = [_joined(trial, others.pop(trial.digest, None)) for trial in ours.trials]
    endings += [_Ending(1, trial) for trial in others.values()]
    trials = _settled(endings)
    asked = max(ours.columns["trials"], theirs.columns["trials"], len(trials))
    refused = {reason: max(n, theirs.refused[reason]) for reason, n in ours.refused.items()}
    return StudyDump({**ours.columns, "trials": asked}, refused, trials)


def fronts(study: StudyDump) -> Iterator[tuple[TrialDump, FrontUpdate | None]]:
    """Trials that are over, in the order of finishing, with the front where one changed it."""
    reference = (study.columns["reference_params"], 1 - study.columns["reference_accuracy"])
    front = Front(reference)
    over = (trial for trial in study.trials if trial.final)
    for trial in sorted(over, key=lambda trial: trial.columns["place"]):
        columns, changed = trial.columns, False
        if columns["state"] is TrialState.COMPLETE and columns["accuracy"] is not None:
            point = Point.of(columns["params"], columns["accuracy"], columns["number"])
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
    new = (training for training in theirs.trainings if training not in ours.trainings)
    return _Ending(side, TrialDump(columns, measurements, (*ours.trainings, *new)))


def _reached(trial: TrialDump) -> tuple[int, int]:
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


def _identity(study: Columns) -> dict[str, Any]:
    flat = dict(_flat(study["settings"]))
    rest = {key: study[key] for key in ("backbone", "seed", "reference_params")}
    return {key: value for key, value in flat.items() if not _aside(key)} | rest


def _aside(key: str) -> bool:
    return key in _ASIDE or key.partition(".")[0] in _ASIDE


def _flat(settings: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield before + key, value
