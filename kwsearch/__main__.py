"""``python -m kwsearch`` and the console script ``kwsearch``."""

import sys

from kwsearch.cli import app


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that cannot show a character gets its code
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="kwsearch")


if __name__ == "__main__":
    main()
