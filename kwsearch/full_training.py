"""Training an exported configuration to the end; torch is loaded when everything else is known.

What it leaves is a folder like an export, with weights, ``results.json`` and a model card of the
training. While the training lasts the folder has ``config.json``, ``backbone.json``,
``recipe.toml`` and ``checkpoints/`` to go on from.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kwsearch import starts
from kwsearch.exporting import Exported, complete, load
from kwsearch.exporting.checksums import read_checksums
from kwsearch.exporting.contents import is_own, recipe_for_study
from kwsearch.exporting.exported import plain_object
from kwsearch.exporting.images import inputs_from
from kwsearch.exporting.layout import ONNX, RECIPE, RESULTS
from kwsearch.problems import CACHE
from kwsearch.study_file import read_toml, validate, write_toml
from search_spaces import Backbone, InputError
from search_spaces.budget import count
from search_spaces.distribution import installed_version
from search_spaces.errors import plural
from trials.files import write_whole
from trials.records import FullTraining, Measurement
from trials.store import Store
from trials.tasks.classification.catalogue import NAMES, keeps_its_size
from trials.tasks.classification.data import Prepared, prepare
from trials.tasks.classification.data.sources import has_test_set
from trials.tasks.classification.data.whole_images import Folder, open_folder
from trials.tasks.classification.full_recipes import in_batches_of, of_length
from trials.tasks.classification.recipe import Recipe
from trials.tasks.contract import measure_of

if TYPE_CHECKING:
    from trials.tasks.classification.full import FullTask
    from trials.tasks.classification.starting import Start
    from trials.tasks.detection.full import DetectionTraining
    from trials.tasks.detection.recipe import DetectionRecipe

START_SHARE = 0.1
"""Share of a recipe's learning rate that a training from a trained network begins with."""

Watch = Callable[[Measurement, int], None]
"""Called with a measurement and the number of epochs of the whole run."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person asks of a full training; None leaves it to recipe and machine.

    Attributes:
        data: name or folder of the images; those of the earlier training or of the study if None.
        files: where the files of a named data set lie.
        download: whether missing ones may be fetched.
        skip_damaged: whether files that cannot be decoded are left out, as they are if the study
            or the earlier training did so.
        recipe: a recipe file; the export's, or that of the backbone, if None.
        epochs: another length; warm-up scales with it, and short trainings of small images have
            no RandAugment.
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
    skip_damaged: bool = False
    recipe: Path | None = None
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    device: str | None = None
    seed: int = 0
    start: Path | None = None
    onnx: bool = False
    trust_code: bool = False


def train(
    exported: Exported,
    wishes: Wishes,
    output: Path,
    watch: Watch,
    tell: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Train an exported configuration, or go on where that stopped.

    A network that was trained to the end goes on from its weights, by `START_SHARE` of the learning
    rate.

    Args:
        exported: what to train.
        wishes: how.
        output: the folder to write; one that holds the same training is gone on with.
        watch: called with the measurement of the test images after each epoch.
        tell: called with one line on the images, once they are read.

    Returns:
        What ``results.json`` holds.

    Raises:
        InputError: images, recipe or folder do not fit.
        NonFiniteError: the training diverged.
        StorageError: a file cannot be written.
        DamagedDataError: the folder holds this training, but not as it was written.
    """
    settings: Any = exported.origin.get("settings")
    if is_own(settings):
        raise InputError(
            f"{exported.folder} was measured by {measure_of(settings)}: its training is your own.",
            "Train the network with that code: kwsearch.load(FOLDER).network(fresh=True).",
        )
    source = wishes.data or _source(exported)
    if not source:
        raise InputError(f"{exported.folder} names no images.", "Name them with --data.")
    if output.resolve() == exported.folder.resolve():
        raise InputError(f"{output} is what shall be trained.", "Name another folder with -o.")
    recipe = recipe_of(exported, wishes, source)
    images = images_of(exported, source, recipe, wishes)
    if first_process():
        tell(images.summary)
    _require_classes(exported, images.classes, source)
    if wishes.onnx:
        from search_spaces.networks.graphs import require_onnx  # noqa: PLC0415 - loads torch

        require_onnx()
    from search_spaces.networks.named import require_trust  # noqa: PLC0415 - loads torch
    from trials.tasks.classification.full import FullTask  # noqa: PLC0415 - likewise

    require_trust(exported.backbone.name, trust_code=wishes.trust_code)
    start, begun = _start(exported, wishes)
    task = FullTask(
        plan=exported.plan,
        recipe=recipe,
        images=images,
        folder=output.resolve(),
        seed=wishes.seed,
        device=wishes.device,
        start=start,
    )
    results = ended(task)
    if results is None:
        results = {**_run(task, exported, wishes, source, watch), **begun, "read": images.summary}
    elif not wishes.onnx or ONNX in read_checksums(task.folder):
        return results
    if first_process():
        write_text(task.folder / RESULTS, json.dumps(results, indent=2) + "\n")
        complete(task, exported, results, onnx=wishes.onnx, trust_code=wishes.trust_code)
    return results


def _run(
    task: "FullTask", exported: Exported, wishes: Wishes, source: str, watch: Watch
) -> dict[str, Any]:
    """Train to the end, and say what was reached."""
    task.resumed()  # a folder of another training is refused before anything is written
    if first_process():
        begin(exported, task.recipe, task.folder)
    history: list[Measurement] = []

    def seen(measurement: Measurement) -> None:
        history.append(measurement)
        watch(measurement, task.recipe.epochs)

    last = task.run(seen)
    return {**_results(exported, wishes, source, last, history), "identity": task.identity}


def ended(task: "FullTask | DetectionTraining") -> dict[str, Any] | None:
    """Results of this very training, where the folder holds it whole.

    Raises:
        InputError: the folder holds another training.
        DamagedDataError: it is this one, but a file is not as it was written.
    """
    from trials.tasks.classification.full import other_training  # noqa: PLC0415 - loads torch

    path = task.folder / RESULTS
    if not path.is_file() or task.checkpoints.of_trial(0):
        return None
    try:
        told = plain_object(path.read_bytes())
    except (ValueError, TypeError):
        told = {}
    if told.get("identity") != task.identity:
        raise other_training(task.folder)
    return dict(load(task.folder).results or {})


def _start(exported: Exported, wishes: Wishes) -> tuple["Start | None", dict[str, Any]]:
    """What the training starts from, and what its results say of that."""
    if wishes.start is not None:
        begun = starts.kept(exported.plan, wishes.start)
        from trials.tasks.classification.assembly import start_of  # noqa: PLC0415 - loads torch

        return start_of(wishes.start), {"start": begun}
    if exported.results is None or exported.weights is None:
        return None, {}
    start = starts.continued(exported.weights)
    return start, {"start": {"folder": str(exported.folder), "sha256": start.sha256}}


def _source(exported: Exported) -> str:
    earlier = {} if exported.results is None else exported.results
    return str(earlier.get("data") or exported.proxy.get("data", ""))


def _require_classes(exported: Exported, classes: Sequence[str], source: str) -> None:
    """A network that is gone on with must know the classes, in their order, by name."""
    if exported.results is None or exported.images is None:
        return
    _, known = inputs_from(exported.images)
    if known != tuple(classes):
        odd = sorted(set(classes) ^ set(known)) or list(classes)
        raise InputError(
            f"{source} has other classes than {exported.folder} was trained on: "
            f"{', '.join(odd[:10])}.",
            "Train the export that it came from, which starts anew.",
        )


def reached_by(results: Mapping[str, Any]) -> FullTraining:
    """What the database keeps of ``results.json``."""
    wanted = [name for name in FullTraining.__dataclass_fields__ if name in results]
    return FullTraining(**{name: results[name] for name in wanted})


def remember(store: Store, exported: Exported, reached: FullTraining) -> bool:
    """Write a result beside the trial that the export names, if the database has that trial.

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
    proxy = exported.proxy
    recipe = read(file) if file else recipe_for_study(exported.backbone, source, proxy)
    if wishes.epochs is not None:
        cut = of_length(recipe, wishes.epochs)
        kept = {} if wishes.recipe is None else {"rand_augment": recipe.rand_augment}
        recipe = cut.changed(**kept)
    if wishes.batch_size is not None:
        recipe = in_batches_of(recipe, wishes.batch_size)
    trained = exported.results
    if trained is not None and wishes.start is None:  # its attention is switched on already
        recipe = recipe.changed(temperature_share=0.0)
    begins = wishes.start is not None or trained is not None
    lowered = trained is not None and "start" in trained and wishes.start is None
    if begins and wishes.recipe is None and not lowered:
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


def images_of(exported: Exported, source: str, recipe: Recipe, wishes: Wishes) -> Prepared | Folder:
    """The images, prepared once, or where the recipe crops them a folder as it is.

    Raises:
        InputError: they are not there, or not what the network takes.
    """
    images: Prepared | Folder
    table, proxy = exported.backbone, exported.proxy
    skip_damaged = wishes.skip_damaged or exported.skipped_damaged
    if recipe.crop_area is not None and source not in NAMES:
        images = open_folder(
            Path(source).expanduser(), table.in_channels, skip_damaged=skip_damaged
        )
        channels = table.in_channels
    else:
        images = prepare(
            source,
            image_size=_size(table, source),
            folder=wishes.files,
            cache=CACHE,
            download=wishes.download,
            channels=proxy.get("channels"),
            skip_damaged=skip_damaged,
        )
        channels = images.channels
    if (channels, len(images.classes)) != (table.in_channels, table.num_classes):
        raise InputError(
            f"{source} has {plural(len(images.classes), 'class', 'classes')} and "
            f"{plural(channels, 'channel')}; the network was "
            f"searched for {table.num_classes} and {table.in_channels}.",
            "Train it on images like those of its search.",
        )
    return images


def first_process() -> bool:
    """Whether this is the process that writes; of several, ``torchrun`` numbers them."""
    return os.environ.get("RANK", "0") == "0"


def _size(table: Backbone, source: str) -> int | None:
    """Edge that images are brought to; None where they have it themselves."""
    return None if keeps_its_size(source) else table.input_size[0]


def begin(exported: Exported, recipe: "Recipe | DetectionRecipe", output: Path) -> None:
    """Write down which training a folder is going to hold."""
    for name in ("config.json", "backbone.json"):
        write_text(output / name, (exported.folder / name).read_text(encoding="utf-8"))
    write_text(output / RECIPE, write_toml(recipe))


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    write_whole(path, lambda file: file.write(text.encode()), need=len(text))


def _results(
    exported: Exported,
    wishes: Wishes,
    source: str,
    last: Measurement,
    history: list[Measurement],
) -> dict[str, Any]:
    from trials.tasks.classification.measuring import interval  # noqa: PLC0415 - loads torch

    low, high = interval(last.accuracy, last.images)
    return {
        "study": exported.origin.get("study"),
        "trial": exported.origin.get("trial"),
        "digest": exported.plan.digest,
        "params": count(exported.plan).params,
        "data": source,
        "part": "test" if has_test_set(source) else "held-out",
        "images": last.images,
        "skip_damaged": wishes.skip_damaged or exported.skipped_damaged,
        "epochs": last.epoch,
        "accuracy": last.accuracy,
        "accuracy_error": last.accuracy_error,
        "accuracy_low": low,
        "accuracy_high": high,
        "loss": last.loss,
        "seconds": last.seconds,
        "proxy_accuracy": exported.origin.get("accuracy"),
        "seed": wishes.seed,
        "created_by": f"kwsearch {installed_version()}",
        "curve": [{"epoch": m.epoch, "accuracy": m.accuracy, "loss": m.loss} for m in history],
    }
