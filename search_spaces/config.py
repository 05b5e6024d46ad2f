"""`NetworkConfig`: the frozen answer to "which KernelWarehouse network".

Names of settings are upstream's. A ratio is one number for the whole network, or a tuple with one
number per stage or per warehouse; ``granularity`` says which. Two configs may spell the same
network differently: compare them by `search_spaces.warehouse.Plan.digest`, not by equality.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from search_spaces.errors import InputError, nearest
from search_spaces.sites import SHARING_RANGES, SHARING_TOKENS

CONFIG_VERSION: Literal[1] = 1

RATIOS = (
    "cell_num_ratio",
    "cell_inplane_ratio",
    "cell_outplane_ratio",
    "reduction",
    "nonlocal_basis_ratio",
)
"""The settings that may differ between stages or warehouses."""

Granularity = Literal["network", "stage", "warehouse"]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]


class NetworkConfig(BaseModel):
    """One KernelWarehouse network, ready to be planned, counted and built.

    Attributes:
        version: version of this schema.
        backbone: shipped name such as ``"resnet20"``, or ``"package.module:function"``.
        num_classes: outputs of the classifier.
        in_channels: channels of an input image.
        granularity: what a tuple of ratios has one entry for, ``"stage"`` or ``"warehouse"``
            (in order of first appearance); ``"network"`` when every ratio is one number.
        cell_num_ratio: b, cells of a warehouse / mixtures that it serves.
        cell_inplane_ratio: cell input channels / greatest common divisor of those served.
        cell_outplane_ratio: cell output channels / greatest common divisor of those served.
        reduction: width of the attention's hidden layer / input channels (never below 16).
        nonlocal_basis_ratio: below 1, attention over the cells of other layers goes through a
            basis of this share of their number (never below 16).
        sharing_range: address parts that are merged: `SHARING_TOKENS`, or the beginning of one
            (upstream's published MobileNetV2 settings amount to ``("l",)``). A study file's word
            for them, a key of `SHARING_RANGES`, is read as the parts that it stands for.
        spatial_partition: whether kernels are cut along space too (cells are then 1x1).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    version: Literal[1] = CONFIG_VERSION
    backbone: str
    num_classes: Annotated[int, Field(ge=1)] = 1000
    in_channels: Annotated[int, Field(ge=1)] = 3
    granularity: Granularity = "network"
    cell_num_ratio: Positive | tuple[Positive, ...] = 1.0
    cell_inplane_ratio: Share | tuple[Share, ...] = 1.0
    cell_outplane_ratio: Share | tuple[Share, ...] = 1.0
    reduction: Positive | tuple[Positive, ...] = 0.0625
    nonlocal_basis_ratio: Share | tuple[Share, ...] = 1.0
    sharing_range: tuple[str, ...] = SHARING_RANGES["stage"]
    spatial_partition: bool = True

    @field_validator("sharing_range", mode="before")
    @classmethod
    def _named_range(cls, value: object) -> object:
        if not isinstance(value, str):
            return tuple(value) if isinstance(value, list) else value
        if value not in SHARING_RANGES:
            raise ValueError(
                f"{value!r} is not a sharing range; they are {', '.join(SHARING_RANGES)}."
                f"{nearest(value, SHARING_RANGES)}"
            )
        return SHARING_RANGES[value]

    @field_validator("sharing_range")
    @classmethod
    def _known_tokens(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for token in value:
            if not any(part.startswith(token) for part in SHARING_TOKENS if token):
                raise ValueError(
                    f"{token!r} is not a part of an address; the parts are "
                    f"{', '.join(SHARING_TOKENS)}.{nearest(token, SHARING_TOKENS)}"
                )
        return value

    @model_validator(mode="after")
    def _tuples_have_a_meaning(self) -> Self:
        split = [name for name in RATIOS if isinstance(getattr(self, name), tuple)]
        if split and self.granularity == "network":
            raise ValueError(
                f"{', '.join(split)} has one value per part, but granularity is 'network'; set "
                "granularity to 'stage' or 'warehouse'"
            )
        return self

    def to_json(self) -> str:
        """Canonical JSON text; `from_json` reads it back to an equal config."""
        return self.model_dump_json()

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read a config; all faults are reported at once.

        Raises:
            InputError: the text is not JSON, or not a config of this version.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            faults = "; ".join(
                f"{'.'.join(map(str, fault['loc'])) or 'config'}: {fault['msg']}"
                for fault in error.errors()
            )
            raise InputError(
                f"This is not a network configuration of version {CONFIG_VERSION}: {faults}.",
                "Write one with 'kwsearch export', or read 'kwsearch count --help'.",
            ) from None
