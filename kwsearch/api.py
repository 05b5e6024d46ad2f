"""One function a verb: what the command line does, for Python.

Databases are named by URL or path; None means ``KWSEARCH_DATABASE``, else
``sqlite:///runs/kwsearch.db``. A study is a study file's path, the name of a preset, or
`StudySettings`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kwsearch import answers
from kwsearch.answers import Row
from kwsearch.databases import check_database, merge_databases, upgrade_database
from search_spaces import InputError, NetworkConfig, Plan, plan_network
from trials.errors import DamagedDataError, StorageError
from trials.records import StudyRecord, TrialRecord
from trials.store import Store, open_store

if TYPE_CHECKING:  # a verb loads what it needs, so that asking a database loads nothing that trains
    from kwsearch import exporting, full_training
    from kwsearch.driving import Watch
    from kwsearch.exporting import Exported
    from kwsearch.settings import StudySettings

    Study = StudySettings | str | Path

_UNLIMITED = 2**63 - 1
_BRIEFLY = 5.0
"""Seconds that a page waits for a database before it says so."""


def settings(study: "Study") -> "StudySettings":
    """Read a study file, or take a preset by name.

    Raises:
        InputError: the file has faults, all of which are named, or there is no such preset.
    """
    from kwsearch.presets import preset
    from kwsearch.settings import StudySettings, load_study

    if isinstance(study, StudySettings):
        return study
    path = Path(study)
    if path.suffix or path.exists() or len(path.parts) > 1:
        return load_study(path)
    return preset(str(study))


def search(
    study: "Study",
    *,
    database: str | None = None,
    name: str | None = None,
    trials: int | None = None,
    seed_from: str | None = None,
    watch: "Watch | None" = None,
) -> StudyRecord:
    """Create a study and search until it has its trials.

    A study that ends with fewer trials than it asks for has used its space up.

    Args:
        study: what to search.
        database: where to keep it.
        name: another name than the study file's.
        trials: another number of trials.
        seed_from: a study of the database whose best networks are proposed first, or
            ``"published"`` for the published ones of the backbone.
        watch: called with the search's `trials.search.Standing` after each finished trial.

    Raises:
        InputError: bad settings, a study of that name exists, or nothing of ``seed_from`` fits.
        NothingFeasibleError: no network of the space lies inside the budget.
        NothingFoundError: no trial reached the front, as where all of them failed.
        InterruptedSearchError: stopped by a person or a signal; `resume` goes on.
    """
    from kwsearch import driving

    wanted = _changed(settings(study), name, trials)
    with open_store(database) as store:
        return driving.drive(store, driving.create(store, wanted, seed_from=seed_from), watch=watch)


def _changed(wanted: "StudySettings", name: str | None, trials: int | None) -> "StudySettings":
    from kwsearch.settings import from_plain, to_plain

    plain = to_plain(wanted)
    if name is not None:
        plain["name"] = name
    if trials is not None:
        plain["search"]["trials"] = trials
    return from_plain(plain, "options")


def resume(
    name: str,
    *,
    database: str | None = None,
    trials: int | None = None,
    watch: "Watch | None" = None,
    steal: bool = False,
) -> StudyRecord:
    """Go on with a study, interrupted or finished, to its number of trials.

    Args:
        name: of the study.
        database: where it is kept.
        trials: a new number of trials.
        watch: as for `search`.
        steal: take the study from a driver that is known to be dead.
    """
    from kwsearch import driving

    with open_store(database, create=False) as store:
        study = store.study(name)
        return driving.drive(store, study, trials=trials, watch=watch, steal=steal)


def init(name: str) -> str:
    """The study file of a preset, every key explained."""
    from kwsearch.presets import preset
    from kwsearch.settings import to_toml

    return to_toml(preset(name))


def plan(
    study: "Study",
    *,
    params: int | None = None,
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
    """
    from kwsearch import problems

    wanted = settings(study)
    table = problems.backbone_for_planning(wanted)
    rows = answers.plan(problems.problem(wanted, table), params=params, number=number, seed=seed)
    return answers.beside_published(rows, table.name, params) if references else rows


def count(
    config: NetworkConfig | str | Path,
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

    if not isinstance(config, NetworkConfig):
        if Path(config).is_dir():
            return _count_row(load(config).plan, start, trust_code=trust_code)
        config = _read_config(config)
    table = None
    if ":" in config.backbone:
        _require_trust(config.backbone, trust_code=trust_code)
        table = problems.named_table(config.backbone, config.num_classes, config.in_channels)
    return _count_row(plan_network(config, table), start, trust_code=trust_code)


def _count_row(planned: Plan, start: str | Path | None, *, trust_code: bool) -> Row:
    if start is None:
        return answers.count_row(planned)
    _require_trust(planned.backbone.name, trust_code=trust_code)
    from kwsearch import starts

    return {**answers.count_row(planned), "start": starts.kept(planned, start)}


def _require_trust(backbone: str, *, trust_code: bool) -> None:
    from search_spaces.networks.named import require_trust

    require_trust(backbone, trust_code=trust_code)


def _read_config(name: str | Path) -> NetworkConfig:
    from search_spaces.published import PUBLISHED, published

    if str(name) in PUBLISHED:
        return published(str(name))
    path = Path(name)
    if not path.is_file():
        raise InputError(
            f"{str(name)!r} is neither a file nor a published configuration.",
            f"The published ones are {', '.join(PUBLISHED)}.",
        )
    return NetworkConfig.from_json(path.read_bytes())


def studies(*, database: str | None = None) -> list[Row]:
    """All studies, a row each."""
    with _reading(database) as store:
        return [answers.study_row(study) for study in store.studies()]


def status(name: str, *, database: str | None = None) -> Row:
    """How a study stands."""
    with _reading(database) as store:
        return answers.status(store, name)


def front(
    name: str,
    *,
    database: str | None = None,
    max_params: int | None = None,
    min_accuracy: float | None = None,
    knee: bool = False,
) -> list[Row]:
    """The front of a study by ascending parameters, or the part of it inside the limits."""
    with _reading(database) as store:
        return answers.front(
            store, name, max_params=max_params, min_accuracy=min_accuracy, only_knee=knee
        )


def best(
    name: str,
    *,
    max_params: int | None = None,
    within: float | None = None,
    database: str | None = None,
) -> Row:
    """The most accurate complete trial within ``max_params``, or the smallest that is as good.

    Args:
        name: of the study.
        max_params: most parameters.
        within: take the smallest network whose accuracy is at most this share of the images below
            the most accurate one: 0.005 gives up half a percentage point.
        database: where the study is kept.

    Raises:
        InputError: there is none.
    """
    with _reading(database) as store:
        record = _best(store, name, max_params)
        if within is not None:
            record = answers.smallest_within(store, record, within)
        return answers.trial_row(record)


def show(name: str, trial: int, *, database: str | None = None) -> Row:
    """One trial: its curve, why it ended, and who beats it.

    Raises:
        InputError: no such study or trial.
    """
    with _reading(database) as store:
        return answers.show(store, name, trial)


def compare(a: str, b: str, *, database: str | None = None) -> list[Row]:
    """Two studies, or two trials (``study:trial``), side by side: a row a fact.

    Raises:
        InputError: no such study or trial, or one is a study and the other a trial.
    """
    from kwsearch import comparing

    with _reading(database) as store:
        return comparing.compare(store, a, b)


def report(name: str, *, output: str | Path | None = None, database: str | None = None) -> Path:
    """Write the report of a study, whole or not at all; see `kwsearch.reporting`.

    Args:
        name: of the study.
        output: the file; ``runs/NAME/report.html`` if not given.
        database: where the study is kept.

    Raises:
        InputError: no such study, or an ending that no report has.
        StorageError: the file cannot be written.
    """
    from kwsearch import reporting

    file = Path("runs") / name / "report.html" if output is None else Path(output)
    with _reading(database) as store:
        return reporting.report(store, name, file)


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
    from kwsearch import reporting
    from kwsearch.watching import server
    from kwsearch.watching.live import Live
    from kwsearch.watching.mirrored import optuna_dashboard
    from kwsearch.watching.pages import pages
    from kwsearch.watching.source import Source

    source = Source(lambda: _reading(database, _BRIEFLY), name)
    app = optuna_dashboard(source, name) if optuna else pages(Live(source, reporting.study_file))
    server.serve(app, port, ready)


def mirror(
    name: str,
    *,
    tensorboard: str | Path | None = None,
    mlflow: str | None = None,
    database: str | None = None,
) -> list[str]:
    """Write a study for other programs; again, for what is new since.

    Args:
        name: of the study.
        tensorboard: a folder for event files, a run a trial.
        mlflow: tracking URI of an MLflow server or database, an experiment a study.
        database: where the study is kept.

    Returns:
        What was written, a line each.

    Raises:
        InputError: no such study, or a program is not installed.
        StorageError: something cannot be written.
    """
    from kwsearch import mirroring

    with _reading(database) as store:
        return mirroring.mirror(store, name, tensorboard=tensorboard, mlflow=mlflow)


def trials(name: str, *, database: str | None = None) -> list[Row]:
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
    max_params: int | None = None,
    onnx: bool = False,
    trust_code: bool = False,
    database: str | None = None,
) -> Path:
    """Write a trial, or the best within ``max_params``, as a folder; see `kwsearch.exporting`.

    Args:
        name: of the study.
        folder: to be created.
        trial: number of the trial.
        max_params: most parameters, where no trial is named.
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

    with _reading(database) as store:
        record = _best(store, name, max_params) if trial is None else store.trial(name, trial)
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
        under = exporting.best_under(rungs, lambda most: store.best(name, most))
        return exporting.export_ladder(found, under, Path(folder), onnx=onnx, trust_code=trust_code)


def _found(store: Store, name: str) -> "exporting.Found":
    from kwsearch import exporting

    file = Path(store.location)
    runs = exporting.runs_folders(file if file.is_file() else None)
    return exporting.Found(store.study(name), store.front(name), store.files(name), runs)


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
    **wishes: Any,  # noqa: ANN401 - the fields of `Wishes`, each with its own type
) -> Row | None:
    """Train an exported configuration to the end, or go on where that stopped.

    The result is written into the database too, where it holds the trial that was exported.

    Args:
        folder: the export.
        output: the folder to write; the export's name with ``-trained`` if None.
        database: where the study is kept.
        watch: called after each epoch.
        wishes: fields of `kwsearch.full_training.Wishes`.

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
    asked = full_training.Wishes(**wishes)
    if database is not None:
        _reading(database).close()  # a wrong name is told before the first epoch
    results = full_training.train(exported, asked, target, watch or (lambda *_: None))
    if not full_training.first_process():
        return None
    try:
        with open_store(database, create=False) as store:
            known = full_training.remember(store, exported, results)
    except (InputError, StorageError, DamagedDataError):
        if database is not None:
            raise
        known = False
    return {**results, "folder": str(target), "in_database": known}


def _best(store: Store, name: str, max_params: int | None) -> TrialRecord:
    record = store.best(name, _UNLIMITED if max_params is None else max_params)
    if record is None:
        limit = "" if max_params is None else f" with at most {max_params:,} parameters"
        raise InputError(
            f"Study {name!r} has no complete trial{limit}.",
            f"Look at 'kwsearch front {name}', or go on with 'kwsearch resume {name}'.",
        )
    return record


def _reading(database: str | None, patience: float | None = None) -> Store:
    return open_store(database, create=False, read_only=True, patience=patience)


__all__ = [
    "best",
    "check_database",
    "compare",
    "count",
    "dashboard",
    "export",
    "export_ladder",
    "front",
    "init",
    "load",
    "merge_databases",
    "mirror",
    "parquet",
    "plan",
    "report",
    "resume",
    "search",
    "settings",
    "show",
    "status",
    "studies",
    "train",
    "trials",
    "upgrade_database",
    "verify",
]
