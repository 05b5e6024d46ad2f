"""A recorded table: which networks, how they were trained, and what each epoch measured."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from search_spaces import Backbone, NetworkConfig
from trials.area import Area, Point
from trials.records import Measurement

Curve = tuple[Measurement, ...]
"""Measurements of one training, one after every epoch."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A network of the table.

    Attributes:
        config: the first configuration of the space that builds it.
        digest: of the network.
        params: parameters, exact.
        macs: MACs of one image, exact.
        features: see `search_spaces.features.features`.
        curves: by seed of the study; a training that failed has none.
    """

    config: NetworkConfig
    digest: str
    params: int
    macs: int
    features: Mapping[str, float]
    curves: Mapping[int, Curve]


@dataclass(frozen=True, slots=True)
class PlainNetwork:
    """A network without warehouses, trained in the same way.

    Attributes:
        name: of the shipped backbone.
        digest: of its table.
        params: parameters, exact.
        macs: MACs of one image, exact.
        curves: by seed of the study.
    """

    name: str
    digest: str
    params: int
    macs: int
    curves: Mapping[int, Curve]


@dataclass(frozen=True, slots=True)
class Facts:
    """What all trainings of a table have in common.

    Attributes:
        study: settings of the study that the table was recorded by, as plain values.
        backbone: table that configurations are planned on.
        recipe: how networks were trained, as plain values.
        images: SHA-256 of the prepared images.
        training: version of the training, `trials.tasks.classification.VERSION`.
        area: what hypervolume is a share of.
        networks: distinct networks of the space inside the budget, recorded or not.
        failed: trainings that failed; they have no rows.
        made_with: versions of packages, and the processor.
    """

    study: Mapping[str, Any]
    backbone: Backbone
    recipe: Mapping[str, Any]
    images: str
    training: int
    area: Area
    networks: int
    failed: int
    made_with: Mapping[str, str]


@dataclass(frozen=True)
class Table:
    """All that was recorded.

    Attributes:
        facts: of all trainings.
        candidates: by ascending parameters, then digest.
        plain: likewise.
    """

    facts: Facts
    candidates: tuple[Candidate, ...]
    plain: tuple[PlainNetwork, ...]

    @cached_property
    def by_digest(self) -> Mapping[str, Candidate]:
        """Candidates by digest."""
        return {one.digest: one for one in self.candidates}

    @property
    def epochs(self) -> int:
        """Length of each training."""
        return int(self.facts.recipe["epochs"])

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of which there are curves of candidates, ascending."""
        return tuple(sorted({seed for one in self.candidates for seed in one.curves}))

    def of_seed(self, seed: int) -> tuple[Candidate, ...]:
        """Candidates that were trained from this seed."""
        return tuple(one for one in self.candidates if seed in one.curves)

    def best_hypervolume(
        self, seed: int, *, area: Area | None = None, among: Iterable[str] | None = None
    ) -> float:
        """Hypervolume of the front of all candidates at the last epoch: no search finds a better.

        Args:
            seed: of the trainings.
            area: what it is a share of; the table's own if None.
            among: digests of the candidates that count; all if None.
        """
        counted = None if among is None else set(among)
        points = [
            Point.of(one.params, one.curves[seed][-1].accuracy, number)
            for number, one in enumerate(self.of_seed(seed))
            if counted is None or one.digest in counted
        ]
        return (area or self.facts.area).hypervolume(points)


_LEFT_OUT = (
    "quality",
    "folder",
    "download",
    "epochs",
    "skip_damaged",
    "channels",
    "image_size",
    "way",
)
"""Settings of a proxy that change no measurement of the same images and recipe, or are in that."""


def incompatible(
    facts: Facts,
    *,
    same: bool = False,
    proxy: Mapping[str, Any],
    recipe: Mapping[str, Any],
    backbone: Backbone,
) -> list[str]:
    """In what a study would train otherwise than a table was recorded, a phrase each.

    Args:
        facts: of the table.
        same: whether the tasks have one identity, seed and rungs aside; the settings below only
            name what differs.
        proxy: settings of the study's proxy, as plain values.
        recipe: that follows from them, likewise.
        backbone: of the study.
    """
    own = facts.study["proxy"]
    settings = {name: value for name, value in proxy.items() if name not in _LEFT_OUT}
    different = (
        []
        if same
        else [
            f"{name} is {settings.get(name)!r}, not {own.get(name)!r}"
            for name in sorted({*settings, *own} - {*_LEFT_OUT})
            if settings.get(name) != own.get(name)
        ]
    )
    if not same and not different:
        different = [
            f"{name} of the recipe is {recipe.get(name)!r}, not {facts.recipe.get(name)!r}"
            for name in sorted({*recipe, *facts.recipe})
            if recipe.get(name) != facts.recipe.get(name)
        ]
    if backbone.digest != facts.backbone.digest or backbone.input_size != facts.backbone.input_size:
        height, width = facts.backbone.input_size
        different.append(
            f"the backbone is not {facts.backbone.name} for images of {height} x {width} pixels"
        )
    return different
