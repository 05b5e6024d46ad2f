"""Trained plain networks that trials start from: what is known and said of them.

Torch is loaded where a file is read.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kwsearch.sections import PLAIN, SCRATCH
from search_spaces import Backbone, Plan
from trials.checkpoints import RUNS
from trials.files import file_sha256
from trials.records import StudyRecord

if TYPE_CHECKING:
    from trials.tasks.classification.starting import Start

FACTS = "start"
"""Under which a study's settings keep what is known of the file that its trials start from: its
``sha256``, and the names of the tensors that stay ``fresh``."""


def plain_folder(study: str) -> Path:
    """Where plain networks are kept that were trained by the proxy of a study."""
    return RUNS / study / "plain"


def facts(start: str, table: Backbone) -> dict[str, Any]:
    """What a new study shall remember of the file that its trials start from.

    Args:
        start: the file, or a word that stands for none.
        table: of the study's network.

    Raises:
        InputError: the file cannot be read, or does not fit the backbone.
    """
    if start in (SCRATCH, PLAIN):
        return {}
    from search_spaces import networks  # noqa: PLC0415 - loads torch

    fresh = networks.fresh_tensors(table, networks.read_tensors(start))
    return {FACTS: {"sha256": file_sha256(Path(start)), "fresh": [*fresh]}}


def note(study: StudyRecord) -> str | None:
    """A sentence on what the trials of a study start from; None where it is nothing."""
    settings = study.spec.settings
    section = settings.get("proxy") or settings.get("task") or {}
    start = section.get("start") or SCRATCH
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
    from search_spaces import networks  # noqa: PLC0415 - loads torch

    report = networks.start_from(networks.build(plan), networks.read_tensors(file))
    return {"energy": report.energy, "fresh": [*report.fresh], "kept": dict(report.kept)}


def continued(weights: Path) -> "Start":
    """Weights of the very network as what a training goes on from; torch is loaded here."""
    from trials.tasks.classification.starting import TrainedStart  # noqa: PLC0415 - loads torch

    sha256 = file_sha256(weights)
    return TrainedStart(weights.resolve(), sha256, sha256)
