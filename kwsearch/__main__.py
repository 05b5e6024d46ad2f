"""``python -m kwsearch`` and the console script ``kwsearch``."""

import logging
import signal
import sys

from kwsearch.cli import app
from kwsearch.guard import INTERRUPTED

_CTRL_C = 130
"""What typer ends with if Ctrl-C meets it outside any command."""


def main() -> None:
    """Run the command line."""
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
