"""The sections of a study file.

Every field's description, with its unit, is the comment that ``kwsearch init`` prints above the
key. A rule between two fields stands with the later one, so that a fault in one section never
hides another.
"""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from kwsearch.quantities import format_quantity
from kwsearch.setting_types import (
    FlagChoice,
    ListAsTuple,
    Quantity,
    RatioRange,
    brief,
    ratio_choice,
    word_choice,
)
from search_spaces.backbones import shipped
from search_spaces.config import SHARING_RANGES
from search_spaces.errors import InputError, nearest
from search_spaces.overrides import check_address

DATA = ("digits", "fashion-mnist", "cifar10", "cifar100", "svhn")
"""Datasets by name; anything with a slash is a folder of class folders."""

SCRATCH, PLAIN = "scratch", "plain"
"""What trials start from without a file."""

_WEIGHTS = (".safetensors", ".pt", ".pth", ".bin")
_FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}")

Ratio = float | tuple[float, ...] | RatioRange
MultiplierChoice = Annotated[Ratio, ratio_choice(1024)]
ShareChoice = Annotated[Ratio, ratio_choice(1)]
WordChoice = str | tuple[str, ...]


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
        if ":" not in value:
            try:
                shipped(value)
            except InputError as error:
                raise ValueError(str(error)) from None
        elif not _FUNCTION.fullmatch(value):
            raise ValueError(f"{brief(value)} is not of the form 'package.module:function'.")
        return value

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


class BudgetSettings(Settings):
    """Hard limits: networks outside are turned down before they cost anything."""

    max_params: Quantity = Field(None, description="Most parameters, such as '300k' or 300_000.")
    min_params: Quantity = Field(None, description="Fewest parameters.")
    max_macs: Quantity = Field(None, description="Most multiply-accumulates for one image.")
    min_macs: Quantity = Field(None, description="Fewest multiply-accumulates for one image.")

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


class ProxySettings(Settings):
    """How a trial is trained and measured: the recipe of the short training."""

    data: str = Field(
        "digits",
        description=f"Images: {', '.join(DATA)}, or a folder of class folders, written with a "
        "slash as in './photos'.",
    )
    folder: str | None = Field(
        None, description="Folder that holds the files of a dataset named above."
    )
    download: bool = Field(
        default=False, description="Whether a dataset that is not there may be downloaded."
    )
    image_size: Annotated[int, Field(ge=4, le=1024)] | None = Field(
        None,
        description="Height and width images are resized to, in pixels; the data's own if unset.",
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
        0.2, description="Share of the training images that trials are measured on."
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
        0.01, description="Highest learning rate of trials that start from a trained network."
    )
    gradient_clip: Annotated[float, Field(gt=0)] | None = Field(
        None, description="Largest norm of the gradient; no limit if unset."
    )
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="Share of the target that is spread over all classes."
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
            raise ValueError(f"{value:g} is not below the {epochs[-1]} epochs of a full trial.")
        return value

    @field_validator("data")
    @classmethod
    def _named_or_folder(cls, value: str) -> str:
        if value not in DATA and "/" not in value:
            raise ValueError(
                f"{brief(value)} is none of {', '.join(DATA)}, and not a folder either: write one "
                f"with a slash, as in './photos'.{nearest(value, DATA)}"
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


class SearchSettings(Settings):
    """Who proposes configurations, and how many are tried."""

    sampler: Literal["tpe", "nsga2", "gp", "random", "qmc"] = Field(
        "tpe",
        description="tpe and gp learn from finished trials, nsga2 evolves them, random and qmc "
        "(evenly spread) do not look.",
    )
    trials: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        40, description="Trials in the whole study; what is turned down is not counted."
    )
    seed: Annotated[int, Field(ge=0, lt=2**32)] = Field(
        0, description="Seed of the sampler, of the validation split and of every training."
    )
    promotion: Literal["halving", "none"] = Field(
        "halving",
        description="halving: after each rung only the best in accuracy for their size go on; "
        "none: every trial is trained to the top rung.",
    )
    eta: Annotated[float, Field(ge=1.1, le=100)] = Field(
        3.0, description="Halving lets about one in eta trials go on from each rung."
    )
    reuse: bool = Field(
        default=True,
        description="Whether a network that another study of the database has trained in just the "
        "same way, from the same seed, is not trained again: its measurements are copied.",
    )


class ExecutionSettings(Settings):
    """Where trials run."""

    executor: Literal["serial", "ray"] = Field(
        "serial",
        description="serial: one trial after the other; ray: in parallel, on this machine or a "
        "cluster.",
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
        description="Seconds for which one trial may train; it is killed after that. Needs ray, or "
        "isolate = true.",
    )
    epoch_timeout: Annotated[float, Field(gt=0)] | None = Field(
        None,
        description="Seconds that one epoch may take. A trial is measured at its rungs only, so it "
        "is killed when the longest step from one rung to the next takes longer than this for each "
        "of its epochs. Needs ray, or isolate = true.",
    )
    max_failures: Annotated[int, Field(ge=0, le=1000)] = Field(
        2,
        description="How often a trial is tried again after its process has died without measuring "
        "anything new; attempts before an interruption count.",
    )

    @field_validator("workers", "address", "trial_timeout", "epoch_timeout")
    @classmethod
    def _needs_ray(cls, value: object, info: ValidationInfo) -> object:
        alone = value is None or (info.field_name == "workers" and value == 1)
        timed = info.field_name in ("trial_timeout", "epoch_timeout")
        if timed and info.data.get("isolate"):
            alone = True
        if info.data.get("executor") == "serial" and not alone:
            cure = "Set executor = 'ray'" + (", or isolate = true." if timed else ".")
            raise ValueError(f"{brief(value)} needs processes beside this one. {cure}")
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
