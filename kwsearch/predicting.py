"""What a network of an exported or trained folder says of images, and how often it is right.

Images are made ready as they were for its training; `trials.tasks.classification.inputs` says how.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kwsearch.exporting import Exported, load
from kwsearch.exporting.images import inputs_from
from kwsearch.exporting.layout import IMAGES
from search_spaces import InputError
from trials.errors import DamagedDataError
from trials.tasks.classification.data.layout import ENDINGS
from trials.tasks.classification.data.raw import Pixels
from trials.tasks.classification.inputs import Inputs

if TYPE_CHECKING:
    from torch import nn

BATCH = 64
"""Images that the network is given at once."""

LEFT_BY_SYSTEMS = "__MACOSX"
"""A folder that macOS leaves beside images, with files that are none."""

Row = dict[str, Any]
Shares = NDArray[np.float64]
"""Probabilities of the classes, ``[B, classes]``."""


@dataclass(frozen=True, slots=True)
class Classifier:
    """A network, its classes, and how images are made ready for it.

    Attributes:
        network: in evaluation mode, on its device.
        inputs: how images are made ready.
        classes: names by label.
        device: in torch's words.
    """

    network: "nn.Module"
    inputs: Inputs
    classes: tuple[str, ...]
    device: str

    def shares(self, images: Sequence[Pixels]) -> Shares:
        """Probabilities by softmax of images uint8 ``[C, S, S]``, in float32 arithmetic."""
        import torch  # noqa: PLC0415 - refusals load nothing heavy

        with torch.no_grad():
            logits = self.network(self.inputs.batch(images, self.device))
            found: Shares = logits.double().softmax(1).cpu().numpy()
        return found


def classifier(folder: Path, *, device: str | None = None, trust_code: bool = False) -> Classifier:
    """The network of a folder with its weights, ready for images.

    Args:
        folder: that ``kwsearch export`` or ``kwsearch train`` wrote.
        device: in torch's words; a GPU where there is one if None.
        trust_code: as for `kwsearch.exporting.exported.Exported.network`.

    Raises:
        InputError: it is no such folder, has no weights, does not say how images are made ready, or
            its code is not trusted.
        DamagedDataError: a file is not as it was written.
    """
    exported = load(folder)
    inputs, classes = inputs_of(exported)
    network = exported.network(trust_code=trust_code)
    import torch  # noqa: PLC0415 - refusals load nothing heavy

    chosen = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        # served layers give channels last: with plain layers alike nothing is laid out again
        network = network.to(chosen).to(memory_format=torch.channels_last)
        return Classifier(network, inputs, classes, chosen)
    except (RuntimeError, AssertionError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise InputError(f"The device {chosen!r} cannot be used: {reason}", "Try cpu.") from None


def inputs_of(exported: Exported) -> tuple[Inputs, tuple[str, ...]]:
    """How images are made ready for the network of a folder, and the names of its classes.

    Raises:
        InputError: the folder does not say.
        DamagedDataError: what it says cannot be used.
    """
    if exported.images is None:
        raise InputError(
            f"{exported.folder} has no {IMAGES}: sizes, normalisation and names of classes are not "
            "known, because the study's images were not at hand when it was exported.",
            "Export the trial again from the folder that it was searched in, or train it with "
            f"'kwsearch train {exported.folder}'.",
        )
    try:
        inputs, classes = inputs_from(exported.images)
    except (ValueError, TypeError, KeyError) as error:
        raise DamagedDataError(
            f"{exported.folder / IMAGES} cannot be used: {error}.", "Export the trial again."
        ) from None
    table = exported.backbone
    if (inputs.channels, len(classes)) != (table.in_channels, table.num_classes):
        raise DamagedDataError(
            f"{exported.folder / IMAGES} is not of this network.", "Export the trial again."
        )
    return inputs, classes


def predict(
    folder: Path,
    images: Sequence[Path],
    *,
    top: int = 1,
    device: str | None = None,
    trust_code: bool = False,
) -> Iterator[Row]:
    """The most probable classes of images.

    Args:
        folder: as for `classifier`.
        images: files and folders; of a folder every image below it is taken.
        top: classes for each image, the most probable first.
        device: as for `classifier`.
        trust_code: likewise.

    Yields:
        ``image``, ``rank`` (from 1), ``class``, ``probability`` and ``fault``: a row for each class
        of an image, in the order of the files; one with a ``fault`` alone for a file that is
        no image.

    Raises:
        InputError: as `classifier`, or an image is not there.
        DamagedDataError: as `classifier`.
    """
    asked = classifier(folder, device=device, trust_code=trust_code)
    files = list(_files(images))
    if not files:
        raise InputError(
            f"There is no image in {', '.join(map(str, images)) or 'nothing'}.",
            f"Known endings are {', '.join(sorted(ENDINGS))}.",
        )
    return _rows(asked, files, top)


def _rows(asked: Classifier, files: Sequence[Path], top: int) -> Iterator[Row]:
    for start in range(0, len(files), BATCH):
        part = files[start : start + BATCH]
        read = [(path, *_read(asked.inputs, path)) for path in part]
        whole = [pixels for _, pixels, _ in read if pixels is not None]
        shares = iter(asked.shares(whole) if whole else ())
        for path, pixels, fault in read:
            if pixels is None:
                yield _row(path, None, None, None, fault)
                continue
            found: Shares = next(shares)
            best = np.argsort(-found, kind="stable")[:top]
            for rank, label in enumerate(best.tolist(), start=1):
                yield _row(path, rank, asked.classes[label], float(found[label]), None)


def _row(
    path: Path, rank: int | None, name: str | None, share: float | None, fault: str | None
) -> Row:
    return {
        "image": str(path),
        "rank": rank,
        "class": name,
        "probability": share,
        "fault": fault,
    }


def _read(inputs: Inputs, path: Path) -> tuple[Pixels | None, str | None]:
    try:
        return inputs.read(path), None
    except InputError as error:
        return None, error.cause


def _files(images: Iterable[Path]) -> Iterator[Path]:
    """Named files whatever they are called, and the images below named folders."""
    for path in images:
        if path.is_dir():
            found = (p for p in path.rglob("*") if p.suffix.lower() in ENDINGS and p.is_file())
            yield from sorted(p for p in found if not _is_hidden(p.relative_to(path)))
        elif path.exists():
            yield path
        else:
            raise InputError(f"There is no image or folder {str(path)!r}.", "Check the path.")


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") or part == LEFT_BY_SYSTEMS for part in path.parts)
