"""Training the detector of an exported backbone to the end, and loading it.

What it leaves is a folder like an export: the configuration of the backbone, the weights of the
detector, ``results.json``, the detections in the pictures that it was measured on, and a model
card. While the training lasts it has ``config.json``, ``backbone.json``, ``recipe.toml`` and
``checkpoints/``. Torch is loaded when a function is called.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kwsearch import starts
from kwsearch.exporting import Exported, load
from kwsearch.exporting.checksums import write_checksums
from kwsearch.exporting.contents import versions, write_json
from kwsearch.exporting.exported import plain_object
from kwsearch.exporting.images import inputs_from
from kwsearch.exporting.layout import (
    CARD,
    CHECKPOINTS,
    COUNTS,
    IMAGES,
    ORIGIN,
    RESULTS,
    WEIGHTS,
)
from kwsearch.exporting.markdown import code, table
from kwsearch.full_training import Wishes, begin, ended, first_process, write_text
from kwsearch.study_file import read_toml, validate
from kwsearch.task_section import MAP
from search_spaces import InputError, count
from search_spaces.distribution import installed_version
from search_spaces.errors import plural
from search_spaces.reference import reference_rows
from trials.errors import DamagedDataError
from trials.files import file_sha256
from trials.records import FullTraining, Measurement, Reported
from trials.tasks.detection.coco import CocoFolder, for_full, open_coco
from trials.tasks.detection.recipe import SMALL, DetectionRecipe, recipe_for

if TYPE_CHECKING:
    from torch import nn

    from trials.tasks.classification.starting import Start
    from trials.tasks.detection.full import DetectionTraining

_IGNORED = ("files", "download", "skip_damaged", "onnx")
"""Wishes that have no meaning for detection."""

_CARD = """\
# {name}, a detector

A {detector} of torchvision's whose backbone is {backbone}, served by warehouses: {params:,} \
parameters as a classifier; the detector has {backbone_params:,} in the stages of the backbone and \
{other_params:,} in neck and heads.

{reached}

## Loading

```python
import kwsearch

detector = kwsearch.detector({folder!r})
found = detector([image])  # a float32 tensor [{channels}, height, width] from 0 to 1
```

Labels count from 1, in the order of `categories` in `results.json`.

## What it reaches

{values}

{categories}

The detections that this was computed from are in `detections-boxes.json`{masks}, in COCO's format
of results: `COCO.loadRes` of pycocotools reads them.
{published}
## Where it came from

{origin}
"""


@dataclass(frozen=True, slots=True)
class Run:
    """A training as a person asks for it.

    Attributes:
        exported: the backbone.
        wishes: how.
        output: the folder to write.
        detector: which; that of the recipe, or mask-rcnn, if None.
    """

    exported: Exported
    wishes: Wishes
    output: Path
    detector: str | None = None


def train(
    run: Run,
    watch: Callable[[Measurement, int], None],
    tell: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Train the detector of an exported backbone, or go on where that stopped.

    Args:
        run: what is asked for.
        watch: called with the measurement after each epoch; its accuracy is ``map``.
        tell: called with lines on the data and on what the backbone starts from.

    Returns:
        What ``results.json`` holds.

    Raises:
        InputError: data, recipe, start or folder do not fit.
        NonFiniteError: the training diverged.
        StorageError: a file cannot be written.
        DamagedDataError: the folder holds this training, but not as it was written.
    """
    _require_meaning(run)
    from trials.tasks.detection.scoring import require_pycocotools  # noqa: PLC0415 - loads torch

    require_pycocotools()
    exported, wishes = run.exported, run.wishes
    from search_spaces.networks.named import require_trust  # noqa: PLC0415 - loads torch
    from trials.tasks.classification.per_image import workers  # noqa: PLC0415 - likewise
    from trials.tasks.detection.full import DetectionTraining  # noqa: PLC0415 - likewise

    require_trust(exported.backbone.name, trust_code=wishes.trust_code)
    start, begun = start_of(exported, wishes.start)
    coco, recipe = _coco_and_recipe(run, begun)
    task = DetectionTraining(
        plan=exported.plan,
        recipe=recipe,
        coco=coco,
        folder=run.output.resolve(),
        seed=wishes.seed,
        device=wishes.device,
        start=start,
        workers=0 if coco.edge <= SMALL else workers(),
    )
    if first_process():
        tell(coco.summary)
        norms = "keep what they start with" if recipe.norms == "frozen" else "follow the batches"
        tell(f"The backbone starts from {begun or 'scratch'}; its batch norms {norms}.")
    results = ended(task)
    if results is not None:
        return results
    task.resumed()  # a folder of another training is refused before anything is written
    if first_process():
        begin(exported, recipe, task.folder)
    last = task.run(lambda measurement: watch(measurement, recipe.epochs))
    results = _results(run, task, last, begun) if first_process() else {}
    if first_process():
        write_text(task.folder / RESULTS, json.dumps(results, indent=2) + "\n")
        _complete(run, task, results)
    return results


def reached_by(results: Mapping[str, Any]) -> FullTraining:
    """What the database keeps of ``results.json``: box AP counts, the others are beside it."""
    errors = results["errors"]
    return FullTraining(
        epochs=results["epochs"],
        accuracy=results[MAP],
        accuracy_error=errors.get(MAP, 0.0),
        loss=results["loss"],
        images=results["images"],
        seconds=results["seconds"],
        data=results["data"],
        part="held-out" if results["part"] == "held-out" else "test",
        quality=MAP,
        detector=results["detector"],
        further={
            name: Reported(results[name], errors.get(name))
            for name in results["curve"][-1]
            if name not in ("epoch", MAP)
        },
    )


def load_detector(folder: str | Path, *, trust_code: bool = False) -> "nn.Module":
    """The detector that a training has left in a folder, in evaluation mode.

    Args:
        folder: that ``kwsearch train --task detection`` wrote.
        trust_code: whether code that the folder names may be run.

    Raises:
        InputError: the folder holds no detector, or its code is not trusted.
        DamagedDataError: a file is not as it was written.
    """
    import torch  # noqa: PLC0415 - heavy

    from search_spaces.networks import build, read_tensors  # noqa: PLC0415 - loads torch
    from search_spaces.networks.named import require_trust  # noqa: PLC0415 - likewise
    from trials.tasks.detection.detector import detector_of  # noqa: PLC0415 - likewise
    from trials.tasks.detection.full import WEIGHTS as DETECTOR  # noqa: PLC0415 - likewise

    exported = load(folder)
    path = exported.folder / DETECTOR
    results = exported.results or {}
    if not path.is_file() or "recipe" not in results:
        raise InputError(
            f"{folder} holds no detector.",
            "Train one with 'kwsearch train EXPORT --task detection --data COCO'.",
        )
    require_trust(exported.backbone.name, trust_code=trust_code)
    with torch.random.fork_rng(devices=[]):
        detector = detector_of(
            build(exported.plan),
            validate(DetectionRecipe, results["recipe"], str(exported.folder / RESULTS)),
            in_channels=exported.backbone.in_channels,
            classes=len(results["categories"]),
        )
    try:
        detector.load_state_dict(read_tensors(path))
    except RuntimeError as error:
        reason = next(iter(str(error).splitlines()), "")
        raise DamagedDataError(
            f"{path} is not of this detector: {reason}", "Train it again."
        ) from None
    return detector.eval()


def start_of(exported: Exported, asked: Path | None) -> tuple["Start | None", str | None]:
    """What the backbone starts from, and what it is called.

    A folder holds weights of this very configuration, a file those of the plain network. Without
    either, a folder that was trained to the end goes on from its weights, and an export starts
    from scratch.

    Raises:
        InputError: there are no weights, or not of this network.
    """
    from trials.tasks.classification.assembly import start_of as of_file  # noqa: PLC0415 - loads torch
    from trials.tasks.detection.full import WEIGHTS as DETECTOR  # noqa: PLC0415 - likewise
    from trials.tasks.detection.starting import OwnWeights  # noqa: PLC0415 - likewise

    if asked is None:
        trained = exported.results is not None and exported.weights is not None
        asked = exported.folder if trained else None
    if asked is None:
        return None, None
    if not asked.is_dir():
        starts.kept(exported.plan, asked)
        return of_file(asked), str(asked)
    other = load(asked)
    found = [path for name in (WEIGHTS, DETECTOR) if (path := asked / name).is_file()]
    if not found:
        raise InputError(
            f"{asked} holds no weights to start from.",
            "Start from the folder of a trial on the front, or of a training.",
        )
    if _kernels(other.plan.config) != _kernels(exported.plan.config):
        raise InputError(
            f"{asked} holds weights of another configuration than {exported.folder}.",
            "Start from a folder of the same configuration, or leave --start out.",
        )
    sha256 = file_sha256(found[0])
    return OwnWeights(found[0].resolve(), sha256, sha256), str(asked)


def _kernels(config: Any) -> dict[str, Any]:  # noqa: ANN401 - a NetworkConfig
    """Of a configuration what its warehouses follow from: any number of classes will do."""
    plain: dict[str, Any] = config.model_dump(mode="json")
    return {name: value for name, value in plain.items() if name != "num_classes"}


def _require_meaning(run: Run) -> None:
    given = [name for name in _IGNORED if getattr(run.wishes, name)]
    if given:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise InputError(f"{options} has no meaning with --task detection.", "Leave it out.")
    if not _source(run):
        raise InputError(f"{run.exported.folder} names no pictures.", "Name them with --data.")
    if run.output.resolve() == run.exported.folder.resolve():
        raise InputError(f"{run.output} is what shall be trained.", "Name another folder with -o.")


def _source(run: Run) -> str:
    settings: Any = run.exported.origin.get("settings")
    task = settings.get("task") if isinstance(settings, dict) else None
    searched = task.get("data") if isinstance(task, dict) else None
    earlier = run.exported.results or {}
    known = earlier.get("data") if earlier.get("task") == "detection" else None
    return str(run.wishes.data or known or searched or "")


def _normalised(recipe: DetectionRecipe, begun: str) -> DetectionRecipe:
    """The recipe with the mean and deviation that the images of a start were normalised by."""
    folder = Path(begun)
    if (folder / IMAGES).is_file():
        inputs, _ = inputs_from(plain_object((folder / IMAGES).read_bytes()))
        return recipe.changed(mean=inputs.mean, std=inputs.std)
    if (folder / RESULTS).is_file():
        told = plain_object((folder / RESULTS).read_bytes()).get("recipe", {})
        return recipe.changed(**{name: told[name] for name in ("mean", "std") if name in told})
    return recipe


def _coco_and_recipe(run: Run, begun: str | None) -> tuple[CocoFolder, DetectionRecipe]:
    wishes = run.wishes
    asked = None
    if wishes.recipe is not None:
        asked = validate(DetectionRecipe, read_toml(wishes.recipe), str(wishes.recipe))
    detector = run.detector or (asked.detector if asked else "mask-rcnn")
    coco = open_coco(_source(run), masks=detector == "mask-rcnn")
    recipe = asked or recipe_for(coco.edge).changed(norms="batch" if begun is None else "frozen")
    if asked is None and begun is not None:
        recipe = _normalised(recipe, begun)
    recipe = recipe.changed(detector=detector)
    if wishes.epochs is not None:
        recipe = recipe.changed(epochs=wishes.epochs)
    if wishes.batch_size is not None:
        rate = recipe.learning_rate * wishes.batch_size / recipe.batch_size
        recipe = recipe.changed(batch_size=wishes.batch_size, learning_rate=rate)
    if wishes.learning_rate is not None:
        recipe = recipe.changed(learning_rate=wishes.learning_rate)
    return coco, recipe


def _results(
    run: Run, task: "DetectionTraining", last: Measurement, begun: str | None
) -> dict[str, Any]:
    from trials.tasks.detection.detector import sizes_of  # noqa: PLC0415 - loads torch

    exported, curve = run.exported, task.scores()
    backbone, others = sizes_of(task.detector(task.network()))
    reached = curve[-1]
    return {
        "task": "detection",
        "study": exported.origin.get("study"),
        "trial": exported.origin.get("trial"),
        "digest": exported.plan.digest,
        "params": count(exported.plan).params,
        "backbone_params": backbone,
        "other_params": others,
        "detector": task.recipe.detector,
        "data": _source(run),
        "part": "held-out" if task.coco.held_out else task.coco.measuring.images.name,
        "images": len(for_full(task.coco)[1]),
        "epochs": last.epoch,
        **reached["values"],
        "errors": reached["errors"],
        "by_category": reached["categories"],
        "categories": [list(category) for category in task.coco.categories],
        "loss": last.loss,
        "seconds": last.seconds,
        "seed": task.seed,
        "start": begun,
        "recipe": task.recipe.facts(),
        "identity": task.identity,
        "read": task.coco.summary,
        "created_by": f"kwsearch {installed_version()}",
        "curve": [{"epoch": row["epoch"], **row["values"]} for row in curve],
    }


def _complete(run: Run, task: "DetectionTraining", results: dict[str, Any]) -> None:
    folder, plan = task.folder, run.exported.plan
    write_json(folder / COUNTS, count(plan).to_dict())
    write_json(folder / ORIGIN, {**run.exported.origin, "trained_by": versions()})
    (folder / CARD).write_text(_card(run, task, results), encoding="utf-8")
    write_checksums(folder, without=CHECKPOINTS)
    task.forget()
    write_checksums(folder)


def _card(run: Run, task: "DetectionTraining", results: dict[str, Any]) -> str:
    errors = results["errors"]
    values = [
        (name, f"{results[name]:.3f}" + (f" ± {errors[name]:.3f}" if name in errors else ""))
        for name in results["curve"][-1]
        if name != "epoch"
    ]
    kinds = [kind for kind in ("map", "mask_map") if kind in results]
    rows = [
        (code(name), *(f"{one[kind]:.3f}" if kind in one else "none there" for kind in kinds))
        for name, one in results["by_category"].items()
    ]
    study, trial = results["study"], results["trial"]
    epochs = plural(results["epochs"], "epoch")
    published = _published(task.plan.backbone.name)
    origin = [
        ("found as", code(f"{study}, trial {trial}" if study else task.plan.backbone.name)),
        ("digest of the backbone", code(results["digest"])),
        ("pictures", code(results["data"])),
        ("started from", code(results["start"] or "scratch")),
        ("epochs", str(results["epochs"])),
        ("seed", str(results["seed"])),
        *((f"{name} at training", code(number)) for name, number in versions().items()),
    ]
    return _CARD.format(
        **{**results, "categories": table(("category", *kinds), rows)},
        name=f"{study}, trial {trial}" if study else task.plan.backbone.name,
        backbone=task.plan.backbone.name,
        reached=f"Measured after {epochs}, on pictures that it has not learnt from "
        f"({results['part']}).",
        folder=run.output.name,
        channels=task.plan.backbone.in_channels,
        values=table(("average precision", "share"), values),
        published=published,
        masks=" and `detections-masks.json`" if task.recipe.masks else "",
        origin=table(("", "of this detector"), origin, left=2),
    )


def _published(backbone: str) -> str:
    """What the authors print of detectors on the backbone; nothing where they print nothing."""
    boxes, masks = (reference_rows(backbone, quality) for quality in ("map", "mask_map"))
    if not boxes:
        return ""
    rows = [
        (code(box.name), f"{box.accuracy:.3f}", f"{mask.accuracy:.3f}")
        for box, mask in zip(boxes, masks, strict=True)
    ]
    head = (
        f"Published ({boxes[0].training}; {boxes[0].source}), on other pictures unless yours are "
    )
    return f"\n{head}MS-COCO's:\n\n{table(('network', 'map', 'mask_map'), rows)}\n"
