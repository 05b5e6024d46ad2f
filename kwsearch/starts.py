"""Trained plain networks that trials start from: found, checked, and trained where that is asked.

Torch is loaded where a file is read or a trial is about to be trained.
"""

import importlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kwsearch.sections import PLAIN, SCRATCH, ProxySettings
from search_spaces import Backbone, InputError, Plan
from trials.checkpoints import RUNS
from trials.errors import DamagedDataError
from trials.files import file_sha256
from trials.records import Measurement, StudyRecord, Verdict

if TYPE_CHECKING:
    from trials.training.proxy import ProxyTask
    from trials.training.starting import Start

FACTS = "start"
"""Under which a study's settings keep what is known of the file that its trials start from: its
``sha256``, and the names of the tensors that stay ``fresh``."""


def plain_folder(study: str) -> Path:
    """Where plain networks are kept that were trained by the proxy of a study."""
    return RUNS / study / "plain"


def facts(proxy: ProxySettings, table: Backbone) -> dict[str, Any]:
    """What a new study shall remember of the file that its trials start from.

    Raises:
        InputError: the file cannot be read, or does not fit the backbone.
    """
    if proxy.start in (SCRATCH, PLAIN):
        return {}
    networks = importlib.import_module("search_spaces.networks")
    fresh = networks.fresh_tensors(table, networks.read_tensors(proxy.start))
    return {FACTS: {"sha256": file_sha256(Path(proxy.start)), "fresh": [*fresh]}}


def note(study: StudyRecord) -> str | None:
    """A sentence on what the trials of a study start from; None where it is nothing."""
    start = study.spec.settings.get("proxy", {}).get("start", SCRATCH)
    if start == SCRATCH:
        return None
    if start == PLAIN:
        return f"Trials start from the plain network in {plain_folder(study.name)}."
    fresh = study.spec.settings[FACTS]["fresh"]
    rest = f"; {', '.join(fresh)} of another size start fresh" if fresh else ""
    return f"Trials start from {start}{rest}."


def kept(plan: Plan, file: str | Path) -> dict[str, Any]:
    """What the cells of a plan keep of the network in a file; torch is loaded here.

    Returns:
        ``energy``, ``fresh`` and ``kept`` of `search_spaces.networks.StartReport`.

    Raises:
        InputError: the file cannot be read, or does not fit the backbone.
    """
    networks = importlib.import_module("search_spaces.networks")
    report = networks.start_from(networks.build(plan), networks.read_tensors(file))
    return {"energy": report.energy, "fresh": [*report.fresh], "kept": dict(report.kept)}


def start_of(file: str | Path) -> "Start":
    """A file as what trainings start from; torch is loaded here.

    Raises:
        InputError: there is no such file.
    """
    path = Path(file).resolve()
    if not path.is_file():
        raise InputError(f"There is no file {str(file)!r}.", "Check the path.")
    sha256 = file_sha256(path)
    start: Start = importlib.import_module("trials.training.starting").Start(path, sha256, sha256)
    return start


def with_start(task: "ProxyTask", proxy: ProxySettings, study: StudyRecord) -> "ProxyTask":
    """A task whose trials begin as the study says.

    The plain network is trained by the task itself, from the study's seed, once: it is found again
    in `plain_folder`.

    Raises:
        InputError: the file is not there.
        DamagedDataError: it has changed since the study was created.
        NonFiniteError: the plain network's training diverged.
        StorageError: its weights cannot be written.
    """
    if proxy.start == SCRATCH:
        return task
    if proxy.start == PLAIN:
        plain = importlib.import_module("trials.training.plain")
        path = plain.train_plain(
            task,
            study.spec.backbone,
            seed=study.spec.seed,
            report=_go_on,
            folder=plain_folder(study.name),
        )
        start = replace(start_of(path), identity=path.stem)
    else:
        start = start_of(proxy.start)
        if start.sha256 != study.spec.settings[FACTS]["sha256"]:
            raise DamagedDataError(
                f"{proxy.start} has changed since study {study.name!r}, whose trials start from "
                "it, was created.",
                "Put the old file back, or start a new study.",
            )
    recipe = task.recipe.changed(learning_rate=proxy.start_learning_rate)
    return replace(task, start=start, recipe=recipe)


def _go_on(_: Measurement) -> Verdict:
    return Verdict.GO_ON
