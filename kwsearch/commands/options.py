"""What commands share: options, and how an answer is printed."""

from typing import Annotated, Literal

import typer

from kwsearch.output import Form
from kwsearch.quantities import parse_duration, parse_points, parse_quantity, parse_share
from search_spaces.errors import InputError
from trials.names import check_name

QUARTILES = ("latency_low", "latency_high", "hardware")
"""Columns that a table of timed trials leaves to JSON and CSV."""

DETAILS = ("digest", "state", "epochs", "loss", "seconds", "gain_low", "gain_high", *QUARTILES)
"""Columns of a trial that a table leaves to JSON and CSV."""

OF_MEANS = ("seeds", "accuracy_low", "accuracy_high")
"""Columns that say something where trials were trained from several seeds."""

Database = Annotated[
    str | None,
    typer.Option(
        envvar="KWSEARCH_DATABASE",
        metavar="URL",
        help="Database file or URL; runs/kwsearch.db if not given.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON, numbers exact.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Write CSV, numbers exact.")]
Study = Annotated[str, typer.Argument(metavar="STUDY", help="A study file, or a preset's name.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="A study's name.", parser=check_name)]
MaxParams = Annotated[
    int | None,
    typer.Option(metavar="P", parser=parse_quantity, help="Most parameters, such as 300k or 6M."),
]
MaxMacs = Annotated[
    int | None,
    typer.Option(metavar="M", parser=parse_quantity, help="Most MACs of one image, such as 20M."),
]
MaxLatency = Annotated[
    float | None,
    typer.Option(metavar="T", parser=parse_duration, help="Longest latency, such as 20ms."),
]
MinAccuracy = Annotated[
    float | None,
    typer.Option(metavar="A", parser=parse_share, help="Least accuracy, such as 0.9 or 90%."),
]
Within = Annotated[
    float | None,
    typer.Option(
        metavar="D%",
        parser=parse_points,
        help="The smallest network at most this much less accurate: 0.5% is half a point.",
    ),
]
Trials = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Trials in the whole study, instead of its own number."),
]
Sure = Annotated[
    bool,
    typer.Option("--sure", help="Choose by the lower end of the interval, among repeated trials."),
]
Hypervolume = Annotated[
    Literal["log", "linear"],
    typer.Option(
        help="Measure hypervolume over log-parameters, or linearly over parameters from 0."
    ),
]
TrustCode = Annotated[
    bool,
    typer.Option(
        "--trust-code",
        help="Run code that the file names, where the network is not kwsearch's, torchvision's or "
        "timm's.",
    ),
]


def form_of(as_json: bool, as_csv: bool) -> Form:
    """The form of output that the options ask for."""
    if as_json and as_csv:
        raise InputError("--json and --csv are two forms of one output.", "Give one of them.")
    return Form.JSON if as_json else Form.CSV if as_csv else Form.TABLE
