"""From a problem to a running search: database, executor, search and measure are joined here.

Torch is imported only when a trial is about to be trained.
"""

import logging
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import current_thread, main_thread
from types import FrameType
from typing import TYPE_CHECKING

from kwsearch import baselines, housekeeping, latencies, seeding, starts
from kwsearch.failing import change
from kwsearch.problems import (
    Problem,
    accuracy_floor,
    backbone_of,
    ends,
    problem,
    promotion,
    settings_of,
    thawing,
)
from kwsearch.sections import EXECUTORS
from kwsearch.settings import ExecutionSettings, StudySettings, to_plain
from kwsearch.tasks import inputs_of, kept_facts, measure
from search_spaces import InputError
from search_spaces.errors import plural
from trials import plugins, repeats
from trials.baselines import BaselineProgress, Baselines, BaselinesFirst
from trials.checkpoints import RUNS, Checkpoints
from trials.errors import InterruptedSearchError, LostDatabaseError, NothingFoundError
from trials.execution import Executor, Isolated, run_serially
from trials.execution.ray_tune import RayTune
from trials.promotion import Halving
from trials.records import NewStudy, StudyRecord, TrialState
from trials.search import Search, SearchProgress, require_member
from trials.store import Store, new_owner, renewed
from trials.tasks.contract import QUALITY

if TYPE_CHECKING:  # it loads torch
    from trials.tasks.own.function import Function

_LOG = logging.getLogger("kwsearch")

LEASE = 60.0
"""Seconds a driver may be silent before another may take the study over."""

Watch = Callable[[SearchProgress], None]
WatchBaselines = Callable[[BaselineProgress], None]


def create(
    store: Store,
    settings: StudySettings,
    *,
    seed_from: str | None = None,
    replace: bool = False,
    tell: Callable[[str], None] = lambda _: None,
    function: "Function | None" = None,
) -> StudyRecord:
    """Write a new study down.

    Args:
        store: the database.
        settings: of the study.
        seed_from: what to propose first; see `kwsearch.seeding.seeds`.
        replace: whether a study of that name is deleted first, with all that it has measured.
        tell: called with one line on the images, once they are read.
        function: the measure that ``[task]`` names, where it is at hand.

    Raises:
        InputError: the name is taken, the images cannot be read, or nothing of ``seed_from`` fits.
        StudyBusyError: someone drives the study that is to be replaced.
        NothingFeasibleError: no network of the space lies inside the budget.
    """
    if settings.name is None:
        raise InputError("The study has no name.", "Set name in the study file.")
    inputs = inputs_of(settings, function)
    tell(inputs.told)
    if settings.classifies and settings.quality != QUALITY:
        tell(f"Trials are compared by {settings.quality}, which tables call accuracy.")
    table = backbone_of(settings, inputs.outputs, inputs.channels, inputs.edge)
    asked = problem(settings, table)
    seed = settings.search.seed
    require_member(asked.space, asked.limits, seed)
    measure = latencies.timing(settings)
    quickest = None if measure is None else latencies.quickest(asked, measure)
    smallest, largest = ends(asked, quickest)
    planned = latencies.with_costs(
        baselines.planned(asked, settings.name, table), settings, measure
    )
    seeds = [] if seed_from is None else seeding.seeds(store, asked.space, seed_from)
    known = {**inputs.known, **starts.facts(settings.start, table)}
    machine = {} if quickest is None else {latencies.HARDWARE: quickest.hardware}
    if replace and any(study.name == settings.name for study in store.studies()):
        housekeeping.delete(store, settings.name)
    return store.create_study(
        NewStudy(
            name=settings.name,
            settings={
                **to_plain(settings),
                "seeds": seeds,
                **known,
                **machine,
                **kept_facts(settings, known),
            },
            backbone=table,
            seed=seed,
            trials=settings.search.trials,
            smallest_params=smallest,
            reference_params=largest,
            reference_accuracy=accuracy_floor(settings, table.num_classes),
        ),
        planned,
    )


def drive(
    store: Store,
    study: StudyRecord,
    *,
    trials: int | None = None,
    watch: Watch | None = None,
    watch_baselines: WatchBaselines | None = None,
    steal: bool = False,
    function: "Function | None" = None,
) -> StudyRecord:
    """Search until the study has its trials, or its space holds no further network.

    Args:
        store: the database.
        study: what to go on with.
        trials: a new number of trials; it is changed only once the study is this driver's.
        watch: called after each finished trial.
        watch_baselines: called after each plain network that was measured.
        steal: take the study from a driver that is known to be dead.
        function: the measure that ``[task]`` names, where it is at hand.

    Raises:
        StudyBusyError: another driver has the study, in this process or another one.
        NothingFoundError: the search is over, and no trial reached the front.
        InterruptedSearchError: a person or a signal stopped it.
        StorageError: the database went away.
    """
    settings = settings_of(study)
    asked = problem(settings, study.spec.backbone)
    latencies.require_same_machine(study)
    owner = new_owner()
    worker = owner.rpartition(":")[0]
    store.acquire(study.name, owner, LEASE, steal=steal)
    decider = None
    try:
        if trials is not None:
            store.set_trials(study.name, trials)
        decider = _decider(store, study, asked, worker, (watch, watch_baselines))
        with renewed(store, study.name, owner, LEASE), signals():
            run = executor(asked, study.name)
            given = () if function is None else (function,)
            trained = measure(settings, study, asked.ladder, *given)
            run(decider, trained)
            if _add_repeats(store, study, settings.search.repeats):
                decider = replace(decider, baselines=replace(decider.baselines))
                run(decider, trained)
    except LostDatabaseError:  # there is nothing to give back to: the lease ends by itself
        raise
    except BaseException as error:
        if decider is not None:
            decider.give_back()
        store.release(study.name, owner)
        if isinstance(error, KeyboardInterrupt | InterruptedSearchError):
            raise interrupted(study.name, error) from None
        raise
    store.release(study.name, owner)
    ended = store.study(study.name)
    _require_front(store, ended)
    _say_plateau(decider.search, ended)
    _say_unbegun(decider.search, ended)
    return ended


def _say_unbegun(search: Search, study: StudyRecord) -> None:
    """Say why fewer trials were begun than asked for, where promotion decided so."""
    left = study.spec.trials - study.finished
    if search.thawing is None or search.exhausted or not left:
        return
    _LOG.warning(
        f"{study.finished:,} of {plural(study.spec.trials, 'trial')} began: the trials took "
        f"{study.epochs:,} of {plural(search.thawing.epochs, 'epoch')} that they may, and going on "
        "with those that had begun promised more. For more, raise epochs_share in [search] of "
        f"another study, or ask for more trials: 'kwsearch resume {study.name} --trials N'."
    )


def _say_plateau(search: Search, study: StudyRecord) -> None:
    """Say why a search ended before its number of trials, if its model ended it."""
    if search.expected is None:
        return
    made = f"{study.finished:,} of {plural(study.spec.trials, 'trial')}"
    _LOG.warning(
        f"The search ended after {made}: all that were left are expected to add "
        f"{search.expected:.2g} to the hypervolume of {study.hypervolume:.4f}, less than "
        f"stop_after_plateau = {search.plateau:g}. To go on, ask for more trials: "
        f"'kwsearch resume {study.name} --trials N'."
    )


def _decider(
    store: Store,
    study: StudyRecord,
    asked: Problem,
    worker: str,
    watches: tuple[Watch | None, WatchBaselines | None],
) -> BaselinesFirst:
    """What decides about the study's baselines and trials; says what a person should know of it."""
    settings, (watch, watch_baselines) = asked.settings, watches
    begun, others = store.study(study.name), store.studies()
    for remark in seeding.remarks(begun, others, reuse=settings.search.reuse):
        _LOG.warning(remark)
    alike = seeding.alike(study, others) if settings.search.reuse else ()
    search = Search(
        store=store,
        study=begun,
        space=asked.space,
        limits=asked.limits,
        ladder=asked.ladder,
        sampler=settings.search.sampler,
        worker=worker,
        halving=_halving(asked, study),
        thawing=thawing(asked, begun),
        paused_bytes=settings.search.paused_bytes,
        tell=_LOG.warning,
        seeds=study.spec.settings.get("seeds", ()),
        alike=alike,
        watch=watch or (lambda _: None),
        checkpoints=Checkpoints.of(study),
        max_failures=settings.execution.max_failures,
        plateau=settings.search.stop_after_plateau,
        timing=latencies.timing(settings),
        cost=settings.cost,
    )
    first = Baselines(
        store=store,
        study=study,
        ladder=asked.ladder,
        worker=worker,
        watch=watch_baselines or (lambda _: None),
        max_failures=settings.execution.max_failures,
        alike=alike,
    )
    return BaselinesFirst(first, search)


def _add_repeats(store: Store, study: StudyRecord, times: int) -> bool:
    """Have trials near the front trained again; whether there is anything to train."""
    if times == 1:
        return False
    complete = store.trials(study.name, states=(TrialState.COMPLETE,))
    missing = repeats.planned(complete, store.baselines(study.name), study.spec.backbone, times)
    if missing:
        store.add_baselines(study.name, missing)
    return bool(missing)


def _require_front(store: Store, study: StudyRecord) -> None:
    """See that a search which is over has found something."""
    if not study.finished or store.front(study.name):
        return
    failed = Counter(
        (record.cause, record.detail)
        for record in store.trials(study.name, states=(TrialState.FAILED,))
    )
    if not failed:
        raise NothingFoundError(
            f"{plural(study.finished, 'trial')} of study {study.name!r} ended, "
            "none at the top rung.",
            "Ask for more trials with 'kwsearch resume --trials'.",
        )
    ((cause, detail), times) = failed.most_common(1)[0]
    raise NothingFoundError(
        f"{failed.total():,} of {plural(study.finished, 'trial')} of study {study.name!r} failed, "
        "and the front is empty. "
        f"{times:,} of them with {cause}: {detail}",
        f"{change(cause)} Then search again under another name.",
    )


def interrupted(
    name: str, error: KeyboardInterrupt | InterruptedSearchError, what: str = "search"
) -> InterruptedSearchError:
    """What a person reads; an executor does not know the study's name.

    Args:
        name: of the study.
        error: what interrupted it.
        what: ``"search"``, or ``"audit"``, which goes on by a command of its own.
    """
    go_on = f"o on with 'kwsearch {'resume' if what == 'search' else what} {name}'."
    if isinstance(error, InterruptedSearchError):
        return InterruptedSearchError(error.cause, f"{error.cure} Then g{go_on}".strip())
    return InterruptedSearchError(
        f"The {what} was interrupted; everything measured is kept in study {name!r}.", f"G{go_on}"
    )


def _halving(asked: Problem, study: StudyRecord) -> Halving | None:
    if asked.settings.search.promotion != "halving":
        return None
    return promotion(asked, study)


def executor(asked: Problem, name: str) -> Executor:
    """What runs the trials of a study.

    A trial is heard of at its rungs only, so the time for an epoch counts for each epoch of the
    longest step between two of them.
    """
    execution, rungs = asked.settings.execution, asked.ladder.rungs
    widest = max(high - low for low, high in zip((0, *rungs), rungs, strict=False))
    report_timeout = execution.epoch_timeout and execution.epoch_timeout * widest
    if execution.executor not in EXECUTORS:
        return _plugged(execution, RUNS / name / execution.executor, report_timeout)
    if execution.executor == "serial":
        if asked.settings.isolates:
            return Isolated(execution.trial_timeout, report_timeout)
        return run_serially
    return RayTune(
        folder=RUNS / name / "ray",
        workers=execution.workers,
        cpus_per_trial=execution.cpus_per_trial,
        gpus_per_trial=execution.gpus_per_trial,
        address=execution.address,
        trial_timeout=execution.trial_timeout,
        report_timeout=report_timeout,
    )


def _plugged(execution: ExecutionSettings, folder: Path, report_timeout: float | None) -> Executor:
    """An executor of another distribution; see `trials.plugins`."""
    make = plugins.load_plugin(plugins.EXECUTORS, execution.executor)
    options = {**execution.model_dump(), "report_timeout": report_timeout}
    made: Executor = make(folder=folder, options=options)
    return made


@contextmanager
def signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP stop a search in the way that Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    kinds = (signal.SIGTERM, signal.SIGHUP)
    heard = [kind for kind in kinds if signal.getsignal(kind) is not signal.SIG_IGN]  # as by nohup
    if current_thread() is not main_thread():  # signals are the main thread's alone
        heard = []
    before = {kind: signal.signal(kind, interrupt) for kind in heard}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
