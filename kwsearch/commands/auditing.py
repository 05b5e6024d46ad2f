"""The command that asks how far the proxy of a study is to be believed."""

from typing import Annotated

import typer

from kwsearch.commands.options import AsCsv, AsJson, Database, Name, form_of
from kwsearch.output import Form, say, show_record, show_rows
from kwsearch.progress import Progress


def audit(
    name: Name,
    networks: Annotated[
        int | None,
        typer.Option(min=3, metavar="N", help="Networks to train; 8, or as many as the last time."),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(min=2, metavar="E", help="Epochs of each; 60, or those of the last time."),
    ] = None,
    steal: Annotated[
        bool, typer.Option("--steal", help="Take the study from a driver known to be dead.")
    ] = False,
    database: Database = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Train some networks for much longer, and say how far the short training ranks them alike."""
    form = form_of(as_json, as_csv)
    from kwsearch import api

    with Progress() as progress:
        found = api.audit(
            name,
            networks=networks,
            epochs=epochs,
            database=database,
            watch=progress.baseline,
            steal=steal,
        )
    if form is Form.JSON:
        show_record(found, form)
    else:
        show_rows(found["networks"], form, empty="No network was trained.")
    if form is Form.TABLE:
        told = [row for row in found["taus"] if row["tau"] is not None]
        show_rows(told, form, empty="Too few networks for Kendall's tau.")
    say(found["sentence"])


COMMANDS = (audit,)
"""In the order of ``--help``."""
