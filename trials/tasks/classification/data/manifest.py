"""What a prepared data set says of itself, in ``manifest.json`` beside its arrays."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from trials.errors import DamagedDataError

FORMAT: Literal[1] = 1
MANIFEST = "manifest.json"
PartName = Literal["train", "test"]


class ArrayEntry(BaseModel):
    """SHA-256 of an ``.npy`` file and the shape of its array."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    shape: tuple[int, ...]


class PartEntry(BaseModel):
    """The two arrays of one part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: ArrayEntry
    labels: ArrayEntry


class Manifest(BaseModel):
    """All facts of a prepared data set; the fields are those of `Prepared` and their origin."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = FORMAT
    source: str
    identity: str
    classes: tuple[str, ...]
    channels: int
    size: int
    train: PartEntry
    test: PartEntry
    validation: int | None = None

    def to_json(self) -> str:
        """The text whose SHA-256 names the data set; what is None came later and is left out."""
        return self.model_dump_json(indent=1, exclude_none=True)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A data set in the cache: small, picklable, and enough to find and check the arrays.

    Attributes:
        path: folder of the arrays, absolute.
        sha256: of the manifest, which holds those of the arrays.
        classes: names by label.
        channels: 1 for grey images, 3 for colour.
        size: height and width of an image, in pixels.
        train_count: images for training and validation together.
        test_count: images that only full training sees.
        validation_count: how many at the end of those for training and validation are for
            validation; None where a share of them is.
        summary: one line of what was read.
    """

    path: Path
    sha256: str
    classes: tuple[str, ...]
    channels: int
    size: int
    train_count: int
    test_count: int
    validation_count: int | None = None
    summary: str = field(default="", compare=False)


def cure(folder: Path) -> str:
    """What to do about a damaged data set."""
    return f"Delete the folder {folder}; it is made again from the original files."


def read_manifest(folder: Path) -> tuple[Manifest, Prepared]:
    """Read a data set's manifest, without looking at its arrays.

    Raises:
        DamagedDataError: it is missing or not a manifest of this format.
    """
    path = folder / MANIFEST
    try:
        raw = path.read_bytes()
        manifest = Manifest.model_validate_json(raw)
    except (OSError, ValidationError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a manifest of this format"
        raise DamagedDataError(f"{path} cannot be read: {reason}.", cure(folder)) from None
    return manifest, Prepared(
        path=folder,
        sha256=hashlib.sha256(raw).hexdigest(),
        classes=manifest.classes,
        channels=manifest.channels,
        size=manifest.size,
        train_count=manifest.train.labels.shape[0],
        test_count=manifest.test.labels.shape[0],
        validation_count=manifest.validation,
    )
