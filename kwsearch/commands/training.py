"""The command that trains what a search has found."""

from pathlib import Path
from typing import Annotated

import typer

from kwsearch.commands.options import AsJson, Database, TrustCode
from kwsearch.output import Form, show_record
from kwsearch.progress import EpochProgress


def train(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that export wrote.")],
    data: Annotated[
        str | None,
        typer.Option(metavar="FOLDER", help="Images, by folder or name; those of the search."),
    ] = None,
    files: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where a named data set's files lie.")
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch a named data set's files.")
    ] = False,
    recipe: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A recipe.toml instead of the usual one.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, metavar="N", help="Another length.")] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(min=2, metavar="N", help="Other batches; the learning rate follows."),
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(metavar="R", help="Another peak of the learning rate.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(metavar="D", help="cpu or cuda; a GPU where there is one.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Seed of the training.")] = 0,
    start: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Weights of the plain network to start from.",
        ),
    ] = None,
    trust_code: TrustCode = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Where to write; DIR-trained."),
    ] = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Train an exported configuration to the end and measure it on the test images.

    A training that was stopped goes on when the same command is given again. Several GPUs or
    machines: torchrun --nproc-per-node 8 -m kwsearch train DIR.
    """
    form = Form.JSON if as_json else Form.TABLE
    from kwsearch import api

    with EpochProgress() as progress:
        results = api.train(
            folder,
            output=output,
            database=database,
            watch=progress,
            data=data,
            files=files,
            download=download,
            recipe=recipe,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            device=device,
            seed=seed,
            start=start,
            trust_code=trust_code,
        )
    if results is not None:
        show_record(results, form)


COMMANDS = (train,)
"""In the order of ``--help``."""
