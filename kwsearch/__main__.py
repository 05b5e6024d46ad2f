"""``python -m kwsearch`` and the console script ``kwsearch``."""

import gc
import logging
import signal
import sys

from kwsearch.installation import ForeignPackageError, check

_CTRL_C = 130
"""What typer ends with if Ctrl-C meets it outside any command."""


_BAD_INSTALLATION = 2

_OBJECTS = 50_000
"""Objects that are made before Python looks for unreachable ones. What a command imports stays
until it ends; looking through it every 700 objects was a seventh of the time of short commands."""


def main() -> None:
    """Run the command line."""
    gc.set_threshold(_OBJECTS)
    try:
        warning = check()
    except ForeignPackageError as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(_BAD_INSTALLATION) from None
    if warning:
        sys.stderr.write(f"warning: {warning}\n")
    from kwsearch.cli import app  # noqa: PLC0415 - what it imports has to be ours
    from kwsearch.guard import INTERRUPTED  # noqa: PLC0415 - likewise

    # SQLAlchemy logs a connection that an interrupt cut off; the command says it was interrupted.
    logging.getLogger("sqlalchemy").addHandler(logging.NullHandler())
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that cannot show a character gets its code
            stream.reconfigure(errors="backslashreplace")
    try:
        app(prog_name="kwsearch")
    except SystemExit as end:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done: let the process end in its way
        raise SystemExit(INTERRUPTED if end.code == _CTRL_C else end.code) from None


if __name__ == "__main__":
    main()
