"""Training an exported configuration to the end; torch is loaded when everything else is known.

What it leaves is a folder: ``config.json`` and ``backbone.json`` of the export, ``recipe.toml``,
``checkpoints/`` to go on from, and in the end ``model.safetensors`` and ``results.json``.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from kwsearch import starts
from kwsearch.exporting import Exported
from kwsearch.exporting.contents import recipe_for_study
from kwsearch.exporting.layout import RECIPE
from kwsearch.problems import CACHE
from kwsearch.study_file import read_toml, validate, write_toml
from search_spaces import Backbone, InputError
from search_spaces.budget import count
from trials.files import write_whole
from trials.records import FullTraining, Measurement
from trials.store import Store
from trials.training.data import Prepared, prepare
from trials.training.data.sources import NAMES, has_test_set
from trials.training.data.whole_images import Folder, open_folder
from trials.training.full_recipes import in_batches_of
from trials.training.recipe import Recipe

RESULTS = "results.json"

START_SHARE = 0.1
"""Share of a recipe's learning rate that a training from a trained network begins with."""

Watch = Callable[[Measurement, int], None]
"""Called with a measurement and the number of epochs of the whole run."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person asks of a full training; None leaves it to recipe and machine.

    Attributes:
        data: name or folder of the images; the study's own if None.
        files: where the files of a named data set lie.
        download: whether missing ones may be fetched.
        recipe: a recipe file; the export's, or that of the backbone, if None.
        epochs: another length; warm-up scales with it.
        batch_size: another batch size; the learning rate changes in proportion.
        learning_rate: another peak of the learning rate, whatever batch size and start.
        device: in torch's words; a GPU where there is one if None.
        seed: of weights, order and augmentation.
        start: a file of the plain network's weights to start from, by `START_SHARE` of the learning
            rate unless ``recipe`` names a file.
        trust_code: whether code that the export names may be run, see
            `search_spaces.networks.named.require_trust`.
    """

    data: str | None = None
    files: Path | None = None
    download: bool = False
    recipe: Path | None = None
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    device: str | None = None
    seed: int = 0
    start: Path | None = None
    trust_code: bool = False


def train(exported: Exported, wishes: Wishes, output: Path, watch: Watch) -> dict[str, Any]:
    """Train an exported configuration, or go on where that stopped.

    Args:
        exported: what to train.
        wishes: how.
        output: the folder to write; one that holds the same training is gone on with.
        watch: called with the measurement of the test images after each epoch.

    Returns:
        What ``results.json`` holds.

    Raises:
        InputError: images, recipe or folder do not fit.
        NonFiniteError: the training diverged.
        StorageError: a file cannot be written.
    """
    source = wishes.data or str(_proxy(exported).get("data", ""))
    if not source:
        raise InputError(f"{exported.folder} names no images.", "Name them with --data.")
    recipe = recipe_of(exported, wishes, source)
    images = images_of(exported.backbone, source, recipe, wishes)
    from search_spaces.networks.named import require_trust  # noqa: PLC0415 - loads torch
    from trials.training.full import FullTask  # noqa: PLC0415 - likewise

    require_trust(exported.backbone.name, trust_code=wishes.trust_code)
    start = None if wishes.start is None else starts.start_of(wishes.start)
    begun = {} if wishes.start is None else {"start": starts.kept(exported.plan, wishes.start)}
    task = FullTask(
        plan=exported.plan,
        recipe=recipe,
        images=images,
        folder=output.resolve(),
        seed=wishes.seed,
        device=wishes.device,
        start=start,
    )
    task.resumed()  # a folder of another training is refused before anything is written
    if first_process():
        _begin(exported, recipe, output)
    history: list[Measurement] = []

    def seen(measurement: Measurement) -> None:
        history.append(measurement)
        watch(measurement, recipe.epochs)

    last = task.run(seen)
    results = {**_results(exported, wishes, source, last, history), **begun}
    if first_process():
        _write(output / RESULTS, json.dumps(results, indent=2) + "\n")
    return results


def remember(store: Store, exported: Exported, results: dict[str, Any]) -> bool:
    """Write the result beside the trial that the export names, if the database has that trial.

    Returns:
        Whether it does: a study of that name whose trial of that number is this very network.
    """
    study, number = exported.origin.get("study"), exported.origin.get("trial")
    if not (isinstance(study, str) and isinstance(number, int)):
        return False
    try:
        known = store.trial(study, number).trial.digest
    except InputError:
        return False
    if known != exported.plan.digest:
        return False
    wanted = [name for name in FullTraining.__dataclass_fields__ if name != "finished_at"]
    reached = FullTraining(**{name: results[name] for name in wanted})
    if reached not in (replace(t, finished_at=None) for t in store.trainings(study, number)):
        store.add_training(study, number, reached)
    return True


def recipe_of(exported: Exported, wishes: Wishes, source: str) -> Recipe:
    """The recipe: of a file, of the export, or the one that suits backbone and images.

    Raises:
        InputError: a file has faults, all of which are named, or a wish does not fit.
    """
    own = exported.folder / RECIPE
    file = wishes.recipe or (own if own.is_file() else None)
    proxy = _proxy(exported)
    recipe = read(file) if file else recipe_for_study(exported.backbone, source, proxy)
    if wishes.epochs is not None:
        warmup = recipe.warmup_epochs * wishes.epochs / recipe.epochs
        recipe = recipe.changed(epochs=wishes.epochs, warmup_epochs=warmup)
    if wishes.batch_size is not None:
        recipe = in_batches_of(recipe, wishes.batch_size)
    if wishes.start is not None and wishes.recipe is None:
        recipe = recipe.changed(learning_rate=recipe.learning_rate * START_SHARE)
    if wishes.learning_rate is not None:
        recipe = recipe.changed(learning_rate=wishes.learning_rate)
    return recipe


def read(path: Path) -> Recipe:
    """Read a recipe file.

    Raises:
        InputError: with all its faults.
    """
    try:
        return validate(Recipe, read_toml(path), str(path))
    except InputError as error:
        raise InputError(
            error.cause, "Every training writes its recipe, with each setting explained."
        ) from None


def images_of(table: Backbone, source: str, recipe: Recipe, wishes: Wishes) -> Prepared | Folder:
    """The images, prepared once, or where the recipe crops them a folder as it is.

    Raises:
        InputError: they are not there, or not what the network takes.
    """
    images: Prepared | Folder
    if recipe.crop_area is not None and source not in NAMES:
        images = open_folder(Path(source).expanduser(), table.in_channels)
        channels = table.in_channels
    else:
        images = prepare(
            source,
            image_size=_size(table, source),
            folder=wishes.files,
            cache=CACHE,
            download=wishes.download,
        )
        channels = images.channels
    if (channels, len(images.classes)) != (table.in_channels, table.num_classes):
        raise InputError(
            f"{source} has {len(images.classes)} classes and {channels} channels; the network was "
            f"searched for {table.num_classes} and {table.in_channels}.",
            "Train it on images like those of its search.",
        )
    return images


def first_process() -> bool:
    """Whether this is the process that writes; of several, ``torchrun`` numbers them."""
    return os.environ.get("RANK", "0") == "0"


def _size(table: Backbone, source: str) -> int | None:
    """Edge that images are brought to; None where they have it themselves."""
    return None if source == "digits" else table.input_size[0]


def _proxy(exported: Exported) -> dict[str, Any]:
    settings = exported.origin.get("settings")
    proxy = settings.get("proxy") if isinstance(settings, dict) else None
    return proxy if isinstance(proxy, dict) else {}


def _begin(exported: Exported, recipe: Recipe, output: Path) -> None:
    for name in ("config.json", "backbone.json"):
        _write(output / name, (exported.folder / name).read_text(encoding="utf-8"))
    _write(output / RECIPE, write_toml(recipe))


def _write(path: Path, text: str) -> None:
    write_whole(path, lambda file: file.write(text.encode()), need=len(text))


def _results(
    exported: Exported,
    wishes: Wishes,
    source: str,
    last: Measurement,
    history: list[Measurement],
) -> dict[str, Any]:
    return {
        "study": exported.origin.get("study"),
        "trial": exported.origin.get("trial"),
        "digest": exported.plan.digest,
        "params": count(exported.plan).params,
        "data": source,
        "part": "test" if has_test_set(source) else "held-out",
        "images": last.images,
        "epochs": last.epoch,
        "accuracy": last.accuracy,
        "accuracy_error": last.accuracy_error,
        "loss": last.loss,
        "seconds": last.seconds,
        "proxy_accuracy": exported.origin.get("accuracy"),
        "seed": wishes.seed,
        "created_by": f"kwsearch {version('kwsearch')}",
        "curve": [{"epoch": m.epoch, "accuracy": m.accuracy, "loss": m.loss} for m in history],
    }
