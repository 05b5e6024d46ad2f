"""A folder in COCO's format: pictures, and JSON files of what there is in them.

Two layouts are read. MS-COCO's own has ``annotations/instances_train2017.json`` with the folder
``train2017/`` beside ``annotations``, and the same for ``val2017``; the years may differ or be
left out. The plain one has ``annotations.json`` and the pictures in ``images/``; of its pictures a
sixth is held out, always the same, for what a full training is measured on.

Boxes are x, y, width and height in pixels, masks polygons or run lengths. Pictures are taken as
they are stored, whatever EXIF says of how they were held: COCO's annotations are made so.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from search_spaces.errors import InputError, plural
from trials.errors import DamagedDataError

ANNOTATIONS = "annotations"
PLAIN_FILE, PLAIN_FOLDER = "annotations.json", "images"
HELD_SHARE = 1 / 6
GREY, COLOUR = 1, 3

_PREFIX = "instances_"
_LAYOUTS = (
    "Lay it out as annotations/instances_train2017.json, annotations/instances_val2017.json, "
    "train2017/ and val2017/, or as annotations.json and images/."
)
_GREY_MODES = ("1", "L", "LA")
_MODES = (*_GREY_MODES, "P", "RGB", "RGBA", "CMYK")
_NAMED = 3
_EDGES = ("width", "height")
_READERS = 8


@dataclass(frozen=True, slots=True)
class Source:
    """A JSON file and the folder of its pictures, both absolute."""

    annotations: Path
    images: Path


@dataclass(frozen=True, slots=True)
class CocoFolder:
    """What was read of a folder; small, and to be handed to whoever trains.

    Attributes:
        training: what is learnt from.
        measuring: what a full training is measured on; the same as ``training`` where a sixth of
            that is held out.
        categories: ids and names, by ascending id; label 1 is the first.
        channels: 1 where all pictures are grey, else 3.
        edge: longest edge of a picture in pixels.
        sha256: of all JSON files and pictures.
        summary: a line for people.
    """

    training: Source
    measuring: Source
    categories: tuple[tuple[int, str], ...]
    channels: int
    edge: int
    sha256: str
    summary: str

    @property
    def held_out(self) -> bool:
        """Whether pictures to measure on are held out of those for training."""
        return self.training == self.measuring


@dataclass(frozen=True)
class Part:
    """Some pictures of a source, with what there is in them.

    Attributes:
        folder: of the pictures.
        images: entries of the JSON file.
        annotations: its annotations, by id of their image.
        categories: ids by label; that of label 1 first.
        names: of the categories.
    """

    folder: Path
    images: Sequence[Mapping[str, Any]]
    annotations: Mapping[int, Sequence[Mapping[str, Any]]]
    categories: tuple[int, ...]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)

    @property
    def ids(self) -> list[int]:
        """Of the images."""
        return [image["id"] for image in self.images]

    def truth(self) -> dict[str, Any]:
        """All of it in COCO's format."""
        found = [a for image in self.images for a in self.annotations.get(image["id"], ())]
        return {
            "info": {},
            "images": [dict(image) for image in self.images],
            "annotations": [{"iscrowd": 0, **a, "area": _area(a)} for a in found],
            "categories": [
                {"id": i, "name": name} for i, name in zip(self.categories, self.names, strict=True)
            ],
        }

    def chosen(self, places: Iterable[int]) -> "Part":
        """Those of these places, in their order of before."""
        images = [self.images[place] for place in sorted(places)]
        return Part(self.folder, images, self.annotations, self.categories, self.names)

    def learnable(self) -> "Part":
        """Pictures in which there is something to learn; a crowd and an empty box are nothing."""
        places = [
            place
            for place, image in enumerate(self.images)
            if any(is_learnable(a, image) for a in self.annotations.get(image["id"], ()))
        ]
        return self.chosen(places)


def is_learnable(annotation: Mapping[str, Any], image: Mapping[str, Any]) -> bool:
    """Whether a thing is one, not a crowd, and at least one pixel of it lies in the image."""
    left, top, right, bottom = corners(annotation, image)
    return not annotation.get("iscrowd") and right - left >= 1 and bottom - top >= 1


def corners(
    annotation: Mapping[str, Any], image: Mapping[str, Any]
) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a thing in pixels, as far as they lie in the image."""
    x, y, width, height = map(float, annotation["bbox"])
    return max(x, 0), max(y, 0), min(x + width, image["width"]), min(y + height, image["height"])


def open_coco(folder: str | Path, *, masks: bool) -> CocoFolder:
    """Find the files of a folder, check them, and digest them.

    Args:
        folder: of the data.
        masks: whether every thing needs a mask.

    Raises:
        InputError: a file is not there, or not as the format wants it.
    """
    root = Path(folder).expanduser().resolve()
    training, measuring = _sources(root)
    digest, told = hashlib.sha256(), []
    channels, edge = GREY, 1
    categories: tuple[tuple[int, str], ...] | None = None
    for source in dict.fromkeys((training, measuring)):
        content = _read_json(source.annotations)
        found, counts = _checked(source, content, masks=masks)
        if categories is not None and found != categories:
            raise InputError(
                f"{source.annotations} has other categories than {training.annotations}.",
                "Give both files the same ids and names.",
            )
        categories = found
        seen = _pictures(source, content["images"])
        digest.update(hashlib.sha256(source.annotations.read_bytes()).digest())
        digest.update(seen.sha256)
        channels, edge = max(channels, seen.channels), max(edge, seen.edge)
        told.append(counts)
    assert categories is not None  # noqa: S101 - there is a source
    summary = (
        f"{root.name}: {' for training; '.join(told)}"
        f"{', of which a sixth is held out' if len(told) == 1 else ' for measuring'}; "
        f"{plural(len(categories), 'category', 'categories')}."
    )
    return CocoFolder(training, measuring, categories, channels, edge, digest.hexdigest(), summary)


def require_same(coco: CocoFolder, sha256: str, study: str) -> None:
    """See that a folder is as a study has known it.

    Raises:
        DamagedDataError: it is not.
    """
    if coco.sha256 != sha256:
        raise DamagedDataError(
            f"The pictures or annotations of study {study!r} have changed since it was created.",
            "Put the old ones back, or start a new study.",
        )


def for_search(
    coco: CocoFolder, seed: int, validation_share: float, training_share: float
) -> tuple[Part, Part]:
    """What the trials of a study learn from, and what they are measured on.

    Both are parts of what is for training: a search sees nothing of what a full training is
    measured on.

    Raises:
        InputError: nothing is left of one of them.
    """
    whole = _training(coco)
    order = np.random.default_rng(seed).permutation(len(whole))
    validation = max(round(len(whole) * validation_share), 1)
    rest = order[validation:]
    learnt = whole.chosen(rest[: max(round(len(rest) * training_share), 1)].tolist())
    measured = whole.chosen(order[:validation].tolist())
    return _sound(learnt.learnable(), coco, "learn from"), _measurable(measured, coco)


def for_full(coco: CocoFolder) -> tuple[Part, Part]:
    """What a full training learns from, and what it is measured on.

    Raises:
        InputError: nothing is left of one of them.
    """
    if not coco.held_out:
        measured = _part(coco.measuring, coco.categories, coco.sha256)
    else:
        whole = _part(coco.training, coco.categories, coco.sha256)
        measured = whole.chosen(_held(len(whole)))
    return _sound(_training(coco).learnable(), coco, "learn from"), _measurable(measured, coco)


def _training(coco: CocoFolder) -> Part:
    whole = _part(coco.training, coco.categories, coco.sha256)
    if not coco.held_out:
        return whole
    return whole.chosen(set(range(len(whole))) - set(_held(len(whole))))


def _held(pictures: int) -> list[int]:
    order = np.random.default_rng(0).permutation(pictures)
    held: list[int] = order[: max(round(pictures * HELD_SHARE), 1)].tolist()
    return held


def _sound(part: Part, coco: CocoFolder, purpose: str) -> Part:
    if not len(part):
        raise InputError(
            f"{coco.training.annotations.parent} leaves no picture to {purpose}.",
            "Take a larger share of the pictures, or more of them.",
        )
    return part


def _measurable(part: Part, coco: CocoFolder) -> Part:
    if not any(part.annotations.get(number) for number in part.ids):
        raise InputError(
            f"In the {plural(len(part), 'picture')} of {coco.training.annotations.parent} to "
            "measure on there is nothing to find.",
            "Take a larger share of the pictures, or more of them.",
        )
    return part


@lru_cache(maxsize=4)
def _part(source: Source, categories: tuple[tuple[int, str], ...], sha256: str) -> Part:
    """All of a source, read once a process as long as its bytes stay the same."""
    del sha256  # tells one state of a folder from the next
    content = _read_json(source.annotations)
    annotations: dict[int, list[Mapping[str, Any]]] = {}
    for annotation in content["annotations"]:
        annotations.setdefault(annotation["image_id"], []).append(annotation)
    images = sorted(content["images"], key=lambda image: int(image["id"]))
    ids, names = zip(*categories, strict=True)
    return Part(source.images, images, annotations, ids, names)


def _sources(root: Path) -> tuple[Source, Source]:
    if not root.is_dir():
        raise InputError(f"There is no folder {root}.", "Check the path.")
    if (root / PLAIN_FILE).is_file():
        images = root / PLAIN_FOLDER
        if not images.is_dir():
            raise InputError(f"{root} has {PLAIN_FILE} and no folder {PLAIN_FOLDER}/.", _LAYOUTS)
        plain = Source(root / PLAIN_FILE, images)
        return plain, plain
    files = sorted((root / ANNOTATIONS).glob(f"{_PREFIX}*.json"))
    names = [file.stem.removeprefix(_PREFIX) for file in files]
    training = [name for name in names if name.startswith("train")]
    measuring = [name for name in names if name.startswith("val")]
    if len(training) != 1 or len(measuring) != 1:
        found = ", ".join(names) or "none"
        raise InputError(
            f"{root} is no folder in COCO's format: of files annotations/{_PREFIX}*.json one "
            f"begins with train and one with val; there are: {found}.",
            _LAYOUTS,
        )
    sources = []
    for name in (training[0], measuring[0]):
        folder = root / name if (root / name).is_dir() else root / PLAIN_FOLDER / name
        if not folder.is_dir():
            raise InputError(
                f"{root} has annotations/{_PREFIX}{name}.json and no folder {name}/.", _LAYOUTS
            )
        sources.append(Source(root / ANNOTATIONS / f"{_PREFIX}{name}.json", folder))
    return sources[0], sources[1]


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise InputError(f"{path} cannot be read: {reason}.", "Mend the file.") from None
    keys = ("images", "annotations", "categories")
    lacking = [
        k for k in keys if not isinstance(content, dict) or not isinstance(content.get(k), list)
    ]
    if lacking:
        raise InputError(
            f"{path} has no list {lacking[0]!r}; COCO's format has {', '.join(keys)}.",
            "Mend the file.",
        )
    found: dict[str, Any] = content
    return found


def _checked(
    source: Source, content: Mapping[str, Any], *, masks: bool
) -> tuple[tuple[tuple[int, str], ...], str]:
    """Categories and counts of a file whose entries are as they should be."""
    path = source.annotations
    try:
        for entry in (*content["images"], *content["categories"]):
            _require(path, entry, type(entry["id"]) is int, "an id that is a whole number")
        categories = tuple(sorted((c["id"], str(c["name"])) for c in content["categories"]))
        images = {image["id"]: image for image in content["images"]}
        for image in content["images"]:
            _require(path, image, isinstance(image["file_name"], str), "a file_name of text")
            sized = all(type(image[edge]) is int and image[edge] >= 1 for edge in _EDGES)
            _require(path, image, sized, "width and height that are whole numbers from 1")
        known = {number for number, _ in categories}
        for a in content["annotations"]:
            _require(path, a, a["image_id"] in images, "an image_id that an image has")
            _require(path, a, a["category_id"] in known, "a category_id that a category has")
            boxed = len(a["bbox"]) == 4 and all(map(_is_number, a["bbox"]))  # noqa: PLR2004 - x, y, width, height
            _require(path, a, boxed, "a bbox of four numbers")
            _require(path, a, a.get("iscrowd") in (None, 0, 1), "an iscrowd of 0 or 1")
            sized = a.get("area") is None or _is_number(a["area"])
            _require(path, a, sized, "an area that is a number")
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} has an entry that is not as COCO's format wants it: {error!r}.",
            "An image has id, file_name, width and height; an annotation id, image_id, "
            "category_id and bbox; a category id and name.",
        ) from None
    named = len({name for _, name in categories})
    for what, number, of in (
        ("images", len(images), "ids"),
        ("categories", len(known), "ids"),
        ("categories", named, "names"),
    ):
        if number != len(content[what]) or not number:
            raise InputError(
                f"{path} has {len(content[what])} {what}, with {number} different {of}.",
                f"Give each {'an id' if of == 'ids' else 'a name'} of its own.",
            )
    things = content["annotations"]
    bare = sum(not a.get("segmentation") for a in things)
    if masks and bare:
        raise InputError(
            f"{plural(bare, 'annotation')} of {len(things)} in {path} "
            f"{'has' if bare == 1 else 'have'} no segmentation, which masks are learnt from.",
            "Set detector = 'faster-rcnn', or --detector faster-rcnn, to find boxes alone.",
        )
    return categories, _counted(images, things, dict(categories))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _counted(
    images: Mapping[int, Mapping[str, Any]],
    things: Sequence[Mapping[str, Any]],
    categories: Mapping[int, str],
) -> str:
    crowds = sum(bool(a.get("iscrowd")) for a in things)
    empty = sum(not a.get("iscrowd") and not is_learnable(a, images[a["image_id"]]) for a in things)
    bare = len(images) - len({a["image_id"] for a in things})
    unseen = [categories[one] for one in categories.keys() - {a["category_id"] for a in things}]
    named = ", ".join(repr(name) for name in sorted(unseen)[:_NAMED])
    named += " ..." if len(unseen) > _NAMED else ""
    notes = [
        text
        for number, text in (
            (crowds, f"{plural(crowds, 'crowd')} not learnt from"),
            (empty, f"{plural(empty, 'box', 'boxes')} of less than a pixel left out of training"),
            (bare, f"{plural(bare, 'picture')} without a thing left out of training"),
            (
                len(unseen),
                f"{plural(len(unseen), 'category', 'categories')} without a thing: {named}",
            ),
        )
        if number
    ]
    inside = f" ({', '.join(notes)})" if notes else ""
    return f"{plural(len(images), 'picture')} with {plural(len(things), 'thing')}{inside}"


def _require(path: Path, entry: Mapping[str, Any], holds: bool, rule: str) -> None:  # noqa: FBT001 - a condition
    if not holds:
        raise InputError(f"{path}: entry {entry.get('id')!r} lacks {rule}.", "Mend the entry.")


@dataclass(frozen=True, slots=True)
class _Seen:
    sha256: bytes
    channels: int
    edge: int


def _pictures(source: Source, images: Sequence[Mapping[str, Any]]) -> _Seen:
    """Digest the pictures of a source, and see that they have the sizes that the file says."""
    missing = [i for i in images if not (source.images / i["file_name"]).is_file()]
    if missing:
        named = ", ".join(image["file_name"] for image in missing[:_NAMED])
        raise InputError(
            f"{plural(len(missing), 'picture')} of {len(images)} "
            f"{'is' if len(missing) == 1 else 'are'} not in {source.images}: {named}.",
            "Put them there, or take their entries out of the file.",
        )
    with ThreadPoolExecutor(_READERS) as pool:
        seen = list(pool.map(lambda image: _picture(source, image), images))
    digest = hashlib.sha256()
    for image, (one, _, _) in sorted(
        zip(images, seen, strict=True), key=lambda pair: pair[0]["id"]
    ):
        digest.update(f"{image['id']}\0".encode() + one)
    modes = Counter(mode for _, mode, _ in seen)
    grey = all(mode in _GREY_MODES for mode in modes)
    return _Seen(digest.digest(), GREY if grey else COLOUR, max(edge for _, _, edge in seen))


def _picture(source: Source, told: Mapping[str, Any]) -> tuple[bytes, str, int]:
    path = source.images / told["file_name"]
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
            file.seek(0)
            with Image.open(file) as image:
                mode, size = image.mode, image.size
    except (OSError, UnidentifiedImageError, ValueError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise InputError(f"{path} is no picture: {reason}.", "Replace or remove it.") from None
    if mode not in _MODES:
        raise InputError(
            f"{path} has pixels of the kind {mode}; known are {', '.join(_MODES)}.",
            "Convert it to 8 bits a channel.",
        )
    if size != (told["width"], told["height"]):
        raise InputError(
            f"{path} has {size[0]} x {size[1]} pixels, and {source.annotations.name} says "
            f"{told['width']} x {told['height']}.",
            "Give the picture that the annotations were made on.",
        )
    return digest, mode, max(size)


def _area(annotation: Mapping[str, Any]) -> float:
    """As the file says, or that of the box: pycocotools counts things by size."""
    given = annotation.get("area")
    return float(annotation["bbox"][2] * annotation["bbox"][3] if given is None else given)
