"""What a study file asks, ready for the search: space, budget, ladder, images and backbone.

Torch is imported only for the table of a network that a person names.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kwsearch.quantities import parse_duration
from kwsearch.sections import SCRATCH
from kwsearch.settings import TRAINED_BY, RatioRange, StudySettings, as_stored, from_plain
from search_spaces import Backbone, InputError
from search_spaces.backbones import shipped
from search_spaces.choices import Choice, FloatRange, Options
from search_spaces.constraints import Limits
from search_spaces.latency import Latency, nanoseconds
from search_spaces.overrides import overridden
from search_spaces.space import SETTINGS, Space
from trials.costs import Cost
from trials.errors import DamagedDataError
from trials.fidelity import Ladder
from trials.freezing import Thawing
from trials.promotion import Halving
from trials.records import StudyRecord
from trials.tasks.classification.catalogue import NAMED
from trials.tasks.classification.data import Prepared, find, is_of_before, prepare
from trials.tasks.contract import IDENTITY
from trials.tasks.detection.coco import CocoFolder, open_coco, require_same
from trials.tasks.detection.recipe import DetectionRecipe, of_size, recipe_for

CACHE = Path("runs/data")
"""Where decoded images are kept, for all studies."""

EDGE_READ = "edge"
"""Under which a study of detection keeps the longest edge of its pictures in pixels."""

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
        limits=Limits(
            budget.max_params,
            budget.min_params,
            budget.max_macs,
            budget.min_macs,
            *(
                None if limit is None else parse_duration(limit)
                for limit in (budget.max_latency, budget.min_latency)
            ),
        ),
        ladder=Ladder(settings.rungs),
    )


def _choice(value: Any) -> Choice:  # noqa: ANN401 - a setting of any kind
    if isinstance(value, Mapping):
        value = RatioRange(**value)
    if isinstance(value, RatioRange):
        return FloatRange(value.low, value.high, value.log)
    return Options(tuple(value) if isinstance(value, tuple | list) else (value,))


def accuracy_floor(settings: StudySettings, classes: int) -> float:
    """Accuracy below which a front counts nothing: that of guessing, or what a person says."""
    asked = settings.search.accuracy_floor
    guessed = 0.0 if settings.detects else 1 / classes  # a guessed box is found as good as never
    return guessed if asked is None else asked


def ends(asked: Problem, quickest: Latency | None) -> tuple[int, int]:
    """Between which costs hypervolume is measured, see `trials.area.Area`.

    Args:
        asked: the study's problem.
        quickest: of a study over latency, the latency of its network of the fewest MACs.
    """
    limits, seed = asked.limits, asked.settings.search.seed
    if asked.settings.cost is Cost.LATENCY:
        assert limits.max_latency is not None  # noqa: S101 - settings without are refused
        least = limits.min_latency or (quickest.median if quickest else limits.max_latency)
        high = nanoseconds(limits.max_latency)
        return min(nanoseconds(least), high), high
    if asked.settings.cost is Cost.MACS:
        low = limits.min_macs or asked.space.smallest_params(seed, "macs")
        return low, limits.max_macs or asked.space.largest(seed, "macs")
    low = limits.min_params or asked.space.smallest_params(seed)
    return low, limits.max_params or asked.space.largest(seed)


def promotion(asked: Problem, study: StudyRecord) -> Halving:
    """The rule of promotion of a study; here alone it is said where its bands of sizes begin."""
    cost, spec = asked.settings.cost, study.spec
    low = spec.smallest_params
    if cost is Cost.PARAMS:
        low = asked.limits.min_params or asked.space.smallest_params(spec.seed)
    return Halving(asked.settings.search.eta, low, spec.reference_params, kind=cost)


def thawing(asked: Problem, study: StudyRecord) -> Thawing | None:
    """Which trials go on now or later, where a study asks for that; one can reach the top."""
    search, top = asked.settings.search, asked.ladder.top
    if search.promotion != "model":
        return None
    epochs = max(int(search.epochs_share * study.spec.trials * top), top)
    return Thawing(study.spec.area, asked.ladder, epochs)


def promotion_of(study: StudyRecord) -> Halving:
    """The same, of a study that is only read; one band where it has settings unknown today."""
    try:
        return promotion(problem(settings_of(study), study.spec.backbone), study)
    except InputError:
        return Halving(1.0, 1, study.spec.reference_params, bands=1)


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
    if settings.own:
        return backbone_of(settings, *own_shapes(settings))
    if settings.detects:
        return backbone_of(settings, *detection_shapes(settings, coco_of(settings)))
    proxy = settings.proxy
    known = NAMED.get(proxy.data)
    classes, channels, size = (
        (1000, 3, None) if known is None else (known.classes, known.channels, known.edge)
    )
    folder = Path(proxy.data).expanduser()
    if known is None and folder.is_dir():
        images = images_of(settings)
        classes, channels, size = len(images.classes), images.channels, images.size
    return backbone_of(settings, classes, proxy.channels or channels, proxy.image_size or size)


def own_shapes(settings: StudySettings) -> tuple[int, int, int]:
    """Outputs, channels and edge that a person's own measure is for."""
    task = settings.task
    assert task.input is not None  # noqa: S101 - settings with a function have both
    assert task.outputs is not None  # noqa: S101 - likewise
    return task.outputs, task.input[0], task.input[1]


def coco_of(settings: StudySettings) -> CocoFolder:
    """Read and digest the folder that detectors learn from."""
    task = settings.task
    assert task.data is not None  # noqa: S101 - settings of that kind have it
    return open_coco(task.data, masks=detection_recipe(settings, None).masks)


def coco_of_study(study: StudyRecord) -> CocoFolder:
    """The folder that a study was created with.

    Raises:
        DamagedDataError: it has changed since.
    """
    coco = coco_of(settings_of(study))
    require_same(coco, study.spec.settings["images"], study.name)
    return coco


def detection_recipe(settings: StudySettings, edge: int | None) -> DetectionRecipe:
    """How the detectors of a study are built and trained.

    Args:
        settings: of the study.
        edge: longest edge of its pictures in pixels; None where it is not known yet.
    """
    task = settings.task
    recipe = recipe_for(edge or task.image_size or EDGE, task.detector or "mask-rcnn")
    asked = {
        "epochs": settings.rungs[-1],
        "norms": "batch" if settings.start == SCRATCH else "frozen",
        "batch_size": task.batch_size,
        "learning_rate": task.learning_rate,
    }
    recipe = recipe.changed(**{name: value for name, value in asked.items() if value is not None})
    return recipe if task.image_size is None else of_size(recipe, task.image_size)


def detection_shapes(settings: StudySettings, coco: CocoFolder) -> tuple[int, int, int]:
    """Outputs, channels and edge that backbones of detectors are counted for."""
    edge = detection_recipe(settings, coco.edge).short_edge
    return len(coco.categories), coco.channels, edge


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
    from search_spaces.networks.named import trace_named  # noqa: PLC0415 - loads torch

    return trace_named(
        name,
        num_classes=classes,
        in_channels=channels,
        input_size=(edge or EDGE, edge or EDGE),
        exclude=exclude,
        addresses=addresses,
    )


def images_of(settings: StudySettings) -> Prepared:
    """Decode a study's images once, or find them decoded."""
    proxy = settings.proxy
    return prepare(
        proxy.data,
        image_size=proxy.image_size,
        folder=Path(proxy.folder) if proxy.folder else None,
        cache=CACHE,
        download=proxy.download,
        channels=proxy.channels,
        skip_damaged=proxy.skip_damaged,
    )


def images_of_study(study: StudyRecord) -> Prepared:
    """The images that a study was created with.

    A study of a version that read them in another way goes on with what that version decoded.

    Raises:
        DamagedDataError: they have changed since.
    """
    images, wanted = images_of(settings_of(study)), study.spec.settings["images"]
    if images.sha256 == wanted:
        return images
    decoded = find(CACHE, wanted)
    if decoded is not None and is_of_before(decoded):
        return decoded
    raise DamagedDataError(
        f"The images of study {study.name!r} have changed since it was created.",
        "Put the old images back, or start a new study.",
    )


def settings_of(study: StudyRecord) -> StudySettings:
    """The settings a study was created from; one that came later has the meaning of before."""
    added = ("images", "read", EDGE_READ, "seeds", "start", TRAINED_BY, IDENTITY, "hardware")
    stored = as_stored(study.spec.settings)
    plain = {key: value for key, value in stored.items() if key not in added}
    return from_plain(plain, f"study {study.name}", stored=True)
