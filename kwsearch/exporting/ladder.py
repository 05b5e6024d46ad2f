"""Sizes of a ladder, and the best trial under each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from kwsearch.quantities import parse_quantity, parse_ratio
from search_spaces import InputError
from trials.records import TrialRecord

_MOST = 64


@dataclass(frozen=True, slots=True)
class Rung:
    """A size that a person named.

    Attributes:
        name: as a folder is called: ``0.25x``, ``300k``.
        params: most parameters.
    """

    name: str
    params: int


def parse_ladder(text: str, plain_params: int) -> tuple[Rung, ...]:
    """Read sizes, small to large.

    Args:
        text: ``1/4x,1/2x,1x``, multiples of the plain backbone's parameters; or ``300k,1M``; or
            both.
        plain_params: parameters of the plain backbone.

    Raises:
        InputError: a size cannot be read, two are the same, or there are too many.
    """
    words = [word.strip() for word in text.split(",")]
    if len(words) > _MOST:
        raise InputError(f"{len(words)} rungs are too many.", f"Name {_MOST} at most.")
    rungs = sorted((_rung(word, plain_params) for word in words), key=lambda rung: rung.params)
    for low, high in pairwise(rungs):
        if low.params == high.params or low.name == high.name:
            raise InputError(
                f"Rungs {low.name} and {high.name} are one size, {low.params:,} parameters.",
                "Name each size once.",
            )
    return tuple(rungs)


def _rung(word: str, plain_params: int) -> Rung:
    if word.lower().endswith("x"):
        ratio = parse_ratio(word[:-1])
        return Rung(f"{ratio:.6g}x", max(int(ratio * plain_params), 1))
    return Rung(word.replace(" ", ""), parse_quantity(word))


def best_under(
    rungs: Sequence[Rung], best: Callable[[int], TrialRecord | None]
) -> list[tuple[Rung, TrialRecord | None]]:
    """The most accurate trial under each size, or None where there is none.

    Args:
        rungs: sizes.
        best: answers with the best trial of at most so many parameters.

    Raises:
        InputError: there is none under the largest.
    """
    found = [(rung, best(rung.params)) for rung in rungs]
    if not any(record for _, record in found):
        most = max(rung.params for rung in rungs)
        raise InputError(
            f"No complete trial has at most {most:,} parameters.", "Name larger sizes."
        )
    return found
