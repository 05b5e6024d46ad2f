"""How a search is going: a live bar on a terminal, a line a trial elsewhere, on standard error."""

import sys
import time
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar

from kwsearch.output import console, escape
from kwsearch.quantities import format_quantity

if TYPE_CHECKING:  # the search brings sampler and database with it, which `--help` must not load
    from trials.records import Measurement
    from trials.search import Standing

_MINUTE, _HOUR = 60, 3600


class Progress:
    """Shows each standing of a search that it is called with; a context manager.

    Whoever reads the lines may go away. That is taken as an interrupt: the search stops, resumable.
    """

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._before: int | None = None
        self._bar: Bar | None = None

    def __enter__(self) -> Self:
        self._started = time.monotonic()
        if sys.stderr.isatty():
            self._bar = Bar(
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TextColumn("{task.description}", markup=False),
                console=console(sys.stderr),
                transient=True,
            )
            self._task = self._bar.add_task("preparing", total=None)
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, standing: "Standing") -> None:
        """Show how the search stands after a trial."""
        if self._before is None:
            self._before = standing.finished - 1
        summary = _summary(standing, self._time_left(standing))
        if self._bar is not None:
            self._bar.update(
                self._task, completed=standing.finished, total=standing.trials, description=summary
            )
            return
        line = f"{standing.finished}/{standing.trials}  {_trial(standing)}  |  {summary}"
        try:
            print(escape(line), file=sys.stderr, flush=True)  # noqa: T201 - talk for people
        except BrokenPipeError:
            raise KeyboardInterrupt from None

    def _time_left(self, standing: "Standing") -> float:
        """Seconds left, if the trials to come take as long as those since the start."""
        done = standing.finished - (self._before or 0)
        elapsed = time.monotonic() - self._started
        return (standing.trials - standing.finished) * elapsed / max(done, 1)


class EpochProgress:
    """A line an epoch of a full training, on standard error; a context manager.

    Whoever reads the lines may go away; the training goes on, as it can be resumed.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        sys.stderr.flush()

    def __call__(self, measured: "Measurement", epochs: int) -> None:
        """Show what an epoch of ``epochs`` has reached."""
        left = (epochs - measured.epoch) * measured.seconds / measured.epoch
        parts = [
            f"epoch {measured.epoch}/{epochs}",
            f"accuracy {measured.accuracy:.4f} ± {measured.accuracy_error:.4f}",
            f"loss {measured.loss:.4f}",
            f"{format_duration(left)} left",
        ]
        with suppress(BrokenPipeError):
            print("  ".join(parts), file=sys.stderr, flush=True)  # noqa: T201 - talk for people


def format_duration(seconds: float) -> str:
    """A duration for people: ``8 s``, ``12 min``, ``3.4 h``."""
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.1f} h"


def _summary(standing: "Standing", left: float) -> str:
    best = standing.best_accuracy
    return "  ".join(
        [
            f"best {'-' if best is None else f'{best:.4f}'}",
            f"front {standing.front}",
            f"hypervolume {standing.hypervolume:.3f}",
            f"refused {standing.refused}",
            f"{format_duration(left)} left",
        ]
    )


def _trial(standing: "Standing") -> str:
    measured, outcome = standing.measured, standing.outcome
    parts = [f"trial {standing.last.number}", f"{format_quantity(standing.last.params)} params"]
    if measured is not None:
        parts.append(f"accuracy {measured.accuracy:.4f} ± {measured.accuracy_error:.4f}")
    reasons = [reason for reason in (outcome.cause, outcome.detail) if reason]
    parts.append(str(outcome.state) + (f" ({': '.join(reasons)})" if reasons else ""))
    return "  ".join(parts)
