"""One function a verb: what the command line does, for Python.

Databases are named by URL or path; None means ``KWSEARCH_DATABASE``, else
``sqlite:///runs/kwsearch.db``. A study is a study file's path, the name of a preset, the values
that a study file would hold, or `StudySettings`. Parameters, MACs and accuracies are numbers, or
text as on the command line: ``"300k"``, ``"65%"``.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from kwsearch import answers
from kwsearch.answers import Row
from kwsearch.databases import (
    check_database,
    delete_study,
    merge_databases,
    rename_study,
    upgrade_database,
)
from kwsearch.quantities import parse_points, parse_quantity
from kwsearch.rows import BaselineRow, BestRow, FrontRow, ShownTrial, TrialRow
from search_spaces import InputError
from trials.area import Scale
from trials.errors import DamagedDataError, StorageError
from trials.store import Store, open_store

if TYPE_CHECKING:  # a verb loads what it needs, so that asking a database loads nothing that trains
    from torch import nn

    from kwsearch import exporting, full_training
    from kwsearch.driving import Watch, WatchBaselines
    from kwsearch.exporting import Exported
    from kwsearch.settings import StudySettings
    from kwsearch.study import Study as FoundStudy
    from search_spaces import NetworkConfig, Plan
    from trials.search import SearchProgress
    from trials.tasks.own.function import Function

    Study = StudySettings | Mapping[str, Any] | str | Path

_BRIEFLY = 5.0
"""Seconds that a page waits for a database before it says so."""


def settings(study: "Study", *, task: "Function | None" = None) -> "StudySettings":
    """Read a study file, or a mapping of its sections, or take a preset by name.

    Args:
        study: what to read.
        task: the function that ``[task]`` is to name, see `search`.

    Raises:
        InputError: the file has faults, all of which are named, or there is no such preset.
    """
    from kwsearch.presets import preset
    from kwsearch.settings import StudySettings, from_plain, load_study

    if task is not None:
        return from_plain(_with_function(study, task), "study")
    if isinstance(study, StudySettings):
        return study
    if isinstance(study, Mapping):
        return from_plain(dict(study))
    path = Path(study)
    if path.suffix or path.exists() or len(path.parts) > 1:
        return load_study(path)
    return preset(str(study))


def _with_function(study: "Study", task: "Function") -> dict[str, Any]:
    """Values of a study whose measure is a function at hand."""
    from kwsearch.settings import StudySettings, to_plain
    from kwsearch.study_file import read_toml
    from trials.tasks.own.function import name_of

    if isinstance(study, StudySettings):
        plain = to_plain(study)
    elif isinstance(study, Mapping):
        plain = dict(study)
    elif Path(study).suffix or Path(study).exists():
        plain = {"name": Path(study).stem, **read_toml(Path(study))}
    else:
        plain = to_plain(settings(study))
    section = plain.get("task") or {}
    return {**plain, "task": {**section, "function": name_of(task)}}


def search(
    study: "Study",
    *,
    task: "Function | None" = None,
    callbacks: "Sequence[Watch]" = (),
    database: str | None = None,
    name: str | None = None,
    trials: int | None = None,
    seed_from: str | None = None,
    replace: bool = False,
    watch: "Watch | None" = None,
    watch_baselines: "WatchBaselines | None" = None,
    tell: Callable[[str], None] = lambda _: None,
) -> "FoundStudy":
    """Create a study and search until it has its trials.

    A study that ends with fewer trials than it asks for has used its space up.

    Args:
        study: what to search.
        task: a measure of your own, called as ``task(network, report)``; the study says ``input``
            and ``outputs`` under ``task``, see the page on it.
        callbacks: each is called as ``watch`` is.
        database: where to keep it.
        name: another name than the study file's.
        trials: another number of trials.
        seed_from: a study of the database whose best networks are proposed first, or
            ``"published"`` for the published ones of the backbone.
        replace: delete a study of that name first, with its weights.
        watch: called with the search's `trials.search.SearchProgress` after each finished trial.
        watch_baselines: called with a `trials.baselines.BaselineProgress` after each plain network
            that was measured.
        tell: called with one line on the images that were read.

    Returns:
        The study's record, with ``front``, ``frame`` and ``measurements`` as pandas frames and
        ``best`` as a row.

    Raises:
        InputError: bad settings, a study of that name exists, or nothing of ``seed_from`` fits.
        NothingFeasibleError: no network of the space lies inside the budget.
        NothingFoundError: no trial reached the front, as where all of them failed.
        InterruptedSearchError: stopped by a person or a signal; `resume` goes on.
    """
    from kwsearch import driving
    from kwsearch.study import Study

    wanted = _changed(settings(study, task=task), name, trials)
    with open_store(database) as store:
        created = driving.create(
            store, wanted, seed_from=seed_from, replace=replace, tell=tell, function=task
        )
        record = driving.drive(
            store,
            created,
            watch=_all_of(watch, callbacks),
            watch_baselines=watch_baselines,
            function=task,
        )
    return Study.of(record, database)


def _all_of(watch: "Watch | None", callbacks: "Sequence[Watch]") -> "Watch | None":
    called = [*([] if watch is None else [watch]), *callbacks]

    def each(progress: "SearchProgress") -> None:
        for one in called:
            one(progress)

    return each if called else None


def _changed(wanted: "StudySettings", name: str | None, trials: int | None) -> "StudySettings":
    from kwsearch.settings import from_plain, to_plain

    plain = to_plain(wanted)
    if name is not None:
        plain["name"] = name
    if trials is not None:
        plain["search"]["trials"] = trials
    return from_plain(plain, "options")


def simulate(
    study: "Study",
    table: str | Path,
    *,
    trials: int | None = None,
    seed: int | None = None,
    workers: int = 1,
) -> Row:
    """Replay a search from a recorded table, in seconds and without a training.

    Nothing is written, neither to a database nor to the runs folder.

    Args:
        study: what to search; it trains as the table was recorded.
        table: a file that `trials.table.write_table` wrote.
        trials: another number of trials.
        seed: another seed of the search. What networks measure stays that of the study's own seed,
            where the table has it, else of the table's first.
        workers: trials at a time, in virtual time.

    Returns:
        The front, the history of the hypervolume, and what the table holds; see
        `kwsearch.simulating.simulate`.

    Raises:
        InputError: bad settings, no such file, or the study trains otherwise.
        DamagedDataError: the file is torn.
        NothingFoundError: no trial reached the front.
    """
    from kwsearch import simulating
    from trials.table import read_table

    wanted = _changed(settings(study), None, trials)
    return simulating.simulate(wanted, read_table(table), seed=seed, workers=workers)


def resume(
    name: str,
    *,
    task: "Function | None" = None,
    callbacks: "Sequence[Watch]" = (),
    database: str | None = None,
    trials: int | None = None,
    watch: "Watch | None" = None,
    watch_baselines: "WatchBaselines | None" = None,
    steal: bool = False,
) -> "FoundStudy":
    """Go on with a study, interrupted or finished, to its number of trials.

    Args:
        name: of the study.
        task: the function that measures it, where it was given in Python.
        callbacks: as for `search`.
        database: where it is kept.
        trials: a new number of trials.
        watch: as for `search`.
        watch_baselines: likewise.
        steal: take the study from a driver that is known to be dead.
    """
    from kwsearch import driving
    from kwsearch.study import Study

    with open_store(database, create=False) as store:
        study = store.study(name)
        record = driving.drive(
            store,
            study,
            trials=trials,
            watch=_all_of(watch, callbacks),
            watch_baselines=watch_baselines,
            steal=steal,
            function=task,
        )
    return Study.of(record, database)


def init(name: str) -> str:
    """The study file of a preset, every key explained."""
    from kwsearch.presets import preset
    from kwsearch.settings import to_toml

    return to_toml(preset(name))


def plan(
    study: "Study",
    *,
    params: int | str | None = None,
    number: int = 20,
    seed: int = 0,
    references: bool = False,
) -> list[Row]:
    """Configurations that land in the budget, or near ``params``, before any training.

    Args:
        study: whose space and budget.
        params: the size to come near to.
        number: configurations to list.
        seed: of the draws.
        references: whether published networks of the backbone follow, marked in ``published`` and
            ``training``; their accuracies were reached by full training.

    Raises:
        NothingFeasibleError: nothing lies in the budget, or ``params`` is smaller or larger than
            all that does.
    """
    from kwsearch import planning, problems, reaching

    wanted = settings(study)
    params = None if params is None else parse_quantity(params)
    table = problems.backbone_for_planning(wanted)
    asked = problems.problem(wanted, table)
    reaching.require_within_reach(asked, params, seed)
    rows = planning.plan(asked, params=params, number=number, seed=seed)
    return planning.beside_published(rows, table.name, params) if references else rows


def count(
    config: "NetworkConfig | str | Path",
    *,
    start: str | Path | None = None,
    trust_code: bool = False,
) -> Row:
    """What a configuration costs: of a JSON file, a published name, or given as it is.

    An exported folder is counted on the table that lies in it, and nothing that it names is run.
    Published networks of the same backbone stand under ``published``, with the accuracy of full
    training.

    Args:
        config: what to count.
        start: a file of the plain network's weights; ``start`` of the answer then says which share
            of its kernels' energy the cells can keep, in all (``energy``) and by site (``kept``),
            and which tensors of the classifier it has not (``fresh``).
        trust_code: whether code that a configuration names may be run, where its network is not
            kwsearch's, torchvision's or timm's.

    Raises:
        InputError: there is no such configuration, or its code is not trusted.
    """
    from kwsearch import problems
    from search_spaces import NetworkConfig, plan_network

    if not isinstance(config, NetworkConfig):
        if Path(config).is_dir():
            return _count_row(load(config).plan, start, trust_code=trust_code)
        config = _read_config(config)
    table = None
    if ":" in config.backbone:
        _require_trust(config.backbone, trust_code=trust_code)
        table = problems.named_table(config.backbone, config.num_classes, config.in_channels)
    return _count_row(plan_network(config, table), start, trust_code=trust_code)


def _count_row(planned: "Plan", start: str | Path | None, *, trust_code: bool) -> Row:
    from kwsearch import planning, starts

    row = planning.count_row(planned)
    if start is None:
        return row
    _require_trust(planned.backbone.name, trust_code=trust_code)
    return {**row, "start": starts.kept(planned, start)}


def _require_trust(backbone: str, *, trust_code: bool) -> None:
    from search_spaces.networks.named import require_trust

    require_trust(backbone, trust_code=trust_code)


def _read_config(name: str | Path) -> "NetworkConfig":
    from search_spaces import NetworkConfig
    from search_spaces.published import KNOWN, published

    if str(name) in KNOWN:
        return published(str(name))
    path = Path(name)
    if not path.is_file():
        raise InputError(
            f"{str(name)!r} is neither a file nor a published configuration.",
            f"The published ones are {', '.join(KNOWN)}.",
        )
    return NetworkConfig.from_json(path.read_bytes())


def studies(*, database: str | None = None) -> list[Row]:
    """All studies, a row each."""
    with _reading(database) as store:
        return [answers.study_row(study) for study in store.studies()]


def status(
    name: str, *, database: str | None = None, hypervolume: Literal["log", "linear"] = "log"
) -> Row:
    """How a study stands.

    Args:
        name: of the study.
        database: where it is kept.
        hypervolume: over which sizes, as a share: the logarithm of parameters from the study's
            smallest to its largest, or parameters from 0, as before.
    """
    with _reading(database) as store:
        return answers.status(store, name, Scale(hypervolume))


def pays(name: str, *, database: str | None = None) -> Row:
    """Whether KernelWarehouse pays in a study: its front against plain networks of one training.

    Returns:
        ``verdict``, ``sentence``, and the facts of `reports.pays.Payoff`; accuracies, gains and
        ``seed_spread`` are shares, and an interval has ``value``, ``low`` and ``high``.
    """
    with _reading(database) as store:
        return answers.pays(store, name)


def repeats(name: str, *, database: str | None = None) -> Row:
    """What trainings from further seeds, which ``[search] repeats`` asks for, did to the front.

    Returns:
        ``trials`` (``trial``, ``accuracies``, ``seeds``, and ``accuracy_low`` and
        ``accuracy_high``, the interval of the mean), ``fallen``, the members that are not on the
        front of means, and ``sentence``, None where no trial was trained again.
    """
    with _reading(database) as store:
        return answers.repeats(store, name)


def audit(
    name: str,
    *,
    networks: int | None = None,
    epochs: int | None = None,
    database: str | None = None,
    watch: "WatchBaselines | None" = None,
    steal: bool = False,
) -> Row:
    """Train some networks of a study for much longer, and say how far its proxy is to be believed.

    Networks are spread over the logarithm of sizes, members of the front and others in turn. What
    is trained already is not trained again: given again, an interrupted audit goes on, and one that
    is over is told.

    Args:
        name: of the study.
        networks: how many; as many as before if not given, or 8.
        epochs: of the longer schedule, which has the proxy's shape; those of the longest audit so
            far if not given, or 60.
        database: where the study is kept.
        watch: called with a `trials.baselines.BaselineProgress` after each training.
        steal: take the study from a driver that is known to be dead.

    Returns:
        ``verdict``, ``sentence``, ``networks`` with both accuracies, ``taus`` (Kendall's, with 95 %
        intervals, by rung and band of sizes), and ``decisions`` that promotion makes by either.

    Raises:
        InputError: the schedule is no longer than the proxy's, or no trial is over.
        InterruptedSearchError: stopped by a person or a signal.
    """
    from kwsearch import audited, auditing

    with open_store(database, create=False) as store:
        study = store.study(name)
        length = auditing.audit(
            store, study, networks=networks, epochs=epochs, watch=watch, steal=steal
        )
        return audited.audit(store, name, length)


def baselines(name: str, *, database: str | None = None) -> list[BaselineRow]:
    """Every training of a plain network, and every repeat and audit of a trial, a row each."""
    with _reading(database) as store:
        return [answers.baseline_row(record) for record in store.baselines(name)]


def front(
    name: str,
    *,
    database: str | None = None,
    max_params: int | str | None = None,
    max_macs: int | str | None = None,
    max_latency: float | str | None = None,
    min_accuracy: float | str | None = None,
    knee: bool = False,
) -> list[FrontRow]:
    """The front of a study by ascending cost, or the part of it inside the limits.

    Args:
        name: of the study.
        database: where the study is kept.
        max_params: most parameters.
        max_macs: most MACs of one image; the front of the trials that cost no more, of which some
            may be off the front of all.
        max_latency: longest latency, ``"20ms"`` or seconds; likewise.
        min_accuracy: lowest accuracy: ``0.65`` or ``"65%"``.
        knee: keep only the member where more parameters stop paying off.

    Raises:
        InputError: no such study, or a limit cannot be read.
    """
    limits = answers.limits_of(max_params, max_macs, min_accuracy, max_latency)
    with _reading(database) as store:
        return answers.front(store, name, limits=limits, only_knee=knee)


def best(
    name: str,
    *,
    max_params: int | str | None = None,
    max_macs: int | str | None = None,
    max_latency: float | str | None = None,
    within: float | str | None = None,
    sure: bool = False,
    database: str | None = None,
) -> BestRow:
    """The most accurate complete trial inside the limits, or the smallest that is as good.

    Where trials were trained from several seeds, their means choose, and ``seeds`` says of how many
    trainings ``accuracy`` is the mean.

    Args:
        name: of the study.
        max_params: most parameters.
        max_macs: most MACs of one image.
        max_latency: longest latency, ``"20ms"`` or seconds.
        within: take the smallest network whose accuracy is at most this share of the images below
            the most accurate one: 0.005, or ``"0.5%"``, gives up half a percentage point.
        sure: of trials that were trained from several seeds, take the one whose accuracy is
            highest at the lower end of its interval; its mean is what is told.
        database: where the study is kept.

    Raises:
        InputError: there is none.
    """
    limits = answers.limits_of(max_params, max_macs, max_latency=max_latency)
    points = 0.0 if within is None else parse_points(within)
    with _reading(database) as store:
        if sure and within is not None:
            raise InputError("sure and within choose in two ways.", "Give one of them.")
        if sure:
            return answers.row_of(store, name, answers.surest(store, name, limits))
        return answers.row_of(store, name, answers.best(store, name, limits, points))


def show(name: str, trial: int, *, database: str | None = None) -> ShownTrial:
    """One trial: its curve, why it ended, and who beats it.

    Raises:
        InputError: no such study or trial.
    """
    with _reading(database) as store:
        return answers.show(store, name, trial)


def compare(
    a: str,
    b: str,
    *,
    database: str | None = None,
    hypervolume: Literal["log", "linear"] = "log",
) -> list[Row]:
    """Two studies, or two trials (``study:trial``), side by side: a row a fact.

    Args:
        a: one of them.
        b: the other one.
        database: where both are kept.
        hypervolume: as for `status`; both fronts are measured over one area.

    Raises:
        InputError: no such study or trial, or one is a study and the other a trial.
    """
    from kwsearch import comparing

    with _reading(database) as store:
        return comparing.compare(store, a, b, Scale(hypervolume))


def report(
    name: str,
    *,
    output: str | Path | None = None,
    database: str | None = None,
    hypervolume: Literal["log", "linear"] = "log",
) -> Path:
    """Write the report of a study, whole or not at all; see `kwsearch.reporting`.

    Args:
        name: of the study.
        output: the file; ``runs/NAME/report.html`` if not given.
        database: where the study is kept.
        hypervolume: as for `status`.

    Raises:
        InputError: no such study, or an ending that no report has.
        StorageError: the file cannot be written.
    """
    from kwsearch import reporting

    file = Path("runs") / name / "report.html" if output is None else Path(output)
    with _reading(database) as store:
        return reporting.report(store, name, file, Scale(hypervolume))


def dashboard(
    name: str,
    *,
    port: int = 0,
    optuna: bool = False,
    database: str | None = None,
    ready: Callable[[str], None] = print,
) -> None:
    """Show a study in the browser while it is searched, until the process is interrupted.

    The page of `report`, read again from the database as the study grows; on the loopback address
    alone, for reading only.

    Args:
        name: of the study.
        port: of the loopback address; 0 takes one that is free.
        optuna: show it in optuna-dashboard instead, which reads a mirror of the study.
        database: where the study is kept.
        ready: called with the page's address, once it answers.

    Raises:
        InputError: no such study, the port cannot be had, or optuna-dashboard is not installed.
    """
    from kwsearch import problems, reporting
    from kwsearch.watching import server
    from kwsearch.watching.live import Live
    from kwsearch.watching.mirrored import optuna_dashboard
    from kwsearch.watching.pages import pages
    from kwsearch.watching.source import Source

    source = Source(lambda: _reading(database, _BRIEFLY), name, problems.promotion_of)
    app = optuna_dashboard(source, name) if optuna else pages(Live(source, reporting.study_file))
    server.serve(app, port, ready)


def mirror(
    name: str,
    *,
    tensorboard: str | Path | None = None,
    mlflow: str | None = None,
    wandb: str | None = None,
    trackio: str | Path | None = None,
    database: str | None = None,
) -> list[str]:
    """Write a study for other programs; again, for what is new since.

    Args:
        name: of the study.
        tensorboard: a folder for event files, a run a trial.
        mlflow: tracking URI of an MLflow server or database, an experiment a study.
        wandb: project of Weights & Biases, as ``PROJECT`` or ``ENTITY/PROJECT``; written to
            ``WANDB_DIR`` where ``WANDB_MODE`` is ``offline``.
        trackio: folder of trackio's databases, a project a study.
        database: where the study is kept.

    Returns:
        What was written, a line each.

    Raises:
        InputError: no such study, or a program is not installed.
        StorageError: something cannot be written.
    """
    from kwsearch import mirroring

    with _reading(database) as store:
        return mirroring.mirror(
            store, name, tensorboard=tensorboard, mlflow=mlflow, wandb=wandb, trackio=trackio
        )


def trials(name: str, *, database: str | None = None) -> list[TrialRow]:
    """Every trial of a study, a row each; `kwsearch.trials` gives them as a frame."""
    with _reading(database) as store:
        return [answers.trial_row(record) for record in store.trials(name)]


def parquet(name: str, *, output: str | Path, database: str | None = None) -> Path:
    """Write every trial of a study as a Parquet file.

    Raises:
        InputError: no such study, or pyarrow is not installed.
        StorageError: the file cannot be written.
    """
    from kwsearch import frames

    return frames.write_parquet(frames.trials(name, database=database), Path(output))


def export(
    name: str,
    *,
    folder: str | Path,
    trial: int | None = None,
    max_params: int | str | None = None,
    max_latency: float | str | None = None,
    sure: bool = False,
    onnx: bool = False,
    trust_code: bool = False,
    database: str | None = None,
) -> Path:
    """Write a trial, or the best inside limits, as a folder; see `kwsearch.exporting`.

    The best is chosen as `best` chooses. The weights are those of the trial's own training.

    Args:
        name: of the study.
        folder: to be created.
        trial: number of the trial.
        max_params: most parameters, where no trial is named.
        max_latency: longest latency, likewise.
        sure: where none is named, choose as `best` does.
        onnx: whether the network is written as an ONNX graph too, which is compared with it on
            images of the study.
        trust_code: whether code that makes the network may be run for that, where it is not
            kwsearch's, torchvision's or timm's.
        database: where the study is kept; its weights are looked for in ``runs`` here, and beside
            an SQLite file.

    Raises:
        InputError: no such study or trial, the folder exists, or no graph can be made.
        StorageError: it cannot be written.
        DamagedDataError: the weights that are kept of the trial are not as they were written.
    """
    from kwsearch import exporting

    limits = answers.limits_of(max_params, max_latency=max_latency)
    with _reading(database) as store:
        if trial is not None:
            record = store.trial(name, trial)
        else:
            choose = answers.surest if sure else answers.best
            record = answers.record_of(choose(store, name, limits))
        found = _found(store, name)
        return exporting.export_trial(found, record, Path(folder), onnx=onnx, trust_code=trust_code)


def export_ladder(
    name: str,
    *,
    folder: str | Path,
    sizes: str,
    onnx: bool = False,
    trust_code: bool = False,
    database: str | None = None,
) -> list[Row]:
    """Write the best trial under each of several sizes as folders in one folder, or none of them.

    Args:
        name: of the study.
        folder: to be created.
        sizes: ``1/4x,1/2x,1x``, multiples of the plain backbone's parameters, or ``300k,1M``.
        onnx: as for `export`.
        trust_code: likewise.
        database: where the study is kept.

    Returns:
        A row a size: ``rung``, ``max_params``, and of the trial ``trial``, ``params``,
        ``accuracy`` and ``folder``, None where none is so small. A trial that is the best under
        several sizes is written once.

    Raises:
        InputError: as `export`, or a size cannot be read, or no trial is so small.
        StorageError: it cannot be written.
        DamagedDataError: as `export`.
    """
    from kwsearch import exporting

    with _reading(database) as store:
        found = _found(store, name)
        rungs = exporting.parse_ladder(sizes, found.study.spec.backbone.params)

        under = exporting.best_under(rungs, lambda most: answers.best_below(store, name, most))
        return exporting.export_ladder(found, under, Path(folder), onnx=onnx, trust_code=trust_code)


def _found(store: Store, name: str) -> "exporting.Found":
    from kwsearch import exporting

    file = Path(store.location)
    runs = exporting.runs_folders(file if file.is_file() else None)
    means = answers.repeated(store, name)
    return exporting.Found(
        study=store.study(name),
        front=answers.front_records(store, name, answers.limits_of(), means),
        kept=store.files(name),
        runs=runs,
        pays=answers.pays(store, name)["sentence"],
        repeats=answers.repeats(store, name)["sentence"] or "",
        means={mean.number: mean for mean in means},
    )


def load(folder: str | Path) -> "Exported":
    """Read an exported folder; ``load(folder).network()`` builds its network, weights included.

    Raises:
        InputError: there is no export there.
        DamagedDataError: a file that is read is not as it was written.
    """
    from kwsearch import exporting

    return exporting.load(folder)


def verify(folder: str | Path) -> Row:
    """Check an exported folder: every byte, the digest, the counts, the network and its weights.

    Raises:
        InputError: there is no export there.
        DamagedDataError: a file is not as it was written; the message names it.
    """
    from kwsearch import exporting

    return exporting.verify(Path(folder))


def train(
    folder: str | Path,
    *,
    output: str | Path | None = None,
    database: str | None = None,
    watch: "full_training.Watch | None" = None,
    tell: Callable[[str], None] = lambda _: None,
    data: str | None = None,
    files: str | Path | None = None,
    download: bool = False,
    skip_damaged: bool = False,
    recipe: str | Path | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    device: str | None = None,
    seed: int = 0,
    start: str | Path | None = None,
    onnx: bool = False,
    trust_code: bool = False,
    task: str | None = None,
    detector: str | None = None,
) -> Row | None:
    """Train an exported configuration to the end, or go on where that stopped.

    A network that was trained to the end already goes on from its weights. The result is written
    into the database too, where it holds the trial that was exported.

    Args:
        folder: the export.
        output: the folder to write; the export's name with ``-trained`` if None.
        database: where the study is kept.
        watch: called after each epoch.
        tell: called with one line on the images that were read.
        data: name or folder of the images; those of the earlier training or of the study if None.
        files: where the files of a named data set lie.
        download: whether missing ones may be fetched.
        skip_damaged: whether files that cannot be decoded are left out.
        recipe: a recipe file; the export's, or that of the backbone, if None.
        epochs: another length.
        batch_size: another batch size; the learning rate changes in proportion.
        learning_rate: another peak of the learning rate.
        device: in torch's words; a GPU where there is one if None.
        seed: of weights, order and augmentation.
        start: a file of the plain network's weights to start from; for detection also a folder
            with weights of this configuration.
        onnx: whether the network is added as an ONNX graph.
        trust_code: whether code that the export names may be run.
        task: ``"detection"`` trains a detector with the network as its backbone, see
            `kwsearch.detecting`; classification if None.
        detector: ``"mask-rcnn"``, ``"faster-rcnn"`` or ``"retinanet"``; mask-rcnn if None.

    Returns:
        What ``results.json`` holds; None in all processes of ``torchrun`` but the first.

    Raises:
        InputError: images, recipe or folder do not fit.
        NonFiniteError: the training diverged.
        StorageError: a file, or the named database, cannot be written.
    """
    from kwsearch import exporting, full_training

    folder = Path(folder)
    target = Path(output) if output else folder.with_name(f"{folder.resolve().name}-trained")
    exported = exporting.load(folder)
    asked = full_training.Wishes(
        data=data,
        files=_path(files),
        download=download,
        skip_damaged=skip_damaged,
        recipe=_path(recipe),
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        device=device,
        seed=seed,
        start=_path(start),
        onnx=onnx,
        trust_code=trust_code,
    )
    if database is not None:
        _reading(database).close()  # a wrong name is told before the first epoch
    watch, reached_by = watch or (lambda *_: None), full_training.reached_by
    if _is_detection(task, detector):
        from kwsearch import detecting

        run = detecting.Run(exported, asked, target, detector)
        results = detecting.train(run, watch, tell)
        reached_by = detecting.reached_by
    else:
        results = full_training.train(exported, asked, target, watch, tell)
    if not full_training.first_process():
        return None
    try:
        with open_store(database, create=False) as store:
            known = full_training.remember(store, exported, reached_by(results))
    except (InputError, StorageError, DamagedDataError):
        if database is not None:
            raise
        known = False
    return {**results, "folder": str(target), "in_database": known}


def _is_detection(task: str | None, detector: str | None) -> bool:
    if task is None and detector is None:
        return False
    if task != "detection":
        given = (
            f"task = {task!r}" if task is not None else f"detector = {detector!r} without a task"
        )
        raise InputError(f"{given} is not known; it is 'detection'.", "Give --task detection.")
    return True


def detector(folder: str | Path, *, trust_code: bool = False) -> "nn.Module":
    """A detector that `train` has trained, in evaluation mode; see `kwsearch.detecting`.

    Args:
        folder: that `train` wrote, with ``task="detection"``.
        trust_code: whether code that the folder names may be run.

    Returns:
        Called with a list of float32 images ``[C, H, W]`` from 0 to 1, it gives for each a
        dictionary of ``boxes`` ``[N, 4]`` in pixels, ``labels`` from 1, ``scores``, and of Mask
        R-CNN ``masks`` ``[N, 1, H, W]``.

    Raises:
        InputError: the folder holds no detector, or its code is not trusted.
        DamagedDataError: a file is not as it was written.
    """
    from kwsearch import detecting

    return detecting.load_detector(folder, trust_code=trust_code)


def _path(text: str | Path | None) -> Path | None:
    return None if text is None else Path(text)


def predict(
    folder: str | Path,
    *images: str | Path,
    top: int = 1,
    device: str | None = None,
    trust_code: bool = False,
) -> list[Row]:
    """The most probable classes of images; see `kwsearch.predicting`.

    Args:
        folder: that `export` or `train` wrote, with weights.
        images: files and folders; of a folder every image below it is taken.
        top: classes for each image.
        device: in torch's words; a GPU where there is one if None.
        trust_code: whether code that the folder names may be run, where its network is not
            kwsearch's, torchvision's or timm's.

    Returns:
        ``image``, ``rank``, ``class``, ``probability`` and ``fault``, a row for each class of an
        image; of what is no image one row, whose ``fault`` says why.

    Raises:
        InputError: the folder cannot be used for it, or an image is not there.
        DamagedDataError: a file of the folder is not as it was written.
    """
    from kwsearch import predicting

    paths = [Path(image) for image in images]
    rows = predicting.predict(Path(folder), paths, top=top, device=device, trust_code=trust_code)
    return list(rows)


def evaluate(
    folder: str | Path,
    data: str | Path,
    *,
    files: str | Path | None = None,
    download: bool = False,
    skip_damaged: bool = False,
    device: str | None = None,
    trust_code: bool = False,
) -> Row:
    """Measure a network on images whose classes are known; see `kwsearch.evaluating.evaluate`.

    Args:
        folder: as for `predict`.
        data: name of a data set, or folder of class folders.
        files: where the files of a named data set lie.
        download: whether missing ones may be fetched.
        skip_damaged: whether files that cannot be decoded are left out, as they are if the search
            or training of the network did so.
        device: as for `predict`.
        trust_code: likewise.

    Raises:
        InputError: as `predict`, or the images do not fit the network.
        DamagedDataError: as `predict`.
    """
    from kwsearch import evaluating

    return evaluating.evaluate(
        Path(folder),
        str(data),
        files=_path(files),
        download=download,
        skip_damaged=skip_damaged,
        device=device,
        trust_code=trust_code,
    )


def _reading(database: str | None, patience: float | None = None) -> Store:
    return open_store(database, create=False, read_only=True, patience=patience)


__all__ = [
    "audit",
    "baselines",
    "best",
    "check_database",
    "compare",
    "count",
    "dashboard",
    "delete_study",
    "export",
    "export_ladder",
    "front",
    "init",
    "load",
    "merge_databases",
    "mirror",
    "parquet",
    "pays",
    "plan",
    "rename_study",
    "repeats",
    "report",
    "resume",
    "search",
    "settings",
    "show",
    "simulate",
    "status",
    "studies",
    "train",
    "trials",
    "upgrade_database",
    "verify",
]
