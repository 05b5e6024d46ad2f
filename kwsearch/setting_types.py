"""What the value of a setting may look like in a study file, beyond TOML's own types.

A *choice* is what a sampler may choose from: one value, a list of values, or, for ratios, a range
``{low = 0.125, high = 4.0, log = true}``. Readers raise `ValueError` with the value, the rule and
the nearest valid value; pydantic collects them.
"""

import reprlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationInfo,
    WithJsonSchema,
)

from kwsearch.quantities import parse_duration, parse_quantity, parse_ratio
from search_spaces.errors import InputError, nearest, plural
from trials.plugins import plugin_names

STORED = "stored"
"""Context of validation: the settings come from a database."""

_T = TypeVar("_T")
_MOST_VALUES = 100
_RANGE_KEYS = ("low", "high", "log")


class RatioRange(BaseModel):
    """All ratios from ``low`` to ``high``; ``log`` spreads proposals evenly over factors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    low: float
    high: float
    log: bool = False


def brief(value: Any) -> str:  # noqa: ANN401 - parsed TOML
    """The value for a message: one line, a few dozen characters, however large it is."""
    return str(value).lower() if isinstance(value, bool) else reprlib.repr(value)


def ratio_choice(most: float) -> BeforeValidator:
    """A reader of choices among ratios above 0 and up to ``most``."""

    def read(value: Any) -> float | tuple[float, ...] | RatioRange:  # noqa: ANN401 - parsed TOML
        if isinstance(value, RatioRange):
            value = value.model_dump()
        if isinstance(value, dict):
            return _ratio_range(value, most)
        if isinstance(value, list | tuple):
            return _several(value, lambda one: _ratio(one, most))
        return _ratio(value, most)

    return BeforeValidator(read)


def word_choice(known: Iterable[str]) -> BeforeValidator:
    """A reader of choices among known words."""
    words = tuple(known)

    def one(value: Any) -> str:  # noqa: ANN401 - parsed TOML
        if not isinstance(value, str) or value not in words:
            raise ValueError(f"{brief(value)} is none of {', '.join(words)}.{_like(value, words)}")
        return value

    def read(value: Any) -> str | tuple[str, ...]:  # noqa: ANN401 - parsed TOML
        return _several(value, one) if isinstance(value, list | tuple) else one(value)

    return BeforeValidator(read)


def plugin_choice(known: tuple[str, ...], group: str) -> AfterValidator:
    """A checker of words that are known, or name a plug-in.

    Settings that were stored may name a plug-in that is not installed here.
    """

    def check(value: str, info: ValidationInfo) -> str:
        if value in known or info.context == STORED:
            return value
        words = (*known, *plugin_names(group))
        if value not in words:
            raise ValueError(f"{brief(value)} is none of {', '.join(words)}.{_like(value, words)}")
        return value

    return AfterValidator(check)


def words_or_text(known: tuple[str, ...]) -> WithJsonSchema:
    """What the reference says of such words."""
    return WithJsonSchema({"anyOf": [{"enum": list(known)}, {"type": "string"}]})


def _read_flags(value: Any) -> bool | tuple[bool, ...]:  # noqa: ANN401 - parsed TOML
    def one(value: Any) -> bool:  # noqa: ANN401 - parsed TOML
        if not isinstance(value, bool):
            raise ValueError(f"{brief(value)} is neither true nor false.")  # noqa: TRY004 - pydantic collects ValueError
        return value

    return _several(value, one) if isinstance(value, list | tuple) else one(value)


def _read_quantity(value: Any) -> Any:  # noqa: ANN401 - parsed TOML
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(  # noqa: TRY004 - pydantic collects ValueError
            f"{brief(value)} is not a quantity. Write it like '6M', '300k' or 1_500_000."
        )
    try:
        return parse_quantity(value)
    except InputError as error:
        raise ValueError(str(error)) from None


def _read_duration(value: Any) -> Any:  # noqa: ANN401 - parsed TOML
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError(f"{brief(value)} is not a time with its unit. Write it like '20ms'.")  # noqa: TRY004 - pydantic collects ValueError
    try:
        parse_duration(value)
    except InputError as error:
        raise ValueError(str(error)) from None
    return value


FlagChoice = Annotated[bool | tuple[bool, ...], BeforeValidator(_read_flags)]
"""True, false, or a list of both."""

Quantity = Annotated[int | None, BeforeValidator(_read_quantity)]
"""A positive whole number, also as ``"300k"``; None where there is no limit."""

Duration = Annotated[str | None, BeforeValidator(_read_duration)]
"""A time such as ``"20ms"``, kept as it is written; None where there is no limit."""

ListAsTuple = BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)
"""Lets a TOML list fill a tuple; strict types would refuse it."""


def _ratio(value: Any, most: float) -> float:  # noqa: ANN401 - parsed TOML
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"{brief(value)} is not a ratio. Write it like 0.25 or '1/4'.")  # noqa: TRY004 - pydantic collects ValueError
    try:
        ratio = parse_ratio(value)
    except InputError as error:
        raise ValueError(str(error)) from None
    if ratio > most:
        raise ValueError(f"{brief(value)} is above {most:g}. The nearest valid value is {most:g}.")
    return ratio


def _ratio_range(value: dict[str, Any], most: float) -> RatioRange:
    faults = [
        f"unknown key {key!r}.{nearest(key, _RANGE_KEYS)}"
        for key in value
        if key not in _RANGE_KEYS
    ]
    ends: dict[str, float] = {}
    for key in ("low", "high"):
        if key not in value:
            faults.append(f"{key} is missing.")
            continue
        try:
            ends[key] = _ratio(value[key], most)
        except ValueError as error:
            faults.append(f"{key}: {error}")
    log = value.get("log", False)
    if not isinstance(log, bool):
        faults.append(f"log: {brief(log)} is neither true nor false.")
    if len(ends) == len(("low", "high")) and ends["low"] >= ends["high"]:
        faults.append(f"low {ends['low']:g} is not below high {ends['high']:g}.")
    if faults:
        raise ValueError(f"{' '.join(faults)} A range is {{low = 0.25, high = 1.0, log = true}}.")
    return RatioRange(**ends, log=log)


def _several(values: Sequence[Any], one: Callable[[Any], _T]) -> tuple[_T, ...]:
    """Read every value of a list; all its faults are told together."""
    if len(values) > _MOST_VALUES:
        raise ValueError(
            f"{plural(len(values), 'value')} are too many; {_MOST_VALUES} are the most."
        )
    read: list[_T] = []
    faults: list[str] = []
    for value in values:
        try:
            read.append(one(value))
        except ValueError as error:
            faults.append(str(error))
    if not read and not faults:
        faults.append("an empty list leaves nothing to choose from.")
    faults += [f"{brief(value)} is given twice." for value, n in Counter(read).items() if n > 1]
    if faults:
        raise ValueError(" ".join(faults))
    return tuple(read)


def _like(value: Any, known: Iterable[str]) -> str:  # noqa: ANN401 - parsed TOML
    return nearest(value, known) if isinstance(value, str) else ""
