"""Networks of a space, drawn by the million: counted, inside the limits, and described.

Settings are columns of integers, a row a network: the place of an option, or a number's four
significant digits and its power of ten. Counts are those of `search_spaces.counting`. What a plan
knows of a network before any training is kept beside them as features, for models of accuracy.

Two rows that describe the same cells, runs and attention are one candidate (the first stands for
both), so no digest occurs twice.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import floor, log10
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search_spaces.choices import DIGITS, Choice, FloatRange, Options, Value
from search_spaces.config import RATIOS, NetworkConfig
from search_spaces.constraints import Limits
from search_spaces.describing import Descriptions, Keys, describe_many, mixed
from search_spaces.sites import SHARING_RANGES
from search_spaces.space import Space

Codes = NDArray[np.int32]

_STEP = 10**DIGITS
"""Numbers of `DIGITS` significant digits in a power of ten, and those that are never used."""

_BLOCK = 65_536
"""Rows that are drawn and counted at a time, which bounds memory."""

_NEW = 0.001
"""Share of a block's rows that must be new, or no further block is drawn."""


@dataclass(frozen=True)
class Candidates:
    """Distinct networks of a space inside its limits.

    Attributes:
        space: that they are of.
        codes: their settings, a column for each open dimension.
        params: parameters.
        macs: MACs of one image.
        features: what their plans know, see `search_spaces.describing`.
    """

    space: Space
    codes: Codes
    params: NDArray[np.int64]
    macs: NDArray[np.int64]
    features: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.params)

    def values(self, row: int) -> dict[str, Value]:
        """What `Space.decode` makes the network of a row from."""
        columns = _Columns(self.space)
        return {
            name: columns.value(name, int(code))
            for name, code in zip(self.space.dimensions, self.codes[row], strict=True)
        }


def drawn(
    space: Space, limits: Limits, number: int, seed: int, *, by_settings: bool = False
) -> Candidates:
    """Draws of a space, of which those are left that are distinct and inside the limits.

    Every dimension is drawn uniformly, half of the rows of a space per stage alike in all stages,
    as `Space.draw` does.

    Args:
        space: that networks are of.
        limits: that they must keep.
        number: draws, at most: no more are made when of the last 65,536 less than one in a
            thousand was inside the limits and new.
        seed: of the draws.
        by_settings: whether all that differ in a setting are distinct, since networks of the same
            cells, runs and attention may still begin with other assignments of cells.
    """
    columns = _Columns(space)
    found, keys = [], []
    known = np.zeros(0, dtype=np.uint64)
    for block, at in enumerate(range(0, number, _BLOCK)):
        rng = np.random.default_rng([seed, block])
        codes = columns.draw(rng, min(_BLOCK, number - at))
        described = columns.described(codes)
        kept = np.flatnonzero(_inside(described, limits))
        found.append((codes[kept], _taken(described, kept)))
        keys.append(_settings(codes[kept]) if by_settings else described.key[kept])
        before, known = len(known), np.union1d(known, keys[-1])
        if block and len(known) - before < len(codes) * _NEW:
            break
    codes = np.concatenate([one for one, _ in found])
    first = np.sort(np.unique(np.concatenate(keys), return_index=True)[1])
    params = np.concatenate([one.params for _, one in found])[first]
    macs = np.concatenate([one.macs for _, one in found])[first]
    features = np.concatenate([one.features for _, one in found])[first]
    return Candidates(space, codes[first], params, macs, features)


def _settings(codes: Codes) -> Keys:
    """A number for each row that tells all of its settings."""
    keys = np.zeros(len(codes), dtype=np.uint64)
    for column in codes.T:
        keys = mixed(keys, column.astype(np.int64))
    return keys


def listed(space: Space, many: Sequence[Mapping[str, Value]]) -> Candidates:
    """Candidates that are these networks, all of which can be built."""
    table = described(space, many)
    codes = np.array([_Columns(space).code(values) for values in many], dtype=np.int32)
    return Candidates(space, codes, table.params, table.macs, table.features)


def described(space: Space, many: Sequence[Mapping[str, Value]]) -> Descriptions:
    """What the plans of networks know, by the values that they were proposed with."""
    columns = _Columns(space)
    return columns.described(np.array([columns.code(values) for values in many], dtype=np.int32))


def _inside(described: Descriptions, limits: Limits) -> NDArray[np.bool_]:
    inside = described.feasible.copy()
    for counts, least, most in (
        (described.params, limits.min_params, limits.max_params),
        (described.macs, limits.min_macs, limits.max_macs),
    ):
        if least is not None:
            inside &= counts >= least
        if most is not None:
            inside &= counts <= most
    return inside


def _taken(described: Descriptions, rows: NDArray[Any]) -> Descriptions:
    return Descriptions(*(getattr(described, name)[rows] for name in described.__slots__))


@dataclass(frozen=True)
class _Columns:
    """Between the values of a space's dimensions and columns of integers."""

    space: Space

    def draw(self, rng: np.random.Generator, rows: int) -> Codes:
        """Columns of ``rows`` draws."""
        together = rng.random(rows) < 0.5 if self.space.granularity == "stage" else None  # noqa: PLR2004 - half
        shared: dict[str, NDArray[np.float64]] = {}
        codes = []
        for name, choice in self.space.dimensions.items():
            shares = rng.random(rows)
            first = shared.setdefault(name.partition(".")[0], shares)
            if together is not None:
                shares = np.where(together, first, shares)
            codes.append(_coded(choice, shares))
        return np.stack(codes, axis=1) if codes else np.zeros((rows, 0), dtype=np.int32)

    def code(self, values: Mapping[str, Value]) -> list[int]:
        """The integers of one network."""
        return [
            _code(float(values[name]))
            if isinstance(choice, FloatRange)
            else choice.values.index(values[name])
            for name, choice in self.space.dimensions.items()
        ]

    def value(self, name: str, code: int) -> Value:
        """What one integer of a dimension stands for."""
        choice = self.space.dimensions[name]
        if isinstance(choice, Options):
            return choice.values[code]
        return float(_numbers(choice, np.array([code]))[0])

    def described(self, codes: Codes) -> Descriptions:
        """What the plans of all rows know."""
        parts = []
        for rows, options in self._alike(codes):
            sharing = options["sharing_range"]
            settings = {
                name: self._ratio(name, codes[rows]) for name in RATIOS if name in self._searched
            } or {"reduction": np.full(len(rows), NetworkConfig.model_fields["reduction"].default)}
            table = describe_many(
                self.space.backbone,
                settings,
                granularity="stage" if self.space.granularity == "stage" else "network",
                sharing_range=None if sharing is None else SHARING_RANGES[str(sharing)],
                spatial_partition=bool(options["spatial_partition"]),
            )
            parts.append((rows, table))
        order = np.argsort(np.concatenate([rows for rows, _ in parts]), kind="stable")
        joined = Descriptions(
            *(
                np.concatenate([getattr(table, name) for _, table in parts])
                for name in Descriptions.__slots__
            )
        )
        return _taken(joined, order)

    @cached_property
    def _searched(self) -> Mapping[str, Choice]:
        return self.space.choices

    def _alike(self, codes: Codes) -> Iterator[tuple[NDArray[Any], dict[str, Value | None]]]:
        """Rows with the same sharing range and partition, for each pair that occurs."""
        names = ("sharing_range", "spatial_partition")
        taken = [self._options(name) for name in names]
        places = {name: at for at, name in enumerate(self.space.dimensions)}
        for pair in product(*(range(len(options)) for options in taken)):
            inside = np.ones(len(codes), dtype=bool)
            for name, code in zip(names, pair, strict=True):
                if name in places:
                    inside &= codes[:, places[name]] == code
            rows = np.flatnonzero(inside)
            if rows.size:
                chosen = (options[code] for options, code in zip(taken, pair, strict=True))
                yield rows, dict(zip(names, chosen, strict=True))

    def _options(self, name: str) -> tuple[Value | None, ...]:
        choice = self._searched.get(name)
        if isinstance(choice, Options):
            return choice.values
        return (None,) if name == "sharing_range" else (True,)

    def _ratio(self, setting: str, codes: Codes) -> NDArray[np.float64]:
        """The column of a ratio: one a network, or one a stage."""
        choice = self._searched[setting]
        if isinstance(choice, Options) and choice.fixed:
            return np.full(len(codes), float(choice.values[0]))
        names = list(self.space.dimensions)
        columns = [
            _numbers(choice, codes[:, at])
            for at, name in enumerate(names)
            if name.partition(".")[0] == setting
        ]
        return columns[0] if self.space.granularity == "network" else np.stack(columns, axis=1)


def _coded(choice: Choice, shares: NDArray[np.float64]) -> Codes:
    """The integers of values so far (0 to 1) through a choice."""
    if isinstance(choice, Options):
        places = np.minimum(shares * len(choice.values), len(choice.values) - 1)
        return np.asarray(places, dtype=np.int32)
    if choice.log:
        span = np.log(choice.high / choice.low)
        numbers = choice.low * np.exp(shares * span)
    else:
        numbers = choice.low + shares * (choice.high - choice.low)
    power = np.floor(np.log10(numbers)).astype(np.int64) - (DIGITS - 1)
    digits = np.rint(numbers / 10.0**power).astype(np.int64)
    over = digits >= _STEP
    return _packed(np.where(over, digits // 10, digits), power + over)


def _code(number: float) -> int:
    power = floor(log10(number)) - (DIGITS - 1)
    digits = round(number / 10.0**power)
    return int(_packed(np.array([digits]), np.array([power]))[0])


def _packed(digits: NDArray[np.int64], power: NDArray[np.int64]) -> Codes:
    packed: Codes = (power * _STEP + digits).astype(np.int32)
    return packed


def _numbers(choice: Choice, codes: NDArray[Any]) -> NDArray[np.float64]:
    """The numbers that integers stand for, the same floats as their decimal text is read as."""
    if isinstance(choice, Options):
        numbers: NDArray[np.float64] = np.array([float(value) for value in choice.values])
        return numbers.take(codes)
    power, digits = np.divmod(codes.astype(np.int64), _STEP)
    up = digits * 10.0 ** np.maximum(power, 0)
    return np.clip(up / 10.0 ** np.maximum(-power, 0), choice.low, choice.high)
