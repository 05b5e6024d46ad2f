"""Whole searches from a recorded table: the study's sampler, promotion and budget, no training.

The search is the real one, with a store that is thrown away and an executor in virtual time. It may
propose only what the table holds: numbers of a range are read as the nearest of the values that the
table was recorded for, and networks that are not recorded are turned down and counted.
"""

import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kwsearch.answers import trial_row
from kwsearch.problems import promotion, thawing
from kwsearch.recorded import Recorded, new_study, recorded_part
from kwsearch.settings import StudySettings, from_plain, to_plain
from search_spaces import Count, InputError, Plan, plan_network
from search_spaces.choices import Value
from search_spaces.errors import plural
from search_spaces.latency import Latency
from trials.baselines import Baselines, BaselinesFirst
from trials.errors import NothingFoundError
from trials.execution.simulated import Simulated, following
from trials.records import Job, Measurement, Refusal, StudyRecord, TrialState
from trials.sampling import Proposal
from trials.search import Search, SearchProgress
from trials.store import Store, open_store
from trials.table import Table

Row = dict[str, Any]

LEFT_OUT = (
    "Plain networks, repeats and measurements of other studies are left out; nothing is written."
)

_SPREAD = 16
"""First networks that are looked at for each one wanted, as some may not be recorded."""

LISTING = "exact"
"""The sampler that lists networks itself: it is given the recorded values instead of the ranges."""


@dataclass
class TableSearch(Search):
    """A search that takes recorded networks alone.

    Args:
        missing: digests of networks of space and budget that are not recorded. A sampler that asks
            which networks are known is told of these too.
    """

    missing: Collection[str] = frozenset()
    unrecorded: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._known.update(self.missing)

    def _spread(self, number: int) -> list[dict[str, Value]]:
        spread = super()._spread(_SPREAD * number)
        return [values for values in spread if self._digest(values) not in self.missing][:number]

    def _judge(self, proposal: Proposal) -> Refusal | tuple[Plan, Count, Latency | None]:
        judged = super()._judge(proposal)
        if judged is not Refusal.KNOWN or self._digest(proposal.values) not in self.missing:
            return judged
        self.unrecorded += 1
        return Refusal.INFEASIBLE  # it cannot be measured here; told apart in the answer

    def _digest(self, values: Mapping[str, Value]) -> str:
        return plan_network(self.space.decode(values), self.space.backbone).digest


@dataclass
class _History:
    """Hypervolume over epochs, a row each time a trial ends or is paused."""

    best: float
    rows: list[Row] = field(default_factory=list)
    _reached: dict[int, int] = field(default_factory=dict)

    def __call__(self, progress: SearchProgress) -> None:
        self._reached[progress.last.number] = progress.measured.epoch if progress.measured else 0
        self.rows.append(
            {
                "trials": progress.finished,
                "epochs": sum(self._reached.values()),
                "hypervolume": progress.hypervolume,
                "share": progress.hypervolume / self.best,
            }
        )


def simulate(
    settings: StudySettings, table: Table, *, seed: int | None = None, workers: int = 1
) -> Row:
    """Search from a table.

    Args:
        settings: of the study.
        table: what networks measure.
        seed: of the search, if not the study's.
        workers: trials at a time.

    Returns:
        ``front``, rows of trials; ``history``, after each trial the epochs spent, the hypervolume
        and its ``share`` of the ``best_hypervolume`` that the table holds for this study;
        ``networks`` that it holds, ``refused`` proposals by reason, ``seconds`` of virtual time;
        ``remarks``, sentences on what differs from a real search.

    Raises:
        InputError: the study trains otherwise than the table was recorded, or the table holds no
            network of its space and budget.
        NothingFoundError: no trial reached the front.
    """
    part = recorded_part(settings, table)
    wanted = _reseeded(settings, seed)
    spec = new_study(wanted, part)
    best = table.best_hypervolume(part.seed, area=spec.area, among=part.recorded)
    if not best:
        raise InputError(
            f"No network of the table is more accurate than {spec.reference_accuracy:g}.",
            "Lower accuracy_floor in [search].",
        )
    history, executor = _History(best), Simulated(workers)
    with tempfile.TemporaryDirectory() as folder, open_store(str(Path(folder) / "s.db")) as store:
        study = store.create_study(spec, [])
        search = _search(store, study, part, history)
        baselines = Baselines(store, study, part.ladder, search.worker)
        looked_up = _looked_up(table, part.seed, part.ladder.rungs)
        executor(BaselinesFirst(baselines, search), following(looked_up))
        found = _found(store, study.name, search)
    if not found["front"]:
        raise NothingFoundError(
            f"None of {plural(len(history.rows), 'trial')} reached the front.",
            "Ask for more trials, or lower accuracy_floor in [search].",
        )
    return {
        "study": settings.name,
        "sampler": settings.search.sampler,
        "promotion": settings.search.promotion,
        "seed": spec.seed,
        "measured_seed": part.seed,
        "workers": workers,
        "networks": len(part.recorded),
        "missing": len(part.missing),
        "epochs": history.rows[-1]["epochs"],
        "seconds": executor.usage.seconds,
        **{name: history.rows[-1][name] for name in ("hypervolume", "share")},
        "best_hypervolume": best,
        **found,
        "history": history.rows,
        "remarks": [*part.remarks(), *_refused(search.unrecorded), LEFT_OUT],
    }


def _reseeded(settings: StudySettings, seed: int | None) -> StudySettings:
    plain = to_plain(settings)
    plain["search"]["seed"] = settings.search.seed if seed is None else seed
    return from_plain(plain, "options")


def _search(
    store: Store,
    study: StudyRecord,
    asked: Recorded,
    watch: Callable[[SearchProgress], None],
) -> TableSearch:
    settings = asked.settings.search
    return TableSearch(
        store=store,
        study=store.study(study.name),
        space=asked.space.lists() if settings.sampler == LISTING else asked.space,
        limits=asked.limits,
        ladder=asked.ladder,
        sampler=settings.sampler,
        worker="simulated:1",
        halving=promotion(asked, study) if settings.promotion == "halving" else None,
        thawing=thawing(asked, study),
        watch=watch,
        missing=asked.missing,
        plateau=settings.stop_after_plateau,
    )


def _looked_up(
    table: Table, seed: int, rungs: Collection[int]
) -> Callable[[Job], Iterator[Measurement]]:
    """What a training measures at the rungs, by looking it up."""

    def curve(job: Job) -> Iterator[Measurement]:
        return (m for m in table.by_digest[job.digest].curves[seed] if m.epoch in rungs)

    return curve


def _found(store: Store, name: str, search: TableSearch) -> Row:
    """Front and numbers of the search, before its store is thrown away."""
    record = store.study(name)
    refused = {reason.value: number for reason, number in record.refused.items()}
    refused["infeasible"] -= search.unrecorded
    return {
        "trials": record.finished,
        "stopped": record.states[TrialState.STOPPED],
        "refused": {**refused, "unrecorded": search.unrecorded},
        "front": [trial_row(one) for one in store.front(name)],
    }


def _refused(unrecorded: int) -> list[str]:
    """A sentence on proposals of networks that are not recorded, if there were any."""
    if not unrecorded:
        return []
    return [f"Turned down because the network is not recorded: {plural(unrecorded, 'proposal')}."]
