"""Exports on the disk: one trial, or the best under each of several sizes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kwsearch.exporting.card import Card
from kwsearch.exporting.checksums import write_checksums
from kwsearch.exporting.contents import (
    contents,
    is_detection,
    is_own,
    recipe_text,
    upstream_settings,
    write_json,
)
from kwsearch.exporting.graph import write_graph
from kwsearch.exporting.images import image_settings
from kwsearch.exporting.ladder import Rung
from kwsearch.exporting.layout import CARD, CHECKSUMS, IMAGES, LADDER, RECIPE, UPSTREAM
from kwsearch.exporting.weights import copy_weights
from reports.repeated import Mean
from search_spaces import InputError
from trials.errors import StorageError
from trials.files import new_folder
from trials.records import KeptFile, StudyRecord, TrialRecord

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """What a study found, as far as an export tells of it.

    Attributes:
        study: as the database has it.
        front: its front, of means where trials were trained again.
        kept: weights that are kept, by trial.
        runs: runs folders that they are looked for in.
        pays: whether KernelWarehouse pays in the study, in a sentence.
        repeats: what trainings from further seeds did to the front, in a sentence.
        means: of trials that were trained again, by trial.
    """

    study: StudyRecord
    front: Sequence[TrialRecord]
    kept: Mapping[int, KeptFile]
    runs: Sequence[Path]
    pays: str = ""
    repeats: str = ""
    means: Mapping[int, Mean] = field(default_factory=dict)


def export_trial(
    found: Found,
    record: TrialRecord,
    folder: Path,
    *,
    onnx: bool = False,
    trust_code: bool = False,
) -> Path:
    """Write a trial into a new folder, whole or not at all; `layout` says which files.

    Args:
        found: what the trial's study found.
        record: the trial.
        folder: to be created; its parent may have to be too.
        onnx: whether the network is written as a graph too, and checked on the study's images.
        trust_code: whether code that makes the network may be run for that.

    Raises:
        InputError: the folder exists, or a graph cannot be made or differs from the network.
        StorageError: it cannot be written.
        DamagedDataError: the weights that are kept of the trial are not as they were written.
    """
    with _whole(folder) as draft:
        _write(draft, found, record, onnx=onnx, trust_code=trust_code)
    return folder


def export_ladder(
    found: Found,
    rungs: Sequence[tuple[Rung, TrialRecord | None]],
    folder: Path,
    *,
    onnx: bool = False,
    trust_code: bool = False,
) -> list[Row]:
    """Write the trial of each rung into a folder of its own, all of them or none.

    A trial that is the best under several sizes is written once, for the smallest of them.

    Args:
        found: what the trials' study found.
        rungs: sizes, and the best trial under each.
        folder: to be created.
        onnx: as for `export_trial`.
        trust_code: likewise.

    Returns:
        What ``ladder.json`` says: ``rung``, ``max_params``, ``trial``, ``params``, ``accuracy`` and
        ``folder`` of each; the last four are None where no trial is so small.

    Raises:
        InputError: as `export_trial`.
        StorageError: likewise.
    """
    rows: list[Row] = []
    written: dict[int, str] = {}
    with _whole(folder) as draft:
        for rung, record in rungs:
            if record is not None and record.number not in written:
                written[record.number] = rung.name
                (draft / rung.name).mkdir()
                _write(draft / rung.name, found, record, onnx=onnx, trust_code=trust_code)
            rows.append(
                {
                    "rung": rung.name,
                    "max_params": rung.params,
                    "trial": record.number if record else None,
                    "params": record.trial.params if record else None,
                    "accuracy": record.accuracy if record else None,
                    "folder": written[record.number] if record else None,
                }
            )
        write_json(draft / LADDER, {"study": found.study.name, "rungs": rows})
        write_checksums(draft)
    return rows


@contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """A draft that becomes ``folder`` at the end."""
    if folder.exists() or folder.is_symlink():
        raise InputError(
            f"{folder} exists; an export never overwrites.", "Name a new folder with -o."
        )
    try:
        with new_folder(folder) as draft:
            yield draft
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be written: {error.strerror or error}.",
            "Make room, or name a folder that you may write to.",
        ) from None


def _write(
    folder: Path, found: Found, record: TrialRecord, *, onnx: bool, trust_code: bool
) -> None:
    """Fill an empty folder with a trial."""
    study, kept = found.study, found.kept.get(record.number)
    mean = found.means.get(record.number)
    values, no_upstream = contents(study, record, mean), None
    try:
        values[UPSTREAM] = upstream_settings(record.trial.config, study.spec.backbone)
    except InputError as error:
        no_upstream = error.cause
    images = image_settings(study)
    if images is not None:
        values[IMAGES] = images
    for name, value in values.items():
        write_json(folder / name, value)
    if not (is_own(study.spec.settings) or is_detection(study.spec.settings)):
        (folder / RECIPE).write_text(recipe_text(study), encoding="utf-8")
    if kept is not None:
        copy_weights(kept, found.runs, folder)
    write_checksums(folder)
    compared = write_graph(folder, study, trust_code=trust_code) if onnx else None
    card = Card(
        study=study,
        record=record,
        front=found.front,
        files=[path.name for path in folder.iterdir() if path.name != CHECKSUMS],
        kept=kept,
        no_upstream=no_upstream,
        images=images,
        graph=compared,
        pays=found.pays,
        repeats=found.repeats,
        mean=mean,
    )
    (folder / CARD).write_text(card.text(), encoding="utf-8")
    write_checksums(folder)
