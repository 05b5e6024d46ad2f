"""Commands that answer from the database."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from kwsearch.commands.options import (
    DETAILS,
    OF_MEANS,
    QUARTILES,
    AsCsv,
    AsJson,
    Database,
    Hypervolume,
    MaxLatency,
    MaxMacs,
    MaxParams,
    MinAccuracy,
    Name,
    Sure,
    Within,
    form_of,
)
from kwsearch.output import say, show_record, show_rows
from trials.names import check_name


def studies(database: Database = None, as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """List the studies of the database."""
    form = form_of(as_json, as_csv)
    from kwsearch import api

    show_rows(
        api.studies(database=database), form, empty="No study yet. Start one: kwsearch search STUDY"
    )


def status(
    name: Name,
    hypervolume: Hypervolume = "log",
    database: Database = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Tell how far a study is, and what it turned down."""
    form = form_of(as_json, as_csv)
    from kwsearch import api

    show_record(api.status(name, database=database, hypervolume=hypervolume), form)


def front(
    name: Name,
    max_params: MaxParams = None,
    max_macs: MaxMacs = None,
    max_latency: MaxLatency = None,
    min_accuracy: MinAccuracy = None,
    knee: Annotated[
        bool, typer.Option("--knee", help="Only where more parameters stop paying off.")
    ] = False,
    database: Database = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Print the front: trials that no other beats in both accuracy and cost."""
    form = form_of(as_json, as_csv)
    from kwsearch import api

    rows = api.front(
        name,
        database=database,
        max_params=max_params,
        max_macs=max_macs,
        max_latency=max_latency,
        min_accuracy=min_accuracy,
        knee=knee,
    )
    repeated = any(row["seeds"] > 1 for row in rows)
    hide = DETAILS if repeated else (*DETAILS, *OF_MEANS)
    show_rows(rows, form, hide=hide, empty="No trial on the front is like that.")
    if repeated:
        say(api.repeats(name, database=database)["sentence"])
    say(api.pays(name, database=database)["sentence"])


def best(
    name: Name,
    max_params: MaxParams = None,
    max_macs: MaxMacs = None,
    max_latency: MaxLatency = None,
    within: Within = None,
    sure: Sure = False,
    database: Database = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Print the most accurate trial inside a budget, or the smallest one about as good."""
    form = form_of(as_json, as_csv)
    from kwsearch import api

    record = api.best(
        name,
        max_params=max_params,
        max_macs=max_macs,
        max_latency=max_latency,
        within=within,
        sure=sure,
        database=database,
    )
    show_record(record, form)
    if record["seeds"] > 1:
        say(f"Chosen by means over several seeds; its own is over {record['seeds']:,} trainings.")


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
    form = form_of(as_json, as_csv)
    from kwsearch import api

    if parquet is not None:
        sys.stdout.write(f"{api.parquet(name, output=parquet, database=database)}\n")
        return
    hide = ("digest", "loss", "seconds", *QUARTILES)
    show_rows(api.trials(name, database=database), form, hide=hide, empty="No trial yet.")


def show(
    name: Name,
    trial: Annotated[int, typer.Argument(min=0, metavar="TRIAL", help="Number of the trial.")],
    database: Database = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show one trial: its curve, why it was stopped, and who beats it."""
    form = form_of(as_json, as_csv)
    from kwsearch import api

    show_record(api.show(name, trial, database=database), form)


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="A study, or a trial as STUDY:NUMBER.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    hypervolume: Hypervolume = "log",
    database: Database = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Put two studies, or two trials, side by side."""
    form = form_of(as_json, as_csv)
    for name in (a, b):
        check_name(name.partition(":")[0])
    from kwsearch import api

    show_rows(api.compare(a, b, database=database, hypervolume=hypervolume), form)


COMMANDS = (studies, status, front, best, trials, show, compare)
"""In the order of ``--help``."""
