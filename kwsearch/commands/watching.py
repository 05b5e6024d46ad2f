"""Commands that show a study in other ways: live, and in other programs."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from kwsearch.commands.options import Database, Name
from search_spaces.errors import InputError

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


def mirror(
    name: Name,
    tensorboard: Annotated[
        Path | None,
        typer.Option("--tensorboard", metavar="DIR", help="Event files, a run a trial."),
    ] = None,
    mlflow: Annotated[
        str | None,
        typer.Option("--mlflow", metavar="URI", help="An experiment at this tracking URI."),
    ] = None,
    database: Database = None,
) -> None:
    """Write a study for TensorBoard or MLflow; again, for what is new since."""
    if tensorboard is None and mlflow is None:
        raise InputError(
            "A mirror needs a place.", "Name it with --tensorboard DIR, with --mlflow URI, or both."
        )
    from kwsearch import api

    for line in api.mirror(name, tensorboard=tensorboard, mlflow=mlflow, database=database):
        sys.stdout.write(f"{line}\n")


COMMANDS = (dashboard, mirror)
"""In the order of ``--help``."""
