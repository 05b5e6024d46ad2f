"""How a detector is built and trained: settings with their units, COCO's 1x recipe as defaults.

The defaults are those of the field: 12 epochs in batches of 16 (the "1x schedule" of He et al.
2017, arXiv 1703.06870, as its successors shortened it), a feature pyramid of 256 channels (Lin et
al. 2017, arXiv 1612.03144). `recipe_for` takes the optimiser that KernelWarehouse's authors take on
this schedule; their drawn sizes and crops, and their frozen first stage, are left out.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from search_spaces.errors import InputError

Detector = Literal["mask-rcnn", "faster-rcnn", "retinanet"]
Norms = Literal["frozen", "batch"]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, le=1)]
ListAsTuple = BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)
Many = Annotated[int, Field(ge=1, le=100_000)]

SMALL = 256
"""Pixels of the longer edge up to which pictures are small: they are taken as they are."""


class DetectionRecipe(BaseModel):
    """How a detector is built and trained."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    detector: Detector = Field(
        "mask-rcnn",
        description="mask-rcnn finds boxes and masks, faster-rcnn and retinanet boxes.",
    )
    epochs: Annotated[int, Field(ge=1)] = Field(
        12, description="Passes over the training images; the schedule spans them."
    )
    batch_size: Annotated[int, Field(ge=1)] = Field(
        16, description="Images a step, over all processes together."
    )
    optimiser: Literal["sgd", "adamw"] = Field(
        "sgd", description="sgd: with momentum; adamw: with decoupled weight decay."
    )
    learning_rate: Positive = Field(0.02, description="Of the optimiser after the warm-up.")
    momentum: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.9, description="Of sgd: share of the last update that is kept."
    )
    weight_decay: NotNegative = Field(
        1e-4,
        description="Per step and unit of learning rate; of sgd on all parameters, of adamw not on "
        "norms and biases.",
    )
    warmup_iterations: Annotated[int, Field(ge=0)] = Field(
        500,
        description="Steps over which the learning rate rises from a thousandth; a tenth of the "
        "run at most.",
    )
    drops: Annotated[tuple[Share, ...], ListAsTuple] = Field(
        (8 / 12, 11 / 12),
        description="Shares of the run after which the learning rate is divided by ten; of 12 "
        "epochs they are the 8th and the 11th.",
    )
    gradient_clip: NotNegative = Field(
        0.0, description="Largest length of the gradient of a step; 0 for any."
    )
    attention_learning_rate: Annotated[float, Field(ge=0, le=100)] = Field(
        1.0, description="Factor on the learning rate of attention; at 0 it learns nothing."
    )
    flip: bool = Field(default=True, description="Whether half of the images are mirrored.")
    norms: Norms = Field(
        "frozen",
        description="frozen: batch norms of the backbone keep the mean and variance that they "
        "start with, which asks for a trained backbone; batch: they follow the batches.",
    )
    short_edge: Annotated[int, Field(ge=8, le=4096)] = Field(
        800, description="Pixels that the shorter edge of an image is brought to."
    )
    long_edge: Annotated[int, Field(ge=8, le=8192)] = Field(
        1333, description="Most pixels of its longer edge."
    )
    mean: Annotated[tuple[float, ...], ListAsTuple] = Field(
        (0.485, 0.456, 0.406),
        description="Subtracted from pixels from 0 to 1, a number a channel; of grey pictures "
        "their mean. A backbone that starts from an export takes that of its classification.",
    )
    std: Annotated[tuple[Positive, ...], ListAsTuple] = Field(
        (0.229, 0.224, 0.225), description="What they are divided by then."
    )
    anchor_scale: Positive = Field(
        8.0, description="Edge of an anchor over the stride of the level that it belongs to."
    )
    neck_channels: Annotated[int, Field(ge=1, le=4096)] = Field(
        256, description="Channels of the feature pyramid, and of the heads' convolutions."
    )
    head_width: Annotated[int, Field(ge=1, le=16384)] = Field(
        1024, description="Outputs of the two linear layers that classify a proposal."
    )
    proposals: Many = Field(
        2000,
        description="Proposals that are kept of an image in training; half as many in measuring.",
    )
    sampled_anchors: Many = Field(256, description="Anchors of an image that are learnt from.")
    sampled_proposals: Many = Field(512, description="Proposals of an image that are learnt from.")
    detections: Many = Field(100, description="Most detections in an image; COCO counts 100.")

    @property
    def masks(self) -> bool:
        """Whether masks are found too."""
        return self.detector == "mask-rcnn"

    def facts(self) -> dict[str, Any]:
        """What tells this recipe from others, as plain values."""
        return self.model_dump(mode="json")

    def changed(self, **changes: object) -> Self:
        """A copy with other values, checked like a new one.

        Raises:
            InputError: a field is unknown or its value out of range; all faults are named.
        """
        try:
            return self.model_validate({**self.model_dump(), **changes})
        except ValidationError as error:
            faults = "; ".join(
                f"{'.'.join(map(str, fault['loc'])) or 'recipe'}: {fault['msg']}"
                for fault in error.errors()
            )
            raise InputError(f"This recipe cannot be used: {faults}.", "Change it.") from None

    def learning_rate_at(self, step: int, epoch_steps: int) -> float:
        """Rate that a step is taken with: a linear warm-up, then a tenth after each drop.

        Args:
            step: from 0.
            epoch_steps: steps of an epoch.
        """
        warmup = min(self.warmup_iterations, self.epochs * epoch_steps // 10)
        if step < warmup:
            return self.learning_rate * (0.001 + 0.999 * step / warmup)
        epoch = step // epoch_steps
        passed = sum(epoch >= round(share * self.epochs) for share in self.drops)
        return float(self.learning_rate * 0.1**passed)


def of_size(recipe: DetectionRecipe, edge: int) -> DetectionRecipe:
    """The same with pictures whose shorter edge is brought to ``edge`` pixels."""
    longer = round(edge * recipe.long_edge / recipe.short_edge)
    return recipe.changed(short_edge=edge, long_edge=longer)


def recipe_for(edge: int, detector: Detector = "mask-rcnn") -> DetectionRecipe:
    """The recipe that suits pictures of that longer edge, for 12 epochs.

    Large ones have the optimiser, rate and decay of the authors' settings for MS-COCO
    (``mask_rcnn_kw1x_resnet50_adamw_1x_coco``, beside their table of results).
    Pictures of `SMALL` pixels at most are not enlarged, and have small anchors, a narrow neck and
    narrow heads, so that they train in seconds on a processor.
    """
    recipe = DetectionRecipe(detector=detector)
    if edge > SMALL:
        return recipe.changed(optimiser="adamw", learning_rate=1e-4, weight_decay=0.05)
    return recipe.changed(
        batch_size=8,
        learning_rate=0.02,
        warmup_iterations=50,
        gradient_clip=5.0,
        short_edge=max(edge, 8),
        long_edge=max(edge, 8),
        anchor_scale=4.0,
        neck_channels=32,
        head_width=128,
        proposals=100,
        sampled_anchors=64,
        sampled_proposals=32,
        detections=20,
    )
