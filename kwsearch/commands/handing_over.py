"""Commands that write what was found to files."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from kwsearch.commands.options import Database, MaxParams, Name
from search_spaces.errors import InputError


def report(
    name: Name,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="A page (.html), or the front as .png, .pdf or .svg; runs/NAME/report.html.",
        ),
    ] = None,
    database: Database = None,
) -> None:
    """Write one self-contained page about a study, or a picture of its front."""
    from kwsearch import api

    sys.stdout.write(f"{api.report(name, output=output, database=database)}\n")


def export(
    name: Name,
    folder: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="A new folder.")],
    trial: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Number of the trial.")
    ] = None,
    max_params: MaxParams = None,
    database: Database = None,
) -> None:
    """Write a trial's configuration, its counts and where it came from into a folder."""
    if (trial is None) == (max_params is None):
        raise InputError(
            "An export needs one trial.",
            "Name it with --trial N, or as the best under --max-params P.",
        )
    from kwsearch import api

    written = api.export(name, folder=folder, trial=trial, max_params=max_params, database=database)
    sys.stdout.write(f"{written}\n")


COMMANDS = (report, export)
"""In the order of ``--help``."""
