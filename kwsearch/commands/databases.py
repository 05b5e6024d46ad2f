"""Commands that look after a database: ``kwsearch database ...``."""

import sys
from typing import Annotated

import typer

from kwsearch.commands.options import AsCsv, AsJson, Database, Name, form_of
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
    """Take the studies of other databases in; studies that are there are merged by network."""
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


def delete(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Delete a study with all that it has measured, its weights and its folder."""
    form = form_of(as_json, as_csv=False)
    from kwsearch import api

    study = api.status(name, database=database)
    if not yes:
        done = ", ".join(f"{study[state]} {state}" for state in ("complete", "stopped", "failed"))
        _ask(f"Delete study {name} ({done}) with its weights for good?")
    show_record(api.delete_study(name, database=database), form)


def rename(
    old: Annotated[str, typer.Argument(metavar="OLD", help="A study's name.", parser=check_name)],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Its new one.", parser=check_name)],
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Call a study by another name, with its weights and its folder."""
    form = form_of(as_json, as_csv=False)
    from kwsearch import api

    show_record(api.rename_study(old, new, database=database), form)


def _ask(question: str) -> None:
    """Go on only if a person says yes.

    Raises:
        InputError: nobody is there to be asked, or the answer is no.
    """
    if not _a_person_is_there():
        raise InputError(f"{question} Nobody can be asked here.", "Say so with --yes.")
    if not typer.confirm(escape(question), err=True):
        raise InputError("Nothing was changed.", "Answer y, or say --yes, to go on.")


def _a_person_is_there() -> bool:
    return sys.stdin.isatty()


COMMANDS = (upgrade, check, merge, delete, rename)
"""In the order of ``--help``."""
