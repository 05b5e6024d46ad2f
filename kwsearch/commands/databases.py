"""Commands that look after a database: ``kwsearch database ...``."""

from typing import Annotated

import typer

from kwsearch.commands.options import AsCsv, AsJson, Database, form_of
from kwsearch.output import Form, escape, say, show_record, show_rows
from search_spaces.errors import InputError
from trials.errors import DamagedDataError
from trials.names import check_name

WhichStudy = Annotated[
    str | None,
    typer.Argument(metavar="NAME", help="Only this study.", parser=check_name, show_default=False),
]


def upgrade(
    no_backup: Annotated[
        bool, typer.Option("--no-backup", help="Make no copy first: there is one already.")
    ] = False,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Bring a database that an older version wrote to the present schema, after copying it."""
    from kwsearch import api

    done = api.upgrade_database(database=database, backup=not no_backup)
    show_record(done, form_of(as_json, as_csv=False))


def check(name: WhichStudy = None, database: Database = None, as_json: AsJson = False) -> None:
    """Look for damage and contradictions: counts, measurements, leases, every front."""
    from kwsearch import api

    found = api.check_database(name, database=database)
    faults = [*found["faults"]]
    if as_json:
        show_record(found, Form.JSON)
    else:
        show_record({key: value for key, value in found.items() if key != "faults"})
        for fault in faults:
            typer.echo(escape(fault))
    if faults:
        raise DamagedDataError(
            f"{len(faults)} faults were found in {found['database']}.",
            "Restore it from a copy, or merge what is sound in other copies into a new database.",
        )
    say("Nothing was found.")


def merge(
    others: Annotated[
        list[str], typer.Argument(metavar="OTHER...", help="Databases to take in, file or URL.")
    ],
    rename: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OLD=NEW", help="Another name for a study of the others; may be repeated."
        ),
    ] = None,
    database: Database = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Take the studies of other databases in; studies that are there are united by network."""
    form = form_of(as_json, as_csv)
    names = dict(_renaming(text) for text in rename or [])
    from kwsearch import api

    rows = api.merge_databases(others, database=database, rename=names)
    show_rows(rows, form, empty="The others hold no study.")


def _renaming(text: str) -> tuple[str, str]:
    old, sign, new = text.partition("=")
    if not sign:
        raise InputError(f"--rename {text!r} names one study.", "Write --rename OLD=NEW.")
    return check_name(old), check_name(new)


COMMANDS = (upgrade, check, merge)
"""In the order of ``--help``."""
