"""``report(epoch, **values)``: what a person's measure says, checked and passed on."""

import operator
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import SupportsFloat, SupportsIndex

from search_spaces import InputError
from search_spaces.errors import nearest, plural
from trials.errors import NonFiniteError
from trials.fidelity import Ladder
from trials.records import Measurement, Report, Reported, Verdict
from trials.shares import images_of_error, standard_error

BESIDE = ("error", "images", "loss")
"""What is said of the quality by these names, and of no other value."""

ERROR = "_error"
"""Ends the name of the standard error of another value."""

Value = SupportsFloat | SupportsIndex


class Over(BaseException):
    """Ends a measure that goes on although it was told to stop; caught around its call."""


@dataclass
class Reporter:
    """Given to a measure as ``report``; answers whether the training goes on.

    Args:
        name: of the measure, for messages.
        quality: name of the value that counts.
        ladder: epochs after which the search is told.
        tell: told of each rung once.
        keep: called at every report, before the search is told, with the rungs so far.
        told: measurements of an earlier attempt, which the search has been told of.
        earlier: seconds of that attempt.
    """

    name: str
    quality: str
    ladder: Ladder
    tell: Report
    keep: Callable[[int, Sequence[Measurement], float], None] = lambda *_: None
    told: Sequence[Measurement] = ()
    earlier: float = 0.0
    over: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._measurements = list(self.told)
        self._last = 0
        self._began = time.monotonic()

    def __call__(self, epoch: SupportsIndex, **values: Value) -> bool:
        """Report what the network reaches after an epoch; whether to train on.

        Args:
            epoch: epochs trained, from 1; each is later than the one before.
            **values: the quality, a share from 0 to 1; beside it ``error``, its standard error, or
                ``images``, how many it was counted over; and ``loss``. Values of any other name are
                kept; one called ``NAME_error`` beside ``NAME`` is its standard error.

        Raises:
            InputError: something is missing, unknown or out of range.
            NonFiniteError: a value is not finite.
        """
        if self.over:
            raise Over
        at = self._epoch(epoch)
        measured = self._measurement(at, values)
        known = {one.epoch for one in self._measurements}
        self._require_rungs_before(at, known)
        self._last = at
        new = at in self.ladder.rungs and at not in known
        if new:
            self._measurements.append(measured)
        self.keep(at, self._measurements, self._seconds())
        if new:
            stop = self.tell(measured) is Verdict.STOP
            self.over = stop or at == self.ladder.top
        return not self.over

    def require_top(self) -> None:
        """See that a measure which has returned was told to stop, or has reached the top rung.

        Raises:
            InputError: it has not.
        """
        if self.over:
            return
        told = [one.epoch for one in self._measurements]
        said = f"epochs {', '.join(map(str, told))}" if told else "nothing"
        raise InputError(
            f"{self.name} returned after it had reported {said}, and not epoch {self.ladder.top}.",
            f"Call report(epoch, {self.quality}=...) after {self._rungs()}, and go on as long as "
            "it answers True.",
        )

    def _seconds(self) -> float:
        return self.earlier + time.monotonic() - self._began

    def _rungs(self) -> str:
        *before, top = self.ladder.rungs
        rungs = f"{', '.join(map(str, before))} and {top}" if before else f"{top}"
        return f"{'epochs' if before else 'epoch'} {rungs}"

    def _epoch(self, epoch: SupportsIndex) -> int:
        try:
            at = operator.index(epoch)
        except TypeError:
            raise InputError(
                f"{self.name} reported epoch {epoch!r}, which is no whole number.",
                "Report the number of epochs trained, from 1.",
            ) from None
        if at < 1 or at > self.ladder.top:
            raise InputError(
                f"{self.name} reported epoch {at}; epochs go from 1 to {self.ladder.top}.",
                "Report the number of epochs trained, or set other epochs under [task].",
            )
        if at <= self._last:
            raise InputError(
                f"{self.name} reported epoch {at} after epoch {self._last}.",
                "Report every epoch once, in the order of training.",
            )
        return at

    def _require_rungs_before(self, at: int, known: Collection[int]) -> None:
        missed = [rung for rung in self.ladder.rungs if rung < at and rung not in known]
        if missed:
            raise InputError(
                f"{self.name} reported epoch {at}, and not epoch {missed[0]} before it.",
                f"Report after {self._rungs()}, or set other epochs under [task].",
            )

    def _measurement(self, at: int, values: Mapping[str, Value]) -> Measurement:
        self._require_names(at, values)
        numbers = {name: self._number(at, name, value) for name, value in values.items()}
        share, error = numbers[self.quality], numbers.get("error")
        for name in (self.quality, "error"):
            if not 0 <= numbers.get(name, 0) <= 1:
                raise InputError(
                    f"{self.name} reported {name} = {numbers[name]:g} after epoch {at}; it is a "
                    "share, from 0 to 1.",
                    "Divide per cent by 100; of a loss, report what is the better, the higher.",
                )
        images = numbers.get("images", 0)
        if "images" in numbers and (images < 1 or images != int(images)):
            raise InputError(
                f"{self.name} reported images = {images:g} after epoch {at}; it is a whole "
                "number from 1.",
                "Report how many images the quality was counted over.",
            )
        count = int(images) if error is None else images_of_error(share, error)
        if error is None:
            error = standard_error(share, count)
        loss = numbers.get("loss", 1 - share)
        further = self._further(at, numbers)
        return Measurement(at, share, error, loss, count, self._seconds(), further)

    def _further(self, at: int, numbers: Mapping[str, float]) -> dict[str, Reported]:
        """Values beside the quality, each with its error where that was reported too."""
        others = {name: n for name, n in numbers.items() if name not in (self.quality, *BESIDE)}
        errors = {name for name in others if name.removesuffix(ERROR) in {*others} - {name}}
        for name in sorted(errors):
            if others[name] < 0:
                raise InputError(
                    f"{self.name} reported {name} = {others[name]:g} after epoch {at}; it is the "
                    f"standard error of {name.removesuffix(ERROR)}, so not below 0.",
                    "Report a standard error, or give the value another name.",
                )
        return {
            name: Reported(value, others.get(f"{name}{ERROR}"))
            for name, value in others.items()
            if name not in errors
        }

    def _require_names(self, at: int, values: Mapping[str, Value]) -> None:
        if self.quality not in values:
            said = ", ".join(values) or "no value"
            hint = nearest(self.quality, values)
            raise InputError(
                f"{self.name} reported {said} after epoch {at}, and no {self.quality}.{hint}",
                f"Call report({at}, {self.quality}=...), or name another under [objective].",
            )
        if "error" in values and "images" in values:
            raise InputError(
                f"{self.name} reported error and images after epoch {at}; the error follows from "
                "the images.",
                f"Report one of them: {plural(len(values), 'value')} were given.",
            )

    def _number(self, at: int, name: str, value: Value) -> float:
        try:
            if isinstance(value, str | bytes | bool):
                raise TypeError  # noqa: TRY301 - float would read text
            number = float(value)
        except (TypeError, ValueError, RuntimeError):
            raise InputError(
                f"{self.name} reported {name} = {value!r} after epoch {at}, which is no number.",
                f"Report a number, as in report({at}, {self.quality}=0.93).",
            ) from None
        if not isfinite(number):
            raise NonFiniteError(
                f"{self.name} reported {name} = {number} after epoch {at}.",
                "Lower the learning rate of the training, or clip its gradient.",
            )
        return number
