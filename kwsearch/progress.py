"""How a search is going: a live bar on a terminal, one cell that changes in a notebook.

Elsewhere, and in files, a line a trial. All of it goes to standard error.
"""

import sys
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.text import Text

from kwsearch.failing import SEVERAL, Failures, change
from kwsearch.output import console, escape
from kwsearch.quantities import format_quantity
from search_spaces.errors import plural

if TYPE_CHECKING:  # the search brings sampler and database with it, which `--help` must not load
    from rich.progress import Progress as Bar

    from trials.baselines import BaselineProgress
    from trials.records import BaselineRecord, Measurement, Outcome
    from trials.search import SearchProgress

_MINUTE, _HOUR = 60, 3600
_WIDTH = 24
"""Of a bar, in characters."""


class Progress:
    """Shows the progress of a search each time that it is called with; a context manager.

    Whoever reads the lines may go away. That is taken as an interrupt: the search stops, resumable.
    """

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._before: int | None = None
        self._bar: Bar | None = None
        self._cell: Callable[[str], None] | None = None
        self._quiet = warnings.catch_warnings()
        self._failures = Failures()

    def __enter__(self) -> Self:
        self._started = time.monotonic()
        self._cell = notebook_cell()
        if self._cell is not None:
            self._quiet.__enter__()
            # Optuna imports tqdm's bar for notebooks, which asks for a package; it is never shown.
            warnings.filterwarnings("ignore", message="IProgress not found")
            self._cell("preparing")
        elif sys.stderr.isatty():
            self._bar = _bar()
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
        if self._cell is not None:
            self._quiet.__exit__(kind, error, traceback)
        if self._failures.summary is not None:
            self._say(self._failures.summary)

    def __call__(self, progress: "SearchProgress") -> None:
        """Show how the search stands after a trial."""
        if self._before is None:
            self._before = progress.finished - 1
        summary = _summary(progress, self._time_left(progress))
        alike = self._failures.add(progress.outcome)
        if self._bar is not None:
            self._bar.update(
                self._task, completed=progress.finished, total=progress.trials, description=summary
            )
        else:
            told = _trial(progress, brief=alike > SEVERAL)
            counted = f"{progress.finished}/{progress.trials}"
            if self._cell is not None:
                drawn = _drawn(progress.finished, progress.trials)
                self._cell(f"{drawn} {counted}  {summary}\n{escape(told)}")
            else:
                self._say(f"{counted}  {told}  |  {summary}")
        if alike == SEVERAL:
            self._advise(progress.outcome)

    def _advise(self, outcome: "Outcome") -> None:
        """Say once what several trials failed of, and what to change."""
        why = ": ".join(reason for reason in (outcome.cause, outcome.detail) if reason)
        failed = plural(SEVERAL, "trial")
        advice = f"{failed} have failed alike ({why}). {change(outcome.cause)}"
        if self._bar is not None:
            self._bar.console.print(Text(escape(advice)))
        else:
            self._say(advice)

    def baseline(self, progress: "BaselineProgress") -> None:
        """Show what a plain network has reached."""
        if self._before is None:  # the time left is that of trials
            self._started = time.monotonic()
        role = progress.last.baseline.role
        kind = "plain" if role.plain else role.value
        line = f"{kind} {progress.finished}/{progress.baselines}  {_baseline(progress.last)}"
        if self._bar is not None:
            self._bar.update(self._task, description=line)
            return
        self._say(line)

    def _say(self, line: str) -> None:
        try:
            print(escape(line), file=sys.stderr, flush=True)  # noqa: T201 - talk for people
        except BrokenPipeError:
            raise KeyboardInterrupt from None

    def _time_left(self, progress: "SearchProgress") -> float:
        """Seconds left, if the trials to come take as long as those since the start."""
        done = progress.finished - (self._before or 0)
        elapsed = time.monotonic() - self._started
        return (progress.trials - progress.finished) * elapsed / max(done, 1)


class EpochProgress:
    """A line an epoch of a full training, the last one alone in a notebook; a context manager.

    Whoever reads the lines may go away; the training goes on, as it can be resumed.

    Args:
        quality: name of what is measured.
    """

    def __init__(self, quality: str = "accuracy") -> None:
        self._quality = quality

    def __enter__(self) -> Self:
        self._cell = notebook_cell()
        return self

    def __exit__(self, *_: object) -> None:
        sys.stderr.flush()

    def __call__(self, measured: "Measurement", epochs: int) -> None:
        """Show what an epoch of ``epochs`` has reached."""
        left = (epochs - measured.epoch) * measured.seconds / measured.epoch
        parts = [
            f"epoch {measured.epoch}/{epochs}",
            f"{self._quality} {measured.accuracy:.4f} ± {measured.accuracy_error:.4f}",
            f"loss {measured.loss:.4f}",
            f"{format_duration(left)} left",
        ]
        if self._cell is not None:
            self._cell(f"{_drawn(measured.epoch, epochs)} {'  '.join(parts)}")
            return
        with suppress(BrokenPipeError):
            print("  ".join(parts), file=sys.stderr, flush=True)  # noqa: T201 - talk for people


def notebook_cell() -> Callable[[str], None] | None:
    """What shows a text in a notebook in place of the one before; None outside notebooks."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if not hasattr(shell, "kernel"):
        return None
    from IPython.display import display  # noqa: PLC0415 - there alone

    shown = display({"text/plain": ""}, raw=True, display_id=True)  # type: ignore[no-untyped-call] # IPython says no types here
    return lambda text: shown.update({"text/plain": text}, raw=True)


def _bar() -> "Bar":
    """A bar that says what the search is at."""
    from rich.progress import (  # noqa: PLC0415 - on a terminal alone
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
    )

    return Progress(
        BarColumn(bar_width=_WIDTH),
        MofNCompleteColumn(),
        TextColumn("{task.description}", markup=False),
        console=console(sys.stderr),
        transient=True,
    )


def _drawn(done: int, total: int) -> str:
    """A bar of characters."""
    full = _WIDTH * done // max(total, 1)
    return "█" * full + "░" * (_WIDTH - full)


def format_duration(seconds: float) -> str:
    """A duration for people: ``8 s``, ``12 min``, ``3.4 h``."""
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.1f} h"


def _summary(progress: "SearchProgress", left: float) -> str:
    best = progress.best_accuracy
    return "  ".join(
        [
            f"best {'-' if best is None else f'{best:.4f}'}",
            f"front {progress.front}",
            f"hypervolume {progress.hypervolume:.3f}",
            f"refused {progress.refused}",
            f"{format_duration(left)} left",
        ]
    )


def _baseline(record: "BaselineRecord") -> str:
    baseline = record.baseline
    size = f"{format_quantity(baseline.params)} params"
    parts = [baseline.network, size, f"seed {baseline.seed}"]
    if record.accuracy is not None and record.accuracy_error is not None:
        parts.append(f"accuracy {record.accuracy:.4f} ± {record.accuracy_error:.4f}")
    reasons = [reason for reason in (record.cause, record.detail) if reason]
    parts.append(str(record.state) + (f" ({': '.join(reasons)})" if reasons else ""))
    return "  ".join(parts)


def _trial(progress: "SearchProgress", *, brief: bool) -> str:
    measured, outcome = progress.measured, progress.outcome
    parts = [f"trial {progress.last.number}", f"{format_quantity(progress.last.params)} params"]
    if measured is not None:
        parts.append(f"accuracy {measured.accuracy:.4f} ± {measured.accuracy_error:.4f}")
    details = (outcome.cause, "as before" if brief else outcome.detail)
    reasons = [reason for reason in details if reason]
    parts.append(str(outcome.state) + (f" ({': '.join(reasons)})" if reasons else ""))
    return "  ".join(parts)
