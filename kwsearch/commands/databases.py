"""Commands that look after a database: ``kwsearch database ...``."""

from typing import Annotated

import typer

from kwsearch.commands.options import AsJson, Database
from kwsearch.output import Form, escape, say, show_record
from kwsearch.settings import check_name
from trials.errors import DamagedDataError

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
    show_record(done, _form(as_json))


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


def _form(as_json: bool) -> Form:
    return Form.JSON if as_json else Form.TABLE


COMMANDS = (upgrade, check)
"""In the order of ``--help``."""
