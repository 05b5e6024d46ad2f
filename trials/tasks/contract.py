"""What a task is: the part of a study that measures a trial, and that can be exchanged.

A task

- is **called** as ``task(job, report)`` by an executor, once for each attempt, in whatever process:
  it builds the network of the trial or baseline, trains it, and reports after each rung. It is a
  `trials.records.Measure`, and `trials.execution.contract` says what happens to its reports and to
  what it raises;
- has an **identity**: one digest of everything that changes a measurement (data, split, recipe,
  rungs, seed, version of the code, number format, kind of device). Two studies whose tasks have one
  identity measure the same network alike, so measurements are copied from one to the other, fronts
  are compared member by member, and databases are merged. It is written into the study's settings
  when the study is created; studies of before are told apart by their settings;
- says the **shapes** of what its networks take and give, from which they are counted and built;
- names the **qualities** that it reports: values by name, each with its error. The first is what
  ``[objective] quality`` asks for, a share of which more is better. It stands in the column
  ``accuracy`` of a measurement, whatever its name is, since fronts and rungs are read by that
  column; all the others are in ``further``, in any unit and direction.

A task is pickled, so it is small and holds no network; torch is loaded where it is made or called.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from trials.records import Job, Measurement, Report, Reported

IDENTITY = "identity"
"""Under which a study's settings keep the identity of its task."""

QUALITY = "accuracy"
"""What trials are compared by unless a study file names another."""

COVERED = ("proxy", "images", "read", "edge", "start", "training", "task")
"""Settings of a study that its identity speaks for."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What a task reports of a network.

    Attributes:
        name: as the task reports it.
        error: what its standard error comes from, in words.
        higher_is_better: its direction; the front of a study wants it to be true.
    """

    name: str
    error: str
    higher_is_better: bool = True


@dataclass(frozen=True, slots=True)
class Shapes:
    """What the networks of a study take and give.

    Attributes:
        input: channels, height and width of one input.
        outputs: how many numbers a network gives for it.
    """

    input: tuple[int, int, int]
    outputs: int


class Task(Protocol):
    """Measures the trials and baselines of one study; see the module's contract."""

    @property
    def identity(self) -> str:
        """Digest of everything that changes a measurement."""

    @property
    def shapes(self) -> Shapes:
        """Of the networks."""

    @property
    def qualities(self) -> tuple[Quality, ...]:
        """What is reported, the first one for the front."""

    def __call__(self, job: Job, report: Report, /) -> None:
        """Train a network and report after every rung."""


def identity_of(**facts: object) -> str:
    """Digest of plain values that together say which training or which task it is."""
    text = json.dumps(facts, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def quality_of(settings: Mapping[str, Any]) -> str:
    """Name of what the trials of a study are compared by, from its stored settings."""
    # Studies of before [objective] have it under [task] or [proxy].
    sections = (settings.get(name) or {} for name in ("objective", "task", "proxy"))
    return next((name for one in sections if (name := one.get("quality"))), QUALITY)


def measure_of(settings: Mapping[str, Any]) -> str | None:
    """What measures a study in place of what ships data and training of its own; from settings.

    Returns:
        The name of a person's function, or of a kind of task that is used as such a function is;
        None for classification and detection.
    """
    task = settings.get("task") or {}
    kind = task.get("kind")
    name: str | None = task.get("function") or (None if kind == "detection" else kind)
    return name


def in_words(name: str) -> str:
    """What a quality is called in the middle of a sentence."""
    return _WORDS.get(name, name.replace("_", " "))


_WORDS = {
    "macro_f1": "macro F1",
    "map": "average precision",
    "map50": "average precision at IoU 0.5",
    "map75": "average precision at IoU 0.75",
    "mask_map": "average precision of masks",
    "mask_map50": "average precision of masks at IoU 0.5",
    "mask_map75": "average precision of masks at IoU 0.75",
}


def of_one_class(name: str) -> bool:
    """Whether a value is that of a single class, as ``recall.cat``; it has no column of its own."""
    return "." in name


def metrics_of(measured: Measurement) -> dict[str, float]:
    """What other programs are told of a measurement: numbers under words of one kind.

    Values of single classes are left out, as are names that are no identifiers. One that is called
    as something else here has ``reported_`` before its name.
    """
    own = {"accuracy": measured.accuracy, "loss": measured.loss}
    others = {name: value for name, (value, _) in measured.further.items() if name.isidentifier()}
    taken = {*own, "seconds", "params", "macs"}
    return own | {f"reported_{n}" if n in taken else n: value for n, value in others.items()}


def values_by_name(quality: str, measured: Measurement) -> dict[str, Reported]:
    """All that a measurement holds by its name, the study's quality first."""
    return {quality: Reported(measured.accuracy, measured.accuracy_error), **measured.further}


def is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool | None:
    """Whether the tasks of two studies, known by their settings, have one identity.

    Returns:
        None where one of them was created before identities were kept.
    """
    both = one.get(IDENTITY), other.get(IDENTITY)
    return None if None in both else both[0] == both[1]
