"""The command that trains what a search has found."""

from pathlib import Path
from typing import Annotated

import typer

from kwsearch.commands.options import AsJson, Database, TrustCode
from kwsearch.output import Form, say, show_record
from kwsearch.progress import EpochProgress


def train(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder that export or train wrote.")
    ],
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
    skip_damaged: Annotated[
        bool,
        typer.Option("--skip-damaged", help="Leave files out that cannot be decoded, and say so."),
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
            help="Weights of the plain network to start from; with --task detection also a folder "
            "that export or train wrote.",
        ),
    ] = None,
    onnx: Annotated[
        bool, typer.Option("--onnx", help="Add the network as an ONNX graph, checked on images.")
    ] = False,
    trust_code: TrustCode = False,
    task: Annotated[
        str | None,
        typer.Option(
            metavar="T",
            help="detection: a detector with the network as its backbone, on a folder in COCO's "
            "format.",
        ),
    ] = None,
    detector: Annotated[
        str | None,
        typer.Option(metavar="D", help="mask-rcnn, faster-rcnn or retinanet; mask-rcnn."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Where to write; DIR-trained."),
    ] = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Train an exported configuration to the end and measure it on the test images.

    A training that was stopped goes on when the same command is given again. Several GPUs or
    machines: torchrun --nproc-per-node 8 -m kwsearch train DIR. The folder of a network that was
    trained to the end is gone on with from its weights, at a tenth of the learning rate.
    """
    form = Form.JSON if as_json else Form.TABLE
    from kwsearch import api

    with EpochProgress("accuracy" if task is None else "map") as progress:
        results = api.train(
            folder,
            output=output,
            database=database,
            watch=progress,
            tell=say,
            data=data,
            files=files,
            download=download,
            skip_damaged=skip_damaged,
            recipe=recipe,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            device=device,
            seed=seed,
            start=start,
            onnx=onnx,
            trust_code=trust_code,
            task=task,
            detector=detector,
        )
    if results is not None:
        show_record(results, form)


COMMANDS = (train,)
"""In the order of ``--help``."""
