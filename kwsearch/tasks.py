"""What measures the trials of a study: the one place where settings are mapped to a task.

Torch is loaded where a task is made, not where its identity is told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from kwsearch import starts
from kwsearch.problems import (
    EDGE_READ,
    backbone_of,
    coco_of,
    coco_of_study,
    detection_recipe,
    detection_shapes,
    images_of,
    images_of_study,
    own_shapes,
)
from kwsearch.sections import PLAIN, SCRATCH
from kwsearch.settings import TRAINED_BY, StudySettings
from search_spaces import InputError
from search_spaces.errors import plural
from trials.checkpoints import Checkpoints
from trials.errors import DamagedDataError
from trials.fidelity import Ladder
from trials.records import StudyRecord
from trials.tasks.classification import VERSION
from trials.tasks.classification.data.split import VALIDATION_SHARE
from trials.tasks.classification.identity import ProxyFacts
from trials.tasks.classification.recipe import SHARED, SHORT, Recipe, for_ladder, of_proxy
from trials.tasks.contract import IDENTITY, Quality, Shapes, Task, identity_of
from trials.tasks.detection import VERSION as DETECTION_VERSION
from trials.tasks.detection.identity import DetectionFacts
from trials.tasks.detection.recipe import SMALL
from trials.tasks.own import VERSION as OWN_VERSION

if TYPE_CHECKING:
    from trials.tasks.own.function import Function, Given, Named


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the networks of a new study are for.

    Attributes:
        outputs: classes, or whatever a network gives.
        channels: of an input.
        edge: its height and width.
        told: a line for people.
        known: what the study keeps of it.
    """

    outputs: int
    channels: int
    edge: int
    told: str
    known: Mapping[str, Any]


def inputs_of(settings: StudySettings, function: "Function | None" = None) -> Inputs:
    """Read a study's images, or see that its own measure is there.

    Raises:
        InputError: the images cannot be read, or the measure cannot be called.
    """
    if settings.own:
        _own(settings, function)
        shapes = own_shapes(settings)
        outputs, channels, edge = shapes
        told = (
            f"Trials are measured by {settings.task.function}, on inputs of {channels} x {edge} x "
            f"{edge}, with {plural(outputs, 'output')}; what counts is {settings.quality}."
        )
        return Inputs(*shapes, told, {})
    if settings.detects:
        return _pictures(settings)
    images = images_of(settings)
    known = {"images": images.sha256, "read": images.summary}
    return Inputs(len(images.classes), images.channels, images.size, images.summary, known)


def kept_facts(settings: StudySettings, known: Mapping[str, Any]) -> dict[str, Any]:
    """What a new study shall keep of its task: the version of its code, and its identity.

    Args:
        settings: of the study.
        known: what it keeps of its images and of what its trials start from.
    """
    if settings.own:
        return {TRAINED_BY: OWN_VERSION, IDENTITY: _own_identity(settings)}
    if settings.detects:
        edge = known[EDGE_READ]
        detection = _detection_facts(settings, known, settings.search.seed, edge)
        return {TRAINED_BY: DETECTION_VERSION, IDENTITY: detection.identity()}
    facts = proxy_facts(settings, known, settings.search.seed, Ladder(settings.rungs))
    return {TRAINED_BY: VERSION, IDENTITY: facts.identity(VERSION)}


def measure(
    settings: StudySettings,
    study: StudyRecord,
    ladder: Ladder,
    function: "Function | None" = None,
) -> Task:
    """What trains and measures a trial or a baseline of the study; torch is loaded here.

    Args:
        settings: of the study.
        study: as the database has it.
        ladder: its rungs.
        function: the measure that ``[task]`` names, where it is at hand.

    Raises:
        DamagedDataError: the images, or the file that trials start from, have changed since the
            study was created.
        InputError: the study's own measure is not there.
    """
    if settings.own:
        return _own_task(settings, study, ladder, function)
    if settings.detects:
        return _detection_task(settings, study)
    from trials.tasks.classification.assembly import study_task  # noqa: PLC0415 - loads torch

    start = settings.proxy.start
    return study_task(
        proxy_facts(settings, study.spec.settings, study.spec.seed, ladder),
        images_of_study(study),
        study.spec.backbone,
        checkpoints=Checkpoints.of(study),
        folder=starts.plain_folder(study.name),
        threads=_threads(settings),
        start=None if start in (SCRATCH, PLAIN) else Path(start),
    )


def recipe_of(settings: StudySettings, ladder: Ladder) -> Recipe:
    """The recipe that trials are trained by, cut to the ladder."""
    values = of_proxy(settings.proxy.model_dump(), {**SHARED, **SHORT})
    recipe = Recipe(epochs=ladder.top, quality=settings.quality, **values)  # type: ignore[arg-type]  # checked by pydantic
    return for_ladder(recipe, ladder)


def proxy_facts(
    settings: StudySettings, known: Mapping[str, Any], seed: int, ladder: Ladder
) -> ProxyFacts:
    """By what a study of images is measured, with what it keeps of them and of its start."""
    proxy = settings.proxy
    begun = known.get(starts.FACTS)
    return ProxyFacts(
        images=known["images"],
        seed=seed,
        recipe=recipe_of(settings, ladder),
        ladder=ladder,
        validation_share=proxy.validation_share,
        training_share=proxy.training_share,
        start=proxy.start if begun is None else begun["sha256"],
        start_learning_rate=proxy.start_learning_rate,
        way=proxy.way,
        device=_device(settings),
    )


def _threads(settings: StudySettings) -> int | None:
    execution = settings.execution
    per_trial = execution.cpus_per_trial if execution.executor == "ray" else None
    return execution.threads or per_trial


def _device(settings: StudySettings) -> str:
    return "cuda" if settings.execution.gpus_per_trial else "cpu"


def _pictures(settings: StudySettings) -> Inputs:
    """Read a folder in COCO's format, and say what the budget counts."""
    from trials.tasks.detection.scoring import require_pycocotools  # noqa: PLC0415 - loads torch

    require_pycocotools()
    coco = coco_of(settings)
    recipe = detection_recipe(settings, coco.edge)
    shapes = detection_shapes(settings, coco)
    from trials.tasks.detection.detector import sizes_of_plain  # noqa: PLC0415 - loads torch

    backbone, rest = sizes_of_plain(backbone_of(settings, *shapes), recipe)
    outputs = plural(shapes[0], "output")
    told = (
        f"{coco.summary} Trials are measured by {settings.quality}, which tables call accuracy. "
        f"Budgets are on the backbone alone, with a classifier of {outputs}: of the plain one's "
        f"parameters the detector uses {backbone:,}, and adds {rest:,} in neck and heads to every "
        "network."
    )
    known = {"images": coco.sha256, "read": coco.summary, EDGE_READ: coco.edge}
    return Inputs(*shapes, told, known)


def _detection_facts(
    settings: StudySettings, known: Mapping[str, Any], seed: int, edge: int
) -> DetectionFacts:
    task, begun = settings.task, known.get(starts.FACTS)
    return DetectionFacts(
        data=known["images"],
        seed=seed,
        recipe=detection_recipe(settings, edge),
        ladder=Ladder(settings.rungs),
        validation_share=task.validation_share or VALIDATION_SHARE,
        training_share=task.training_share or 1.0,
        start=SCRATCH if begun is None else begun["sha256"],
        quality=settings.quality,
        device=_device(settings),
    )


def _detection_task(settings: StudySettings, study: StudyRecord) -> Task:
    from trials.tasks.classification.assembly import start_of  # noqa: PLC0415 - loads torch
    from trials.tasks.classification.per_image import workers  # noqa: PLC0415 - likewise
    from trials.tasks.detection.task import DetectionTask  # noqa: PLC0415 - likewise

    coco = coco_of_study(study)
    facts = _detection_facts(settings, study.spec.settings, study.spec.seed, coco.edge)
    start = None if settings.start == SCRATCH else start_of(settings.start)
    if start is not None and start.sha256 != facts.start:
        raise DamagedDataError(
            f"{settings.start} has changed since the study whose trials start from it was created.",
            "Put the old file back, or start a new study.",
        )
    return DetectionTask(
        facts=facts,
        coco=coco,
        backbone=study.spec.backbone,
        checkpoints=Checkpoints.of(study),
        folder=starts.plain_folder(study.name).resolve(),
        start=start,
        threads=_threads(settings),
        workers=0 if coco.edge <= SMALL else workers(),
    )


def _own_identity(settings: StudySettings) -> str:
    """Of a measure whose data and code nobody here knows: a person's word stands for them.

    Without one no two studies have the same identity, so that nothing is copied between them.
    """
    task = settings.task
    return identity_of(
        task="own",
        version=OWN_VERSION,
        function=task.function,
        code=uuid4().hex if task.version is None else f"version {task.version}",
        input=task.input,
        outputs=task.outputs,
        rungs=settings.rungs,
        quality=settings.quality,
        seed=settings.search.seed,
        device=_device(settings),
    )


def _own(settings: StudySettings, function: "Function | None") -> "Named | Given":
    """The measure that ``[task]`` names, seen to be there and to take what it is given.

    Raises:
        InputError: it is not.
    """
    from trials.tasks.own.function import HANDED_OVER, Given, Named, name_of, taken  # noqa: PLC0415 - loads torch

    name = str(settings.task.function)
    if function is not None and name_of(function) != name:
        raise InputError(
            f"This study is measured by {name}, and {name_of(function)} was given.",
            "Give the function that the study was begun with, or begin a new study.",
        )
    if function is None and name.partition(":")[0] == HANDED_OVER:
        raise InputError(
            f"The measure of this study, {name.partition(':')[2]}, was given in Python, and no "
            "other process knows it.",
            "Go on in Python: kwsearch.resume(name, task=measure).",
        )
    found = Named(name) if function is None else Given(function)
    taken(found.get())
    execution = settings.execution
    if isinstance(found, Given) and (
        execution.executor != "serial" or execution.isolate is not False
    ):
        found.pickled()
    return found


def _own_task(
    settings: StudySettings, study: StudyRecord, ladder: Ladder, function: "Function | None"
) -> Task:
    from trials.tasks.own.task import OwnTask  # noqa: PLC0415 - loads torch

    outputs, channels, edge = own_shapes(settings)
    return OwnTask(
        function=_own(settings, function),
        name=str(settings.task.function),
        identity=study.spec.settings[IDENTITY],
        shapes=Shapes((channels, edge, edge), outputs),
        quality=Quality(settings.quality, "what the function reports"),
        ladder=ladder,
        backbone=study.spec.backbone,
        checkpoints=Checkpoints.of(study),
        folder=starts.plain_folder(study.name).resolve(),
        threads=_threads(settings),
        device=_device(settings),
    )
