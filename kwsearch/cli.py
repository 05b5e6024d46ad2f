"""The command line: words in, one call of `kwsearch.api`, a table, JSON or CSV out.

The API is imported by the command that needs it: ``--help``, and refusing a bad study file, load
neither torch nor a database.
"""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kwsearch.guard import Guarded
from kwsearch.output import Form, say, show_record, show_rows
from kwsearch.progress import Progress, format_duration
from kwsearch.quantities import parse_quantity
from kwsearch.settings import StudySettings, check_name, load_study
from search_spaces.errors import InputError

if TYPE_CHECKING:
    from trials.records import StudyRecord

app = typer.Typer(
    name="kwsearch",
    cls=Guarded,
    help="How far a ConvNet can go inside a parameter budget.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_DETAILS = ("digest", "state", "epochs", "loss", "seconds")
"""Columns of a trial that a table leaves to JSON and CSV."""

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
Trials = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Trials in the whole study, instead of its own number."),
]


@app.command()
def search(
    study: Study,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Another name for the study.", parser=check_name),
    ] = None,
    trials: Trials = None,
    database: Database = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Run a study: propose, count, train, remember; then print its front."""
    form, source = _form(as_json, as_csv), _study(study)
    from kwsearch import api

    with Progress() as progress:
        record = api.search(source, database=database, name=name, trials=trials, watch=progress)
    _conclude(record, api.front(record.name, database=database), form)


@app.command()
def resume(
    name: Name,
    trials: Trials = None,
    steal: Annotated[
        bool, typer.Option("--steal", help="Take the study from a driver known to be dead.")
    ] = False,
    database: Database = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Take a study on to its number of trials, or to another; then print its front."""
    form = _form(as_json, as_csv)
    from kwsearch import api

    with Progress() as progress:
        record = api.resume(name, database=database, trials=trials, watch=progress, steal=steal)
    _conclude(record, api.front(record.name, database=database), form)


@app.command()
def init(
    preset: Annotated[
        str, typer.Argument(metavar="PRESET", help="A shipped study, such as quickstart.")
    ],
) -> None:
    """Print a preset as a study file that explains every setting."""
    from kwsearch import api

    sys.stdout.write(api.init(preset))


@app.command()
def plan(
    study: Study,
    params: Annotated[
        int | None,
        typer.Option(metavar="P", parser=parse_quantity, help="Parameters to come near, as 6M."),
    ] = None,
    count: Annotated[
        int, typer.Option(min=1, metavar="N", help="How many configurations to list.")
    ] = 20,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Seed of the proposals.")] = 0,
    references: Annotated[
        bool,
        typer.Option("--references", help="Add published networks, marked; a table has them."),
    ] = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List configurations of a size, counted exactly, before anything is trained."""
    form, source = _form(as_json, as_csv), _study(study)
    from kwsearch import api

    shown = references or form is Form.TABLE
    rows = api.plan(source, params=params, number=count, seed=seed, references=shown)
    show_rows(rows, form, hide=_DETAILS, empty="No configuration comes near.")


@app.command()
def count(
    config: Annotated[
        str, typer.Argument(metavar="CONFIG", help="A configuration as JSON, or a published one.")
    ],
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Count parameters and MACs of a configuration, in total, per warehouse and per site."""
    form = _form(as_json, as_csv)
    from kwsearch import api

    show_record(api.count(config), form)


@app.command()
def studies(database: Database = None, as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """List the studies of the database."""
    form = _form(as_json, as_csv)
    from kwsearch import api

    show_rows(
        api.studies(database=database), form, empty="No study yet. Start one: kwsearch search STUDY"
    )


@app.command()
def status(
    name: Name, database: Database = None, as_json: AsJson = False, as_csv: AsCsv = False
) -> None:
    """Tell how far a study is, and what it turned down."""
    form = _form(as_json, as_csv)
    from kwsearch import api

    show_record(api.status(name, database=database), form)


@app.command()
def front(
    name: Name,
    max_params: MaxParams = None,
    min_accuracy: Annotated[
        float | None,
        typer.Option(min=0, max=1, metavar="A", help="Least accuracy, as a share: 0.9."),
    ] = None,
    knee: Annotated[
        bool, typer.Option("--knee", help="Only where more parameters stop paying off.")
    ] = False,
    database: Database = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Print the front: trials that no other beats in both accuracy and parameters."""
    form = _form(as_json, as_csv)
    from kwsearch import api

    rows = api.front(
        name, database=database, max_params=max_params, min_accuracy=min_accuracy, knee=knee
    )
    show_rows(rows, form, hide=_DETAILS, empty="No trial on the front is like that.")


@app.command()
def best(
    name: Name,
    max_params: MaxParams = None,
    database: Database = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Print the most accurate trial inside a budget."""
    form = _form(as_json, as_csv)
    from kwsearch import api

    show_record(api.best(name, max_params=max_params, database=database), form)


@app.command()
def trials(
    name: Name,
    parquet: Annotated[
        Path | None,
        typer.Option("--parquet", metavar="FILE", help="Write a Parquet file (needs pyarrow)."),
    ] = None,
    database: Database = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List every trial of a study."""
    form = _form(as_json, as_csv)
    from kwsearch import api

    if parquet is not None:
        sys.stdout.write(f"{api.parquet(name, output=parquet, database=database)}\n")
        return
    hide = ("digest", "loss", "seconds")
    show_rows(api.trials(name, database=database), form, hide=hide, empty="No trial yet.")


@app.command()
def show(
    name: Name,
    trial: Annotated[int, typer.Argument(min=0, metavar="TRIAL", help="Number of the trial.")],
    database: Database = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show one trial: its curve, why it was stopped, and who beats it."""
    form = _form(as_json, as_csv)
    from kwsearch import api

    show_record(api.show(name, trial, database=database), form)


@app.command()
def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="A study, or a trial as STUDY:NUMBER.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    database: Database = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Put two studies, or two trials, side by side."""
    form = _form(as_json, as_csv)
    for name in (a, b):
        check_name(name.partition(":")[0])
    from kwsearch import api

    show_rows(api.compare(a, b, database=database), form)


@app.command()
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


@app.command()
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


def _form(as_json: bool, as_csv: bool) -> Form:
    if as_json and as_csv:
        raise InputError("--json and --csv are two forms of one output.", "Give one of them.")
    return Form.JSON if as_json else Form.CSV if as_csv else Form.TABLE


def _study(text: str) -> StudySettings | str:
    """A study file's settings, or the text itself where it can only be a preset's name."""
    if text.endswith(".toml") or "/" in text or Path(text).exists():
        return load_study(text)
    return text


def _conclude(record: "StudyRecord", rows: Iterable[Mapping[str, Any]], form: Form) -> None:
    refused = sum(record.refused.values())
    say(
        f"Study {record.name}: {record.finished} of {record.spec.trials} trials, "
        f"{format_duration(record.seconds)} of training, {refused} proposals turned down."
    )
    show_rows([*rows], form, hide=_DETAILS, empty="No trial reached the front.")
