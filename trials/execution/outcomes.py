"""The name that a failure is remembered by, and what it took."""

import resource
import sys

from search_spaces import KwsearchError
from trials.errors import NonFiniteError
from trials.records import Outcome, TrialState

_LONGEST = 500
_MIB = 2**20


def outcome_of(error: BaseException | None) -> Outcome:
    """How a trial ended whose measure returned (None) or raised ``error``; call it where it ran.

    Causes: ``non-finite`` for a loss or accuracy that is not a number, ``out-of-memory`` for
    host or accelerator memory, with the peak of this process in the detail, ``timeout``, and
    ``error`` for everything else.
    """
    if error is None:
        return Outcome(TrialState.COMPLETE)
    cause = _cause(error)
    return failed(cause, _line(error) + (f" {_peak()}" if cause == "out-of-memory" else ""))


def failed(cause: str, detail: str) -> Outcome:
    """A failure, its detail as one line of bounded length."""
    return Outcome(TrialState.FAILED, cause, " ".join(detail.split())[:_LONGEST])


def _cause(error: BaseException) -> str:
    if isinstance(error, NonFiniteError):
        return "non-finite"
    if isinstance(error, TimeoutError):
        return "timeout"
    return "out-of-memory" if _is_memory(error) else "error"


def _is_memory(error: BaseException) -> bool:
    """Whether memory was lacking, in Python's words, an accelerator's or torch's own on the host.

    torch's OutOfMemoryError derives from RuntimeError, and its allocator on the host raises a
    plain RuntimeError; torch is not imported for their sake.
    """
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


def _line(error: BaseException) -> str:
    text = str(error) if isinstance(error, KwsearchError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())[: _LONGEST - 100]  # leaves room for the peak


def _peak() -> str:
    """Peak memory of this process, and of its accelerator if torch uses one."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # kibibytes on Linux
    text = f"Peak memory {peak / _MIB:,.0f} MiB"
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        text += f", on the accelerator {torch.cuda.max_memory_allocated() / _MIB:,.0f} MiB"
    return f"{text}."
