"""The files of an export that follow from the database alone."""

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from kwsearch.exporting.layout import BACKBONE, CONFIG, COUNTS, ORIGIN
from kwsearch.study_file import write_toml
from reports.repeated import Mean
from search_spaces import (
    Backbone,
    InputError,
    NetworkConfig,
    count,
    from_upstream,
    plan_network,
    to_upstream,
)
from search_spaces.distribution import installed_version
from trials.records import StudyRecord, TrialRecord
from trials.tasks.classification.full_recipes import full_recipe
from trials.tasks.classification.recipe import Recipe
from trials.tasks.contract import measure_of


def contents(study: StudyRecord, record: TrialRecord, mean: Mean | None = None) -> dict[str, Any]:
    """Plain values by file name: configuration, table, counts and origin of a trial.

    Args:
        study: the trial's study.
        record: the trial.
        mean: of its trainings, where it was trained again.
    """
    config, backbone = record.trial.config, study.spec.backbone
    return {
        CONFIG: config.model_dump(mode="json"),
        BACKBONE: backbone.to_dict(),
        COUNTS: count(config, backbone).to_dict(),
        ORIGIN: {**_origin(study, record), **_repeated(mean)},
    }


def upstream_settings(config: NetworkConfig, backbone: Backbone) -> dict[str, Any]:
    """The authors' settings of a network.

    Raises:
        InputError: they cannot express it.
    """
    if ":" in backbone.name:
        raise InputError(f"{backbone.name} is a network of one's own.", "Keep config.json.")
    settings = to_upstream(config)
    if plan_network(from_upstream(settings)).digest != plan_network(config, backbone).digest:
        raise InputError(
            "The study serves other layers than the authors do (exclude, addresses).",
            "Keep config.json and backbone.json.",
        )
    return settings


def is_own(settings: object) -> bool:
    """Whether settings that a study or an export keeps name a measure of a person's own."""
    task = settings.get("task") if isinstance(settings, dict) else None
    return isinstance(task, dict) and measure_of({"task": task}) is not None


def is_detection(settings: object) -> bool:
    """Whether settings that a study or an export keeps are of detection."""
    task = settings.get("task") if isinstance(settings, dict) else None
    return isinstance(task, dict) and task.get("kind") == "detection"


def recipe_text(study: StudyRecord) -> str:
    """The recipe of full training that suits backbone and images, every setting explained."""
    table = study.spec.backbone
    proxy = study.spec.settings.get("proxy", {})
    return write_toml(recipe_for_study(table, str(proxy.get("data", "")), proxy))


def recipe_for_study(table: Backbone, source: str, proxy: Mapping[str, Any]) -> Recipe:
    """The recipe of full training for images of ``source``.

    On the study's own images, where they are small, it follows the study's short training.
    """
    own = proxy if source == proxy.get("data") else None
    return full_recipe(table.name, source, table.input_size[0], own)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write plain values as JSON that people can read."""
    path.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def versions() -> dict[str, str]:
    """Versions of what numbers and weights depend on."""
    others = {name: version(name) for name in ("torch", "torchvision", "optuna")}
    return {"kwsearch": installed_version(), **others}


def _repeated(mean: Mean | None) -> dict[str, Any]:
    """What all trainings of a trial reached, its own first, and the interval of their mean."""
    if mean is None:
        return {}
    return {"repeats": {"accuracies": [*mean.accuracies], "mean": mean.accuracy._asdict()}}


def _origin(study: StudyRecord, record: TrialRecord) -> dict[str, Any]:
    return {
        "study": study.name,
        "trial": record.number,
        "digest": record.trial.digest,
        "params": record.trial.params,
        "macs": record.trial.macs,
        "accuracy": record.accuracy,
        "accuracy_error": record.accuracy_error,
        "loss": record.loss,
        "epochs": record.epochs,
        "seed": record.trial.seed,
        "finished_at": record.finished_at.isoformat() if record.finished_at else None,
        "settings": dict(study.spec.settings),
        "searched_by": f"kwsearch {study.version}",
        "exported_by": versions(),
    }
