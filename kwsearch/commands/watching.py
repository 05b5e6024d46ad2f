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
    wandb: Annotated[
        str | None,
        typer.Option(
            "--wandb",
            metavar="PROJECT",
            help="A project of Weights & Biases; in WANDB_DIR where WANDB_MODE=offline.",
        ),
    ] = None,
    trackio: Annotated[
        Path | None,
        typer.Option("--trackio", metavar="DIR", help="A project in this folder of trackio's."),
    ] = None,
    database: Database = None,
) -> None:
    """Write a study for other programs; again, for what is new since."""
    targets = {"tensorboard": tensorboard, "mlflow": mlflow, "wandb": wandb, "trackio": trackio}
    if not any(targets.values()):
        raise InputError(
            "A mirror needs somewhere to write.",
            "Name one or more: --tensorboard DIR, --mlflow URI, --wandb PROJECT, --trackio DIR.",
        )
    from kwsearch import api

    written = api.mirror(
        name,
        tensorboard=tensorboard,
        mlflow=mlflow,
        wandb=wandb,
        trackio=trackio,
        database=database,
    )
    for line in written:
        sys.stdout.write(f"{line}\n")


COMMANDS = (dashboard, mirror)
"""In the order of ``--help``."""
