"""A whole study file: reading it, writing it, and keeping it as plain values."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationInfo, field_validator, model_validator

from kwsearch.sections import (
    SCRATCH,
    BaselineSettings,
    BudgetSettings,
    ExecutionSettings,
    LatencySettings,
    ObjectiveSettings,
    ProxySettings,
    SearchSettings,
    Settings,
    SpaceSettings,
)
from kwsearch.setting_types import STORED, RatioRange, brief
from kwsearch.study_file import read_toml, validate, write_toml
from kwsearch.task_section import MAP, RUNGS, TaskSettings, faults, quality_fault
from search_spaces.errors import InputError, nearest
from search_spaces.latency import Conditions
from trials.costs import Cost
from trials.names import check_name
from trials.tasks.classification.recipe import QUALITY_NAMES
from trials.tasks.contract import QUALITY, quality_of

__all__ = [
    "BaselineSettings",
    "BudgetSettings",
    "ExecutionSettings",
    "LatencySettings",
    "ObjectiveSettings",
    "ProxySettings",
    "RatioRange",
    "SearchSettings",
    "SpaceSettings",
    "StudySettings",
    "TaskSettings",
    "as_stored",
    "from_plain",
    "load_study",
    "to_plain",
    "to_toml",
]

BEFORE: dict[str, dict[str, Any]] = {
    "proxy": {
        "recalibration": 0,
        "attention_start": "temperature",
        "attention_learning_rate": 1.0,
        "start": "scratch",
        "start_learning_rate": 0.01,
        "channels": None,
        "skip_damaged": False,
        "class_weights": "none",
    },
    "baselines": {"seeds": 0},
}
"""By section: what studies did before a setting came."""

LIBRARIES = ("torchvision", "timm")
"""Whose networks are no code of a person's own."""

TRAINED_BY = "training"
"""Under which a stored study's settings keep the version of the training that it began with."""


class StudySettings(Settings):
    """A whole study file."""

    name: str | None = Field(
        None, description="Name of the study: letters, digits, dots, dashes; the file's if unset."
    )
    space: SpaceSettings = Field(description="What the search may choose from.")
    budget: BudgetSettings = Field(
        BudgetSettings(),
        description="Hard limits: networks outside are turned down before they cost anything.",
    )
    latency: LatencySettings = Field(
        LatencySettings(),
        description="How the time of a network is measured, before it is trained.",
    )
    proxy: ProxySettings = Field(
        ProxySettings(), description="How a trial is trained and measured."
    )
    task: TaskSettings = Field(
        TaskSettings(),
        description="Another task, in place of the training under [proxy]: detection, or a measure "
        "of your own.",
    )
    objective: ObjectiveSettings = Field(
        ObjectiveSettings(),
        validate_default=True,
        description="What a front weighs against what.",
    )
    baselines: BaselineSettings = Field(
        BaselineSettings(),
        description="Plain networks, without warehouses, that the same proxy measures first.",
    )
    search: SearchSettings = Field(
        SearchSettings(), description="Who proposes configurations, and how many are tried."
    )
    execution: ExecutionSettings = Field(ExecutionSettings(), description="Where trials run.")

    @property
    def own(self) -> bool:
        """Whether a person's own function measures trials, or a task that is used as one is."""
        return self.task.measure is not None

    @property
    def detects(self) -> bool:
        """Whether trials are backbones of detectors."""
        return self.task.kind == "detection"

    @property
    def classifies(self) -> bool:
        """Whether trials are trained as [proxy] says."""
        return not (self.own or self.detects)

    @property
    def start(self) -> str:
        """What trials start from: a file of the plain network, or a word of ``[proxy] start``."""
        if self.classifies:
            return self.proxy.start
        return (self.task.start if self.detects else None) or SCRATCH

    @property
    def rungs(self) -> tuple[int, ...]:
        """Epochs after which a trial is measured."""
        return self.proxy.epochs if self.classifies else self.task.epochs or RUNGS

    @property
    def quality(self) -> str:
        """Name of what trials are compared by."""
        assert self.objective.quality is not None  # noqa: S101 - validation fills it in
        return self.objective.quality

    @model_validator(mode="before")
    @classmethod
    def _quality_in_its_section(cls, values: Any) -> Any:  # noqa: ANN401 - not validated yet
        return quality_moved(values) if isinstance(values, Mapping) else values

    @field_validator("objective")
    @classmethod
    def _known_quality(cls, value: ObjectiveSettings, info: ValidationInfo) -> ObjectiveSettings:
        task = info.data.get("task")
        if task is not None and task.kind == "detection":
            fault = quality_fault(task, value.quality or MAP)
            if fault is not None:
                raise ValueError(fault)
            return value.model_copy(update={"quality": value.quality or MAP})
        name = value.quality or QUALITY
        own = task is None or task.measure is not None
        if not own and name not in QUALITY_NAMES:
            raise ValueError(
                f"quality = {brief(name)} is none of {', '.join(QUALITY_NAMES)}, which are "
                f"measured of images.{nearest(name, QUALITY_NAMES)}"
            )
        return value.model_copy(update={"quality": name})

    @property
    def cost(self) -> Cost:
        """What the front is over."""
        return Cost(self.objective.cost)

    @property
    def conditions(self) -> Conditions | None:
        """What latencies are measured under; None where none is measured."""
        asked, limits = self.latency, (self.budget.max_latency, self.budget.min_latency)
        wanted = self.cost is Cost.LATENCY or any(limits)
        if asked.runtime is None and not wanted:
            return None
        return Conditions(asked.device, asked.batch, asked.threads, asked.runtime or "torch")

    @field_validator("objective")
    @classmethod
    def _limited(cls, value: ObjectiveSettings, info: ValidationInfo) -> ObjectiveSettings:
        budget = info.data.get("budget")
        if value.cost == "latency" and budget is not None and budget.max_latency is None:
            raise ValueError(
                "cost = 'latency' needs the longest time that a network may take, as hypervolume "
                "is measured up to it. Set max_latency under [budget]."
            )
        return value

    @field_validator("search")
    @classmethod
    def _knows_costs(cls, value: SearchSettings, info: ValidationInfo) -> SearchSettings:
        objective = info.data.get("objective")
        latency = objective is not None and objective.cost == "latency"
        if latency and "sampler" not in value.model_fields_set:
            return value.model_copy(update={"sampler": "tpe"})
        if latency and value.sampler == "exact":
            raise ValueError(
                "sampler = 'exact' chooses among networks whose cost is known, and a latency is "
                "known once it is measured. Set sampler = 'tpe', or cost = 'macs' with a "
                "max_latency."
            )
        return value

    @field_validator("task")
    @classmethod
    def _alone(cls, value: TaskSettings, info: ValidationInfo) -> TaskSettings:
        proxy = info.data.get("proxy")
        fault = faults(value, set() if proxy is None else proxy.model_fields_set)
        if fault is not None:
            raise ValueError(fault)
        return value

    @property
    def isolates(self) -> bool:
        """Whether a serial search measures each trial in a process of its own.

        A person's own code is, unless told not to.
        """
        isolate = self.execution.isolate
        return (self.own or _is_own_code(self.space.backbone)) if isolate is None else isolate

    @field_validator("execution")
    @classmethod
    def _timed_in_processes(
        cls, value: ExecutionSettings, info: ValidationInfo
    ) -> ExecutionSettings:
        space = info.data.get("space")
        task = info.data.get("task")
        own = task is not None and task.measure is not None
        own = own or (space is not None and _is_own_code(space.backbone))
        timed = [
            f"{name} = {seconds:g}"
            for name in ("trial_timeout", "epoch_timeout")
            if (seconds := getattr(value, name)) is not None
        ]
        together = value.executor == "serial" and not (
            own if value.isolate is None else value.isolate
        )
        if timed and together and space is not None:
            cure = "Remove isolate = false" if own else "Set isolate = true"
            raise ValueError(
                f"{' and '.join(timed)} can only end trials that run in processes of their own. "
                f"{cure}, or set executor = 'ray'."
            )
        return value

    @field_validator("name")
    @classmethod
    def _safe_name(cls, value: str | None) -> str | None:
        try:
            return None if value is None else check_name(value)
        except InputError as error:
            raise ValueError(str(error)) from None


def _is_own_code(backbone: str) -> bool:
    """Whether a backbone is a function of a person's, and of no known library."""
    package, _, function = backbone.partition(":")
    return bool(function) and package.partition(".")[0] not in LIBRARIES


def load_study(path: str | Path) -> StudySettings:
    """Read a study file; a study without a name is called like its file.

    Raises:
        InputError: the file cannot be read, or has faults; all of them, a line each.
    """
    path = Path(path)
    values = read_toml(path)
    return validate(StudySettings, {"name": path.stem, **values}, str(path))


def from_plain(
    values: Any,  # noqa: ANN401 - checked here
    source: str = "settings",
    *,
    stored: bool = False,
) -> StudySettings:
    """Read settings back from plain values, such as a database keeps.

    Args:
        values: sections with their keys.
        source: where they come from, for messages.
        stored: whether they come from a database; a plug-in need not be installed to read those.

    Raises:
        InputError: with all faults.
    """
    return validate(StudySettings, values, source, STORED if stored else None)


def as_stored(values: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values of a study that is stored, with what it meant by settings that came later."""
    asked = [name for name in BEFORE if name != "proxy" or name in values]
    then = {section: {**BEFORE[section], **values.get(section, {})} for section in asked}
    moved = quality_moved({**values, **then})
    objective = {"quality": quality_of(moved), **moved.get("objective", {})}
    return {**moved, "objective": objective}


def quality_moved(values: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values with the quality under ``objective``, and no longer under ``proxy`` or ``task``.

    Raises:
        ValueError: two sections name two qualities.
    """
    moved, named = dict(values), {}
    for section in ("proxy", "task"):
        keys = values.get(section)
        if isinstance(keys, Mapping) and "quality" in keys:
            moved[section] = {key: value for key, value in keys.items() if key != "quality"}
            if keys["quality"] is not None:
                named[section] = keys["quality"]
    objective = values.get("objective") or {}
    if not named or not isinstance(objective, Mapping):
        return moved
    if objective.get("quality") is not None:
        named["objective"] = objective["quality"]
    if any(name != next(iter(named.values())) for name in named.values()):
        said = " and ".join(f"{name!r} under [{section}]" for section, name in named.items())
        raise ValueError(f"quality is {said}. Keep the one under [objective].")
    return {**moved, "objective": {**objective, "quality": next(iter(named.values()))}}


def to_plain(settings: StudySettings) -> dict[str, Any]:
    """Settings as values that JSON can hold, with every default filled in.

    Where trials are measured by another task than classification there is no ``proxy``. A
    ``latency`` that says nothing is left out, as is a cost of parameters: studies of before say
    neither.
    """
    left_out = set() if settings.classifies else {"proxy"}
    if settings.latency == LatencySettings():
        left_out.add("latency")
    plain = settings.model_dump(mode="json", exclude=left_out)
    if settings.cost is Cost.PARAMS:
        del plain["objective"]["cost"]
    return plain


def to_toml(settings: StudySettings) -> str:
    """Settings as a study file that explains every key; `load_study` reads it back."""
    return write_toml(settings)
