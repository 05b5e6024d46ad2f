"""The name that a failure is remembered by."""

from search_spaces import KwsearchError
from trials.errors import NonFiniteError
from trials.records import Outcome, TrialState

_LONGEST = 500


def outcome_of(error: Exception | None) -> Outcome:
    """How a trial ended whose measure returned (None) or raised ``error``.

    Causes: ``non-finite`` for a loss or accuracy that is not a number, ``out-of-memory`` for
    host or accelerator memory, ``timeout``, and ``error`` for everything else.
    """
    if error is None:
        return Outcome(TrialState.COMPLETE)
    return Outcome(TrialState.FAILED, _cause(error), _line(error))


def _cause(error: Exception) -> str:
    if isinstance(error, NonFiniteError):
        return "non-finite"
    if isinstance(error, TimeoutError):
        return "timeout"
    # torch's own OutOfMemoryError derives from RuntimeError; torch is not imported for its name.
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "out-of-memory"
    return "error"


def _line(error: Exception) -> str:
    text = str(error) if isinstance(error, KwsearchError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:_LONGEST]
