"""The sections of a study file.

Every field's description, with its unit, is the comment that ``kwsearch init`` prints above the
key. A rule between two fields stands with the later one, so that a fault in one section never
hides another.
"""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from kwsearch.quantities import format_quantity, parse_duration
from kwsearch.setting_types import (
    Duration,
    FlagChoice,
    ListAsTuple,
    Quantity,
    RatioRange,
    brief,
    plugin_choice,
    ratio_choice,
    word_choice,
    words_or_text,
)
from search_spaces.backbones import shipped
from search_spaces.errors import InputError, nearest, plural
from search_spaces.overrides import check_address
from search_spaces.sites import SHARING_RANGES
from trials import plugins
from trials.tasks.classification.catalogue import NAMES
from trials.tasks.own.reporting import BESIDE

SAMPLERS = ("tpe", "nsga2", "gp", "exact", "random", "qmc")
EXECUTORS = ("serial", "ray")
"""Our own; plug-ins have other names."""

SCRATCH, PLAIN = "scratch", "plain"
"""What trials start from without a file."""

_WEIGHTS = (".safetensors", ".pt", ".pth", ".bin")
_FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}")

Ratio = float | tuple[float, ...] | RatioRange
MultiplierChoice = Annotated[Ratio, ratio_choice(1024)]
ShareChoice = Annotated[Ratio, ratio_choice(1)]
WordChoice = str | tuple[str, ...]
SamplerName = Annotated[str, plugin_choice(SAMPLERS, plugins.SAMPLERS), words_or_text(SAMPLERS)]
ExecutorName = Annotated[str, plugin_choice(EXECUTORS, plugins.EXECUTORS), words_or_text(EXECUTORS)]


class Settings(BaseModel):
    """What all sections share: frozen, strict, nothing unknown, nothing infinite."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class SpaceSettings(Settings):
    """What the search may choose from."""

    backbone: str = Field(
        description="The network: a shipped name such as resnet20, resnet20x2 (twice as wide) or "
        "resnet18, or 'package.module:function' returning an nn.Module."
    )
    exclude: Annotated[tuple[str, ...], ListAsTuple] = Field(
        (),
        description="Layers that stay plain, by module path: 'stem.*', or 'stem' for all inside.",
    )
    addresses: dict[str, str] = Field(
        {},
        description="Where layers stand for sharing, by module path, in place of what is found: "
        "{'features.3.0' = 'stage1_layer0_conv0'}. A layer that would stay plain is then served.",
    )
    granularity: Literal["network", "stage"] = Field(
        "network", description="network: one value of each ratio for all; stage: one a stage."
    )
    cell_num_ratio: MultiplierChoice = Field(
        1.0,
        description="Multiplier b: cells of a warehouse / mixtures that it serves. Here and below, "
        "a choice is one value, a list of values, or {low = 0.125, high = 4.0, log = true}.",
    )
    cell_inplane_ratio: ShareChoice = Field(
        1.0, description="Input channels of a cell / greatest common divisor of those served."
    )
    cell_outplane_ratio: ShareChoice = Field(
        1.0, description="Output channels of a cell / greatest common divisor of those served."
    )
    reduction: ShareChoice = Field(
        0.0625,
        description="Width of the attention's hidden layer / input channels; never below 16 wide.",
    )
    nonlocal_basis_ratio: ShareChoice = Field(
        1.0,
        description="Below 1, attention reaches the cells of other layers through a basis of this "
        "share of their number.",
    )
    sharing_range: Annotated[WordChoice, word_choice(SHARING_RANGES)] = Field(
        "stage",
        description="Which layers share a warehouse: none, layer (the blocks of a stage), stage "
        "(everything in a stage), network.",
    )
    attention_norm: Literal["batch", "layer"] | None = Field(
        None,
        description="Norm of the attention's hidden layer: batch cannot be trained on one image "
        "alone, layer can. If unset, layer where the network has layer norms and no batch norms.",
    )
    spatial_partition: FlagChoice = Field(
        default=True, description="Whether kernels are cut along space too, so that cells are 1x1."
    )

    @field_validator("backbone")
    @classmethod
    def _shipped_or_function(cls, value: str) -> str:
        return _network(value)

    @field_validator("addresses")
    @classmethod
    def _well_formed(cls, value: dict[str, str]) -> dict[str, str]:
        faults = []
        for path, address in value.items():
            try:
                check_address(address)
            except InputError as error:
                faults.append(f"{brief(path)}: {error}")
        if faults:
            raise ValueError(" ".join(faults))
        return value


def _network(name: str) -> str:
    """A name that `SpaceSettings.backbone` takes."""
    if ":" not in name:
        try:
            shipped(name)
        except InputError as error:
            raise ValueError(str(error)) from None
    elif not _FUNCTION.fullmatch(name):
        raise ValueError(f"{brief(name)} is not of the form 'package.module:function'.")
    return name


class BudgetSettings(Settings):
    """Hard limits: networks outside are turned down before they cost anything."""

    max_params: Quantity = Field(None, description="Most parameters, such as '300k' or 300_000.")
    min_params: Quantity = Field(None, description="Fewest parameters.")
    max_macs: Quantity = Field(None, description="Most multiply-accumulates for one image.")
    min_macs: Quantity = Field(None, description="Fewest multiply-accumulates for one image.")
    max_latency: Duration = Field(
        None,
        description="Longest time for one batch, such as '20ms', measured as [latency] says before "
        "a network is trained.",
    )
    min_latency: Duration = Field(None, description="Shortest time for one batch.")

    @field_validator("min_latency")
    @classmethod
    def _quicker_than_the_longest(cls, value: str | None, info: ValidationInfo) -> str | None:
        most = info.data.get("max_latency")
        if value is not None and most is not None and parse_duration(value) > parse_duration(most):
            raise ValueError(
                f"{value} is above max_latency = {most}. The nearest valid value is {most}."
            )
        return value

    @field_validator("min_params", "min_macs")
    @classmethod
    def _below_the_most(cls, value: int | None, info: ValidationInfo) -> int | None:
        upper = f"max_{str(info.field_name).removeprefix('min_')}"
        most = info.data.get(upper)
        if value is not None and most is not None and value > most:
            raise ValueError(
                f"{value} is above {upper} = {most}. The nearest valid value is "
                f"{most} ({format_quantity(most)})."
            )
        return value


class LatencySettings(Settings):
    """How the time of a network is measured, before it is trained."""

    runtime: Literal["torch", "onnxruntime"] | None = Field(
        None,
        description="torch: the network as it is built; onnxruntime: its ONNX graph, which takes "
        "some seconds to write for each network. If unset, torch where a limit or the cost "
        "is a latency, and else nothing is measured.",
    )
    device: Literal["cpu", "cuda"] = Field("cpu", description="Where it runs.")
    batch: Annotated[int, Field(ge=1, le=65_536)] = Field(
        1, description="Inputs at once, of the size that the study's networks are for."
    )
    threads: Annotated[int, Field(ge=1, le=1024)] = Field(1, description="CPU threads.")


class ProxySettings(Settings):
    """How a trial is trained and measured: the recipe of the short training."""

    data: str = Field(
        "digits",
        description=f"Images: {', '.join(NAMES)}, or a folder of class folders, written with a "
        "slash as in './photos'; train, val and test folders in it are taken as a split.",
    )
    folder: str | None = Field(
        None, description="Folder that holds the files of a dataset named above."
    )
    download: bool = Field(
        default=False, description="Whether a dataset that is not there may be downloaded."
    )
    image_size: Annotated[int, Field(ge=4, le=1024)] | None = Field(
        None,
        description="Height and width images are brought to, in pixels: the shorter edge is "
        "resized, and the middle square is used; the data's own if unset.",
    )
    channels: Literal[1, 3] | None = Field(
        None,
        description="Channels of the images and of the network: 3 repeats grey images to colour, 1 "
        "turns colour into grey; if unset, 1 where every image is grey, else 3.",
    )
    skip_damaged: bool = Field(
        default=False,
        description="Whether image files of a folder that cannot be decoded are left out and "
        "listed; else they are an error.",
    )
    epochs: Annotated[
        tuple[Annotated[int, Field(ge=1, le=10_000)], ...],
        ListAsTuple,
        Field(min_length=1, max_length=32),
    ] = Field(
        (1, 3, 9),
        description="Rungs: epochs after which a trial is measured; the last is a full trial.",
    )
    validation_share: Annotated[float, Field(ge=0.01, le=0.9)] = Field(
        0.2,
        description="Share of the training images that trials are compared on, where the folder "
        "does not set both validation and test images apart.",
    )
    training_share: Annotated[float, Field(ge=0.001, le=1)] = Field(
        1.0,
        description="Share of the images left that trials learn from: a smaller one for a quicker, "
        "rougher proxy.",
    )
    batch_size: Annotated[int, Field(ge=2, le=65_536)] = Field(128, description="Images a step.")
    learning_rate: Annotated[float, Field(gt=0, le=100)] = Field(
        0.1, description="Highest learning rate, reached after the warm-up."
    )
    momentum: Annotated[float, Field(ge=0, lt=1)] = Field(0.9, description="Momentum of SGD.")
    weight_decay: Annotated[float, Field(ge=0, le=1)] = Field(
        5e-4, description="Weight decay; norms and biases have none."
    )
    warmup_epochs: Annotated[float, Field(ge=0, le=10_000)] = Field(
        0.5, description="Epochs in which the learning rate rises from 0."
    )
    temperature_share: Annotated[float, Field(ge=0, le=1)] = Field(
        1 / 9,
        description="Share of the training over which attention is switched on, at most up to the "
        "first rung; without effect where attention starts assigned.",
    )
    attention_start: Literal["assigned", "temperature"] = Field(
        "assigned",
        description="assigned: each piece of a kernel begins as one cell, and attention learns to "
        "depart from that; temperature: attention begins random and is switched on by the falling "
        "temperature, as the authors do.",
    )
    attention_learning_rate: Annotated[float, Field(ge=0, le=100)] = Field(
        0.1, description="Factor on the learning rate of attention; at 0 it learns nothing."
    )
    start: str = Field(
        SCRATCH,
        description="What trials start from. scratch: nothing; plain: the plain network, which is "
        "trained once by this very proxy; or a file of its weights (safetensors, or a torch file "
        "of tensors alone) with torchvision's or timm's names.",
    )
    start_learning_rate: Annotated[float, Field(gt=0, le=100)] = Field(
        0.01,
        description="Highest learning rate of trials that start from a trained network; three "
        "times as much is better where that has learnt other classes.",
    )
    gradient_clip: Annotated[float, Field(gt=0)] | None = Field(
        None, description="Largest norm of the gradient; no limit if unset."
    )
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="Share of the target that is spread over all classes."
    )
    class_weights: Literal["none", "balanced"] = Field(
        "none",
        description="balanced: the loss of an image is weighted by the mean number of images of a "
        "class over the number of its own class, so that all classes count the same.",
    )
    recalibration: Annotated[int, Field(ge=0, le=10_000)] = Field(
        16,
        description="Batches from which batch norms take their statistics anew before a rung is "
        "measured; running statistics lag at early rungs. 0 for none.",
    )
    crop_padding: Annotated[int, Field(ge=0, le=64)] = Field(
        0, description="Pixels around an image before a random crop; 0 for no crop."
    )
    flip: bool = Field(default=False, description="Whether half of the images are mirrored.")
    dtype: Literal["float32", "bfloat16"] = Field(
        "float32", description="Number format of the forward and backward pass."
    )
    way: str = Field(
        "auto", description="How a dynamic convolution is computed; all ways give the same result."
    )

    @field_validator("warmup_epochs")
    @classmethod
    def _shorter_than_the_run(cls, value: float, info: ValidationInfo) -> float:
        epochs = info.data.get("epochs")
        if epochs and value >= epochs[-1]:
            whole = plural(epochs[-1], "epoch")
            raise ValueError(f"{value:g} is not below the {whole} of a full trial.")
        return value

    @field_validator("data")
    @classmethod
    def _named_or_folder(cls, value: str) -> str:
        if value not in NAMES and "/" not in value:
            raise ValueError(
                f"{brief(value)} is none of {', '.join(NAMES)}, and not a folder either: write one "
                f"with a slash, as in './photos'.{nearest(value, NAMES)}"
            )
        return value

    @field_validator("start")
    @classmethod
    def _word_or_file(cls, value: str) -> str:
        words = (SCRATCH, PLAIN)
        if value not in words and "/" not in value and not value.endswith(_WEIGHTS):
            raise ValueError(
                f"{brief(value)} is neither of {', '.join(words)}, and no file of weights either: "
                f"write one with a slash, or its ending ({', '.join(_WEIGHTS)})."
                f"{nearest(value, words)}"
            )
        return value

    @field_validator("epochs")
    @classmethod
    def _ascending(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        ordered = sorted(set(value))
        if list(value) != ordered:
            raise ValueError(
                f"{list(value)} is not strictly ascending. The nearest valid value is {ordered}."
            )
        return value


class ObjectiveSettings(Settings):
    """What a front weighs against what: one cost against one quality."""

    cost: Literal["params", "macs", "latency"] = Field(
        "params",
        description="What the front is over, the less the better: parameters, MACs of one image, "
        "or latency, which needs max_latency under [budget].",
    )
    quality: str | None = Field(
        None,
        description="Name of the value that trials are compared by, a share from 0 to 1 of which "
        "more is better. Images: accuracy, the share classified rightly; balanced_accuracy, the "
        "mean of the classes' recalls; or macro_f1, the mean of their F1 scores. A measure of your "
        "own: any name that it reports. accuracy if unset. Older files have it under [proxy] or "
        "[task], which means the same.",
    )

    @field_validator("quality")
    @classmethod
    def _word(cls, value: str | None) -> str | None:
        if value is not None and (not value.isidentifier() or value in ("epoch", *BESIDE)):
            raise ValueError(
                f"{brief(value)} cannot be the name of a quality: it is a word of letters, digits "
                f"and underscores, and none of epoch, {', '.join(BESIDE)}."
            )
        return value


class BaselineSettings(Settings):
    """Plain networks, without warehouses, that the same proxy measures first."""

    seeds: Annotated[int, Field(ge=0, le=100)] = Field(
        3,
        description="How often each plain network is trained, from another seed each time: the "
        "spread between seeds is part of every comparison. 0 measures none.",
    )
    networks: Annotated[tuple[str, ...], ListAsTuple] | None = Field(
        None,
        description="Further networks to compare with, under names that space.backbone takes: "
        "['resnet8', 'timm.models:mobilenetv3_small_050']. If unset, other widths of the backbone "
        "inside the budget, where it is a CIFAR ResNet and trials start from scratch.",
    )

    @field_validator("networks")
    @classmethod
    def _known_networks(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return value if value is None else tuple(map(_network, value))


class SearchSettings(Settings):
    """Who proposes configurations, and how many are tried."""

    sampler: SamplerName = Field(
        "exact",
        description="exact models accuracy alone, as sizes are known, and proposes what adds most "
        "to the hypervolume among a million counted networks; tpe and gp (Optuna's) learn sizes "
        "too, and nsga2 evolves trials; random and qmc (evenly spread) do not look; another name "
        "is that of a plug-in. With cost = 'latency', which nobody knows beforehand, tpe if unset.",
    )
    trials: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        40, description="Trials in the whole study; what is turned down is not counted."
    )
    seed: Annotated[int, Field(ge=0, lt=2**32)] = Field(
        0, description="Seed of the sampler, of the validation split and of every training."
    )
    promotion: Literal["halving", "model", "none"] = Field(
        "halving",
        description="halving: after each rung only the best in accuracy for their size go on; "
        "model: the trial goes on, now or later, of which most hypervolume an epoch is expected, "
        "or a new one begins; none: every trial is trained to the top rung.",
    )
    eta: Annotated[float, Field(ge=1.1, le=100)] = Field(
        3.0, description="Halving lets about one in eta trials go on from each rung."
    )
    epochs_share: Annotated[float, Field(gt=0, le=1)] = Field(
        0.3,
        description="Epochs that the trials of promotion = 'model' may take together, as a share "
        "of those of all trials trained to the top rung; fewer trials than asked for may begin.",
    )
    paused_bytes: Annotated[int, Field(ge=0, lt=2**63)] = Field(
        1_000_000_000,
        description="Bytes that checkpoints of trials which promotion = 'model' may go on with may "
        "take together; beyond that, those of which least is expected are dropped, and named.",
    )
    accuracy_floor: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        None,
        description="Accuracy, as a share, that counts as nothing in the hypervolume: near that of "
        "the smallest networks, it tells searches apart best. That of guessing if unset.",
    )
    repeats: Annotated[int, Field(ge=1, le=100)] = Field(
        1,
        description="Trainings of each network on the final front, or within two standard errors "
        "below it, when the search is over: with 2 and more, from further seeds, fronts are drawn "
        "from means.",
    )
    stop_after_plateau: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None,
        description="End the search when the model expects less hypervolume than this of all "
        "trials that are left together, after the first ten; for the sampler exact. If unset, all "
        "trials are made.",
    )
    reuse: bool = Field(
        default=True,
        description="Whether a network that another study of the database has trained in just the "
        "same way, from the same seed, is not trained again: its measurements are copied.",
    )

    @field_validator("stop_after_plateau")
    @classmethod
    def _needs_expectations(cls, value: float | None, info: ValidationInfo) -> float | None:
        sampler = info.data.get("sampler")
        if value is not None and sampler in SAMPLERS and sampler != "exact":
            raise ValueError(
                f"{value:g} needs a sampler that knows what to expect, and {sampler} does not. Set "
                "sampler = 'exact', or leave stop_after_plateau out."
            )
        return value


class ExecutionSettings(Settings):
    """Where trials run."""

    executor: ExecutorName = Field(
        "serial",
        description="serial: one trial after the other; ray: in parallel, on this machine or a "
        "cluster; another name is that of a plug-in.",
    )
    isolate: bool | None = Field(
        None,
        description="With serial, whether each trial runs in a process of its own, so that one "
        "which ends its process ends nothing else; if unset, it does where the network is a "
        "person's own code. With ray, each does.",
    )
    threads: Annotated[int, Field(ge=1, le=1024)] | None = Field(
        None,
        description="CPU threads of one trial; if unset, torch's own choice, or cpus_per_trial "
        "with ray.",
    )
    gpus_per_trial: Annotated[float, Field(ge=0, le=1024)] = Field(
        0.0,
        description="GPUs of one trial, which is trained on the CPU at 0; below 1, trials share "
        "one.",
    )
    workers: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        None, description="Trials at once, with ray; if unset, as many as there is room for."
    )
    cpus_per_trial: Annotated[int, Field(ge=1, le=1024)] = Field(
        1, description="CPU cores that ray sets aside for one trial."
    )
    address: str | None = Field(
        None,
        description="host:port of a Ray cluster that runs, whose nodes all share this directory; "
        "if unset, ray starts one on this machine, closed to others.",
    )
    trial_timeout: Annotated[float, Field(gt=0)] | None = Field(
        None,
        description="Seconds for which one trial may train; it is killed after that. Needs "
        "trials in processes of their own: ray, or isolate.",
    )
    epoch_timeout: Annotated[float, Field(gt=0)] | None = Field(
        None,
        description="Seconds that one epoch may take. A trial is measured at its rungs only, so it "
        "is killed when the longest step from one rung to the next takes longer than this for each "
        "of its epochs. Needs trials in processes of their own: ray, or isolate.",
    )
    max_failures: Annotated[int, Field(ge=0, le=1000)] = Field(
        2,
        description="How often a trial is tried again after its process has died without measuring "
        "anything new; attempts before an interruption count.",
    )

    @field_validator("workers", "address")
    @classmethod
    def _needs_ray(cls, value: object, info: ValidationInfo) -> object:
        alone = value is None or (info.field_name == "workers" and value == 1)
        if info.data.get("executor") == "serial" and not alone:
            raise ValueError(
                f"{brief(value)} needs processes beside this one. Set executor = 'ray'."
            )
        return value

    @field_validator("gpus_per_trial")
    @classmethod
    def _whole_above_one(cls, value: float) -> float:
        if value > 1 and value != int(value):
            raise ValueError(f"{value:g} is no whole number of GPUs, and no share of one either.")
        return value

    @field_validator("address")
    @classmethod
    def _host_and_port(cls, value: str | None) -> str | None:
        if value is not None and not _ADDRESS.fullmatch(value):
            raise ValueError(
                f"{brief(value)} is not of the form 'host:port', as in '10.0.0.5:6379'."
            )
        return value
