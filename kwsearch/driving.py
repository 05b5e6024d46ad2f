"""From a problem to a running search: database, executor, search and measure are joined here.

Torch is imported only when a trial is about to be trained.
"""

import importlib
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType

from kwsearch import seeding, starts
from kwsearch.problems import Problem, backbone_of, images_of, problem, settings_of
from kwsearch.settings import ProxySettings, StudySettings, to_plain
from search_spaces import InputError
from trials.checkpoints import RUNS, Checkpoints
from trials.errors import (
    DamagedDataError,
    InterruptedSearchError,
    LostDatabaseError,
    NothingFoundError,
)
from trials.execution import Executor, Isolated, run_serially
from trials.execution.ray_tune import RayTune
from trials.fidelity import Ladder
from trials.promotion import Halving
from trials.records import Measure, NewStudy, StudyRecord, TrialState
from trials.search import Search, Standing, require_member
from trials.store import Store, new_owner, renewed
from trials.training.recipe import SHARED, SHORT, Recipe, for_ladder, of_proxy

LIBRARIES = ("torchvision", "timm")
"""Packages whose networks are not a person's own code."""

LEASE = 60.0
"""Seconds a driver may be silent before another may take the study over."""

Watch = Callable[[Standing], None]


def create(store: Store, settings: StudySettings, *, seed_from: str | None = None) -> StudyRecord:
    """Write a new study down.

    Args:
        store: the database.
        settings: of the study.
        seed_from: what to propose first; see `kwsearch.seeding.seeds`.

    Raises:
        InputError: the name is taken, the images cannot be read, or nothing of ``seed_from`` fits.
        NothingFeasibleError: no network of the space lies inside the budget.
    """
    if settings.name is None:
        raise InputError("The study has no name.", "Set name in the study file.")
    images = images_of(settings)
    table = backbone_of(settings, len(images.classes), images.channels, images.size)
    asked = problem(settings, table)
    seed = settings.search.seed
    require_member(asked.space, asked.limits, seed)
    seeds = [] if seed_from is None else seeding.seeds(store, asked.space, seed_from)
    start = starts.facts(settings.proxy, table)
    return store.create_study(
        NewStudy(
            name=settings.name,
            settings={**to_plain(settings), "images": images.sha256, "seeds": seeds, **start},
            backbone=table,
            seed=seed,
            trials=settings.search.trials,
            reference_params=asked.limits.max_params or asked.space.largest(seed),
            reference_accuracy=1 / table.num_classes,
        )
    )


def drive(
    store: Store,
    study: StudyRecord,
    *,
    trials: int | None = None,
    watch: Watch | None = None,
    steal: bool = False,
) -> StudyRecord:
    """Search until the study has its trials, or its space holds no further network.

    Args:
        store: the database.
        study: what to go on with.
        trials: a new number of trials; it is changed only once the study is this driver's.
        watch: called after each finished trial.
        steal: take the study from a driver that is known to be dead.

    Raises:
        StudyBusyError: another driver has the study, in this process or another one.
        NothingFoundError: the search is over, and no trial reached the front.
        InterruptedSearchError: a person or a signal stopped it.
        StorageError: the database went away.
    """
    settings = settings_of(study)
    asked = problem(settings, study.spec.backbone)
    owner = new_owner()
    worker = owner.rpartition(":")[0]
    store.acquire(study.name, owner, LEASE, steal=steal)
    search = None
    try:
        if trials is not None:
            store.set_trials(study.name, trials)
        search = Search(
            store=store,
            study=store.study(study.name),
            space=asked.space,
            limits=asked.limits,
            ladder=asked.ladder,
            sampler=settings.search.sampler,
            worker=worker,
            halving=_halving(asked, study),
            seeds=study.spec.settings.get("seeds", ()),
            alike=seeding.alike(study, store.studies()) if settings.search.reuse else (),
            watch=watch or (lambda _: None),
            checkpoints=Checkpoints.of(study),
            max_failures=settings.execution.max_failures,
        )
        with renewed(store, study.name, owner, LEASE), _signals():
            run = _executor(asked, study.name)
            run(search, measure(settings, study, asked.ladder))
    except LostDatabaseError:  # there is nothing to give back to: the lease ends by itself
        raise
    except BaseException as error:
        if search is not None:
            search.give_back()
        store.release(study.name, owner)
        if isinstance(error, KeyboardInterrupt):
            raise _interrupted(study.name) from None
        raise
    store.release(study.name, owner)
    ended = store.study(study.name)
    _require_front(store, ended)
    return ended


def _require_front(store: Store, study: StudyRecord) -> None:
    """See that a search which is over has found something."""
    if not study.finished or store.front(study.name):
        return
    failed = Counter(
        f"{record.cause}: {record.detail}"
        for record in store.trials(study.name, states=(TrialState.FAILED,))
    )
    if not failed:
        raise NothingFoundError(
            f"None of the {study.finished} trials of study {study.name!r} reached the top rung.",
            "Ask for more trials with 'kwsearch resume --trials'.",
        )
    (why, times) = failed.most_common(1)[0]
    failures = f"All {study.finished}" if failed.total() == study.finished else failed.total()
    raise NothingFoundError(
        f"{failures} trials of study {study.name!r} failed, and the front is empty. "
        f"{times} of them with {why}",
        "Mend the cause, then search again under another name.",
    )


def _interrupted(name: str) -> InterruptedSearchError:
    return InterruptedSearchError(
        f"The search was interrupted; everything measured is kept in study {name!r}.",
        f"Go on with 'kwsearch resume {name}'.",
    )


def _halving(asked: Problem, study: StudyRecord) -> Halving | None:
    if asked.settings.search.promotion == "none":
        return None
    low = asked.limits.min_params or asked.space.smallest_params(study.spec.seed)
    return Halving(asked.settings.search.eta, low, study.spec.reference_params)


def _executor(asked: Problem, name: str) -> Executor:
    """What runs the trials of a study.

    A trial is heard of at its rungs only, so the time for an epoch counts for each epoch of the
    longest step between two of them.
    """
    execution, rungs = asked.settings.execution, asked.ladder.rungs
    widest = max(high - low for low, high in zip((0, *rungs), rungs, strict=False))
    report_timeout = execution.epoch_timeout and execution.epoch_timeout * widest
    if execution.executor == "serial":
        if _isolates(asked.settings):
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


def _isolates(settings: StudySettings) -> bool:
    """Whether trials run in processes of their own; a person's own code does unless told not to."""
    isolate = settings.execution.isolate
    package, _, function = settings.space.backbone.partition(":")
    own = bool(function) and package.partition(".")[0] not in LIBRARIES
    return own if isolate is None else isolate


def measure(settings: StudySettings, study: StudyRecord, ladder: Ladder) -> Measure:
    """What trains and measures a trial of the study; torch is loaded here.

    Raises:
        DamagedDataError: the images have changed since the study was created.
    """
    images = images_of(settings)
    if images.sha256 != study.spec.settings["images"]:
        raise DamagedDataError(
            f"The images of study {study.name!r} have changed since it was created.",
            "Put the old images back, or start a new study.",
        )
    training = importlib.import_module("trials.training.proxy")  # torch is loaded here
    proxy, execution = settings.proxy, settings.execution
    task = training.ProxyTask(
        prepared=images,
        recipe=recipe_of(settings.proxy, ladder),
        ladder=ladder,
        split_seed=study.spec.seed,
        validation_share=proxy.validation_share,
        training_share=proxy.training_share,
        threads=execution.threads
        or (execution.cpus_per_trial if execution.executor == "ray" else None),
        device="cuda" if execution.gpus_per_trial else "cpu",
        way=proxy.way,
        backbone=study.spec.backbone,
        checkpoints=Checkpoints.of(study),
    )
    return starts.with_start(task, proxy, study)


def recipe_of(proxy: ProxySettings, ladder: Ladder) -> Recipe:
    """The recipe that trials are trained by, cut to the ladder."""
    recipe = Recipe(epochs=ladder.top, **of_proxy(proxy.model_dump(), {**SHARED, **SHORT}))
    return for_ladder(recipe, ladder)


@contextmanager
def _signals() -> Iterator[None]:
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
