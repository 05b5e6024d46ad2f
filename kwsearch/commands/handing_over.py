"""Commands that write what was found to files."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from kwsearch.commands.options import (
    AsCsv,
    AsJson,
    Database,
    Hypervolume,
    MaxLatency,
    MaxParams,
    Name,
    Sure,
    TrustCode,
    form_of,
)
from kwsearch.output import say, show_record
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
    hypervolume: Hypervolume = "log",
    database: Database = None,
) -> None:
    """Write one self-contained page about a study, or a picture of its front."""
    from kwsearch import api

    file = api.report(name, output=output, database=database, hypervolume=hypervolume)
    sys.stdout.write(f"{file}\n")


def export(
    name: Name,
    folder: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="A new folder.")],
    trial: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Number of the trial.")
    ] = None,
    max_params: MaxParams = None,
    max_latency: MaxLatency = None,
    sure: Sure = False,
    ladder: Annotated[
        str | None,
        typer.Option(
            metavar="SIZES",
            help="The best under each size: 1/4x,1x,4x of the plain network, or 300k,1M.",
        ),
    ] = None,
    onnx: Annotated[
        bool, typer.Option("--onnx", help="Add the network as an ONNX graph, checked on images.")
    ] = False,
    trust_code: TrustCode = False,
    database: Database = None,
) -> None:
    """Write a network with its counts, its model card and where it came from into a folder."""
    limit = max_params if max_latency is None else max_latency
    if [trial, limit, ladder].count(None) != 2:  # noqa: PLR2004 - all but one
        raise InputError(
            "An export needs one choice of trials.",
            "Give --trial N, --max-params P or --max-latency T for the best under it, or --ladder "
            "SIZES.",
        )
    if sure and limit is None:
        raise InputError(
            "--sure chooses under --max-params or --max-latency.", "Give one of them, or no --sure."
        )
    from kwsearch import api

    if onnx:
        say("Writing each graph and comparing it with its network takes a minute or so.")
    if ladder is None:
        written = api.export(
            name,
            folder=folder,
            trial=trial,
            max_params=max_params,
            max_latency=max_latency,
            sure=sure,
            onnx=onnx,
            trust_code=trust_code,
            database=database,
        )
        sys.stdout.write(f"{written}\n")
        _tell_weights(written)
        return
    rows = api.export_ladder(
        name, folder=folder, sizes=ladder, onnx=onnx, trust_code=trust_code, database=database
    )
    for row in rows:
        _tell_rung(folder, row)


def _tell_weights(folder: Path) -> None:
    from kwsearch.exporting.layout import WEIGHTS

    if not (folder / WEIGHTS).exists():
        say(
            f"{folder} holds no weights: none are kept of this trial, or they lie neither in runs "
            f"here nor beside the database. Train it: kwsearch train {folder}"
        )


def _tell_rung(folder: Path, row: Mapping[str, Any]) -> None:
    """A folder that was written goes to standard output, why there is none to standard error."""
    if row["folder"] == row["rung"]:
        sys.stdout.write(f"{folder / row['folder']}\n")
        _tell_weights(folder / row["folder"])
    elif row["folder"]:
        say(f"{row['rung']}: trial {row['trial']} is the best here too, see {row['folder']}.")
    else:
        say(f"{row['rung']}: no complete trial has at most {row['max_params']:,} parameters.")


def verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="An exported folder.")],
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Check an exported folder: every byte, its digest and counts, the network and its weights."""
    form = form_of(as_json, as_csv)
    from kwsearch import api

    show_record(api.verify(folder), form)


COMMANDS = (report, export, verify)
"""In the order of ``--help``."""
