"""Every way a command ends: each error with its exit code, one line of cause and one of cure.

0 done, 2 bad input, 3 storage, 4 study busy, 5 interrupted, 6 nothing feasible or nothing found,
7 damaged data.
Anything else is a bug, ends with 1 and shows where it happened.
"""

import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from kwsearch.output import say, show_error
from search_spaces.errors import KwsearchError

STORAGE, INTERRUPTED = 3, 5


class Guarded(TyperGroup):
    """A group of commands whose errors become exit codes."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer has no public name for the type
        """Run the command that was named."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:  # the reader has seen enough
            _silence(sys.stdout)
            raise typer.Exit(0) from None
        except (KwsearchError, KeyboardInterrupt, OSError) as error:
            raise typer.Exit(_told(error)) from None
        return result


def _told(error: BaseException) -> int:
    """Tell the error, and return its exit code."""
    try:
        if isinstance(error, KwsearchError):
            show_error(error)
            return error.exit_code
        if isinstance(error, OSError):
            at = f" ({error.filename})" if error.filename else ""
            say(f"error: {error.strerror or error}{at}.")
            say("Check that the place exists, can be written and has space left.")
            return STORAGE
        say("Interrupted.")
    except BrokenPipeError:
        _silence(sys.stderr)
        return getattr(error, "exit_code", INTERRUPTED)
    return INTERRUPTED


def _silence(stream: Any) -> None:  # noqa: ANN401 - any stream with a descriptor
    """Send what is still buffered nowhere, so that closing the stream does not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
