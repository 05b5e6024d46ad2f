"""What a study file asks, ready for the search: space, budget, ladder, images and backbone.

Torch is imported only for the table of a network that a person names.
"""

import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kwsearch.settings import RatioRange, StudySettings, as_stored, from_plain
from search_spaces import Backbone
from search_spaces.backbones import shipped
from search_spaces.choices import Choice, FloatRange, Options
from search_spaces.constraints import Limits
from search_spaces.overrides import overridden
from search_spaces.space import SETTINGS, Space
from trials.fidelity import Ladder
from trials.records import StudyRecord
from trials.training.data import Prepared, prepare

CACHE = Path("runs/data")
"""Where decoded images are kept, for all studies."""

SHAPES = {
    "digits": (10, 1, 8),
    "fashion-mnist": (10, 1, 28),
    "cifar10": (10, 3, 32),
    "cifar100": (100, 3, 32),
    "svhn": (10, 3, 32),
}
"""Classes, channels and edge in pixels of the named data sets."""

EDGE = 224
"""Height and width in pixels where nothing tells those of the images."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A study's settings, made ready for the search.

    Attributes:
        settings: the study file.
        space: what may be chosen.
        limits: the budget.
        ladder: rungs of a trial.
    """

    settings: StudySettings
    space: Space
    limits: Limits
    ladder: Ladder


def problem(settings: StudySettings, backbone: Backbone) -> Problem:
    """Read a study file's sections as space, limits and ladder."""
    choices = {
        name: _choice(value)
        for name, value in settings.space.model_dump().items()
        if name in SETTINGS
    }
    budget = settings.budget
    return Problem(
        settings=settings,
        space=Space(backbone, choices, settings.space.granularity),
        limits=Limits(budget.max_params, budget.min_params, budget.max_macs, budget.min_macs),
        ladder=Ladder(settings.proxy.epochs),
    )


def _choice(value: Any) -> Choice:  # noqa: ANN401 - a setting of any kind
    if isinstance(value, Mapping):
        value = RatioRange(**value)
    if isinstance(value, RatioRange):
        return FloatRange(value.low, value.high, value.log)
    return Options(tuple(value) if isinstance(value, tuple | list) else (value,))


def backbone_of(settings: StudySettings, classes: int, channels: int, edge: int | None) -> Backbone:
    """The table of a study's backbone, with the study's changes.

    Args:
        settings: of the study.
        classes: outputs of the classifier.
        channels: of an image.
        edge: height and width of an image in pixels; what fits the backbone if None.

    Raises:
        InputError: the network named as ``"package.module:function"`` cannot be made or does not
            fit the images, or a change speaks of a layer that is not there.
        InfeasibleError: there is nothing that a warehouse could serve.
    """
    space = settings.space
    if ":" in space.backbone:
        table = named_table(
            space.backbone,
            classes,
            channels,
            edge,
            exclude=space.exclude,
            addresses=space.addresses,
        )
    else:
        table = shipped(space.backbone, classes, channels, (edge, edge) if edge else None)
        table = overridden(table, exclude=space.exclude, addresses=space.addresses)
    return overridden(table, attention_norm=space.attention_norm)


def backbone_for_planning(settings: StudySettings) -> Backbone:
    """The table of a study's backbone without opening its images; raises like `backbone_of`.

    A folder that is not there is taken to be as large as ImageNet: 1000 classes in colour.
    """
    proxy = settings.proxy
    classes, channels, size = SHAPES.get(proxy.data, (1000, 3, None))
    folder = Path(proxy.data).expanduser()
    if proxy.data not in SHAPES and folder.is_dir():
        images = images_of(settings)
        classes, channels, size = len(images.classes), images.channels, images.size
    return backbone_of(settings, classes, channels, proxy.image_size or size)


def named_table(
    name: str,
    classes: int,
    channels: int,
    edge: int | None = None,
    *,
    exclude: Iterable[str] = (),
    addresses: Mapping[str, str] | None = None,
) -> Backbone:
    """The table of a network named as ``"package.module:function"``; torch is loaded here.

    Args:
        name: of the function.
        classes: outputs of the classifier.
        channels: of an image.
        edge: height and width in pixels; those of ImageNet if None.
        exclude: as in the study file.
        addresses: likewise.
    """
    named = importlib.import_module("search_spaces.networks.named")
    table: Backbone = named.trace_named(
        name,
        num_classes=classes,
        in_channels=channels,
        input_size=(edge or EDGE, edge or EDGE),
        exclude=exclude,
        addresses=addresses,
    )
    return table


def images_of(settings: StudySettings) -> Prepared:
    """Decode a study's images once, or find them decoded."""
    proxy = settings.proxy
    return prepare(
        proxy.data,
        image_size=proxy.image_size,
        folder=Path(proxy.folder) if proxy.folder else None,
        cache=CACHE,
        download=proxy.download,
    )


def settings_of(study: StudyRecord) -> StudySettings:
    """The settings a study was created from; one that came later has the meaning of before."""
    added = ("images", "seeds", "start")
    stored = as_stored(study.spec.settings)
    plain = {key: value for key, value in stored.items() if key not in added}
    return from_plain(plain, f"study {study.name}")
