"""The command that shows a study while it is searched."""

import sys
from typing import Annotated

import typer

from kwsearch.commands.options import Database, Name

PORT = 8411
"""Unless another is asked for."""


def dashboard(
    name: Name,
    port: Annotated[
        int,
        typer.Option(min=0, max=65535, metavar="P", help="Port of 127.0.0.1; 0 takes a free one."),
    ] = PORT,
    optuna: Annotated[
        bool, typer.Option("--optuna", help="In optuna-dashboard, on a mirror of the study.")
    ] = False,
    database: Database = None,
) -> None:
    """Show a study in the browser while it is searched, until Ctrl-C."""
    from kwsearch import api

    api.dashboard(name, port=port, optuna=optuna, database=database, ready=_tell)


def _tell(address: str) -> None:
    sys.stdout.write(f"{address}\n")
    sys.stdout.flush()


COMMANDS = (dashboard,)
"""In the order of ``--help``."""
